// stream: CSV lines on standard input, a verdict as a line of JSON on standard output for each.
#include "tocsin/io/csv_row.hpp"
#include "tocsin/io/timestamps.hpp"
#include "tocsin/series/daylight_saving.hpp"

#include "commands.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include "row_judge.hpp"
#include "verdict_json.hpp"
#include <cstdio>
#include <iostream>
#include <optional>
#include <span>

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

/// What the columns are: from a header line, or by their order, with a time before them or not.
tocsin::csv_layout stream_command::layout_of(std::string_view first_line, const model_file& model,
                                             bool& is_header) const {
    auto options = input.csv(&model);
    if (options.use.empty()) {
        options.use = model.shown_names();
    }
    auto layout = require(
        tocsin::csv_layout::from_first_line(first_line, options, is_header, {"standard input", 1}));
    if (layout.features() != model.features()) {
        fail(error_code::invalid_data, "standard input: has ", layout.features(),
             " features, the model has ", model.features());
    }
    return layout;
}

/// The times of rows as they come.
class row_clock {
  public:
    explicit row_clock(double step) : wall_{step > 0 ? step : tocsin::unknown_time} {}

    double time_of(const std::string& timestamp) {
        if (timestamp.empty()) {
            return tocsin::unknown_time;
        }
        if (reader_.kind() == tocsin::timestamp_kind::unknown) {
            reader_ = tocsin::timestamp_reader::from_samples(std::span{&timestamp, 1});
        }
        const double time = reader_.seconds(timestamp);
        return reader_.kind() == tocsin::timestamp_kind::local ? wall_.advance(time) : time;
    }

  private:
    tocsin::timestamp_reader reader_;
    tocsin::daylight_saving wall_;
};

/// A row below a header without any number: units.
bool is_row_of_words(std::string_view line, const tocsin::csv_layout& layout) {
    double value = 0;
    for (tocsin::csv_cells cells{line, layout.delimiter()}; cells.next();) {
        if (tocsin::parse_csv_cell(cells.text(), value, layout.numbers()) !=
            tocsin::csv_cell::other) {
            return false;
        }
    }
    return true;
}

void stream_command::run() {
    model_file model = load_model(model_path);
    require_phase(model, model_path, tocsin::detector_phase::tuned);
    const auto names = model.shown_names();
    row_judge judge{model, rows, model_path};
    row_clock clock{model.step};
    std::optional<tocsin::csv_layout> layout;
    std::vector<double> exact(names.size());
    std::vector<float> sample(names.size());
    tocsin::csv_notes notes;
    std::string line;
    tocsin::index_t row = 0;
    bool below_header = false;
    const auto print = [](const nlohmann::ordered_json& value) {
        std::printf("%s\n", json_text(value).c_str());
        if (std::fflush(stdout) != 0) {
            fail(error_code::io_error, "cannot write standard output");
        }
    };
    for (tocsin::index_t number = 1; std::getline(std::cin, line); ++number) {
        std::string_view text = line;
        if (number == 1 && tocsin::looks_like_utf16(text)) {
            fail(error_code::invalid_data, "standard input: is UTF-16; iconv -f UTF-16 makes it "
                                           "UTF-8, detect reads files of both");
        }
        if (number == 1 && text.starts_with("\xEF\xBB\xBF")) {
            text.remove_prefix(3);
        }
        if (text.ends_with('\r')) {
            text.remove_suffix(1);
        }
        if (number <= input.skip_rows || tocsin::detail::trimmed(text).empty()) {
            continue;
        }
        if (!layout && text.size() == 5 &&
            tocsin::detail::equal_ignoring_case(text.substr(0, 4), "sep=")) {
            input.delimiter = text.back();
            continue;
        }
        if (!layout) {
            layout = layout_of(text, model, below_header);
            if (below_header) {
                continue;
            }
        }
        if (below_header && is_row_of_words(text, *layout)) {
            below_header = false;
            out.note("standard input:" + std::to_string(number) + ": a row of units, left out");
            continue;
        }
        below_header = false;
        ++row;
        const auto parsed = layout->parse<double>(text, exact, notes, {"standard input", number});
        if (!parsed.ok()) {
            if (strict) {
                require(parsed);
            }
            print({{"row", row}, {"verdict", "malformed_line"}, {"error", parsed.message()}});
            continue;
        }
        for (std::size_t f = 0; f < exact.size(); ++f) {
            const double offset =
                model.offsets.size() > 0 ? model.offsets[static_cast<tocsin::index_t>(f)] : 0;
            sample[f] = static_cast<float>(exact[f] - offset);
        }
        const std::string timestamp = notes.time();
        print(verdict_json(row, timestamp, judge.push(sample, clock.time_of(timestamp)),
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
