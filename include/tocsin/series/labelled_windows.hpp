/// @file labelled_windows.hpp
/// @brief Windows with a class each: for classifiers.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// Windows, the class of each, and how much each counts.
template <class Scalar>
struct labelled_windows {
    tocsin::windows<Scalar> inputs; ///< the windows
    std::vector<int> classes; ///< one per window, from 0; with two classes 1 is the anomalous one
    /// Factor on the loss of each window, finite and not negative; empty: all 1. Metrics such as F1
    /// count all windows alike.
    std::vector<double> weights;

    /// The number of windows.
    index_t count() const noexcept { return inputs.count(); }
    /// Whether there are none.
    bool empty() const noexcept { return inputs.empty(); }

    /// Names the first class outside [0, class_count) or weight that is out of range. Weights that are
    /// all 0 are refused: nothing would count.
    status check(int class_count) const noexcept {
        const auto expected = static_cast<std::size_t>(count());
        if (classes.size() != expected || (!weights.empty() && weights.size() != expected)) {
            return status::error(error_code::invalid_argument, "labelled windows: ", expected,
                                 " windows, but ", classes.size(), " classes and ", weights.size(),
                                 " weights");
        }
        for (std::size_t k = 0; k < classes.size(); ++k) {
            if (classes[k] < 0 || classes[k] >= class_count) {
                return status::error(error_code::invalid_data, "labelled windows: window ", k,
                                     " has class ", classes[k], ", outside of [0, ", class_count,
                                     ")");
            }
        }
        for (std::size_t k = 0; k < weights.size(); ++k) {
            if (!(weights[k] >= 0) || !std::isfinite(weights[k])) {
                return status::error(error_code::invalid_data, "labelled windows: window ", k,
                                     " has the weight ", weights[k]);
            }
        }
        if (!weights.empty() && std::all_of(weights.begin(), weights.end(),
                                            [](double weight) { return weight == 0; })) {
            return status::error(error_code::invalid_data, "labelled windows: all ", weights.size(),
                                 " windows have the weight 0");
        }
        return {};
    }
};

/// Which rows make a window anomalous.
enum class window_label {
    any_row,  ///< any of its rows
    last_row, ///< its last row: what a stream sees when the row arrives
    next_row  ///< the row after it: a warning one row ahead
};

/// The class of each window, 1 = anomalous, from the labels of rows. Allocates.
/// @param labels one per column of the windows' matrix (else `invalid_argument`), nonzero = anomalous
/// @return `invalid_data` where a window has no class: by next_row, one that ends with the last row
template <class Scalar>
result<std::vector<int>> classes_of_windows(const windows<Scalar>& source,
                                            std::span<const std::uint8_t> labels,
                                            window_label rule = window_label::any_row) {
    if (static_cast<index_t>(labels.size()) != source.values().cols()) {
        return status::error(error_code::invalid_argument, "classes_of_windows: ", labels.size(),
                             " labels for ", source.values().cols(), " samples");
    }
    std::vector<int> classes;
    classes.reserve(static_cast<std::size_t>(source.count()));
    for (const index_t first : source.first_columns()) {
        const auto begin = labels.begin() + first;
        const auto end = begin + source.length();
        bool anomalous = false;
        switch (rule) {
        case window_label::any_row:
            anomalous = std::any_of(begin, end, [](std::uint8_t label) { return label != 0; });
            break;
        case window_label::last_row:
            anomalous = *(end - 1) != 0;
            break;
        case window_label::next_row:
            if (end == labels.end()) {
                return status::error(error_code::invalid_data, "classes_of_windows: window ",
                                     classes.size(), " ends with row ", labels.size() - 1,
                                     ", the last one: the label of the next row is not known");
            }
            anomalous = *end != 0;
            break;
        }
        classes.push_back(anomalous ? 1 : 0);
    }
    return classes;
}

/// Marks rows between two anomalous ones that are at most `longest_gap` rows apart: what is labelled
/// row by row often leaves holes in one event. Gaps at the ends stay.
/// @param labels nonzero = anomalous, changed in place
inline void fill_label_gaps(std::span<std::uint8_t> labels, index_t longest_gap) noexcept {
    index_t last = -1;
    for (index_t row = 0; row < static_cast<index_t>(labels.size()); ++row) {
        if (labels[static_cast<std::size_t>(row)] == 0) {
            continue;
        }
        if (last >= 0 && row - last - 1 <= longest_gap) {
            std::fill(labels.begin() + last + 1, labels.begin() + row, std::uint8_t{1});
        }
        last = row;
    }
}

/// One weight per class such that all classes weigh the same: count / (classes * count of the
/// class), as scikit-learn's "balanced"; 0 for a class without windows. Allocates.
/// @param classes each in [0, class_count); others are not counted
inline std::vector<double> balanced_class_weights(std::span<const int> classes, int class_count) {
    std::vector<double> counts(static_cast<std::size_t>(std::max(class_count, 0)), 0.0);
    double total = 0;
    for (const int k : classes) {
        if (k >= 0 && k < class_count) {
            counts[static_cast<std::size_t>(k)] += 1;
            total += 1;
        }
    }
    for (double& weight : counts) {
        weight = weight > 0 ? total / (class_count * weight) : 0.0;
    }
    return counts;
}

} // namespace tocsin
