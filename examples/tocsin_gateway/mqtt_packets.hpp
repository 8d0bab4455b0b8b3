/// @file mqtt_packets.hpp
/// @brief The packets of MQTT 5 that a gateway sends and receives, as bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin_gateway {

/// Types of packets (OASIS MQTT 5.0, section 2.1.2).
enum class mqtt_type : std::uint8_t {
    connect = 1,
    connection_acknowledged = 2,
    publish = 3,
    publish_acknowledged = 4,
    subscribe = 8,
    subscription_acknowledged = 9,
    unsubscribe = 10,
    unsubscription_acknowledged = 11,
    ping = 12,
    ping_answer = 13,
    disconnect = 14
};

/// Builds the body of a packet.
class mqtt_writer {
  public:
    void byte(unsigned value) { body_ += static_cast<char>(value & 0xFFU); }
    void two(unsigned value) {
        byte(value >> 8U);
        byte(value);
    }
    void four(std::uint32_t value) {
        two(value >> 16U);
        two(value & 0xFFFFU);
    }
    void text(std::string_view value) {
        two(static_cast<unsigned>(value.size()));
        body_ += value;
    }
    void rest(std::string_view value) { body_ += value; }
    /// The whole packet: type and flags, length, body.
    std::string packet(mqtt_type type, unsigned flags = 0) const {
        std::string whole(1, static_cast<char>((static_cast<unsigned>(type) << 4U) | flags));
        std::size_t left = body_.size();
        do {
            const auto seven = static_cast<unsigned>(left % 128);
            left /= 128;
            whole += static_cast<char>(seven | (left > 0 ? 0x80U : 0U));
        } while (left > 0);
        return whole + body_;
    }

  private:
    std::string body_;
};

/// Reads the body of a packet; after its end every value is 0 and ok() is false.
class mqtt_reader {
  public:
    explicit mqtt_reader(std::string_view body) : rest_{body} {}
    bool ok() const noexcept { return ok_; }
    std::string_view rest() const noexcept { return rest_; }
    unsigned byte() {
        const std::string_view one = take(1);
        return one.empty() ? 0U : static_cast<unsigned char>(one[0]);
    }
    unsigned two() {
        const unsigned high = byte();
        return (high << 8U) | byte();
    }
    std::string_view text() { return take(two()); }
    std::string_view take(std::size_t size) {
        if (size > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    /// A number of one to four bytes (section 1.5.5).
    std::size_t variable() {
        std::size_t value = 0;
        for (unsigned shift = 0; shift < 28; shift += 7) {
            const unsigned next = byte();
            value |= std::size_t{next & 0x7FU} << shift;
            if ((next & 0x80U) == 0) {
                return value;
            }
        }
        ok_ = false;
        return 0;
    }

  private:
    std::string_view rest_;
    bool ok_ = true;
};

/// Largest packet that is taken whole, in bytes; a client asks its broker for none above it.
inline constexpr std::size_t largest_packet = std::size_t{1} << 20U;

/// One received packet, or the first `largest_packet` bytes of a larger one.
struct mqtt_packet {
    mqtt_type type;
    unsigned flags;
    std::string_view body;
    std::size_t size;     ///< bytes of all that is here
    std::size_t left_out; ///< bytes of it that follow
};

/// The packet at the start of `bytes`; nothing if it is not complete yet, or, of a larger one, its
/// first `largest_packet` bytes. `broken` is set if it can never be.
inline std::optional<mqtt_packet> first_packet(std::string_view bytes, bool& broken) {
    std::size_t length = 0;
    broken = false;
    for (std::size_t k = 1; k < 5; ++k) {
        if (k >= bytes.size()) {
            return std::nullopt;
        }
        const auto next = static_cast<unsigned char>(bytes[k]);
        length |= std::size_t{next & 0x7FU} << (7 * (k - 1));
        if ((next & 0x80U) == 0) {
            const std::size_t head = k + 1;
            const std::size_t size = std::min(head + length, largest_packet);
            if (bytes.size() < size) {
                return std::nullopt;
            }
            const auto first = static_cast<unsigned char>(bytes[0]);
            return mqtt_packet{static_cast<mqtt_type>(first >> 4U), first & 0x0FU,
                               bytes.substr(head, size - head), size, head + length - size};
        }
    }
    broken = true;
    return std::nullopt;
}

} // namespace tocsin_gateway
