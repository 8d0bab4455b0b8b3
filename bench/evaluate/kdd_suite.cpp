/// @file kdd_suite.cpp
/// @brief Rows of network connections: models of rows learn normal ones and judge the others.

#include "tocsin/metrics/roc.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include "kdd_models.hpp"
#include "kdd_pictures.hpp"
#include "kdd_tables.hpp"
#include "suite.hpp"
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

using tocsin::index_t;

/// The threshold with the highest accuracy, midway between the two scores that it separates.
double most_accurate_threshold(const std::vector<double>& scores,
                               const std::vector<std::uint8_t>& labels) {
    std::vector<std::size_t> order(scores.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
        order[k] = k;
    }
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    // Nothing is flagged: all normal rows are right.
    index_t right = std::count(labels.begin(), labels.end(), 0);
    index_t best = right;
    double threshold = scores[order.front()];
    for (std::size_t k = 0; k + 1 < order.size(); ++k) {
        right += labels[order[k]] != 0 ? 1 : -1;
        const double below = scores[order[k + 1]];
        if (right > best && below < scores[order[k]]) {
            best = right;
            threshold = below + (scores[order[k]] - below) / 2;
        }
    }
    return threshold;
}

metrics judge(const std::vector<double>& scores, const kdd_table& table, double threshold) {
    tocsin::confusion_counts counts;
    for (std::size_t k = 0; k < scores.size(); ++k) {
        counts.add(scores[k] > threshold, table.labels[k] != 0);
    }
    metrics values = metrics::of(counts);
    values.accuracy = counts.accuracy();
    values.f2 = counts.f_beta(2);
    if (const auto area = tocsin::auc_roc(scores, table.labels); area.ok()) {
        values.auc_roc = *area;
        values.auc_pr = tocsin::average_precision(scores, table.labels).value();
    }
    return values;
}

/// @param model_scores gets the model's scores of the rows that choose the threshold
tocsin::result<method_result> evaluate_method(const kdd_method& which, const kdd_data& data,
                                              const run_options& options,
                                              std::vector<kdd_scores>& model_scores) {
    const auto scorer = which.fit(data, options);
    if (!scorer) {
        return scorer.error();
    }
    const kdd_table& choice = data.judged.front();
    const std::vector<double> normal = (*scorer)(data.training.values);
    const std::vector<double> choosing = (*scorer)(choice.values);
    method_result reached;
    reached.name = which.name;
    reached.settings = which.settings;
    reached.seeded = which.seeded;
    const double labelled = most_accurate_threshold(choosing, choice.labels);
    // Tables of both classes make the totals; the one that chose the threshold only where it is the
    // only one.
    std::vector<std::pair<const kdd_table*, std::vector<double>>> tests;
    for (const kdd_table& table : data.judged) {
        auto scores = (*scorer)(table.values);
        reached.files.push_back({table.name, judge(scores, table, labelled)});
        if (table.both_classes() && &table != &choice) {
            tests.emplace_back(&table, std::move(scores));
        }
    }
    if (tests.empty()) {
        tests.emplace_back(&choice, choosing);
    }
    const auto total_at = [&](double threshold) {
        std::vector<metrics> lines;
        for (const auto& [table, scores] : tests) {
            lines.push_back(judge(scores, *table, threshold));
        }
        return summarise(lines).mean;
    };
    reached.totals = total_at(labelled);
    const auto add_group = [&](const char* name, auto rule) {
        const bool fitted = rule.fit(normal, {}).ok(); // else its place stays, without numbers
        reached.groups.push_back({name, fitted ? total_at(rule.threshold()) : metrics{}});
    };
    add_group("quantile 0.99 of the training scores", tocsin::quantile_threshold(0.99));
    add_group("peaks over threshold", tocsin::spot_threshold({.q = 1e-3}));
    model_scores.push_back({which.name, choosing, labelled});
    return reached;
}

tocsin::status draw_all(const support::plot_folder& folder, const kdd_data& data,
                        const std::vector<kdd_scores>& model_scores,
                        const std::vector<method_result>& methods) {
    const auto& labels = data.judged.front().labels;
    for (const auto& done : {draw_score_histograms(folder, model_scores, labels),
                             draw_roc_curves(folder, model_scores, labels),
                             draw_model_bars(folder, methods), write_metrics(folder, methods)}) {
        if (!done) {
            return done;
        }
    }
    return {};
}

tocsin::result<suite_result> run(const run_options& options) {
    const auto data = read_kdd_tables(options.directory);
    if (!data) {
        return data.error();
    }
    suite_result all;
    std::vector<kdd_scores> model_scores;
    const auto list = kdd_methods(options);
    std::size_t position = 0;
    for (const kdd_method& each : list) {
        ++position;
        if (options.seeded_only && !each.seeded) {
            continue;
        }
        options.shown.begin_file(each.name, position, list.size());
        auto reached = evaluate_method(each, *data, options, model_scores);
        if (!reached) {
            return in_file(each.name, reached.error());
        }
        options.shown.end_file();
        all.methods.push_back(std::move(*reached));
    }
    if (options.drawn != nullptr) {
        if (const auto drawn = draw_all(options.drawn->folder(), *data, model_scores, all.methods);
            !drawn) {
            return drawn;
        }
    }
    // deepad's own numbers are of models trained on other rows; the README of the data has them.
    const auto line = [](const char* name, double accuracy, double precision, double recall,
                         double f1, double area) {
        named_metrics shown{name, {}};
        shown.values.accuracy = accuracy;
        shown.values.precision = precision;
        shown.values.recall = recall;
        shown.values.f1 = f1;
        shown.values.auc_roc = area;
        return published_line{"", shown};
    };
    all.published = {line("AE, deepad, other rows", .846, .697, .408, .515, .956),
                     line("VAE, deepad, other rows", .931, .821, .836, .829, .947),
                     line("PCA, deepad, other rows", .919, .871, .70, .776, .754),
                     line("OCSVM, deepad, other rows", .949, .907, .832, .868, .958),
                     line("BiGAN, deepad, other rows", .923, .793, .833, .812, .947)};
    return all;
}

} // namespace

const suite kdd_suite{"kdd", "rows of network connections: models of rows", run};

} // namespace evaluate
