/// @file regression.hpp
/// @brief Streaming root mean square error and mean absolute error.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/views.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

namespace tocsin {

/// Accumulates RMSE and MAE between actual and predicted values, in double.
///
/// A pair with a NaN or infinite member, or with a difference beyond largest_input, is left out of both
/// and counted in rejected(). Nothing here allocates.
class regression_errors {
  public:
    /// Counts one pair.
    void add(double actual, double predicted) noexcept {
        const double difference = actual - predicted;
        if (!is_bounded(difference)) {
            ++rejected_;
            return;
        }
        absolute_sum_ += std::abs(difference);
        square_sum_ += difference * difference;
        ++count_;
    }
    /// Counts each pair of coefficients of two matrices, which must have the same shape (checked in
    /// debug builds).
    template <class Actual, class Predicted>
    void add(const Eigen::MatrixBase<Actual>& actual,
             const Eigen::MatrixBase<Predicted>& predicted) noexcept {
        TOCSIN_ASSERT(actual.rows() == predicted.rows() && actual.cols() == predicted.cols(),
                      "regression_errors: actual and predicted values differ in shape");
        for (index_t c = 0; c < actual.cols(); ++c) {
            for (index_t r = 0; r < actual.rows(); ++r) {
                add(static_cast<double>(actual(r, c)), static_cast<double>(predicted(r, c)));
            }
        }
    }
    /// Adds the pairs of another accumulator.
    regression_errors& operator+=(const regression_errors& other) noexcept {
        absolute_sum_ += other.absolute_sum_;
        square_sum_ += other.square_sum_;
        count_ += other.count_;
        rejected_ += other.rejected_;
        return *this;
    }

    /// Root mean square error, in the unit of the values; NaN before the first finite pair, so that
    /// an empty validation set never looks like a perfect one.
    double rmse() const noexcept { return count_ == 0 ? none : std::sqrt(square_sum_ / counted()); }
    /// Mean absolute error, in the unit of the values; NaN before the first finite pair.
    double mae() const noexcept { return count_ == 0 ? none : absolute_sum_ / counted(); }
    /// Finite pairs.
    std::int64_t count() const noexcept { return count_; }
    /// Pairs left out because a member was NaN or infinite.
    std::int64_t rejected() const noexcept { return rejected_; }

  private:
    static constexpr double none = std::numeric_limits<double>::quiet_NaN();
    double counted() const noexcept { return static_cast<double>(count_); }

    double absolute_sum_ = 0;
    double square_sum_ = 0;
    std::int64_t count_ = 0;
    std::int64_t rejected_ = 0;
};

} // namespace tocsin
