// fit-errors: fits the statistics of the reconstruction errors to normal data.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"

namespace tocsin_cli {
namespace {

struct fit_errors_command {
    console out;
    std::string model_path;
    std::string data_path;
    std::string output;
    input_options input;
    window_options how;

    void add_to(CLI::App& command) {
        command.add_option("MODEL", model_path, "Model file, trained")->required();
        command
            .add_option("DATA", data_path,
                        "Normal data the model was not trained on; anomalous parts are left out if "
                        "labelled")
            ->required();
        command.add_option("-o,--output", output, "Model file to write; default: in place")
            ->type_name("FILE");
        input.add_to(command);
        how.add_to(command);
    }

    void run() {
        model_file model = load_model(model_path);
        require_phase(model, model_path, tocsin::detector_phase::trained);
        const input_data data = read_input(data_path, input, &model);
        auto& detector = model.detector;
        const auto windows = normal_windows(data, detector.settings().window, how, out);
        require(detector.fit_errors(windows), data_path);
        // Thresholds tuned with other statistics mean nothing now.
        detector.override_thresholds({}, {});
        detector.set_rule(any_threshold{});
        const std::string& target = output.empty() ? model_path : output;
        save_model(model, target);
        out.say(target + ": error statistics of " + std::to_string(windows.count()) +
                " windows; next: tocsin_cli tune " + target + " DATA");
        out.report({{"command", "fit-errors"},
                    {"model", target},
                    {"data", data_path},
                    {"windows", windows.count()}});
    }
};

} // namespace

void add_fit_errors(CLI::App& app) {
    add_command<fit_errors_command>(
        app, "fit-errors", "Fit the statistics of the reconstruction errors to normal data");
}

} // namespace tocsin_cli
