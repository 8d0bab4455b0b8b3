/// @file ports.hpp
/// @brief The interfaces of the worker: a source, a sink, a store of states. It depends on no
/// broker.
#pragma once

#include "tocsin/core/status.hpp"

#include "message.hpp"
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_gateway {

/// Notified by a source of its partitions.
class partition_listener {
  public:
    partition_listener() = default;
    partition_listener(const partition_listener&) = delete;
    partition_listener& operator=(const partition_listener&) = delete;
    virtual ~partition_listener() = default;

    /// Before the first message of these partitions.
    virtual tocsin::status assigned(std::span<const std::int32_t> partitions) = 0;
    /// After their last message, while they are still owned.
    virtual tocsin::status revoked(std::span<const std::int32_t> partitions) = 0;
};

/// The source of messages, in order within a partition.
class source {
  public:
    source() = default;
    source(const source&) = delete;
    source& operator=(const source&) = delete;
    virtual ~source() = default;

    /// Appends received messages; waits at most this long for the first. May call the listener.
    virtual tocsin::status poll(std::vector<message>& messages, std::chrono::milliseconds wait,
                                partition_listener& listener) = 0;
    /// Called while a partition is assigned: messages before this offset have been judged.
    /// @param origin what origin() said when they were; empty: nothing
    /// @return a failure if offsets counted in something else then, so that messages which nobody has
    ///         judged would be skipped
    virtual tocsin::status resume(std::int32_t partition, std::int64_t next_offset,
                                  std::string_view origin) = 0;
    /// What offsets count in, for a later resume(), where that may change; kept with the next offset.
    virtual std::string origin() { return {}; }
    /// Everything that poll() has returned is processed, and its state is safe.
    /// @param next_offsets per partition, where its next owner continues
    struct progress {
        std::int32_t partition;
        std::int64_t next_offset;
    };
    virtual tocsin::status acknowledge(std::span<const progress> next_offsets) = 0;
    /// The source will never have another message.
    virtual bool ended() const = 0;
    /// Reads no more. Whether messages may wait here that nobody would send again: poll() returns them,
    /// then the source has ended.
    virtual bool stop() { return false; }
    /// Whether a key keeps the messages of a device in one partition. Messages without a key are then
    /// refused, even if the payload names the device.
    virtual bool keyed() const { return false; }
    /// Number of messages after which it sends no more until they are acknowledged.
    virtual std::int64_t most_unacknowledged() const {
        return std::numeric_limits<std::int64_t>::max();
    }
    /// Waiting messages that have not been returned, as far as known.
    virtual std::int64_t lag() = 0;
    /// Gives back all partitions, each to the listener first, and ends.
    virtual tocsin::status close(partition_listener& /*listener*/) { return {}; }
};

enum class output : std::uint8_t { verdict, alarm, dead_letter };

/// The destination of lines of JSON.
class sink {
  public:
    sink() = default;
    sink(const sink&) = delete;
    sink& operator=(const sink&) = delete;
    virtual ~sink() = default;

    /// Lines of one device stay in order.
    virtual tocsin::status write(output kind, std::string_view device, std::string_view line) = 0;
    /// Sends buffered lines, without waiting for them.
    virtual tocsin::status pass_on() { return {}; }
    /// Returns when every line has arrived.
    virtual tocsin::status flush() = 0;
};

/// A store in which states of streams outlive the process: the newest bytes of each key of a
/// partition.
class state_store {
  public:
    using visitor = std::function<tocsin::status(std::int32_t partition, std::string_view key,
                                                 std::span<const std::byte> bytes)>;

    state_store() = default;
    state_store(const state_store&) = delete;
    state_store& operator=(const state_store&) = delete;
    virtual ~state_store() = default;

    virtual tocsin::status put(std::int32_t partition, std::string_view key,
                               std::span<const std::byte> bytes) = 0;
    /// Returns when everything that was put is safe.
    virtual tocsin::status flush() = 0;
    /// Visits what was put last under each key, once.
    virtual tocsin::status read(std::span<const std::int32_t> partitions, const visitor& visit) = 0;
};

} // namespace tocsin_gateway
