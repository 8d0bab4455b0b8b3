/// @file sizes.hpp
/// @brief The measured sizes, also as template arguments.
#pragma once

#include "competitor.hpp"
#include <array>
#include <vector>

namespace tocsin_bench {

/// Input and hidden size of one layer.
inline constexpr std::array<std::array<int, 2>, 8> step_sizes{
    {{1, 8}, {1, 16}, {1, 32}, {8, 32}, {8, 64}, {38, 64}, {38, 128}, {1, 128}}};
/// Input size and the hidden sizes of two layers.
inline constexpr std::array<std::array<int, 3>, 3> stack_sizes{
    {{1, 32, 32}, {8, 64, 64}, {38, 128, 128}}};
/// Inputs and outputs of a dense layer.
inline constexpr std::array<std::array<int, 2>, 3> dense_sizes{{{32, 1}, {64, 8}, {128, 38}}};

namespace detail {
template <const auto& Table, std::size_t Row, class Visit>
job_pointer visit_row(const std::vector<int>& sizes, Visit&& visit) {
    if constexpr (Row < Table.size()) {
        constexpr auto row = Table[Row];
        if (std::vector<int>(row.begin(), row.end()) == sizes) {
            if constexpr (row.size() == 2) {
                return visit.template operator()<row[0], row[1]>();
            } else {
                return visit.template operator()<row[0], row[1], row[2]>();
            }
        }
        return visit_row<Table, Row + 1>(sizes, visit);
    } else {
        return nullptr;
    }
}
} // namespace detail

/// Calls `visit.template operator()<Inputs, Hidden...>()`; null for sizes that are not listed.
template <class Visit>
job_pointer with_step_sizes(int inputs, const std::vector<int>& hidden, Visit&& visit) {
    std::vector<int> sizes{inputs};
    sizes.insert(sizes.end(), hidden.begin(), hidden.end());
    job_pointer made = detail::visit_row<step_sizes, 0>(sizes, visit);
    return made ? std::move(made) : detail::visit_row<stack_sizes, 0>(sizes, visit);
}

/// Calls `visit.template operator()<Inputs, Outputs>()`; null for sizes that are not listed.
template <class Visit>
job_pointer with_dense_sizes(int inputs, int outputs, Visit&& visit) {
    return detail::visit_row<dense_sizes, 0>({inputs, outputs}, visit);
}

} // namespace tocsin_bench
