/// @file nab_suite.cpp
/// @brief NAB: streams by the benchmark's own score, and the recordings that TSB-AD made of them.

#include "tocsin/io/csv.hpp"
#include "tocsin/metrics/nab_score.hpp"

#include "contenders.hpp"
#include "further_comparators.hpp"
#include "nab_choice.hpp"
#include "promise.hpp"
#include "streams.hpp"
#include "suite.hpp"
#include "text_table.hpp"
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using tocsin::index_t;
using tocsin::result;
using tocsin::row_range;

/// Detection thresholds set without labels.
constexpr double fixed_threshold = chosen_alarm_rule.threshold;
constexpr double fixed_novelty = chosen_novelty_rule.threshold;

/// The suite's own method for streams.
constexpr const char* own_streams_name = "nearest value";

constexpr const char* streaming = "NAB score, streaming";
constexpr const char* volumes = "TSB-AD-U, VUS";

struct stream {
    std::string name; ///< below data/
    std::vector<double> values;
    index_t day = 0;
    std::vector<row_range> windows;
};

/// Seconds of `YYYY-MM-DD HH:MM:SS`; NaN for anything else.
double seconds_of(const std::string& text) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    double second = 0;
    if (std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%lf", &year, &month, &day, &hour, &minute,
                    &second) != 6) {
        return std::nan("");
    }
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                           std::chrono::day{day}};
    const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
    return 86400.0 * static_cast<double>(days) + 3600.0 * hour + 60.0 * minute + second;
}

/// Rows per day by the median step of the first rows; as many as there are on probation if
/// timestamps cannot be read.
index_t rows_per_day(const std::vector<std::string>& timestamps, index_t probation) {
    std::vector<double> steps;
    for (std::size_t t = 1; t < timestamps.size() && static_cast<index_t>(t) < probation; ++t) {
        const double step = seconds_of(timestamps[t]) - seconds_of(timestamps[t - 1]);
        if (step > 0) {
            steps.push_back(step);
        }
    }
    if (steps.empty()) {
        return std::max<index_t>(probation, 1);
    }
    const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
    std::nth_element(steps.begin(), middle, steps.end());
    return std::max<index_t>(static_cast<index_t>(86400 / *middle), 1);
}

result<std::vector<stream>> read_streams(const fs::path& directory) {
    std::map<std::string, std::vector<row_range>> windows;
    const auto table = text_table::read(directory / "windows.csv");
    if (!table) {
        return table.error();
    }
    if (const auto complete = table->require({"file", "start_idx", "end_idx_incl"}); !complete) {
        return complete;
    }
    for (std::size_t k = 0; k < table->rows(); ++k) {
        const auto begin = table->number(k, "start_idx");
        const auto last = table->number(k, "end_idx_incl");
        if (!begin || !last) {
            return begin ? last.error() : begin.error();
        }
        windows[table->text(k, "file")].push_back({*begin, *last + 1});
    }
    std::vector<stream> streams;
    for (const auto& entry : files_below(directory / "data")) {
        if (!entry.is_regular_file() || entry.path().extension() != ".csv") {
            continue;
        }
        auto read = tocsin::read_csv<double>(
            entry.path(), {.timestamp = "timestamp", .labels = std::vector<std::string>{}});
        if (!read) {
            return read.error();
        }
        stream one;
        one.name = name_below(directory / "data", entry.path());
        const auto values = filled(std::move(read->values));
        for (index_t t = 0; t < values.cols(); ++t) {
            one.values.push_back(values(0, t));
        }
        one.day = rows_per_day(read->timestamps, tocsin::nab_probation(values.cols()));
        for (const row_range& window : merged(windows[one.name])) {
            if (window.begin < values.cols()) {
                one.windows.push_back({window.begin, std::min(window.end, values.cols())});
            }
        }
        streams.push_back(std::move(one));
    }
    std::sort(streams.begin(), streams.end(),
              [](const stream& a, const stream& b) { return a.name < b.name; });
    return streams;
}

using score_list = std::vector<std::vector<double>>; // one per stream

std::vector<tocsin::nab_recording> recordings_of(const std::vector<stream>& streams,
                                                 const score_list& scores) {
    std::vector<tocsin::nab_recording> recordings;
    for (std::size_t k = 0; k < streams.size(); ++k) {
        recordings.push_back({scores[k], streams[k].windows});
    }
    return recordings;
}

/// Windows found and missed, false detections and delays at the fixed threshold.
metrics counts_at(std::span<const tocsin::nab_recording> recordings, double threshold) {
    double found = 0;
    double missed = 0;
    double false_alarms = 0;
    double delay = 0;
    double flagged = 0;
    double rows = 0;
    for (const auto& recording : recordings) {
        const auto size = static_cast<index_t>(recording.scores.size());
        const index_t probation = tocsin::nab_probation(size);
        std::vector<bool> hit(recording.windows.size(), false);
        for (index_t t = probation; t < size; ++t) {
            ++rows;
            if (!(recording.scores[static_cast<std::size_t>(t)] >= threshold)) {
                continue;
            }
            ++flagged;
            bool inside = false;
            for (std::size_t k = 0; k < hit.size(); ++k) {
                const row_range& window = recording.windows[k];
                if (window.begin <= t && t < window.end) {
                    inside = true;
                    if (!hit[k]) {
                        hit[k] = true;
                        ++found;
                        delay += static_cast<double>(t - window.begin);
                    }
                }
            }
            false_alarms += inside ? 0 : 1;
        }
        for (std::size_t k = 0; k < hit.size(); ++k) {
            missed += !hit[k] && recording.windows[k].end > probation ? 1 : 0;
        }
    }
    tocsin::confusion_counts counts;
    counts.true_positives = static_cast<std::int64_t>(found);
    counts.false_positives = static_cast<std::int64_t>(false_alarms);
    counts.false_negatives = static_cast<std::int64_t>(missed);
    metrics values = metrics::of(counts);
    values.tn = values.far = values.mar = {};
    values.f0_5 = counts.f_beta(0.5);
    values.flagged_fraction = rows > 0 ? flagged / rows : 0;
    if (found > 0) {
        values.mean_delay = delay / found;
    }
    return values;
}

/// @param scores     for the best threshold
/// @param alarms     scores of the rows that raise an alarm, for the fixed threshold
result<metrics> nab_metrics(const std::vector<stream>& streams, const score_list& scores,
                            const score_list& alarms, double threshold) {
    const auto recordings = recordings_of(streams, scores);
    const auto raised = recordings_of(streams, alarms);
    metrics values = counts_at(raised, threshold);
    struct profile {
        const tocsin::nab_profile& weights;
        std::optional<double> metrics::* best;
        std::optional<double> metrics::* fixed;
    };
    for (const profile& each :
         {profile{tocsin::nab_standard, &metrics::nab_standard, &metrics::nab_standard_fixed},
          profile{tocsin::nab_low_fp, &metrics::nab_low_fp, &metrics::nab_low_fp_fixed},
          profile{tocsin::nab_low_fn, &metrics::nab_low_fn, &metrics::nab_low_fn_fixed}}) {
        const auto best = tocsin::best_nab_threshold(recordings, each.weights);
        const auto fixed = tocsin::nab_score(raised, threshold, each.weights);
        if (!best || !fixed) {
            return best ? fixed.error() : best.error();
        }
        values.*each.best = tocsin::normalised_nab_score(best->raw, best->windows, each.weights);
        values.*each.fixed = tocsin::normalised_nab_score(fixed->raw, fixed->windows, each.weights);
    }
    return values;
}

/// A picture of the rows after the probation.
tocsin::status draw(const run_options& options, const stream& one,
                    const std::vector<double>& scores) {
    const auto rows = static_cast<index_t>(scores.size());
    const index_t first = tocsin::nab_probation(rows);
    const auto labels = labels_of(one.windows, rows);
    scored_rows judged{"data/" + one.name,
                       {one.values.begin() + first, one.values.end()},
                       {scores.begin() + first, scores.end()},
                       {labels.begin() + first, labels.end()},
                       {},
                       fixed_novelty,
                       first,
                       "value",
                       "row (" + std::to_string(one.day) + " a day)"};
    for (const double score : judged.scores) {
        judged.flags.push_back(score >= fixed_novelty);
    }
    return options.draw(judged);
}

/// A way to score streams: one method, or the largest surprise of several.
struct stream_contender {
    std::string name; ///< the line of the results that the values go to
    std::vector<std::size_t> parts;
    bool seeded;
    double threshold = fixed_threshold;
    bool novelty = false; ///< chosen_novelty_rule instead of parts
};

tocsin::status run_streams(const run_options& options, std::vector<method_result>& methods) {
    const auto streams = read_streams(options.directory);
    if (!streams) {
        return streams.error();
    }
    const auto parts = stream_methods();
    // The first is the suite's own for streams.
    std::vector<stream_contender> contenders = {
        {own_streams_name, {}, false, fixed_novelty, true},
        {own_name, {own_stream_parts.begin(), own_stream_parts.end()}, true}};
    if (!options.seeded_only) {
        contenders.push_back(
            {"linear models", {own_stream_parts.begin() + 1, own_stream_parts.end()}, false});
    }
    for (std::size_t k = 0; k < parts.size(); ++k) {
        if (parts[k].seeded || !options.seeded_only) {
            contenders.push_back({parts[k].name, {k}, parts[k].seeded});
        }
    }
    std::vector<score_list> all(contenders.size());
    std::vector<score_list> raised(contenders.size());
    std::vector<promise_counts> promises(contenders.size());
    std::vector<std::vector<metrics>> promised(contenders.size());
    for (std::size_t s = 0; s < streams->size(); ++s) {
        const stream& one = (*streams)[s];
        options.shown.begin_file(one.name, s + 1, streams->size());
        const stream_task task{one.values,
                               tocsin::nab_probation(static_cast<index_t>(one.values.size())),
                               one.day, options.seed, options.epochs};
        std::vector<std::vector<double>> raw;
        for (const stream_method& each : parts) {
            const auto errors = each.errors(task);
            if (!errors) {
                return in_file(one.name, errors.error());
            }
            raw.push_back(surprises(*errors, task));
        }
        for (std::size_t c = 0; c < contenders.size(); ++c) {
            std::vector<double> unfiltered(one.values.size(), 0);
            if (contenders[c].novelty) {
                unfiltered = novelty_scores(chosen_novelty_rule, task);
                all[c].push_back(new_heights(unfiltered, std::max<index_t>(task.probation / 5, 1)));
                raised[c].push_back(first_alarms(chosen_novelty_rule, unfiltered, task.probation));
            } else {
                for (const std::size_t part : contenders[c].parts) {
                    for (std::size_t t = 0; t < unfiltered.size(); ++t) {
                        unfiltered[t] = std::max(unfiltered[t], raw[part][t]);
                    }
                }
                all[c].push_back(
                    alarm_scores(chosen_alarm_rule, raw, contenders[c].parts, one.day));
                raised[c].push_back(all[c].back());
            }
            metrics promise;
            // Of the probation, the rows after the first models have learned.
            promises[c].add(unfiltered, {task.probation / 2 + 50, task.probation},
                            {task.probation, task.rows()}, labels_of(one.windows, task.rows()),
                            promise);
            promised[c].push_back(promise);
        }
        if (const auto drawn = draw(options, one, raised.front().back()); !drawn) {
            return drawn;
        }
        options.shown.end_file();
    }
    for (std::size_t c = 0; c < contenders.size(); ++c) {
        auto place = std::find_if(methods.begin(), methods.end(), [&](const method_result& each) {
            return each.name == contenders[c].name;
        });
        if (place == methods.end()) {
            methods.push_back({contenders[c].name, {}, {}, {}, {}, contenders[c].seeded});
            place = methods.end() - 1;
        }
        auto& settings = place->settings[streaming];
        settings =
            contenders[c].novelty ? chosen_novelty_rule.settings() : chosen_alarm_rule.settings();
        for (const std::size_t part : contenders[c].parts) {
            settings[parts[part].name] = parts[part].settings;
        }
        auto values = nab_metrics(*streams, all[c], raised[c], contenders[c].threshold);
        if (!values) {
            return values.error();
        }
        promises[c].summarise(*values);
        place->promises = promises[c].lines();
        place->totals = *values;
        place->groups.push_back({streaming, *values});
        const auto recordings = recordings_of(*streams, raised[c]);
        for (std::size_t s = 0; s < streams->size(); ++s) {
            metrics file = counts_at(std::span(recordings).subspan(s, 1), contenders[c].threshold);
            file.promised_rate = promised[c][s].promised_rate;
            file.realised_rate = promised[c][s].realised_rate;
            file.realised_over_promised = promised[c][s].realised_over_promised;
            place->files.push_back({"data/" + (*streams)[s].name, file});
        }
    }
    return {};
}

tocsin::status run_volumes(const run_options& options, std::vector<method_result>& methods) {
    const fs::path index = options.directory / "tsb" / "index.csv";
    std::error_code ignored;
    if (!fs::exists(index, ignored)) {
        return {};
    }
    const auto table = text_table::read(index);
    if (!table) {
        return table.error();
    }
    if (const auto complete =
            table->require({"tsb_file", "train_len", "label_intervals_incl", "vus_window"});
        !complete) {
        return complete;
    }
    std::vector<std::size_t> chosen;
    for (std::size_t k = 0; k < table->rows(); ++k) {
        if (!table->has("set") || table->text(k, "set") == "eval") {
            chosen.push_back(k);
        }
    }
    const contender_set set(options.seeded_only, further_comparators());
    std::vector<method_result> frames = set.frames();
    for (std::size_t k = 0; k < chosen.size(); ++k) {
        const std::size_t row = chosen[k];
        const std::string& file = table->text(row, "tsb_file");
        options.shown.begin_file(file, k + 1, chosen.size());
        auto read = tocsin::read_csv<double>(options.directory / "tsb" / file,
                                             {.labels = std::vector<std::string>{"Label"}});
        const auto train = table->number(row, "train_len");
        const auto labels = table->ranges(row, "label_intervals_incl");
        const auto window = table->number(row, "vus_window");
        for (const auto& status :
             {read ? tocsin::status{} : read.error(), train ? tocsin::status{} : train.error(),
              labels ? tocsin::status{} : labels.error(),
              window ? tocsin::status{} : window.error()}) {
            if (!status) {
                return in_file(file, status);
            }
        }
        scoring_task task{
            filled(std::move(read->values)), {}, 1, 125, options.seed, options.epochs};
        task.training = {{0, std::min(*train, task.rows())}};
        task.period = period_of(task.values);
        const auto errors = errors_of(set, task);
        for (std::size_t c = 0; c < frames.size(); ++c) {
            const auto scores = scores_of(set.contenders[c], errors, task, task.period);
            frames[c].files.push_back(
                {"tsb/" + file, score_metrics(scores, labels_of(*labels, task.rows()),
                                              static_cast<int>(*window))});
        }
        options.shown.end_file();
    }
    for (method_result& frame : frames) {
        std::vector<metrics> lines;
        for (const file_result& file : frame.files) {
            lines.push_back(file.values);
        }
        frame.totals = summarise(lines).mean;
        frame.groups.push_back({volumes, frame.totals});
        frame.settings = {{volumes, frame.settings}};
    }
    methods = std::move(frames);
    return {};
}

published_line nab_line(const char* name, double standard, double low_fp, double low_fn) {
    published_line line{streaming, {name, {}}};
    line.line.values.nab_standard = standard;
    line.line.values.nab_low_fp = low_fp;
    line.line.values.nab_low_fn = low_fn;
    return line;
}

published_line volume_line(const char* name, double value) {
    published_line line{volumes, {name, {}}};
    line.line.values.vus_pr = value;
    return line;
}

/// The suite's own: streams by the novelty of values, recordings by the detector of all suites.
method_result own_method(const std::vector<method_result>& methods) {
    const auto named = [&](const char* name) -> const method_result& {
        return *std::find_if(methods.begin(), methods.end(),
                             [&](const method_result& each) { return each.name == name; });
    };
    method_result own = named(own_streams_name);
    const method_result& recordings = named(own_name);
    own.name += std::string(" (streams), ") + own_name + " (recordings)";
    own.seeded = true; // the recordings
    if (recordings.settings.contains(volumes)) {
        own.settings[volumes] = recordings.settings.at(volumes);
    }
    for (const group_result& group : recordings.groups) {
        if (group.name == volumes) {
            own.groups.push_back(group);
        }
    }
    for (const file_result& file : recordings.files) {
        if (file.values.vus_pr) {
            own.files.push_back(file);
        }
    }
    return own;
}

result<suite_result> run(const run_options& options) {
    suite_result outcome;
    auto& methods = outcome.methods;
    if (const auto done = run_volumes(options, methods); !done) {
        return done;
    }
    if (const auto done = run_streams(options, methods); !done) {
        return done;
    }
    methods.insert(methods.begin(), own_method(methods));
    if (options.seeded_only) { // it does not depend on the seed, and has been run
        methods.erase(std::find_if(methods.begin(), methods.end(), [](const method_result& each) {
            return each.name == own_streams_name;
        }));
    }
    // Every method has both groups, in one order, and the values of both in its totals.
    for (method_result& each : methods) {
        std::array<group_result, 2> groups{group_result{streaming, {}}, group_result{volumes, {}}};
        metrics totals;
        for (const group_result& group : each.groups) {
            groups[group.name == streaming ? 0 : 1].values = group.values;
            for (const metric_format& format : metric_formats) {
                if (group.values.*format.value) {
                    totals.*format.value = group.values.*format.value;
                }
            }
        }
        each.groups.assign(groups.begin(), groups.end());
        each.totals = totals;
    }
    // 29 of the 58 files, thresholds optimised on the whole corpus; 12 files of TSB-AD-U.
    outcome.published = {nab_line("ARTime", 74.71, 66.35, 79.69),
                         nab_line("Numenta HTM", 70.76, 65.45, 74.76),
                         nab_line("Random Cut Forest", 56.9, 45.69, 62.98),
                         nab_line("KNN-CAD", 56.04, 40.49, 63.22),
                         nab_line("windowed Gaussian", 40.26, 23.89, 46.96),
                         nab_line("Etsy Skyline", 34.93, 26.83, 43.98),
                         volume_line("POLY", 0.4665),
                         volume_line("Sub-PCA", 0.4388),
                         volume_line("MOMENT (fine-tuned)", 0.4153),
                         volume_line("KMeansAD", 0.3346),
                         volume_line("AutoEncoder", 0.3102),
                         volume_line("LSTMAD", 0.1812)};
    return outcome;
}

} // namespace

const suite nab_suite{"nab", "streams with timestamps (data/, windows.csv, tsb/)", run,
                      choose_nab_settings};

} // namespace evaluate
