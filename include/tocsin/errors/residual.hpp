/// @file residual.hpp
/// @brief Absolute reconstruction error of a window.
#pragma once

#include "tocsin/core/views.hpp"

#include <type_traits>

namespace tocsin {

/// Writes |window - reconstruction|, coefficient by coefficient.
///
/// The one result has two views, which are the two kinds of vectors an error statistic is fitted
/// on:
/// - per time step: the columns, `time` vectors of `features`, one for each moment of the window;
/// - per feature: the columns of `errors.transpose()`, `features` vectors of `time`, which show the
///   course of one sensor's error over the whole window.
///
/// @param window         `[features x time]`, float or double
/// @param reconstruction `[features x time]`, float or double
/// @param errors         `[features x time]`, a matrix or a view of the right size already (checked
///                       in debug builds); may be `window` or `reconstruction` itself
/// A NaN in either input is NaN in the result; equal infinities give NaN, too. Never allocates.
template <class Window, class Reconstruction, class Errors>
void absolute_residual(const Eigen::MatrixBase<Window>& window,
                       const Eigen::MatrixBase<Reconstruction>& reconstruction,
                       Errors&& errors) noexcept {
    using scalar = typename std::remove_cvref_t<Errors>::Scalar;
    TOCSIN_ASSERT(window.rows() == reconstruction.rows() && window.cols() == reconstruction.cols(),
                  "absolute_residual: window and reconstruction differ in shape");
    TOCSIN_ASSERT(window.rows() == errors.rows() && window.cols() == errors.cols(),
                  "absolute_residual: the errors do not have the shape of the window");
    errors = (window.template cast<scalar>() - reconstruction.template cast<scalar>()).cwiseAbs();
}

} // namespace tocsin
