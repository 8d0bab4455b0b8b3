#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "child_process.hpp"
#include "fleet.hpp"
#include "http_get.hpp"
#include "io/temporary_directory.hpp"
#include "tocsin_gateway/mqtt_client.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <thread>

// Path of the broker; CMake writes its definition.
extern const char* const mosquitto_path;

using namespace gateway_tests;
using tocsin_gateway::mqtt_client;
using tocsin_gateway::mqtt_message;
using tocsin_gateway::mqtt_settings;

namespace {

constexpr int devices = 10;
constexpr int samples = 60;

/// A free port of the loopback interface.
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

/// A separate broker in its own folder, with persistent sessions.
class broker {
  public:
    /// @param further lines of its settings
    explicit broker(const char* further = "") {
        std::ofstream settings{folder_ / "settings"};
        settings
            << "listener " << port_ << " 127.0.0.1\nallow_anonymous true\npersistence true\n"
            << "persistence_location " << (folder_ / "").string() << "\n"
            << "max_queued_messages 100000\nuser root\n" // as root it would become another user
            << further;
        settings.close();
        start();
    }
    void start() {
        process_ = child_process{{mosquitto_path, "-c", path("settings")}, "", "", path("broker")};
    }
    void signal(int number) const { process_.signal(number); }
    /// Stops it cleanly: it keeps unacknowledged messages.
    void stop() { process_.end(SIGTERM); }
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

/// The verdicts of one uninterrupted process.
verdict_lines uninterrupted(const broker& with) {
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
    position_reader expected;
    std::istringstream whole{text_of(with.path("expected"))};
    for (std::string line; std::getline(whole, line);) {
        expected.read(line);
    }
    return expected.taken;
}

child_process start_gateway(const broker& with, const std::vector<std::string>& further = {}) {
    std::vector<std::string> arguments{gateway_path,     "mqtt",
                                       "--model",        with.path("pump.safetensors"),
                                       "--port",         std::to_string(with.port()),
                                       "--client",       "gateway",
                                       "--topic",        "devices/+/samples",
                                       "--device-level", "1",
                                       "--publish",      "out",
                                       "--state",        with.path("state")};
    arguments.insert(arguments.end(), further.begin(), further.end());
    if (std::find(further.begin(), further.end(), "--checkpoint-milliseconds") == further.end()) {
        arguments.insert(arguments.end(), {"--checkpoint-milliseconds", "100"});
    }
    return {arguments, "", "", with.path("errors")};
}

mqtt_settings settings_of(const broker& with, const char* name, std::vector<std::string> topics) {
    mqtt_settings made;
    made.port = with.port();
    made.client = name;
    made.topics = std::move(topics);
    return made;
}

/// Polls until the broker has taken the client and its subscription. The broker needs a moment, on a
/// busy machine up to half a minute; poll() returns at once where it refuses the connection.
void subscribe(mqtt_client& client, std::vector<mqtt_message>& received) {
    const auto poll = [&] { REQUIRE(client.poll(received, std::chrono::milliseconds{20}).ok()); };
    REQUIRE(client.start().ok());
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!client.connected() && std::chrono::steady_clock::now() < latest) {
        poll();
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    REQUIRE(client.connected());
    for (int k = 0; k < 25; ++k) {
        poll();
    }
}

/// Reads verdicts until those of a number of samples have arrived; gives up after a minute.
class verdict_reader {
  public:
    explicit verdict_reader(const broker& with)
        : client_{settings_of(with, "reader", {"out/verdicts/+"})} {
        std::vector<mqtt_message> received;
        subscribe(client_, received);
        CHECK(received.empty()); // there is no gateway yet
    }
    std::size_t total() const {
        std::size_t count = 0;
        for (const auto& [device, lines] : verdicts.taken) {
            count += lines.size();
        }
        return count;
    }
    void poll() {
        std::vector<mqtt_message> messages;
        REQUIRE(client_.poll(messages, std::chrono::milliseconds{20}).ok());
        for (const mqtt_message& one : messages) {
            verdicts.read(one.payload);
            client_.acknowledge(one.packet, one.connection);
        }
    }
    void read_until(std::size_t count) {
        for (int k = 0; k < 3000 && total() < count; ++k) {
            poll();
        }
        CHECK(total() >= count);
    }
    position_reader verdicts;

  private:
    mqtt_client client_;
};

/// A subscription creates the session of the gateway; earlier messages have no reader.
void subscribe_gateway(const broker& with) {
    mqtt_client first{settings_of(with, "gateway", {"devices/+/samples"})};
    std::vector<mqtt_message> none;
    subscribe(first, none);
}

/// Publishes, without waiting for the broker.
void hand_over(mqtt_client& client, int first, int last) {
    for (int t = first; t < last; ++t) {
        for (int device = 0; device < devices; ++device) {
            client.publish("devices/" + device_name(device) + "/samples", payload_of(device, t));
        }
    }
}

/// Publishes and waits for the broker's acknowledgement; gives up after a minute.
void publish_all(mqtt_client& client, int first, int last) {
    hand_over(client, first, last);
    std::vector<mqtt_message> none;
    for (int k = 0; k < 3000 && client.unacknowledged() > 0; ++k) {
        REQUIRE(client.poll(none, std::chrono::milliseconds{20}).ok());
    }
    REQUIRE(client.unacknowledged() == 0);
}

/// The gateway ends with success, and every device has the verdicts of one process.
void check_end(child_process& gateway, const broker& with, const verdict_reader& reader,
               const verdict_lines& expected) {
    CHECK(gateway.end(SIGTERM) == 0);
    const std::string errors = text_of(with.path("errors"));
    CAPTURE(errors);
    CHECK(reader.verdicts.gaps == 0);
    CHECK(reader.verdicts.contradictions == 0);
    CHECK(reader.verdicts.taken == expected);
}

} // namespace

TEST_CASE("gateway mqtt: gateway killed, samples queued meanwhile: bit for bit") {
    std::signal(SIGPIPE, SIG_IGN);
    broker with;
    REQUIRE(save_fleet_model(with.path("pump.safetensors")).ok());
    const verdict_lines expected = uninterrupted(with);
    REQUIRE(expected.size() == devices);

    mqtt_client publisher{settings_of(with, "publisher", {})};
    verdict_reader reader{with};
    REQUIRE(publisher.start().ok());
    subscribe_gateway(with);

    publish_all(publisher, 0, 10); // while there is no gateway: the broker keeps them
    child_process gateway = start_gateway(with);
    reader.read_until(50);
    gateway.end(SIGKILL);
    publish_all(publisher, 10, 25);
    gateway = start_gateway(with);
    reader.read_until(150);
    publish_all(publisher, 25, 40);
    reader.read_until(300);
    gateway.end(SIGKILL);
    gateway = start_gateway(with);
    publish_all(publisher, 40, samples);
    reader.read_until(devices * samples);
    check_end(gateway, with, reader, expected);
    std::printf("%d devices, %zu verdicts, %d repeats left out\n", devices, reader.total(),
                reader.verdicts.repeats);
}

TEST_CASE("gateway mqtt: the broker stops and starts while samples flow: nothing is lost") {
    std::signal(SIGPIPE, SIG_IGN);
    broker with;
    REQUIRE(save_fleet_model(with.path("pump.safetensors")).ok());
    const verdict_lines expected = uninterrupted(with);
    mqtt_client publisher{settings_of(with, "publisher", {})};
    verdict_reader reader{with};
    REQUIRE(publisher.start().ok());
    subscribe_gateway(with);
    // The publisher sends unacknowledged messages again; the broker does not recognise repeats.
    child_process gateway = start_gateway(with, {"--in-order"});
    std::vector<mqtt_message> none;
    constexpr int restarts = 3;
    for (int k = 0; k < restarts; ++k) {
        hand_over(publisher, samples * k / restarts, samples * (k + 1) / restarts);
        // Some samples are acknowledged, some in flight, some not sent yet.
        const std::size_t many = publisher.unacknowledged();
        for (int n = 0; n < 3000 && publisher.unacknowledged() > many / 2; ++n) {
            REQUIRE(publisher.poll(none, std::chrono::milliseconds{1}).ok());
        }
        reader.poll();
        with.stop();
        for (int n = 0; n < 10; ++n) {
            REQUIRE(publisher.poll(none, std::chrono::milliseconds{20}).ok());
            reader.poll();
        }
        with.start();
        for (int n = 0; n < 3000 && publisher.unacknowledged() > 0; ++n) {
            REQUIRE(publisher.poll(none, std::chrono::milliseconds{10}).ok());
            reader.poll();
        }
        REQUIRE(publisher.unacknowledged() == 0);
        CHECK(publisher.connection() > k + 1);
    }
    reader.read_until(devices * samples);
    check_end(gateway, with, reader, expected);
    std::printf("%d restarts of the broker, %zu verdicts, %d repeats left out\n", restarts,
                reader.total(), reader.verdicts.repeats);
}

TEST_CASE(
    "gateway mqtt: without acknowledgements, the broker sends 20 messages, or as many as set") {
    std::signal(SIGPIPE, SIG_IGN);
    const broker with{"max_inflight_messages 1000\n"}; // its own limit is 20, too
    mqtt_client publisher{settings_of(with, "publisher", {})};
    for (const std::uint16_t most : {mqtt_settings{}.most_unacknowledged, std::uint16_t{5}}) {
        CAPTURE(most);
        mqtt_settings settings =
            settings_of(with, ("gateway" + std::to_string(most)).c_str(), {"devices/+/samples"});
        settings.most_unacknowledged = most;
        mqtt_client client{settings};
        std::vector<mqtt_message> received;
        const auto poll = [&] {
            REQUIRE(client.poll(received, std::chrono::milliseconds{20}).ok());
        };
        subscribe(client, received);
        if (!publisher.connected()) {
            REQUIRE(publisher.start().ok());
        }
        publish_all(publisher, 0, 5);
        for (int k = 0; k < 3000 && received.size() < most; ++k) {
            poll();
        }
        for (int k = 0; k < 50; ++k) { // no further one
            poll();
        }
        CHECK(received.size() == most);
        std::size_t acknowledged = 0;
        for (int k = 0; k < 3000 && received.size() < 5 * devices; ++k) {
            for (; acknowledged < received.size(); ++acknowledged) {
                client.acknowledge(received[acknowledged].packet,
                                   received[acknowledged].connection);
            }
            poll();
        }
        REQUIRE(received.size() == 5 * devices);
        for (int k = 0; k < 5 * devices; ++k) { // each once, in order
            CHECK(received[static_cast<std::size_t>(k)].payload ==
                  payload_of(k % devices, k / devices));
        }
    }
}

TEST_CASE("gateway mqtt: a checkpoint is made before the broker waits for one") {
    std::signal(SIGPIPE, SIG_IGN);
    broker with;
    REQUIRE(save_fleet_model(with.path("pump.safetensors")).ok());
    const verdict_lines expected = uninterrupted(with);
    mqtt_client publisher{settings_of(with, "publisher", {})};
    verdict_reader reader{with};
    REQUIRE(publisher.start().ok());
    subscribe_gateway(with);
    // Neither the time nor the number of samples asks for a checkpoint: with 5 unacknowledged
    // messages the broker sends no further one.
    child_process gateway =
        start_gateway(with, {"--most-unacknowledged", "5", "--checkpoint-milliseconds", "600000"});
    publish_all(publisher, 0, samples);
    reader.read_until(devices * samples);
    check_end(gateway, with, reader, expected);
    CHECK(reader.verdicts.repeats == 0);
}

TEST_CASE(
    "gateway mqtt: a message above the largest packet does not keep others from the gateway") {
    std::signal(SIGPIPE, SIG_IGN);
    broker with;
    REQUIRE(save_fleet_model(with.path("pump.safetensors")).ok());
    const verdict_lines expected = uninterrupted(with);
    mqtt_client publisher{settings_of(with, "publisher", {})};
    verdict_reader reader{with};
    REQUIRE(publisher.start().ok());
    subscribe_gateway(with);
    publisher.publish("devices/pump-0/samples", std::string(std::size_t{3} << 20U, 'x'));
    publish_all(publisher, 0, samples);
    child_process gateway = start_gateway(with);
    reader.read_until(devices * samples);
    check_end(gateway, with, reader, expected);
    CHECK(text_of(with.path("errors")).find("no connection") == std::string::npos);
}

TEST_CASE("gateway mqtt: SIGTERM while the broker acknowledges nothing ends in seconds, and loses "
          "nothing") {
    std::signal(SIGPIPE, SIG_IGN);
    broker with;
    REQUIRE(save_fleet_model(with.path("pump.safetensors")).ok());
    const verdict_lines expected = uninterrupted(with);
    mqtt_client publisher{settings_of(with, "publisher", {})};
    verdict_reader reader{with};
    REQUIRE(publisher.start().ok());
    subscribe_gateway(with);
    // Nothing asks for a checkpoint before the end.
    child_process gateway =
        start_gateway(with, {"--most-unacknowledged", "60000", "--checkpoint-milliseconds",
                             "600000", "--metrics-port", "0"});
    publish_all(publisher, 0, 10);
    reader.read_until(10 * devices);
    // Of the next samples it has the messages, and nobody takes their verdicts.
    gateway.signal(SIGSTOP);
    publish_all(publisher, 10, 20);
    with.signal(SIGSTOP);
    gateway.signal(SIGCONT);
    const int port = metrics_port_in(text_of(with.path("errors")));
    REQUIRE(port > 0);
    const std::string judged = "samples_total " + std::to_string(20 * devices) + '\n';
    for (int k = 0; k < 3000 && get(port, "/metrics").find(judged) == std::string::npos; ++k) {
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    CHECK(get(port, "/metrics").find(judged) != std::string::npos);
    CHECK(gateway.end(SIGTERM) == 4);
    CHECK(text_of(with.path("errors"))
              .find("verdicts for 3 seconds; their samples are judged "
                    "again") != std::string::npos);
    with.signal(SIGCONT);
    gateway = start_gateway(with);
    publish_all(publisher, 20, samples);
    reader.read_until(devices * samples);
    check_end(gateway, with, reader, expected);
}

TEST_CASE("gateway mqtt: a topic that is not given any more is not judged any more") {
    std::signal(SIGPIPE, SIG_IGN);
    broker with;
    REQUIRE(save_fleet_model(with.path("pump.safetensors")).ok());
    mqtt_client publisher{settings_of(with, "publisher", {})};
    verdict_reader reader{with};
    REQUIRE(publisher.start().ok());
    {
        mqtt_client first{settings_of(with, "gateway", {"devices/+/samples", "spare/+/samples"})};
        std::vector<mqtt_message> none;
        subscribe(first, none);
    }
    publisher.publish("spare/pump-1/samples", payload_of(1, 0));
    child_process gateway = start_gateway(with, {"--topic", "spare/+/samples"});
    reader.read_until(1);
    CHECK(gateway.end(SIGTERM) == 0);
    gateway = start_gateway(with);
    publisher.publish("devices/pump-2/samples", payload_of(2, 0));
    reader.read_until(2); // it has ended the subscription before it published that
    publisher.publish("spare/pump-1/samples", payload_of(1, 1));
    publish_all(publisher, 1, 3);
    reader.read_until(1 + 1 + 2 * devices);
    CHECK(gateway.end(SIGTERM) == 0);
    CHECK(reader.verdicts.taken["pump-1"].size() == 3); // not 4
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
    // 256 MiB: the first MiB of it.
    const std::string large = "\x30\xFF\xFF\xFF\x7F" + std::string(largest_packet, 'x');
    CHECK(!first_packet(std::string_view{large}.substr(0, largest_packet - 1), broken));
    const auto start = first_packet(large, broken);
    CHECK(!broken);
    REQUIRE(start);
    CHECK(start->size == largest_packet);
    CHECK(start->body.size() == largest_packet - 5);
    CHECK(start->size + start->left_out == (std::size_t{1} << 28U) - 1 + 5);
}
