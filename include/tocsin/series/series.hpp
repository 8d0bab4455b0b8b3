/// @file series.hpp
/// @brief Owning containers of samples: one long series, or many sequences of one length.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/series/windows.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin {

/// One recording: samples in time order, with the metadata of its file.
template <class Scalar>
struct series {
    matrix<Scalar> values;               ///< `[features x time]`
    std::vector<std::string> names;      ///< one per feature, or empty
    std::vector<std::string> timestamps; ///< one per time step as written, or empty
    std::vector<std::uint8_t> labels;    ///< one per time step, 1 = anomalous, or empty

    int features() const noexcept { return static_cast<int>(values.rows()); }
    /// The number of time steps.
    index_t time() const noexcept { return values.cols(); }
};

/// Many independent sequences of one length, stored one after the other.
template <class Scalar>
struct sequence_set {
    matrix<Scalar> values;            ///< `[features x (length * count)]`
    int length = 0;                   ///< time steps of each sequence
    std::vector<std::uint8_t> labels; ///< one per sequence, 1 = anomalous, or empty

    int features() const noexcept { return static_cast<int>(values.rows()); }
    /// The number of sequences.
    index_t count() const noexcept { return length == 0 ? 0 : values.cols() / length; }

    /// Sequence `k` as `[features x length]`.
    matrix_view<const Scalar> sequence(index_t k) const noexcept {
        return {values.data() + k * length * values.rows(), values.rows(), length};
    }
    /// The same, to be written to.
    matrix_view<Scalar> sequence(index_t k) noexcept {
        return {values.data() + k * length * values.rows(), values.rows(), length};
    }

    /// Each sequence as one window. This set must outlive the result.
    tocsin::windows<Scalar> windows() const {
        std::vector<index_t> first_columns;
        first_columns.reserve(static_cast<std::size_t>(count()));
        for (index_t k = 0; k < count(); ++k) {
            first_columns.push_back(k * length);
        }
        return {{values.data(), values.rows(), values.cols()}, std::move(first_columns), length};
    }
};

} // namespace tocsin
