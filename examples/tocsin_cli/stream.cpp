// stream: CSV lines on standard input, a verdict as a line of JSON on standard output for each.
#include "tocsin/io/csv_row.hpp"

#include "commands.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include "row_judge.hpp"
#include "verdict_json.hpp"
#include <cstdio>
#include <iostream>
#include <optional>

namespace tocsin_cli {
namespace {

using tocsin::error_code;

struct stream_command {
    console out;
    std::string model_path;
    input_options input;
    row_options rows;
    bool strict = false;

    void add_to(CLI::App& command);
    void run();
    tocsin::csv_layout layout_of(std::string_view first_line, const model_file& model,
                                 bool& is_header) const;
};

void stream_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file, tuned")->required();
    command.add_flag("--strict", strict,
                     "End with exit code 3 at the first malformed line; default: report it as a "
                     "line of JSON and go on");
    rows.add_to(command);
    input.add_to(command);
    for (const char* name : {"--format", "--step-delimiter"}) {
        command.remove_option(command.get_option(name));
    }
}

/// What the columns are: from a header line, or numbers alone in the order of the model.
tocsin::csv_layout stream_command::layout_of(std::string_view first_line, const model_file& model,
                                             bool& is_header) const {
    const char delimiter = input.delimiter != '\0'                          ? input.delimiter
                           : first_line.find(';') != std::string_view::npos ? ';'
                                                                            : ',';
    tocsin::csv_cells cells{first_line, delimiter};
    is_header = false;
    while (cells.next()) {
        is_header = is_header || !tocsin::parse_csv_number<float>(cells.text());
    }
    if (!is_header) {
        return tocsin::csv_layout::of_numbers(model.detector.features(), delimiter);
    }
    auto layout = require(tocsin::csv_layout::from_header(
        first_line, input.csv(model.feature_names), {"standard input", 1}));
    if (layout.features() != model.detector.features()) {
        fail(error_code::invalid_data, "standard input: has ", layout.features(),
             " features, the model has ", model.detector.features());
    }
    return layout;
}

void stream_command::run() {
    model_file model = load_model(model_path);
    require_phase(model, model_path, tocsin::detector_phase::tuned);
    const auto names = model.shown_names();
    row_judge judge{model.detector, rows, model_path};
    std::optional<tocsin::csv_layout> layout;
    std::vector<float> sample(names.size());
    tocsin::csv_notes notes;
    std::string line;
    tocsin::index_t row = 0;
    const auto print = [](const nlohmann::ordered_json& value) {
        std::printf("%s\n", json_text(value).c_str());
        if (std::fflush(stdout) != 0) {
            fail(error_code::io_error, "cannot write standard output");
        }
    };
    for (tocsin::index_t number = 1; std::getline(std::cin, line); ++number) {
        std::string_view text = line;
        if (number == 1 && text.starts_with("\xEF\xBB\xBF")) {
            text.remove_prefix(3);
        }
        if (text.ends_with('\r')) {
            text.remove_suffix(1);
        }
        if (tocsin::detail::trimmed(text).empty()) {
            continue;
        }
        if (!layout) {
            bool is_header = false;
            layout = layout_of(text, model, is_header);
            if (is_header) {
                continue;
            }
        }
        ++row;
        const auto parsed = layout->parse<float>(text, sample, notes, {"standard input", number});
        if (!parsed.ok()) {
            if (strict) {
                require(parsed);
            }
            print({{"row", row}, {"verdict", "malformed_line"}, {"error", parsed.message()}});
            continue;
        }
        print(verdict_json(row, tocsin::csv_layout::unquoted(notes.timestamp), judge.push(sample),
                           judge.has_alarms(), names));
    }
    if (std::cin.bad()) {
        fail(error_code::io_error, "cannot read standard input");
    }
}

} // namespace

void add_stream(CLI::App& app) {
    add_command<stream_command>(app, "stream",
                                "Judge CSV lines on standard input, one by one; a header is "
                                "optional. Prints one JSON object a line");
}

} // namespace tocsin_cli
