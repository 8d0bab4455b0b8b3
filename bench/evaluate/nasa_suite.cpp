/// @file nasa_suite.cpp
/// @brief SMAP and MSL: events as telemanom counts them, and the recordings of TSB-AD.

#include "contenders.hpp"
#include "nasa_channels.hpp"
#include "nasa_choice.hpp"
#include "nasa_events.hpp"
#include "suite.hpp"
#include "text_table.hpp"
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::status;

status run_volumes(const run_options& options, const contender_set& set, const char* index_name,
                   const std::string& group, bool univariate, std::vector<method_result>& methods) {
    const fs::path index = options.directory / index_name;
    std::error_code ignored;
    if (!fs::exists(index, ignored)) {
        return {};
    }
    const auto table = text_table::read(index);
    if (!table) {
        return table.error();
    }
    if (const auto complete = table->require({"tsb_file", "channel", "first_row", "ts_len",
                                              "train_len", "label_intervals_incl", "vus_window"});
        !complete) {
        return complete;
    }
    std::vector<std::vector<metrics>> lines(methods.size());
    for (std::size_t k = 0; k < table->rows(); ++k) {
        const std::string& file = table->text(k, "tsb_file");
        const std::string& name = table->text(k, "channel");
        options.shown.begin_file(file, k + 1, table->rows());
        auto test = read_nasa_values(options.directory / "test" / (name + ".csv"));
        const auto first = table->number(k, "first_row");
        const auto length = table->number(k, "ts_len");
        const auto train = table->number(k, "train_len");
        const auto window = table->number(k, "vus_window");
        const auto labels = table->ranges(k, "label_intervals_incl");
        const auto column = univariate ? table->number(k, "column") : result<index_t>(0);
        for (const auto& outcome :
             {test ? status{} : test.error(), first ? status{} : first.error(),
              length ? status{} : length.error(), train ? status{} : train.error(),
              window ? status{} : window.error(), labels ? status{} : labels.error(),
              column ? status{} : column.error()}) {
            if (!outcome) {
                return in_file(file, outcome);
            }
        }
        if (*first < 0 || *length < 1 || *first + *length > test->cols() || *column < 0 ||
            *column >= test->rows() || *train < 1 || *train > *length) {
            return status::error(tocsin::error_code::format_error, file, ": ", *length,
                                 " rows from row ", *first, " of column ", *column,
                                 " are not in the ", test->rows(), " x ", test->cols(),
                                 " values of ", name, ", or do not hold ", *train, " to train on");
        }
        scoring_task task{
            test->middleCols(*first, *length), {{0, *train}}, 1, 125, options.seed, options.epochs};
        if (univariate) {
            task.values = matrix<double>(task.values.row(*column));
        }
        task.period = period_of(task.values);
        const auto errors = errors_of(set, task);
        const auto truth = labels_of(*labels, task.rows());
        for (std::size_t c = 0; c < methods.size(); ++c) {
            const auto scores = scores_of(set.contenders[c], errors, task, task.period);
            const metrics values = score_metrics(scores, truth, static_cast<int>(*window));
            lines[c].push_back(values);
            methods[c].files.push_back({file, values});
        }
        options.shown.end_file();
    }
    for (std::size_t c = 0; c < methods.size(); ++c) {
        methods[c].groups.push_back({group, summarise(lines[c]).mean});
    }
    return {};
}

published_line event_line(const char* group, const char* name, std::int64_t tp, std::int64_t fp,
                          std::int64_t fn) {
    tocsin::confusion_counts counts;
    counts.true_positives = tp;
    counts.false_positives = fp;
    counts.false_negatives = fn;
    metrics values = metrics::of(counts);
    values.tn = values.far = values.mar = values.flagged_fraction = {};
    values.f0_5 = counts.f_beta(0.5);
    return {group, {name, values}};
}

published_line volume_line(const char* group, const char* name, double value) {
    published_line line{group, {name, {}}};
    line.line.values.vus_pr = value;
    return line;
}

constexpr const char* univariate_group = "TSB-AD-U, VUS";
constexpr const char* multivariate_group = "TSB-AD-M, VUS";

/// VUS and areas of all recordings of both kinds.
void add_volumes(method_result& each) {
    std::vector<metrics> lines;
    for (const file_result& file : each.files) {
        if (file.values.vus_pr) {
            lines.push_back(file.values);
        }
    }
    const metrics mean = summarise(lines).mean;
    for (const auto member :
         {&metrics::vus_pr, &metrics::vus_roc, &metrics::auc_pr, &metrics::auc_roc}) {
        each.totals.*member = mean.*member;
    }
}

/// The suite's own: events by charts, recordings by the detector of all suites.
method_result own_method(const std::vector<method_result>& events,
                         const std::vector<method_result>& volumes) {
    method_result own = events.front();
    const method_result& recordings = volumes.front();
    own.name += " (events), " + recordings.name + " (recordings)";
    own.settings = {{"events", own.settings}, {"recordings", recordings.settings}};
    own.seeded = true;
    own.files.insert(own.files.end(), recordings.files.begin(), recordings.files.end());
    own.groups.insert(own.groups.end(), recordings.groups.begin(), recordings.groups.end());
    add_volumes(own);
    return own;
}

result<suite_result> run(const run_options& options) {
    const contender_set set(options.seeded_only);
    suite_result outcome;
    auto& methods = outcome.methods;
    auto events = run_nasa_events(options, set);
    if (!events) {
        return events.error();
    }
    auto volumes = set.frames();
    status done = run_volumes(options, set, "tsb_u_index.csv", univariate_group, true, volumes);
    if (done) {
        done = run_volumes(options, set, "tsb_m_index.csv", multivariate_group, false, volumes);
    }
    if (!done) {
        return done;
    }
    methods.push_back(own_method(*events, volumes));
    // Every method has all groups, in one order.
    for (method_result& each : *events) {
        const auto of_same =
            std::find_if(volumes.begin(), volumes.end(),
                         [&](const method_result& other) { return other.name == each.name; });
        if (of_same != volumes.end()) {
            each.files.insert(each.files.end(), of_same->files.begin(), of_same->files.end());
            each.groups.insert(each.groups.end(), of_same->groups.begin(), of_same->groups.end());
        }
        for (std::size_t k = each.groups.size(); k < methods.front().groups.size(); ++k) {
            each.groups.push_back({methods.front().groups[k].name, {}});
        }
        add_volumes(each);
        if (each.seeded || !options.seeded_only) {
            methods.push_back(std::move(each));
        }
    }
    const char* const telemanom = "telemanom, stored run (thresholds tuned on these labels)";
    outcome.published = {event_line("events, SMAP", telemanom, 30, 6, 5),
                         event_line("events, MSL", telemanom, 13, 1, 6),
                         event_line("events", telemanom, 43, 7, 11),
                         volume_line(univariate_group, "KMeansAD", 0.674),
                         volume_line(univariate_group, "POLY", 0.614),
                         volume_line(univariate_group, "Sub-PCA", 0.515),
                         volume_line(univariate_group, "AutoEncoder", 0.491),
                         volume_line(univariate_group, "CNN", 0.331),
                         volume_line(univariate_group, "LSTMAD", 0.280),
                         volume_line(multivariate_group, "KMeansAD", 0.353),
                         volume_line(multivariate_group, "CNN", 0.223),
                         volume_line(multivariate_group, "LSTMAD", 0.183),
                         volume_line(multivariate_group, "AutoEncoder", 0.170),
                         volume_line(multivariate_group, "OmniAnomaly", 0.150)};
    return outcome;
}

} // namespace

const suite nasa_suite{"nasa", "telemetry channels (train/, test/, labels.csv, tsb_*_index.csv)",
                       run, choose_nasa_settings};

} // namespace evaluate
