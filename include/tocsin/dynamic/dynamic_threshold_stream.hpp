/// @file dynamic_threshold_stream.hpp
/// @brief Nonparametric dynamic threshold for streams, with bounded memory.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
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
/// equals find_dynamic_events()'s for a recording of at least 2500 rows and a whole number of
/// batches. An event is known up to a batch late; above() tells at once, without pruning, that an
/// error reaches the threshold of the last window.
///
/// Errors and values beyond 1e6 count as 1e6. Whatever came, the smoothed errors are right again,
/// to 1e-10, after 20 (span + 1) rows, with the settings' span, and the threshold a window
/// and a batch later.
///
/// Memory: about 10 numbers per row of the window. One thread at a time.
class dynamic_threshold_stream {
  public:
    /// Allocates.
    /// @param settings with look_ahead 1, as a stream does not know the values to come;
    ///                 `invalid_argument` otherwise
    static result<dynamic_threshold_stream> make(const dynamic_threshold_settings& settings = {}) {
        if (status usable = check(settings); !usable) {
            return usable;
        }
        return dynamic_threshold_stream(settings);
    }

    const dynamic_threshold_settings& settings() const noexcept { return settings_; }

    /// Takes in the next row. An error that is negative, or either that is not finite, is counted
    /// in rejected(), and the last good row takes its place (zeros before the first). Never
    /// allocates. O(1), each `batch`-th row O(batch * window).
    /// @param error absolute error, at least 0
    /// @param value the signal
    /// @return whether a batch has been judged with this row: see judged(), flags() and pieces().
    bool push(double error, double value) noexcept {
        if (errors_.size() == 0) {
            count_up(rejected_); // it was moved from
            return false;
        }
        if (std::isfinite(value) && std::isfinite(error) && error >= 0) {
            constexpr double limit = detail::largest_dynamic_input;
            last_value_ = std::clamp(value, -limit, limit);
            last_smoothed_ = smoother_.push(std::min(error, limit));
        } else {
            count_up(rejected_);
        }
        errors_[filled_] = last_smoothed_;
        values_[filled_] = last_value_;
        earlier_[static_cast<std::size_t>(filled_)] = 0;
        ++filled_;
        count_up(rows_);
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
        const auto size = static_cast<std::size_t>(judged_.size());
        const auto flags = window_.flags();
        return flags.size() >= size ? flags.last(size) : std::span<const std::uint8_t>{};
    }
    /// Their runs with scores; rows count from the first row of the window, which is row
    /// `judged().end - settings().window_rows()` of the stream. Valid until the next push().
    std::span<const scored_range> pieces() const noexcept { return window_.pieces(); }

    static constexpr int version = 1;
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
        }
        // When loading, these take the sizes that the file holds.
        column<double> errors = Archive::loading ? column<double>{} : errors_;
        column<double> values = Archive::loading ? column<double>{} : values_;
        column<double> earlier;
        if constexpr (!Archive::loading) {
            earlier = column<double>::Zero(errors_.size());
            std::copy(earlier_.begin(), earlier_.end(), earlier.data());
        }
        archive.matrix("errors", errors);
        archive.matrix("values", values);
        archive.matrix("earlier", earlier);
        if constexpr (Archive::loading) {
            const index_t rows = settings.window_rows();
            if (archive.outcome().ok() &&
                (errors.size() != rows || values.size() != rows || earlier.size() != rows)) {
                archive.fail(status::error(error_code::format_error,
                                           "dynamic_threshold_stream: a window of ", rows,
                                           " rows, but the file holds ", errors.size()));
            }
            if (!archive.outcome().ok()) {
                return;
            }
            *this = dynamic_threshold_stream(settings);
            errors_ = errors;
            values_ = values;
            for (std::size_t i = 0; i < earlier_.size(); ++i) {
                earlier_[i] = earlier[static_cast<index_t>(i)] != 0;
            }
        }
        bool has_threshold = std::isfinite(epsilon_);
        double threshold = has_threshold ? epsilon_ : 0;
        archive.integer("rows", rows_);
        archive.integer("rejected", rejected_);
        archive.integer("filled", filled_);
        archive.number("last_value", last_value_);
        archive.number("last_smoothed", last_smoothed_);
        archive.integer("has_threshold", has_threshold);
        archive.number("threshold", threshold);
        {
            const auto inner = archive.scope("smoothing");
            smoother_.exchange(archive);
        }
        if constexpr (Archive::loading) {
            if (has_threshold) {
                epsilon_ = threshold;
            }
            if (archive.outcome().ok()) {
                archive.fail(valid());
            }
            if (!archive.outcome().ok()) {
                *this = dynamic_threshold_stream(settings_);
            }
        }
    }

    /// Whether push() can have led here; `format_error` with what is impossible.
    status valid() const noexcept {
        const index_t window = settings_.window_rows();
        if (!is_count(rows_) || !is_count(rejected_) || filled_ < 0 || filled_ >= window ||
            rows_ < filled_ ||
            (rows_ < window ? filled_ != rows_ : filled_ < window - settings_.batch)) {
            return status::error(error_code::format_error, "dynamic_threshold_stream: filled ",
                                 filled_, " of ", window, " rows after ", rows_, " rows, rejected ",
                                 rejected_, ", is impossible");
        }
        // Means and smoothed errors may differ from what they are of in their last digits.
        constexpr double limit = 1.001 * detail::largest_dynamic_input;
        const auto is_error = [&](double error) { return error >= 0 && error <= limit; };
        if (!is_error(last_smoothed_) || !is_bounded(last_value_, limit) ||
            !(epsilon_ >= 0 &&
              (epsilon_ <= (1 + detail::largest_epsilon_z) * limit || std::isinf(epsilon_)))) {
            return status::error(error_code::format_error, "dynamic_threshold_stream: threshold ",
                                 epsilon_, ", smoothed error ", last_smoothed_, " or value ",
                                 last_value_, " is impossible");
        }
        for (index_t i = 0; i < window; ++i) {
            if (!is_error(errors_[i]) || !is_bounded(values_[i], limit)) {
                return status::error(error_code::format_error, "dynamic_threshold_stream: error ",
                                     errors_[i], " or value ", values_[i], " is impossible");
            }
        }
        if (smoother_.alpha() != ewma::from_span(settings_.span()).alpha()) {
            return status::error(error_code::format_error, "dynamic_threshold_stream: alpha ",
                                 smoother_.alpha(), " differs from the settings");
        }
        return smoother_.valid();
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
        // Where positions have 32 bits they end earlier than the stream.
        const auto end = static_cast<index_t>(
            std::min<std::int64_t>(rows_, std::numeric_limits<index_t>::max()));
        judged_ = {first ? 0 : end - batch, end};
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
