/// @file pytorch_problems.hpp
/// @brief What keeps a state_dict from being loaded, as text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// What tocsin's LSTM does not compute, by the names that PyTorch gives its tensors.
inline std::string_view pytorch_hint(std::string_view name) noexcept {
    if (name.find("weight_hr_l") != std::string_view::npos) {
        return " (a projection, proj_size > 0, is not supported)";
    }
    if (name.ends_with("_reverse")) {
        return " (of a bidirectional LSTM, which the model is not)";
    }
    if (name.ends_with("num_batches_tracked") || name.ends_with("running_mean")) {
        return " (of a batch normalisation, which the model has not)";
    }
    return "";
}

/// The kind of a problem: those that explain the most have the smallest number.
inline std::size_t kind_of_problem(std::string_view problem) noexcept {
    constexpr std::string_view telling[] = {"not supported)", ", which the model ", "' is missing",
                                            "' has shape "};
    const auto* const found =
        std::find_if(std::begin(telling), std::end(telling), [&](std::string_view part) {
            return problem.find(part) != std::string_view::npos;
        });
    return static_cast<std::size_t>(found - std::begin(telling));
}
/// The problems in one line that fits into a status behind the longest shown_name(): the first of
/// each kind leads, and those without room are counted.
inline std::string joined(const std::vector<std::string>& problems) {
    constexpr std::size_t room = 190;
    std::vector<std::pair<std::size_t, const std::string*>> ordered; // a kind, then all others
    constexpr std::size_t later = 8;
    std::size_t seen = 0; // a bit per kind
    for (const std::string& problem : problems) {
        const std::size_t kind = kind_of_problem(problem);
        const bool first = ((seen >> kind) & 1U) == 0;
        seen |= std::size_t{1} << kind;
        ordered.emplace_back(first ? kind : later, &problem);
    }
    std::sort(ordered.begin(), ordered.end()); // by kind, then in the order of the problems
    std::string text;
    for (std::size_t k = 0; k < ordered.size(); ++k) {
        const std::string& problem = *ordered[k].second;
        if (k > 0 && text.size() + problem.size() > room) {
            return text + "; and " + std::to_string(ordered.size() - k) + " more";
        }
        text += (text.empty() ? "" : "; ") + problem;
    }
    return text;
}

} // namespace tocsin::detail
