/// @file reductions.hpp
/// @brief Sums over arrays, in double.
#pragma once

#include "tocsin/math/lanes.hpp"

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace tocsin {
namespace detail {

/// Element k goes into sum k modulo this number, on every path and target; the sums are then added
/// in halves. Sums of squares of floats, whose products are exact in double, therefore have the
/// same bits everywhere.
inline constexpr index_t partial_sums = 16;

inline double sum_of_halves(std::array<double, partial_sums>& sums) noexcept {
    for (std::size_t half = partial_sums / 2; half > 0; half /= 2) {
        for (std::size_t k = 0; k < half; ++k) {
            sums[k] += sums[k + half];
        }
    }
    return sums[0];
}

/// Adds the squares of `count` elements, starting with sum 0.
template <class Scalar>
void add_squares(const Scalar* values, index_t count,
                 std::array<double, partial_sums>& sums) noexcept {
    for (index_t k = 0; k < count; ++k) {
        const auto value = static_cast<double>(values[k]);
        double& sum = sums[static_cast<std::size_t>(k % partial_sums)];
        sum = multiply_add(value, value, sum);
    }
}

template <class Lanes, class Scalar, std::size_t... Part>
void add_squares_of_blocks(const Scalar* values, index_t blocks,
                           std::array<double, partial_sums>& sums,
                           std::index_sequence<Part...> /*parts*/) noexcept {
    using pack = typename Lanes::pack_type;
    constexpr auto width = static_cast<std::size_t>(Lanes::count);
    pack parts[] = {(static_cast<void>(Part), pack(0.0))...};
    for (index_t k = 0; k < blocks; ++k, values += partial_sums) {
        const auto add = [&](std::size_t part) {
            pack value;
            if constexpr (std::is_same_v<Scalar, float>) {
                value = pack(Lanes::load_floats(values + part * width));
            } else {
                value = pack(Lanes::load(values + part * width));
            }
            parts[part] = multiply_add(value, value, parts[part]);
        };
        (add(Part), ...);
    }
    (Lanes::store(sums.data() + Part * width, typename Lanes::register_type(parts[Part])), ...);
}

} // namespace detail

/// Sum of the squares of all elements, accumulated in double; NaN or infinite if an element is.
/// Never allocates.
template <int Width = widest_register, class Scalar>
double sum_of_squares(const Scalar* values, index_t count) noexcept {
    std::array<double, detail::partial_sums> sums{};
    index_t done = 0;
    using registers = lanes_of<double, Width>;
    if constexpr (registers::count > 1) {
        const index_t blocks = count / detail::partial_sums;
        detail::add_squares_of_blocks<registers>(
            values, blocks, sums,
            std::make_index_sequence<detail::partial_sums / registers::count>{});
        done = blocks * detail::partial_sums;
    }
    detail::add_squares(values + done, count - done, sums);
    return detail::sum_of_halves(sums);
}

/// Multiplies every element by a factor. Never allocates.
template <int Width = widest_register, class Scalar>
void scale(Scalar factor, Scalar* values, index_t count) noexcept {
    for_each_pack<lanes_of<Scalar, Width>>(
        count, [&](auto pack) { pack.store(values, pack.load(values) * factor); });
}

} // namespace tocsin
