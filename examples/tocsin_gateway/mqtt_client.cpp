#include "mqtt_client.hpp"

#include "tocsin/io/system_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::status;
using clock = std::chrono::steady_clock;

namespace {

constexpr unsigned receive_maximum = 0x21; // identifiers of properties, section 2.2.2.2
constexpr unsigned session_expiry = 0x11;
constexpr unsigned maximum_packet_size = 0x27;
constexpr unsigned refused = 0x80; // reasons from here on, section 2.4

/// The Receive Maximum among the properties of a CONNACK; 65535 where there is none.
unsigned receive_maximum_of(std::string_view properties) {
    mqtt_reader in{properties};
    while (in.ok() && !in.rest().empty()) {
        switch (in.byte()) {
        case receive_maximum:
            return std::max(in.two(), 1U);
        case 0x24:
        case 0x25:
        case 0x28:
        case 0x29:
        case 0x2A:
            in.byte();
            break;
        case 0x13:
        case 0x22:
            in.two();
            break;
        case session_expiry:
        case maximum_packet_size:
            in.take(4);
            break;
        case 0x26:
            in.text();
            in.text();
            break;
        default: // 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F: texts and bytes with their length
            in.text();
        }
    }
    return 65535;
}

} // namespace

mqtt_client::~mqtt_client() {
    stop();
}

void mqtt_client::stop() {
    if (handle_ >= 0) {
        send(mqtt_writer{}.packet(mqtt_type::disconnect));
        close_now();
    }
}

void mqtt_client::close_now() {
    if (handle_ >= 0) {
        ::close(handle_);
    }
    handle_ = -1;
    ready_ = false;
    received_.clear();
    skip_ = 0;
    too_large_.reset();
    for (published& waiting : published_) {
        waiting.sent = false;
    }
}

/// Closes the connection; poll() makes another one after the pause, which grows.
void mqtt_client::drop(std::string_view why) {
    close_now();
    next_try_ = clock::now() + pause_;
    constexpr std::chrono::milliseconds longest{5000};
    pause_ = std::min(2 * pause_, longest);
    if (settings_.report && !broken_) {
        settings_.report("mqtt: no connection to " + settings_.host + ':' +
                         std::to_string(settings_.port) + ": " + std::string{why} +
                         "; trying again");
    }
    broken_ = true;
}

/// The broker has answered more than the welcome, so the next pause may be short.
void mqtt_client::works() {
    pause_ = first_pause;
    if (settings_.report && broken_) {
        settings_.report("mqtt: connected to " + settings_.host + ':' +
                         std::to_string(settings_.port));
    }
    broken_ = false;
}

status mqtt_client::start() {
    status connected = connect_now();
    constexpr std::chrono::milliseconds wait{100};
    // The answer comes soon or never; poll() continues to wait for it.
    for (int k = 0; connected.ok() && handle_ >= 0 && !ready_ && k < 50; ++k) {
        connected = poll(early_, wait);
    }
    return connected;
}

status mqtt_client::connect_now() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(settings_.port);
    const int failure = ::getaddrinfo(settings_.host.c_str(), port.c_str(), &hints, &found);
    if (failure != 0 && connection_ > 0) {
        drop(::gai_strerror(failure)); // the name server may be away for a while, too
        return {};
    }
    if (failure != 0) {
        return status::error(error_code::io_error, "mqtt: host '", settings_.host,
                             "': ", ::gai_strerror(failure));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses{found, &::freeaddrinfo};
    int reason = 0;
    for (const addrinfo* at = found; at != nullptr && handle_ < 0; at = at->ai_next) {
        handle_ = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        const timeval limit{5, 0}; // also of connect()
        if (handle_ < 0) {
            reason = errno;
            continue;
        }
        ::setsockopt(handle_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (::connect(handle_, at->ai_addr, at->ai_addrlen) != 0) {
            reason = errno;
            ::close(handle_);
            handle_ = -1;
        }
    }
    if (handle_ < 0) {
        drop(tocsin::detail::system_message(reason));
        return {};
    }
    constexpr int yes = 1;
    ::setsockopt(handle_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ++connection_;
    last_received_ = clock::now();
    mqtt_writer out;
    out.text("MQTT");
    out.byte(5);                                     // version
    out.byte((settings_.user.empty() ? 0U : 0x80U) | // flags: no clean start
             (settings_.password.empty() ? 0U : 0x40U));
    out.two(settings_.keep_alive_seconds);
    constexpr unsigned properties = 5 + 3 + 5; // bytes of the three
    out.byte(properties);
    out.byte(session_expiry);
    out.four(settings_.session_seconds);
    out.byte(receive_maximum);
    out.two(settings_.most_unacknowledged);
    out.byte(maximum_packet_size);
    out.four(largest_packet);
    out.text(settings_.client);
    if (!settings_.user.empty()) {
        out.text(settings_.user);
    }
    if (!settings_.password.empty()) {
        out.text(settings_.password);
    }
    send(out.packet(mqtt_type::connect));
    return {};
}

void mqtt_client::send(std::string_view bytes) {
    while (handle_ >= 0 && !bytes.empty()) {
        const ssize_t count = ::send(handle_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            drop(tocsin::detail::system_message(errno));
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    last_sent_ = clock::now();
}

status mqtt_client::poll(std::vector<mqtt_message>& messages, std::chrono::milliseconds wait) {
    if (!early_.empty() && &messages != &early_) {
        std::move(early_.begin(), early_.end(), std::back_inserter(messages));
        early_.clear();
        return {};
    }
    if (handle_ < 0) {
        if (const auto now = clock::now(); now < next_try_) {
            // Rounded up: 0 would not wait at all.
            const auto pause = std::chrono::ceil<std::chrono::milliseconds>(next_try_ - now);
            ::poll(nullptr, 0, static_cast<int>(std::min(wait, pause).count()));
            return {};
        }
        if (status connected = connect_now(); !connected.ok() || handle_ < 0) {
            return connected;
        }
    }
    pollfd waiting{handle_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(wait.count())) > 0) {
        std::array<char, 1U << 16U> block{};
        const ssize_t count = ::recv(handle_, block.data(), block.size(), 0);
        if (count == 0 || (count < 0 && errno != EINTR)) {
            drop(count == 0 ? "the broker has closed it" : tocsin::detail::system_message(errno));
            return {};
        }
        received_.append(block.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        last_received_ = clock::now();
    }
    if (status taken = take_all(messages); !taken.ok() || handle_ < 0) {
        return taken;
    }
    const std::chrono::seconds silence{settings_.keep_alive_seconds};
    if (clock::now() - last_received_ > silence + silence / 2) {
        drop("the broker is silent");
    } else if (ready_ && clock::now() - last_sent_ > silence / 2) {
        send(mqtt_writer{}.packet(mqtt_type::ping));
    }
    return {};
}

/// Takes all complete packets out of what was received.
status mqtt_client::take_all(std::vector<mqtt_message>& messages) {
    const int connection = connection_;
    std::size_t done = 0;
    bool broken = false;
    while (skip(done, messages)) {
        const auto packet = first_packet(std::string_view{received_}.substr(done), broken);
        if (!packet) {
            break;
        }
        if (packet->left_out > 0 && packet->type != mqtt_type::publish) {
            drop("a packet is too large");
            return {};
        }
        if (status taken = take(*packet, messages); !taken.ok()) {
            return taken;
        }
        if (handle_ < 0 || connection != connection_) {
            return {}; // it broke during the answer; nothing of it is left
        }
        done += packet->size;
        skip_ = packet->left_out;
    }
    received_.erase(0, done);
    if (broken) {
        drop("the broker sends what is no packet");
    }
    return {};
}

/// Leaves out the rest of a packet that is too large; whether it has ended. Its message, which is too
/// long for a sample, is then handed on like others, so it is acknowledged and does not come again.
bool mqtt_client::skip(std::size_t& done, std::vector<mqtt_message>& messages) {
    const std::size_t here = std::min(skip_, received_.size() - done);
    done += here;
    skip_ -= here;
    if (skip_ == 0 && too_large_) {
        messages.push_back(*std::move(too_large_));
        too_large_.reset();
    }
    return skip_ == 0;
}

status mqtt_client::take(const mqtt_packet& packet, std::vector<mqtt_message>& messages) {
    if (ready_ && packet.type != mqtt_type::disconnect) {
        works();
    }
    switch (packet.type) {
    case mqtt_type::connection_acknowledged:
        return welcome(packet.body);
    case mqtt_type::publish:
        receive(packet, messages);
        return {};
    case mqtt_type::publish_acknowledged: {
        mqtt_reader in{packet.body};
        const unsigned number = in.two();
        const unsigned reason = in.byte(); // 0 if there is none
        const auto found = std::find_if(published_.begin(), published_.end(),
                                        [&](const published& one) { return one.packet == number; });
        if (found == published_.end()) {
            return {};
        }
        if (reason >= refused) {
            return status::error(error_code::io_error, "mqtt: the broker refuses a message to '",
                                 found->topic, "', reason ", reason);
        }
        published_.erase(found);
        send_published();
        return {};
    }
    case mqtt_type::subscription_acknowledged: {
        mqtt_reader in{packet.body};
        in.two();
        in.take(in.variable());
        for (std::size_t k = 0; !in.rest().empty(); ++k) {
            if (const unsigned reason = in.byte(); reason >= refused) {
                return status::error(error_code::io_error, "mqtt: the broker refuses topic '",
                                     k < settings_.topics.size() ? settings_.topics[k] : "",
                                     "', reason ", reason);
            }
        }
        return {};
    }
    case mqtt_type::unsubscription_acknowledged: {
        mqtt_reader in{packet.body};
        in.two();
        in.take(in.variable());
        bool gone = in.ok();
        while (!in.rest().empty()) {
            gone = in.byte() < refused && gone;
        }
        unsubscribed_ = unsubscribed_ || gone;
        return {};
    }
    case mqtt_type::disconnect: {
        mqtt_reader in{packet.body};
        constexpr unsigned taken_over = 0x8E;
        const unsigned reason = in.byte();
        if (reason == taken_over) {
            return status::error(error_code::io_error, "mqtt: another gateway has taken session '",
                                 settings_.client, "'");
        }
        drop("the broker ends it, reason " + std::to_string(reason));
        return {};
    }
    default:
        return {};
    }
}

status mqtt_client::welcome(std::string_view body) {
    mqtt_reader in{body};
    in.byte(); // whether there was a session: its messages arrive by themselves
    const unsigned reason = in.byte();
    if (reason != 0) {
        constexpr unsigned unavailable = 0x88;
        constexpr unsigned busy = 0x89;
        if (reason == unavailable || reason == busy) {
            drop("the broker is not available");
            return {};
        }
        return status::error(error_code::io_error,
                             "mqtt: the broker refuses the connection, reason ", reason);
    }
    broker_takes_ = receive_maximum_of(in.take(in.variable()));
    ready_ = true;
    subscribe();
    send_published();
    return {};
}

void mqtt_client::subscribe() {
    if (!unsubscribed_) { // the session of an earlier run may have them
        mqtt_writer out;
        out.two(take_number());
        out.byte(0); // properties
        for (const std::string& topic : settings_.former_topics) {
            out.text(topic);
        }
        send(out.packet(mqtt_type::unsubscribe, 2));
    }
    if (!settings_.topics.empty()) {
        mqtt_writer out;
        out.two(take_number());
        out.byte(0); // properties
        for (const std::string& topic : settings_.topics) {
            out.text(topic);
            out.byte(1 | 0x20U); // QoS 1; no retained messages: they have been judged
        }
        send(out.packet(mqtt_type::subscribe, 2));
    }
}

void mqtt_client::receive(const mqtt_packet& packet, std::vector<mqtt_message>& messages) {
    mqtt_reader in{packet.body};
    mqtt_message received;
    received.topic = in.text();
    received.packet =
        (packet.flags & 6U) != 0 ? static_cast<std::uint16_t>(in.two()) : std::uint16_t{0};
    received.connection = connection_;
    received.repeated = (packet.flags & 8U) != 0;
    const bool addressed = in.ok();
    in.take(in.variable());
    if (!addressed || (!in.ok() && packet.left_out == 0)) {
        drop("the broker sends a message without its topic");
        return;
    }
    if (packet.left_out == 0) {
        received.payload = in.rest();
        messages.push_back(std::move(received));
        return;
    }
    // One byte more than the longest sample says enough.
    received.payload = in.rest().substr(0, longest_payload + 1);
    received.payload.resize(longest_payload + 1);
    too_large_ = std::move(received);
}

void mqtt_client::acknowledge(std::uint16_t packet, int connection) {
    if (packet != 0 && connection == connection_ && connected()) {
        mqtt_writer out;
        out.two(packet);
        send(out.packet(mqtt_type::publish_acknowledged));
    }
}

void mqtt_client::publish(std::string_view topic, std::string_view payload) {
    published_.push_back({std::string{topic}, std::string{payload}, take_number()});
    send_published();
}

/// 1 to 65535, then 1 again.
std::uint16_t mqtt_client::take_number() {
    const std::uint16_t number = next_packet_;
    next_packet_ = static_cast<std::uint16_t>(number == 65535 ? 1 : number + 1);
    return number;
}

void mqtt_client::send_published() {
    for (std::size_t k = 0; k < std::min(published_.size(), broker_takes_); ++k) {
        published& one = published_[k];
        if (one.sent || !connected()) {
            continue;
        }
        constexpr unsigned quality_1 = 2;
        constexpr unsigned again = 8; // the DUP flag
        const unsigned flags = quality_1 | (one.sent_before ? again : 0U);
        one.sent = true;
        one.sent_before = true;
        mqtt_writer out;
        out.text(one.topic);
        out.two(one.packet);
        out.byte(0); // properties
        out.rest(one.payload);
        send(out.packet(mqtt_type::publish, flags));
    }
}

} // namespace tocsin_gateway
