/// @file model_parts.hpp
/// @brief Shared operations on the parts (layers) of a model: checking, naming, describing to an
/// archive.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"

#include <cstdio>
#include <initializer_list>

namespace tocsin::detail {

/// The first failure of a list of checks, or success.
inline status first_failure(std::initializer_list<status> checks) noexcept {
    for (const status& check : checks) {
        if (!check.ok()) {
            return check;
        }
    }
    return {};
}

/// Fails, naming both sizes, unless two parts of a model fit together.
inline status require_equal(const char* model, const char* what, int one, int other) noexcept {
    return one == other ? status{}
                        : status::error(error_code::invalid_argument, model, ": ", what, ": ", one,
                                        " and ", other, " differ");
}

/// Takes a sequence from a work area.
template <class Scalar>
sequence_view<Scalar> take_sequence(work_area<Scalar>& rest, int features, int batch,
                                    int time) noexcept {
    return {rest.take(index_t{features} * batch * time).data(), features, batch, time};
}

/// Visits the parameter blocks of a part that starts at `first`, as `part.block`.
template <class Visit, class Part>
void visit_part(Visit& visit, const char* name, index_t first, const Part& part) {
    part.for_each_parameter_block(
        [&](const char* block, index_t offset, index_t rows, index_t cols) {
            char full_name[48];
            std::snprintf(full_name, sizeof full_name, "%s.%s", name, block);
            visit(static_cast<const char*>(full_name), first + offset, rows, cols);
        });
}

/// Describes a part to an archive under its name.
template <class Archive, class Part>
void exchange_part(Archive& archive, const char* name, Part& part) {
    const auto scope = archive.scope(name);
    part.exchange(archive);
}

} // namespace tocsin::detail
