/// @file discords_suite.cpp
/// @brief ECG, power demand, valve currents, respiration: events after training, unusual weeks.

#include "tocsin/metrics/roc.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"

#include "contenders.hpp"
#include "discords_data.hpp"
#include "event_outcome.hpp"
#include "further_comparators.hpp"
#include "suite.hpp"
#include "text_table.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
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

/// Events are short compared with a period, so their scores are smoothed less.
constexpr int event_smoothing = 30;
constexpr double least_threshold = 1.5; ///< in units of the 0.99 quantile of the training rows
constexpr double unit_beta = 0.1; ///< precision counts more, as in the papers on LSTM detectors
constexpr index_t rows_per_sample = 8; ///< of weeks, as in the paper on encoder-decoders
/// The suites' own detector with another threshold.
const std::string peaks_name = std::string(own_name) + ", peaks over threshold";
constexpr std::string_view weeks_ending = "_weeks.csv";

/// Names the first row if a series has several test parts.
std::string part_name(const discord_series& series, const row_range& part) {
    return series.rows_for("test").size() > 1
               ? series.name + " from row " + std::to_string(part.begin)
               : series.name;
}

/// Held-out rows that are known to be normal, if there are any.
std::vector<row_range> normal_rows(const discord_series& series) {
    return series.roles.count("val_normal") > 0 ? series.rows_for("val_normal")
                                                : merged(series.rows_for("train"));
}

bool by_peaks(const contender& which) {
    return which.name == peaks_name;
}

/// The highest score of normal rows, and at least 1.5 times the 0.99 quantile of the training rows;
/// or the threshold from peaks of normal rows.
double event_threshold(const contender& which, std::span<const double> scores,
                       const discord_series& series) {
    double highest = least_threshold;
    std::vector<double> normal;
    for (const row_range& range : normal_rows(series)) {
        for (index_t t = range.begin; t < range.end; ++t) {
            normal.push_back(scores[static_cast<std::size_t>(t)]);
            highest = std::max(highest, normal.back());
        }
    }
    if (by_peaks(which)) {
        const auto threshold = threshold_of_peaks(normal);
        if (threshold) {
            return *threshold;
        }
        progress::note(series.name + ": the highest score of normal rows is the threshold: " +
                       threshold.error().message());
    }
    return highest;
}

/// Events are rows above a threshold; flags less than half a period apart are one event.
/// @param ranking scores of rows for areas under curves
/// @param draw    `status(part, labels, flags, threshold)`, called for each test part
template <class Draw>
result<metrics> judge(std::span<const double> scores, std::span<const double> ranking,
                      double threshold, const discord_series& series, event_outcome& sum,
                      Draw&& draw) {
    const index_t nearby = series.period / 2;
    event_outcome here;
    std::vector<double> test_scores;
    std::vector<std::uint8_t> test_labels;
    for (const row_range& part : series.rows_for("test")) {
        const auto size = part.size();
        std::vector<row_range> flagged;
        for (index_t t = 0; t < size; ++t) {
            if (scores[static_cast<std::size_t>(part.begin + t)] > threshold) {
                flagged.push_back({t, t + 1});
                if (flagged.size() > 1 && t - flagged[flagged.size() - 2].end <= nearby) {
                    flagged[flagged.size() - 2].end = t + 1;
                    flagged.pop_back();
                }
            }
        }
        std::vector<row_range> inside;
        for (const row_range& event : series.events) {
            const row_range cut{std::max(event.begin, part.begin) - part.begin,
                                std::min(event.end, part.end) - part.begin};
            if (cut.begin < cut.end) {
                inside.push_back(cut);
            }
        }
        const auto labels = labels_of(inside, size);
        const auto flags = labels_of(flagged, size);
        const auto found = event_outcome::of(flags, labels, merged(inside));
        if (!found) {
            return found.error();
        }
        if (const status drawn = draw(part, labels, flags, threshold); !drawn) {
            return drawn;
        }
        here += *found;
        for (index_t t = 0; t < size; ++t) {
            test_scores.push_back(ranking[static_cast<std::size_t>(part.begin + t)]);
        }
        test_labels.insert(test_labels.end(), labels.begin(), labels.end());
    }
    sum += here;
    metrics values = score_metrics(test_scores, test_labels, std::min(series.period, 300));
    const metrics counted = here.values();
    for (const metric_format& format : metric_formats) {
        if (counted.*format.value) {
            values.*format.value = counted.*format.value;
        }
    }
    return values;
}

/// Days or cycles as a whole, as their labels are: the highest score of a unit judges it, by the
/// threshold that has the best F0.1 on the units for validation.
result<metrics> judge_units(std::span<const double> scores, const discord_series& series) {
    struct {
        std::vector<double> highest;
        std::vector<std::uint8_t> labels;
    } validation, test;
    for (const char* role : {"val_normal", "val_anomalous", "test"}) {
        auto& units = std::string_view(role) == "test" ? test : validation;
        for (const row_range& part : series.rows_for(role)) {
            for (index_t t = part.begin; t + series.unit <= part.end; t += series.unit) {
                units.highest.push_back(
                    *std::max_element(scores.begin() + t, scores.begin() + t + series.unit));
                units.labels.push_back(std::any_of(
                    series.events.begin(), series.events.end(), [&](const row_range& event) {
                        return event.begin < t + series.unit && t < event.end;
                    }));
            }
        }
    }
    tocsin::f_beta_threshold rule(unit_beta);
    if (const status fitted = rule.fit(validation.highest, validation.labels); !fitted) {
        return fitted;
    }
    tocsin::confusion_counts counts;
    for (std::size_t k = 0; k < test.highest.size(); ++k) {
        counts.add(test.highest[k] > rule.threshold(), test.labels[k] != 0);
    }
    metrics values = metrics::of(counts);
    values.far = values.mar = {};
    values.f0_5 = counts.f_beta(0.5);
    if (const auto area = tocsin::auc_roc(test.highest, test.labels)) {
        values.auc_roc = *area;
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

scoring_task task_of(const discord_series& series, const run_options& options) {
    scoring_task task{series.values,
                      merged(series.rows_for("train")),
                      1,
                      series.period,
                      options.seed,
                      options.epochs,
                      {},
                      series.rows_for("val_normal")};
    task.targets = static_cast<int>(task.values.rows());
    return task;
}

status run_series(const run_options& options, const contender_set& set,
                  std::vector<method_result>& methods, std::vector<event_outcome>& totals,
                  std::vector<std::vector<metrics>>& all_lines) {
    const auto protocols = read_discords(options.directory);
    if (!protocols) {
        return protocols.error();
    }
    std::vector<std::vector<group_result>> of_units(methods.size());
    for (const auto& [protocol, list] : *protocols) {
        std::vector<event_outcome> sums(methods.size());
        std::vector<std::vector<metrics>> lines(methods.size());
        std::size_t position = 0;
        for (const discord_series& series : list) {
            options.shown.begin_file(series.name, ++position, list.size());
            const scoring_task task = task_of(series, options);
            const auto errors = errors_of(set, task);
            for (std::size_t c = 0; c < methods.size(); ++c) {
                const contender& which = set.contenders[c];
                const auto scores = scores_of(which, errors, task, event_smoothing);
                const auto ranking = scores_of(which, errors, task, task.period);
                const auto draw = [&](const row_range& part, const auto& labels, const auto& flags,
                                      double threshold) {
                    return c > 0 ? status{}
                                 : options.draw(
                                       {part_name(series, part),
                                        first_feature(task.values, part.begin, part.end),
                                        {scores.begin() + part.begin, scores.begin() + part.end},
                                        labels,
                                        flags,
                                        threshold,
                                        part.begin,
                                        series.feature});
                };
                const auto reached = judge(scores, ranking, event_threshold(which, scores, series),
                                           series, sums[c], draw);
                if (!reached) {
                    return in_file(series.name, reached.error());
                }
                methods[c].files.push_back({series.name, *reached});
                lines[c].push_back(*reached);
                if (series.unit > 0 && series.roles.count("val_anomalous") > 0) {
                    const auto units = judge_units(scores, series);
                    if (!units) {
                        return in_file(series.name, units.error());
                    }
                    of_units[c].push_back(
                        {"units, " + series.name, by_peaks(which) ? metrics{} : *units});
                }
            }
            options.shown.end_file();
        }
        for (std::size_t c = 0; c < methods.size() && !lines[c].empty(); ++c) {
            metrics values = sums[c].values();
            add_means(values, lines[c]);
            methods[c].groups.push_back({"events, " + protocol, values});
            totals[c] += sums[c];
            all_lines[c].insert(all_lines[c].end(), lines[c].begin(), lines[c].end());
        }
    }
    for (std::size_t c = 0; c < methods.size(); ++c) {
        methods[c].groups.insert(methods[c].groups.end(), of_units[c].begin(), of_units[c].end());
    }
    return {};
}

/// `<series>_weeks.csv` lists which weeks of `data/<series>.csv` are normal: the root mean square
/// error of each week ranks them.
status run_weeks(const run_options& options, const contender_set& set, const fs::path& path,
                 std::vector<method_result>& methods) {
    const std::string file = path.filename().string();
    const std::string series = file.substr(0, file.size() - weeks_ending.size());
    const auto table = text_table::read(path);
    auto values = read_series(options.directory / "data" / (series + ".csv"));
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
        reached = by_peaks(set.contenders[c]) ? metrics{} : reached;
        methods[c].files.push_back({file, reached});
        methods[c].groups.push_back({"weeks, " + series, reached});
    }
    options.shown.end_file();
    return {};
}

result<suite_result> run(const run_options& options) {
    std::vector<method> more = {several_steps_forecaster(), periodic_forecaster()};
    for (auto part : {support_vectors_of_states(), further_comparators()}) {
        for (method& each : part) {
            more.push_back(std::move(each));
        }
    }
    if (!options.seeded_only) {
        more.push_back(gaussian_process_forecaster());
    }
    contender_set set(options.seeded_only, std::move(more));
    set.contenders.insert(set.contenders.begin() + 1,
                          {peaks_name, set.contenders.front().parts, true});
    suite_result outcome;
    outcome.methods = set.frames();
    auto& methods = outcome.methods;
    for (method_result& each : methods) {
        each.settings["events"] = {{"smoothing", event_smoothing},
                                   {"least_threshold", least_threshold},
                                   {"threshold", "highest score of the normal rows for validation, "
                                                 "else of the training rows"}};
        if (each.name == peaks_name) {
            each.settings["events"].erase("least_threshold");
            each.settings["events"]["threshold"] = peaks_settings();
        }
        each.settings["units"] = {{"smoothing", event_smoothing},
                                  {"score", "highest of the rows"},
                                  {"threshold", "best F-beta on the units for validation"},
                                  {"beta", unit_beta}};
        each.settings["weeks"] = {{"rows_per_sample", rows_per_sample}};
    }
    std::vector<event_outcome> totals(methods.size());
    std::vector<std::vector<metrics>> lines(methods.size());
    status done = run_series(options, set, methods, totals, lines);
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
