// tune: sets the thresholds, from labelled data, from normal data or by hand.
#include <nlohmann/json.hpp>

#include "command_files.hpp"
#include "commands.hpp"
#include "echo.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "metrics.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "rule_options.hpp"
#include <optional>

namespace tocsin_cli {
namespace {

using tocsin::error_code;

struct tune_command {
    console out;
    std::string model_path;
    std::vector<std::string> data_paths;
    std::string output;
    input_options input;
    window_options windowing;
    rule_options rule;
    double step = 0;
    double feature = 0;
    CLI::Option* step_option = nullptr;
    CLI::Option* feature_option = nullptr;

    void add_to(CLI::App& command);
    void run();
};

void tune_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file with fitted errors")->required();
    command.add_option("DATA", data_paths,
                       "Data with labels, or normal data, one recording or more; not needed when "
                       "both thresholds are set by hand");
    command.add_option("-o,--output", output, "Model file to write; default: in place")
        ->type_name("FILE");
    input.add_to(command);
    input.add_time_to(command);
    windowing.add_to(command);
    rule.add_to(command);
    const std::string group = "Thresholds";
    step_option = add_number(command, "--step-threshold", step,
                             "Manual threshold of the squared distance per time step", 0)
                      ->group(group);
    feature_option = add_number(command, "--feature-threshold", feature,
                                "Manual threshold of the squared distance per feature", 0)
                         ->group(group);
}

void tune_command::run() {
    constexpr auto per_feature_view = tocsin::error_view::per_feature;
    const bool by_hand = step_option->count() > 0 && feature_option->count() > 0;
    if (data_paths.empty() && !by_hand) {
        fail(error_code::invalid_argument,
             "DATA is needed, unless --step-threshold and --feature-threshold are both given");
    }
    const command_file written =
        output.empty() ? command_file{"MODEL", model_path} : command_file{"--output", output};
    refuse_overwriting(command_files("DATA", data_paths), {written});
    refuse_replacing_other_file(written);
    model_file model = load_model(model_path);
    require_phase(model, model_path, tocsin::detector_phase::errors_fitted);
    refuse_judge(model, model_path, "fit it anew, with another number of --alarms");
    auto& detector = model.detector;
    const auto optional = [](const CLI::Option* option, double value) {
        return option->count() > 0 ? std::optional<double>{value} : std::nullopt;
    };
    detector.override_thresholds({}, {});
    // Manual thresholds are for unsmoothed scores: smoothing must be requested.
    const int smoothing =
        data_paths.empty() ? rule.smoothing_or(detector.rule().smoothing()) : rule.smoothing();
    detector.set_rule(any_threshold{tocsin::manual_threshold(0), smoothing});
    labelled_windows usable;
    input_data data;
    if (!data_paths.empty()) {
        data = read_recordings(data_paths, input, &model);
        echo_rows(data, out);
        warn_of_step(data, model, out, true);
        if (rule.smoothing() > 1 && (!data.is_series || windowing.stride != 1)) {
            fail(error_code::invalid_argument, "--smooth ", rule.smoothing(), ": ",
                 data.is_series ? "needs every row, --stride 1"
                                : "sequences are independent; only rows of CSV can be smoothed");
        }
        if (rule.kind() == rule_kind::alarm_rate && data.is_series && windowing.stride != 1) {
            fail(error_code::invalid_argument,
                 "--rule alarm-rate counts alarms in rows and needs every row, --stride 1");
        }
        if (!model.errors_from.empty() && data.fingerprint() == model.errors_from) {
            out.note("warning: " + data.path +
                     ": fit-errors saw the same rows; thresholds from other rows are more "
                     "reliable");
        }
        const auto all = cut_windows(data, detector.settings().window, windowing.stride,
                                     detector.settings().scored);
        usable = without_missing(data, all, windowing, out);
        const auto anomalous = std::count(usable.labels.begin(), usable.labels.end(), 1);
        const bool both = anomalous > 0 && anomalous < usable.windows.count();
        if (rule.kind() == rule_kind::f_beta && usable.labels.empty()) {
            fail(error_code::invalid_data, data.path,
                 ": has no labels, which --rule f-beta needs; use another rule");
        }
        detector.set_rule(rule.make(both, model.step));
        require(detector.tune(usable.windows, usable.labels), data.path);
        if (const tocsin::alarm_rate* promise = detector.rule().promise();
            promise != nullptr && promise->promised() > promise->largest_promise()) {
            out.note(
                "warning: " + shown(promise->promised()) +
                " false alarms in 10000 rows are promised, but at most " +
                shown(promise->largest_promise()) +
                " clusters of high scores come in rows like these; the threshold is the level of "
                "the clusters or below");
        }
    }
    detector.override_thresholds(optional(step_option, step), optional(feature_option, feature));
    const std::string& target = output.empty() ? model_path : output;
    save_model(model, target);

    const char* const name = by_hand ? "manual" : detector.rule().name();
    out.say(target + ": thresholds by rule '" + name + "': per step " +
            shown(detector.threshold()) + (step_option->count() > 0 ? " (by hand)" : "") +
            ", per feature " + shown(detector.threshold(per_feature_view)) +
            (feature_option->count() > 0 ? " (by hand)" : ""));
    nlohmann::ordered_json result{{"command", "tune"},
                                  {"model", target},
                                  {"data", data.path},
                                  {"rule", name},
                                  {"smoothing", smoothing},
                                  {"windows", usable.windows.count()},
                                  {"step_threshold", detector.threshold()},
                                  {"feature_threshold", detector.threshold(per_feature_view)}};
    if (!data_paths.empty()) {
        result["read"] = describe_json(data);
        result["warnings"] = warnings_of(data);
    }
    if (!usable.labels.empty()) {
        const auto scores = require(detector.scores(usable.windows));
        const std::vector<double> per_step = detector.rule().smoothed(scores.per_step);
        const std::vector<double> per_feature = detector.rule().smoothed(scores.per_feature);
        scored_decisions step_view;
        scored_decisions feature_view;
        for (std::size_t k = 0; k < per_step.size(); ++k) {
            const bool anomalous = usable.labels[k] != 0;
            step_view.add(per_step[k], per_step[k] > detector.threshold(), anomalous);
            feature_view.add(per_feature[k], per_feature[k] > detector.threshold(per_feature_view),
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
