/// @file update_rule.hpp
/// @brief The concept of an update rule (optimiser).
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

namespace tocsin {

namespace detail {
template <class Rule, class Scalar>
concept update_rule_over =
    requires(const Rule rule, std::span<Scalar> parameters, std::span<const Scalar> gradients,
             std::span<Scalar> state, std::int64_t step, double rate_factor) {
        { rule.check() } -> std::same_as<status>;
        { rule.state_size(index_t{}) } -> std::convertible_to<index_t>;
        { rule.update(parameters, gradients, state, step, rate_factor) } noexcept;
        { rule.learning_rate } -> std::convertible_to<double>;
    };
} // namespace detail

/// Hyper-parameters of an optimiser, apart from its per-run state, which the caller keeps.
///
/// `state_size(n)` scalars, all zero before the first update, belong to `n` parameters. `update`
/// changes the parameters in place: `step` counts from 1, `rate_factor` is the schedule's multiple
/// of the rule's learning rate. It is noexcept and never allocates. `check()` names the first
/// setting that is out of range.
/// @tparam Scalar of the model; when it is left out, double or float, whichever the rule takes
template <class Rule,
          class Scalar = std::conditional_t<detail::update_rule_over<Rule, double>, double, float>>
concept update_rule = detail::update_rule_over<Rule, Scalar>;

} // namespace tocsin
