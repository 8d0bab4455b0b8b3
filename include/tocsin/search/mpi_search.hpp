/// @file mpi_search.hpp
/// @brief A search whose trials run in several processes, by MPI. Not part of tocsin.hpp.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/search/journal_text.hpp"
#include "tocsin/search/search.hpp"
#include "tocsin/search/search_journal.hpp"
#include "tocsin/training/mpi_execution.hpp"
#include "tocsin/training/run_fingerprint.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <mpi.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {
namespace detail {

/// A trial_keeper with the trials of earlier runs in every process and a journal in the first one.
class mpi_trials {
  public:
    /// Opens the journal in the first process; without a path there is none.
    status open(const std::filesystem::path& path, const search_space& space,
                const search_settings& settings, const run_fingerprint& about, MPI_Comm processes) {
        int rank = 0;
        MPI_Comm_rank(processes, &rank);
        status opened;
        std::string lines;
        if (rank == 0 && !path.empty()) {
            auto journal = search_journal::open(path, space, settings, about);
            if (journal) {
                journal_ = *std::move(journal);
                for (const search_trial& trial : journal_->trials()) {
                    lines += line_of(trial, space) + '\n';
                }
            } else {
                opened = journal.error();
            }
        }
        opened = mpi_share_status(opened, 0, processes);
        mpi_share_content(lines, 0, processes);
        for (std::size_t first = 0; first < lines.size();) {
            const std::size_t end = lines.find('\n', first);
            auto trial = trial_of(std::string_view(lines).substr(first, end - first), space);
            if (trial && opened.ok()) {
                trials_.push_back(*std::move(trial));
            }
            first = end + 1;
        }
        return opened;
    }
    std::span<const search_trial> trials() const noexcept { return trials_; }
    status keep(const search_trial& trial) { return journal_ ? journal_->keep(trial) : status{}; }

  private:
    std::optional<search_journal> journal_;
    std::vector<search_trial> trials_;
};

} // namespace detail

/// The search of search(), with trials in the processes of an MPI communicator instead of threads:
/// in rounds of `settings.parallel` trials, of which process k modulo their number runs trial k. A
/// round begins when all processes have got the results of the one before. The outcome is that of
/// search() with the same settings, whatever the number of processes.
///
/// Every process calls it with the same arguments and gets the same result. When one dies, MPI ends
/// the others; what the journal holds need not be repeated, by any number of processes.
/// @param journal a file that the first process reads and writes (search_journal); empty: none
/// @param about   see search_journal::open()
/// @return as search(), what opening or writing the journal failed with, and `invalid_argument` without
///         MPI and for MPI_COMM_NULL. Allocates.
template <search_objective Objective>
result<search_outcome> mpi_search(const search_space& space, const search_settings& settings,
                                  Objective&& objective, const std::filesystem::path& journal = {},
                                  const run_fingerprint& about = {},
                                  MPI_Comm processes = MPI_COMM_WORLD) {
    for (const status& usable :
         {space.check(), settings.check(), detail::check_mpi("mpi_search", processes)}) {
        if (!usable.ok()) {
            return usable;
        }
    }
    detail::mpi_trials keeper;
    if (const status opened = keeper.open(journal, space, settings, about, processes);
        !opened.ok()) {
        return opened;
    }
    detail::search_run run(space, settings, objective, keeper);
    if (const status resumed = run.resume(); !resumed.ok()) {
        return resumed;
    }
    int rank = 0;
    int size = 1;
    MPI_Comm_rank(processes, &rank);
    MPI_Comm_size(processes, &size);
    const auto trials = static_cast<std::size_t>(settings.trials);
    const auto parallel = static_cast<std::size_t>(settings.parallel);
    for (std::size_t first = 0; first < trials; first += parallel) {
        const std::size_t end = std::min(first + parallel, trials);
        const auto owner = [&](std::size_t k) {
            return static_cast<int>(k % static_cast<std::size_t>(size));
        };
        std::vector<std::string> lines(parallel);
        for (std::size_t k = first; k < end; ++k) {
            if (!run.has_ended(k)) {
                running_trial trial = run.begin(k); // in every process: later ones depend on it
                if (owner(k) == rank) {
                    const result<double> returned = objective(trial);
                    lines[k - first] = detail::line_of(trial.end(returned), space);
                }
            }
        }
        for (std::size_t k = first; k < end; ++k) {
            if (!run.has_ended(k)) {
                std::string& line = lines[k - first];
                detail::mpi_share_content(line, owner(k), processes);
                auto ended = detail::trial_of(line, space);
                if (!ended) { // the same in every process, which all read the same line
                    return status::error(error_code::format_error, "mpi_search: trial ", k,
                                         " was sent as '", line, '\'');
                }
                run.end(*std::move(ended));
            }
        }
        if (const status kept = detail::mpi_share_status(run.failure(), 0, processes); !kept.ok()) {
            return kept;
        }
    }
    return run.outcome();
}

} // namespace tocsin
