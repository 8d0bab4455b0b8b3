/// @file bounded_queue.hpp
/// @brief Passes messages from the reading thread to the judging one; blocks when it is full.
#pragma once

#include "message.hpp"
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace tocsin_gateway {

/// Backpressure for a source without any: put() waits for room, so the pipe fills up and its writer
/// waits too.
class bounded_queue {
  public:
    explicit bounded_queue(std::size_t most) : most_{most} {}

    /// Moves all of `batch` in, in pieces if there is little room; gives up after close().
    void put(std::vector<message>& batch) {
        std::size_t done = 0;
        std::unique_lock lock{mutex_};
        while (done < batch.size()) {
            room_.wait(lock, [&] { return closed_ || waiting_.size() < most_; });
            if (closed_) {
                break;
            }
            const std::size_t count = std::min(most_ - waiting_.size(), batch.size() - done);
            const auto first = batch.begin() + static_cast<std::ptrdiff_t>(done);
            std::move(first, first + static_cast<std::ptrdiff_t>(count),
                      std::back_inserter(waiting_));
            done += count;
            arrival_.notify_one();
        }
        batch.clear();
    }
    /// Moves all waiting messages into `messages`, which is empty; waits for the first.
    void take(std::vector<message>& messages, std::chrono::milliseconds wait) {
        {
            std::unique_lock lock{mutex_};
            arrival_.wait_for(lock, wait, [&] { return closed_ || !waiting_.empty(); });
            messages.swap(waiting_);
        }
        room_.notify_one();
    }
    /// No more messages will come.
    void close() {
        const std::scoped_lock lock{mutex_};
        closed_ = true;
        room_.notify_all();
        arrival_.notify_all();
    }
    bool drained() const {
        const std::scoped_lock lock{mutex_};
        return closed_ && waiting_.empty();
    }
    std::int64_t size() const {
        const std::scoped_lock lock{mutex_};
        return static_cast<std::int64_t>(waiting_.size());
    }

  private:
    std::size_t most_;
    std::vector<message> waiting_;
    bool closed_ = false;
    mutable std::mutex mutex_;
    std::condition_variable room_;
    std::condition_variable arrival_;
};

} // namespace tocsin_gateway
