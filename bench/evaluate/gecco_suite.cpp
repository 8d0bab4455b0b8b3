/// @file gecco_suite.cpp
/// @brief Events of a water works: labelled windows, judged in rows that come later.

#include "tocsin/metrics/event_counts.hpp"
#include "tocsin/metrics/roc.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"

#include "gecco_methods.hpp"
#include "scoring_task.hpp"
#include "suite.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::row_range;
using tocsin::status;

/// Combined by how rare both scores are: two methods with labels, one with and one without, and two
/// without, alone and together with one with labels.
constexpr const char* pairs[][2] = {{"convolutions with maximum", "logistic regression"},
                                    {"convolutions with maximum", "isolation forest"},
                                    {"logistic regression", "isolation forest"},
                                    {"isolation forest", "LSTM forecaster"},
                                    {"logistic regression", "isolation forest + LSTM forecaster"}};
constexpr int most_parts = 3;    ///< of the training rows, each of which is left out once
constexpr int choice_stride = 5; ///< rows from one window to the next when thresholds are chosen

std::vector<std::uint8_t> window_labels(const gecco_series& data,
                                        const std::vector<index_t>& starts) {
    std::vector<std::uint8_t> labels;
    labels.reserve(starts.size());
    for (const index_t first : starts) {
        const auto begin = data.labels.begin() + first;
        labels.push_back(
            std::any_of(begin, begin + gecco_window, [](std::uint8_t label) { return label != 0; })
                ? 1
                : 0);
    }
    return labels;
}

/// Scores of windows with their labels.
struct scored_windows {
    std::vector<double> scores;
    std::vector<std::uint8_t> labels;

    void append(const gecco_series& data, const std::vector<index_t>& starts,
                std::span<const double> more) {
        scores.insert(scores.end(), more.begin(), more.end());
        const auto of = window_labels(data, starts);
        labels.insert(labels.end(), of.begin(), of.end());
    }
    std::optional<double> average_precision() const {
        const auto area = tocsin::average_precision(scores, labels);
        return area.ok() ? std::optional<double>(*area) : std::nullopt;
    }
    /// The threshold with the highest F1; none if there is only one class.
    std::optional<double> threshold() const {
        tocsin::f_beta_threshold rule(1);
        return rule.fit(scores, labels).ok() ? std::optional<double>(rule.threshold())
                                             : std::nullopt;
    }
    metrics judge(double threshold) const {
        tocsin::confusion_counts counts;
        for (std::size_t k = 0; k < scores.size(); ++k) {
            counts.add(scores[k] > threshold, labels[k] != 0);
        }
        metrics values = metrics::of(counts);
        values.far = values.mar = {};
        values.accuracy = counts.accuracy();
        values.f2 = counts.f_beta(2);
        values.auc_pr = average_precision();
        if (const auto area = tocsin::auc_roc(scores, labels); area.ok()) {
            values.auc_roc = *area;
        }
        return values;
    }
};

/// The scores of a method for one recording.
struct outcome {
    scored_windows validation;
    scored_windows choice; ///< and of training rows, by labels that the method had not seen
    scored_windows test;
    std::vector<scored_windows> left_out; ///< each part of the training rows
    std::vector<index_t> test_starts;
};

/// Rows of one part, or of all others, as ranges.
std::vector<row_range> rows_of_part(const series_parts& parts, int part, bool others) {
    std::vector<std::uint8_t> wanted;
    wanted.reserve(parts.of_row.size());
    for (const int of : parts.of_row) {
        wanted.push_back((of == part) != others ? 1 : 0);
    }
    return tocsin::runs_of(wanted);
}

/// Learns from the training rows and scores the others; then each part of the training rows by a
/// method that has not seen its labels.
tocsin::result<outcome> score(const gecco_method& which, const gecco_series& data,
                              const run_options& options) {
    outcome made;
    const auto parts = parts_by_series(data, most_parts);
    const auto starts = [](const std::vector<row_range>& ranges, int stride) {
        return starts_within(ranges, gecco_window, stride);
    };
    gecco_task task{.data = data,
                    .learn = {{0, data.train_end}},
                    .judged = starts({{data.train_end, data.validation_end}}, choice_stride),
                    .shown = options.shown,
                    .seed = options.seed,
                    .epochs = options.epochs};
    const std::vector<index_t> validating = task.judged;
    made.test_starts = starts({{data.validation_end, data.test_end}}, 1);
    task.judged.insert(task.judged.end(), made.test_starts.begin(), made.test_starts.end());
    std::vector<std::vector<index_t>> of_parts;
    for (int part = 0; part < parts.count; ++part) {
        of_parts.push_back(starts(rows_of_part(parts, part, false), choice_stride));
    }
    if (!which.labelled) {
        // Labels have no effect, so it need not learn again.
        for (const auto& of : of_parts) {
            task.judged.insert(task.judged.end(), of.begin(), of.end());
        }
    }
    const auto all = which.score(task);
    if (!all) {
        return all.error();
    }
    std::span<const double> rest(*all);
    const auto take = [&](std::size_t count) {
        const auto taken = rest.first(count);
        rest = rest.subspan(count);
        return taken;
    };
    made.validation.append(data, validating, take(validating.size()));
    made.test.append(data, made.test_starts, take(made.test_starts.size()));
    made.choice = made.validation;
    for (int part = 0; part < parts.count; ++part) {
        const auto& judged = of_parts[static_cast<std::size_t>(part)];
        scored_windows left_out;
        if (!which.labelled) {
            left_out.append(data, judged, take(judged.size()));
        } else if (parts.count > 1) {
            task.learn = rows_of_part(parts, part, true);
            task.judged = judged;
            const auto some = which.score(task);
            if (!some) {
                return some.error();
            }
            left_out.append(data, judged, *some);
        }
        made.choice.scores.insert(made.choice.scores.end(), left_out.scores.begin(),
                                  left_out.scores.end());
        made.choice.labels.insert(made.choice.labels.end(), left_out.labels.begin(),
                                  left_out.labels.end());
        made.left_out.push_back(std::move(left_out));
    }
    return made;
}

/// Events of the test rows: found, missed, and runs of flagged windows that touch none.
tocsin::confusion_counts count_test_events(const gecco_series& data, const outcome& made,
                                           double threshold) {
    std::vector<row_range> flagged;
    for (std::size_t k = 0; k < made.test_starts.size(); ++k) {
        if (!(made.test.scores[k] > threshold)) {
            continue;
        }
        const index_t first = made.test_starts[k];
        if (k > 0 && made.test.scores[k - 1] > threshold) {
            flagged.back().end = first + gecco_window;
        } else {
            flagged.push_back({first, first + gecco_window});
        }
    }
    std::vector<row_range> truth;
    for (const row_range& event : data.events) {
        if (event.overlaps({data.validation_end, data.test_end})) {
            truth.push_back(event);
        }
    }
    return *tocsin::count_events(flagged, truth, tocsin::event_credit::every);
}

/// How rare each score is: the negative logarithm of the share of normal windows before the test
/// rows that score as high.
void replace_by_rarity(std::vector<double>& scores, const std::vector<double>& normal) {
    const auto count = static_cast<double>(normal.size());
    for (double& score : scores) {
        const auto above = normal.end() - std::lower_bound(normal.begin(), normal.end(), score);
        score = -std::log10((static_cast<double>(above) + 1) / (count + 1));
    }
}

/// The same windows scored by how rare both scores together are.
outcome combine(outcome a, outcome b) {
    for (outcome* each : {&a, &b}) {
        std::vector<double> normal;
        for (std::size_t k = 0; k < each->choice.scores.size(); ++k) {
            if (each->choice.labels[k] == 0) {
                normal.push_back(each->choice.scores[k]);
            }
        }
        std::sort(normal.begin(), normal.end());
        for (scored_windows* part : {&each->validation, &each->choice, &each->test}) {
            replace_by_rarity(part->scores, normal);
        }
        for (scored_windows& part : each->left_out) {
            replace_by_rarity(part.scores, normal);
        }
    }
    const auto add = [](scored_windows& to, const scored_windows& more) {
        for (std::size_t k = 0; k < to.scores.size(); ++k) {
            to.scores[k] += more.scores[k];
        }
    };
    add(a.validation, b.validation);
    add(a.choice, b.choice);
    add(a.test, b.test);
    for (std::size_t k = 0; k < a.left_out.size(); ++k) {
        add(a.left_out[k], b.left_out[k]);
    }
    return a;
}

/// A method with its scores for each recording, and its quality before the test rows.
struct ranked_method {
    method_result result;
    std::vector<outcome> outcomes;
    /// Average precision of the part where it is lowest, validation rows or training rows left out:
    /// future events may be of the kind that a method knows least.
    double chosen_by = 0;
};

/// Metrics from the scores of each recording.
ranked_method judge(const std::string& name, nlohmann::ordered_json settings,
                    const std::vector<gecco_series>& all, std::vector<outcome> outcomes) {
    ranked_method reached;
    method_result& result = reached.result;
    result.name = name;
    result.settings = std::move(settings);
    std::vector<metrics> windows;
    std::vector<metrics> by_validation;
    std::vector<metrics> unseen;
    tocsin::confusion_counts events;
    for (std::size_t k = 0; k < all.size(); ++k) {
        const gecco_series& data = all[k];
        const outcome& made = outcomes[k];
        constexpr double none = std::numeric_limits<double>::infinity();
        const double threshold = made.choice.threshold().value_or(none);
        windows.push_back(made.test.judge(threshold));
        result.files.push_back({data.name, windows.back()});
        by_validation.push_back(made.test.judge(made.validation.threshold().value_or(none)));
        events += count_test_events(data, made, threshold);
        for (const scored_windows& part : made.left_out) {
            if (const auto area = part.average_precision()) {
                unseen.emplace_back().auc_pr = *area;
            }
        }
        double worst = made.validation.average_precision().value_or(1.0);
        for (const scored_windows& part : made.left_out) {
            worst = std::min(worst, part.average_precision().value_or(1.0));
        }
        reached.chosen_by += worst / static_cast<double>(all.size());
    }
    result.settings["worst_average_precision_before_test"] = reached.chosen_by;
    result.totals = summarise(windows).mean;
    metrics of_events = metrics::of(events);
    of_events.tn = of_events.far = of_events.mar = of_events.flagged_fraction = {};
    result.groups = {{"windows", result.totals},
                     {"events", of_events},
                     {"windows, threshold of validation rows only", summarise(by_validation).mean},
                     {"training parts, each left out in turn", summarise(unseen).mean}};
    reached.outcomes = std::move(outcomes);
    return reached;
}

tocsin::result<ranked_method> evaluate_method(const gecco_method& which,
                                              const std::vector<gecco_series>& all,
                                              const run_options& options) {
    std::vector<outcome> outcomes;
    for (const gecco_series& data : all) {
        auto made = score(which, data, options);
        if (!made) {
            return in_file(data.name, made.error());
        }
        outcomes.push_back(*std::move(made));
    }
    auto settings = which.settings;
    settings["threshold"] =
        which.labelled ? "highest F1 of validation rows and of training parts left out in turn"
                       : "highest F1 of training and validation rows";
    return judge(which.name, std::move(settings), all, std::move(outcomes));
}

/// A classifier combined with a method that has seen no labels.
ranked_method judge_combination(const ranked_method& a, const ranked_method& b,
                                const std::vector<gecco_series>& all) {
    std::vector<outcome> outcomes;
    for (std::size_t k = 0; k < all.size(); ++k) {
        outcomes.push_back(combine(a.outcomes[k], b.outcomes[k]));
    }
    return judge(a.result.name + " + " + b.result.name,
                 {{"score", "sum of the negative logarithms of how rare each is"},
                  {"parts", {a.result.name, b.result.name}}},
                 all, std::move(outcomes));
}

tocsin::result<suite_result> run(const run_options& options) {
    const auto data = read_gecco(options.directory);
    if (!data) {
        return data.error();
    }
    std::vector<gecco_method> methods = labelled_methods();
    for (gecco_method& each : unlabelled_methods()) {
        methods.push_back(std::move(each));
    }
    std::vector<ranked_method> reached;
    for (std::size_t k = 0; k < methods.size() && !data->empty(); ++k) {
        options.shown.begin_file(methods[k].name, k + 1, methods.size());
        auto made = evaluate_method(methods[k], *data, options);
        if (!made) {
            return in_file(methods[k].name, made.error());
        }
        options.shown.end_file();
        reached.push_back(*std::move(made));
    }
    const auto named = [&](const std::string& name) -> const ranked_method& {
        return *std::find_if(reached.begin(), reached.end(),
                             [&](const auto& each) { return each.result.name == name; });
    };
    for (std::size_t k = 0; k < std::size(pairs) && !reached.empty(); ++k) {
        auto both = judge_combination(named(pairs[k][0]), named(pairs[k][1]), *data);
        reached.push_back(std::move(both));
    }
    std::stable_sort(reached.begin(), reached.end(),
                     [](const auto& a, const auto& b) { return a.chosen_by > b.chosen_by; });
    suite_result all;
    for (ranked_method& each : reached) {
        all.methods.push_back(std::move(each.result));
    }
    return all;
}

} // namespace

const suite gecco_suite{"gecco", "labelled events of a water works: classifiers of windows", run};

} // namespace evaluate
