/// @file stopping.hpp
/// @brief Rules that end training early.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/training/epochs_since_best.hpp"
#include "tocsin/training/history.hpp"

#include <concepts>
#include <span>

namespace tocsin {

/// `rule(history)` says after each epoch whether training ends. It depends only on the history, so
/// training resumed from a checkpoint stops where uninterrupted training does. If there is a
/// `check()`, which names the first setting out of range, it is called before training.
template <class Rule>
concept stopping_rule = requires(const Rule rule, std::span<const epoch_record> history) {
    { rule(history) } noexcept -> std::convertible_to<bool>;
};

/// Runs all epochs.
struct never_stop {
    static constexpr const char* kind = "never";
    /// Never.
    bool operator()(std::span<const epoch_record> /*history*/) const noexcept { return false; }
};

/// Ends when the validation RMSE has not fallen by more than `minimum_decrease` for `patience`
/// epochs.
struct early_stopping {
    static constexpr const char* kind = "early";
    int patience = 10;           ///< epochs, at least 1
    double minimum_decrease = 0; ///< in scaled units, not negative
    status check() const noexcept {
        if (patience < 1 || !(minimum_decrease >= 0)) {
            return status::error(error_code::invalid_argument, "early_stopping: patience ",
                                 patience, " and minimum decrease ", minimum_decrease,
                                 " must be at least 1 and 0");
        }
        return {};
    }
    /// Whether training ends after the last epoch of the history.
    bool operator()(std::span<const epoch_record> history) const noexcept {
        detail::epochs_since_best since_best(minimum_decrease);
        for (const epoch_record& record : history) {
            since_best.add(record.validation_rmse);
        }
        return since_best.count() >= patience;
    }
};

} // namespace tocsin
