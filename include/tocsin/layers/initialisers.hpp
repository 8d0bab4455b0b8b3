/// @file initialisers.hpp
/// @brief Random initial weights.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"

#include <cmath>

namespace tocsin {

/// Uniform in [-limit, limit].
template <class Derived>
void initialise_uniform(Eigen::MatrixBase<Derived>& weights, double limit,
                        random_generator& random) noexcept {
    for (index_t col = 0; col < weights.cols(); ++col) {
        for (index_t row = 0; row < weights.rows(); ++row) {
            weights(row, col) =
                static_cast<typename Derived::Scalar>(random.uniform(-limit, limit));
        }
    }
}

/// Uniform in +-sqrt(6 / (rows + cols)) (Glorot and Bengio 2010, equation 16).
template <class Derived>
void initialise_glorot(Eigen::MatrixBase<Derived>& weights, random_generator& random) noexcept {
    initialise_uniform(
        weights, std::sqrt(6.0 / static_cast<double>(weights.rows() + weights.cols())), random);
}

/// A random square matrix with orthonormal columns (Saxe et al. 2014), by Gram-Schmidt on normal
/// numbers in double. Allocates one such matrix.
/// @tparam Accurate always double; a parameter, so that nothing of it is compiled before it is used
template <class Derived, class Accurate = double>
void initialise_orthogonal(Eigen::MatrixBase<Derived>& weights, random_generator& random) {
    matrix<Accurate> basis(weights.rows(), weights.cols());
    for (index_t col = 0; col < basis.cols(); ++col) {
        // A draw that lies almost in the span of the previous columns is repeated: what the
        // projection leaves of it would be rounding noise.
        double length = 0;
        while (length < 1e-6) {
            for (index_t row = 0; row < basis.rows(); ++row) {
                basis(row, col) = random.normal();
            }
            // Twice is enough (Kahan, in Parlett 1980): the second pass removes the rounding error.
            for (int pass = 0; pass < 2; ++pass) {
                for (index_t earlier = 0; earlier < col; ++earlier) {
                    basis.col(col) -= basis.col(earlier).dot(basis.col(col)) * basis.col(earlier);
                }
            }
            length = basis.col(col).norm();
        }
        basis.col(col) /= length;
    }
    weights = basis.template cast<typename Derived::Scalar>();
}

/// The default of LSTM layers: for each gate separately, Glorot input weights and orthogonal
/// recurrent weights. Biases are 0, except the forget gate's 1, which lets gradients flow from the
/// start (Jozefowicz et al. 2015).
struct glorot_orthogonal {
    double forget_gate_bias = 1; ///< bias of the forget gate; the others are 0

    /// Draws the weights of the inputs.
    template <class Derived>
    void input_weights(Eigen::MatrixBase<Derived>& weights, int /*hidden*/,
                       random_generator& random) const noexcept {
        initialise_glorot(weights, random);
    }
    /// Draws the weights of the hidden state.
    template <class Derived>
    void recurrent_weights(Eigen::MatrixBase<Derived>& weights, int /*hidden*/,
                           random_generator& random) const {
        initialise_orthogonal(weights, random);
    }
};

/// Uniform in +-1 / sqrt(hidden) for all weights: the default of PyTorch's LSTM.
struct uniform_by_hidden_size {
    double forget_gate_bias = 0; ///< bias of the forget gate; the others are 0

    /// Draws the weights of the inputs.
    template <class Derived>
    void input_weights(Eigen::MatrixBase<Derived>& weights, int hidden,
                       random_generator& random) const noexcept {
        initialise_uniform(weights, 1 / std::sqrt(static_cast<double>(hidden)), random);
    }
    /// Draws the weights of the hidden state.
    template <class Derived>
    void recurrent_weights(Eigen::MatrixBase<Derived>& weights, int hidden,
                           random_generator& random) const noexcept {
        initialise_uniform(weights, 1 / std::sqrt(static_cast<double>(hidden)), random);
    }
};

} // namespace tocsin
