/// @file fit_checks.hpp
/// @brief What all training loops check, and how they call policies and callbacks.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/training_step.hpp"

#include <cmath>
#include <concepts>
#include <type_traits>

namespace tocsin::detail {

/// Schedules and stopping rules may have a `check()`, as update rules must.
template <class Policy>
status check_policy(const Policy& policy) noexcept {
    if constexpr (requires {
                      { policy.check() } -> std::same_as<status>;
                  }) {
        return policy.check();
    } else {
        return {};
    }
}

/// Whether NaN in training windows says that a value is missing, or is a mistake.
enum class missing_values { refused, allowed };

/// Fails, naming the first value that training cannot use.
template <class Scalar>
status check_values(const windows<Scalar>& part, missing_values missing) {
    status outcome;
    part.for_each_covered_run([&](index_t first, index_t columns) {
        for (index_t col = first; col < first + columns && outcome.ok(); ++col) {
            for (index_t row = 0; row < part.features(); ++row) {
                const Scalar value = part.values()(row, col);
                if (std::isinf(value) ||
                    (std::isnan(value) && missing == missing_values::refused)) {
                    outcome = status::error(
                        error_code::invalid_data, "fit: feature ", row, " of sample ", col, " is ",
                        static_cast<double>(value), "; training needs finite samples",
                        missing == missing_values::allowed ? ", or NaN where a value is missing"
                                                           : "");
                    return;
                }
            }
        }
    });
    return outcome;
}

/// Fails if windows, unless there are none, do not fit a model or cannot be learned from.
template <class Scalar>
status check_windows(const windows<Scalar>& part, int features, missing_values missing) {
    if (part.empty()) {
        return {};
    }
    if (part.features() != features) {
        return status::error(error_code::invalid_argument, "fit: windows have ", part.features(),
                             " features, the model has ", features);
    }
    return check_values(part, missing);
}

/// Fails if there is nothing to learn from; for windows with and without labels.
template <class Windows>
status check_not_empty(const Windows& training) {
    return training.empty()
               ? status::error(error_code::invalid_data, "fit: there are no training windows")
               : status{};
}

inline status diverged(int epoch, const char* what, double value) {
    return status::error(error_code::invalid_data, "fit: training diverged in epoch ", epoch, ": ",
                         what, " is ", value, "; lower the learning rate");
}

/// Why an update was not made: its loss or the norm of its gradient is not finite.
inline status not_finite(int epoch, const step_outcome& outcome, const char* loss_name = "loss",
                         const char* norm_name = "gradient norm") {
    const bool finite_loss = std::isfinite(outcome.loss);
    return diverged(epoch, finite_loss ? norm_name : loss_name,
                    finite_loss ? outcome.gradient_norm : outcome.loss);
}

/// Calls a callback; false if it ends training.
template <class Callback, class Event>
bool notify(Callback& callback, const Event& event) {
    if constexpr (std::is_same_v<decltype(callback(event)), bool>) {
        return callback(event);
    } else {
        callback(event);
        return true;
    }
}

/// Tells a callback that asks for it of a batch; false if it ends training.
template <class Callback, class Event>
bool notify_batch(Callback& callback, const Event& event) {
    if constexpr (requires { callback.after_batch(event); }) {
        return callback.after_batch(event);
    } else {
        return true;
    }
}

} // namespace tocsin::detail
