// tune: sets the thresholds, from labelled data, from normal data or by hand.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "metrics.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include <optional>

namespace tocsin_cli {
namespace {

using tocsin::error_code;

enum class rule_kind : std::uint8_t { automatic, f_beta, quantile, sigma, peaks };

struct tune_command {
    console out;
    std::string model_path;
    std::string data_path;
    std::string output;
    input_options input;
    window_options how;
    rule_kind rule = rule_kind::automatic;
    double beta = 1;
    double quantile = 0.99;
    double factor = 1;
    double sigmas = 3;
    double false_alarm_rate = 1e-3;
    double step = 0;
    double feature = 0;
    CLI::Option* step_option = nullptr;
    CLI::Option* feature_option = nullptr;
    CLI::Option* beta_option = nullptr;
    std::vector<CLI::Option*> quantile_options;
    CLI::Option* sigma_option = nullptr;
    CLI::Option* peaks_option = nullptr;

    void add_to(CLI::App& command);
    void run();
    any_threshold make_rule(bool has_labels) const;
};

void tune_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file with fitted errors")->required();
    command.add_option("DATA", data_path,
                       "Data with labels, or normal data; not needed when both thresholds are set "
                       "by hand");
    command.add_option("-o,--output", output, "Model file to write; default: in place")
        ->type_name("FILE");
    input.add_to(command);
    how.add_to(command);
    const std::string group = "Thresholds";
    add_choice(command, "--rule", rule,
               {{"auto", rule_kind::automatic},
                {"f-beta", rule_kind::f_beta},
                {"quantile", rule_kind::quantile},
                {"sigma", rule_kind::sigma},
                {"peaks-over-threshold", rule_kind::peaks}},
               "f-beta needs labels; the others look at normal windows only, peaks-over-threshold "
               "at the tail of their scores (SPOT); auto: f-beta where there are labels of both "
               "kinds, else quantile")
        ->group(group);
    beta_option = with_default(add_number(command, "--beta", beta,
                                          "f-beta: how much more recall counts than precision", 0),
                               beta)
                      ->group(group);
    quantile_options = {
        with_default(add_number(command, "--quantile", quantile, "quantile: of the scores", 0, 1),
                     quantile)
            ->group(group),
        with_default(add_number(command, "--factor", factor,
                                "quantile: the threshold is this times the quantile", 0,
                                std::numeric_limits<double>::max(), true),
                     factor)
            ->group(group)};
    sigma_option = with_default(add_number(command, "--sigmas", sigmas,
                                           "sigma: standard deviations above the mean score"),
                                sigmas)
                       ->group(group);
    peaks_option =
        with_default(add_number(command, "--false-alarm-rate", false_alarm_rate,
                                "peaks-over-threshold: wanted share of normal windows that alarm",
                                0, 0.01, true),
                     false_alarm_rate)
            ->group(group);
    step_option = add_number(command, "--step-threshold", step,
                             "By hand: of the squared distance per time step", 0)
                      ->group(group);
    feature_option = add_number(command, "--feature-threshold", feature,
                                "By hand: of the squared distance per feature", 0)
                         ->group(group);
}

any_threshold tune_command::make_rule(bool has_labels) const {
    rule_kind chosen = rule;
    if (chosen == rule_kind::automatic) {
        chosen = has_labels ? rule_kind::f_beta : rule_kind::quantile;
    }
    const auto refuse = [](const CLI::Option* option, const char* name) {
        fail(error_code::invalid_argument, option->get_name(), " belongs to another rule than ",
             name);
    };
    const char* const name = chosen == rule_kind::f_beta     ? "f-beta"
                             : chosen == rule_kind::quantile ? "quantile"
                             : chosen == rule_kind::sigma    ? "sigma"
                                                             : "peaks-over-threshold";
    if (chosen != rule_kind::f_beta && beta_option->count() > 0) {
        refuse(beta_option, name);
    }
    for (const CLI::Option* option : quantile_options) {
        if (chosen != rule_kind::quantile && option->count() > 0) {
            refuse(option, name);
        }
    }
    if (chosen != rule_kind::sigma && sigma_option->count() > 0) {
        refuse(sigma_option, name);
    }
    if (chosen != rule_kind::peaks && peaks_option->count() > 0) {
        refuse(peaks_option, name);
    }
    switch (chosen) {
    case rule_kind::f_beta:
        return any_threshold{tocsin::f_beta_threshold{beta}};
    case rule_kind::sigma:
        return any_threshold{tocsin::sigma_threshold{sigmas}};
    case rule_kind::peaks:
        return any_threshold{tocsin::spot_threshold{{.q = false_alarm_rate, .level = 0.98}}};
    default:
        return any_threshold{tocsin::quantile_threshold{quantile, factor}};
    }
}

void tune_command::run() {
    const bool by_hand = step_option->count() > 0 && feature_option->count() > 0;
    if (data_path.empty() && !by_hand) {
        fail(error_code::invalid_argument,
             "DATA is needed, unless --step-threshold and --feature-threshold are both given");
    }
    model_file model = load_model(model_path);
    require_phase(model, model_path, tocsin::detector_phase::errors_fitted);
    auto& detector = model.detector;
    const auto optional = [](const CLI::Option* option, double value) {
        return option->count() > 0 ? std::optional<double>{value} : std::nullopt;
    };
    detector.override_thresholds({}, {});
    detector.set_rule(any_threshold{});
    labelled_windows usable;
    input_data data;
    if (!data_path.empty()) {
        data = read_input(data_path, input, &model);
        const auto all =
            cut_windows(data, detector.settings().window, how.stride, detector.settings().scored);
        usable = without_missing(data, all, how, out);
        const auto anomalous = std::count(usable.labels.begin(), usable.labels.end(), 1);
        const bool both = anomalous > 0 && anomalous < usable.windows.count();
        if (rule == rule_kind::f_beta && usable.labels.empty()) {
            fail(error_code::invalid_data, data_path,
                 ": has no labels, which --rule f-beta needs; use quantile or sigma");
        }
        detector.set_rule(make_rule(both));
        require(detector.tune(usable.windows, usable.labels), data_path);
    }
    detector.override_thresholds(optional(step_option, step), optional(feature_option, feature));
    const std::string& target = output.empty() ? model_path : output;
    save_model(model, target);

    const char* const name = by_hand ? "manual" : detector.step_rule().name();
    out.say(target + ": thresholds by rule '" + name + "': per step " +
            shown(detector.step_threshold()) + (step_option->count() > 0 ? " (by hand)" : "") +
            ", per feature " + shown(detector.feature_threshold()) +
            (feature_option->count() > 0 ? " (by hand)" : ""));
    nlohmann::ordered_json result{{"command", "tune"},
                                  {"model", target},
                                  {"data", data_path},
                                  {"rule", name},
                                  {"windows", usable.windows.count()},
                                  {"step_threshold", detector.step_threshold()},
                                  {"feature_threshold", detector.feature_threshold()}};
    if (!usable.labels.empty()) {
        std::vector<double> per_step;
        std::vector<double> per_feature;
        require(detector.scores(usable.windows, per_step, per_feature));
        scored_decisions step_view;
        scored_decisions feature_view;
        for (std::size_t k = 0; k < per_step.size(); ++k) {
            const bool anomalous = usable.labels[k] != 0;
            step_view.add(per_step[k], per_step[k] > detector.step_threshold(), anomalous);
            feature_view.add(per_feature[k], per_feature[k] > detector.feature_threshold(),
                             anomalous);
        }
        out.say("on these data, per step:    " + step_view.text());
        out.say("on these data, per feature: " + feature_view.text());
        result["metrics"] = {{"step", step_view.json()}, {"feature", feature_view.json()}};
    }
    out.report(result);
}

} // namespace

void add_tune(CLI::App& app) {
    add_command<tune_command>(
        app, "tune", "Set the thresholds, from labelled data, from normal data or by hand");
}

} // namespace tocsin_cli
