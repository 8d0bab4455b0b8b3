#include <doctest/doctest.h>

#include "fuzz/mqtt_input.hpp"
#include "tocsin_gateway/mqtt_client.hpp"
#include <array>
#include <dlfcn.h>
#include <netdb.h>
#include <string>
#include <thread>
#include <vector>

using namespace tocsin_gateway;

namespace {

bool names_resolve = true;

} // namespace

// In place of the C library's.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
    using function = decltype(&getaddrinfo);
    static const auto resolve = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return names_resolve ? resolve(name, service, hints, found) : EAI_AGAIN;
}

namespace {

/// A broker that says what the test wants, with one client.
struct conversation {
    tocsin_fuzz::hostile_broker broker;
    std::vector<std::string> former_topics;
    std::vector<std::string> reports; ///< of the client
    mqtt_client client{settings()};
    std::vector<mqtt_message> received;
    std::string welcomed; ///< body of the last CONNECT
    int handle = -1;

    explicit conversation(std::vector<std::string> former = {}) : former_topics{std::move(former)} {
        connect();
    }
    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;
    ~conversation() { ::close(handle); }

    mqtt_settings settings() {
        mqtt_settings made;
        made.former_topics = former_topics;
        made.report = [this](const std::string& text) { reports.push_back(text); };
        made.port = broker.port();
        made.client = "tested";
        return made;
    }
    tocsin::status poll() { return client.poll(received, std::chrono::milliseconds{10}); }
    /// Polls at most half a minute.
    template <class Holds>
    bool becomes(Holds&& holds) {
        const auto last = std::chrono::steady_clock::now() + std::chrono::seconds{30};
        while (!holds() && std::chrono::steady_clock::now() < last) {
            REQUIRE(poll().ok());
        }
        return holds();
    }
    void connect() {
        const int before = client.connection();
        REQUIRE(becomes([&] { return client.connection() > before; }));
        handle = broker.accept_one();
        const timeval patience{30, 0}; // then heard() fails
        REQUIRE(::setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
        heard_.clear();
        say(mqtt_type::connection_acknowledged, {"\0\0\0", 3});
        REQUIRE(becomes([&] { return client.connected(); }));
        welcomed = heard(mqtt_type::connect);
    }
    void disconnect() {
        ::close(handle);
        REQUIRE(becomes([&] { return !client.connected(); }));
    }
    void say(mqtt_type type, std::string_view body, unsigned flags = 0) const {
        mqtt_writer out;
        out.rest(body);
        tocsin_fuzz::hostile_broker::say(handle, out.packet(type, flags));
    }
    /// A message with quality of service 1.
    void say_message(unsigned packet, std::string_view payload) const {
        mqtt_writer out;
        out.text("devices/pump-1");
        out.two(packet);
        out.byte(0);
        out.rest(payload);
        tocsin_fuzz::hostile_broker::say(handle, out.packet(mqtt_type::publish, 2));
    }
    /// The body of the next packet from the client, which is of this type.
    std::string heard(mqtt_type type) {
        bool broken = false;
        for (auto packet = first_packet(heard_, broken);; packet = first_packet(heard_, broken)) {
            if (packet) {
                CHECK(packet->type == type);
                const std::string body{packet->body};
                heard_.erase(0, packet->size);
                return body;
            }
            std::array<char, 1024> block{};
            const ssize_t count = ::recv(handle, block.data(), block.size(), 0);
            REQUIRE(count > 0);
            heard_.append(block.data(), static_cast<std::size_t>(count));
        }
    }

  private:
    std::string heard_;
};

} // namespace

TEST_CASE("gateway mqtt: a published message that the broker refuses is a failure") {
    conversation with;
    with.client.publish("out/verdicts/pump-1", "{}");
    with.heard(mqtt_type::publish);
    with.say(mqtt_type::publish_acknowledged, {"\0\1\x10", 3}); // taken, without a reader
    REQUIRE(with.becomes([&] { return with.client.unacknowledged() == 0; }));
    with.client.publish("out/verdicts/pump-2", "{}");
    with.heard(mqtt_type::publish);
    with.say(mqtt_type::publish_acknowledged, {"\0\2\x87", 3}); // not authorised
    tocsin::status polled;
    for (int k = 0; k < 3000 && polled.ok() && with.client.unacknowledged() > 0; ++k) {
        polled = with.poll();
    }
    CHECK(std::string{polled.message()} ==
          "mqtt: the broker refuses a message to 'out/verdicts/pump-2', reason 135");
    CHECK(with.client.unacknowledged() == 1);
}

TEST_CASE("gateway mqtt: a message of an earlier connection is not acknowledged in a later one") {
    conversation with;
    with.say_message(1, "first");
    with.say_message(2, "second");
    REQUIRE(with.becomes([&] { return with.received.size() == 2; }));
    with.client.acknowledge(with.received[0].packet, with.received[0].connection);
    CHECK(with.heard(mqtt_type::publish_acknowledged) == std::string{"\0\1", 2});
    with.disconnect();
    with.connect();
    // The broker counts from 1 again. The second message is handed on only now.
    with.say_message(2, "third");
    REQUIRE(with.becomes([&] { return with.received.size() == 3; }));
    with.client.acknowledge(with.received[1].packet, with.received[1].connection);
    with.client.publish("out", "{}");
    with.heard(mqtt_type::publish); // without an acknowledgement before it
    with.client.acknowledge(with.received[2].packet, with.received[2].connection);
    CHECK(with.heard(mqtt_type::publish_acknowledged) == std::string{"\0\2", 2});
}

TEST_CASE("gateway mqtt: after the first connection, a name server may be away for a while") {
    conversation with;
    names_resolve = false;
    with.disconnect();
    const auto last = std::chrono::steady_clock::now() + std::chrono::milliseconds{400};
    int polls = 0;
    while (std::chrono::steady_clock::now() < last) {
        REQUIRE(with.poll().ok());
        ++polls;
    }
    CHECK(polls < 100); // each waits
    mqtt_client other{with.settings()};
    CHECK(!other.start().ok()); // at the start it is a failure
    names_resolve = true;
    with.connect();
}

TEST_CASE("gateway mqtt: the broker is asked to leave out packets above 1 MiB") {
    const conversation with;
    mqtt_reader in{with.welcomed};
    CHECK(in.text() == "MQTT");
    in.take(4); // version, flags, keep alive
    std::string_view properties = in.take(in.variable());
    REQUIRE(in.ok());
    CHECK(properties.substr(8) == std::string_view{"\x27\x00\x10\x00\x00", 5});
}

TEST_CASE("gateway mqtt: of a packet that is too large all the same, only the start is kept") {
    conversation with;
    // In a thread: more than a socket holds.
    std::thread broker{[&] {
        with.say_message(1, std::string(std::size_t{5} << 20U, 'x'));
        with.say_message(2, "next");
    }};
    const bool both = with.becomes([&] { return with.received.size() == 2; });
    broker.join();
    REQUIRE(both);
    CHECK(with.received[0].topic == "devices/pump-1");
    CHECK(with.received[0].payload == std::string(longest_payload + 1, 'x')); // refused as a sample
    CHECK(with.received[1].payload == "next");
    for (const mqtt_message& one : with.received) {
        with.client.acknowledge(one.packet, one.connection);
    }
    CHECK(with.heard(mqtt_type::publish_acknowledged) == std::string{"\0\1", 2});
    CHECK(with.heard(mqtt_type::publish_acknowledged) == std::string{"\0\2", 2});
    CHECK(with.client.connection() == 1);
    CHECK(with.reports.empty());
}

TEST_CASE("gateway mqtt: packets that are too large are cut where properties fill them, too") {
    std::string properties;
    while (properties.size() < largest_packet) {
        properties += "\x26\x00\x01"
                      "k";
        properties += std::string{"\xFF\xFF", 2} + std::string(65535, 'v');
    }
    mqtt_writer out;
    out.text("devices/pump-1");
    out.two(1);
    for (std::size_t left = properties.size(); left > 0; left /= 128) {
        out.byte(static_cast<unsigned>(left % 128) | (left >= 128 ? 0x80U : 0U));
    }
    out.rest(properties);
    out.rest("pump-1,1,2,3");
    conversation with;
    std::thread broker{[&] {
        tocsin_fuzz::hostile_broker::say(with.handle, out.packet(mqtt_type::publish, 2));
        with.say_message(2, "next");
    }};
    const bool both = with.becomes([&] { return with.received.size() == 2; });
    broker.join();
    REQUIRE(both);
    CHECK(with.received[0].packet == 1);
    CHECK(with.received[0].payload.size() == longest_payload + 1);
}

TEST_CASE("gateway mqtt: the pause grows until the broker answers more than the welcome") {
    using std::chrono::milliseconds;
    conversation with;
    CHECK(with.client.pause() == milliseconds{100});
    for (int k = 1; k <= 3; ++k) {
        with.disconnect();
        CHECK(with.client.pause() == milliseconds{100 << k});
        with.connect(); // CONNACK, and no more
    }
    CHECK(with.client.pause() == milliseconds{800});
    REQUIRE(with.reports.size() == 1);
    CHECK(with.reports[0].find("no connection to 127.0.0.1:") != std::string::npos);
    CHECK(with.reports[0].find("trying again") != std::string::npos);
    with.say(mqtt_type::subscription_acknowledged, {"\0\1\0\1", 4});
    CHECK(with.becomes([&] { return with.client.pause() == milliseconds{100}; }));
    REQUIRE(with.reports.size() == 2);
    CHECK(with.reports[1].find("connected to 127.0.0.1:") != std::string::npos);
    with.say(mqtt_type::disconnect, "\x81"); // malformed packet
    CHECK(with.becomes([&] { return with.reports.size() == 3; }));
    CHECK(with.reports[2].find("reason 129") != std::string::npos);
}

TEST_CASE("gateway mqtt: former topics are unsubscribed, in each connection until it succeeds") {
    conversation with{{"old/#", "older"}};
    std::string body = with.heard(mqtt_type::unsubscribe);
    mqtt_reader in{body};
    in.two();
    in.take(in.variable());
    CHECK(in.text() == "old/#");
    CHECK(in.text() == "older");
    CHECK(in.rest().empty());
    with.say(mqtt_type::unsubscription_acknowledged, {"\0\1\0\0\x87", 5}); // not authorised
    with.disconnect();
    CHECK(!with.client.unsubscribed());
    with.connect();
    with.heard(mqtt_type::unsubscribe);
    with.say(mqtt_type::unsubscription_acknowledged, {"\0\2\0\0\x11", 5}); // there was none
    CHECK(with.becomes([&] { return with.client.unsubscribed(); }));
    with.disconnect();
    with.connect();
    with.client.publish("out", "{}");
    with.heard(mqtt_type::publish); // no request before it
}
