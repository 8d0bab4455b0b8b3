/// @file error_views.hpp
/// @brief The error statistics of a detector's views, by which samples are scored.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/errors/error_statistic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace tocsin {
namespace detail {

/// The same statistic for vectors of another compile-time dimension, as the two views of a window
/// need; a statistic without one serves both.
template <class Statistic, int Dimension>
struct statistic_of_dimension {
    using type = Statistic;
};
template <template <int> class Statistic, int Old, int Dimension>
    requires(Old != dynamic)
struct statistic_of_dimension<Statistic<Old>, Dimension> {
    using type = Statistic<Dimension>;
};

/// The score of a sample with its error vectors.
struct scored_vectors {
    double score = std::numeric_limits<double>::quiet_NaN(); ///< the largest; NaN: none has one
    int worst = 0;                                           ///< the vector that has it
};

/// Scores error vectors that lie one after the other. Those that cannot be judged are left out.
/// @param statistic an error_statistic, or another scorer of vectors of one dimension
/// @param each      receives the score of each vector; empty: not wanted. Never allocates.
template <class Statistic>
scored_vectors largest_score(const Statistic& statistic, std::span<const double> errors,
                             std::span<double> each = {}) noexcept {
    const auto size = static_cast<std::size_t>(statistic.dimension());
    scored_vectors found;
    for (std::size_t first = 0, k = 0; size > 0 && first + size <= errors.size();
         first += size, ++k) {
        const double score = statistic.score(errors.subspan(first, size));
        if (!each.empty()) {
            each[k] = score;
        }
        if (score > found.score || (std::isnan(found.score) && !std::isnan(score))) {
            found = {score, static_cast<int>(k)};
        }
    }
    return found;
}

/// Shares in proportion to the magnitude of the errors, for statistics without shares; equal ones
/// where all errors are 0. Elements that were not observed have none. Never allocates.
inline void shares_by_magnitude(std::span<const double> error, std::span<double> out) noexcept {
    double most = 0;
    for (std::size_t k = 0; k < error.size(); ++k) {
        out[k] = std::isnan(error[k])
                     ? 0
                     : std::min(std::abs(error[k]), std::numeric_limits<double>::max());
        most = std::max(most, out[k]);
    }
    double sum = 0; // of quotients: the shares themselves may add up to infinity
    for (double& share : out) {
        share = most > 0 ? share / most : 0;
        sum += share;
    }
    if (sum == 0) { // nothing stands out of those that were observed
        for (std::size_t k = 0; k < error.size(); ++k) {
            out[k] = std::isnan(error[k]) ? 0 : 1;
            sum += out[k];
        }
    }
    for (double& share : out) {
        share = sum > 0 ? share / sum : 0;
    }
}

/// What each element of an error vector accounts for. Never allocates.
template <error_statistic Statistic>
void shares_of(const Statistic& statistic, std::span<const double> error,
               std::span<double> out) noexcept {
    if constexpr (requires { statistic.shares(error, out); }) {
        statistic.shares(error, out);
        if (!std::any_of(out.begin(), out.end(), [](double share) { return std::isnan(share); })) {
            return;
        }
    }
    shares_by_magnitude(error, out); // also where errors overflow
}

} // namespace detail

/// Two error statistics over the absolute errors of windows, one for each view.
/// @tparam Statistic of vectors of features
/// @tparam Window    compile-time length of a window, or `dynamic`
template <error_statistic Statistic, int Window = dynamic>
class error_views {
  public:
    /// The statistic of error vectors `[features]`.
    using step_statistic = Statistic;
    /// The statistic of error vectors `[window]`.
    using feature_statistic = typename detail::statistic_of_dimension<Statistic, Window>::type;

    error_views() = default;
    /// Allocates.
    error_views(int step_dimension, int feature_dimension)
        : per_step_(step_dimension), per_feature_(feature_dimension) {}

    /// The statistic of the errors of a time step.
    const step_statistic& per_step() const noexcept { return per_step_; }
    /// The statistic of the errors of a feature.
    const feature_statistic& per_feature() const noexcept { return per_feature_; }
    /// The same, to be fitted.
    step_statistic& per_step() noexcept { return per_step_; }
    /// The same, to be fitted.
    feature_statistic& per_feature() noexcept { return per_feature_; }
    /// Calls `visit` with the statistic of a view; what it returns must have one type.
    template <class Visit>
    decltype(auto) visit(error_view view, Visit&& visit) const {
        return view == error_view::per_step ? visit(per_step_) : visit(per_feature_);
    }

  private:
    step_statistic per_step_{};
    feature_statistic per_feature_{};
};

} // namespace tocsin
