/// @file journal_input.hpp
/// @brief Journals of a search from any bytes.
#pragma once

#include "tocsin/search/search_journal.hpp"
#include "tocsin/search/search_space.hpp"

#include "fuzz_input.hpp"
#include "scratch_file.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_fuzz {

inline const tocsin::search_space& attacked_space() {
    static const tocsin::search_space space = [] {
        tocsin::search_space made;
        made.add_log_real("rate", 1e-4, 1)
            .add_integer("si\"ze\n", 1, 64)
            .add_choice("kind", {"a,b", "c\\d"});
        return made;
    }();
    return space;
}
inline constexpr tocsin::search_settings attacked_search{
    .trials = 16, .parallel = 2, .seed = 3, .halving = {.first = 1, .factor = 3}};

inline const scratch_file& journal_scratch() {
    static const scratch_file scratch("journal");
    return scratch;
}

/// What a journal says is possible; what is added to it is there when it is opened again.
inline void open_journal(std::string_view content) {
    const scratch_file& scratch = journal_scratch();
    const tocsin::search_space& space = attacked_space();
    scratch.write(content);
    std::size_t before = 0;
    int next = 0;
    {
        auto journal = tocsin::search_journal::open(scratch.path(), space, attacked_search);
        if (!journal) {
            require(journal.error().message()[0] != '\0', "a journal is refused without a reason");
            require(scratch.read() == content, "a journal that is refused is changed");
            return;
        }
        before = journal->trials().size();
        require(before <= content.size() / 20, "trials from nowhere");
        for (const auto& trial : journal->trials()) {
            require(trial.number >= 0 && space.contains(trial.values), "a trial is impossible");
            next = std::max(next, trial.number + 1);
        }
        if (next < 1'000'000) {
            tocsin::search_trial added;
            added.number = next;
            added.values = {0.5, 7, 1};
            added.value = 0.125;
            added.reports.push_back({1, 0.25});
            added.outcome = tocsin::trial_outcome::finished;
            require(journal->keep(added).ok(), "a trial cannot be added");
            ++before;
        }
    }
    const auto again = tocsin::search_journal::open(scratch.path(), space, attacked_search);
    require(again.has_value() && again->trials().size() == before,
            "a journal is not what was written to it");
}

/// The line that the journal of this search begins with.
inline const std::string& journal_header() {
    static const std::string line = [] {
        const scratch_file scratch("journal_seed");
        const auto opened =
            tocsin::search_journal::open(scratch.path(), attacked_space(), attacked_search);
        require(opened.has_value(), "no journal to attack");
        return scratch.read();
    }();
    return line;
}

/// As it is, and as the lines below a right first one.
inline void journal(input bytes) {
    const std::string_view text = text_of(bytes);
    open_journal(text);
    open_journal(journal_header() + std::string{text});
}

/// Trials of each outcome.
inline std::string journal_seed() {
    const tocsin::search_space& space = attacked_space();
    std::string lines;
    for (int k = 0; k < 3; ++k) {
        tocsin::search_trial trial;
        trial.number = k;
        trial.values = {0.25, 3.0 + k, static_cast<double>(k % 2)};
        trial.value = 0.5 * k;
        trial.outcome = static_cast<tocsin::trial_outcome>(k);
        trial.reason = k == 2 ? "\"odd\"\tnumber" : "";
        trial.reports = {{1, 0.75}, {3, 0.5}};
        lines += tocsin::detail::line_of(trial, space) + '\n';
    }
    return lines;
}

} // namespace tocsin_fuzz
