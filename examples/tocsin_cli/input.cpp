#include "input.hpp"

#include "tocsin/detect/window_labels.hpp"
#include "tocsin/io/csv.hpp"
#include "tocsin/io/delimited_sequences.hpp"

#include "failure.hpp"
#include "options.hpp"
#include <algorithm>
#include <cmath>

namespace tocsin_cli {

using tocsin::error_code;
using tocsin::index_t;

void input_options::add_to(CLI::App& command) {
    const std::string group = "Reading data";
    add_choice(command, "--format", format,
               {{"auto", input_format::automatic},
                {"sequences", input_format::sequences},
                {"csv", input_format::csv}},
               "Sequences: one a line, features separated by ';', steps by ','. CSV: a header, "
               "then one row per time step. auto: CSV when the first line is not numbers")
        ->group(group);
    add_names(command, "--labels", labels,
              "CSV: columns with labels; default: label, anomaly, is_anomaly where they exist. "
              "Sequences: 'last', the last field. 'none' ignores labels")
        ->group(group);
    add_names(command, "--columns", columns,
              "CSV: columns that are features, in this order; default: those the model was trained "
              "on, else all that are nothing else")
        ->group(group);
    add_names(command, "--ignore", ignore, "CSV: columns to leave out")->group(group);
    command
        .add_option("--timestamp", timestamp,
                    "CSV: column with the time; 'none' for no such column; default: timestamp, "
                    "datetime or time where it exists")
        ->type_name("NAME")
        ->group(group);
    add_character(command, "--delimiter", delimiter,
                  "CSV: between cells; default: ',' or ';', as in the header. Sequences: between "
                  "features; default ';'")
        ->group(group);
    add_character(command, "--step-delimiter", step_delimiter,
                  "Sequences: between time steps; default ','")
        ->group(group);
}

tocsin::csv_options input_options::csv(const std::vector<std::string>& names) const {
    tocsin::csv_options options;
    options.delimiter = delimiter;
    options.ignore = ignore;
    options.use = columns.empty() ? names : columns;
    if (timestamp == "none") {
        options.timestamp = "";
    } else if (!timestamp.empty()) {
        options.timestamp = timestamp;
    }
    if (labels == std::vector<std::string>{"none"}) {
        options.labels.emplace();
    } else if (!labels.empty()) {
        options.labels = labels;
    }
    return options;
}

void window_options::add_to(CLI::App& command) {
    add_integer(command, "--stride", stride, "CSV: rows from one window to the next", 1)
        ->group("Reading data");
    command
        .add_flag("--skip-missing", skip_missing,
                  "Leave out windows with missing values instead of refusing the file")
        ->group("Reading data");
}

namespace {

/// Whether the first line that is not blank holds anything but numbers: then it is a CSV header.
bool has_header(std::string_view text, const input_options& options) {
    tocsin::text_lines lines{text, ""};
    while (lines.next()) {
        std::string_view line = tocsin::detail::trimmed(lines.line());
        if (line.empty()) {
            continue;
        }
        const char delimiters[] = {',', ';', options.step_delimiter,
                                   options.delimiter == '\0' ? ';' : options.delimiter};
        while (!line.empty()) {
            const auto end = std::min(
                line.find_first_of(std::string_view{delimiters, sizeof delimiters}), line.size());
            if (end > 0 && !tocsin::parse_number<float>(line.substr(0, end))) {
                return true;
            }
            line.remove_prefix(std::min(end + 1, line.size()));
        }
        return false;
    }
    return false;
}

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

} // namespace

input_data read_input(const std::string& path, const input_options& options,
                      const model_file* model) {
    const std::string text = require(tocsin::read_file(path));
    input_data data;
    data.path = path;
    data.is_series = options.format == input_format::csv ||
                     (options.format == input_format::automatic && has_header(text, options));
    if (data.is_series) {
        data.series = require(tocsin::parse_csv<float>(
            text, path,
            options.csv(model == nullptr ? std::vector<std::string>{} : model->feature_names)));
    } else {
        data.sequences = require(tocsin::parse_sequences<float>(text, path, format_of(options)));
        if (options.labels == std::vector<std::string>{"none"}) {
            data.sequences.labels.clear();
        }
    }
    if (model != nullptr && data.features() != model->detector.features()) {
        fail(error_code::invalid_data, path, ": has ", data.features(),
             data.features() == 1 ? " feature" : " features", ", the model has ",
             model->detector.features());
    }
    return data;
}

labelled_windows cut_windows(const input_data& data, int length, int stride,
                             tocsin::scored_steps scored) {
    labelled_windows cut;
    if (!data.is_series) {
        if (data.sequences.length != length) {
            fail(error_code::invalid_data, data.path, ": has sequences of ", data.sequences.length,
                 " time steps, the window has ", length);
        }
        cut.windows = data.sequences.windows();
        cut.labels = data.sequences.labels;
        return cut;
    }
    if (data.series.time() < length) {
        fail(error_code::invalid_data, data.path, ": has ", data.series.time(),
             " rows, fewer than a window of ", length);
    }
    cut.windows = require(tocsin::make_windows(data.series.values, length, stride), data.path);
    if (data.has_labels()) {
        cut.labels = require(tocsin::window_labels<float>(cut.windows, data.series.labels, scored));
    }
    return cut;
}

namespace {

/// The windows for which `keep(k)` is true, with their labels.
template <class Keep>
labelled_windows select(const labelled_windows& all, Keep&& keep) {
    std::vector<index_t> first_columns;
    labelled_windows kept;
    for (index_t k = 0; k < all.windows.count(); ++k) {
        if (keep(k)) {
            first_columns.push_back(all.windows.first_column(k));
            if (!all.labels.empty()) {
                kept.labels.push_back(all.labels[static_cast<std::size_t>(k)]);
            }
        }
    }
    kept.windows = {all.windows.values(), std::move(first_columns), all.windows.length()};
    return kept;
}

[[noreturn]] void refuse_missing(const input_data& data, const tocsin::windows<float>& windows,
                                 index_t k) {
    const auto window = windows.window(k);
    for (index_t t = 0; t < window.cols(); ++t) {
        for (index_t f = 0; f < window.rows(); ++f) {
            const auto value = static_cast<double>(window(f, t));
            if (!std::isfinite(value)) {
                const std::string where =
                    data.is_series
                        ? "row " + std::to_string(windows.first_column(k) + t + 1) + ", column '" +
                              data.series.names[static_cast<std::size_t>(f)] + '\''
                        : "sequence " + std::to_string(k + 1) + ", feature " + std::to_string(f) +
                              ", step " + std::to_string(t);
                fail(error_code::invalid_data, data.path, ": ", where, ": the value is ", value,
                     "; nothing can be learned from it (--skip-missing leaves such windows out)");
            }
        }
    }
    fail(error_code::invalid_data, data.path, ": window ", k, " has missing values");
}

} // namespace

labelled_windows without_missing(const input_data& data, const labelled_windows& all,
                                 const window_options& options, const console& out) {
    auto kept = select(all, [&](index_t k) {
        if (all.windows.window(k).allFinite()) {
            return true;
        }
        if (!options.skip_missing) {
            refuse_missing(data, all.windows, k);
        }
        return false;
    });
    if (const index_t left_out = all.windows.count() - kept.windows.count(); left_out > 0) {
        out.note(data.path + ": " + std::to_string(left_out) + " of " +
                 std::to_string(all.windows.count()) +
                 " windows have missing values, which are left out");
    }
    if (kept.windows.empty()) {
        fail(error_code::invalid_data, data.path, ": every window has missing values");
    }
    return kept;
}

tocsin::windows<float> normal_windows(const input_data& data, int length, const window_options& how,
                                      const console& out) {
    const auto all = cut_windows(data, length, how.stride, tocsin::scored_steps::all);
    const auto normal = all.labels.empty() ? all : select(all, [&](index_t k) {
        return all.labels[static_cast<std::size_t>(k)] == 0;
    });
    if (const index_t left_out = all.windows.count() - normal.windows.count(); left_out > 0) {
        out.note(data.path + ": " + std::to_string(left_out) + " of " +
                 std::to_string(all.windows.count()) +
                 " windows are labelled anomalous, which are left out");
    }
    if (normal.windows.empty()) {
        fail(error_code::invalid_data, data.path, ": every window is labelled anomalous");
    }
    return without_missing(data, normal, how, out).windows;
}

} // namespace tocsin_cli
