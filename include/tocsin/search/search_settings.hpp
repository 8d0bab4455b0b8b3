/// @file search_settings.hpp
/// @brief How a search goes about it.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/search/search_space.hpp"
#include "tocsin/search/successive_halving.hpp"
#include "tocsin/training/run_fingerprint.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tocsin {

/// How trials are proposed.
enum class search_method : std::uint8_t {
    bayesian, ///< even points first, then expected improvement under a Gaussian process
    random    ///< uniform points, the comparator that every other method must beat
};

/// The method as text, for messages and files.
constexpr const char* name_of(search_method method) noexcept {
    return method == search_method::bayesian ? "bayesian" : "random";
}

/// What a search depends on besides the space and the objective. A search with the same seed and the
/// same number of parallel trials gives the same result, and so does one with fewer or more trials as
/// far as it goes.
struct search_settings {
    int trials = 40;                                ///< in all, at least 1
    int parallel = 1;                               ///< trials at once, each in a thread: 1 to 256
    std::uint64_t seed = 0;                         ///< of the proposals
    search_method method = search_method::bayesian; ///< how trials are proposed
    int initial = 0;                                ///< even points first; 0: see initial_points()
    successive_halving halving{};                   ///< stops hopeless trials that report

    /// Trials whose values do not depend on those before: as many as settings and 4 more, unless
    /// `initial` says how many.
    int initial_points(std::size_t settings) const noexcept {
        return initial > 0 ? initial : static_cast<int>(settings) + 4;
    }

    /// Names the first setting that is out of range.
    status check() const noexcept {
        constexpr int most = 100'000; // each costs at least the cube of those before
        if (trials < 1 || trials > most || parallel < 1 || parallel > 256 || initial < 0) {
            return status::error(error_code::invalid_argument, "search: ", trials, " trials, ",
                                 parallel, " at once, ", initial,
                                 " initial points; must be from 1 to ", most,
                                 ", from 1 to 256, and at least 0");
        }
        return halving.check();
    }

    /// What must be the same for a search to resume, in order. Allocates.
    void describe(run_fingerprint& facts) const {
        facts.add("method", name_of(method));
        facts.add("seed", std::to_string(seed));
        facts.add("trials at once", std::to_string(parallel));
        facts.add("initial points", std::to_string(initial));
        facts.add("halving", halving.first == 0 ? std::string{"none"}
                                                : "from " + std::to_string(halving.first) + " by " +
                                                      std::to_string(halving.factor));
    }
};

} // namespace tocsin
