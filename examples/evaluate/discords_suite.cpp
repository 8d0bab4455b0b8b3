/// @file discords_suite.cpp
/// @brief ECG, power demand, valve currents, respiration: events after training, unusual weeks.

#include "tocsin/io/csv.hpp"
#include "tocsin/metrics/event_based.hpp"
#include "tocsin/metrics/event_counts.hpp"
#include "tocsin/series/period.hpp"

#include "contenders.hpp"
#include "suite.hpp"
#include "text_table.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::row_range;
using tocsin::status;

constexpr int shortest_period = 20;
constexpr int longest_period = 1000;
/// Events are short beside a period, so scores for them are smoothed less; both as for nasa.
constexpr int event_smoothing = 30;
constexpr double least_threshold = 1.5; ///< in units of the 0.99 quantile of the training rows
constexpr index_t rows_per_sample = 8;  ///< of weeks, as in the paper on encoder-decoders
constexpr std::string_view weeks_ending = "_weeks.csv";

/// The first of these kinds of labels that a series has in the test rows is what is looked for.
std::vector<std::string_view> kinds_for(const std::string& protocol) {
    if (protocol == "thesis") {
        return {"discord", "day", "cycle", "point"};
    }
    if (protocol == "cycle") {
        return {"cycle", "discord", "day", "point"};
    }
    return {"point", "discord", "day", "cycle"};
}

/// Measured columns of a series; a first column of times is left out.
/// @param first_name of the first measured column; not written when null
result<matrix<double>> read_values(const fs::path& path, std::string* first_name = nullptr) {
    auto read = tocsin::read_csv<double>(path, {.labels = std::vector<std::string>{}});
    if (!read) {
        return read.error();
    }
    const bool timed = read->features() > 1 && read->names.front().rfind("time", 0) == 0;
    if (first_name != nullptr) {
        *first_name = read->names[timed ? 1 : 0];
    }
    return filled(timed ? matrix<double>(read->values.bottomRows(read->features() - 1))
                        : std::move(read->values));
}

int long_period_of(const matrix<double>& values) {
    const auto found = tocsin::dominant_period(values.topRows(1), shortest_period, longest_period);
    return found && *found > 0 ? *found : 125;
}

struct split {
    std::map<std::string, std::vector<row_range>> roles;
};

/// A table `series,<key>,...,start,end` as ranges by the text of `key`.
result<std::map<std::string, std::map<std::string, split>>> read_splits(const fs::path& path) {
    const auto table = text_table::read(path);
    if (!table) {
        return table.error();
    }
    if (const auto complete = table->require({"series", "protocol", "role", "start", "end"});
        !complete) {
        return complete;
    }
    std::map<std::string, std::map<std::string, split>> splits; // by protocol and series
    for (std::size_t k = 0; k < table->rows(); ++k) {
        const auto begin = table->number(k, "start");
        const auto end = table->number(k, "end");
        if (!begin || !end) {
            return begin ? end.error() : begin.error();
        }
        splits[table->text(k, "protocol")][table->text(k, "series")]
            .roles[table->text(k, "role")]
            .push_back({*begin, *end});
    }
    return splits;
}

result<std::map<std::string, split>> read_labels(const fs::path& path) {
    const auto table = text_table::read(path);
    if (!table) {
        return table.error();
    }
    if (const auto complete = table->require({"series", "start", "end", "kind"}); !complete) {
        return complete;
    }
    std::map<std::string, split> labels; // by series; kinds are the roles
    for (std::size_t k = 0; k < table->rows(); ++k) {
        const auto begin = table->number(k, "start");
        const auto end = table->number(k, "end");
        if (!begin || !end) {
            return begin ? end.error() : begin.error();
        }
        labels[table->text(k, "series")].roles[table->text(k, "kind")].push_back({*begin, *end});
    }
    return labels;
}

/// Counts over the test parts of series.
struct event_outcome {
    tocsin::confusion_counts events;
    tocsin::confusion_counts rows;
    tocsin::detection_delay delay;

    metrics values() const {
        metrics read = metrics::of(events);
        read.tn = read.far = read.mar = {};
        read.f0_5 = events.f_beta(0.5);
        read.flagged_fraction = rows.flagged_fraction();
        if (delay.detected > 0) {
            read.mean_delay = delay.mean();
        }
        return read;
    }
};

/// Names the first row where a series has several test parts.
std::string part_name(const std::string& file, const split& parts, const row_range& part) {
    return parts.roles.at("test").size() > 1 ? file + " from row " + std::to_string(part.begin)
                                             : file;
}

double highest_in(std::span<const double> scores, const std::vector<row_range>& ranges) {
    double highest = 0;
    for (const auto& range : ranges) {
        for (index_t t = range.begin; t < range.end; ++t) {
            highest = std::max(highest, scores[static_cast<std::size_t>(t)]);
        }
    }
    return highest;
}

/// Events are rows above the highest score of normal rows, and above 1.5 times the 0.99 quantile of
/// the training rows; flags less than half a period apart are one event.
/// @param ranking scores of rows for areas under curves
/// @param draw    `status(part, labels, flags, threshold)`, called for each test part
template <class Draw>
result<metrics> judge(std::span<const double> scores, std::span<const double> ranking,
                      const split& parts, const std::vector<row_range>& events, int period,
                      event_outcome& sum, Draw&& draw) {
    const auto& roles = parts.roles;
    const auto normal = roles.find("val_normal");
    const double threshold =
        std::max(least_threshold,
                 highest_in(scores, normal != roles.end() ? normal->second : roles.at("train")));
    event_outcome here;
    std::vector<double> test_scores;
    std::vector<std::uint8_t> test_labels;
    for (const row_range& part : roles.at("test")) {
        const auto size = part.size();
        std::vector<row_range> flagged;
        for (index_t t = 0; t < size; ++t) {
            if (scores[static_cast<std::size_t>(part.begin + t)] > threshold) {
                flagged.push_back({t, t + 1});
                if (flagged.size() > 1 && t - flagged[flagged.size() - 2].end <= period / 2) {
                    flagged[flagged.size() - 2].end = t + 1;
                    flagged.pop_back();
                }
            }
        }
        std::vector<row_range> inside;
        for (const row_range& event : events) {
            const row_range cut{std::max(event.begin, part.begin) - part.begin,
                                std::min(event.end, part.end) - part.begin};
            if (cut.begin < cut.end) {
                inside.push_back(cut);
            }
        }
        const auto labels = labels_of(inside, size);
        const auto flags = labels_of(flagged, size);
        const auto counts = tocsin::count_events(flagged, merged(inside));
        const auto rows = tocsin::count_confusion(flags, labels);
        const auto delay = tocsin::measure_detection_delay(flags, labels);
        if (!counts || !rows || !delay) {
            return counts ? (rows ? delay.error() : rows.error()) : counts.error();
        }
        if (const status drawn = draw(part, labels, flags, threshold); !drawn) {
            return drawn;
        }
        here.events += *counts;
        here.rows += *rows;
        here.delay += *delay;
        for (index_t t = 0; t < size; ++t) {
            test_scores.push_back(ranking[static_cast<std::size_t>(part.begin + t)]);
        }
        test_labels.insert(test_labels.end(), labels.begin(), labels.end());
    }
    sum.events += here.events;
    sum.rows += here.rows;
    sum.delay += here.delay;
    metrics values = score_metrics(test_scores, test_labels, std::min(period, 300));
    const metrics counted = here.values();
    for (const metric_format& format : metric_formats) {
        if (counted.*format.value) {
            values.*format.value = counted.*format.value;
        }
    }
    return values;
}

void add_means(metrics& to, const std::vector<metrics>& lines) {
    const metrics mean = summarise(lines).mean;
    for (const auto member :
         {&metrics::vus_pr, &metrics::vus_roc, &metrics::auc_pr, &metrics::auc_roc}) {
        to.*member = mean.*member;
    }
}

status run_events(const run_options& options, const contender_set& set,
                  std::vector<method_result>& methods, std::vector<event_outcome>& totals,
                  std::vector<std::vector<metrics>>& all_lines) {
    const auto splits = read_splits(options.directory / "splits.csv");
    const auto labels = read_labels(options.directory / "labels.csv");
    if (!splits || !labels) {
        return splits ? labels.error() : splits.error();
    }
    for (const auto& [protocol, by_series] : *splits) {
        std::vector<event_outcome> sums(methods.size());
        std::vector<std::vector<metrics>> lines(methods.size());
        std::size_t position = 0;
        for (const auto& [series, parts] : by_series) {
            const std::string name = protocol + "/" + series;
            ++position;
            const auto known = labels->find(series);
            if (parts.roles.count("train") == 0 || parts.roles.count("test") == 0 ||
                known == labels->end()) {
                progress::note("skipped: " + name + " has no rows to train on, to test, or labels");
                continue;
            }
            options.shown.begin_file(name, position, by_series.size());
            std::string feature;
            auto values = read_values(options.directory / "data" / (series + ".csv"), &feature);
            if (!values) {
                return values.error();
            }
            const std::vector<row_range>* events = nullptr;
            for (const auto kind : kinds_for(protocol)) {
                const auto found = known->second.roles.find(std::string(kind));
                if (events == nullptr && found != known->second.roles.end()) {
                    events = &found->second;
                }
            }
            if (events == nullptr) {
                events = &known->second.roles.begin()->second;
            }
            for (const auto& [role, ranges] : parts.roles) {
                for (const row_range& range : ranges) {
                    if (range.begin < 0 || range.end <= range.begin || range.end > values->cols()) {
                        return status::error(tocsin::error_code::format_error, name, ": rows ",
                                             range.begin, " to ", range.end, " for ", role,
                                             " are not in the ", values->cols(), " rows");
                    }
                }
            }
            scoring_task task{
                std::move(*values), merged(parts.roles.at("train")), 1, 125, options.seed,
                options.epochs};
            task.targets = static_cast<int>(task.values.rows());
            task.period = long_period_of(task.values);
            const auto errors = errors_of(set, task);
            for (std::size_t c = 0; c < methods.size(); ++c) {
                const auto scores = scores_of(set.contenders[c], errors, task, event_smoothing);
                const auto ranking = scores_of(set.contenders[c], errors, task, task.period);
                const auto draw = [&](const row_range& part, const auto& part_labels,
                                      const auto& flags, double threshold) {
                    return c > 0 ? status{}
                                 : options.draw(
                                       {part_name(name, parts, part),
                                        first_feature(task.values, part.begin, part.end),
                                        {scores.begin() + part.begin, scores.begin() + part.end},
                                        part_labels,
                                        flags,
                                        threshold,
                                        part.begin,
                                        feature});
                };
                const auto reached =
                    judge(scores, ranking, parts, *events, task.period, sums[c], draw);
                if (!reached) {
                    return in_file(name, reached.error());
                }
                methods[c].files.push_back({name, *reached});
                lines[c].push_back(*reached);
            }
            options.shown.end_file();
        }
        for (std::size_t c = 0; c < methods.size() && !lines[c].empty(); ++c) {
            metrics values = sums[c].values();
            add_means(values, lines[c]);
            methods[c].groups.push_back({"events, " + protocol, values});
            totals[c].events += sums[c].events;
            totals[c].rows += sums[c].rows;
            totals[c].delay += sums[c].delay;
            all_lines[c].insert(all_lines[c].end(), lines[c].begin(), lines[c].end());
        }
    }
    return {};
}

/// `<series>_weeks.csv` says which weeks of `data/<series>.csv` are normal: the root mean square
/// error of each week ranks them.
status run_weeks(const run_options& options, const contender_set& set, const fs::path& path,
                 std::vector<method_result>& methods) {
    const std::string file = path.filename().string();
    const std::string series = file.substr(0, file.size() - weeks_ending.size());
    const auto table = text_table::read(path);
    auto values = read_values(options.directory / "data" / (series + ".csv"));
    if (!table || !values) {
        return table ? values.error() : table.error();
    }
    if (const auto complete = table->require({"start", "end", "thesis_role", "label_holiday"});
        !complete) {
        return complete;
    }
    options.shown.begin_file(file, 1, 1);
    const index_t samples = values->cols() / rows_per_sample;
    scoring_task task{
        matrix<double>(values->rows(), samples), {}, 1, 125, options.seed, options.epochs};
    for (index_t k = 0; k < samples; ++k) {
        task.values.col(k) =
            values->middleCols(k * rows_per_sample, rows_per_sample).rowwise().mean();
    }
    std::vector<row_range> weeks;
    std::vector<std::uint8_t> holiday;
    for (std::size_t k = 0; k < table->rows(); ++k) {
        const auto begin = table->number(k, "start");
        const auto end = table->number(k, "end");
        if (!begin || !end) {
            return begin ? end.error() : begin.error();
        }
        const row_range week{*begin / rows_per_sample, *end / rows_per_sample};
        if (week.begin < 0 || week.end <= week.begin || week.end > samples) {
            return status::error(tocsin::error_code::format_error, file, ": rows ", *begin, " to ",
                                 *end, " are not in the ", values->cols(), " rows of ", series);
        }
        weeks.push_back(week);
        task.units.push_back(week.begin);
        holiday.push_back(table->text(k, "label_holiday") == "1");
        if (table->text(k, "thesis_role") == "train") {
            task.training.push_back(week);
        }
    }
    task.training = merged(task.training);
    task.targets = static_cast<int>(task.values.rows());
    task.period = weeks.empty() ? 125 : static_cast<int>(weeks.front().size());
    const auto errors = errors_of(set, task);
    for (std::size_t c = 0; c < methods.size(); ++c) {
        const auto scores = scores_of(set.contenders[c], errors, task, 1);
        std::vector<double> of_weeks;
        for (const row_range& week : weeks) {
            double squares = 0;
            for (index_t t = week.begin; t < week.end; ++t) {
                const double score = scores[static_cast<std::size_t>(t)];
                squares += score * score;
            }
            of_weeks.push_back(std::sqrt(squares / static_cast<double>(week.size())));
        }
        metrics reached = score_metrics(of_weeks, holiday, 0);
        reached.vus_pr = reached.vus_roc = {};
        methods[c].files.push_back({file, reached});
        methods[c].groups.push_back({"weeks, " + series, reached});
    }
    options.shown.end_file();
    return {};
}

result<suite_result> run(const run_options& options) {
    const contender_set set(options.seeded_only);
    suite_result outcome;
    outcome.methods = set.frames();
    auto& methods = outcome.methods;
    for (method_result& each : methods) {
        each.settings["events"] = {{"smoothing", event_smoothing},
                                   {"least_threshold", least_threshold},
                                   {"threshold", "highest score of the normal rows for validation, "
                                                 "else of the training rows"}};
        each.settings["weeks"] = {{"rows_per_sample", rows_per_sample}};
    }
    std::vector<event_outcome> totals(methods.size());
    std::vector<std::vector<metrics>> lines(methods.size());
    status done = run_events(options, set, methods, totals, lines);
    std::set<fs::path> week_files;
    for (const auto& entry : fs::directory_iterator(options.directory)) {
        const std::string name = entry.path().filename().string();
        if (name.size() > weeks_ending.size() &&
            name.compare(name.size() - weeks_ending.size(), name.size(), weeks_ending) == 0) {
            week_files.insert(entry.path());
        }
    }
    for (const fs::path& path : week_files) {
        if (done) {
            done = run_weeks(options, set, path, methods);
        }
    }
    if (!done) {
        return done;
    }
    for (std::size_t c = 0; c < methods.size(); ++c) {
        methods[c].totals = totals[c].values();
        add_means(methods[c].totals, lines[c]);
    }
    published_line thesis{"events, thesis", {"LSTM of the thesis: ECG 3 of 3, power 5 of 5", {}}};
    thesis.line.values.tp = 8;
    thesis.line.values.fp = 1;
    thesis.line.values.fn = 0;
    published_line weeks{"weeks, power", {"PCA reconstruction of weeks", {}}};
    weeks.line.values.auc_roc = 1;
    outcome.published = {thesis, weeks};
    return outcome;
}

} // namespace

const suite discords_suite{
    "discords", "series with normal parts (data/, splits.csv, labels.csv, <series>_weeks.csv)",
    run};

} // namespace evaluate
