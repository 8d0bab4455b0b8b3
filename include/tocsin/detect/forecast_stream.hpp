/// @file forecast_stream.hpp
/// @brief From the samples of a stream to the errors of the forecasts made for them.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/models/forecaster.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin {

/// What a model reads where a value is missing (NaN or infinite).
enum class missing_value : std::uint8_t {
    hold,    ///< the last value of that feature
    forecast ///< the forecast of one step for it; features that are not forecast: the last value
};

/// How a stream treats its past.
struct forecast_stream_settings {
    int warm_up = 0; ///< samples after a start that are not scored: the state has not settled
    missing_value missing = missing_value::forecast;
    int longest_gap = 10; ///< samples with missing values in a row; after more, the stream restarts
    /// Time between two samples after which the stream restarts, in the unit of the timestamps.
    double longest_pause = std::numeric_limits<double>::infinity();

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (warm_up < 0 || longest_gap < 0 || !(longest_pause > 0)) {
            return status::error(error_code::invalid_argument, "forecast_stream: warm-up ", warm_up,
                                 " and longest gap ", longest_gap,
                                 " must not be negative, longest pause ", longest_pause,
                                 " must be positive");
        }
        return {};
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("warm_up", warm_up, 0, 1 << 30);
        archive.integer("missing", missing, missing_value::hold, missing_value::forecast);
        archive.integer("longest_gap", longest_gap, 0, 1 << 30);
        bool pauses = std::isfinite(longest_pause); // files hold finite numbers only
        archive.integer("pauses", pauses);
        if (pauses) {
            archive.number("longest_pause", longest_pause);
        } else {
            longest_pause = std::numeric_limits<double>::infinity();
        }
        if constexpr (Archive::loading) {
            archive.fail(check());
        }
    }
};

/// What one sample of a stream was to forecast_stream.
enum class sample_outcome : std::uint8_t {
    scored,      ///< errors() holds its errors
    warming_up,  ///< too soon after a start
    incomplete,  ///< a value was missing: read with a replacement, not scored
    out_of_order ///< its time is not after that of the sample before: ignored
};

/// Runs a forecaster over a stream and compares each sample with the forecasts made for it: with
/// `look_ahead` L there are L of them, made 1 to L samples before.
///
/// Holds the state of one stream; the model and its packed weights stay with the caller. push()
/// costs the same for every sample and allocates nothing.
template <class Scalar>
class forecast_stream {
  public:
    forecast_stream() = default;
    /// Allocates.
    template <class Model>
    forecast_stream(const Model& model, const forecast_stream_settings& settings)
        : settings_{settings}, targets_{model.targets()}, ahead_{model.look_ahead()},
          state_(static_cast<std::size_t>(model.state_size(1))),
          work_(static_cast<std::size_t>(model.step_work_size(1))),
          sample_(column<Scalar>::Zero(model.features())),
          forecasts_(matrix<Scalar>::Zero(model.forecast_size(1), model.look_ahead())),
          errors_(column<double>::Zero(model.forecast_size(1))) {}

    const forecast_stream_settings& settings() const noexcept { return settings_; }

    /// Forgets the past; the time of the last sample stays known.
    void restart() noexcept {
        zero(std::span<Scalar>(state_));
        seen_ = 0;
    }

    /// Reads a sample.
    /// @param packed weights by `model.pack()`
    /// @param sample `[features]`, scaled; NaN where a value is missing
    /// @param time   NaN: not known
    template <class Model>
    sample_outcome push(const Model& model, packed_weights<Scalar> packed,
                        std::span<const Scalar> sample,
                        double time = std::numeric_limits<double>::quiet_NaN()) noexcept {
        if (!std::isnan(time)) {
            if (time <= last_time_) {
                return sample_outcome::out_of_order;
            }
            if (time - last_time_ > settings_.longest_pause) {
                restart();
            }
            last_time_ = time;
        }
        const bool complete = read(sample);
        gap_ = complete ? 0 : gap_ + 1;
        if (gap_ > settings_.longest_gap) {
            restart();
        }
        if (!complete && seen_ == 0) {
            return sample_outcome::incomplete; // a stream begins with a complete sample
        }
        const bool forecasts_complete = seen_ >= ahead_;
        if (forecasts_complete) {
            compare();
        }
        model.step(
            packed, matrix_view<const Scalar>(sample_.data(), sample_.size(), 1),
            std::span<Scalar>(state_),
            matrix_view<Scalar>(forecasts_.col(newest_column()).data(), forecasts_.rows(), 1),
            std::span<Scalar>(work_), order_of_step(static_cast<int>(seen_ % 2)));
        ++seen_;
        if (!complete) {
            return sample_outcome::incomplete;
        }
        return forecasts_complete && seen_ > settings_.warm_up ? sample_outcome::scored
                                                               : sample_outcome::warming_up;
    }

    /// Sample minus forecast, `[targets * look_ahead]`, those made one step before first; of the
    /// last sample that was scored.
    const column<double>& errors() const noexcept { return errors_; }
    /// The newest forecast, `[targets * look_ahead]`, scaled, the next sample first.
    std::span<const Scalar> forecast() const noexcept {
        const index_t column = (seen_ + ahead_ - 1) % ahead_;
        return {forecasts_.col(column).data(), static_cast<std::size_t>(forecasts_.rows())};
    }

  private:
    /// Column of the forecast that the sample which is being read will make.
    index_t newest_column() const noexcept { return seen_ % ahead_; }
    /// The forecast made `steps` samples before the one that is being read.
    auto forecast_before(index_t steps) const noexcept {
        return forecasts_.col((seen_ + ahead_ - steps) % ahead_);
    }

    /// Takes over a sample, with replacements for what is missing; whether nothing is.
    bool read(std::span<const Scalar> sample) noexcept {
        bool complete = true;
        for (index_t f = 0; f < sample_.size(); ++f) {
            const Scalar value = sample[static_cast<std::size_t>(f)];
            if (std::isfinite(value)) {
                sample_[f] = value;
                continue;
            }
            complete = false;
            if (settings_.missing == missing_value::forecast && f < targets_ && seen_ > 0) {
                sample_[f] = forecast_before(1)[f];
            } // else the value before it stays
        }
        return complete;
    }
    void compare() noexcept {
        for (index_t before = 1; before <= ahead_; ++before) {
            const auto forecast = forecast_before(before);
            for (index_t f = 0; f < targets_; ++f) {
                const index_t at = (before - 1) * targets_ + f;
                errors_[at] = static_cast<double>(sample_[f]) - static_cast<double>(forecast[at]);
            }
        }
    }

    forecast_stream_settings settings_;
    index_t targets_ = 0;
    index_t ahead_ = 1;
    index_t seen_ = 0; // samples since the start
    int gap_ = 0;      // incomplete samples since the last complete one
    double last_time_ = -std::numeric_limits<double>::infinity();
    aligned_vector<Scalar> state_;
    aligned_vector<Scalar> work_;
    column<Scalar> sample_;
    matrix<Scalar> forecasts_; // ring of the last look_ahead forecasts
    column<double> errors_;
};

} // namespace tocsin
