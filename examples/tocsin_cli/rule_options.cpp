#include "rule_options.hpp"

#include "failure.hpp"
#include "options.hpp"
#include <algorithm>
#include <limits>
#include <string>

namespace tocsin_cli {
namespace {

constexpr const char* group = "Thresholds";

const char* name_of(rule_kind kind) noexcept {
    constexpr const char* names[] = {"auto",
                                     "f-beta",
                                     "quantile",
                                     "sigma",
                                     "epsilon",
                                     "peaks-over-threshold",
                                     "drift-peaks-over-threshold"};
    return names[static_cast<int>(kind)];
}

} // namespace

void rule_options::add_to(CLI::App& command) {
    add_choice(command, "--rule", kind_,
               {{name_of(rule_kind::automatic), rule_kind::automatic},
                {name_of(rule_kind::f_beta), rule_kind::f_beta},
                {name_of(rule_kind::quantile), rule_kind::quantile},
                {name_of(rule_kind::sigma), rule_kind::sigma},
                {name_of(rule_kind::epsilon), rule_kind::epsilon},
                {name_of(rule_kind::peaks), rule_kind::peaks},
                {name_of(rule_kind::drift_peaks), rule_kind::drift_peaks}},
               "f-beta needs labels; the others look at windows without a label of an anomaly. "
               "epsilon separates best, also where anomalies are unlabelled; peaks-over-threshold "
               "looks at the tail of the scores (SPOT), drift-peaks-over-threshold at their tail "
               "around a moving mean (DSPOT): both can adapt on a stream. auto: f-beta where there "
               "are labels of both kinds, else quantile")
        ->group(group);
    const auto number = [&](const char* name, double& value, const char* description, double low,
                            double high, bool open, std::vector<rule_kind> owners) {
        CLI::Option* const option =
            with_default(add_number(command, name, value, description, low, high, open), value);
        owned_.push_back({option->group(group), std::move(owners)});
    };
    constexpr double most = std::numeric_limits<double>::max();
    number("--beta", beta_, "f-beta: how much more recall counts than precision", 0, most, false,
           {rule_kind::f_beta});
    number("--quantile", quantile_, "quantile: of the scores", 0, 1, false, {rule_kind::quantile});
    number("--factor", factor_, "quantile: the threshold is this times the quantile", 0, most, true,
           {rule_kind::quantile});
    number("--sigmas", sigmas_, "sigma: standard deviations above the mean score", -most, most,
           false, {rule_kind::sigma});
    number("--false-alarm-rate", false_alarm_rate_,
           "(drift-)peaks-over-threshold: wanted share of normal windows that alarm", 0, 0.01, true,
           {rule_kind::peaks, rule_kind::drift_peaks});
    const auto integer = [&](const char* name, int& value, const char* description, int low,
                             int high, rule_kind owner) {
        CLI::Option* const option = add_integer(command, name, value, description, low, high);
        owned_.push_back({option->group(group), {owner}});
    };
    integer("--drift-depth", drift_depth_,
            "drift-peaks-over-threshold: scores that the moving mean is taken of", 1, 1 << 24,
            rule_kind::drift_peaks);
    integer("--buffer", buffer_, "epsilon: rows around an anomalous one that count as anomalous", 0,
            1 << 20, rule_kind::epsilon);
    smooth_option_ =
        add_integer(
            command, "--smooth", smoothing_,
            "CSV: replace each score by the mean of the last so many rows, here and in 'detect' "
            "and 'stream'",
            1, any_threshold::most_smoothing)
            ->group(group);
}

any_threshold rule_options::make(bool has_labels) const {
    const rule_kind chosen = kind_ != rule_kind::automatic ? kind_
                             : has_labels                  ? rule_kind::f_beta
                                                           : rule_kind::quantile;
    for (const auto& [option, owners] : owned_) {
        if (option->count() > 0 &&
            std::find(owners.begin(), owners.end(), chosen) == owners.end()) {
            fail(tocsin::error_code::invalid_argument, option->get_name(),
                 " belongs to another rule than ", name_of(chosen));
        }
    }
    tocsin::spot_settings peaks;
    peaks.q = false_alarm_rate_;
    peaks.level = 0.98;
    any_threshold::rules rule;
    switch (chosen) {
    case rule_kind::f_beta:
        rule = tocsin::f_beta_threshold{beta_};
        break;
    case rule_kind::sigma:
        rule = tocsin::sigma_threshold{sigmas_};
        break;
    case rule_kind::epsilon:
        rule = tocsin::epsilon_threshold{buffer_};
        break;
    case rule_kind::peaks:
        rule = tocsin::spot_threshold{peaks};
        break;
    case rule_kind::drift_peaks:
        rule = tocsin::drift_spot_threshold{peaks, drift_depth_};
        break;
    case rule_kind::automatic:
    case rule_kind::quantile:
        rule = tocsin::quantile_threshold{quantile_, factor_};
        break;
    }
    return any_threshold{std::move(rule), smoothing_};
}

} // namespace tocsin_cli
