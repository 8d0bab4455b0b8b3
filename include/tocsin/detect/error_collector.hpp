/// @file error_collector.hpp
/// @brief Errors of recorded data on their way into the statistics of a detector.
#pragma once

#include "tocsin/core/status.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace tocsin::detail {

/// Hands error vectors to a statistic in blocks. Where elements were not observed, they take the
/// value that was last observed in their place (hot deck), so that a vector counts with what is
/// there: their own spread is kept, their correlation with others is not.
template <class Statistic>
class error_collector {
  public:
    /// @param size of a vector; with 0 nothing is collected
    error_collector(Statistic& statistic, int size)
        : statistic_{&statistic},
          last_(static_cast<std::size_t>(size), std::numeric_limits<double>::quiet_NaN()) {}
    void add(std::span<const double> errors) {
        const std::size_t size = last_.size();
        for (std::size_t first = 0; size > 0 && first + size <= errors.size(); first += size) {
            const auto vector = errors.subspan(first, size);
            const auto is_missing = [](double error) { return std::isnan(error); };
            if (std::all_of(vector.begin(), vector.end(), is_missing)) {
                continue;
            }
            for (std::size_t k = 0; k < size; ++k) {
                last_[k] = is_missing(vector[k]) ? last_[k] : vector[k];
            }
            block_.insert(block_.end(), last_.begin(), last_.end());
        }
        if (block_.size() >= block_size) {
            flush();
        }
    }
    /// Hands over what was added so far.
    void flush() {
        if (!block_.empty()) {
            statistic_->accumulate(std::span<const double>(block_));
            block_.clear();
        }
    }
    /// What is added from now on is for another statistic.
    void switch_to(Statistic& statistic) {
        if (&statistic != statistic_) {
            flush();
            statistic_ = &statistic;
        }
    }

  private:
    static constexpr std::size_t block_size = 8192;
    Statistic* statistic_;
    std::vector<double> block_;
    std::vector<double> last_; // observed errors, element by element
};

/// Statistics of all views that have seen nothing. Allocates.
template <class Learned>
typename Learned::views_type fresh_views(const Learned& learned) {
    if constexpr (Learned::views == 2) {
        return {learned.features(), learned.settings.window};
    } else {
        return {learned.source.vector_size(), 0};
    }
}

/// Fits the statistics of all views to what they have accumulated.
template <class Learned>
status fit_views(typename Learned::views_type& views) {
    const status fitted = views.per_step().fit();
    if constexpr (Learned::views == 2) {
        return fitted.ok() ? views.per_feature().fit() : fitted;
    } else {
        return fitted;
    }
}

/// Collects errors by all views of a detector.
template <class Learned>
class view_collector {
  public:
    using views_type = typename Learned::views_type;

    explicit view_collector(views_type& views)
        : by_step_(views.per_step(), views.per_step().dimension()),
          by_feature_(views.per_feature(),
                      Learned::views == 2 ? views.per_feature().dimension() : 0) {}

    /// @param feature_errors none for a forecaster
    void add(std::span<const double> step_errors, std::span<const double> feature_errors) {
        by_step_.add(step_errors);
        by_feature_.add(feature_errors);
    }
    /// Hands over what was added so far.
    void flush() {
        by_step_.flush();
        by_feature_.flush();
    }
    /// What is added from now on is for other statistics of the same dimensions.
    void switch_to(views_type& views) {
        by_step_.switch_to(views.per_step());
        by_feature_.switch_to(views.per_feature());
    }

  private:
    error_collector<typename views_type::step_statistic> by_step_;
    error_collector<typename views_type::feature_statistic> by_feature_;
};

} // namespace tocsin::detail
