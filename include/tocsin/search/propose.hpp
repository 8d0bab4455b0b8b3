/// @file propose.hpp
/// @brief The values of the next trial.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/search/acquisition.hpp"
#include "tocsin/search/halton_sequence.hpp"
#include "tocsin/search/kernel_fit.hpp"
#include "tocsin/search/search_settings.hpp"
#include "tocsin/search/search_space.hpp"
#include "tocsin/search/search_trial.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

namespace detail {

/// Values of trials for a Gaussian process: mean 0 and variance 1. A trial that failed counts as the
/// worst one that did not. What is far above the middle is lowered, so that one divergence does not
/// make all others look the same. Empty where fewer than two trials have a value.
inline column<double> standardised_values(std::span<const search_trial> trials) {
    std::vector<double> sorted;
    for (const search_trial& trial : trials) {
        if (std::isfinite(trial.value)) {
            sorted.push_back(trial.value);
        }
    }
    if (sorted.size() < 2) {
        return {};
    }
    std::sort(sorted.begin(), sorted.end());
    const double median = sorted[sorted.size() / 2];
    const double highest = std::min(sorted.back(), median + 3 * (median - sorted.front()));
    if (sorted.front() == highest) { // the mean of equal values has a rounding error
        return column<double>::Zero(static_cast<index_t>(trials.size()));
    }
    column<double> values(static_cast<index_t>(trials.size()));
    for (std::size_t k = 0; k < trials.size(); ++k) {
        const double value = trials[k].value;
        values[static_cast<index_t>(k)] = std::isfinite(value) ? std::min(value, highest) : highest;
    }
    values.array() -= values.mean();
    const double deviation = std::sqrt(values.squaredNorm() / static_cast<double>(values.size()));
    if (deviation > 0) {
        values /= deviation;
    }
    return values;
}

/// A generator of its own for each trial, so that no trial depends on what others have drawn.
inline random_generator generator_of_trial(std::uint64_t seed, int number) noexcept {
    return random_generator(seed ^
                            (0x9E3779B97F4A7C15U * (static_cast<std::uint64_t>(number) + 1)));
}

inline bool is_among(const std::vector<double>& values,
                     std::span<const std::vector<double>> others) noexcept {
    return std::find(others.begin(), others.end(), values) != others.end();
}

} // namespace detail

/// Values of trial `number`: a random point, an even point for the initial trials, else the point with
/// the largest expected improvement, as if the pending trials had come out as the Gaussian process
/// expects them to (Ginsbourger, Le Riche and Carraro, "Kriging is well-suited to parallelize
/// optimization", 2010: the kriging believer). Values that were tried are not proposed again as long
/// as others are found. Deterministic. Allocates.
/// @param space    for which check() is ok
/// @param settings for which check() is ok
/// @param known    trials that have ended
/// @param pending  values of trials that run
inline std::vector<double> propose(const search_space& space, const search_settings& settings,
                                   int number, std::span<const search_trial> known,
                                   std::span<const std::vector<double>> pending) {
    std::vector<std::vector<double>> tried(pending.begin(), pending.end());
    for (const search_trial& trial : known) {
        tried.push_back(trial.values);
    }
    std::vector<double> unit(space.size());
    constexpr int most_attempts = 100;
    if (settings.method == search_method::random) {
        random_generator random = detail::generator_of_trial(settings.seed, number);
        std::vector<double> values;
        for (int attempt = 0; attempt < most_attempts; ++attempt) {
            std::generate(unit.begin(), unit.end(), [&] { return random.uniform(); });
            values = space.from_unit(unit);
            if (!detail::is_among(values, tried)) {
                break;
            }
        }
        return values;
    }
    const int initial = settings.initial_points(space.size());
    const column<double> observed = detail::standardised_values(known);
    if (number < initial || observed.size() == 0) {
        const halton_sequence even(static_cast<int>(space.size()), settings.seed);
        std::vector<double> values;
        for (int attempt = 0; attempt < most_attempts; ++attempt) {
            // No two trials have the same numbers, unless all before have failed.
            even.point(static_cast<std::uint64_t>(number) + static_cast<std::uint64_t>(attempt) *
                                                                static_cast<std::uint64_t>(initial),
                       unit);
            values = space.from_unit(unit);
            if (!detail::is_among(values, tried)) {
                break;
            }
        }
        return values;
    }
    matrix<double> points(space.coordinates(), observed.size());
    for (std::size_t k = 0; k < known.size(); ++k) {
        space.encode(known[k].values, points.col(static_cast<index_t>(k)));
    }
    auto process = fit_kernel(points, observed, space.owners());
    if (process && !pending.empty()) {
        const index_t count = observed.size() + static_cast<index_t>(pending.size());
        matrix<double> all_points(points.rows(), count);
        column<double> all_values(count);
        all_points.leftCols(points.cols()) = points;
        all_values.head(observed.size()) = observed;
        for (index_t k = observed.size(); k < count; ++k) {
            column<double> point(points.rows());
            space.encode(pending[static_cast<std::size_t>(k - observed.size())], point);
            all_points.col(k) = point;
            all_values[k] = process->predict(point).mean;
        }
        process = gaussian_process::make(all_points, all_values, process->kernel());
    }
    random_generator random = detail::generator_of_trial(settings.seed, number);
    if (!process) { // not seen so far: the noise has a least value
        std::generate(unit.begin(), unit.end(), [&] { return random.uniform(); });
        return space.from_unit(unit);
    }
    std::vector<std::size_t> ranked(known.size());
    for (std::size_t k = 0; k < ranked.size(); ++k) {
        ranked[k] = k;
    }
    std::sort(ranked.begin(), ranked.end(), [&](std::size_t a, std::size_t b) {
        const double first = observed[static_cast<index_t>(a)];
        const double second = observed[static_cast<index_t>(b)];
        return first != second ? first < second : a < b;
    });
    std::vector<std::vector<double>> best;
    for (std::size_t k = 0; k < std::min<std::size_t>(ranked.size(), 3); ++k) {
        best.push_back(known[ranked[k]].values);
    }
    return detail::most_promising(space, *process, observed.minCoeff(), best, tried, random);
}

} // namespace tocsin
