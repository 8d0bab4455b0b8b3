#include "tocsin/detect/window_labels.hpp"
#include "tocsin/series/filling.hpp"

#include "failure.hpp"
#include "input.hpp"
#include "options.hpp"
#include <algorithm>
#include <cmath>

namespace tocsin_cli {

using tocsin::error_code;
using tocsin::index_t;

void window_options::add_to(CLI::App& command) {
    const std::string group = "Reading data";
    add_integer(command, "--stride", stride, "CSV: rows from one window to the next", 1)
        ->group(group);
    auto* const hole =
        add_integer(
            command, "--longest-hole", longest_hole,
            "Longest hole, in rows, that is filled in; windows with longer holes are left out", 1)
            ->default_str("10, at most half a window")
            ->group(group);
    command
        .add_flag("--skip-missing", skip_missing,
                  "Leave out every window with a missing value, instead of filling short holes")
        ->excludes(hole)
        ->group(group);
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
    std::vector<index_t> recordings = data.recordings;
    if (recordings.empty()) {
        recordings.push_back(data.series.time());
    }
    if (*std::max_element(recordings.begin(), recordings.end()) < length) {
        fail(error_code::invalid_data, data.path, ": has ", data.series.time(), " rows in ",
             recordings.size(), " recordings between gaps, each shorter than a window of ", length,
             "; --longest-gap or --resample join them, or use a shorter --window");
    }
    cut.windows =
        require(tocsin::make_windows(data.series.values, std::span<const index_t>(recordings),
                                     length, stride),
                data.path);
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

std::string column_name(const input_data& data, index_t feature) {
    return data.is_series ? "column '" + data.series.names[static_cast<std::size_t>(feature)] + '\''
                          : "feature " + std::to_string(feature);
}

void refuse_infinite(const input_data& data, const tocsin::windows<float>& windows, index_t k) {
    const auto window = windows.window(k);
    for (index_t t = 0; t < window.cols(); ++t) {
        for (index_t f = 0; f < window.rows(); ++f) {
            if (!std::isinf(window(f, t))) {
                continue;
            }
            const std::string where =
                data.is_series
                    ? "row " + std::to_string(data.row_number(windows.first_column(k) + t)) + ", " +
                          column_name(data, f)
                    : "sequence " + std::to_string(k + 1) + ", " + column_name(data, f) +
                          ", step " + std::to_string(t);
            fail(error_code::invalid_data, data.path, ": ", where,
                 ": the value is infinite or beyond single precision",
                 data.is_series ? "; --missing TEXT makes it a missing value" : "");
        }
    }
}

/// Why no window can be used, from the column with the most missing values.
[[noreturn]] void refuse_all(const input_data& data, const tocsin::windows<float>& windows,
                             int longest) {
    const auto values = windows.values();
    index_t worst = 0;
    index_t most = -1;
    for (index_t f = 0; f < values.rows(); ++f) {
        index_t missing = 0;
        for (index_t t = 0; t < values.cols(); ++t) {
            missing += std::isnan(values(f, t)) ? 1 : 0;
        }
        if (missing > most) {
            worst = f;
            most = missing;
        }
    }
    if (longest == 0) {
        fail(error_code::invalid_data, data.path,
             ": every window has missing values; without "
             "--skip-missing short holes are filled");
    }
    fail(error_code::invalid_data, data.path, ": every window has a hole of more than ", longest,
         " rows; ", column_name(data, worst), " misses ", most, " of ", values.cols(),
         " values (--ignore leaves a column out, --longest-hole fills longer holes)");
}

} // namespace

labelled_windows without_missing(const input_data& data, const labelled_windows& all,
                                 const window_options& options, const console& out) {
    const int length = all.windows.length();
    const int longest = options.skip_missing       ? 0
                        : options.longest_hole > 0 ? options.longest_hole
                                                   : std::min(10, std::max(length / 2, 1));
    index_t holes = 0;
    auto kept = select(all, [&](index_t k) {
        const auto window = all.windows.window(k);
        if (window.allFinite()) {
            return true;
        }
        refuse_infinite(data, all.windows, k);
        const bool usable = tocsin::has_short_holes_only(window, longest);
        holes += usable ? 1 : 0;
        return usable;
    });
    if (kept.windows.empty()) {
        refuse_all(data, all.windows, longest);
    }
    const std::string of_all = " of " + std::to_string(all.windows.count()) + " windows ";
    if (const index_t left_out = all.windows.count() - kept.windows.count(); left_out > 0) {
        out.note(data.path + ": " + std::to_string(left_out) + of_all +
                 (longest == 0 ? "have missing values, which are left out"
                               : "have holes of more than " + std::to_string(longest) +
                                     " rows or miss half of their values, and are left out"));
    }
    if (holes > 0) {
        out.note(data.path + ": " + std::to_string(holes) + of_all +
                 "have missing values, which are filled in for the model and counted nowhere else");
    }
    return kept;
}

tocsin::windows<float> normal_windows(const input_data& data, int length,
                                      const window_options& windowing, const console& out) {
    const auto all = cut_windows(data, length, windowing.stride, tocsin::scored_steps::all);
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
    return without_missing(data, normal, windowing, out).windows;
}

std::string inflation(index_t windows, index_t sensors) {
    // The mean of d^2 is d (n - 1) / n on the samples of the fit, and
    // d (n - 1) (n + 1) / (n (n - d - 2)) on others.
    const auto left = static_cast<double>(windows - sensors - 2);
    const double factor = static_cast<double>(windows + 1) / left;
    if (left <= 0) {
        return " (without bound: there are hardly more windows than sensors)";
    }
    return factor < 1.1 ? "" : " (about " + shown(std::round(factor * 10) / 10) + " times)";
}

void warn_of_step(const input_data& data, const model_file& model, const console& out,
                  bool resamples) {
    for (const file_facts& file : data.files) {
        const double step = file.resampled > 0 ? 0 : file.time.step;
        if (tocsin::unlike_steps(model.step, step)) {
            const std::string advice =
                step > model.step
                    ? "a model for such rows is trained with --resample " + shown(step)
                : resamples ? "--resample " + shown(model.step) + " puts them on the same grid"
                            : "take one row every " + shown(model.step) + " s, or train on rows " +
                                  shown(step) + " s apart";
            out.note("warning: " + file.path + ": rows are " + shown(step) +
                     " s apart, in training " + shown(model.step) + " s; " + advice);
        }
    }
}

} // namespace tocsin_cli
