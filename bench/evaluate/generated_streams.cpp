#include "generated_streams.hpp"

#include "tocsin/core/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::random_generator;
using tocsin::row_range;
using series = std::vector<double>;

constexpr index_t day = generated_stream::day;
constexpr index_t rows = 14 * day;

double log_uniform(random_generator& random, double low, double high) {
    return std::exp(random.uniform(std::log(low), std::log(high)));
}

/// Day and night: two harmonics with the stream's own phase, from 0 to about 2.
struct daily_profile {
    double phase;
    double second;

    explicit daily_profile(random_generator& random)
        : phase{random.uniform()}, second{random.uniform(0, 0.5)} {}
    double at(index_t t) const {
        const double angle =
            2 * std::numbers::pi * (static_cast<double>(t) / static_cast<double>(day) + phase);
        return std::max(0.0, 1 + std::sin(angle) + second * std::sin(2 * angle));
    }
};

series daily(random_generator& random) {
    const daily_profile profile(random);
    const double noise = log_uniform(random, 0.02, 0.3);
    series values(rows);
    for (index_t t = 0; t < rows; ++t) {
        values[static_cast<std::size_t>(t)] = profile.at(t) + noise * random.normal();
    }
    return values;
}

/// The normal approximation of a Poisson distribution, rounded.
series counts(random_generator& random) {
    const daily_profile profile(random);
    const double most = log_uniform(random, 3, 300);
    series values(rows);
    for (index_t t = 0; t < rows; ++t) {
        const double rate = most * (0.1 + profile.at(t));
        values[static_cast<std::size_t>(t)] =
            std::max(0.0, std::round(rate + std::sqrt(rate) * random.normal()));
    }
    return values;
}

series switched(random_generator& random) {
    const double noise = log_uniform(random, 0.01, 0.2);
    const double mean_rows = log_uniform(random, 6, 144);
    double level = 0;
    series values(rows);
    for (double& value : values) {
        if (random.uniform() * mean_rows < 1) {
            level = level > 0 ? 0.0 : 1.0;
        }
        value = level + noise * random.normal();
    }
    return values;
}

series wandering(random_generator& random) {
    const double step = log_uniform(random, 0.01, 0.1);
    const double noise = log_uniform(random, 0.02, 0.3);
    double level = 0;
    series values(rows);
    for (double& value : values) {
        level = 0.999 * level + step * random.normal();
        value = level + noise * random.normal();
    }
    return values;
}

series bursting(random_generator& random) {
    const double rate = log_uniform(random, 0.002, 0.05);
    const double decay = random.uniform(0.2, 0.95);
    const double noise = log_uniform(random, 0.02, 0.3);
    double burst = 0;
    series values(rows);
    for (double& value : values) {
        burst *= decay;
        if (random.uniform() < rate) {
            burst += -std::log(1 - random.uniform()) * 3;
        }
        value = burst + noise * std::abs(random.normal());
    }
    return values;
}

/// Changes the rows from `begin` on, by a size relative to the stream's own movement.
void disturb(series& values, index_t begin, random_generator& random) {
    const auto at = [&](index_t t) -> double& { return values[static_cast<std::size_t>(t)]; };
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    const double low = *lowest;
    const double range = *highest - low;
    const double size = range * log_uniform(random, 0.3, 1.5) * (random.uniform() < 0.7 ? 1 : -1);
    const auto length = std::min(static_cast<index_t>(log_uniform(random, 12, 288)), rows - begin);
    switch (random.below(6)) {
    case 0:
        for (index_t t = begin; t < std::min(begin + 3, rows); ++t) {
            at(t) += 1.5 * size;
        }
        break;
    case 1:
        for (index_t t = begin; t < begin + length; ++t) {
            at(t) += size;
        }
        break;
    case 2:
        for (index_t t = begin + 1; t < begin + length; ++t) {
            at(t) = at(begin);
        }
        break;
    case 3:
        for (index_t t = begin; t < begin + length; ++t) {
            at(t) += 0.5 * size * random.normal();
        }
        break;
    case 4: { // half a day too early
        const series before = values;
        for (index_t t = begin; t < begin + length; ++t) {
            at(t) = before[static_cast<std::size_t>((t + day / 2) % rows)];
        }
        break;
    }
    default:
        for (index_t t = begin; t < begin + length; ++t) {
            at(t) = low;
        }
    }
}

} // namespace

std::vector<generated_stream> generate_streams(int count, std::uint64_t seed) {
    constexpr auto kinds = std::to_array({daily, counts, switched, wandering, bursting});
    random_generator random(seed);
    std::vector<generated_stream> streams;
    for (int k = 0; k < count; ++k) {
        generated_stream made{kinds[static_cast<std::size_t>(k) % kinds.size()](random), {}};
        const auto anomalies = static_cast<index_t>(random.below(4));
        const index_t width = anomalies > 0 ? rows / 10 / anomalies : 0;
        std::vector<index_t> begins;
        for (int tries = 0; static_cast<index_t>(begins.size()) < anomalies && tries < 100;
             ++tries) {
            const index_t begin = rows * 15 / 100 + width / 2 +
                                  static_cast<index_t>(random.below(
                                      static_cast<std::uint64_t>(rows - rows * 15 / 100 - width)));
            if (std::all_of(begins.begin(), begins.end(),
                            [&](index_t other) { return std::abs(begin - other) > width + day; })) {
                begins.push_back(begin);
            }
        }
        std::sort(begins.begin(), begins.end());
        for (const index_t begin : begins) {
            disturb(made.values, begin, random);
            made.windows.push_back({begin - width / 2, begin - width / 2 + width});
        }
        streams.push_back(std::move(made));
    }
    return streams;
}

} // namespace evaluate
