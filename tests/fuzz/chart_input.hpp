/// @file chart_input.hpp
/// @brief Charts and memories of values under any numbers, saved and loaded in between.
#pragma once

#include "tocsin/charts/cusum.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/novelty/value_cells.hpp"

#include "fuzz_input.hpp"
#include "stream_input.hpp"
#include <array>
#include <cmath>
#include <span>

namespace tocsin_fuzz {

inline tocsin::matrix<double> ordinary_residuals() {
    tocsin::random_generator random{6};
    tocsin::matrix<double> residuals(2, 200);
    for (double& residual : residuals.reshaped()) {
        residual = random.normal();
    }
    return residuals;
}
inline const tocsin::residual_charts& attacked_charts() {
    static const tocsin::residual_charts made = [] {
        tocsin::residual_charts charts;
        require(charts.fit(ordinary_residuals()).ok(), "no charts to attack");
        return charts;
    }();
    return made;
}
inline const tocsin::mahalanobis<>& attacked_statistic() {
    static const tocsin::mahalanobis<> made = [] {
        tocsin::mahalanobis<> statistic(2);
        statistic.accumulate(ordinary_residuals());
        require(statistic.fit().ok(), "no statistic to attack");
        return statistic;
    }();
    return made;
}

/// All charts and memories at once.
inline void charts(input bytes) {
    reader numbers{bytes};
    const std::uint8_t choice = numbers.byte();
    tocsin::cusum sums{choice % 8 / 4.0};
    tocsin::mewma average{attacked_statistic(), (1 + choice % 10) / 10.0};
    tocsin::residual_charts residuals = attacked_charts();
    tocsin::nearest_value novelty{2 + choice % 60};
    const double low = numbers.number();
    tocsin::value_cells<16> cells{low, numbers.number(), 1U + choice};
    const bool has_cells = cells.check().ok();
    std::array<double, 2> shares{};
    for (int steps = 0; !numbers.empty() && steps < 2000; ++steps) {
        const std::array<double, 2> row{numbers.number(), numbers.number()};
        const double value = row[0];
        const bool finite = std::isfinite(value);
        const double sum = sums.push(value);
        require(std::isnan(value) ? std::isnan(sum) : sum >= 0 && std::isfinite(sum), "cusum");
        const double distance = average.push(row);
        require(distance >= 0 && std::isfinite(distance), "mewma");
        average.shares(shares);
        require(shares[0] >= 0 && shares[1] >= 0, "mewma: shares");
        for (const double score : residuals.push(row).values) {
            require(std::isnan(score) || (score >= 0 && std::isfinite(score)), "residual_charts");
        }
        const double far = novelty.push(value);
        require(std::isnan(far) ? !finite || novelty.count() < 3
                                : far >= 0 && far <= tocsin::nearest_value::largest_score,
                "nearest_value");
        const double place = cells.push(value);
        require(std::isnan(place) ? !finite || !has_cells || novelty.count() < 2
                                  : place >= 0 && std::isfinite(place),
                "value_cells");
        if (steps % 64 == 40) {
            reload(sums, tocsin::cusum{});
            reload(average, tocsin::mewma{});
            reload(novelty, tocsin::nearest_value{2});
            reload(residuals, tocsin::residual_charts{});
            require(residuals.same_fit(attacked_charts()), "residual_charts: another fit");
        }
    }
}

} // namespace tocsin_fuzz
