// stream: CSV lines on standard input, a verdict as a line of JSON on standard output for each.
#include "tocsin/detect/stream_clock.hpp"
#include "tocsin/io/csv_stream.hpp"
#include "tocsin/io/csv_switches.hpp"
#include "tocsin/io/csv_times.hpp"
#include "tocsin/io/encoded_lines.hpp"
#include "tocsin/io/timestamp_stream.hpp"
#include "tocsin/series/daylight_saving.hpp"
#include "tocsin/series/resampling.hpp"

#include "commands.hpp"
#include "echo.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include "moment.hpp"
#include "row_judge.hpp"
#include "verdict_json.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

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
    command.add_flag(
        "--strict", strict,
        "End with exit code 3 at the first malformed line, but not at a time after a gap "
        "that the next rows may confirm; default: report it as a line of JSON and "
        "continue");
    rows.add_to(command);
    input.add_to(command);
    input.add_resampling_to(command);
    command.get_option("--resample")
        ->description(
            "Judge the samples of a grid of this many seconds, each when a row of a later "
            "step has come");
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

    /// Once the columns are known.
    void read_as(std::span<const tocsin::csv_column> columns, const tocsin::csv_options& options) {
        times_ =
            tocsin::timestamp_stream{tocsin::serial_dates_of(columns, options), options.dates,
                                     tocsin::time_unit_of(columns, options), options.digit_dates};
    }
    /// What the last row says of the order of dates that the rows before do not.
    std::string note(const std::string& timestamp) const {
        const tocsin::date_orders order{times_.order()};
        if (times_.has_turned()) {
            return "the dates are " + in_words(order) + ", as this one shows, and were taken for " +
                   in_words(tocsin::date_orders{times_.turned_from()}) + " until now; " +
                   options_of(order) + " says so from the start";
        }
        const auto date = tocsin::parse_date_time(timestamp);
        return times_.has_refused() && date
                   ? "the date can only be " + in_words(date->orders) + ", those before are " +
                         in_words(order) + ": its row has no time; " + options_of(date->orders) +
                         " reads it"
                   : "";
    }
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

/// Rows to judge: those that arrive, or with --resample those of a grid.
class stream_rows {
  public:
    stream_rows(const input_options& input, const model_file& model)
        : resamples_{input.resample > 0}, steps_{model.features(), resamples_ ? input.resample : 1,
                                                 input.resample_by, longest_gap(input, model)} {
        settings_.longest_pause = longest_gap(input, model);
    }

    /// @param judge `judge(sample, timestamp, time)`
    /// @return an error for a row without a time or whose time is refused
    template <class Judge>
    tocsin::status take(std::span<const double> sample, const std::string& timestamp, double time,
                        tocsin::timestamp_kind kind, Judge&& judge) {
        unconfirmed_ = false;
        if (!resamples_) {
            judge(sample, timestamp, time);
            return {};
        }
        if (!std::isfinite(time)) {
            return tocsin::status::error(error_code::invalid_data,
                                         "--resample: the row has no time; --timestamp names the "
                                         "column of times");
        }
        kind_ = kind;
        // Rows of one time are usual here. One wrong time costs its row; after some that agree, the
        // clock has been set back, or a pause is over.
        if (time != clock_.last()) {
            const auto step =
                time == refused_ ? tocsin::clock_step::refused : clock_.advance(time, settings_);
            refused_ = step == tocsin::clock_step::refused ? time : tocsin::unknown_time;
            switch (step) {
            case tocsin::clock_step::refused:
                unconfirmed_ = time > clock_.last();
                return tocsin::status::error(
                    error_code::invalid_data, "--resample: the time ", timestamp,
                    unconfirmed_ ? " lies after a gap; the next rows must confirm it"
                                 : " lies before that of the rows before");
            case tocsin::clock_step::reset:
                finish(judge);
                break;
            case tocsin::clock_step::follows:
                break;
            }
        }
        return steps_.push(sample, time, of_grid(judge));
    }
    /// Whether the last row was refused because its time lies after a gap, which later rows may
    /// confirm.
    bool is_unconfirmed() const noexcept { return unconfirmed_; }
    /// After the last row.
    template <class Judge>
    void finish(Judge&& judge) {
        steps_.finish(of_grid(judge));
    }

  private:
    /// A single time far in the future must not become thousands of millions of rows.
    static double longest_gap(const input_options& input, const model_file& model) {
        constexpr double most_steps = 10'000;
        const double learned = model.longest_pause();
        const double gap =
            learned > 0 && std::isfinite(learned) ? learned : most_steps * input.resample;
        return std::clamp(gap, 1.5 * input.resample, most_steps * input.resample);
    }
    template <class Judge>
    auto of_grid(Judge& judge) {
        return [this, &judge](std::span<const double> sample, double time) {
            judge(sample, moment(time, kind_), time);
        };
    }

    bool resamples_;
    tocsin::stream_resampler<double> steps_;
    tocsin::stream_clock clock_;
    tocsin::detector_settings settings_;
    double refused_ = tocsin::unknown_time; // the time of the row before, if it was refused
    bool unconfirmed_ = false;
    tocsin::timestamp_kind kind_ = tocsin::timestamp_kind::unknown;
};

void stream_command::run() {
    model_file model = load_model(model_path);
    require_phase(model, model_path, tocsin::detector_phase::tuned);
    const auto names = model.shown_names();
    row_judge judge{model, rows, model_path};
    row_clock clock{model.step};
    stream_rows arriving{input, model};
    tocsin::csv_stream reader = reader_of(model);
    tocsin::encoded_lines lines{input.encoding};
    std::vector<double> exact(names.size());
    std::vector<float> sample(names.size());
    tocsin::csv_notes notes;
    tocsin::csv_switch_watch switches{model.features()};
    tocsin::csv_cut_cells cut;
    tocsin::csv_unread_cells unread;
    int layouts = 0; // of the reader, so far
    bool settled = false;
    std::string line;
    tocsin::index_t row = 0;
    constexpr int most_notes = 10; // of the order of dates
    int order_notes = 0;
    const auto print = [](const nlohmann::ordered_json& value) {
        std::printf("%s\n", json_text(value).c_str());
        if (std::fflush(stdout) != 0) {
            fail(error_code::io_error, "cannot write standard output");
        }
    };
    const auto print_malformed = [&](tocsin::index_t number, const tocsin::status& why) {
        print({{"row", number}, {"verdict", "malformed_line"}, {"error", why.message()}});
    };
    tocsin::index_t judged = 0; // on a grid
    bool exceeded = false;      // the promised rate of false alarms, which is said once
    tocsin::index_t number = 0; // of the line
    const auto judge_row = [&](std::span<const double> values, const std::string& timestamp,
                               double time) {
        for (std::size_t f = 0; f < values.size(); ++f) {
            const double offset =
                model.offsets.size() > 0 ? model.offsets[static_cast<tocsin::index_t>(f)] : 0;
            sample[f] = static_cast<float>(values[f] - offset);
        }
        const auto verdict = judge.push(sample, time);
        print(verdict_json(input.resample > 0 ? ++judged : row, timestamp, verdict,
                           judge.has_alarms(), names));
        if (verdict.verdict.rate_exceeded && !exceeded) {
            exceeded = true;
            out.note("warning: standard input:" + std::to_string(number) +
                     ": ten times as many anomalies as the false alarms promised; the stream has "
                     "changed, or the promise was wrong: fit the model anew");
        }
    };
    const auto next_byte = [] { return std::cin.rdbuf()->sbumpc(); };
    for (number = 1; lines.next(next_byte, line); ++number) {
        const tocsin::text_place place{"standard input", number};
        const auto taken = reader.take(line, place);
        if (!taken && !strict && !reader.has_ended()) {
            print_malformed(++row, taken.error());
            continue;
        }
        const auto kind = require(taken);
        const bool changed =
            reader.layout_changes() != std::exchange(layouts, reader.layout_changes());
        if (changed) {
            clock.read_as(reader.layout()->columns(), input.csv(&model));
        }
        if (reader.is_settled() && !std::exchange(settled, true)) {
            refuse_unknown_ignored(input.ignore, reader.layout()->columns(), "standard input");
        }
        if (kind == tocsin::csv_line::header) {
            if (!changed && row > 0) {
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
        if (cut.take(notes, number)) {
            out.note("warning: " + warning_of(cut, "standard input"));
        }
        if (unread.take(notes, number)) {
            out.note("warning: " + warning_of(unread, "standard input"));
        }
        if (switches.take(*reader.layout(), line, std::span<const double>{exact}, notes, number)) {
            for (const tocsin::csv_switch_words& words : switches.newly_found()) {
                out.note("warning: " + warning_of(words,
                                                  names[static_cast<std::size_t>(words.feature)],
                                                  "standard input"));
            }
        }
        const std::string timestamp = notes.time();
        const double time = clock.time_of(timestamp);
        if (const std::string note = clock.note(timestamp);
            !note.empty() && ++order_notes <= most_notes) {
            out.note("warning: standard input:" + std::to_string(number) + ": '" + timestamp +
                     "': " + note);
        }
        require_calendar(model, "standard input", clock.kind());
        const tocsin::status followed =
            arriving.take(exact, timestamp, time, clock.kind(), judge_row);
        if (!followed.ok()) {
            if (strict && !arriving.is_unconfirmed()) {
                require(followed, "standard input");
            }
            print_malformed(row, followed);
        }
    }
    arriving.finish(judge_row);
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
