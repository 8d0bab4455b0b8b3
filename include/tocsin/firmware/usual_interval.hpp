/// @file usual_interval.hpp
/// @brief The usual time from one sample to the next: one equation for streams on the host and watchers.
#pragma once

namespace tocsin::firmware::detail {

/// A longer time than so many usual intervals is a pause: ten, and half a step of what is learned, so
/// that rounding does not decide about ten of them.
inline constexpr float intervals_of_a_pause = 10.246951F;

/// Whether an interval is far below the usual one.
template <class Real>
constexpr bool is_far_below(Real interval, Real usual) noexcept {
    return Real(intervals_of_a_pause) * interval < usual;
}

/// A recursive median: an interval moves it by five per cent, if that brings it closer. So rounding, of
/// times or of products, does not move it. Far above what follows, as after a first stamp of 1970, it
/// is halved: within about 30 samples it is within a factor of ten.
/// @param usual    positive
/// @param interval positive
/// @return the usual interval from then on
template <class Real>
constexpr Real next_usual_interval(Real usual, Real interval) noexcept {
    constexpr Real step{1.05F};
    constexpr Real half_step{1.0246951F}; // its square root
    if (is_far_below(interval, usual)) {
        return usual / 2;
    }
    if (interval > usual * half_step) {
        return usual * step;
    }
    return interval * half_step < usual ? usual / step : usual;
}

} // namespace tocsin::firmware::detail
