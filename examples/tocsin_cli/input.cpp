#include "input.hpp"

#include "tocsin/io/delimited_sequences.hpp"
#include "tocsin/series/daylight_saving.hpp"
#include "tocsin/series/value_offsets.hpp"
#include "tocsin/training/run_fingerprint.hpp"

#include "failure.hpp"
#include "options.hpp"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace tocsin_cli {

using tocsin::error_code;
using tocsin::index_t;

namespace {

/// What the first line that is not blank is made of.
struct first_line {
    bool numbers = true;      ///< nothing but numbers between `,` and the other delimiters
    bool long_fields = false; ///< a field between `;` has three steps or more
    bool several = false;     ///< more than one number
};

first_line look_at_first_line(std::string_view text, const input_options& options) {
    first_line found;
    tocsin::text_lines lines{text, ""};
    while (lines.next()) {
        std::string_view line = tocsin::detail::trimmed(lines.line());
        if (line.empty()) {
            continue;
        }
        const char between = options.delimiter == '\0' ? ';' : options.delimiter;
        const char delimiters[] = {',', ';', options.step_delimiter, between};
        int steps = 0;
        bool fields = false;
        while (!line.empty()) {
            const auto end = std::min(
                line.find_first_of(std::string_view{delimiters, sizeof delimiters}), line.size());
            found.numbers =
                found.numbers &&
                (end == 0 || tocsin::parse_number<float>(line.substr(0, end)).has_value());
            ++steps;
            found.several = found.several || end < line.size();
            fields = fields || (end < line.size() && line[end] == between);
            found.long_fields = found.long_fields || (fields && steps >= 3);
            steps = end < line.size() && line[end] == between ? 0 : steps;
            line.remove_prefix(std::min(end + 1, line.size()));
        }
        break;
    }
    return found;
}

bool ends_in(const std::string& path, std::string_view suffix) {
    return path.size() >= suffix.size() &&
           tocsin::detail::equal_ignoring_case(
               std::string_view{path}.substr(path.size() - suffix.size()), suffix);
}

} // namespace

bool is_csv(const std::string& path, std::string_view text, const input_options& options) {
    if (options.format != input_format::automatic) {
        return options.format == input_format::csv;
    }
    const first_line found = look_at_first_line(text, options);
    if (!found.numbers || options.header || options.no_header) {
        return true;
    }
    const bool named = ends_in(path, ".csv") || ends_in(path, ".tsv") || ends_in(path, ".tab");
    return named && !(found.long_fields && options.delimiter == '\0');
}

namespace {

tocsin::sequence_format format_of(const input_options& options) {
    tocsin::sequence_format format;
    format.feature_delimiter = options.delimiter == '\0' ? ';' : options.delimiter;
    format.step_delimiter = options.step_delimiter;
    if (options.labels == std::vector<std::string>{"last"}) {
        format.label = tocsin::label_field::present;
    } else if (!options.labels.empty() && options.labels.front() != "none") {
        fail(error_code::invalid_argument, "--labels ", options.labels.front(),
             ": sequences have no named columns; 'last' and 'none' are possible");
    }
    return format;
}

/// One file in double precision.
struct recording {
    tocsin::series<double> series;
    std::vector<double> times;
    std::vector<index_t> rows; // numbers in the file, from 1
    std::vector<index_t> lengths;
    file_facts facts;

    void leave_out_footer();
    void leave_out_infinite();
    /// Keeps some rows, in the given order.
    void keep(const std::vector<index_t>& chosen) {
        tocsin::matrix<double> values(series.features(), static_cast<index_t>(chosen.size()));
        const auto pick = [&](auto& all) {
            if (all.empty()) {
                return;
            }
            auto picked = all;
            for (std::size_t k = 0; k < chosen.size(); ++k) {
                picked[k] = all[static_cast<std::size_t>(chosen[k])];
            }
            picked.resize(chosen.size());
            all = std::move(picked);
        };
        for (std::size_t k = 0; k < chosen.size(); ++k) {
            values.col(static_cast<index_t>(k)) = series.values.col(chosen[k]);
        }
        series.values = std::move(values);
        pick(series.timestamps);
        pick(series.labels);
        pick(times);
        pick(rows);
    }
};

/// Leaves out last rows whose time is none where the others are times: a footer such as "Total".
void recording::leave_out_footer() {
    const auto timed =
        std::count_if(times.begin(), times.end(), [](double time) { return !std::isnan(time); });
    std::size_t end = times.size();
    while (end > 0 && std::isnan(times[end - 1]) &&
           !tocsin::detail::is_usual_missing(series.timestamps[end - 1])) {
        --end;
    }
    if (end == times.size() || timed < 10 * static_cast<std::ptrdiff_t>(times.size() - end)) {
        return;
    }
    facts.footer = series.timestamps[end];
    std::vector<index_t> kept(end);
    std::iota(kept.begin(), kept.end(), index_t{0});
    keep(kept);
}

/// Makes values that are infinite or beyond single precision missing ones: a stream judges a sample
/// without them, too.
void recording::leave_out_infinite() {
    constexpr double largest = std::numeric_limits<float>::max();
    facts.infinite.assign(static_cast<std::size_t>(series.features()), 0);
    for (index_t t = 0; t < series.time(); ++t) {
        for (index_t f = 0; f < series.features(); ++f) {
            if (std::abs(series.values(f, t)) > largest) {
                series.values(f, t) = std::numeric_limits<double>::quiet_NaN();
                ++facts.infinite[static_cast<std::size_t>(f)];
            }
        }
    }
}

recording read_recording(const std::string& path, const std::string& text,
                         const tocsin::csv_options& options) {
    auto read = require(tocsin::parse_csv_recording<double>(text, path, options));
    recording file;
    file.facts.path = path;
    file.facts.dialect = std::move(read.dialect);
    file.facts.columns = read.layout.columns();
    file.facts.rows = read.series.time();
    file.facts.clock = read.clock;
    file.facts.comments = read.comments;
    file.facts.headers = read.headers;
    file.facts.switches = std::move(read.switches);
    file.facts.cut = read.cut;
    file.facts.unread = read.unread;
    file.series = std::move(read.series);
    file.times = std::move(read.times);
    file.rows.resize(static_cast<std::size_t>(file.series.time()));
    std::iota(file.rows.begin(), file.rows.end(), index_t{1});
    file.leave_out_footer();
    file.facts.time = tocsin::study_times(file.times);
    if (file.facts.time.descending) {
        std::vector<index_t> backwards(file.rows.size());
        std::iota(backwards.rbegin(), backwards.rend(), index_t{0});
        file.keep(backwards);
    }
    if (read.clock.kind() == tocsin::timestamp_kind::local) {
        tocsin::daylight_saving clock{file.facts.time.step};
        for (double& time : file.times) {
            time = clock.advance(time);
        }
        file.facts.clock_changes = clock.changes();
    }
    return file;
}

/// Rows in order of time, cut at gaps, on a grid where that is wanted.
void order_rows(recording& file, const input_options& options, double longest_gap) {
    file.lengths = {file.series.time()};
    if (file.times.empty()) {
        if (options.resample > 0) {
            fail(error_code::invalid_data, file.facts.path,
                 ": --resample needs times; --timestamp says which column has them");
        }
        return;
    }
    const auto repeated =
        options.resample > 0 ? tocsin::repeated_time::kept : tocsin::repeated_time::left_out;
    const auto order = tocsin::order_by_time(file.times, longest_gap, false, 3, repeated);
    if (2 * order.repeated > static_cast<index_t>(file.times.size())) {
        fail(error_code::invalid_data, file.facts.path, ": ", order.repeated, " of ",
             file.times.size(),
             " rows have the time of the row before, so that times are coarser than rows; "
             "--resample STEP makes one row of all in a step, --timestamp none with --ignore and "
             "the column's name reads the rows as equally spaced; rows that hold one sensor each "
             "must be turned into one column per sensor first");
    }
    file.facts.gaps = order.gaps;
    file.facts.set_back = order.set_back;
    file.facts.repeated = order.repeated;
    file.facts.backward = order.backward;
    if (order.rows.size() != file.times.size()) {
        file.keep(order.rows);
        const auto kept = tocsin::study_times(file.times);
        file.facts.time.first = kept.first;
        file.facts.time.last = kept.last;
    }
    file.lengths = order.recordings;
    if (options.resample <= 0) {
        return;
    }
    recording grid;
    index_t first = 0;
    for (const index_t length : file.lengths) {
        const tocsin::matrix<double> part = file.series.values.middleCols(first, length);
        const auto at = static_cast<std::size_t>(first);
        const auto size = static_cast<std::size_t>(length);
        const std::span<const std::uint8_t> labels =
            file.series.labels.empty() ? std::span<const std::uint8_t>{}
                                       : std::span{file.series.labels}.subspan(at, size);
        const auto made = require(tocsin::resample(part, std::span{file.times}.subspan(at, size),
                                                   labels, options.resample, options.resample_by),
                                  file.facts.path);
        const index_t before = grid.series.time();
        grid.series.values.conservativeResize(part.rows(), before + made.values.cols());
        grid.series.values.rightCols(made.values.cols()) = made.values;
        grid.times.insert(grid.times.end(), made.times.begin(), made.times.end());
        grid.series.labels.insert(grid.series.labels.end(), made.labels.begin(), made.labels.end());
        grid.lengths.push_back(made.values.cols());
        first += length;
    }
    grid.series.names = file.series.names;
    grid.facts = file.facts;
    grid.facts.resampled = grid.series.time();
    file = std::move(grid);
}

/// Longest step between neighbours in seconds; infinity where times are not known.
double longest_gap_of(const recording& file, const input_options& options,
                      const model_file* model) {
    const double given = options.longest_gap;
    const double learned = model == nullptr ? 0 : model->longest_pause();
    const double gap = given > 0                               ? given
                       : learned > 0 && std::isfinite(learned) ? learned
                       : std::isfinite(file.facts.time.longest_gap())
                           ? file.facts.time.longest_gap()
                           : 0;
    const double grid = 1.5 * options.resample;
    return gap > 0 ? std::max(gap, grid) : std::numeric_limits<double>::infinity();
}

/// Refuses a longest gap that every usual step exceeds: no two rows would be neighbours.
void refuse_short_gap(const recording& file, const input_options& options, double longest_gap) {
    const double step = file.facts.time.step;
    if (options.longest_gap > 0 && step > longest_gap) {
        fail(error_code::invalid_argument, file.facts.path, ": --longest-gap ",
             shown(options.longest_gap), ": rows are ", shown(step),
             " s apart, so that each step would be a gap");
    }
}

/// Refuses a further file of which each step would be a gap in the first one, so that it would be
/// left out row by row.
void refuse_longer_steps(const recording& file, const input_data& data,
                         const input_options& options) {
    const double step = file.facts.time.step;
    const double before = data.files.front().time.step;
    if (options.resample <= 0 && options.longest_gap <= 0 && data.longest_gap > 0 &&
        step > data.longest_gap) {
        fail(error_code::invalid_data, file.facts.path, ": rows are ", shown(step), " s apart, in ",
             data.path, ' ', shown(before), " s, so that each step would be a gap; --resample ",
             shown(step), " puts all on a grid");
    }
}

void append(input_data& data, const recording& file, tocsin::matrix<double>& values) {
    const bool first = data.files.empty();
    const auto join = [](auto& all, const auto& part) {
        all.insert(all.end(), part.begin(), part.end());
    };
    if (!first && data.times.empty() != file.times.empty()) {
        data.times.clear(); // times that not all files have are of no use
    } else {
        join(data.times, file.times);
    }
    if (!first && data.has_labels() != !file.series.labels.empty()) {
        fail(error_code::invalid_data, file.facts.path, ": has ",
             file.series.labels.empty() ? "no labels, " : "labels, ", data.path,
             file.series.labels.empty() ? " has them" : " has none",
             "; --labels none ignores them in all files");
    }
    join(data.series.labels, file.series.labels);
    join(data.series.timestamps, file.series.timestamps);
    join(data.rows, file.rows);
    join(data.recordings, file.lengths);
    const index_t before = values.cols();
    values.conservativeResize(file.series.values.rows(), before + file.series.values.cols());
    values.rightCols(file.series.values.cols()) = file.series.values;
    data.series.names = file.series.names;
    data.files.push_back(file.facts);
}

void check_features(index_t features, const std::string& path, const model_file* model) {
    if (model != nullptr && features != model->features()) {
        fail(error_code::invalid_data, path, ": has ", features,
             features == 1 ? " feature" : " features", ", the model has ", model->features());
    }
}

void finish_series(input_data& data, tocsin::matrix<double>& values, const model_file* model) {
    if (model == nullptr) {
        data.offsets = tocsin::find_value_offsets(values);
        data.columns = tocsin::study_columns(values, data.offsets);
        if (data.offsets.isZero(0)) {
            data.offsets.resize(0);
        }
    } else {
        data.offsets = model->offsets;
    }
    data.series.values = tocsin::without_offsets(values, data.offsets);
}

input_data read_all(const std::vector<std::string>& paths, const input_options& options,
                    const model_file* model, bool learns) {
    input_data data;
    data.path = paths.front();
    tocsin::matrix<double> values;
    for (const std::string& path : paths) {
        const std::string text =
            tocsin::to_utf8(require(tocsin::read_file(path)), options.encoding);
        const bool csv = is_csv(path, text, options);
        const bool first = path == paths.front() && data.files.empty() && data.features() == 0;
        if (!first && csv != data.is_series) {
            fail(error_code::invalid_data, path, ": is ", csv ? "CSV, " : "made of sequences, ",
                 data.path, " is not; --format decides");
        }
        data.is_series = csv;
        if (!csv) {
            auto read = require(tocsin::parse_sequences<float>(text, path, format_of(options)));
            if (options.labels == std::vector<std::string>{"none"}) {
                read.labels.clear();
            }
            if (first) {
                data.sequences = std::move(read);
                check_features(data.features(), path, model);
                continue;
            }
            auto& all = data.sequences;
            if (read.features() != all.features() || read.length != all.length ||
                read.labels.empty() != all.labels.empty()) {
                fail(error_code::invalid_data, path, ": has sequences of ", read.features(),
                     " features and ", read.length,
                     " steps, with labels or not; they are not as in ", data.path);
            }
            const index_t before = all.values.cols();
            all.values.conservativeResize(Eigen::NoChange, before + read.values.cols());
            all.values.rightCols(read.values.cols()) = read.values;
            all.labels.insert(all.labels.end(), read.labels.begin(), read.labels.end());
            continue;
        }
        auto csv_options = options.csv(model);
        if (model == nullptr && !first && csv_options.use.empty()) {
            csv_options.use = data.series.names; // by name, whatever their order
        }
        if (!csv_options.dates.otherwise) {
            csv_options.dates.otherwise = data.date_order(); // as the files before show it
        }
        recording file = read_recording(path, text, csv_options);
        if (learns) {
            file.leave_out_infinite();
            const double gap = longest_gap_of(file, options, model);
            data.longest_gap = data.longest_gap > 0 ? data.longest_gap
                               : std::isfinite(gap) ? gap
                                                    : 0;
            if (!first && model == nullptr) {
                refuse_longer_steps(file, data, options);
            }
            refuse_short_gap(file, options, gap);
            order_rows(file, options, data.longest_gap > 0 ? data.longest_gap : gap);
        }
        check_features(file.series.features(), path, model);
        append(data, file, values);
    }
    if (data.is_series) {
        std::vector<tocsin::csv_column> columns; // a name need not be in all files
        for (const file_facts& file : data.files) {
            columns.insert(columns.end(), file.columns.begin(), file.columns.end());
        }
        refuse_unknown_ignored(options.ignore, columns, data.path);
        finish_series(data, values, model);
    }
    return data;
}

} // namespace

void refuse_unknown_ignored(const std::vector<std::string>& ignored,
                            const std::vector<tocsin::csv_column>& columns,
                            const std::string& path) {
    for (const std::string& name : ignored) {
        if (std::none_of(columns.begin(), columns.end(),
                         [&](const tocsin::csv_column& column) { return column.name == name; })) {
            fail(error_code::format_error, path, ": --ignore: has no column named '",
                 tocsin::detail::shown_text(name), "', only ",
                 tocsin::detail::names_in_words(columns));
        }
    }
}

input_data read_input(const std::string& path, const input_options& options,
                      const model_file* model) {
    return read_all({path}, options, model, false);
}

input_data read_recordings(const std::vector<std::string>& paths, const input_options& options,
                           const model_file* model) {
    return read_all(paths, options, model, true);
}

void keep_reading(const input_data& data, const input_options& options, model_file& model) {
    model.feature_names = data.is_series ? data.series.names : std::vector<std::string>{};
    model.offsets = data.offsets;
    model.missing = options.missing;
    model.label_values = options.label_values;
    model.decimal_mark_of_groups = data.decimal_mark_of_groups();
    model.dates = data.date_order();
    model.serial_dates = !data.files.empty() && data.files.front().clock.serial();
    if (!data.files.empty()) {
        const tocsin::timestamp_reader& clock = data.files.front().clock;
        model.digit_dates = clock.kind() == tocsin::timestamp_kind::plain
                                ? tocsin::digit_dates::none
                                : clock.digit_dates();
    }
    model.time_unit =
        data.files.empty() ? tocsin::time_unit::seconds : data.files.front().clock.unit();
    if (!data.files.empty() && data.files.front().time.step > 0) {
        model.step = options.resample > 0 ? options.resample : data.files.front().time.step;
    }
}

std::string input_data::decimal_mark_of_groups() const {
    if (files.empty() || !files.front().dialect.groups) {
        return {};
    }
    return files.front().dialect.decimal_comma ? "comma" : "point";
}

std::optional<tocsin::date_order> input_data::date_order() const {
    for (const file_facts& file : files) {
        const tocsin::date_order_study& shown = file.clock.order();
        if (shown.depends() && !shown.ambiguous()) {
            return shown.order();
        }
    }
    return std::nullopt;
}

std::string input_data::fingerprint() const {
    const auto& values = is_series ? series.values : sequences.values;
    return tocsin::fingerprint_of(values);
}

} // namespace tocsin_cli
