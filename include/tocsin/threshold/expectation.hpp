/// @file expectation.hpp
/// @brief The scale of expected false alarms, on which unlike scores can be compared.
#pragma once

#include <concepts>

namespace tocsin {

/// Rows that expected numbers of false alarms refer to.
inline constexpr double rows_of_expectation = 10000;

/// A rule that knows how many false alarms as high as a score are to be expected in 10 000 rows.
template <class Rule>
concept rule_with_expectation = requires(const Rule& rule, double score) {
    { rule.expected_false_alarms(score) } noexcept -> std::same_as<double>;
};

} // namespace tocsin
