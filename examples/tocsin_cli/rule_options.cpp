#include "rule_options.hpp"

#include "failure.hpp"
#include "options.hpp"
#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
                                     "drift-peaks-over-threshold",
                                     "peaks-over-threshold-by-moments",
                                     "alarm-rate"};
    return names[static_cast<int>(kind)];
}

/// Such as "10000 rows", "1 week" or "8h".
row_span parse_span(const std::string& name, const std::string& given) {
    constexpr std::pair<std::string_view, double> units[] = {
        {"row", 0},          {"rows", 0},     {"s", 1},         {"second", 1},
        {"seconds", 1},      {"min", 60},     {"minute", 60},   {"minutes", 60},
        {"h", 3600},         {"hour", 3600},  {"hours", 3600},  {"d", 86400},
        {"day", 86400},      {"days", 86400}, {"w", 7 * 86400}, {"week", 7 * 86400},
        {"weeks", 7 * 86400}};
    const auto letter = std::find_if(given.begin(), given.end(), [](unsigned char character) {
        return std::isalpha(character) != 0;
    });
    std::string_view number(given.begin(), letter);
    while (!number.empty() && number.back() == ' ') {
        number.remove_suffix(1);
    }
    const std::string_view unit(letter, given.end());
    const auto found = std::find_if(std::begin(units), std::end(units),
                                    [&](const auto& known) { return known.first == unit; });
    const auto value = number.empty() ? std::optional{1.0} : tocsin::parse_number<double>(number);
    if (found == std::end(units) || !value || !std::isfinite(*value) || !(*value > 0)) {
        throw CLI::ValidationError(name, "'" + given +
                                             "' is not a number of rows, s, min, h, days or weeks");
    }
    return found->second > 0 ? row_span{0, *value * found->second} : row_span{*value, 0};
}

} // namespace

void rule_options::add_to(CLI::App& command) {
    add_choice(
        command, "--rule", kind_,
        {{name_of(rule_kind::automatic), rule_kind::automatic},
         {name_of(rule_kind::f_beta), rule_kind::f_beta},
         {name_of(rule_kind::quantile), rule_kind::quantile},
         {name_of(rule_kind::sigma), rule_kind::sigma},
         {name_of(rule_kind::epsilon), rule_kind::epsilon},
         {name_of(rule_kind::peaks), rule_kind::peaks},
         {name_of(rule_kind::drift_peaks), rule_kind::drift_peaks},
         {name_of(rule_kind::peaks_by_moments), rule_kind::peaks_by_moments},
         {name_of(rule_kind::alarm_rate), rule_kind::alarm_rate}},
        "f-beta needs labels; the others use windows that are not labelled anomalous. "
        "epsilon separates best, even if anomalies are unlabelled; peaks-over-threshold "
        "models the tail of the scores (SPOT), drift-peaks-over-threshold their tail around "
        "a moving mean (DSPOT): both can adapt on a stream. peaks-over-threshold-by-moments "
        "is SPOT with a fit that can adapt in firmware, too. alarm-rate promises a number of "
        "false alarms (--alarms, --per), where a run of high scores is one. auto: f-beta if "
        "there are labels of both kinds, else quantile")
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
           "peaks-over-threshold, each kind: wanted share of normal windows that raise an alarm", 0,
           0.01, true, {rule_kind::peaks, rule_kind::drift_peaks, rule_kind::peaks_by_moments});
    const auto integer = [&](const char* name, int& value, const char* description, int low,
                             int high, rule_kind owner) {
        CLI::Option* const option = add_integer(command, name, value, description, low, high);
        owned_.push_back({option->group(group), {owner}});
    };
    integer("--drift-depth", drift_depth_,
            "drift-peaks-over-threshold: number of scores in the moving mean", 1, 1 << 24,
            rule_kind::drift_peaks);
    integer("--buffer", buffer_, "epsilon: rows around an anomalous one that count as anomalous", 0,
            1 << 20, rule_kind::epsilon);
    number("--alarms", alarms_, "alarm-rate: promised false alarms", 0, most, true,
           {rule_kind::alarm_rate});
    owned_.push_back(
        {command
             .add_option_function<std::string>(
                 "--per", [this](const std::string& given) { per_ = parse_span("--per", given); },
                 "alarm-rate: rows or time for which --alarms is promised, such as 1week")
             ->type_name("SPAN")
             ->default_str("10000 rows")
             ->group(group),
         {rule_kind::alarm_rate}});
    smooth_option_ =
        add_integer(
            command, "--smooth", smoothing_,
            "CSV: replace each score by the mean over this many last rows, here and in 'detect' "
            "and 'stream'",
            1, any_threshold::most_smoothing)
            ->group(group);
}

tocsin::alarm_rate_settings rule_options::promise(double step) const {
    if (per_.seconds > 0 && !(step > 0)) {
        fail(tocsin::error_code::invalid_argument,
             "--per: a time needs rows with timestamps; the model was trained without");
    }
    return {.alarms = alarms_, .per_rows = per_.seconds > 0 ? per_.seconds / step : per_.rows};
}

any_threshold rule_options::make(bool has_labels, double step) const {
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
    case rule_kind::peaks_by_moments:
        rule = tocsin::spot_threshold_by_moments{peaks};
        break;
    case rule_kind::alarm_rate:
        rule = tocsin::alarm_rate{promise(step)};
        break;
    case rule_kind::automatic:
    case rule_kind::quantile:
        rule = tocsin::quantile_threshold{quantile_, factor_};
        break;
    }
    return any_threshold{std::move(rule), smoothing_};
}

} // namespace tocsin_cli
