#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "child_process.hpp"
#include "fleet.hpp"
#include "io/temporary_directory.hpp"
#include "tocsin_gateway/mqtt_client.hpp"
#include <arpa/inet.h>
#include <cstdio>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>

// Path of the broker; CMake writes its definition.
extern const char* const mosquitto_path;

using namespace gateway_tests;
using tocsin_gateway::mqtt_client;
using tocsin_gateway::mqtt_message;
using tocsin_gateway::mqtt_settings;

namespace {

constexpr int devices = 10;
constexpr int samples = 60;

/// A port of the loopback interface that nobody uses now.
std::uint16_t free_port() {
    const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(handle, plain, size) == 0);
    REQUIRE(::getsockname(handle, plain, &size) == 0);
    ::close(handle);
    return ntohs(address.sin_port);
}

/// A broker of its own in a folder of its own, which remembers its sessions.
class broker {
  public:
    broker() {
        std::ofstream settings{folder_ / "settings"};
        settings
            << "listener " << port_ << " 127.0.0.1\nallow_anonymous true\npersistence true\n"
            << "persistence_location " << (folder_ / "").string() << "\n"
            << "max_queued_messages 100000\nuser root\n"; // as root it would become another user
        settings.close();
        process_ = child_process{{mosquitto_path, "-c", path("settings")}, "", "", path("broker")};
    }
    std::uint16_t port() const noexcept { return port_; }
    std::string path(const char* name) const { return (folder_ / name).string(); }

  private:
    tocsin_test::temporary_directory folder_;
    std::uint16_t port_ = free_port();
    child_process process_;
};

std::string text_of(const std::string& path) {
    const auto text = tocsin::read_file(path);
    return text ? *text : std::string{};
}

/// Publishes and waits for the broker to take it; gives up after a minute.
void publish_all(mqtt_client& client, int first, int last) {
    for (int t = first; t < last; ++t) {
        for (int device = 0; device < devices; ++device) {
            client.publish("devices/" + device_name(device) + "/samples", payload_of(device, t));
        }
    }
    std::vector<mqtt_message> none;
    for (int k = 0; k < 3000 && client.unacknowledged() > 0; ++k) {
        REQUIRE(client.poll(none, std::chrono::milliseconds{20}).ok());
    }
    REQUIRE(client.unacknowledged() == 0);
}

} // namespace

TEST_CASE("gateway mqtt: gateway killed, samples queued meanwhile: the same bits") {
    std::signal(SIGPIPE, SIG_IGN);
    broker with;
    REQUIRE(save_fleet_model(with.path("pump.safetensors")).ok());
    // What one process says that nothing happens to.
    {
        std::ofstream input{with.path("input")};
        for (int t = 0; t < samples; ++t) {
            for (int device = 0; device < devices; ++device) {
                input << payload_of(device, t) << '\n';
            }
        }
        input.close();
        child_process lines{{gateway_path, "lines", "--model", with.path("pump.safetensors")},
                            with.path("input"),
                            with.path("expected"),
                            ""};
        REQUIRE(lines.wait() == 0);
    }
    position_reader expected;
    std::istringstream whole{text_of(with.path("expected"))};
    for (std::string line; std::getline(whole, line);) {
        expected.read(line);
    }
    REQUIRE(expected.taken.size() == devices);

    const auto start = [&] {
        return child_process{{gateway_path, "mqtt", "--model", with.path("pump.safetensors"),
                              "--port", std::to_string(with.port()), "--client", "gateway",
                              "--topic", "devices/+/samples", "--device-level", "1", "--publish",
                              "out", "--state", with.path("state"), "--checkpoint-milliseconds",
                              "100"},
                             "",
                             "",
                             with.path("errors")};
    };
    const auto settings = [&](const char* name, std::vector<std::string> topics) {
        mqtt_settings made;
        made.port = with.port();
        made.client = name;
        made.topics = std::move(topics);
        return made;
    };
    mqtt_client publisher{settings("publisher", {})};
    mqtt_client reader{settings("reader", {"out/verdicts/+"})};
    for (int k = 0; k < 200 && !reader.connected(); ++k) { // the broker takes a moment
        REQUIRE(reader.start().ok());
    }
    REQUIRE(publisher.start().ok());
    position_reader verdicts;
    const auto total = [&] {
        std::size_t count = 0;
        for (const auto& [device, lines] : verdicts.taken) {
            count += lines.size();
        }
        return count;
    };
    const auto read_until = [&](std::size_t count) {
        for (int k = 0; k < 3000 && total() < count; ++k) {
            std::vector<mqtt_message> messages;
            REQUIRE(reader.poll(messages, std::chrono::milliseconds{20}).ok());
            for (const mqtt_message& one : messages) {
                verdicts.read(one.payload);
                reader.acknowledge(one.packet);
            }
        }
        CHECK(total() >= count);
    };

    // A subscription makes the session; what is published before has no reader.
    {
        mqtt_client first{settings("gateway", {"devices/+/samples"})};
        REQUIRE(first.start().ok());
        std::vector<mqtt_message> none;
        for (int k = 0; k < 50; ++k) {
            REQUIRE(first.poll(none, std::chrono::milliseconds{20}).ok());
        }
        REQUIRE(first.connected());
    }

    publish_all(publisher, 0, 10); // while there is no gateway: the broker keeps them
    child_process gateway = start();
    read_until(50);
    gateway.end(SIGKILL);
    publish_all(publisher, 10, 25);
    gateway = start();
    read_until(150);
    publish_all(publisher, 25, 40);
    read_until(300);
    gateway.end(SIGKILL);
    gateway = start();
    publish_all(publisher, 40, samples);
    read_until(devices * samples);
    CHECK(gateway.end(SIGTERM) == 0);

    const std::string errors = text_of(with.path("errors"));
    CAPTURE(errors);
    CHECK(verdicts.gaps == 0);
    CHECK(verdicts.contradictions == 0);
    CHECK(verdicts.taken == expected.taken);
    std::printf("%d devices, %zu verdicts, %d repeats left out\n", devices, total(),
                verdicts.repeats);
}

TEST_CASE("gateway mqtt: packets in pieces are put together, broken ones are refused") {
    using namespace tocsin_gateway;
    mqtt_writer out;
    out.text("a/b");
    out.two(7);
    out.byte(0);
    out.rest(std::string(300, 'x'));
    const std::string packet = out.packet(mqtt_type::publish, 2);
    bool broken = false;
    for (std::size_t size = 0; size < packet.size(); ++size) {
        CHECK(!first_packet(std::string_view{packet}.substr(0, size), broken));
        CHECK(!broken);
    }
    const std::string two = packet + packet;
    const auto found = first_packet(two, broken);
    REQUIRE(found);
    CHECK(found->size == packet.size());
    CHECK(found->type == mqtt_type::publish);
    mqtt_reader in{found->body};
    CHECK(in.text() == "a/b");
    CHECK(in.two() == 7);
    CHECK(in.take(in.variable()).empty());
    CHECK(in.rest() == std::string(300, 'x'));
    CHECK(in.ok());
    in.take(301);
    CHECK(!in.ok());
    first_packet("\x30\xFF\xFF\xFF\xFF\x01", broken);
    CHECK(broken);
    first_packet("\x30\xFF\xFF\xFF\x7F", broken); // 256 MiB
    CHECK(broken);
}
