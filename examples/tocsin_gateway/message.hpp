/// @file message.hpp
/// @brief A message of a source, before it is parsed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tocsin_gateway {

/// The beginning of a file.
struct read_part {
    std::uint64_t bytes = 0;
    std::uint32_t checksum = 0; ///< CRC-32
};

/// One message of a source.
struct message {
    std::string payload;        ///< a line of JSON or of CSV
    std::string device;         ///< if the source knows it; empty: the payload names it
    std::int32_t partition = 0; ///< the unit that moves between gateways; 0 if there is only one
    std::int64_t offset = -1;   ///< its position in the partition, ascending; -1: there is none
    bool repeated = false;      ///< marked by the broker as a possible repeat
    bool in_order = false;      ///< times of its device increase, so that repeats need no mark
    std::chrono::system_clock::time_point created; ///< start of the latency
    read_part whole;                               ///< of a file: all up to the end of this message
};

/// Longest payload that is parsed, in bytes.
inline constexpr std::size_t longest_payload = std::size_t{1} << 16U;
/// Longest name of a device, in bytes.
inline constexpr std::size_t longest_device = 256;

} // namespace tocsin_gateway
