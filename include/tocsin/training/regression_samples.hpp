/// @file regression_samples.hpp
/// @brief Samples of windows as a linear regression on the samples before them.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/series/filling.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/normal_equations.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tocsin::detail {

/// Mean and standard deviation of each feature; the deviation of a constant one is 1.
struct feature_moments {
    column<double> mean;
    column<double> deviation;
};

/// Of the finite values that windows cover. Allocates.
template <class Scalar>
feature_moments moments_of(const windows<Scalar>& covered) {
    column<double> count = column<double>::Zero(covered.features());
    column<double> mean = count;
    column<double> squares = count;
    covered.for_each_covered_run([&](index_t first, index_t columns) {
        for (index_t t = first; t < first + columns; ++t) {
            for (index_t f = 0; f < mean.size(); ++f) {
                const auto value = static_cast<double>(covered.values()(f, t));
                if (std::isfinite(value)) {
                    const double change = value - mean[f];
                    mean[f] += change / (count[f] += 1);
                    squares[f] += change * (value - mean[f]);
                }
            }
        }
    });
    const column<double> deviation = squares.cwiseQuotient(count.cwiseMax(1)).cwiseSqrt();
    return {mean, (deviation.array() > 0).select(deviation.array(), 1.0).matrix()};
}

/// The samples of windows that have `order` samples of the same recording before them and no
/// missing target, each once however many windows hold it. A hole in the inputs is filled with the
/// last value, as on a stream: interpolation would show the target.
template <class Scalar>
class regression_samples {
  public:
    /// Copies the samples if values are missing. Allocates.
    /// @param given must outlive this
    regression_samples(const windows<Scalar>& given, feature_moments units, index_t order,
                       index_t targets)
        : given_{given}, units_{std::move(units)}, order_{order}, targets_{targets} {
        if (has_missing(given)) {
            filled_ = filled_samples(given, hole_filling::last);
        }
    }

    /// Calls `visit(x, y)` for blocks of samples in standard units: `[(features * order + 1) x
    /// count]`, the last row 1, and `[targets x count]`. Allocates one block.
    template <class Visit>
    void for_each_block(Visit&& visit) const {
        constexpr index_t block = 256;
        const bool filled = filled_.size() > 0;
        const Scalar* const values = filled ? filled_.data() : given_.values().data();
        const index_t features = given_.features();
        matrix<double> x = matrix<double>::Ones(features * order_ + 1, block);
        matrix<double> y(targets_, block);
        index_t count = 0;
        for_each_joined_run(given_, [&](index_t first, index_t columns) {
            for (index_t t = first + order_; t < first + columns; ++t) {
                const Scalar* const target = values + t * features;
                if (filled && std::any_of(target, target + targets_,
                                          [](Scalar value) { return is_filled(value); })) {
                    continue;
                }
                for (index_t back = 0; back < order_; ++back) {
                    standardise(target - (order_ - back) * features,
                                x.col(count).segment(back * features, features));
                }
                standardise(target, y.col(count));
                if (++count == block) {
                    visit(x, y);
                    count = 0;
                }
            }
        });
        if (count > 0) {
            visit(x.leftCols(count), y.leftCols(count));
        }
    }
    normal_equations sums() const {
        normal_equations made(given_.features() * order_, targets_);
        for_each_block([&](const auto& x, const auto& y) { made.add(x, y); });
        return made;
    }

  private:
    template <class Out>
    void standardise(const Scalar* sample, Out&& out) const {
        for (index_t f = 0; f < out.size(); ++f) {
            out[f] = (static_cast<double>(sample[f]) - units_.mean[f]) / units_.deviation[f];
        }
    }

    const windows<Scalar>& given_;
    feature_moments units_;
    index_t order_;
    index_t targets_;
    matrix<Scalar> filled_;
};

} // namespace tocsin::detail
