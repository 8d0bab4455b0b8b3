// fit-errors: fits the statistics of the reconstruction errors to normal data.
#include <nlohmann/json.hpp>

#include "command_files.hpp"
#include "commands.hpp"
#include "echo.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"

namespace tocsin_cli {
namespace {

using tocsin::index_t;

struct fit_errors_command {
    console out;
    std::string model_path;
    std::vector<std::string> data_paths;
    std::string output;
    input_options input;
    window_options windowing;

    void add_to(CLI::App& command) {
        command.add_option("MODEL", model_path, "Model file, trained")->required();
        command
            .add_option("DATA", data_paths,
                        "Normal data the model was not trained on, one recording or more; "
                        "anomalous parts are left out if labelled")
            ->required();
        command.add_option("-o,--output", output, "Model file to write; default: in place")
            ->type_name("FILE");
        input.add_to(command);
        input.add_time_to(command);
        windowing.add_to(command);
    }

    void run() {
        const command_file written =
            output.empty() ? command_file{"MODEL", model_path} : command_file{"--output", output};
        refuse_overwriting(command_files("DATA", data_paths), {written});
        refuse_replacing_other_file(written);
        model_file model = load_model(model_path);
        require_phase(model, model_path, tocsin::detector_phase::trained);
        refuse_judge(model, model_path, "fit it anew");
        const input_data data = read_recordings(data_paths, input, &model);
        echo_rows(data, out);
        warn_of_step(data, model, out, true);
        auto& detector = model.detector;
        const auto windows = normal_windows(data, detector.settings().window, windowing, out);
        require(detector.fit_errors(windows), data.path);
        model.errors_from = data.is_series ? data.fingerprint() : std::string{};
        // With a covariance of n samples in d dimensions, other scores are larger by this on
        // average.
        const index_t sensors = detector.features();
        if (windows.count() < 50 * sensors) {
            out.note("warning: " + data.path + ": " + std::to_string(windows.count()) +
                     " windows are few for " + std::to_string(sensors) +
                     " sensors; scores of other data will be larger than on these" +
                     inflation(windows.count(), sensors) + "; " + std::to_string(50 * sensors) +
                     " would be enough, and tune should use other rows");
        }
        // Thresholds tuned with other statistics are no longer valid.
        detector.override_thresholds({}, {});
        detector.set_rule(any_threshold{});
        const std::string& target = output.empty() ? model_path : output;
        save_model(model, target);
        out.say(target + ": error statistics of " + std::to_string(windows.count()) +
                " windows; next: tocsin_cli tune " + target + " DATA");
        out.report({{"command", "fit-errors"},
                    {"model", target},
                    {"data", data.path},
                    {"windows", windows.count()},
                    {"read", describe_json(data)},
                    {"warnings", warnings_of(data)}});
    }
};

} // namespace

void add_fit_errors(CLI::App& app) {
    add_command<fit_errors_command>(
        app, "fit-errors", "Fit the statistics of the reconstruction errors to normal data");
}

} // namespace tocsin_cli
