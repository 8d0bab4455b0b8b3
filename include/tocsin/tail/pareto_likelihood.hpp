/// @file pareto_likelihood.hpp
/// @brief The likelihood of the generalised Pareto distribution and its maxima.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/tail/generalised_pareto.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>

namespace tocsin {

/// Excesses, and which of them are only known to be larger (censored).
struct pareto_sample {
    std::span<const double> excesses;        ///< at least 0, finite
    std::span<const std::uint64_t> censored; ///< bit i % 64 of word i / 64; empty: none is
};

namespace detail {

/// Sums over excesses y at one x = shape / scale, with s = 1 + x y.
struct pareto_sums {
    double log_sum = 0;            // of log s
    double inverse_sum = 0;        // of 1 / s
    double inverse_square_sum = 0; // of 1 / s^2

    /// One pass of multiplications and divisions. Logarithms are taken of products of 8 factors,
    /// with their exponents counted separately, so products neither overflow nor vanish as long as
    /// each factor lies in [2^-100, 2^100].
    static pareto_sums of(std::span<const double> excesses, double x) noexcept {
        using lanes = Eigen::Array<double, 4, 1>;
        pareto_sums sums;
        lanes inverse = lanes::Zero();
        lanes squares = lanes::Zero();
        lanes product = lanes::Ones();
        std::int64_t exponents = 0;
        const auto normalise = [&] {
            for (index_t lane = 0; lane < 4; ++lane) {
                const auto bits = std::bit_cast<std::uint64_t>(product[lane]);
                exponents += static_cast<std::int64_t>(bits >> 52U) - 1023;
                product[lane] =
                    std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFU) | 0x3FF0000000000000U);
            }
        };
        const std::size_t whole = excesses.size() / 4 * 4;
        std::size_t i = 0;
        while (i < whole) {
            for (const std::size_t end = std::min(i + 32, whole); i < end; i += 4) {
                const lanes s = 1 + x * Eigen::Map<const lanes>(excesses.data() + i);
                const lanes one_over_s = s.inverse();
                inverse += one_over_s;
                squares += one_over_s * one_over_s;
                product *= s;
            }
            normalise();
        }
        for (; i < excesses.size(); ++i) {
            const double s = 1 + x * excesses[i];
            sums.inverse_sum += 1 / s;
            sums.inverse_square_sum += 1 / (s * s);
            product[static_cast<index_t>(i % 4)] *= s;
        }
        normalise();
        sums.inverse_sum += inverse.sum();
        sums.inverse_square_sum += squares.sum();
        sums.log_sum = static_cast<double>(exponents) * std::numbers::ln2 +
                       std::log(product[0] * product[1] * product[2] * product[3]);
        return sums;
    }
};

/// Calls visit(i) for each censored excess.
template <class Visit>
void for_each_censored(const pareto_sample& sample, Visit&& visit) noexcept {
    for (std::size_t word = 0; word < sample.censored.size(); ++word) {
        for (std::uint64_t bits = sample.censored[word]; bits != 0; bits &= bits - 1) {
            visit(64 * word + static_cast<std::size_t>(std::countr_zero(bits)));
        }
    }
}

/// The likelihood of the generalised Pareto distribution, reduced to one dimension as in Grimshaw,
/// "Computing maximum likelihood estimates for the generalized Pareto distribution",
/// Technometrics 35, 1993, and extended to censored excesses.
///
/// Let x = shape / scale, s = 1 + x y, m the number of observed excesses (O), and C the censored
/// ones, of which only P(Y > y) counts. The log likelihood is
///
///     -m log(shape / x) - sum_O log s - (1 / shape) sum_(O and C) log s,
///
/// which for a given x is largest at shape(x) = sum_(O and C) log s / m. That leaves a function of
/// x,
///
///     L(x) = -m log(shape(x) / x) - sum_O log s - m.
///
/// With u = sum_O (1 / s) / m and k = sum_C (1 - 1 / s) / m its derivative is
///
///     L'(x) = m g(x) / (x shape(x)),    g(x) = u (1 + shape(x)) - 1 - k,
///
/// which without censoring is Grimshaw's equation u (1 + shape) = 1. g has a meaningless double
/// zero at x = 0; g / x^2 is smooth there and has the sign of L'. All is scaled by the mean excess:
/// t = x mean.
class pareto_likelihood {
  public:
    explicit pareto_likelihood(const pareto_sample& sample) noexcept : sample_{sample} {
        double sum = 0;
        for (const double excess : sample.excesses) {
            sum += excess;
            largest_ = std::max(largest_, excess);
        }
        observed_ = static_cast<double>(sample.excesses.size());
        mean_ = sum / observed_;
        for_each_censored(sample, [&](std::size_t) { observed_ -= 1; });
    }

    double mean() const noexcept { return mean_; }
    double observed() const noexcept { return observed_; }
    /// Lower bound of t: there the largest excess is the end of the tail.
    double lowest() const noexcept { return -mean_ / largest_; }

    struct point {
        double t = 0;
        double slope = 0;     ///< g / t^2, sign of L'
        double step = 0;      ///< Newton's step to the zero of g / t^2
        bool falling = false; ///< whether g / t^2 falls, as it does at a maximum of L
        double shape = 0;
        double height = 0; ///< L(x), apart from a constant
    };

    /// @param t neither 0 nor below lowest()
    point at(double t) const noexcept {
        const double x = t / mean_;
        const pareto_sums all = pareto_sums::of(sample_.excesses, x);
        double censored_logs = 0;
        double u = all.inverse_sum;
        double u2 = all.inverse_square_sum;
        double k = 0;
        double k2 = 0;
        for_each_censored(sample_, [&](std::size_t i) {
            const double s = 1 + x * sample_.excesses[i];
            u -= 1 / s;
            u2 -= 1 / (s * s);
            k += 1 - 1 / s;
            k2 += 1 / s - 1 / (s * s);
            censored_logs += std::log(s);
        });
        u /= observed_;
        u2 /= observed_;
        k /= observed_;
        k2 /= observed_;
        point result;
        result.t = t;
        result.shape = all.log_sum / observed_;
        const double g = u * (1 + result.shape) - 1 - k;
        const double t_times_derivative =
            (u2 - u) * (1 + result.shape) + u * (1 - u + k) - k2; // t g'(t)
        result.slope = g / (t * t);
        const double fall = t_times_derivative - 2 * g;
        result.falling = fall * t < 0;
        result.step = -g * t / fall;
        result.height = -observed_ * std::log(result.shape / t) - (all.log_sum - censored_logs);
        return result;
    }

    generalised_pareto distribution(const point& at) const noexcept {
        return {at.shape, at.shape * mean_ / at.t};
    }

  private:
    pareto_sample sample_;
    double observed_ = 0;
    double mean_ = 0;
    double largest_ = 0;
};

/// Smaller |t| are evaluated at this value: near 0, g is a small difference of large numbers, while
/// its quotient by t^2 hardly changes.
inline constexpr double smallest_pareto_t = 1e-4;
/// Smaller shapes belong to tails that end abruptly, where the maximum of the likelihood loses its
/// usual properties (Smith 1985); below -1 there is none.
inline constexpr double smallest_pareto_shape = -0.5;
/// Fewest observed excesses for a likelihood fit.
inline constexpr double fewest_pareto_excesses = 5;

inline double away_from_zero(double t) noexcept {
    return std::abs(t) < smallest_pareto_t ? std::copysign(smallest_pareto_t, t) : t;
}

/// Newton's iteration from a point near the maximum of the likelihood.
/// @return whether it converged to one, in `found`
inline bool refine_pareto(const pareto_likelihood& likelihood, double start,
                          pareto_likelihood::point& found) noexcept {
    double t = start;
    for (int i = 0; i < 8; ++i) {
        t = away_from_zero(t);
        if (!(t > likelihood.lowest()) || !(t < 0x1p60)) {
            return false;
        }
        found = likelihood.at(t);
        const double reach = std::max(std::abs(t), 0.2);
        if (!found.falling || !(std::abs(found.step) < 0.5 * reach)) {
            return false;
        }
        t += found.step;
        // The remaining error is about the square of the step: far below the deviation of the
        // estimate itself, which is 1 / sqrt(excesses).
        if (std::abs(found.step) < 1e-3 * reach) {
            t = away_from_zero(t);
            if (!(t > likelihood.lowest())) {
                return false;
            }
            found = likelihood.at(t);
            return found.shape > smallest_pareto_shape;
        }
    }
    return false;
}

/// Every maximum of the likelihood on a grid of both signs, refined; the highest wins.
inline bool search_pareto(const pareto_likelihood& likelihood,
                          pareto_likelihood::point& best) noexcept {
    bool any = false;
    const auto consider = [&](double low, double high) {
        pareto_likelihood::point found;
        for (int i = 0; i < 60 && high - low > 1e-6 * std::max(std::abs(low), 1e-3); ++i) {
            const double middle = 0.5 * (low + high);
            if (i > 2 && refine_pareto(likelihood, middle, found) && found.t >= low &&
                found.t <= high) {
                break;
            }
            found = likelihood.at(away_from_zero(middle));
            (found.slope > 0 ? low : high) = middle;
        }
        if (found.shape > smallest_pareto_shape && (!any || found.height > best.height)) {
            best = found;
            any = true;
        }
    };
    double previous = 0;
    double previous_slope = 0;
    const auto visit = [&](double t) {
        const double slope = likelihood.at(t).slope;
        if (previous_slope > 0 && slope <= 0) {
            consider(previous, t);
        }
        previous = t;
        previous_slope = slope;
    };
    for (int k = 20; k >= 1; --k) { // ever farther from the end of the tail
        visit(likelihood.lowest() * (1 - std::ldexp(1.0, -k)));
    }
    for (int k = 2; std::ldexp(likelihood.lowest(), -k) < -smallest_pareto_t; ++k) {
        visit(std::ldexp(likelihood.lowest(), -k));
    }
    visit(-smallest_pareto_t);
    visit(smallest_pareto_t);
    for (double t = 1e-3; t < 1e15; t *= t < 10 ? 2 : 8) {
        visit(t);
    }
    return any;
}

} // namespace detail

} // namespace tocsin
