/// @file fit_checks.hpp
/// @brief What all training loops check, and how they call policies and callbacks.
#pragma once

#include "tocsin/core/function_ref.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/epoch_event.hpp"
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

/// What an update rule says of its state, which may have been loaded, where it has check_state().
template <class Optimiser, class Scalars>
status check_optimiser_state(const Optimiser& optimiser, const Scalars& state) noexcept {
    using scalar = typename Scalars::value_type;
    if constexpr (requires { optimiser.check_state(std::span<const scalar>(state)); }) {
        return optimiser.check_state(std::span<const scalar>(state));
    } else {
        return {};
    }
}

/// Fails if a state that was trained in a number of shards would go on in another one: the order of
/// sums and the dropout masks would differ from those of an uninterrupted run.
template <class State>
status check_shards(const State& state, int shards) noexcept {
    return state.shards == 0 || state.shards == shards
               ? status{}
               : status::error(error_code::invalid_argument, "fit: the state was trained in ",
                               state.shards, " shards (threads), this run has ", shards,
                               ", which would give other bits; set its shards to 0 to go on all "
                               "the same");
}

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

/// A callback that stands for any others, so that what trains a detector is compiled once, whatever
/// listens to it. It must not outlive them.
template <class Scalar>
class training_observer {
  public:
    /// @param after_epoch,after_batch return false to end training
    training_observer(function_ref<bool(const epoch_event<Scalar>&)> after_epoch,
                      function_ref<bool(const batch_event&)> after_batch) noexcept
        : after_epoch_{after_epoch}, after_batch_{after_batch} {}
    bool operator()(const epoch_event<Scalar>& event) const { return after_epoch_(event); }
    bool after_batch(const batch_event& event) const { return after_batch_(event); }

  private:
    function_ref<bool(const epoch_event<Scalar>&)> after_epoch_;
    function_ref<bool(const batch_event&)> after_batch_;
};

/// Calls `train(observer)` with one that tells all callbacks, and returns what that returns.
template <class Scalar, class Train, class... Callbacks>
auto observed_by(Train&& train, Callbacks&... callbacks) {
    const auto after_epoch = [&]([[maybe_unused]] const epoch_event<Scalar>& event) {
        bool going = true;
        ((going = notify(callbacks, event) && going), ...);
        return going;
    };
    const auto after_batch = [&]([[maybe_unused]] const batch_event& event) {
        bool going = true;
        ((going = notify_batch(callbacks, event) && going), ...);
        return going;
    };
    return train(training_observer<Scalar>(after_epoch, after_batch));
}

} // namespace tocsin::detail
