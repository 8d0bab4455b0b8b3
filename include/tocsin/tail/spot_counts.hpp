/// @file spot_counts.hpp
/// @brief How many scores a peaks-over-threshold rule has seen, and when it may learn from an alarm.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/tail/excess_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace tocsin::detail {

/// Counts of scores. Time is the number of scores so far, without those rejected.
class spot_counts {
  public:
    std::int64_t learned() const noexcept { return learned_; }
    std::int64_t rejected() const noexcept { return rejected_; }
    /// Alarms that left no trace.
    std::int64_t ignored() const noexcept { return ignored_; }
    /// Scores after an alarm that was learned from, before the next one may be: 0.05 / q.
    static std::int64_t separation(double q) noexcept {
        return static_cast<std::int64_t>(std::min(separation_times_q / q, 1e15));
    }
    /// Share of the false alarms that come too soon after another one to be learned from.
    static constexpr double separation_times_q = 0.05;
    /// Scores before the next alarm that may be learned from.
    std::int64_t wait() const noexcept { return std::max<std::int64_t>(next_ - time(), 0); }

    void reject() noexcept { count_up(rejected_); }
    void ignore() noexcept { count_up(ignored_); }
    /// One more score that is learned from. Where the count ends, time begins anew.
    void learn(excess_memory& memory) noexcept {
        if (learned_ >= largest_count - 1) {
            const std::int64_t origin = memory.rebase();
            learned_ -= origin;
            next_ = std::max<std::int64_t>(next_ - origin, 0);
        }
        count_up(learned_);
    }
    /// The same for an alarm.
    void learn_alarm(excess_memory& memory, double q) noexcept {
        learn(memory);
        next_ = time() + separation(q);
    }

    status valid(std::string_view caller, double q, error_code code) const noexcept {
        if (!is_count(learned_) || !is_count(rejected_) || !is_count(ignored_) || next_ < 0 ||
            next_ > time() + separation(q)) {
            return status::error(code, caller, ": count ", learned_, ", rejected ", rejected_,
                                 ", ignored ", ignored_, " or next_learnt ", next_,
                                 " is impossible");
        }
        return {};
    }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("count", learned_);
        archive.integer("rejected", rejected_);
        archive.integer("ignored", ignored_);
        archive.integer("next_learnt", next_);
    }

  private:
    std::int64_t time() const noexcept { return learned_ + ignored_; }

    std::int64_t learned_ = 0;
    std::int64_t rejected_ = 0;
    std::int64_t ignored_ = 0;
    std::int64_t next_ = 0; // earliest time at which an alarm may be learned from
};

} // namespace tocsin::detail
