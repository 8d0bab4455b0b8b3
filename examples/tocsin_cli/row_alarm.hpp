/// @file row_alarm.hpp
/// @brief From verdicts on rows to alarms, and the options for that.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/detect/verdict.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <vector>

namespace tocsin_cli {

/// Alarm control between anomalies and alarms, after hysteresis.
using alarm_pieces =
    tocsin::alarm_chain<tocsin::m_of_n, tocsin::minimum_duration, tocsin::suppression>;

/// Options for alarms; without any, each anomaly is one.
class alarm_options {
  public:
    void add_to(CLI::App& command);

    /// Whether one of them was given.
    bool given() const;
    const std::vector<CLI::Option*>& options() const noexcept { return options_; }
    /// Share of the threshold below which an alarm ends.
    double end_of_alarm() const noexcept { return hysteresis_; }
    /// The pieces that flags pass, in their initial state.
    alarm_pieces pieces() const noexcept;

  private:
    double hysteresis_ = 1; // share of the threshold where an alarm ends
    int m_ = 1;
    int n_ = 1;
    std::int64_t duration_ = 1;
    std::int64_t silence_ = 0;
    std::vector<CLI::Option*> options_;
};

/// Judges the verdicts on the rows of one stream, one after the other.
class row_alarm {
  public:
    explicit row_alarm(const alarm_options& options) noexcept;

    /// Whether the row belongs to an alarm.
    bool push(const tocsin::verdict& verdict) noexcept { return chain_.push(is_flagged(verdict)); }
    void reset() noexcept;
    bool has_settings_of(const row_alarm& other) const noexcept;

    static constexpr int version = 1;
    /// Settings and state, to an archive of bytes.
    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("end_of_alarm", end_of_alarm_);
        archive.object("hysteresis", hysteresis_);
        archive.object("chain", chain_);
    }

  private:
    bool is_flagged(const tocsin::verdict& verdict) noexcept;

    double end_of_alarm_;
    tocsin::hysteresis hysteresis_;
    alarm_pieces chain_;
};

} // namespace tocsin_cli
