/// @file classifier_windows.hpp
/// @brief What a classifier_detector learns from: its settings, scaled values, labelled windows.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/labelled_windows.hpp"

#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

namespace tocsin {

/// Which windows a classifier_detector is trained on.
struct classifier_detector_settings {
    int window = 60; ///< samples of a window, at least 1
    int stride = 1;  ///< samples from one training window to the next, at least 1
    window_label label = window_label::any_row; ///< when a window counts as anomalous

    template <class Archive>
    void exchange(Archive& archive) {
        constexpr int longest = 1 << 20;
        archive.integer("window", window, 1, longest);
        archive.integer("stride", stride, 1, longest);
        archive.integer("label", label, window_label::any_row, window_label::next_row);
    }
};

namespace detail {

/// Scaled values; a missing one is taken from the sample before, 0 where there is none.
template <class Scalar, class Scaler>
matrix<Scalar> scale_and_hold(const Scaler& scaler, matrix_view<const Scalar> values) {
    matrix<Scalar> scaled = values;
    if (values.cols() > 0) {
        scaler.transform(scaled);
    }
    for (index_t col = 0; col < scaled.cols(); ++col) {
        for (index_t row = 0; row < scaled.rows(); ++row) {
            if (!std::isfinite(values(row, col)) || !std::isfinite(scaled(row, col))) {
                scaled(row, col) = col > 0 ? scaled(row, col - 1) : Scalar(0);
            }
            scaled(row, col) = readable(scaled(row, col));
        }
    }
    return scaled;
}

/// Windows of these values, which must outlive them, with their classes.
template <class Scalar>
result<labelled_windows<Scalar>> label_windows(const matrix<Scalar>& scaled,
                                               std::span<const std::uint8_t> labels,
                                               const classifier_detector_settings& settings) {
    auto sliding = make_windows(scaled, settings.window, settings.stride);
    if (!sliding.ok()) {
        return sliding.error();
    }
    auto classes = classes_of_windows(*sliding, labels, settings.label);
    if (!classes.ok()) {
        return classes.error();
    }
    return labelled_windows<Scalar>{std::move(*sliding), std::move(*classes), {}};
}

} // namespace detail
} // namespace tocsin
