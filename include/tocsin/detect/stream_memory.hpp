/// @file stream_memory.hpp
/// @brief The parts of a stream, for the functions that work on them.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/emptied_by_move.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/detector_tag.hpp"
#include "tocsin/detect/stream_clock.hpp"
#include "tocsin/detect/stream_layout.hpp"
#include "tocsin/detect/verdict.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace tocsin::detail {

/// Owns an object on the heap, or none; copies copy the object.
template <class T>
class optional_box {
  public:
    optional_box() noexcept = default;
    optional_box(const optional_box& other)
        : value_{other.value_ ? std::make_unique<T>(*other.value_) : nullptr} {}
    optional_box(optional_box&&) noexcept = default;
    optional_box& operator=(const optional_box& other) {
        return *this = optional_box(other); // NOLINT(misc-unconventional-assign-operator)
    }
    optional_box& operator=(optional_box&&) noexcept = default;
    ~optional_box() = default;

    void set(T value) { value_ = std::make_unique<T>(std::move(value)); }
    void reset() noexcept { value_.reset(); }
    T* get() noexcept { return value_.get(); }
    const T* get() const noexcept { return value_.get(); }

  private:
    std::unique_ptr<T> value_;
};

/// Everything that a detector_stream remembers.
template <class Scalar, index_t Bytes, class Alarm, class Learning>
struct stream_memory {
    emptied_by_move<detector_tag> made_by{};
    emptied_by_move<stream_layout<Scalar>> layout{};
    stream_clock clock{};
    std::int64_t position = 0;
    std::int64_t seen = 0;   ///< samples that the model has read since the start
    std::int32_t blind = 0;  ///< samples without any value in a row
    bool learnable = false;  ///< whether learn() may take the last sample
    bool incomplete = false; ///< whether the last sample that was read had missing values
    verdict last{};
    [[no_unique_address]] Alarm alarm{};
    optional_box<Learning> learning{};
    alignas(Bytes == dynamic ? alignof(void*) : 64) storage<std::byte, Bytes> bytes{};

    stream_memory() = default;
    /// Allocates where the size is dynamic.
    stream_memory(const detector_tag& detector, const stream_layout<Scalar>& sizes,
                  Alarm alarm_control)
        : made_by{detector}, layout{sizes}, alarm{std::move(alarm_control)} {
        if constexpr (Bytes == dynamic) {
            bytes.resize(static_cast<std::size_t>(layout.bytes()));
        }
    }

    std::span<Scalar> state() noexcept { return part<Scalar>(0, layout.state()); }
    std::span<const Scalar> state() const noexcept { return part<Scalar>(0, layout.state()); }
    /// What the model reads of the newest sample, `[features]`.
    std::span<Scalar> inputs() noexcept {
        return part<Scalar>(layout.inputs_at(), layout.features());
    }
    std::span<const Scalar> inputs() const noexcept {
        return part<Scalar>(layout.inputs_at(), layout.features());
    }
    /// Errors of the newest sample that was scored: its worst error vector, or, for the view per
    /// feature, the score of each feature.
    std::span<double> errors() noexcept {
        return part<double>(layout.errors_at(), layout.errors());
    }
    std::span<const double> errors() const noexcept {
        return part<double>(layout.errors_at(), layout.errors());
    }
    /// Missing samples in a row of each sensor.
    std::span<std::int32_t> missing_runs() noexcept {
        return part<std::int32_t>(layout.missing_at(), layout.features());
    }
    std::span<const std::int32_t> missing_runs() const noexcept {
        return part<std::int32_t>(layout.missing_at(), layout.features());
    }
    /// Scratch of push(), where the stack is too small.
    std::byte* scratch() noexcept { return bytes.data() + layout.scratch_at(); }

    /// The next sample is the first of the model's; the clock runs on.
    void restart_model() noexcept {
        zero(state());
        zero(inputs());
        seen = 0;
        blind = 0;
        learnable = false;
    }
    void restart() noexcept {
        restart_model();
        clock.clear();
        std::fill(missing_runs().begin(), missing_runs().end(), 0);
        incomplete = false;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("state_size", layout.state());
        archive.expect("features", layout.features());
        archive.expect("errors_size", layout.errors());
        clock.exchange(archive);
        archive.integer("position", position, std::int64_t{0}, largest_count);
        archive.integer("seen", seen, std::int64_t{0}, largest_count);
        archive.integer("blind", blind, 0, 1 << 30);
        archive.integer("learnable", learnable);
        archive.integer("incomplete", incomplete);
        archive.integer("kind", last.kind, verdict_kind::normal, verdict_kind::not_ready);
        archive.integer("reason", last.reason, sample_reason::scored, sample_reason::not_ready);
        archive.integer("alarm", last.alarm);
        archive.integer("clock_reset", last.clock_reset);
        archive.integer("missing", last.missing, 0, layout.features());
        archive.integer("lost", last.lost, 0, layout.features());
        archive.real("score", last.score);
        archive.real("threshold", last.threshold);
        archive.array("state", state());
        archive.array("inputs", inputs());
        archive.array("errors", errors());
        archive.array("missing_runs", missing_runs());
        archive.object("alarm_control", alarm);
    }

  private:
    template <class T>
    std::span<T> part(index_t at, index_t count) noexcept {
        return {reinterpret_cast<T*>(bytes.data() + at), static_cast<std::size_t>(count)};
    }
    template <class T>
    std::span<const T> part(index_t at, index_t count) const noexcept {
        return {reinterpret_cast<const T*>(bytes.data() + at), static_cast<std::size_t>(count)};
    }
};

} // namespace tocsin::detail
