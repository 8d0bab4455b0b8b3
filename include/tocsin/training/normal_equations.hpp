/// @file normal_equations.hpp
/// @brief Linear regression with several targets, from sums over samples that need not be kept.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <Eigen/Cholesky>

#include <cmath>
#include <limits>

namespace tocsin {

/// The sums of which a ridge regression is made: weights that minimise
///
///     sum over samples |y - W x - b|^2 + ridge * samples * |W|^2
///
/// (Hoerl and Kennard, "Ridge regression", Technometrics 12, 1970). The memory does not depend on
/// the number of samples: `(inputs + 1) * (inputs + 1 + targets)` doubles. The sums are exact enough
/// for inputs and targets of mean about 0 and variance about 1; the penalty assumes these units.
class normal_equations {
  public:
    /// No samples yet. Allocates.
    /// @param inputs,targets of a sample, at least 1
    normal_equations(index_t inputs, index_t targets)
        : gram_{matrix<double>::Zero(inputs + 1, inputs + 1)},
          moments_{matrix<double>::Zero(inputs + 1, targets)},
          squares_{column<double>::Zero(targets)} {}

    /// Inputs of a sample.
    index_t inputs() const noexcept { return gram_.rows() - 1; }
    /// Targets of a sample.
    index_t targets() const noexcept { return moments_.cols(); }
    /// Samples so far.
    index_t count() const noexcept { return count_; }

    /// Adds samples. What is not finite makes solve() fail. Allocates.
    /// @param x `[(inputs + 1) x samples]`, whose last row is 1
    /// @param y `[targets x samples]`
    void add(const Eigen::Ref<const matrix<double>>& x, const Eigen::Ref<const matrix<double>>& y) {
        gram_.selfadjointView<Eigen::Lower>().rankUpdate(x);
        moments_.noalias() += x * y.transpose();
        squares_ += y.rowwise().squaredNorm();
        count_ += x.cols();
    }

    /// The weights `[W | b]`, `[targets x (inputs + 1)]`. Allocates.
    /// @param ridge at least 0
    /// @return `invalid_data` where there is no unique finite solution: without samples, or with
    ///         ridge 0 and fewer samples than unknowns, or inputs that depend on each other
    result<matrix<double>> solve(double ridge) const {
        const Eigen::LLT<matrix<double>> factor = penalised(ridge);
        matrix<double> weights = factor.solve(moments_).transpose();
        // Of inputs that depend on each other, rounding may leave a pivot that is just above 0.
        constexpr double least_pivot = 1e-13;
        const bool unique = (factor.matrixLLT().diagonal().array().square() >=
                             least_pivot * penalised_diagonal(ridge).array())
                                .all();
        if (count_ == 0 || factor.info() != Eigen::Success || !unique || !weights.allFinite()) {
            return status::error(error_code::invalid_data, "normal_equations: no solution for ",
                                 inputs(), " inputs and ", count_, " samples with ridge ", ridge);
        }
        return weights;
    }

    /// Sum over the samples of the squared error of weights from any source, `[targets]`. It comes
    /// from the sums, so it is exact to about 1e-15 of the sum of squares of a target. Allocates.
    column<double> squared_errors(const matrix<double>& weights) const {
        const matrix<double> applied = weights * gram_.selfadjointView<Eigen::Lower>();
        const column<double> quadratic = applied.cwiseProduct(weights).rowwise().sum();
        const column<double> mixed = moments_.transpose().cwiseProduct(weights).rowwise().sum();
        return (squares_ - 2 * mixed + quadratic).cwiseMax(0);
    }
    /// Sum of the squares of each target, `[targets]`.
    const column<double>& squared_targets() const noexcept { return squares_; }

    /// Effective number of parameters per target: the trace of the matrix that maps the targets of
    /// the samples to their predictions. At most the samples and the `inputs + 1`. Allocates.
    double effective_parameters(double ridge) const {
        matrix<double> inverse_root = matrix<double>::Identity(gram_.rows(), gram_.cols());
        penalised(ridge).matrixL().solveInPlace(inverse_root);
        const double penalty = ridge * static_cast<double>(count_);
        return static_cast<double>(gram_.rows()) -
               penalty * inverse_root.leftCols(inputs()).squaredNorm();
    }

  private:
    Eigen::LLT<matrix<double>> penalised(double ridge) const {
        matrix<double> sum = gram_;
        sum.diagonal() = penalised_diagonal(ridge);
        return Eigen::LLT<matrix<double>>(sum);
    }
    column<double> penalised_diagonal(double ridge) const {
        column<double> diagonal = gram_.diagonal();
        diagonal.head(inputs()).array() += ridge * static_cast<double>(count_);
        return diagonal;
    }

    matrix<double> gram_;    // lower triangle of sum x x^T
    matrix<double> moments_; // sum x y^T
    column<double> squares_; // sum y^2
    index_t count_ = 0;
};

} // namespace tocsin
