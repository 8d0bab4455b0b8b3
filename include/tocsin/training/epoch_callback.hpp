/// @file epoch_callback.hpp
/// @brief The concept of what training calls after each epoch.
#pragma once

#include <concepts>

namespace tocsin {

namespace detail {
template <class Result>
concept nothing_or_bool = std::same_as<Result, void> || std::same_as<Result, bool>;
} // namespace detail

/// `callback(event)` is called after each epoch, in the thread that called fit(). It returns nothing,
/// or a bool: false ends training. Other results are refused, as nobody would read them. The event
/// and what it refers to are valid during the call only. A callback may also have
/// `bool after_batch(const batch_event&)`, which is called after each batch; false ends training in
/// the middle of an epoch.
template <class Callback, class Event>
concept epoch_callback = requires(Callback& callback, const Event& event) {
    { callback(event) } -> detail::nothing_or_bool;
};

} // namespace tocsin
