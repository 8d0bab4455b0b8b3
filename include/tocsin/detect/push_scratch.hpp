/// @file push_scratch.hpp
/// @brief The memory in which a detector computes the verdict of one sample.
#pragma once

#include "tocsin/core/views.hpp"

#include <cstddef>
#include <span>

namespace tocsin::detail {

/// Where push() computes, cut out of memory on the stack or in the stream.
template <class Scalar>
struct push_scratch {
    Scalar* observed; ///< `[features]`
    std::span<Scalar> work;
    double* errors;           ///< of all vectors
    std::span<double> scores; ///< of all vectors

    push_scratch(Scalar* observed_values, std::span<Scalar> work_area, double* error_vectors,
                 std::span<double> vector_scores) noexcept
        : observed{observed_values}, work{work_area}, errors{error_vectors}, scores{vector_scores} {
    }
    template <class Learned>
    push_scratch(const Learned& learned, std::byte* memory) noexcept {
        const auto& source = learned.source;
        const index_t vectors = source.vectors();
        errors = reinterpret_cast<double*>(memory);
        double* const after = errors + vectors * source.vector_size();
        scores = {after, static_cast<std::size_t>(vectors)};
        observed = reinterpret_cast<Scalar*>(after + vectors);
        work = {observed + source.features(), static_cast<std::size_t>(source.work_size())};
    }
};

} // namespace tocsin::detail
