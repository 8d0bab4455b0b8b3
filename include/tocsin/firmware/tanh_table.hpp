/// @file tanh_table.hpp
/// @brief tanh in integers, by a table.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"

namespace tocsin::firmware::detail {

// clang-format off
/// min(32767, round(32768 tanh(k / 32))).
inline constexpr int16_t tanh_table[] = {
    0, 1024, 2045, 3063, 4075, 5079, 6073, 7056, 8025, 8980, 9919, 10840, 11743, 12625, 13486,
    14326, 15143, 15936, 16706, 17452, 18173, 18870, 19542, 20189, 20813, 21411, 21986, 22538,
    23066, 23571, 24054, 24516, 24956, 25376, 25776, 26157, 26519, 26864, 27191, 27502, 27797,
    28076, 28341, 28592, 28830, 29055, 29268, 29470, 29660, 29840, 30010, 30170, 30322, 30465,
    30600, 30727, 30847, 30960, 31067, 31167, 31262, 31351, 31435, 31515, 31589, 31659, 31726,
    31788, 31846, 31901, 31953, 32002, 32048, 32091, 32132, 32170, 32206, 32240, 32271, 32301,
    32329, 32356, 32381, 32404, 32426, 32447, 32466, 32484, 32501, 32517, 32532, 32547, 32560,
    32573, 32584, 32596, 32606, 32616, 32625, 32634, 32642, 32649, 32657, 32663, 32670, 32676,
    32681, 32686, 32691, 32696, 32700, 32704, 32708, 32712, 32715, 32718, 32721, 32724, 32727,
    32729, 32732, 32734, 32736, 32738, 32740, 32741, 32743, 32745, 32746, 32747, 32749, 32750,
    32751, 32752, 32753, 32754, 32755, 32755, 32756, 32757, 32758, 32758, 32759, 32759, 32760,
    32760, 32761, 32761, 32762, 32762, 32762, 32763, 32763, 32763, 32764, 32764, 32764, 32764,
    32765, 32765, 32765, 32765, 32765, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767};
// clang-format on

/// 32768 tanh(x) for x >= 0, between the entries of the table on a straight line: within 4.4 units,
/// 1.4e-4.
/// @tparam Fraction bits of x behind the point
template <int Fraction>
TOCSIN_FIRMWARE_INLINE int32_t tanh_of_positive(int32_t x) noexcept {
    constexpr int step = Fraction - 5; // 1 / 32
    constexpr int last = 256;
    const int32_t at = x >> step;
    if (__builtin_expect(static_cast<long>(at >= last), 0L) != 0) {
        return tanh_table[last];
    }
    const int32_t begin = tanh_table[at];
    const int32_t rise = tanh_table[at + 1] - begin;
    const int32_t part = x & ((1 << step) - 1);
    return begin + ((rise * part + (1 << (step - 1))) >> step);
}

/// 32768 tanh(x).
template <int Fraction>
TOCSIN_FIRMWARE_INLINE int32_t fixed_tanh(int32_t x) noexcept {
    return x < 0 ? -tanh_of_positive<Fraction>(-x) : tanh_of_positive<Fraction>(x);
}
/// 32768 / (1 + exp(-x)), at most 32767: (1 + tanh(x / 2)) / 2.
template <int Fraction>
TOCSIN_FIRMWARE_INLINE int32_t fixed_sigmoid(int32_t x) noexcept {
    return (32768 + fixed_tanh<Fraction + 1>(x)) >> 1;
}

} // namespace tocsin::firmware::detail
