/// @file schedules.hpp
/// @brief Learning-rate schedules: the factor on the learning rate in an epoch.
#pragma once

#include "tocsin/core/status.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>

namespace tocsin {

/// `schedule(epoch)` returns the factor for an epoch, counted from 0; finite and not negative. If
/// there is a `check()`, which names the first setting out of range, it is called before training.
template <class Schedule>
concept learning_rate_schedule = requires(const Schedule schedule, int epoch) {
    { schedule(epoch) } noexcept -> std::convertible_to<double>;
};

/// A constant rate.
struct constant_rate {
    static constexpr const char* kind = "constant";
    /// Always 1.
    constexpr double operator()(int /*epoch*/) const noexcept { return 1; }
};

/// Multiplies by `factor` once every `every` epochs.
struct step_decay {
    static constexpr const char* kind = "step";
    double factor = 0.5; ///< in (0, 1]
    int every = 10;      ///< at least 1
    status check() const noexcept {
        if (!(factor > 0 && factor <= 1) || every < 1) {
            return status::error(error_code::invalid_argument, "step_decay: factor ", factor,
                                 " and every ", every, " must be in (0, 1] and at least 1");
        }
        return {};
    }
    /// Multiple of the learning rate in an epoch, counted from 0.
    double operator()(int epoch) const noexcept { return std::pow(factor, epoch / every); }
};

/// Multiplies by `factor` every epoch.
struct exponential_decay {
    static constexpr const char* kind = "exponential";
    double factor = 0.95; ///< in (0, 1]
    status check() const noexcept {
        if (!(factor > 0 && factor <= 1)) {
            return status::error(error_code::invalid_argument, "exponential_decay: factor ", factor,
                                 " must be in (0, 1]");
        }
        return {};
    }
    /// Multiple of the learning rate in an epoch, counted from 0.
    double operator()(int epoch) const noexcept { return std::pow(factor, epoch); }
};

/// Linear rise over `warm_up` epochs, then half a cosine down to `final_factor` at `epochs`
/// (Loshchilov and Hutter 2017); stays there afterwards.
struct cosine_decay {
    static constexpr const char* kind = "cosine";
    int epochs = 100;        ///< epochs until the final factor is reached
    int warm_up = 0;         ///< fewer than `epochs`
    double final_factor = 0; ///< in [0, 1]
    status check() const noexcept {
        if (warm_up < 0 || warm_up >= epochs || !(final_factor >= 0 && final_factor <= 1)) {
            return status::error(error_code::invalid_argument, "cosine_decay: warm-up ", warm_up,
                                 ", epochs ", epochs, " and final factor ", final_factor,
                                 " must be in [0, epochs), at least 1 and in [0, 1]");
        }
        return {};
    }
    /// Multiple of the learning rate in an epoch, counted from 0.
    double operator()(int epoch) const noexcept {
        if (epoch < warm_up) {
            return (epoch + 1.0) / (warm_up + 1.0);
        }
        const double progress =
            std::min(1.0, static_cast<double>(epoch - warm_up) / std::max(1, epochs - warm_up));
        return final_factor +
               (1 - final_factor) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
    }
};

} // namespace tocsin
