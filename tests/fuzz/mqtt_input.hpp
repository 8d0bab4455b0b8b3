/// @file mqtt_input.hpp
/// @brief A broker of MQTT that says anything, on a socket of this machine.
#pragma once

#include "fuzz_input.hpp"
#include "tocsin_gateway/mqtt_client.hpp"
#include "tocsin_gateway/mqtt_packets.hpp"
#include <arpa/inet.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace tocsin_fuzz {

/// Listens on a free port of the loopback interface.
class hostile_broker {
  public:
    hostile_broker() : listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const raw = reinterpret_cast<sockaddr*>(&address);
        require(listener_ >= 0 && bind(listener_, raw, size) == 0 && listen(listener_, 8) == 0 &&
                    getsockname(listener_, raw, &size) == 0,
                "no socket");
        port_ = ntohs(address.sin_port);
    }
    hostile_broker(const hostile_broker&) = delete;
    hostile_broker& operator=(const hostile_broker&) = delete;
    ~hostile_broker() { close(listener_); }

    std::uint16_t port() const noexcept { return port_; }
    /// Takes the connection that waits.
    int accept_one() const {
        const int handle = accept(listener_, nullptr, nullptr);
        const linger at_once{1, 0}; // closed by a reset: ports are free again at once
        require(handle >= 0 &&
                    setsockopt(handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0,
                "the client has not connected");
        return handle;
    }
    /// Sends everything; the client may have gone.
    static void say(int handle, std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t count = send(handle, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) {
                return;
            }
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }

  private:
    int listener_;
    std::uint16_t port_ = 0;
};

/// The packets in bytes end where the bytes end, and no reader passes that end.
inline void packets(std::string_view bytes) {
    bool broken = false;
    std::size_t done = 0;
    while (const auto packet = tocsin_gateway::first_packet(bytes.substr(done), broken)) {
        require(packet->size >= 2 && packet->size <= bytes.size() - done &&
                    packet->body.size() + 2 <= packet->size && packet->flags < 16,
                "a packet longer than what was received");
        done += packet->size;
        tocsin_gateway::mqtt_reader body{packet->body};
        body.text();
        body.two();
        body.take(body.variable());
        require(body.rest().size() <= packet->body.size(), "more is left than there was");
    }
}

/// The bytes, after a welcome or not, in one piece or two, to a client that also publishes.
inline void mqtt(input bytes) {
    reader first{bytes};
    const std::uint8_t choice = first.byte();
    const std::size_t cut = first.byte();
    const std::string_view text = text_of(bytes.subspan(std::min<std::size_t>(bytes.size(), 2)));
    packets(text);

    static const hostile_broker broker;
    tocsin_gateway::mqtt_settings settings;
    settings.port = broker.port();
    settings.client = "attacked";
    if ((choice & 1U) != 0) {
        settings.topics = {"devices/+/samples"};
    }
    tocsin_gateway::mqtt_client client{settings};
    constexpr std::chrono::milliseconds now{0};
    std::vector<tocsin_gateway::mqtt_message> messages;
    require(client.poll(messages, now).ok() && messages.empty(), "a message before a connection");
    const int handle = broker.accept_one();
    const auto poll = [&] {
        const auto outcome = client.poll(messages, now);
        require(outcome.ok() || outcome.message()[0] != '\0', "refused without a reason");
        return outcome.ok();
    };
    bool usable = true;
    if ((choice & 2U) != 0) {
        hostile_broker::say(handle, {"\x20\x03\x00\x00\x00", 5}); // CONNACK
        usable = poll();
        require(usable && client.connected(), "a welcome is not one");
        client.publish("alarms/pump-7", "{}");
    }
    const std::size_t part = std::min(cut, text.size());
    hostile_broker::say(handle, text.substr(0, part));
    usable = usable && poll();
    hostile_broker::say(handle, text.substr(part));
    if ((choice & 4U) != 0) {
        shutdown(handle, SHUT_WR); // the broker ends in the middle of a packet
    }
    for (int k = 0; usable && k < 3; ++k) {
        usable = poll();
    }
    for (const tocsin_gateway::mqtt_message& message : messages) {
        require(message.topic.size() + message.payload.size() <= text.size(),
                "a message longer than what was sent");
        client.acknowledge(message.packet, message.connection);
    }
    require(client.unacknowledged() <= 1, "published twice");
    close(handle);
    client.stop();
}

/// What a broker says in its usual order: CONNACK with properties, SUBACK, PUBLISH, PUBACK.
inline std::string mqtt_seed(unsigned number) {
    using tocsin_gateway::mqtt_type;
    using tocsin_gateway::mqtt_writer;
    mqtt_writer welcome;
    welcome.two(0);
    welcome.byte(3);
    welcome.byte(0x21);
    welcome.two(number % 2 == 0 ? 10 : 0);
    mqtt_writer subscribed;
    subscribed.two(1);
    subscribed.byte(0);
    subscribed.byte(number % 3 == 2 ? 0x80 : 1);
    mqtt_writer published;
    published.text("devices/pump-7/samples");
    if (number % 2 == 0) {
        published.two(7);
    }
    published.byte(0);
    published.rest("{\"values\": [1, 2]}");
    mqtt_writer acknowledged;
    acknowledged.two(2);
    return std::string{static_cast<char>(number), '\x05'} +
           welcome.packet(mqtt_type::connection_acknowledged) +
           subscribed.packet(mqtt_type::subscription_acknowledged) +
           published.packet(mqtt_type::publish, number % 2 == 0 ? 2 : 0) +
           acknowledged.packet(mqtt_type::publish_acknowledged);
}
inline constexpr unsigned mqtt_seeds = 6;

} // namespace tocsin_fuzz
