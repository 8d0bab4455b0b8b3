/// @file any_schedule.hpp
/// @brief Learning-rate schedule that is chosen at run time.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/training/schedules.hpp"

#include <variant>

namespace tocsin_cli {

/// One of the library's schedules (concept tocsin::learning_rate_schedule).
struct any_schedule {
    std::variant<tocsin::constant_rate, tocsin::step_decay, tocsin::exponential_decay,
                 tocsin::cosine_decay>
        schedule;

    tocsin::status check() const noexcept {
        return std::visit(
            [](const auto& inner) {
                if constexpr (requires { inner.check(); }) {
                    return inner.check();
                } else {
                    return tocsin::status{};
                }
            },
            schedule);
    }
    double operator()(int epoch) const noexcept {
        return std::visit([&](const auto& inner) { return double{inner(epoch)}; }, schedule);
    }
};

static_assert(tocsin::learning_rate_schedule<any_schedule>);

} // namespace tocsin_cli
