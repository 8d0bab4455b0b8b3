/// @file dynamic_threshold_stream.hpp
/// @brief Nonparametric dynamic threshold for streams, with bounded memory.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/dynamic/dynamic_threshold_settings.hpp"
#include "tocsin/dynamic/dynamic_threshold_window.hpp"
#include "tocsin/metrics/row_ranges.hpp"
#include "tocsin/series/smoothing.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// The nonparametric dynamic threshold of find_dynamic_events(), row by row. Every `batch` rows the
/// newest batch is judged against the last `window` batches, as soon as that many exist. The result
/// equals that of find_dynamic_events() for a recording of at least 2500 rows and a whole number of
/// batches. An event is known up to a batch late; above() tells at once, without pruning, that an
/// error reaches the threshold of the last window.
///
/// Memory: about 10 numbers per row of the window. One thread at a time.
class dynamic_threshold_stream {
  public:
    /// @param settings with look_ahead 1, because a stream does not know future values;
    ///                 `invalid_argument` otherwise. Allocates.
    static result<dynamic_threshold_stream> make(const dynamic_threshold_settings& settings = {}) {
        if (status usable = check(settings); !usable) {
            return usable;
        }
        return dynamic_threshold_stream(settings);
    }

    const dynamic_threshold_settings& settings() const noexcept { return settings_; }

    /// Adds the next row. If the error is negative or either value is not finite, the row is
    /// counted in rejected() and replaced by the last good row (zeros before the first). Never
    /// allocates. O(1), each `batch`-th row O(batch * window).
    /// @param error absolute error, at least 0
    /// @param value the signal
    /// @return whether a batch has been judged with this row: see judged(), flags() and pieces()
    bool push(double error, double value) noexcept {
        if (std::isfinite(value) && std::isfinite(error) && error >= 0) {
            last_value_ = value;
            last_smoothed_ = smoother_.push(error);
        } else {
            ++rejected_;
        }
        errors_[filled_] = last_smoothed_;
        values_[filled_] = last_value_;
        earlier_[static_cast<std::size_t>(filled_)] = 0;
        ++filled_;
        ++rows_;
        if (filled_ < settings_.window_rows()) {
            return false;
        }
        judge();
        return true;
    }

    /// Rows so far.
    std::int64_t rows() const noexcept { return rows_; }
    /// Rows that were replaced by the last good one.
    std::int64_t rejected() const noexcept { return rejected_; }
    /// The last smoothed error.
    double smoothed() const noexcept { return last_smoothed_; }
    /// The threshold of the last window; infinity before the first.
    double threshold() const noexcept { return epsilon_; }
    /// Whether the last smoothed error is at least threshold().
    bool above() const noexcept { return last_smoothed_ >= epsilon_; }

    /// The rows judged last, counted from the first row of the stream.
    row_range judged() const noexcept { return judged_; }
    /// Nonzero for the anomalous rows among them. Valid until the next push().
    std::span<const std::uint8_t> flags() const noexcept {
        return window_.flags().last(static_cast<std::size_t>(judged_.size()));
    }
    /// Their runs with scores; rows count from the first row of the window, which is row
    /// `judged().end - settings().window_rows()` of the stream. Valid until the next push().
    std::span<const scored_range> pieces() const noexcept { return window_.pieces(); }

    /// Saves or loads everything but the last verdict: after loading, the stream continues with the
    /// same bits, and judged() is empty until the next batch.
    template <class Archive>
    void exchange(Archive& archive) {
        dynamic_threshold_settings settings = settings_;
        archive.integer("batch", settings.batch);
        archive.integer("window", settings.window);
        archive.number("smoothing", settings.smoothing);
        archive.integer("buffer", settings.buffer);
        archive.number("minimum_drop", settings.minimum_drop);
        archive.integer("warm_up", settings.warm_up);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(check(settings));
            }
            if (!archive.outcome().ok()) {
                return;
            }
            *this = dynamic_threshold_stream(settings);
        }
        column<double> earlier = column<double>::Zero(errors_.size());
        std::copy(earlier_.begin(), earlier_.end(), earlier.data());
        bool has_threshold = std::isfinite(epsilon_);
        double threshold = has_threshold ? epsilon_ : 0;
        archive.integer("rows", rows_);
        archive.integer("rejected", rejected_);
        archive.integer("filled", filled_);
        archive.number("last_value", last_value_);
        archive.number("last_smoothed", last_smoothed_);
        archive.integer("has_threshold", has_threshold);
        archive.number("threshold", threshold);
        archive.matrix("errors", errors_);
        archive.matrix("values", values_);
        archive.matrix("earlier", earlier);
        {
            const auto inner = archive.scope("smoothing");
            smoother_.exchange(archive);
        }
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() &&
                (filled_ < 0 || filled_ >= settings_.window_rows() || rows_ < filled_)) {
                archive.fail(status::error(
                    error_code::format_error, "dynamic_threshold_stream: filled ", filled_, " of ",
                    settings_.window_rows(), " rows after ", rows_, " rows is impossible"));
            }
            if (!archive.outcome().ok()) {
                *this = dynamic_threshold_stream(settings_);
                return;
            }
            for (std::size_t i = 0; i < earlier_.size(); ++i) {
                earlier_[i] = earlier[static_cast<index_t>(i)] != 0;
            }
            if (has_threshold) {
                epsilon_ = threshold;
            }
        }
    }

  private:
    explicit dynamic_threshold_stream(const dynamic_threshold_settings& settings)
        : settings_{settings}, window_{settings, settings.window_rows()},
          smoother_{ewma::from_span(settings.span())},
          errors_{column<double>::Zero(settings.window_rows())},
          values_{column<double>::Zero(settings.window_rows())},
          earlier_(static_cast<std::size_t>(settings.window_rows()), 0) {}

    static status check(const dynamic_threshold_settings& settings) noexcept {
        if (settings.look_ahead != 1) {
            return status::error(error_code::invalid_argument,
                                 "dynamic_threshold_stream: look_ahead ", settings.look_ahead,
                                 " must be 1");
        }
        return settings.check();
    }

    void judge() noexcept {
        const index_t window = settings_.window_rows();
        const index_t batch = settings_.batch;
        const bool first = rows_ == window;
        index_t first_row = window - batch;
        if (first) {
            first_row = std::min(index_t{2} * settings_.warm_up, window);
            if (settings_.warm_up > 0) {
                const double mean = detail::level_and_spread::of(
                                        {errors_.data(), static_cast<std::size_t>(first_row)})
                                        .mean;
                errors_.head(std::min<index_t>(settings_.warm_up, window)).setConstant(mean);
            }
        }
        const auto size = static_cast<std::size_t>(window);
        window_.judge({errors_.data(), size}, {values_.data(), size}, earlier_, first_row);
        epsilon_ = window_.upper().epsilon;
        judged_ = {first ? 0 : rows_ - batch, rows_};
        const auto flags = window_.flags();
        for (std::size_t i = 0; i < size; ++i) {
            earlier_[i] = earlier_[i] | flags[i];
        }
        std::copy(errors_.data() + batch, errors_.data() + window, errors_.data());
        std::copy(values_.data() + batch, values_.data() + window, values_.data());
        std::copy(earlier_.begin() + batch, earlier_.end(), earlier_.begin());
        filled_ = window - batch;
    }

    dynamic_threshold_settings settings_;
    detail::dynamic_threshold_window window_;
    ewma smoother_;
    column<double> errors_; // smoothed, oldest first
    column<double> values_;
    std::vector<std::uint8_t> earlier_; // rows of the window that were found anomalous
    index_t filled_ = 0;
    std::int64_t rows_ = 0;
    std::int64_t rejected_ = 0;
    double last_value_ = 0;
    double last_smoothed_ = 0;
    double epsilon_ = std::numeric_limits<double>::infinity();
    row_range judged_;
};

} // namespace tocsin
