#include "skab_promise.hpp"

#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/detect/combination.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/metrics/confusion.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include "network.hpp"
#include "promise.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace evaluate {
namespace {

using tocsin::alarm_rate;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::status;

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double promised = stated_promises[reported_promise];
constexpr tocsin::cross_fit plan{.folds = 5};
/// The share of held-out windows that score as high, for the permissive setting: the quantile of
/// the suite, without its factor.
constexpr double permissive = 1 - chosen_skab.quantile;
constexpr int order = 10; ///< rows that the autoregression sees

/// The scores of the test rows.
struct judgement {
    std::vector<double> expected; ///< false alarms as high in 10 000 rows
    std::vector<double> p_values; ///< shares of normal scores that are as high; may be empty
    index_t gap = 1;              ///< rows that end a cluster
    double level = 0;             ///< expected false alarms that keep a cluster going
};

result<judgement> by_network(const matrix<float>& values, const run_options& options) {
    const auto windows = tocsin::make_windows(values, chosen_skab.window);
    if (!windows) {
        return windows.error();
    }
    const index_t training = skab_training_rows - chosen_skab.window + 1;
    tocsin::detector<network, tocsin::standard_scaler<float>, tocsin::mahalanobis<>, alarm_rate>
        detector(make_network(static_cast<int>(values.rows()), chosen_skab.hidden, options),
                 {.window = chosen_skab.window}, {}, alarm_rate({.alarms = promised}));
    if (const status done =
            detector.fit(windows->slice(0, training), make_trainer(chosen_skab, options), plan);
        !done) {
        return done;
    }
    const auto scores = detector.scores(windows->slice(training, windows->count() - training));
    if (!scores) {
        return scores.error();
    }
    const alarm_rate& rule = detector.rule(tocsin::error_view::per_feature);
    judgement found;
    found.gap = rule.gap();
    found.level = rule.largest_promise();
    for (const double score : scores->per_feature) {
        found.expected.push_back(rule.expected_false_alarms(score));
        found.p_values.push_back(rule.p_value(score));
    }
    return found;
}

/// Residuals of all features in rows [begin, end) of the fitted model.
void forecast(tocsin::linear_autoregression& model, const matrix<double>& values, index_t begin,
              index_t end, matrix<double>& residuals) {
    model.reset();
    for (index_t t = std::max<index_t>(begin - order, 0); t < end; ++t) {
        model.push({values.col(t).data(), static_cast<std::size_t>(values.rows())});
        if (t >= begin) {
            residuals.col(t) = model.errors();
        }
    }
}

result<judgement> by_charts(const matrix<double>& values) {
    matrix<double> residuals = matrix<double>::Constant(values.rows(), values.cols(), none);
    tocsin::linear_autoregression model({.order = order, .targets = 0, .relative_ridge = 1e-2});
    for (const tocsin::held_out_block& block : plan.blocks(skab_training_rows)) {
        const index_t before = std::max<index_t>(block.begin - chosen_skab.window, 0);
        const index_t after = std::min<index_t>(block.end + chosen_skab.window, skab_training_rows);
        matrix<double> learned(values.rows(), before + skab_training_rows - after);
        learned << values.leftCols(before), values.middleCols(after, skab_training_rows - after);
        if (const status fitted = model.fit(learned); !fitted) {
            return fitted;
        }
        forecast(model, values, block.begin, block.end, residuals);
    }
    if (const status fitted = model.fit(values.leftCols(skab_training_rows)); !fitted) {
        return fitted;
    }
    forecast(model, values, skab_training_rows, values.cols(), residuals);

    tocsin::residual_charts charts;
    if (const status fitted = charts.fit(residuals.leftCols(skab_training_rows)); !fitted) {
        return fitted;
    }
    constexpr std::size_t families = tocsin::chart_scores::families;
    std::array<std::vector<double>, families> scores;
    for (index_t t = 0; t < values.cols(); ++t) {
        if (t == skab_training_rows) {
            charts.reset();
        }
        const std::span<const double> residual(residuals.col(t).data(),
                                               static_cast<std::size_t>(values.rows()));
        const auto row =
            t < skab_training_rows ? charts.push_fitted(residual) : charts.push(residual);
        for (std::size_t k = 0; k < families; ++k) {
            scores[k].push_back(row.values[k]);
        }
    }
    judgement found;
    std::array<alarm_rate, families> rules;
    for (std::size_t k = 0; k < families; ++k) {
        std::vector<double> normal;
        for (std::size_t t = 0; t < static_cast<std::size_t>(skab_training_rows); ++t) {
            if (!std::isnan(scores[k][t])) { // the charts warm up
                normal.push_back(scores[k][t]);
            }
        }
        rules[k] = alarm_rate({.alarms = promised});
        if (const status fitted = rules[k].fit(normal, {}); !fitted) {
            return fitted;
        }
        found.gap = std::max<index_t>(found.gap, rules[k].gap());
    }
    for (std::size_t t = skab_training_rows; t < scores[0].size(); ++t) {
        std::array<double, families> expected{};
        for (std::size_t k = 0; k < families; ++k) {
            expected[k] = rules[k].expected_false_alarms(scores[k][t]);
        }
        found.expected.push_back(
            tocsin::combined_false_alarms(expected, tocsin::combination::bonferroni));
    }
    return found;
}

judgement joined(const judgement& first, const judgement& second) {
    judgement both;
    both.gap = std::max(first.gap, second.gap);
    for (std::size_t t = 0; t < first.expected.size(); ++t) {
        both.expected.push_back(tocsin::combined_false_alarms(
            std::array{first.expected[t], second.expected[t]}, tocsin::combination::bonferroni));
    }
    return both;
}

/// Counts of one way to judge, over all recordings.
struct way {
    method_result result;
    double largest; ///< flagged number
    promise_counts promises = {};
    tocsin::confusion_counts counts = {};

    /// @param numbers expected false alarms, or p-values, of the test rows
    /// @param judged  where they come from
    void add(const std::string& name, const std::vector<double>& numbers, const judgement& judged,
             std::span<const std::uint8_t> labels, bool promise) {
        tocsin::confusion_counts file;
        for (std::size_t t = 0; t < numbers.size(); ++t) {
            file.add(numbers[t] <= largest, labels[t] != 0); // NaN raises no alarm
        }
        metrics values = metrics::of(file);
        if (promise) {
            promises.add_expected(numbers, judged.level, judged.gap, labels, values);
        }
        counts += file;
        result.files.push_back({name, values});
    }
};

} // namespace

result<std::vector<method_result>>
run_skab_promises(const run_options& options,
                  const std::vector<std::filesystem::path>& recordings) {
    const nlohmann::ordered_json held_out = {{"errors", "cross_fit"}, {"folds", plan.folds}};
    auto at_promise = held_out;
    at_promise["threshold"] = alarm_rate::kind;
    at_promise["promised"] = promised;
    auto at_quantile = held_out;
    at_quantile["threshold"] = "quantile";
    at_quantile["quantile"] = 1 - permissive;
    auto charts = at_promise;
    charts["order"] = order;
    std::vector<way> ways;
    ways.push_back({{"LSTM encoder-decoder, 10 promised", at_promise, {}, {}}, promised});
    auto strict = held_out;
    strict["threshold"] = alarm_rate::kind;
    strict["promised"] = stated_promises.back();
    ways.push_back({{"LSTM encoder-decoder, 1 promised", strict, {}, {}}, stated_promises.back()});
    ways.push_back({{"LSTM encoder-decoder, held-out quantile", at_quantile, {}, {}}, permissive});
    ways.push_back({{"LSTM + linear charts, 10 promised", charts, {}, {}}, promised});
    ways.push_back({{"linear charts, 10 promised", charts, {}, {}}, promised});
    ways.back().result.seeded = false;
    for (std::size_t k = 0; k < recordings.size(); ++k) {
        const auto name = name_below(options.directory, recordings[k]);
        options.shown.begin_file(name, k + 1, recordings.size());
        const auto read = read_skab_recording(recordings[k]);
        if (!read) {
            return in_file(name, read.error());
        }
        const auto reconstruction = by_network(read->values, options);
        const auto linear = by_charts(read->values.cast<double>());
        if (!reconstruction || !linear) {
            return in_file(name, reconstruction ? linear.error() : reconstruction.error());
        }
        const std::span<const std::uint8_t> labels =
            std::span(read->all.labels).subspan(skab_training_rows);
        ways[0].add(name, reconstruction->expected, *reconstruction, labels, true);
        ways[1].add(name, reconstruction->expected, *reconstruction, labels, false);
        ways[2].add(name, reconstruction->p_values, *reconstruction, labels, false);
        const judgement both = joined(*reconstruction, *linear);
        ways[3].add(name, both.expected, both, labels, true);
        ways[4].add(name, linear->expected, *linear, labels, true);
        options.shown.end_file();
    }
    std::vector<method_result> results;
    for (way& each : ways) {
        each.result.totals = metrics::of(each.counts);
        each.promises.summarise(each.result.totals);
        each.result.promises = each.promises.lines();
        if (each.result.seeded || !options.seeded_only) {
            results.push_back(std::move(each.result));
        }
    }
    return results;
}

} // namespace evaluate
