/// @file warm_up.hpp
/// @brief How long a forecaster needs after a cold start until its errors are normal.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/detect/error_passes.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin::detail {

/// The scores of cold starts, by the samples since the start.
class cold_start_scores {
  public:
    explicit cold_start_scores(int ages)
        : above_(static_cast<std::size_t>(ages), 0), all_(above_) {}

    void add(int age, bool above) noexcept {
        const auto at = static_cast<std::size_t>(age);
        above_[at] += above ? 1 : 0;
        ++all_[at];
    }
    /// The first age from which on the share of scores above the border stays normal: below 1.5 times
    /// `expected`, plus three standard deviations of the share itself. Ages are judged in groups, so
    /// that a few starts suffice.
    int settled(double expected) const noexcept {
        constexpr std::size_t group = 4;
        int age = 0;
        for (std::size_t first = 0; first < all_.size(); ++first) {
            double above = 0;
            double all = 0;
            for (std::size_t k = first; k < std::min(first + group, all_.size()); ++k) {
                above += above_[k];
                all += all_[k];
            }
            if (all > 0 &&
                above > 1.5 * expected * all + 3 * std::sqrt(expected * (1 - expected) * all)) {
                age = static_cast<int>(first) + 1;
            }
        }
        return age;
    }

  private:
    std::vector<double> above_;
    std::vector<double> all_;
};

/// Samples after a start whose errors are larger than normal because the model has not settled.
///
/// Normal is what the statistic says of the later halves of the windows. Cold starts are made at 100
/// random places of the data and followed for at most 256 samples, or half a window.
/// @param judged a learned detector whose statistic was fitted to errors after a generous warm-up
/// @param longest the largest answer. Allocates.
template <class Learned>
int measured_warm_up(const Learned& judged, const windows<typename Learned::scalar_type>& source,
                     int longest) {
    constexpr index_t most_starts = 100;
    constexpr double share_above = 0.05;
    const int least = judged.source.complete_after();
    if (longest <= least) {
        return least;
    }
    const auto& statistic = judged.errors.per_step();
    std::vector<double> normal;
    for_each_forecast(judged, source, longest, [&](index_t, int, std::span<const double> errors) {
        if (!errors.empty()) {
            const double score = statistic.score(errors);
            if (std::isfinite(score)) {
                normal.push_back(score);
            }
        }
    });
    if (normal.empty()) {
        return least;
    }
    const auto rank =
        static_cast<std::ptrdiff_t>((1 - share_above) * static_cast<double>(normal.size() - 1));
    std::nth_element(normal.begin(), normal.begin() + rank, normal.end());
    const double border = normal[static_cast<std::size_t>(rank)];

    std::vector<index_t> starts;
    const index_t places = source.length() - longest + 1; // in each window
    // At random, because starts at equal distances may meet a periodic signal in the same phase.
    random_generator random{1};
    for (index_t k = 0; k < most_starts; ++k) {
        const auto place =
            static_cast<index_t>(random.below(static_cast<std::uint64_t>(source.count() * places)));
        starts.push_back(source.first_column(place / places) + place % places);
    }
    cold_start_scores scores(longest);
    for_each_forecast(judged,
                      windows<typename Learned::scalar_type>(source.values(), starts, longest), 0,
                      [&](index_t, int age, std::span<const double> errors) {
                          if (!errors.empty()) {
                              scores.add(age, !(statistic.score(errors) <= border));
                          }
                      });
    return std::clamp(scores.settled(share_above), least, longest);
}

/// The longest warm-up that windows of this length can show.
inline int longest_warm_up(int window, int least) noexcept {
    constexpr int most = 256;
    return std::max(std::min(most, window / 2), std::min(least, window - 1));
}

} // namespace tocsin::detail
