/// @file device.hpp
/// @brief What the gateway remembers of one device, and its format in a state store.
#pragma once

#include "tocsin/core/status.hpp"

#include "device_model.hpp"
#include "tocsin_cli/promise_count.hpp"
#include "tocsin_cli/row_alarm.hpp"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_gateway {

/// One device: its stream and its position.
struct device {
    /// A new stream.
    /// @param fresh control of alarms; none: each anomaly is one
    device(std::string_view name, std::shared_ptr<const device_model> by,
           const std::optional<tocsin_cli::row_alarm>& fresh = std::nullopt);

    std::string quoted_name; ///< as JSON
    std::shared_ptr<const device_model> model;
    device_stream stream;
    std::optional<tocsin_cli::row_alarm> control;
    std::optional<tocsin_cli::promise_count> promise; ///< where the model's rule makes one
    std::int64_t position = 0;                        ///< samples judged so far, by any model
    std::int64_t next_offset = 0;                     ///< messages before it have been judged
    double last_time;        ///< of the last sample whose time was taken; NaN before
    bool alarm = false;      ///< whether the last sample belonged to one
    bool changed = false;    ///< since the last checkpoint
    int earlier = 0;         ///< samples in a row before last_time, at increasing times
    double last_earlier = 0; ///< time of the last of them

    /// Judges a sample; the verdict says whether it belongs to an alarm, and whether there are far more
    /// anomalies than the false ones promised.
    tocsin::verdict push(std::span<const float> values, double time) noexcept;
    /// Whether the time of a sample is not after that of the last one, and so it repeats one. More than
    /// `most_repeats` of them in a row, at increasing times, mean a clock that was set back, or a first
    /// time that was wrong: they are no repeats, and the stream decides about their time.
    bool is_repeat(double time) noexcept;
    static constexpr int most_repeats = 100;
    /// Changes the model. The stream continues if both have the same identity; otherwise it, the
    /// control of alarms and the count of anomalies start afresh, while position and offset continue.
    /// @return whether it starts afresh
    bool change_model(std::shared_ptr<const device_model> to);
};

/// Magic `TOCGATE4`; offset, position, time, samples before it and the time of the last of them, alarm,
/// identity of the model, the bytes of save_stream(), whether there is control of alarms and whether a
/// promise, this control, the count of anomalies, CRC-32 of everything.
tocsin::result<std::vector<std::byte>> save_device(const device& state);
/// A device from its bytes. If they belong to another model than `model`, the stream, the control of
/// alarms and the count of anomalies start afresh and the rest continues; `kept` is then false. The
/// control or the count alone starts afresh where the bytes have none, or one with other settings.
/// Also reads what was saved before, without the samples before the last time: `TOCGATE1`, `TOCGATE2`
/// with control of alarms, `TOCGATE3` with a promise.
/// @param control at its start
tocsin::result<device> load_device(std::string_view name, std::shared_ptr<const device_model> model,
                                   const std::optional<tocsin_cli::row_alarm>& control,
                                   std::span<const std::byte> bytes, bool& kept);

/// How far a partition has been judged, stored in a state store under the empty key.
struct partition_progress {
    std::int64_t next_offset = 0; ///< messages before it are processed
    std::string origin;           ///< what it counts in, see source::origin(); empty: not known
};
/// Magic `TOCOFFS1`, or `TOCOFFS2` with an origin; offset, origin, CRC-32 of everything.
std::vector<std::byte> save_progress(const partition_progress& progress);
tocsin::result<partition_progress> load_progress(std::span<const std::byte> bytes);

} // namespace tocsin_gateway
