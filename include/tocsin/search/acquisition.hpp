/// @file acquisition.hpp
/// @brief The point of a search space with the largest expected improvement.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/search/box_maximum.hpp"
#include "tocsin/search/expected_improvement.hpp"
#include "tocsin/search/gaussian_process.hpp"
#include "tocsin/search/halton_sequence.hpp"
#include "tocsin/search/search_space.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// Values with their logarithm of expected improvement.
struct improvement_candidate {
    double improvement;
    std::vector<double> values;
};

/// Looks for the largest expected improvement: many points, of which the best are improved by
/// gradients in what is real and step by step in what is discrete.
class improvement_search {
  public:
    improvement_search(const search_space& space, const gaussian_process& process, double lowest)
        : space_{space}, process_{process}, lowest_{lowest} {}

    improvement_candidate judged(std::vector<double> values) const {
        column<double> point(space_.coordinates());
        space_.encode(values, point);
        return {log_expected_improvement(process_.predict(point), lowest_).value,
                std::move(values)};
    }

    improvement_candidate improved(improvement_candidate from) const {
        constexpr int most_rounds = 12;
        for (int round = 0; round < most_rounds; ++round) {
            improvement_candidate next = climbed(from);
            next = best_neighbour(std::move(next));
            const bool done = !(next.improvement > from.improvement + 1e-6);
            if (next.improvement > from.improvement) {
                from = std::move(next);
            }
            if (done) {
                break;
            }
        }
        return from;
    }

  private:
    /// By gradients, with all discrete settings held.
    improvement_candidate climbed(const improvement_candidate& from) const {
        column<double> point(space_.coordinates());
        space_.encode(from.values, point);
        column<double> low = point;
        column<double> high = point;
        const std::vector<int> owners = space_.owners();
        bool free = false;
        for (std::size_t k = 0; k < owners.size(); ++k) {
            if (!space_.settings()[static_cast<std::size_t>(owners[k])].is_discrete()) {
                low[static_cast<index_t>(k)] = 0;
                high[static_cast<index_t>(k)] = 1;
                free = true;
            }
        }
        if (!free) {
            return from;
        }
        column<double> deviation_slope;
        const box_maximum top = climb_in_box(
            [&](const column<double>& at, column<double>& slope) {
                const auto estimate = process_.predict(at, slope, deviation_slope);
                const log_improvement found = log_expected_improvement(estimate, lowest_);
                slope = found.by_mean * slope + found.by_deviation * deviation_slope;
                return found.value;
            },
            point, low, high, 60, 1e-7);
        std::vector<double> values = from.values;
        for (std::size_t k = 0; k < owners.size(); ++k) {
            const auto owner = static_cast<std::size_t>(owners[k]);
            if (!space_.settings()[owner].is_discrete()) {
                values[owner] =
                    space_.settings()[owner].from_unit(top.point[static_cast<index_t>(k)]);
            }
        }
        improvement_candidate reached = judged(std::move(values));
        return reached.improvement > from.improvement ? reached : from;
    }

    /// The best of all points that differ in one discrete setting, and the point itself.
    improvement_candidate best_neighbour(improvement_candidate from) const {
        improvement_candidate best = from;
        const auto look_at = [&](std::size_t k, double value) {
            if (value != from.values[k] && space_.settings()[k].contains(value)) {
                std::vector<double> values = from.values;
                values[k] = value;
                improvement_candidate other = judged(std::move(values));
                if (other.improvement > best.improvement) {
                    best = std::move(other);
                }
            }
        };
        for (std::size_t k = 0; k < space_.size(); ++k) {
            const search_setting& setting = space_.settings()[k];
            if (setting.kind == setting_kind::choice) {
                for (std::size_t c = 0; c < setting.choices.size(); ++c) {
                    look_at(k, static_cast<double>(c));
                }
            } else if (setting.is_discrete()) {
                const double here = from.values[k];
                const double unit = setting.to_unit(here);
                look_at(k, here - 1);
                look_at(k, here + 1);
                for (const double step : {-0.25, -0.05, 0.05, 0.25}) {
                    look_at(k, setting.from_unit(unit + step));
                }
            }
        }
        return best;
    }

    const search_space& space_;
    const gaussian_process& process_;
    double lowest_;
};

/// @param lowest value so far, in the unit of the process
/// @param best   values of the best trials, around which many points are looked at
/// @param tried  not proposed again as long as there is another point
/// @param random draws the points
inline std::vector<double> most_promising(const search_space& space,
                                          const gaussian_process& process, double lowest,
                                          std::span<const std::vector<double>> best,
                                          std::span<const std::vector<double>> tried,
                                          random_generator& random) {
    constexpr int everywhere = 1000;
    constexpr int nearby = 50; ///< of each of the best
    constexpr std::size_t improved = 6;
    const improvement_search search(space, process, lowest);
    std::vector<improvement_candidate> candidates;
    candidates.reserve(everywhere + nearby * best.size());
    std::vector<double> unit(space.size());
    const halton_sequence even(static_cast<int>(space.size()), random());
    for (int k = 0; k < everywhere; ++k) {
        even.point(static_cast<std::uint64_t>(k), unit);
        candidates.push_back(search.judged(space.from_unit(unit)));
    }
    for (const std::vector<double>& centre : best) {
        for (int k = 0; k < nearby; ++k) {
            const double width = std::exp(random.uniform(std::log(0.002), std::log(0.2)));
            for (std::size_t s = 0; s < space.size(); ++s) {
                unit[s] = space.settings()[s].to_unit(centre[s]) + width * random.normal();
            }
            candidates.push_back(search.judged(space.from_unit(unit)));
        }
    }
    const auto better = [](const improvement_candidate& a, const improvement_candidate& b) {
        return a.improvement != b.improvement ? a.improvement > b.improvement : a.values < b.values;
    };
    std::sort(candidates.begin(), candidates.end(), better);
    const std::size_t count = std::min(improved, candidates.size());
    for (std::size_t k = 0; k < count; ++k) {
        candidates.push_back(search.improved(candidates[k]));
    }
    std::sort(candidates.begin(), candidates.end(), better);
    const auto untried =
        std::find_if(candidates.begin(), candidates.end(), [&](const auto& candidate) {
            return std::find(tried.begin(), tried.end(), candidate.values) == tried.end();
        });
    return untried != candidates.end() ? untried->values : candidates.front().values;
}

} // namespace tocsin::detail
