#include "echo.hpp"

#include <nlohmann/json.hpp>

#include "moment.hpp"
#include "options.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace tocsin_cli {

using tocsin::csv_role;
using tocsin::index_t;

namespace {

/// 1 row, 2 rows.
std::string counted(index_t number, const std::string& thing) {
    return std::to_string(number) + ' ' + thing + (number == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& pieces) {
    std::string text;
    for (const std::string& piece : pieces) {
        text += (text.empty() ? "" : ", ") + piece;
    }
    return text;
}

/// A length of time in the unit that suits it.
std::string duration(double seconds) {
    constexpr std::pair<double, const char*> units[] = {
        {86400 * 2, "d"}, {3600 * 2, "h"}, {60 * 2, "min"}, {0.5, "s"}, {0, "ms"}};
    for (const auto& [least, unit] : units) {
        if (seconds >= least) {
            const double scale = least >= 3600 ? least / 2
                                 : least >= 60 ? 60
                                 : least > 0   ? 1
                                               : 1e-3;
            return shown(seconds / scale) + ' ' + unit;
        }
    }
    return shown(seconds);
}

std::string delimiter_name(char delimiter) {
    return delimiter == '\t'  ? "tab"
           : delimiter == ' ' ? "space"
                              : std::string{"'"} + delimiter + '\'';
}

void describe_dialect(const file_facts& file, std::vector<std::string>& lines) {
    std::string line = "  CSV with " + delimiter_name(file.dialect.delimiter);
    line += file.dialect.decimal_comma ? ", decimal comma" : "";
    line += file.dialect.groups ? ", digits in groups" : "";
    line += file.dialect.has_header ? ", header" : ", no header";
    line += file.dialect.has_units_only ? ", a row of units without names left out" : "";
    const index_t before = file.dialect.skipped - (file.dialect.has_units_only ? 1 : 0);
    if (before > 0) {
        line += ", " + counted(before, "line") + " before it left out";
    }
    line += file.dialect.unit_rows == 1  ? ", a row of units left out"
            : file.dialect.unit_rows > 1 ? ", rows of units left out"
                                         : "";
    line += file.comments > 0 ? ", " + counted(file.comments, "line") + " of comments" : "";
    line += file.headers > 0
                ? ", the header repeated in " + counted(file.headers, "line") + ", left out"
                : "";
    lines.push_back(line);
}

void describe_time(const file_facts& file, std::vector<std::string>& lines) {
    std::vector<std::string> names;
    for (const tocsin::csv_column& column : file.columns) {
        if (column.role == csv_role::timestamp || column.role == csv_role::time_of_day) {
            names.push_back('\'' + column.name + '\'');
        }
    }
    if (names.empty()) {
        lines.emplace_back("  time: no column of times; rows are taken as equally spaced");
        return;
    }
    std::string line = "  time: " + joined(names) + ", ";
    if (file.clock.kind() == tocsin::timestamp_kind::unknown) {
        lines.push_back(line + "which cannot be read as times");
        return;
    }
    line += to_string(file.clock.kind());
    line += file.clock.order().depends()
                ? ", " + tocsin::in_words(tocsin::date_orders{file.clock.order().order()})
                : "";
    const bool plain = file.clock.kind() == tocsin::timestamp_kind::plain;
    line += plain && file.clock.unit() != tocsin::time_unit::seconds
                ? std::string{" of "} + to_string(file.clock.unit())
            : plain               ? " taken for seconds"
            : file.clock.serial() ? " as days since 1899-12-30 (--no-serial-dates if they are not)"
                                  : "";
    const auto& time = file.time;
    if (std::isfinite(time.first)) {
        line += ", from " + moment(time.first, file.clock.kind()) + " to " +
                moment(time.last, file.clock.kind()) + " (" + duration(time.last - time.first) +
                ")";
    }
    if (std::isfinite(time.step)) {
        line += ", step " + duration(time.step);
    }
    lines.push_back(line);
    std::string order = "  order: " + counted(file.gaps, "gap") + ", " +
                        counted(file.repeated, "repeated row") + ", " +
                        counted(file.backward, "row") + " with a wrong time";
    order +=
        file.set_back > 0 ? ", clock set back " + std::to_string(file.set_back) + " times" : "";
    order += time.descending ? ", newest row first" : "";
    order += file.clock_changes > 0
                 ? ", " + counted(file.clock_changes, "change") + " of daylight saving"
                 : "";
    order += time.unknown > 0 ? ", " + counted(time.unknown, "time") + " unreadable" : "";
    lines.push_back(order);
    if (file.resampled > 0) {
        lines.push_back("  resampled to " + counted(file.resampled, "row"));
    }
}

void describe_left_out(const file_facts& file, std::vector<std::string>& lines) {
    std::vector<std::string> names;
    for (const tocsin::csv_column& column : file.columns) {
        if (column.role == csv_role::left_out) {
            names.push_back('\'' + column.name + "' (" + column.reason + ')');
        }
    }
    if (!names.empty()) {
        lines.push_back("  left out: " + joined(names));
    }
}

void describe_columns(const input_data& data, const file_facts& file,
                      std::vector<std::string>& lines) {
    std::vector<std::string> labels;
    std::vector<std::string> switches;
    for (std::size_t k = 0; k < file.columns.size(); ++k) {
        const tocsin::csv_column& column = file.columns[k];
        if (column.role == csv_role::label) {
            labels.push_back('\'' + column.name + '\'');
        } else if (column.role == csv_role::feature && k < file.dialect.columns.size() &&
                   file.dialect.columns[k].content == tocsin::csv_content::on_or_off) {
            switches.push_back('\'' + column.name + '\'');
        }
    }
    lines.push_back("  features: " + counted(data.features(), "column") + ": " +
                    joined(data.series.names));
    if (!switches.empty()) {
        lines.push_back("  switches: " + joined(switches) + ", ON, true, yes are 1, others 0");
    }
    if (labels.empty()) {
        lines.emplace_back("  labels: none");
    } else {
        const auto positive =
            std::count(data.series.labels.begin(), data.series.labels.end(), std::uint8_t{1});
        lines.push_back("  labels: " + joined(labels) + ", " + std::to_string(positive) + " of " +
                        counted(static_cast<index_t>(data.series.labels.size()), "row") +
                        " anomalous");
    }
}

index_t missing_cells(const input_data& data) {
    const auto& values = data.is_series ? data.series.values : data.sequences.values;
    return values.array().isNaN().count();
}

std::string missing_line(const input_data& data) {
    const auto& values = data.is_series ? data.series.values : data.sequences.values;
    const index_t missing = missing_cells(data);
    char share[32];
    std::snprintf(share, sizeof share, "%.3g",
                  100 * static_cast<double>(missing) / static_cast<double>(values.size()));
    return "  missing: " + std::to_string(missing) + " of " + std::to_string(values.size()) +
           " cells (" + share + " %)";
}

/// Whether a feature is written as ON and OFF.
bool is_switch(const input_data& data, std::size_t feature) {
    const file_facts& file = data.files.front();
    for (std::size_t k = 0; k < file.columns.size() && k < file.dialect.columns.size(); ++k) {
        if (file.columns[k].feature == static_cast<int>(feature)) {
            return file.dialect.columns[k].content == tocsin::csv_content::on_or_off;
        }
    }
    return false;
}

/// Whether a feature never rises, over at least 10 values, and is not constant.
bool only_falls(const input_data& data, std::size_t feature) {
    constexpr index_t few = 10;
    const tocsin::column_facts& facts = data.columns[feature];
    if (facts.values < few || facts.constant()) {
        return false;
    }
    const auto values = data.series.values.row(static_cast<index_t>(feature));
    float before = std::numeric_limits<float>::infinity();
    for (index_t t = 0; t < values.size(); ++t) {
        if (values[t] > before) {
            return false;
        }
        before = std::isfinite(values[t]) ? values[t] : before;
    }
    return true;
}

void warn_of_column(const input_data& data, std::size_t f, std::vector<std::string>& lines) {
    const tocsin::column_facts& facts = data.columns[f];
    const std::string name = "column '" + data.series.names[f] + '\'';
    const std::string listed_name = as_argument(tocsin::detail::in_list(data.series.names[f]));
    const std::string leave_out = "; --ignore " + listed_name + " leaves it out";
    if (facts.values == 0) {
        lines.push_back(name + " has no value at all" + leave_out);
        return;
    }
    const bool labels = facts.two_values && !is_switch(data, f);
    if (labels) {
        lines.push_back(name + " has only two values, " + shown(facts.low) + " and " +
                        shown(facts.high) + "; if these are labels: --labels " + listed_name);
    }
    if (facts.constant()) {
        lines.push_back(name + " is always " + shown(facts.low) + leave_out);
    } else if (facts.counts) {
        lines.push_back(name +
                        " only counts: an index or a time? As a feature it will look "
                        "anomalous in later data" +
                        leave_out + ", --timestamp makes it the time");
    } else if (!labels && (facts.only_rises || only_falls(data, f))) {
        lines.push_back(name + (facts.only_rises ? " only rises" : " only falls") +
                        ": later data will be outside the learned range" + leave_out);
    }
    if (facts.duplicate_of >= 0) {
        lines.push_back(name + " is the same as '" +
                        data.series.names[static_cast<std::size_t>(facts.duplicate_of)] + '\'' +
                        leave_out);
    }
    if (!facts.codes.empty()) {
        std::string rows;
        std::string codes;
        for (const tocsin::missing_code& code : facts.codes) {
            rows += (rows.empty() ? "" : " and ") + shown(code.value) + " in " +
                    counted(code.count, "row");
            codes += (codes.empty() ? "" : ",") + shown(code.value);
        }
        lines.push_back(name + " is " + rows +
                        ", far outside all others; if that means 'missing': --missing " + codes);
    }
    if (facts.distinct_as_float < facts.distinct) {
        lines.push_back(name + ": of " + std::to_string(facts.distinct) + " distinct values only " +
                        std::to_string(facts.distinct_as_float) +
                        " differ in single precision, in which the model computes");
    }
    const double magnitude = std::max(std::abs(facts.low), std::abs(facts.high));
    if (magnitude > 1e12 || (magnitude > 0 && magnitude < 1e-12)) {
        lines.push_back(name + " has values up to " + shown(magnitude) + ": is the unit right?");
    } else if (facts.far_outliers() && facts.codes.empty()) {
        lines.push_back(name + " spans " + shown(facts.low) + " to " + shown(facts.high) +
                        ", nine in ten values only " + shown(facts.middle_range) +
                        "; a few values determine the scale, --scaler robust avoids that");
    }
    if (10 * facts.longest_hole > facts.values + facts.missing && facts.longest_hole > 10) {
        lines.push_back(name + " has no value in " + std::to_string(facts.longest_hole) +
                        " consecutive rows");
    }
}

/// What keeps the column of times from being a feature once it is no time: ` with --ignore NAME`.
std::string ignoring_time(const file_facts& file) {
    std::string names;
    for (const tocsin::csv_column& column : file.columns) {
        if (column.role == csv_role::timestamp || column.role == csv_role::time_of_day) {
            names += (names.empty() ? "" : ",") + tocsin::detail::in_list(column.name);
        }
    }
    return " with --ignore " + as_argument(names);
}

void warn_of_time(const file_facts& file, std::vector<std::string>& lines) {
    if (file.clock.ambiguous()) {
        lines.push_back(ambiguity_note(file.path, file.clock.order()));
    }
    const bool disordered = file.time.disordered();
    if (disordered) {
        lines.push_back(disorder_note(file.path, file.time));
    }
    if (file.time.irregular() && file.resampled == 0 && !disordered) {
        lines.push_back(file.path + ": steps between rows vary from " +
                        duration(file.time.short_step) + " to " + duration(file.time.wide_step) +
                        "; --resample puts them on a grid");
    }
    const index_t wrong = file.repeated + file.backward;
    if (wrong > 0) {
        lines.push_back(
            file.path + ": " + counted(wrong, "row") + " with a repeated or wrong time left out" +
            (disordered ? ""
                        : "; --resample SECONDS makes one row of all in a step, "
                          "--timestamp none" +
                              ignoring_time(file) + " reads all rows as equally spaced") +
            (3 * file.repeated >= file.rows ? "; rows that hold one sensor each must "
                                              "be turned into one column per sensor "
                                              "first"
                                            : ""));
    }
    if (!file.footer.empty()) {
        lines.push_back(footer_note(file.path, file.footer));
    }
    if (file.time.unknown > 0) {
        lines.push_back(file.path + ": " + counted(file.time.unknown, "time") +
                        " unreadable; their rows " +
                        (file.resampled > 0 ? "are left out, as they have no place on the grid"
                                            : "are taken to follow directly on the previous ones"));
    }
    if (const index_t gaps = file.gaps + (disordered ? 0 : file.set_back); gaps > 0) {
        lines.push_back(file.path + ": " + counted(gaps, "gap") +
                        " in time, which no window crosses");
    }
    for (std::size_t k = 0; k < file.columns.size(); ++k) {
        if (file.columns[k].role == csv_role::timestamp && file.clock.may_be_serial()) {
            lines.push_back(file.path + ": column '" + file.columns[k].name +
                            "' may hold days since 1899-12-30, as spreadsheets keep dates: "
                            "--serial-dates reads it so");
        }
        if (file.columns[k].role == csv_role::timestamp &&
            file.clock.kind() == tocsin::timestamp_kind::unknown) {
            lines.push_back(file.path + ": column '" + file.columns[k].name +
                            "' cannot be read as times, so gaps are not detected");
        }
    }
}

/// Recordings whose steps differ: a window of one spans another time than one of the others.
void warn_of_unlike_steps(const input_data& data, std::vector<std::string>& lines) {
    for (const file_facts& file : data.files) {
        const file_facts& first = data.files.front();
        if (first.resampled == 0 && tocsin::unlike_steps(first.time.step, file.time.step)) {
            lines.push_back(
                file.path + ": rows are " + duration(file.time.step) + " apart, in " + first.path +
                ' ' + duration(first.time.step) + "; a model needs one step: --resample " +
                shown(std::max(first.time.step, file.time.step)) + " puts all on a grid");
        }
    }
}

} // namespace

std::vector<std::string> describe(const input_data& data) {
    std::vector<std::string> lines;
    if (!data.is_series) {
        const auto& set = data.sequences;
        lines.push_back("read " + data.path + ": " + counted(set.count(), "sequence") + " of " +
                        counted(set.features(), "feature") + " over " +
                        counted(set.length, "step"));
        const auto positive = std::count(set.labels.begin(), set.labels.end(), std::uint8_t{1});
        lines.push_back(set.labels.empty()
                            ? "  labels: none"
                            : "  labels: " + std::to_string(positive) + " sequences anomalous");
        lines.push_back(missing_line(data));
        return lines;
    }
    for (const file_facts& file : data.files) {
        lines.push_back("read " + file.path + ": " + counted(file.rows, "row"));
        describe_dialect(file, lines);
        describe_time(file, lines);
        if (&file == &data.files.front()) {
            describe_columns(data, file, lines);
        }
        describe_left_out(file, lines);
    }
    if (data.offsets.size() > 0) {
        std::vector<std::string> offsets;
        for (index_t f = 0; f < data.offsets.size(); ++f) {
            if (data.offsets[f] != 0) {
                offsets.push_back(shown(data.offsets[f]) + " from '" +
                                  data.series.names[static_cast<std::size_t>(f)] + '\'');
            }
        }
        lines.push_back("  offsets: subtracted in double precision: " + joined(offsets));
    }
    lines.push_back(missing_line(data));
    if (data.recordings.size() > 1) {
        lines.push_back("  recordings: " + std::to_string(data.recordings.size()) +
                        " between seams that no window crosses");
    }
    return lines;
}

nlohmann::ordered_json describe_json(const input_data& data) {
    nlohmann::ordered_json result;
    result["format"] = data.is_series ? "csv" : "sequences";
    result["rows"] = data.is_series ? data.series.time() : data.sequences.count();
    result["features"] = data.features();
    result["missing"] = missing_cells(data);
    result["recordings"] = std::max<std::size_t>(data.recordings.size(), 1);
    const auto& labels = data.is_series ? data.series.labels : data.sequences.labels;
    if (!labels.empty()) {
        result["anomalous"] = std::count(labels.begin(), labels.end(), std::uint8_t{1});
    }
    for (const file_facts& file : data.files) {
        nlohmann::ordered_json one{{"file", file.path},
                                   {"rows", file.rows},
                                   {"delimiter", std::string{file.dialect.delimiter}},
                                   {"decimal_comma", file.dialect.decimal_comma},
                                   {"header", file.dialect.has_header},
                                   {"skipped", file.dialect.skipped}};
        nlohmann::ordered_json left_out = nlohmann::ordered_json::array();
        for (const tocsin::csv_column& column : file.columns) {
            if (column.role == csv_role::timestamp) {
                one["timestamp"] = column.name;
            } else if (column.role == csv_role::left_out) {
                left_out.push_back(column.name);
            }
        }
        one["left_out"] = std::move(left_out);
        if (std::isfinite(file.time.step)) {
            one["clock"] = to_string(file.clock.kind());
            one["span_seconds"] = file.time.last - file.time.first;
            one["step_seconds"] = file.time.step;
            one["gaps"] = file.gaps;
            one["set_back"] = file.set_back;
            one["repeated"] = file.repeated;
            one["backward"] = file.backward;
        }
        result["files"].push_back(std::move(one));
    }
    return result;
}

std::string warning_of(const tocsin::csv_switch_words& words, const std::string& name,
                       const std::string& source) {
    std::string texts;
    for (const std::string& word : words.words) {
        texts += (texts.empty() ? "" : ",") + word;
    }
    const bool on = tocsin::parse_csv_number<double>(words.words.front()) == 1.0;
    return source + ':' + std::to_string(words.line) + ':' + std::to_string(words.column) + ": '" +
           words.words.front() + "' among the numbers of column '" + name + "' is read as " +
           (on ? "1" : "0") + "; --missing " + texts +
           (words.words.size() > 1 ? " makes such words missing values"
                                   : " makes it a missing value");
}

std::string warning_of(const tocsin::csv_cut_cells& cut, const std::string& source) {
    return source + ':' + std::to_string(cut.line) + ':' + std::to_string(cut.column) +
           ": '####' is what a spreadsheet writes where its column is too narrow: a missing value "
           "here; widen the column and export again";
}

std::string warning_of(const tocsin::csv_unread_cells& unread, const std::string& source) {
    return source + ':' + std::to_string(unread.line) +
           ": a value in a column without a name that is empty in the first lines, and left out; "
           "give it a name in the header to use it";
}

std::string ambiguity_note(const std::string& path, const tocsin::date_order_study& dates) {
    return path + ": its dates may be " + tocsin::in_words(dates.open()) + ", and are read " +
           tocsin::in_words(tocsin::date_orders{dates.order()}) + "; " +
           tocsin::options_of(dates.open()) + " says which";
}

std::string numeric_names_note(const std::string& path, const tocsin::csv_dialect& dialect) {
    return path + ':' + std::to_string(dialect.skipped + 1) +
           ": is read as a row of numbers; if they are the names of the columns: --header";
}

std::string disorder_note(const std::string& path, const tocsin::time_facts& time) {
    return path + ": " + std::to_string(time.reversed) + " of " + counted(time.steps, "step") +
           " in time go " + (time.descending ? "on" : "back") + " where others go " +
           (time.descending ? "back" : "on") +
           ": rows are not in the order of time; sort the file by it";
}

std::string footer_note(const std::string& path, const std::string& text) {
    return path + ": the last rows have no time but '" + text + "', and are left out";
}

std::vector<std::string> warnings_of(const input_data& data) {
    std::vector<std::string> lines;
    warn_of_unlike_steps(data, lines);
    for (const file_facts& file : data.files) {
        if (file.dialect.unclear_names) {
            lines.push_back(file.path + ':' + std::to_string(file.dialect.skipped + 2) +
                            ": a row of words below the names is left out, though they look like "
                            "no units; if they are the names: --skip-rows " +
                            std::to_string(file.dialect.skipped + 1));
        }
        if (file.dialect.may_have_names) {
            lines.push_back(numeric_names_note(file.path, file.dialect));
        }
        warn_of_time(file, lines);
        if (file.cut.count > 0) {
            lines.push_back(warning_of(file.cut, file.path) + " (" +
                            counted(file.cut.count, "cell") + ')');
        }
        if (file.unread.count > 0) {
            lines.push_back(warning_of(file.unread, file.path) + " (" +
                            counted(file.unread.count, "cell") + ')');
        }
        for (std::size_t f = 0; f < file.infinite.size(); ++f) {
            if (file.infinite[f] > 0) {
                lines.push_back(file.path + ": column '" + data.series.names[f] + "' has " +
                                counted(file.infinite[f], "value") +
                                " infinite or beyond single precision; such cells count as "
                                "missing");
            }
        }
        for (const tocsin::csv_switch_words& words : file.switches) {
            lines.push_back(warning_of(words,
                                       data.series.names[static_cast<std::size_t>(words.feature)],
                                       file.path) +
                            " (" + counted(words.count, "cell") + ')');
        }
    }
    for (std::size_t f = 0; f < data.columns.size(); ++f) {
        warn_of_column(data, f, lines);
    }
    if (!data.is_series && data.sequences.features() == 1 && data.sequences.length > 1) {
        lines.push_back(data.path + ": read as " + counted(data.sequences.count(), "sequence") +
                        " of one feature; if each line is a time step of " +
                        counted(data.sequences.length, "sensor") + ", give --format csv");
    }
    return lines;
}

namespace {

void print(const std::vector<std::string>& facts, const input_data& data, const console& out) {
    for (const std::string& line : facts) {
        out.say(line);
    }
    std::fflush(stdout); // facts stand before warnings where both go to one place
    for (const std::string& line : warnings_of(data)) {
        out.note("warning: " + line);
    }
}

} // namespace

void echo(const input_data& data, const console& out) {
    print(describe(data), data, out);
}

void echo_rows(const input_data& data, const console& out) {
    if (!data.is_series) {
        return;
    }
    std::vector<std::string> facts;
    for (const file_facts& file : data.files) {
        facts.push_back("read " + file.path + ": " + counted(file.rows, "row"));
        describe_time(file, facts);
        describe_left_out(file, facts);
    }
    print(facts, data, out);
}

} // namespace tocsin_cli
