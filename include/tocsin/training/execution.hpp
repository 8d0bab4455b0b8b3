/// @file execution.hpp
/// @brief The policy that spreads the work on one batch over threads, and the version without
/// threads.
#pragma once

#include "tocsin/core/status.hpp"

#include <concepts>
#include <span>

namespace tocsin {

namespace detail {
/// Stands for any work in the concept below.
struct any_work {
    void operator()(int /*shard*/) const noexcept {}
};
} // namespace detail

/// Splits a batch into shards and runs them.
///
/// `check()` names a setting that is out of range; `shards()` is the number of parts of a batch.
/// `start()` makes a team for one training run: `team.run(work)` calls `work(shard)`, which is
/// noexcept, once per shard, and returns when all are done. The result of a shard must not depend
/// on when it runs. A team whose shards run in several processes also has
/// `team.share(shard, gradients, sums)`, noexcept, which gives every process what one of them
/// computed, and `team.all(going)`, noexcept, whether all of them go on.
template <class Execution>
concept execution_policy = requires(const Execution execution) {
    { execution.check() } -> std::same_as<status>;
    { execution.shards() } -> std::convertible_to<int>;
    execution.start().run(detail::any_work{});
};

/// An execution whose shards share memory: what they have written is there when run() returns.
template <class Execution>
concept shared_memory_execution =
    execution_policy<Execution> &&
    !requires(const Execution execution, std::span<float> gradients, std::span<double> sums) {
        execution.start().share(0, gradients, sums);
    };

namespace detail {

/// Whether training goes on: in several processes only if all of them do. Otherwise those that do
/// would wait for the others' gradients for ever.
template <class Team>
bool all_go_on(const Team& team, bool going) noexcept {
    if constexpr (requires { team.all(going); }) {
        return team.all(going);
    } else {
        return going;
    }
}

} // namespace detail

/// One shard, in the calling thread.
struct serial_execution {
    static constexpr const char* kind = "serial";
    static status check() noexcept { return {}; }
    static constexpr int shards() noexcept { return 1; }

    /// Runs work in the calling thread.
    struct team {
        /// Calls `work(0)`.
        template <class Work>
        void run(const Work& work) const noexcept {
            work(0);
        }
    };
    /// Nothing has to be started.
    static team start() noexcept { return {}; }
};

} // namespace tocsin
