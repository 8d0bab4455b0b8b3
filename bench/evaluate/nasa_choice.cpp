#include "nasa_choice.hpp"

#include "event_charts.hpp"
#include "event_outcome.hpp"
#include "event_rule.hpp"
#include "held_out_errors.hpp"
#include "inserted_anomalies.hpp"
#include "nasa_channels.hpp"
#include "text_table.hpp"
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

using tocsin::index_t;

constexpr std::array learned_shares = {0.3, 0.5};
constexpr int repetitions = 3;
constexpr index_t fewest_rows = 900;
constexpr std::size_t shown_rules = 25;
constexpr std::size_t shown_charts = 5; ///< below them

/// A rule with its results, by share of the rows learned from.
struct candidate {
    event_rule rule;
    bool charts = false; ///< of linear forecasts, instead of the errors of the set's own method
    std::array<event_outcome, learned_shares.size()> outcomes = {};
    event_outcome total = {};

    /// Twice the anomalous rows at most: flagging everything finds all events.
    bool sparing() const {
        return total.rows.true_positives + total.rows.false_positives <=
               2 * (total.rows.true_positives + total.rows.false_negatives);
    }
    std::string name() const {
        std::array<char, 160> text{};
        std::snprintf(text.data(), text.size(), "%s%s, smoothing %d, threshold %g, pruning %g",
                      charts ? "charts: " : "", name_of(rule.combined), rule.smoothing,
                      rule.threshold, rule.pruning);
        return text.data();
    }
};

std::vector<candidate> all_candidates() {
    std::vector<candidate> all;
    for (const consensus combined :
         {consensus::mean, consensus::median, consensus::second_highest}) {
        for (const int smoothing : {10, 30}) {
            for (const double threshold : {1.0, 1.25, 1.5, 2.0, 3.0}) {
                for (const double pruning : {0.0, 0.3, 0.5, 0.8}) {
                    event_rule rule;
                    rule.smoothing = smoothing;
                    rule.combined = combined;
                    rule.threshold = threshold;
                    rule.pruning = pruning;
                    all.push_back({rule});
                    all.push_back({rule, true});
                }
            }
        }
    }
    return all;
}

/// One training part, one share, one draw of anomalies.
tocsin::status try_rules(const run_options& options, const contender_set& set,
                         tocsin::matrix<double> values, std::size_t share,
                         tocsin::random_generator& random, std::vector<candidate>& rules) {
    const auto learned =
        static_cast<index_t>(learned_shares[share] * static_cast<double>(values.cols()));
    const auto anomalies = insert_anomalies(values, {learned, values.cols()}, random);
    scoring_task task{std::move(values), {{0, learned}}, 1, 125, options.seed, options.epochs};
    task.period = period_of(task.values);
    const held_out rows = held_out_errors(set.methods, task);
    const held_out linear = linear_residuals(task);
    std::vector<std::size_t> parts(linear.errors.size());
    std::iota(parts.begin(), parts.end(), std::size_t{0});
    std::map<int, std::vector<std::vector<double>>> series; // by smoothing
    const auto rest = [&](auto list) {
        list.erase(list.begin(), list.begin() + learned);
        return list;
    };
    const auto labels = rest(labels_of(anomalies, task.rows()));
    const auto events = tocsin::runs_of(labels);
    for (candidate& each : rules) {
        if (each.charts && series.count(each.rule.smoothing) == 0) {
            series[each.rule.smoothing] = charted(each.rule, linear, parts, {0, learned});
        }
        auto scores =
            each.charts
                ? event_scores(each.rule, series.at(each.rule.smoothing), {0, learned})
                : event_scores(each.rule, set.contenders.front(), rows.errors, {0, learned});
        const auto flags = event_flags(each.rule, rest(std::move(scores)));
        const auto outcome = event_outcome::of(flags, labels, events);
        if (!outcome) {
            return outcome.error();
        }
        each.outcomes[share] += *outcome;
        each.total += *outcome;
    }
    return {};
}

} // namespace

tocsin::result<suite_result> choose_nasa_settings(const run_options& options) {
    const auto channels = read_nasa_channels(options.directory);
    if (!channels) {
        return channels.error();
    }
    const contender_set set(false);
    auto rules = all_candidates();
    tocsin::random_generator random(options.seed);
    std::size_t position = 0;
    for (const auto& channel : *channels) {
        const std::string& name = channel.first;
        options.shown.begin_file(name, ++position, channels->size());
        const auto values = read_nasa_values(options.directory / "train" / (name + ".csv"));
        if (!values) {
            return values.error();
        }
        for (std::size_t share = 0; share < learned_shares.size(); ++share) {
            for (int k = 0; k < repetitions && values->cols() >= fewest_rows; ++k) {
                if (const auto tried = try_rules(options, set, *values, share, random, rules);
                    !tried) {
                    return in_file(name, tried);
                }
            }
        }
        options.shown.end_file();
    }
    if (rules.front().total.events.true_positives + rules.front().total.events.false_negatives ==
        0) {
        return tocsin::status::error(tocsin::error_code::invalid_data,
                                     "--choose-settings: no training part has the ", fewest_rows,
                                     " rows into which anomalies can be inserted");
    }
    std::stable_sort(rules.begin(), rules.end(), [](const candidate& a, const candidate& b) {
        return a.sparing() != b.sparing() ? a.sparing()
                                          : a.total.events.f_beta(0.5) > b.total.events.f_beta(0.5);
    });
    const auto charts = std::stable_partition(rules.begin(), rules.end(),
                                              [](const candidate& each) { return !each.charts; });
    std::vector<candidate> shown(rules.begin(), rules.begin() + shown_rules);
    shown.insert(shown.end(), charts, charts + shown_charts);
    suite_result outcome;
    for (const candidate& each : shown) {
        method_result line{each.name(), each.rule.settings(), {}, each.total.values()};
        for (std::size_t share = 0; share < learned_shares.size(); ++share) {
            std::array<char, 40> what{};
            std::snprintf(what.data(), what.size(), "learned from %g %%",
                          100 * learned_shares[share]);
            line.files.push_back({what.data(), each.outcomes[share].values()});
        }
        outcome.methods.push_back(std::move(line));
    }
    return outcome;
}

} // namespace evaluate
