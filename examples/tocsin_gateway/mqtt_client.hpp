/// @file mqtt_client.hpp
/// @brief A client of MQTT 5 whose user decides when a message is acknowledged.
#pragma once

#include "tocsin/core/status.hpp"

#include "message.hpp"
#include "mqtt_packets.hpp"
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_gateway {

struct mqtt_settings {
    std::string host = "127.0.0.1";
    std::uint16_t port = 1883;
    std::string client; ///< the name of the session; the broker keeps messages under it
    std::string user;
    std::string password;
    std::vector<std::string> topics; ///< filters, such as "devices/+/samples"
    std::uint32_t session_seconds =
        7 * 24 * 3600; ///< time that the broker keeps the session without a connection
    std::uint16_t keep_alive_seconds = 30;
    std::uint16_t most_unacknowledged = 20;
    std::vector<std::string>
        former_topics; ///< filters whose subscriptions the session may still have
    /// Receives a sentence when the connection breaks, with the reason, and when it is back; one of
    /// each, however many attempts fail in between.
    std::function<void(const std::string&)> report;
};

/// A message that was published to one of the topics.
struct mqtt_message {
    std::string topic;
    std::string payload; ///< of one above `largest_packet` its first `longest_payload` + 1 bytes
    std::uint16_t packet = 0; ///< for acknowledge(); 0: QoS 0, there is nothing to acknowledge
    int connection = 0;       ///< that it came with: packet numbers belong to one
    bool repeated = false;    ///< the broker has sent it before
};

/// Quality of service 1 in both directions, over TCP, in one thread. libmosquitto acknowledges a
/// message before it calls the program; here the program acknowledges, once its state is safe.
///
/// A broken connection is restored, after a pause that grows from 0.1 to 5 seconds until the broker
/// has answered more than the welcome; published messages that were not acknowledged are sent again.
/// Memory is bounded: the broker is asked to leave out packets above `largest_packet`, and of one that
/// it sends all the same only the start is kept.
class mqtt_client {
  public:
    explicit mqtt_client(mqtt_settings settings)
        : settings_{std::move(settings)}, unsubscribed_{settings_.former_topics.empty()} {}
    mqtt_client(const mqtt_client&) = delete;
    mqtt_client& operator=(const mqtt_client&) = delete;
    ~mqtt_client();

    /// Connects and subscribes. Fails only if the broker refuses, or the name of the host cannot be
    /// resolved; poll() retries a host that cannot be reached now, and after the first connection also
    /// one whose name cannot be resolved.
    tocsin::status start();
    /// Appends received messages; waits at most this long for the first. Fails if the broker refuses a
    /// subscription or a published message, or another client has taken the session.
    tocsin::status poll(std::vector<mqtt_message>& messages, std::chrono::milliseconds wait);
    /// For a message of this connection. The broker sends those of an earlier one again, so for them
    /// this does nothing.
    void acknowledge(std::uint16_t packet, int connection);
    /// Sends a message with QoS 1.
    void publish(std::string_view topic, std::string_view payload);
    /// Messages published that the broker has not acknowledged.
    std::size_t unacknowledged() const noexcept { return published_.size(); }
    /// Counts connections.
    int connection() const noexcept { return connection_; }
    bool connected() const noexcept { return handle_ >= 0 && ready_; }
    /// Whether the session has none of the former topics any more.
    bool unsubscribed() const noexcept { return unsubscribed_; }
    /// Pause before the next attempt after the connection breaks, or has broken.
    std::chrono::milliseconds pause() const noexcept { return pause_; }
    void stop();

  private:
    static constexpr std::chrono::milliseconds first_pause{100};
    struct published {
        std::string topic;
        std::string payload;
        std::uint16_t packet;
        bool sent = false;        ///< in this connection
        bool sent_before = false; ///< in any
    };

    tocsin::status connect_now();
    tocsin::status take(const mqtt_packet& packet, std::vector<mqtt_message>& messages);
    tocsin::status take_all(std::vector<mqtt_message>& messages);
    tocsin::status welcome(std::string_view body);
    void subscribe();
    void receive(const mqtt_packet& packet, std::vector<mqtt_message>& messages);
    bool skip(std::size_t& done, std::vector<mqtt_message>& messages);
    void works();
    void send(std::string_view bytes);
    void send_published();
    std::uint16_t take_number();
    void drop(std::string_view why);
    void close_now();

    mqtt_settings settings_;
    int handle_ = -1;
    bool ready_ = false; ///< accepted by the broker
    int connection_ = 0;
    bool broken_ = false; ///< it has been reported
    bool unsubscribed_;
    std::string received_;
    std::size_t skip_ = 0;                  ///< bytes of a packet that is too large, still to come
    std::optional<mqtt_message> too_large_; ///< the message in it
    std::vector<mqtt_message> early_; ///< received right after the CONNACK, before the first poll()
    std::deque<published> published_;
    std::size_t broker_takes_ = 65535; ///< unacknowledged messages
    std::uint16_t next_packet_ = 1;
    std::chrono::milliseconds pause_{first_pause};
    std::chrono::steady_clock::time_point next_try_;
    std::chrono::steady_clock::time_point last_sent_;
    std::chrono::steady_clock::time_point last_received_;
};

} // namespace tocsin_gateway
