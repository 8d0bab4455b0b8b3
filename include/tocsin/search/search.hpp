/// @file search.hpp
/// @brief The search: proposes trials, runs them on threads, keeps what came of them.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/search/propose.hpp"
#include "tocsin/search/running_trial.hpp"
#include "tocsin/search/search_settings.hpp"
#include "tocsin/search/search_space.hpp"
#include "tocsin/search/search_trial.hpp"
#include "tocsin/training/data_parallel.hpp"

#include <algorithm>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Keeps trials from one run of a search to the next: `trials()` returns the earlier ones, in any
/// order, and `keep(trial)` is called once for each trial that ends, by one thread at a time. A
/// failure of keep() ends the search.
template <class Keeper>
concept trial_keeper = requires(Keeper& keeper, const search_trial& trial) {
    { keeper.trials() } -> std::convertible_to<std::span<const search_trial>>;
    { keeper.keep(trial) } -> std::same_as<status>;
};

/// Keeps nothing: a search that is over when the program is.
struct no_journal {
    /// None.
    std::span<const search_trial> trials() const noexcept { return {}; }
    /// Always a success.
    status keep(const search_trial& /*trial*/) noexcept { return {}; }
};

/// What a search has found.
struct search_outcome {
    std::vector<search_trial> trials; ///< by number
    std::size_t best = 0;             ///< position of the lowest value among trials that finished

    /// The trial with the lowest value.
    const search_trial& best_trial() const noexcept { return trials[best]; }
};

namespace detail {

/// Trials that run and those that have ended. Trial n is proposed when all up to n - parallel have
/// ended, from what those have shown; the others are pending, even if they have ended, too. So what
/// is proposed does not depend on which thread was faster.
template <class Objective, class Keeper>
class search_run {
  public:
    search_run(const search_space& space, const search_settings& settings, Objective& objective,
               Keeper& keeper)
        : space_{space}, settings_{settings}, objective_{objective}, keeper_{keeper},
          trials_(static_cast<std::size_t>(settings.trials)), ended_(trials_.size(), 0) {}

    /// Takes over the trials of an earlier run.
    status resume() {
        for (const search_trial& trial : keeper_.trials()) {
            if (trial.number < 0 || !space_.contains(trial.values)) {
                return status::error(error_code::format_error, "search: trial ", trial.number,
                                     " of an earlier run is not of this space");
            }
            const auto at = static_cast<std::size_t>(trial.number);
            if (at < trials_.size()) {
                trials_[at] = trial;
                ended_[at] = 1;
            }
        }
        return {};
    }

    /// Runs trials until none is left: one thread of several.
    void work() {
        std::unique_lock lock(mutex_);
        while (next_ < trials_.size() && failure_.ok()) {
            const auto before = ended_.begin() + static_cast<std::ptrdiff_t>(known_at(next_));
            if (std::find(ended_.begin(), before, 0) != before) {
                changed_.wait(lock);
                continue;
            }
            const std::size_t now = next_++;
            if (has_ended(now)) {
                changed_.notify_all();
                continue;
            }
            running_trial trial = begin(now);
            changed_.notify_all();
            lock.unlock();
            const result<double> returned = objective_(trial);
            search_trial ended = trial.end(returned);
            lock.lock();
            end(std::move(ended));
            changed_.notify_all();
        }
    }

    /// Whether a trial has ended, perhaps in an earlier run.
    bool has_ended(std::size_t number) const noexcept { return ended_[number] != 0; }
    /// Why no further trial should begin.
    const status& failure() const noexcept { return failure_; }
    /// Proposes the values of a trial. All trials that it depends on have ended.
    running_trial begin(std::size_t now) {
        const std::size_t known = known_at(now);
        const std::span<const search_trial> others(trials_.data(), known);
        std::vector<std::vector<double>> pending;
        for (std::size_t k = known; k < now; ++k) {
            pending.push_back(trials_[k].values);
        }
        trials_[now].values = propose(space_, settings_, static_cast<int>(now), others, pending);
        return {space_, static_cast<int>(now), trials_[now].values, settings_.halving, others};
    }
    /// Keeps a trial.
    void end(search_trial ended) {
        if (failure_.ok()) {
            failure_ = keeper_.keep(ended);
        }
        const auto number = static_cast<std::size_t>(ended.number);
        trials_[number] = std::move(ended);
        ended_[number] = 1;
    }

    result<search_outcome> outcome() {
        if (!failure_.ok()) {
            return failure_;
        }
        search_outcome found{std::move(trials_)};
        const auto end = found.trials.end();
        const auto best = std::min_element(
            found.trials.begin(), end, [](const search_trial& a, const search_trial& b) {
                const bool finished = a.outcome == trial_outcome::finished;
                return b.outcome == trial_outcome::finished ? finished && a.value < b.value
                                                            : finished;
            });
        if (best->outcome != trial_outcome::finished) {
            return status::error(error_code::invalid_data, "search: none of ", found.trials.size(),
                                 " trials finished; the first one ",
                                 name_of(found.trials.front().outcome), ": ",
                                 found.trials.front().reason);
        }
        found.best = static_cast<std::size_t>(best - found.trials.begin());
        return found;
    }

  private:
    /// The trials before this number have ended when trial `now` is proposed.
    std::size_t known_at(std::size_t now) const noexcept {
        const auto parallel = static_cast<std::size_t>(settings_.parallel);
        return now + 1 > parallel ? now + 1 - parallel : 0;
    }

    const search_space& space_;
    const search_settings& settings_;
    Objective& objective_;
    Keeper& keeper_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<search_trial> trials_; ///< never reallocated: running trials look at those before
    std::vector<char> ended_;
    std::size_t next_ = 0; ///< the next one to propose
    status failure_;
};

} // namespace detail

/// Makes an objective small over a space. Trials that fail or are stopped count, too. The result is
/// the same for a seed and a number of parallel trials, however long each trial takes, and whether or
/// not the search was killed and resumed in between, provided that the objective gives the same
/// values again. Allocates; starts `settings.parallel - 1` threads.
/// @param objective a search_objective; must not throw
/// @param keeper    a trial_keeper: no_journal, or search_journal for a search that can be resumed
/// @return `invalid_argument` for the space or a setting; `invalid_data` where no trial finished, with
///         the reason of the first one; what the keeper failed with
template <search_objective Objective, trial_keeper Keeper>
result<search_outcome> search(const search_space& space, const search_settings& settings,
                              Objective&& objective, Keeper&& keeper) {
    for (const status& usable : {space.check(), settings.check()}) {
        if (!usable.ok()) {
            return usable;
        }
    }
    detail::search_run run(space, settings, objective, keeper);
    if (const status resumed = run.resume(); !resumed.ok()) {
        return resumed;
    }
    detail::thread_team(settings.parallel).run([&run](int) noexcept { run.work(); });
    return run.outcome();
}

/// The same without a journal.
template <search_objective Objective>
result<search_outcome> search(const search_space& space, const search_settings& settings,
                              Objective&& objective) {
    return search(space, settings, objective, no_journal{});
}

} // namespace tocsin
