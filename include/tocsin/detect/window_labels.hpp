/// @file window_labels.hpp
/// @brief Labels of windows from the labels of samples.
#pragma once

#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// One label per window: 1 when one of its scored steps is anomalous.
/// @param sample_labels one per column of `source.values()`, nonzero = anomalous;
///                      `invalid_argument` for another number
template <class Scalar>
result<std::vector<std::uint8_t>> window_labels(const windows<Scalar>& source,
                                                std::span<const std::uint8_t> sample_labels,
                                                scored_steps scored) {
    if (static_cast<index_t>(sample_labels.size()) != source.values().cols()) {
        return status::error(error_code::invalid_argument, "window_labels: ", sample_labels.size(),
                             " labels for ", source.values().cols(), " samples");
    }
    const int count = scored == scored_steps::all ? source.length() : 1;
    std::vector<std::uint8_t> labels;
    labels.reserve(static_cast<std::size_t>(source.count()));
    for (index_t k = 0; k < source.count(); ++k) {
        const auto end = sample_labels.begin() + source.first_column(k) + source.length();
        labels.push_back(std::any_of(end - count, end, [](auto label) { return label != 0; }));
    }
    return labels;
}

} // namespace tocsin
