#include "nab_choice.hpp"

#include "tocsin/metrics/nab_score.hpp"

#include "generated_streams.hpp"
#include "streams.hpp"
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

constexpr int stream_count = 120;
constexpr std::size_t shown_rules = 25;

/// Scores of all streams by one scale and one quiet time.
using score_lists = std::vector<std::vector<double>>;

/// The published scale of the score at the best threshold, and at a fixed one.
metrics nab_metrics(const tocsin::nab_result& best, const tocsin::nab_result& fixed) {
    metrics values;
    values.nab_standard =
        tocsin::normalised_nab_score(best.raw, best.windows, tocsin::nab_standard);
    values.nab_standard_fixed =
        tocsin::normalised_nab_score(fixed.raw, fixed.windows, tocsin::nab_standard);
    return values;
}

} // namespace

tocsin::result<suite_result> choose_nab_settings(const run_options& options) {
    constexpr std::array scales = {surprise_scale::quantile, surprise_scale::root_mean_square,
                                   surprise_scale::both};
    constexpr std::array quiet_times = {0.5, 1.0, 2.0}; // days
    constexpr std::array thresholds = {1.6, 1.8, 2.0, 2.3, 2.6, 3.0, 3.5, 4.0, 5.0};

    const auto streams = generate_streams(stream_count, options.seed);
    const auto methods = stream_methods();
    std::map<std::pair<surprise_scale, double>, score_lists> scores;
    for (std::size_t s = 0; s < streams.size(); ++s) {
        options.shown.begin_file("generated", s + 1, streams.size());
        const auto rows = static_cast<tocsin::index_t>(streams[s].values.size());
        const stream_task task{streams[s].values, tocsin::nab_probation(rows),
                               generated_stream::day, options.seed, options.epochs};
        std::vector<std::vector<double>> errors;
        for (const std::size_t part : own_stream_parts) {
            auto found = methods[part].errors(task);
            if (!found) {
                return found.error();
            }
            errors.push_back(std::move(*found));
        }
        for (const surprise_scale scale : scales) {
            std::vector<std::vector<double>> raw;
            std::vector<std::size_t> parts;
            for (const auto& each : errors) {
                parts.push_back(raw.size());
                raw.push_back(surprises(each, task, scale));
            }
            for (const double quiet : quiet_times) {
                scores[{scale, quiet}].push_back(
                    alarm_scores({scale, quiet, 0}, raw, parts, task.day));
            }
        }
        options.shown.end_file();
    }
    suite_result outcome;
    for (const auto& [setting, lists] : scores) {
        std::vector<tocsin::nab_recording> recordings;
        for (std::size_t s = 0; s < streams.size(); ++s) {
            recordings.push_back({lists[s], streams[s].windows});
        }
        const auto best = tocsin::best_nab_threshold(recordings, tocsin::nab_standard);
        for (const double threshold : thresholds) {
            const auto fixed = tocsin::nab_score(recordings, threshold, tocsin::nab_standard);
            if (!best || !fixed) {
                return best ? fixed.error() : best.error();
            }
            const metrics values = nab_metrics(*best, *fixed);
            std::array<char, 160> name{};
            std::snprintf(name.data(), name.size(), "%s, %g days quiet, threshold %g",
                          name_of(setting.first), setting.second, threshold);
            outcome.methods.push_back(
                {name.data(),
                 alarm_rule{setting.first, setting.second, threshold}.settings(),
                 {{"generated streams", values}},
                 values});
        }
    }
    std::stable_sort(outcome.methods.begin(), outcome.methods.end(),
                     [](const method_result& a, const method_result& b) {
                         return *a.totals.nab_standard_fixed > *b.totals.nab_standard_fixed;
                     });
    outcome.methods.resize(shown_rules);
    // The rule without a model, for comparison.
    for (const double threshold : {0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0}) {
        const novelty_rule rule{.threshold = threshold};
        score_lists scores_of_all;
        score_lists scores_of_alarms;
        for (const generated_stream& one : streams) {
            const stream_task task{
                one.values, tocsin::nab_probation(static_cast<tocsin::index_t>(one.values.size())),
                generated_stream::day, options.seed, options.epochs};
            const auto scored = novelty_scores(rule, task);
            scores_of_all.push_back(
                new_heights(scored, std::max<tocsin::index_t>(task.probation / 5, 1)));
            scores_of_alarms.push_back(first_alarms(rule, scored, task.probation));
        }
        std::vector<tocsin::nab_recording> all;
        std::vector<tocsin::nab_recording> raised;
        for (std::size_t s = 0; s < streams.size(); ++s) {
            all.push_back({scores_of_all[s], streams[s].windows});
            raised.push_back({scores_of_alarms[s], streams[s].windows});
        }
        const auto best = tocsin::best_nab_threshold(all, tocsin::nab_standard);
        const auto fixed = tocsin::nab_score(raised, threshold, tocsin::nab_standard);
        if (!best || !fixed) {
            return best ? fixed.error() : best.error();
        }
        const metrics values = nab_metrics(*best, *fixed);
        std::array<char, 80> name{};
        std::snprintf(name.data(), name.size(), "nearest value, threshold %g", threshold);
        outcome.methods.push_back(
            {name.data(), rule.settings(), {{"generated streams", values}}, values});
    }
    return outcome;
}

} // namespace evaluate
