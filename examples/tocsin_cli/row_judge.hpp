/// @file row_judge.hpp
/// @brief How 'detect' and 'stream' judge each row: score, threshold, verdict, alarm.
#pragma once

#include "tocsin/series/moving_window.hpp"

#include <CLI/CLI.hpp>

#include "model_file.hpp"
#include "promise_count.hpp"
#include "row_alarm.hpp"
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tocsin_cli {

/// Options of both commands for rows.
class row_options {
  public:
    void add_to(CLI::App& command);

    /// Whether the threshold adapts.
    bool adapt() const noexcept { return adapt_; }
    /// Rows after which a row counts half as much in the errors that are normal; infinity: they stay
    /// as they are.
    double half_life() const noexcept { return half_life_; }
    const alarm_options& alarms() const noexcept { return alarms_; }
    /// The first option that was given, such as "--adapt"; empty for none.
    std::string first_given() const;

  private:
    bool adapt_ = false;
    double half_life_ = std::numeric_limits<double>::infinity();
    std::vector<CLI::Option*> learning_options_;
    alarm_options alarms_;
};

/// The verdict on a row, and whether it belongs to an alarm.
struct row_verdict {
    tocsin::verdict verdict;
    std::span<const double> shares{}; ///< one per feature if the row has a score, else empty
    bool alarm = false;
};

/// Judges the rows of one stream, one after the other.
class row_judge {
  public:
    /// Fails if the options do not fit the model, which must outlive this.
    /// @param path of the model, named in failures
    row_judge(const model_file& model, const row_options& options, const std::string& path);

    bool has_alarms() const noexcept { return has_alarms_; }
    /// Rows that belong to an alarm, and alarms, so far.
    tocsin::index_t alarm_rows() const noexcept { return alarm_rows_; }
    tocsin::index_t alarms() const noexcept { return alarms_; }
    /// Clusters of anomalies so far, beside their promised rate; null where the rule promises none.
    const tocsin::rate_monitor* promise() const noexcept {
        return promise_ ? &promise_->monitor() : nullptr;
    }
    /// @param sample `[features]`; the shares are valid until the next call
    /// @param time   in seconds; NaN: not known
    row_verdict push(std::span<const float> sample, double time = tocsin::unknown_time) noexcept;

  private:
    /// Fails where the model cannot learn what is wanted.
    /// @param judge what judges in place of the detector, in words
    void enable_learning(const row_options& options, const std::string& path, const char* judge);
    /// By the detector, what judges in its place, or the classifier, with its shares.
    tocsin::verdict judge(std::span<const float> sample, double time) noexcept;

    const any_detector& detector_;
    std::unique_ptr<any_classifier::stream> classified_; // or null
    std::unique_ptr<promised_model::stream> judged_;     // or null
    any_detector::stream_type stream_;
    std::vector<double> shares_;
    tocsin::moving_window smoothing_;
    bool has_alarms_;
    row_alarm alarm_;
    std::optional<promise_count> promise_;
    tocsin::index_t alarm_rows_ = 0;
    tocsin::index_t alarms_ = 0;
    bool alarm_before_ = false;
};

} // namespace tocsin_cli
