// export: writes a tuned model as a C++ header for firmware, and reports its size there.
#include "tocsin/io/firmware_report.hpp"

#include <nlohmann/json.hpp>

#include "c_library_names.hpp"
#include "command_files.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "row_alarm.hpp"
#include <algorithm>

namespace tocsin_cli {
namespace {

using tocsin::error_code;
using tocsin::firmware_format;

struct export_command {
    console out;
    std::string model_path;
    std::string header;
    std::string calibration;
    std::string name;
    std::vector<std::string> units;
    input_options input;
    alarm_options alarms;
    firmware_format format = firmware_format::float32;
    bool fused = false;
    bool no_missing = false;
    bool adapt = false;
    bool report = false;
    int peaks = tocsin::firmware_options{}.peaks;
    int self_test = tocsin::firmware_options{}.self_test_samples;

    void add_to(CLI::App& command);
    void run();
    tocsin::firmware_options options(const model_file& model) const;
};

void export_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file, tuned")->required();
    command
        .add_option("--firmware", header,
                    "Header to write, for tocsin::firmware::watcher on a microcontroller")
        ->type_name("FILE");
    add_choice(command, "--format", format,
               {{"float", firmware_format::float32},
                {"int16", firmware_format::int16},
                {"int8", firmware_format::int8}},
               "Number format of the target");
    command.add_flag("--fused", fused,
                     "Round product and sum once, by the target's fused multiply-add; scores then "
                     "have the same bits only on targets that have one; float");
    command.add_flag(
        "--report", report,
        "Print how much flash and memory the model takes, and how many multiply-adds a sample");
    command
        .add_option(
            "--calibration", calibration,
            "CSV, normal rows: compare the scores of the format with those of float on them; int8 "
            "also rounds its weights by them")
        ->type_name("FILE");
    command
        .add_option("--name", name,
                    "Namespace in the header; default: the header's file name up to its first '.'")
        ->type_name("NAME");
    add_names(command, "--units", units, "Unit of each feature, for the header");
    command.add_flag("--no-missing", no_missing,
                     "No support for missing values: rows with one are refused; takes less memory");
    CLI::Option* const adapts = command.add_flag(
        "--adapt", adapt,
        "The threshold learns from the scores of the rows, as in 'stream', where the program calls "
        "learn(); float, and a model tuned with --rule peaks-over-threshold-by-moments");
    add_integer(command, "--peaks", peaks,
                "Peaks that --adapt keeps in RAM, the newest ones, 8 bytes each", 20, 4096)
        ->default_str("as in 'stream'")
        ->needs(adapts);
    add_integer(
        command, "--self-test", self_test,
        "Number of samples in the self-test of the target that have a score; those that the model "
        "needs before its first score come on top",
        1, 10'000);
    alarms.add_to(command);
    input.format = input_format::csv;
    input.add_csv_to(command);
}

tocsin::firmware_options export_command::options(const model_file& model) const {
    tocsin::firmware_options chosen{.name = name,
                                    .format = format,
                                    .fused = fused,
                                    .missing_values = !no_missing,
                                    .self_test_samples = self_test,
                                    .feature_names = model.feature_names,
                                    .feature_units = units,
                                    .rule = adapt,
                                    .peaks = peaks};
    const std::string file = std::filesystem::path(header).filename().string();
    if (is_c_header(file)) {
        fail(error_code::invalid_argument, "--firmware ", header, ": would hide the C header <",
             file, ">; give another name");
    }
    if (name.empty()) {
        chosen.name = header.empty() ? "model" : file.substr(0, file.find('.'));
        if (!tocsin::detail::is_identifier(chosen.name)) {
            fail(error_code::invalid_argument, "--name: the name of ", header,
                 " cannot be a namespace; give another one");
        }
    }
    if (is_c_library_name(chosen.name)) {
        fail(error_code::invalid_argument, "--name: '", chosen.name,
             "' is a name of the C library or of Arduino; give another one, such as --name ",
             chosen.name, "_model");
    }
    return chosen;
}

/// Rows as the firmware gets them: offsets that the model file subtracts from values before they
/// become floats are subtracted by the exported header.
tocsin::matrix<float> raw_rows(const model_file& model, const tocsin::matrix<float>& values) {
    if (model.offsets.size() == 0) {
        return values;
    }
    return (values.cast<double>().colwise() + model.offsets).cast<float>();
}

/// What to say where a format changes more verdicts than it usually does, or little was compared.
std::vector<std::string> warnings_of(firmware_format format, const tocsin::firmware_report& found,
                                     const std::string& path) {
    std::vector<std::string> warnings;
    if (2 * found.samples < found.rows) {
        warnings.push_back(path + ": only " + std::to_string(found.samples) + " of " +
                           std::to_string(found.rows) +
                           " rows are compared; the others have a missing value, or too few "
                           "complete rows before them");
    }
    const std::size_t allowed = format == firmware_format::int8 ? found.alarms / 100 : 0;
    if (found.different > allowed) {
        warnings.push_back(
            path +
            ": verdicts that differ from those in float: " + std::to_string(found.different) +
            " of " + std::to_string(found.samples) + " (" + std::to_string(found.alarms) +
            " rows are above the threshold); a format with more digits may be better");
    }
    return warnings;
}

void export_command::run() {
    refuse_overwriting({{"MODEL", model_path}, {"--calibration", calibration}},
                       {{"--firmware", header}});
    if (header.empty() && !report && calibration.empty()) {
        fail(error_code::invalid_argument,
             "nothing to do: give --firmware FILE, --report or --calibration FILE");
    }
    const model_file model = load_model(model_path);
    if (model.classifier) {
        fail(error_code::invalid_argument, model_path,
             ": is a classifier, which cannot be exported yet");
    }
    refuse_judge(model, model_path, "they cannot be exported yet");
    require_phase(model, model_path, tocsin::detector_phase::tuned);
    if (const int smoothing = model.detector.rule().smoothing(); smoothing > 1) {
        fail(error_code::invalid_argument, model_path, ": was tuned with --smooth ", smoothing,
             "; firmware judges scores as they are");
    }
    auto chosen = options(model);
    chosen.value_offsets.assign(model.offsets.data(), model.offsets.data() + model.offsets.size());
    if (alarms.given()) {
        auto control = require(tocsin::firmware_alarm_of(alarms.pieces()), "alarms");
        control.end_of_alarm = alarms.end_of_alarm();
        control.counts_unscored = true; // as 'detect' and 'stream' do
        chosen.alarm = std::move(control);
    }
    tocsin::matrix<float> samples;
    if (!calibration.empty()) {
        const input_data data = read_input(calibration, input, &model);
        samples = raw_rows(model, data.series.values);
        chosen.calibration.assign(samples.data(), samples.data() + samples.size());
    }
    const auto found =
        require(tocsin::report_firmware(model.detector, chosen,
                                        tocsin::matrix_view<const float>(
                                            samples.data(), samples.rows(), samples.cols())),
                model_path);
    if (!header.empty()) {
        require(tocsin::write_file(
            header, require(tocsin::firmware_header(model.detector, chosen), model_path)));
        out.say(header + ": written");
    }
    nlohmann::ordered_json result{{"command", "export"},
                                  {"model", model_path},
                                  {"header", header},
                                  {"name", chosen.name},
                                  {"flash_of_weights", found.flash},
                                  {"flash_of_self_test", found.flash_of_self_test},
                                  {"ram", found.ram},
                                  {"multiply_adds", found.multiply_adds},
                                  {"stack_of_missing", found.stack_of_missing}};
    if (chosen.alarm) {
        result["alarm_control"] = chosen.alarm->pieces;
        result["hysteresis"] = chosen.alarm->end_of_alarm;
    }
    if (chosen.rule) {
        result["adapts"] = true;
    }
    if (report) {
        out.say("flash of weights: " + std::to_string(found.flash) + " bytes");
        out.say("self-test:        " + std::to_string(found.flash_of_self_test) +
                " bytes of flash where the program calls it");
        out.say("RAM:              " + std::to_string(found.ram) + " bytes");
        out.say("multiply-adds:    " + std::to_string(found.multiply_adds) + " per sample");
        if (found.stack_of_missing > 0) {
            out.say("stack:            at most " + std::to_string(found.stack_of_missing) +
                    " bytes more while a value is missing");
        }
    }
    if (!calibration.empty()) {
        out.say("calibration:      " + std::to_string(found.samples) + " of " +
                std::to_string(found.rows) + " rows compared, " + std::to_string(found.alarms) +
                " above the threshold in float; verdicts that differ: " +
                std::to_string(found.different) + ", largest change of a score: " +
                shown(100 * found.largest_change) + " % of the larger of score and threshold");
        const auto warnings = warnings_of(format, found, calibration);
        for (const std::string& warning : warnings) {
            out.note("warning: " + warning);
        }
        result["calibration"] = {{"rows", found.rows},
                                 {"compared", found.samples},
                                 {"alarms", found.alarms},
                                 {"different", found.different},
                                 {"largest_change", found.largest_change},
                                 {"warnings", warnings}};
    }
    out.report(result);
}

} // namespace

void add_export(CLI::App& app) {
    add_command<export_command>(app, "export", "Write a model as a C++ header for firmware");
}

} // namespace tocsin_cli
