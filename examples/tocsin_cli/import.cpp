// import: makes a model file of a network that was trained in PyTorch or Keras and converted by
// tocsin-convert.
#include "tocsin/io/converted_detector_model.hpp"
#include "tocsin/metrics/regression.hpp"

#include <nlohmann/json.hpp>

#include "command_files.hpp"
#include "commands.hpp"
#include "echo.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "training_options.hpp"
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tocsin_cli {
namespace {

using tocsin::error_code;
using converted_model = tocsin::converted_detector_model<float>;

struct import_command {
    console out;
    std::string model_path;
    std::string weights_path;
    std::vector<std::string> data_paths;
    input_options input;
    window_options windowing;
    int window = 0;
    scored_option scored = scored_option::automatic;
    int targets = 0; // 0: as the network has outputs
    double tolerance = tocsin::converted_options{}.tolerance;

    scaler_kind scaler = scaler_kind::identity;
    CLI::Option* scaler_option = nullptr;
    std::vector<double> mean;
    std::vector<double> deviation;

    void add_to(CLI::App& command);
    void run();
    tocsin::detector_settings settings_for(const converted_model& network,
                                           const input_data& data) const;
    any_scaler scaler_for(const input_data& data, const tocsin::windows<float>& normal) const;
    void judge_against_mean(const any_detector& detector, const tocsin::windows<float>& normal,
                            double rmse) const;
};

/// Numbers between commas.
CLI::Option* add_numbers(CLI::App& command, const std::string& name, std::vector<double>& numbers,
                         const std::string& description) {
    return command
        .add_option_function<std::string>(
            name,
            [name, &numbers](const std::string& given) {
                numbers.clear();
                for (const std::string& piece : split_at_commas(given)) {
                    const auto number = tocsin::parse_number<double>(piece);
                    if (!number || !std::isfinite(*number)) {
                        throw CLI::ValidationError(name, "'" + piece + "' is not a finite number");
                    }
                    numbers.push_back(*number);
                }
            },
            description)
        ->type_name("NUMBER[,NUMBER...]");
}

void import_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file to write")->required();
    command.add_option("NETWORK", weights_path, "File that tocsin-convert wrote")->required();
    command
        .add_option("DATA", data_paths,
                    "Normal data, one recording or more: they name the features, whose order must "
                    "be that of the training (--columns)")
        ->required();
    input.add_to(command);
    input.add_time_to(command);
    windowing.add_to(command);
    add_window(command, window);
    command.get_option("--window")
        ->description("Time steps of a window. Forecaster: the newest is forecast from those "
                      "before it, so that one trained on N has N + 1. Autoencoder: as many as it "
                      "repeats its code")
        ->default_str("forecaster: 30, or the length of the sequences");
    add_scored(command, scored);

    const std::string group = "Network";
    scaler_option =
        add_choice(
            command, "--scaler", scaler,
            {{"identity", scaler_kind::identity},
             {"standard", scaler_kind::standard},
             {"min-max", scaler_kind::min_max},
             {"robust", scaler_kind::robust}},
            "How its inputs were scaled. identity: not at all; others are fitted to DATA, "
            "which must then be the data it was trained on. This, or --mean and --deviation, "
            "must be given")
            ->default_str("")
            ->group(group);
    CLI::Option* const means =
        add_numbers(command, "--mean", mean,
                    "What was subtracted from its inputs, one number per feature")
            ->excludes(scaler_option)
            ->group(group);
    CLI::Option* const deviations =
        add_numbers(command, "--deviation", deviation,
                    "What they were divided by then, one number per feature")
            ->needs(means)
            ->group(group);
    means->needs(deviations);
    add_integer(command, "--targets", targets,
                "Forecaster: how many features it forecasts, the first ones; with more outputs it "
                "looks further ahead",
                1, tocsin::maximum_layer_size)
        ->default_str("all, or as many as it has outputs")
        ->group(group);
    with_default(add_number(command, "--tolerance", tolerance,
                            "Largest difference of an output to that of the original for the "
                            "random input in the file, relative to the larger of 1 and the latter",
                            0),
                 tolerance)
        ->group(group);
}

tocsin::detector_settings import_command::settings_for(const converted_model& network,
                                                       const input_data& data) const {
    tocsin::detector_settings settings;
    constexpr int usual_window = 30;
    settings.window = window > 0           ? window
                      : network.window > 0 ? network.window
                      : data.is_series     ? usual_window
                                           : data.sequences.length;
    if (network.window > 0 && settings.window != network.window) {
        fail(error_code::invalid_argument, "--window ", window, ": the autoencoder of ",
             weights_path, " is for windows of ", network.window);
    }
    settings.scored = scored_steps_of(scored, data.is_series);
    if (data.longest_gap > 0) {
        settings.longest_pause = data.longest_gap;
    }
    return settings;
}

any_scaler import_command::scaler_for(const input_data& data,
                                      const tocsin::windows<float>& normal) const {
    any_scaler made{scaler};
    const bool given = !mean.empty();
    if (scaler_option->count() == 0 && !given) {
        fail(error_code::invalid_argument,
             "a network expects its inputs scaled as in its training: --scaler identity, or --mean "
             "and --deviation, or another --scaler if DATA are those it was trained on");
    }
    const auto features = static_cast<std::size_t>(data.features());
    for (const auto& [name, numbers] : {std::pair{"--mean", &mean}, {"--deviation", &deviation}}) {
        if (given && numbers->size() != features) {
            fail(error_code::invalid_argument, name, ": ", numbers->size(),
                 numbers->size() == 1 ? " number" : " numbers", ", the network reads ", features,
                 features == 1 ? " feature" : " features");
        }
    }
    const bool shifted = scaler == scaler_kind::identity && data.offsets.size() > 0;
    if (!given && !shifted) {
        require(made.fit(normal), data.path);
        return made;
    }
    // Offsets have been subtracted from the values before: in double, unlike the scaler.
    tocsin::column<float> offset(data.features());
    tocsin::column<float> scale(data.features());
    for (tocsin::index_t f = 0; f < offset.size(); ++f) {
        const auto k = static_cast<std::size_t>(f);
        const double subtracted = data.offsets.size() > 0 ? data.offsets[f] : 0;
        offset[f] = static_cast<float>((given ? mean[k] : 0) - subtracted);
        scale[f] = given ? static_cast<float>(deviation[k]) : 1;
    }
    require(made.set(offset, scale), "--mean, --deviation");
    return made;
}

/// RMSE of a trained detector's model in scaled units.
double rmse_of(const any_detector& detector, const tocsin::windows<float>& windows) {
    tocsin::regression_errors errors;
    require(detector.reconstruct(windows,
                                 [&](tocsin::index_t, const auto& window, const auto& prediction) {
                                     tocsin::matrix<float> observed = window;
                                     tocsin::matrix<float> expected = prediction;
                                     detector.data_scaler().transform(observed);
                                     detector.data_scaler().transform(expected);
                                     errors.add(observed, expected);
                                 }));
    return errors.rmse();
}

/// Other units than those of its training are what a network suffers from most.
void import_command::judge_against_mean(const any_detector& detector,
                                        const tocsin::windows<float>& normal, double rmse) const {
    const double of_mean = rmse_of_mean(detector, normal, normal);
    if (rmse > of_mean) {
        out.note("warning: on " + data_paths.front() +
                 " the network is worse than the mean of the data: RMSE " + shown(rmse) +
                 ", that of the mean is " + shown(of_mean) +
                 "; are scaling, order of columns and --window those of its training?");
    }
}

void import_command::run() {
    auto inputs = command_files("DATA", data_paths);
    inputs.push_back({"NETWORK", weights_path});
    refuse_overwriting(inputs, {{"MODEL", model_path}});
    refuse_replacing_other_file({"MODEL", model_path});
    const converted_model network = require(tocsin::load_converted_detector_model<float>(
        weights_path, targets, {.tolerance = tolerance}));
    const any_model inner =
        std::visit([](const auto& each) { return any_model{each}; }, network.model);
    const input_data data = read_recordings(data_paths, input, nullptr);
    if (data.features() != inner.features()) {
        fail(error_code::invalid_data, data.path, ": has ", data.features(),
             data.features() == 1 ? " feature" : " features", ", the network of ", weights_path,
             " reads ", inner.features(), data.is_series ? "; --columns chooses them" : "");
    }
    model_file model;
    keep_reading(data, input, model);
    const tocsin::detector_settings settings = settings_for(network, data);
    const auto normal = normal_windows(data, settings.window, windowing, out);
    const any_scaler scaling = scaler_for(data, normal);
    model.detector = any_detector{inner, settings, scaling};
    require(model.detector.check());
    tocsin::standard_scaler<float> statistics;
    require(statistics.fit(normal), data.path);
    require(
        model.detector.borrow({.parameters = network.parameters}, scaling, statistics.offset()));
    echo(data, out);
    const double rmse = rmse_of(model.detector, normal);
    judge_against_mean(model.detector, normal, rmse);
    save_model(model, model_path);

    std::string layers;
    for (const std::string& layer : network.layers) {
        layers += (layers.empty() ? "" : ", ") + layer;
    }
    out.say(weights_path + ": " + layers);
    out.say(weights_path +
            ": the outputs for the random input in the file are those of the "
            "original to " +
            shown(tolerance));
    out.say(model_path + ": " + inner.name() + ", " + std::to_string(inner.parameter_count()) +
            " parameters, window " + std::to_string(settings.window) + ", scaler " +
            scaling.name() + "; RMSE " + shown(rmse) + " on " + data.path + ", in scaled units");
    out.say("next: tocsin_cli fit-errors " + model_path + " NORMAL_DATA");
    out.report({{"command", "import"},
                {"model", model_path},
                {"network", weights_path},
                {"kind", inner.name()},
                {"layers", network.layers},
                {"parameters", inner.parameter_count()},
                {"features", model.shown_names()},
                {"window", settings.window},
                {"scaler", scaling.name()},
                {"tolerance", tolerance},
                {"rmse", rmse},
                {"read", describe_json(data)},
                {"warnings", warnings_of(data)}});
}

} // namespace

void add_import(CLI::App& app) {
    add_command<import_command>(
        app, "import",
        "Make a model file of a PyTorch or Keras network that tocsin-convert has written");
}

} // namespace tocsin_cli
