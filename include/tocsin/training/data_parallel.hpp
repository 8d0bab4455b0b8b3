/// @file data_parallel.hpp
/// @brief Training on several threads.
#pragma once

#include "tocsin/training/execution.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace tocsin {

namespace detail {

/// Threads that wait for work and do it together with the calling thread.
class thread_team {
  public:
    /// Starts `size - 1` threads. Allocates; if the system refuses a thread, the exception of
    /// std::thread reaches the caller.
    explicit thread_team(int size) : thread_team() { // so that a refusal ends the started threads
        workers_.reserve(static_cast<std::size_t>(size));
        for (int shard = 1; shard < size; ++shard) {
            workers_.emplace_back([state = shared_.get(), shard] { serve(*state, shard); });
        }
    }
    thread_team(const thread_team&) = delete;
    thread_team& operator=(const thread_team&) = delete;
    ~thread_team() {
        shared_->work = nullptr;
        announce();
        for (std::thread& worker : workers_) {
            worker.join();
        }
    }

    /// Calls `work(shard)` for each shard, shard 0 in this thread; returns when all are done. Never
    /// allocates.
    template <class Work>
    void run(const Work& work) noexcept {
        static_assert(std::is_nothrow_invocable_v<const Work&, int>,
                      "work for several threads must be noexcept");
        shared_->work = [](const void* context, int shard) noexcept {
            (*static_cast<const Work*>(context))(shard);
        };
        shared_->context = &work;
        shared_->unfinished.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
        announce();
        work(0);
        for (int left = shared_->unfinished.load(std::memory_order_acquire); left != 0;
             left = shared_->unfinished.load(std::memory_order_acquire)) {
            shared_->unfinished.wait(left, std::memory_order_acquire);
        }
    }

  private:
    thread_team() : shared_{std::make_unique<shared>()} {}

    struct shared {
        std::atomic<unsigned> round{0}; // changes when there is work, or the end
        std::atomic<int> unfinished{0};
        void (*work)(const void*, int) noexcept = nullptr; // null: the end
        const void* context = nullptr;
    };

    void announce() noexcept {
        shared_->round.fetch_add(1, std::memory_order_release);
        shared_->round.notify_all();
    }
    static void serve(shared& state, int shard) noexcept {
        for (unsigned seen = 0;; ++seen) {
            state.round.wait(seen, std::memory_order_acquire);
            if (state.work == nullptr) {
                return;
            }
            state.work(state.context, shard);
            if (state.unfinished.fetch_sub(1, std::memory_order_release) == 1) {
                state.unfinished.notify_one();
            }
        }
    }

    std::unique_ptr<shared> shared_; // its address must not change once threads run
    std::vector<std::thread> workers_;
};

} // namespace detail

/// Splits each batch among threads; gradients are summed in shard order, so a given number of
/// threads gives the same bits in every run. Other numbers of threads give different rounding
/// errors and dropout masks, so a run does not resume with one of them.
///
/// The loss must be a mean over the values of a batch. It pays off if a batch takes a millisecond
/// or more. Link with Threads::Threads (-pthread) if the C library needs it.
struct data_parallel {
    static constexpr const char* kind = "data_parallel";
    int threads = 2; ///< 1 to 256, the calling thread included

    status check() const noexcept {
        if (threads < 1 || threads > 256) {
            return status::error(error_code::invalid_argument, "data_parallel: ", threads,
                                 " threads; must be from 1 to 256");
        }
        return {};
    }
    constexpr int shards() const noexcept { return threads; }
    /// Starts the threads, which end with the result.
    detail::thread_team start() const { return detail::thread_team(threads); }
};

} // namespace tocsin
