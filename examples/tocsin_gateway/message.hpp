/// @file message.hpp
/// @brief What comes from a source, before anybody has looked into it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tocsin_gateway {

/// One message of a source.
struct message {
    std::string payload;        ///< a line of JSON or of CSV
    std::string device;         ///< where the source knows it; empty: the payload names it
    std::int32_t partition = 0; ///< what is handed over as a whole; 0 where there is only one
    std::int64_t offset = -1;   ///< its place in the partition, ascending; -1: there is none
    bool repeated = false;      ///< the broker says that it may have come before
    std::chrono::system_clock::time_point created; ///< where latency begins
};

/// Longest payload that is looked into, in bytes.
inline constexpr std::size_t longest_payload = std::size_t{1} << 16U;
/// Longest name of a device, in bytes.
inline constexpr std::size_t longest_device = 256;

} // namespace tocsin_gateway
