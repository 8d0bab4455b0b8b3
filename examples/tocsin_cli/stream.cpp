// stream: CSV lines on standard input, a verdict as a line of JSON on standard output for each.
#include "tocsin/io/csv_stream.hpp"
#include "tocsin/io/encoded_lines.hpp"
#include "tocsin/io/timestamp_stream.hpp"
#include "tocsin/series/daylight_saving.hpp"

#include "commands.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include "row_judge.hpp"
#include "verdict_json.hpp"
#include <cstdio>
#include <iostream>

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
    tocsin::csv_stream reader_of(const model_file& model) const;
};

void stream_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file, tuned")->required();
    command.add_flag("--strict", strict,
                     "End with exit code 3 at the first malformed line; default: report it as a "
                     "line of JSON and continue");
    rows.add_to(command);
    input.add_to(command);
    for (const char* name : {"--format", "--step-delimiter"}) {
        command.remove_option(command.get_option(name));
    }
}

tocsin::csv_stream stream_command::reader_of(const model_file& model) const {
    auto options = input.csv(&model);
    if (options.use.empty()) {
        options.use = model.shown_names();
    }
    if (static_cast<int>(options.use.size()) != model.features()) {
        fail(error_code::invalid_argument, "--columns: names ", options.use.size(),
             " features, the model has ", model.features());
    }
    return tocsin::csv_stream{std::move(options)};
}

/// The times of rows as they arrive.
class row_clock {
  public:
    explicit row_clock(double step) : wall_{step > 0 ? step : tocsin::unknown_time} {}

    tocsin::timestamp_kind kind() const noexcept { return times_.kind(); }
    double time_of(const std::string& timestamp) {
        if (timestamp.empty()) {
            return tocsin::unknown_time;
        }
        const double time = times_.seconds(timestamp);
        return times_.kind() == tocsin::timestamp_kind::local ? wall_.advance(time) : time;
    }

  private:
    tocsin::timestamp_stream times_;
    tocsin::daylight_saving wall_;
};

void stream_command::run() {
    model_file model = load_model(model_path);
    require_phase(model, model_path, tocsin::detector_phase::tuned);
    const auto names = model.shown_names();
    row_judge judge{model, rows, model_path};
    row_clock clock{model.step};
    tocsin::csv_stream reader = reader_of(model);
    tocsin::encoded_lines lines{input.encoding};
    std::vector<double> exact(names.size());
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
    const auto print_malformed = [&](tocsin::index_t number, const tocsin::status& why) {
        print({{"row", number}, {"verdict", "malformed_line"}, {"error", why.message()}});
    };
    const auto next_byte = [] { return std::cin.rdbuf()->sbumpc(); };
    for (tocsin::index_t number = 1; lines.next(next_byte, line); ++number) {
        const tocsin::text_place place{"standard input", number};
        const bool begun = reader.layout() != nullptr;
        const auto taken = reader.take(line, place);
        if (!taken && !strict && !reader.has_ended()) {
            print_malformed(++row, taken.error());
            continue;
        }
        const auto kind = require(taken);
        if (kind == tocsin::csv_line::header && !begun) {
            refuse_unknown_ignored(input.ignore, reader.layout()->columns(), "standard input");
        }
        if (kind == tocsin::csv_line::header) {
            if (begun && row > 0) {
                out.note("standard input:" + std::to_string(number) +
                         ": repeated header, left out");
            }
            continue;
        }
        if (kind == tocsin::csv_line::units || kind == tocsin::csv_line::preamble) {
            out.note("standard input:" + std::to_string(number) +
                     (kind == tocsin::csv_line::units ? ": a row of units, left out"
                                                      : ": is before the header, left out"));
        }
        if (kind != tocsin::csv_line::row) {
            continue;
        }
        ++row;
        const tocsin::status parsed =
            lines.overlong()
                ? place.error(1, "has more than ", tocsin::encoded_lines::usual_longest, " bytes")
                : reader.parse<double>(line, exact, notes, place);
        if (!parsed.ok()) {
            if (strict) {
                require(parsed);
            }
            print_malformed(row, parsed);
            continue;
        }
        for (std::size_t f = 0; f < exact.size(); ++f) {
            const double offset =
                model.offsets.size() > 0 ? model.offsets[static_cast<tocsin::index_t>(f)] : 0;
            sample[f] = static_cast<float>(exact[f] - offset);
        }
        const std::string timestamp = notes.time();
        const double time = clock.time_of(timestamp);
        require_calendar(model, "standard input", clock.kind());
        print(verdict_json(row, timestamp, judge.push(sample, time), judge.has_alarms(), names));
    }
    require(reader.outcome());
    if (std::cin.bad()) {
        fail(error_code::io_error, "cannot read standard input");
    }
}

} // namespace

void add_stream(CLI::App& app) {
    add_command<stream_command>(app, "stream",
                                "Judge CSV lines on standard input, one by one; a header is "
                                "optional. Prints one JSON object per line");
}

} // namespace tocsin_cli
