/// @file parameter_archive.hpp
/// @brief How detectors describe a model's parameters to an archive.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/memory_bounds.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace tocsin::detail {

/// Saves or loads the parameters, block by block, as tensors with their names.
/// @param all the parameters, const for saving
template <class Archive, class Model, class Scalar>
void exchange_parameters(Archive& archive, const Model& model, std::span<Scalar> all) {
    const auto scope = archive.scope("parameters");
    model.for_each_parameter_block(
        [&](const char* name, index_t offset, index_t rows, index_t cols) {
            // Column-major here, row-major there: the shape is written transposed.
            const auto block = slice(all, offset, rows * cols);
            archive.tensor(name, block, {cols, rows});
            if constexpr (Archive::loading) {
                // Those of batch_norm; a negative one would make every output NaN.
                const bool variances = std::string_view(name).ends_with("variance");
                for (std::size_t k = 0; variances && k < block.size(); ++k) {
                    if (archive.outcome().ok() && !(block[k] >= 0)) {
                        archive.fail(status::error(error_code::format_error, "'parameters.", name,
                                                   "' has a variance of ",
                                                   static_cast<double>(block[k])));
                    }
                }
            }
        });
}

/// Fails unless a file that is being loaded has each block in the shape that the model implies,
/// before memory is taken for them.
template <class Archive, class Model>
void check_parameter_shapes(Archive& archive, const Model& model) {
    const auto scope = archive.scope("parameters");
    model.for_each_parameter_block(
        [&](const char* name, index_t /*offset*/, index_t rows, index_t cols) {
            matrix<typename Model::scalar_type> block; // takes the shape in the file
            archive.matrix(name, block);
            if (archive.outcome().ok() && (block.rows() != rows || block.cols() != cols)) {
                archive.fail(status::error(error_code::format_error, "'parameters.", name,
                                           "' has shape [", block.cols(), ", ", block.rows(),
                                           "], expected [", cols, ", ", rows, "]"));
            }
        });
}

/// Refuses a window whose pass through the model, a stream's samples included, is more than can be
/// addressed: sums of its sizes would wrap.
template <class Model>
status check_pass(const Model& model, int window) {
    constexpr int copies = 16; // of samples in double: state, scratch, errors
    const auto bytes = memory_of_pass(model, window) +
                       checked_size(model.features()) * window * copies * sizeof(double);
    return bytes.valid() ? status{}
                         : status::error(error_code::format_error, "windows of ", window,
                                         " samples of ", model.features(),
                                         " features need more memory than can be addressed");
}

} // namespace tocsin::detail
