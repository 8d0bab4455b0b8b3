/// @file scorer_archive.hpp
/// @brief What comparators share when they are saved and loaded.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/memory_claim.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/sample_window.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace tocsin::detail {

/// Largest number of features, samples or values that a loaded comparator may say it has.
inline constexpr int largest_loaded_size = 1 << 24;

/// Saves or loads a size; fails the archive, also when saving, where it is not in
/// [low, largest_loaded_size].
template <class Archive>
void exchange_size(Archive& archive, const char* caller, const char* name, int& size, int low) {
    archive.integer(name, size);
    if (archive.outcome().ok() && (size < low || size > largest_loaded_size)) {
        archive.fail(status::error(
            Archive::loading ? error_code::format_error : error_code::invalid_argument, caller,
            ": ", name, ' ', size, " must lie in [", low, ", ", largest_loaded_size, ']'));
    }
}

/// Saves or loads the number of features, 0 without a fit.
/// @return whether a fit follows
template <class Archive>
bool exchange_features(Archive& archive, const char* caller, int& features) {
    exchange_size(archive, caller, "features", features, 0);
    return archive.outcome().ok() && features > 0;
}

/// Saves or loads `[rows x cols]` numbers, which must lie in [low, high]: training values are bounded,
/// and so is what is learned from them. Memory is claimed before it is taken.
template <class Archive, class Matrix>
void exchange_numbers(Archive& archive, const char* caller, const char* name, Matrix& values,
                      index_t rows, index_t cols, double low = -largest_input,
                      double high = largest_input) {
    if constexpr (Archive::loading) {
        if (archive.outcome().ok()) {
            claim_memory(archive, name, checked_size(rows) * cols * sizeof(double));
        }
        if (!archive.outcome().ok()) {
            return;
        }
        values.setZero(rows, cols);
    }
    archive.matrix(name, values);
    if constexpr (Archive::loading) {
        for (index_t k = 0; k < values.size(); ++k) {
            const double value = values.data()[k];
            if (!(value >= low && value <= high)) {
                keep_if(archive,
                        status::error(error_code::format_error, caller, ": ", name, " holds ",
                                      value, " at position ", k, ", which no fit gives"));
            }
        }
    }
}

/// The same of numbers that divide, one for each feature: above 0.
template <class Archive, class Vector>
void exchange_scale(Archive& archive, const char* caller, const char* name, Vector& scale,
                    index_t size) {
    using numbers = std::numeric_limits<double>;
    exchange_numbers(archive, caller, name, scale, size, 1, numbers::min(), numbers::max());
}

/// Claims the memory of a history of so many bytes, which a loaded scorer is about to take once for
/// itself and once for a stream.
/// @return false where the archive has failed
template <class Archive>
bool claim_history(Archive& archive, checked_size bytes) {
    if (archive.outcome().ok()) {
        claim_memory(archive, "history", bytes * 2);
    }
    return archive.outcome().ok();
}

/// Saves or loads the samples before, and the newest one, whose missing values are replaced.
template <class Archive>
void exchange_history(Archive& archive, sample_window<double>& past, column<double>& sample) {
    archive.object("past", past);
    archive.matrix("sample", sample);
    keep_if_readable(
        archive, std::span<const double>(sample.data(), static_cast<std::size_t>(sample.size())));
}

} // namespace tocsin::detail
