/// @file stream_input.hpp
/// @brief Thresholds, windows and alarm control under any order of operations with any numbers.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/series/smoothing.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include "fuzz_input.hpp"
#include "support/memory_archive.hpp"
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

namespace tocsin_fuzz {

/// Saved and loaded it is the same; so is what it saves then.
template <class Object>
void reload(Object& object, Object fresh) {
    const auto saved = tocsin_test::save(object);
    require(tocsin_test::load(fresh, saved).ok(), "an own state is refused");
    require(tocsin_test::save(fresh) == saved, "a state changes when it is saved and loaded");
    object = fresh;
}

template <class Rule>
void rule(reader& bytes, Rule tested) {
    // A threshold of the caller is there, or nothing can be saved.
    constexpr bool can_be_empty = !std::is_same_v<Rule, tocsin::manual_threshold>;
    for (int steps = 0; !bytes.empty() && steps < 2000; ++steps) {
        const std::uint8_t operation = bytes.byte();
        if (operation < 4) {
            std::vector<double> scores(std::size_t{16} * bytes.byte());
            for (double& score : scores) {
                score = bytes.number();
            }
            std::vector<std::uint8_t> labels;
            for (std::size_t i = 0; operation % 2 != 0 && i < scores.size(); ++i) {
                labels.push_back(bytes.byte() % 8 == 0);
            }
            const bool fitted = tested.fit(scores, labels).ok();
            require(fitted == tested.fitted(), "fit() and fitted() differ");
        } else if (operation < 8 && (tested.fitted() || can_be_empty)) {
            reload(tested, Rule{});
        } else if constexpr (requires { tested.push(1.0); }) {
            const double score = bytes.number();
            const auto outcome = tested.push(score);
            require(!std::isnan(score) || outcome == tocsin::push_outcome::rejected,
                    "NaN is not rejected");
        }
        require(!std::isnan(tested.threshold()), "the threshold is NaN");
        require(!tested.fitted() || std::isfinite(tested.threshold()), "no threshold was fitted");
        if constexpr (requires { tested.valid(); }) {
            require(!tested.fitted() || tested.valid().ok(), "a fitted rule is not valid");
        }
        if constexpr (requires { tested.expected_false_alarms(1.0); }) {
            const double one = operation / 16.0;
            const double expected = tested.expected_false_alarms(one);
            require(tested.fitted() ? expected >= tested.expected_false_alarms(one + 1)
                                    : std::isnan(expected),
                    "more false alarms are expected of a higher score");
        }
    }
}

/// The first byte chooses the rule.
inline void thresholds(input bytes) {
    reader numbers{bytes};
    const std::uint8_t choice = numbers.byte();
    tocsin::spot_settings settings;
    settings.level = 0.5 + choice / 1024.0;
    settings.q = std::ldexp(1.0, -3 - choice % 29);
    settings.memory = 20 + choice % 50;
    settings.learn_from_expected_alarms = choice % 4 != 0;
    if (choice >= 128) {
        switch (choice % 5) {
        case 0:
            return rule(numbers,
                        tocsin::alarm_rate{{.alarms = 1.0 + choice, .level = settings.level}});
        case 1:
            return rule(numbers, tocsin::quantile_threshold{choice / 256.0, 1 + choice % 3 * 0.5});
        case 2:
            return rule(numbers, tocsin::sigma_threshold{choice % 9 - 2.0});
        case 3:
            return rule(numbers, tocsin::f_beta_threshold{1.0 / (1 + choice % 4)});
        default:
            return rule(numbers, tocsin::manual_threshold{numbers.number()});
        }
    }
    switch (choice % 3) {
    case 0:
        return rule(numbers, tocsin::spot_threshold{settings});
    case 1:
        return rule(numbers, tocsin::drift_spot_threshold{settings, 1 + choice % 20});
    default:
        return rule(numbers, tocsin::epsilon_threshold{choice % 5});
    }
}

/// Everything else that takes in a stream, all at once.
inline void streams(input bytes) {
    reader numbers{bytes};
    const std::uint8_t choice = numbers.byte();
    tocsin::ewma smoother{1.0 / (1 + choice)};
    tocsin::moving_window window{1 + choice % 30};
    tocsin::quantile_sketch sketch{8 + choice % 20, choice};
    tocsin::anomaly_likelihood_settings settings{2 + choice, 1 + choice % 2, 2, 1e-6};
    auto likelihood = *tocsin::anomaly_likelihood::make(settings);
    tocsin::dynamic_threshold_settings batches;
    batches.batch = 1 + choice % 4;
    batches.window = 1 + choice % 7;
    batches.warm_up = choice % 6;
    batches.buffer = choice % 3;
    auto dynamic = *tocsin::dynamic_threshold_stream::make(batches);
    tocsin::hysteresis hysteresis{1, 0.5};
    tocsin::alarm_chain chain{tocsin::m_of_n{1 + choice % 3, 3 + choice % 60},
                              tocsin::minimum_duration{choice % 4 + 1},
                              tocsin::suppression{choice % 9}};
    for (int steps = 0; !numbers.empty() && steps < 2000; ++steps) {
        const double value = numbers.number();
        require(std::isfinite(smoother.push(value)) == std::isfinite(value), "ewma");
        require(std::isfinite(window.push(value)) == std::isfinite(value), "moving_window");
        require(window.count() < 2 || window.variance() >= 0, "variance");
        sketch.push(value);
        const double probability = likelihood.push(value);
        require(std::isnan(probability) || (probability >= 0 && probability <= 1), "likelihood");
        dynamic.push(std::abs(value), numbers.number());
        require(dynamic.threshold() >= 0 && dynamic.smoothed() >= 0, "dynamic threshold");
        chain.push(hysteresis.push(value));
        if (steps % 64 == 40) { // seldom: it takes longer than everything else
            reload(smoother, tocsin::ewma{});
            reload(window, tocsin::moving_window{});
            reload(sketch, tocsin::quantile_sketch{});
            reload(likelihood, *tocsin::anomaly_likelihood::make());
            reload(dynamic, *tocsin::dynamic_threshold_stream::make(batches));
            reload(hysteresis, tocsin::hysteresis{1, 1});
        }
    }
    double before = -std::numeric_limits<double>::infinity();
    for (const double q : {0.0, 0.1, 0.5, 0.9, 1.0}) {
        const double quantile = sketch.count() > 0 ? sketch.quantile(q) : 0;
        require(quantile >= before, "quantiles fall");
        before = quantile;
    }
}

} // namespace tocsin_fuzz
