/// @file rule_options.hpp
/// @brief The options of 'tune' that choose a threshold rule and its settings.
#pragma once

#include <CLI/CLI.hpp>

#include "any_threshold.hpp"
#include <cstdint>
#include <vector>

namespace tocsin_cli {

enum class rule_kind : std::uint8_t {
    automatic,
    f_beta,
    quantile,
    sigma,
    epsilon,
    peaks,
    drift_peaks,
    peaks_by_moments,
    alarm_rate
};

/// A length of time, or a number of rows where seconds are 0.
struct row_span {
    double rows = 0;
    double seconds = 0;
};

/// The options that choose a rule.
class rule_options {
  public:
    void add_to(CLI::App& command);

    rule_kind kind() const noexcept { return kind_; }
    int smoothing() const noexcept { return smoothing_; }
    /// The smoothing of the command line, else the existing one.
    int smoothing_or(int present) const noexcept {
        return smooth_option_->count() > 0 ? smoothing_ : present;
    }
    /// The rule, not fitted yet. Fails, naming the option, where one belongs to another rule.
    /// @param has_labels determines the automatic choice
    /// @param step       seconds between two rows, 0 if not known
    any_threshold make(bool has_labels, double step) const;

  private:
    /// An option that only some rules have.
    struct owned_option {
        CLI::Option* option;
        std::vector<rule_kind> owners;
    };

    tocsin::alarm_rate_settings promise(double step) const;

    rule_kind kind_ = rule_kind::automatic;
    double beta_ = 1;
    double quantile_ = 0.99;
    double factor_ = 1;
    double sigmas_ = 3;
    double false_alarm_rate_ = 1e-3;
    int drift_depth_ = 100;
    int buffer_ = 0;
    double alarms_ = 1;
    row_span per_{10000, 0};
    int smoothing_ = 1;
    CLI::Option* smooth_option_ = nullptr;
    std::vector<owned_option> owned_;
};

} // namespace tocsin_cli
