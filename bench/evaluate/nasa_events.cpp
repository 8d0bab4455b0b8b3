#include "nasa_events.hpp"

#include "event_charts.hpp"
#include "event_outcome.hpp"
#include "event_rule.hpp"
#include "held_out_errors.hpp"
#include "nasa_channels.hpp"
#include "promise.hpp"
#include "text_table.hpp"
#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::row_range;
using tocsin::status;

/// A way to find events.
struct event_method {
    std::string name;
    bool seeded = false;
    nlohmann::ordered_json settings;
    /// The scores of all rows.
    std::function<std::vector<double>(const held_out&, row_range training)> scores;
    /// Nonzero if a row of the test part is anomalous, by its scores.
    std::function<std::vector<std::uint8_t>(std::span<const double>)> flags;
    /// The threshold of the scores.
    std::function<double(std::span<const double>)> threshold;
};

event_method by_rule(const event_rule& rule, std::string name, bool seeded,
                     nlohmann::ordered_json settings, decltype(event_method::scores) scores) {
    settings["events"] = rule.settings();
    return {std::move(name),
            seeded,
            std::move(settings),
            std::move(scores),
            [rule](std::span<const double> test) { return event_flags(rule, test); },
            [rule](std::span<const double> test) { return lowest_called(rule, test); }};
}

/// The best rule for charts on inserted anomalies, see --choose-settings.
constexpr event_rule best_on_inserted{.smoothing = 10, .combined = consensus::mean};

/// Ways to find events, by the rows of the methods of a set, then of linear_forecasts().
struct event_methods {
    std::vector<event_method> all;

    event_methods(const contender_set& set, bool seeded_only) {
        std::vector<std::size_t> linear;
        nlohmann::ordered_json settings;
        for (const method& each : linear_forecasts()) {
            linear.push_back(set.methods.size() + linear.size());
            settings[each.name] = each.settings;
        }
        settings["series"] = "smoothed error and level chart of each forecast";
        auto with_lstm = linear;
        with_lstm.push_back(0);
        auto lstm_settings = settings;
        lstm_settings[set.methods.front().name] = set.methods.front().settings;
        const auto charts = [](const event_rule& rule, std::vector<std::size_t> parts) {
            return [rule, parts = std::move(parts)](const held_out& rows, row_range training) {
                return event_scores(rule, charted(rule, rows, parts, training), training);
            };
        };
        // The first is the suite's own, whose other groups depend on the seed.
        all.push_back(by_rule(chosen_event_rule, own_events_name, false, settings,
                              charts(chosen_event_rule, linear)));
        all.push_back(by_rule(chosen_event_rule, "charts of linear forecasts and LSTM", true,
                              lstm_settings, charts(chosen_event_rule, with_lstm)));
        if (!seeded_only) {
            all.push_back(by_rule(best_on_inserted, "charts of linear forecasts, mean", false,
                                  settings, charts(best_on_inserted, linear)));
        }
        if (!seeded_only) {
            settings["series"] = promised_charts{}.settings();
            all.push_back(
                {"charts of linear forecasts, 1 promised", false, settings,
                 [linear](const held_out& rows, row_range training) {
                     return promised_charts{}.scores(rows, linear, training);
                 },
                 [](std::span<const double> test) { return promised_charts{}.flags(test); },
                 [](std::span<const double>) { return promised_charts{}.threshold(); }});
        }
        const auto frames = set.frames();
        for (std::size_t c = 0; c < frames.size(); ++c) {
            all.push_back(
                by_rule(chosen_event_rule, frames[c].name, frames[c].seeded, frames[c].settings,
                        [which = set.contenders[c]](const held_out& rows, row_range training) {
                            return event_scores(chosen_event_rule, which, rows.errors, training);
                        }));
        }
    }
};

/// The two parts of a channel, one after the other.
result<scoring_task> read_channel(const run_options& options, const std::string& name) {
    const auto train = read_nasa_values(options.directory / "train" / (name + ".csv"));
    const auto test = read_nasa_values(options.directory / "test" / (name + ".csv"));
    if (!train || !test) {
        return train ? test.error() : train.error();
    }
    if (train->rows() != test->rows()) {
        return status::error(tocsin::error_code::format_error, name, ": ", train->rows(),
                             " columns to train on, ", test->rows(), " to test with");
    }
    scoring_task task{matrix<double>(train->rows(), train->cols() + test->cols()),
                      {{0, train->cols()}},
                      1,
                      125,
                      options.seed,
                      options.epochs};
    task.values << *train, *test;
    task.period = period_of(task.values);
    return task;
}

} // namespace

result<std::vector<method_result>> run_nasa_events(const run_options& options,
                                                   const contender_set& set) {
    const auto channels = read_nasa_channels(options.directory);
    if (!channels) {
        return channels.error();
    }
    const event_methods methods(set, options.seeded_only);
    std::vector<method_result> outcomes;
    for (const event_method& each : methods.all) {
        outcomes.push_back({each.name, each.settings, {}, {}, {}, each.seeded});
    }
    // By method: spacecraft in order of name, then all.
    std::vector<std::map<std::string, event_outcome>> sums(outcomes.size());
    std::vector<event_outcome> totals(outcomes.size());
    std::vector<promise_counts> promises(outcomes.size());
    std::size_t position = 0;
    for (const auto& [name, truth] : *channels) {
        options.shown.begin_file(name, ++position, channels->size());
        const auto task = read_channel(options, name);
        if (!task) {
            return task.error();
        }
        const row_range training = task->training.front();
        const index_t tested = task->rows() - training.end;
        held_out rows = held_out_errors(set.methods, *task);
        held_out linear = linear_residuals(*task);
        std::move(linear.errors.begin(), linear.errors.end(), std::back_inserter(rows.errors));
        std::move(linear.residuals.begin(), linear.residuals.end(),
                  std::back_inserter(rows.residuals));
        const auto labels = labels_of(truth.events, tested);
        std::vector<std::uint8_t> all_labels(static_cast<std::size_t>(training.end), 0);
        all_labels.insert(all_labels.end(), labels.begin(), labels.end());
        for (std::size_t c = 0; c < outcomes.size(); ++c) {
            auto scores = methods.all[c].scores(rows, training);
            // The test part does not continue the training part.
            const index_t warm_up = std::min(chosen_event_rule.warm_up, tested);
            metrics promise;
            promises[c].add(scores, {std::min(warm_up, training.size() / 2), training.end},
                            {training.end + warm_up, task->rows()}, all_labels, promise);
            scores.erase(scores.begin(), scores.begin() + training.end);
            std::fill_n(scores.begin(), warm_up, 0.0);
            const auto flags = methods.all[c].flags(scores);
            const auto outcome = event_outcome::of(flags, labels, merged(truth.events));
            if (!outcome) {
                return in_file(name, outcome.error());
            }
            const auto drawn =
                c > 0 ? status{}
                      : options.draw({name, first_feature(task->values, training.end, task->rows()),
                                      scores, labels, flags, methods.all[c].threshold(scores), 0,
                                      "telemetry (scaled)", "row (1 min)"});
            if (!drawn) {
                return drawn;
            }
            sums[c][truth.spacecraft] += *outcome;
            totals[c] += *outcome;
            metrics values = outcome->values();
            values.promised_rate = promise.promised_rate;
            values.realised_rate = promise.realised_rate;
            values.realised_over_promised = promise.realised_over_promised;
            outcomes[c].files.push_back({name, values});
        }
        options.shown.end_file();
    }
    for (std::size_t c = 0; c < outcomes.size(); ++c) {
        metrics all = totals[c].values();
        promises[c].summarise(all);
        outcomes[c].totals = all;
        outcomes[c].promises = promises[c].lines();
        for (const auto& [spacecraft, sum] : sums[c]) {
            outcomes[c].groups.push_back({"events, " + spacecraft, sum.values()});
        }
        outcomes[c].groups.push_back({"events", all});
    }
    return outcomes;
}

} // namespace evaluate
