/// @file report.hpp
/// @brief The results of 'detect' on a recording as one self-contained HTML page.
#pragma once

#include "tocsin/io/timestamps.hpp"

#include <nlohmann/json_fwd.hpp>

#include "model_file.hpp"
#include "report_time.hpp"
#include "row_judge.hpp"
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_cli {

/// Consecutive rows in an alarm.
struct reported_alarm {
    tocsin::index_t begin = 0;           ///< first row, from 0
    tocsin::index_t end = 0;             ///< one after the last
    tocsin::index_t peak = -1;           ///< row of the largest score; -1 if none has one
    double score = 0;                    ///< there
    double threshold = 0;                ///< there
    std::vector<double> shares{};        ///< of each feature in the score of all its rows
    std::vector<std::uint8_t> missing{}; ///< features without a value while a sensor was lost
    std::array<std::string, 3> times{};  ///< of begin, last row and peak, as written
};

/// Collects rows in order, then writes the page. Values are kept in memory, 4 bytes each.
class detection_report {
  public:
    /// @param model must outlive this
    /// @param clock how timestamps are read
    detection_report(const model_file& model, std::string model_path, std::string data_path,
                     tocsin::timestamp_kind clock);

    /// Takes the next row.
    /// @param sample    `[features]`
    /// @param timestamp as written; empty without one
    /// @param time      the same in seconds; NaN where it is not known
    /// @param label     1 = labelled anomalous
    void add(std::span<const float> sample, std::string_view timestamp, double time, bool label,
             const row_verdict& judged);
    /// Replaces the file by the page; fails with its name. Runs the model again around the alarms,
    /// for the expected values.
    void write(const std::string& path);

  private:
    tocsin::index_t rows() const noexcept { return static_cast<tocsin::index_t>(score_.size()); }
    void add_to_alarm(tocsin::index_t row, std::string_view timestamp,
                      std::span<const float> sample, const row_verdict& judged);
    /// Runs of rows for which the page has expected values: all, or those around alarms.
    std::vector<std::array<tocsin::index_t, 2>> expected_runs() const;
    void find_expected();
    nlohmann::ordered_json description(const time_axis& axis, tocsin::index_t rows_per_bucket,
                                       tocsin::index_t points) const;
    nlohmann::ordered_json described_alarms(const time_axis& axis) const;
    std::string blocks(const time_axis& axis, tocsin::index_t rows_per_bucket) const;

    const model_file& model_;
    std::string model_path_;
    std::string data_path_;
    tocsin::timestamp_kind clock_;
    std::vector<std::string> names_;
    std::vector<float> values_;        ///< `[features x rows]`
    std::vector<float> score_;         ///< NaN if a row has none
    std::vector<float> threshold_;     ///< one per row
    std::vector<std::uint8_t> labels_; ///< one per row
    std::vector<double> times_;        ///< parsed; NaN where that failed
    std::vector<reported_alarm> alarms_;
    std::vector<std::array<tocsin::index_t, 2>> runs_; ///< rows with an expectation: begin, end
    std::vector<float> expected_;                      ///< `[features x rows of runs_]`
    tocsin::index_t alarm_count_ = 0;
    tocsin::index_t alarm_rows_ = 0;
    tocsin::index_t unscored_ = 0;
    double largest_ = 0;
    bool alarm_before_ = false;
};

} // namespace tocsin_cli
