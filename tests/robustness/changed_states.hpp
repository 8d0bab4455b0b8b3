/// @file changed_states.hpp
/// @brief Saved states with a number changed, loaded again: refused, or harmless.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"

#include <doctest/doctest.h>

#include "hostile_numbers.hpp"
#include "support/memory_archive.hpp"
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_test {

/// One number of a saved state and what it becomes.
struct change {
    const char* name;
    double value;
    int index = -1; ///< of a vector or a matrix in storage order; -1 for the last
};

/// Every one of the changes must be refused, with a message that holds the value.
template <class Object>
void check_refused(Object& object, const Object& fresh, const std::vector<change>& changes) {
    const auto saved = save(object);
    Object intact = fresh;
    const auto outcome = load(intact, saved);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    for (const auto& each : changes) {
        const char* const name = each.name;
        const double value = each.value;
        const int index = each.index;
        auto broken = saved;
        REQUIRE_MESSAGE(broken.contains(name), name);
        (index < 0 ? broken[name].back() : broken[name].at(static_cast<std::size_t>(index))) =
            value;
        Object loaded = fresh;
        const auto refused = load(loaded, broken);
        CHECK_MESSAGE(!refused.ok(), std::string{name}, " ", value);
        const auto shown = tocsin::status::error(tocsin::error_code::format_error, value);
        const auto whole =
            tocsin::status::error(tocsin::error_code::format_error,
                                  static_cast<std::int64_t>(std::abs(value) < 9e18 ? value : 0));
        const std::string_view message = refused.message();
        CHECK_MESSAGE((message.find(shown.message()) != std::string_view::npos ||
                       message.find(whole.message()) != std::string_view::npos),
                      std::string{name}, " ", value, ": ", std::string{message});
    }
}

/// Any number of the state may become any other one: it is refused, or the state is a possible one.
template <class Object, class Use>
void check_any_change(Object& object, const Object& fresh, Use&& use) {
    const auto saved = save(object);
    tocsin::random_generator random{11};
    int accepted = 0;
    int refused = 0;
    for (const auto& [name, values] : saved) {
        for (int trial = 0; trial < 60; ++trial) {
            auto broken = saved;
            if (values.empty()) {
                continue;
            }
            constexpr double usual[] = {-1, 0, 0.5, 1, 2, 3, 41, 1e3, 2147483647, 9007199254740992};
            broken[name][static_cast<std::size_t>(random() % values.size())] =
                trial < 10 ? usual[trial] : hostile_number(random);
            if (trial % 20 == 19) {
                broken[name].pop_back();
            }
            Object loaded = fresh;
            if (load(loaded, broken).ok()) {
                ++accepted;
                use(loaded);
            } else {
                ++refused;
                use(loaded); // also after a failure
            }
        }
    }
    CHECK(refused > 10 * static_cast<int>(saved.size()));
    CHECK(accepted > 0);
}

} // namespace tocsin_test
