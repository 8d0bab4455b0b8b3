/// @file filling.hpp
/// @brief Missing values: which windows have short holes only, and what to read in their place.
#pragma once

#include "tocsin/core/bits.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// What is read where values are missing.
enum class hole_filling : std::uint8_t {
    last,  ///< the value before the hole, as on a stream; the mean before the first value
    linear ///< between the value before and the one after it
};

namespace detail {

inline constexpr std::uint32_t filling_mask = 0xFFF;
inline constexpr std::uint32_t filling_mark = 0xA5A;

/// Whether a value was filled in: its last twelve bits say so, which survives any copying.
template <class Scalar>
bool is_filled(Scalar value) noexcept {
    return (std::bit_cast<bits_of<Scalar>>(value) & filling_mask) == filling_mark;
}
/// A value with the mark of one that was filled in; it changes by a relative 3.2e-4 at most, or by
/// 1e-30 (float; double: 1e-12, 1e-300).
template <class Scalar>
Scalar marked_as_filled(Scalar value) noexcept {
    constexpr Scalar tiny = sizeof(Scalar) == 4 ? Scalar(1e-30) : Scalar(1e-300);
    using bits = bits_of<Scalar>;
    const bits plain = std::bit_cast<bits>(std::abs(value) < tiny ? tiny : value);
    return std::bit_cast<Scalar>((plain & ~bits{filling_mask}) | bits{filling_mark});
}
/// An observed value that has the mark by accident, changed in its last bit.
template <class Scalar>
Scalar marked_as_observed(Scalar value) noexcept {
    return is_filled(value)
               ? std::bit_cast<Scalar>(std::bit_cast<bits_of<Scalar>>(value) ^ bits_of<Scalar>{1})
               : value;
}

/// Calls `visit(first, count)` for each run of columns of which neighbours share a window, so that a
/// seam between two recordings separates runs, also where windows only touch:
/// windows::for_each_linked_run() joins those. Allocates.
template <class Scalar, class Visit>
void for_each_joined_run(const windows<Scalar>& covered, Visit&& visit) {
    const auto columns = static_cast<std::size_t>(covered.values().cols());
    std::vector<std::int32_t> joins(columns + 1, 0); // windows that begin minus those that end
    std::vector<bool> begins(columns + 1, false);
    for (const index_t first : covered.first_columns()) {
        const auto at = static_cast<std::size_t>(first);
        begins[at] = true;
        ++joins[at + 1];
        --joins[at + static_cast<std::size_t>(covered.length())];
    }
    std::int32_t joined = 0; // windows that hold this column and the one before
    index_t first = -1;
    for (std::size_t k = 0; k <= columns; ++k) {
        joined += joins[k];
        if (joined > 0) {
            continue;
        }
        if (first >= 0) {
            visit(first, static_cast<index_t>(k) - first);
        }
        first = k < columns && begins[k] ? static_cast<index_t>(k) : -1;
    }
}

/// The values of some columns, one after the other.
template <class Scalar>
std::span<const Scalar> values_of_columns(const windows<Scalar>& covered, index_t first,
                                          index_t count) noexcept {
    const index_t features = covered.values().rows();
    return {covered.values().data() + first * features, static_cast<std::size_t>(count * features)};
}

} // namespace detail

/// Whether a value is missing in the columns that windows cover.
template <class Scalar>
bool has_missing(const windows<Scalar>& covered) {
    bool found = false;
    covered.for_each_covered_run([&](index_t first, index_t count) {
        const auto values = detail::values_of_columns(covered, first, count);
        found = found || std::any_of(values.begin(), values.end(),
                                     [](Scalar value) { return std::isnan(value); });
    });
    return found;
}

/// Whether any value is there in the columns that windows cover.
template <class Scalar>
bool has_observed(const windows<Scalar>& covered) {
    bool found = false;
    covered.for_each_covered_run([&](index_t first, index_t count) {
        const auto values = detail::values_of_columns(covered, first, count);
        found = found || !std::all_of(values.begin(), values.end(),
                                      [](Scalar value) { return std::isnan(value); });
    });
    return found;
}

/// Fills the missing values (NaN) of one feature in a run of samples. A hole at the end takes the last
/// value; one at the start the first value, or with hole_filling::last, which never looks ahead,
/// `otherwise`. Never allocates.
/// @param values    the first value of the feature
/// @param count     samples
/// @param stride    from one sample's value to the next
/// @param otherwise what is read where no value can be taken
/// @param mark      called for each value that is filled in, as `mark(value)`; its result is stored
template <class Scalar, class Mark>
void fill_run(Scalar* values, index_t count, index_t stride, hole_filling filling, Scalar otherwise,
              Mark&& mark) noexcept {
    const bool looks_ahead = filling == hole_filling::linear;
    index_t known = -1; // the last that is not missing
    for (index_t k = 0; k <= count; ++k) {
        if (k < count && std::isnan(values[k * stride])) {
            continue;
        }
        const Scalar before = known >= 0                 ? values[known * stride]
                              : k < count && looks_ahead ? values[k * stride]
                                                         : otherwise;
        const Scalar after = k < count && looks_ahead ? values[k * stride] : before;
        for (index_t hole = known + 1; hole < k; ++hole) {
            const Scalar share = static_cast<Scalar>(hole - known) / static_cast<Scalar>(k - known);
            values[hole * stride] = mark(before + share * (after - before));
        }
        known = k;
    }
}

/// A copy of samples in which nothing is missing for a model to read; filled values are marked, so
/// that a loss can leave them out (training/observed_loss.hpp). Allocates.
template <class Scalar>
matrix<Scalar> filled_samples(const windows<Scalar>& covered, hole_filling filling) {
    matrix<Scalar> filled = covered.values();
    const index_t features = filled.rows();
    for (index_t k = 0; k < filled.size(); ++k) {
        Scalar& value = filled.data()[k];
        value = detail::marked_as_observed(value);
    }
    for (index_t f = 0; f < features; ++f) {
        double sum = 0;
        double count = 0;
        for (index_t t = 0; t < filled.cols(); ++t) {
            const auto value = static_cast<double>(filled(f, t));
            sum += std::isfinite(value) ? value : 0;
            count += std::isfinite(value) ? 1 : 0;
        }
        const auto mean = static_cast<Scalar>(count > 0 ? sum / count : 0);
        detail::for_each_joined_run(covered, [&](index_t first, index_t columns) {
            fill_run(filled.data() + first * features + f, columns, features, filling, mean,
                     [](Scalar value) { return detail::marked_as_filled(value); });
        });
    }
    return filled;
}

/// Whether no feature of a window, `[features x length]`, misses more than `longest` samples in a
/// row, and at least half of all values are there. Never allocates.
template <class Derived>
bool has_short_holes_only(const Eigen::MatrixBase<Derived>& window, int longest) noexcept {
    index_t missing = 0;
    for (index_t f = 0; f < window.rows(); ++f) {
        int run = 0;
        for (index_t t = 0; t < window.cols(); ++t) {
            run = std::isnan(window(f, t)) ? run + 1 : 0;
            missing += run > 0 ? 1 : 0;
            if (run > longest) {
                return false;
            }
        }
    }
    return 2 * missing <= window.size();
}

} // namespace tocsin
