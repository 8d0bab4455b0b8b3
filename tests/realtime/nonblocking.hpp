/// @file nonblocking.hpp
/// @brief Calls that RealtimeSanitizer checks, and what is needed for them.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/core/random.hpp"

#include <cstddef>
#include <limits>
#include <vector>

namespace tocsin_test {

inline constexpr bool is_checked =
#if defined(__has_feature)
#if __has_feature(realtime_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

/// Everything that the function calls is checked.
template <class Function>
void must_not_block(Function&& function) noexcept TOCSIN_NONBLOCKING {
    function();
}

inline constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

inline std::vector<double> normal_scores(std::size_t count) {
    tocsin::random_generator random{5};
    std::vector<double> scores(count);
    for (double& score : scores) {
        score = random.normal();
    }
    return scores;
}

} // namespace tocsin_test
