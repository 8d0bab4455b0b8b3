/// @file quantile_sketch.hpp
/// @brief Quantiles of a stream in bounded memory, with a stated error.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// Quantiles and ranks of all scores of a stream, however long, from a few hundred of them (KLL:
/// Karnin, Lang and Liberty, "Optimal quantile approximation in streams", FOCS 2016). Sketches over
/// parts of the data merge. For q-quantiles with 1 - q far above rank_error(); further out, a
/// spot_threshold extrapolates.
///
/// Scores stand on levels; one on level h represents 2^h scores. A full level is sorted and every
/// second score of it, from the first or the second by the toss of a coin, moves up. That changes
/// the number of scores below any x by 2^h, 0 or -2^h, both signs alike, so that by Hoeffding's
/// inequality the error of a rank stays within
///     sqrt(2 ln(2 / delta) * sum over all moves of 4^h)
/// with probability 1 - delta. The sketch adds up that sum and knows its error: at delta = 0.01 at
/// most about 2.2 / k (k from 50 to 1000, up to 2e7 scores).
class quantile_sketch {
  public:
    /// @param k    scores on the highest level, 8 to 65536: the error is proportional to 1 / k, the
    ///             memory to k. Others are brought into that range.
    /// @param seed of the coin; sketches that are to be merged should have different ones
    /// Allocates all that is ever needed, about 4.5 k + 700 numbers.
    explicit quantile_sketch(int k = 200, std::uint64_t seed = 1)
        : k_{std::clamp(k, smallest_k, largest_k)}, random_{seed} {
        allocate();
    }

    int k() const noexcept { return k_; }
    /// Scores taken in.
    std::int64_t count() const noexcept { return count_; }
    /// NaN scores left out.
    std::int64_t rejected() const noexcept { return rejected_; }
    /// Scores that are kept.
    int size() const noexcept { return static_cast<int>(items_.size()) - begin_[0]; }

    /// Takes in a score, infinite ones too; NaN is counted in rejected() and left out. Never
    /// allocates; O(log k) on average, O(k log k) at most.
    /// @return whether it was taken in
    bool push(double score) noexcept {
        if (std::isnan(score)) {
            ++rejected_;
            return false;
        }
        add(score);
        ++count_;
        minimum_ = std::min(minimum_, score);
        maximum_ = std::max(maximum_, score);
        return true;
    }

    /// Takes in what another sketch has seen. Never allocates.
    /// @return `invalid_argument` when k differs, for itself, or beyond 2^53 scores in all; this
    ///         one is then unchanged
    status merge(const quantile_sketch& other) noexcept {
        if (other.k_ != k_) {
            return status::error(error_code::invalid_argument, "quantile_sketch: k ", k_,
                                 " cannot be merged with k ", other.k_);
        }
        if (&other == this || other.count_ > largest_count - count_) {
            return status::error(error_code::invalid_argument, "quantile_sketch: ", count_, " and ",
                                 other.count_, " scores cannot be merged: they are the same, or ",
                                 "more than ", largest_count);
        }
        for (int h = 0; h < other.levels_; ++h) {
            for (const double item : other.items_of(h)) {
                insert(item, h);
            }
        }
        count_ += other.count_;
        rejected_ += other.rejected_;
        squares_ += other.squares_;
        minimum_ = std::min(minimum_, other.minimum_);
        maximum_ = std::max(maximum_, other.maximum_);
        return {};
    }

    /// Estimated share of scores that are at most x, in [0, 1]; NaN without scores or for NaN.
    /// Never allocates, O(size).
    double rank(double x) const noexcept {
        if (count_ == 0 || std::isnan(x)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        double below = 0;
        for (int h = 0; h < levels_; ++h) {
            const auto level = items_of(h);
            below +=
                std::ldexp(static_cast<double>(std::count_if(
                               level.begin(), level.end(), [&](double item) { return item <= x; })),
                           h);
        }
        return below / static_cast<double>(count_);
    }

    /// The smallest kept score whose rank is at least q; the exact minimum and maximum for q <= 0
    /// and q >= 1; NaN without scores or for NaN. Sorts the lowest level, allocates nothing,
    /// O(size * log(count / k)).
    double quantile(double q) noexcept {
        if (count_ == 0 || std::isnan(q)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        if (q <= 0) {
            return minimum_;
        }
        if (q >= 1) {
            return maximum_;
        }
        std::sort(items_.begin() + begin_[0], items_.begin() + begin_[1]);
        std::array<int, most_levels + 1> next = begin_;
        const double wanted = q * static_cast<double>(count_);
        double below = 0;
        double value = minimum_;
        while (below < wanted) {
            int smallest = -1;
            for (int h = 0; h < levels_; ++h) {
                if (next[at(h)] < begin_[at(h + 1)] &&
                    (smallest < 0 || item(next[at(h)]) < item(next[at(smallest)]))) {
                    smallest = h;
                }
            }
            if (smallest < 0) {
                return maximum_;
            }
            value = item(next[at(smallest)]++);
            below += std::ldexp(1.0, smallest);
        }
        return value;
    }

    /// Bound on the error of rank(x), that is of the share of scores up to any fixed x, that holds
    /// with probability 1 - delta; 0 as long as every score is kept.
    /// @param delta in (0, 1)
    double rank_error(double delta = 0.01) const noexcept {
        return count_ == 0 ? 0
                           : std::min(1.0, std::sqrt(2 * std::log(2 / delta) * squares_) /
                                               static_cast<double>(count_));
    }

    /// Forgets all scores; the coin goes on. Never allocates.
    void reset() noexcept {
        levels_ = 1;
        begin_.fill(static_cast<int>(items_.size()));
        count_ = 0;
        rejected_ = 0;
        squares_ = 0;
        minimum_ = std::numeric_limits<double>::infinity();
        maximum_ = -minimum_;
    }

    /// Saves or loads everything: after loading the stream goes on with the same bits. Infinite
    /// scores cannot be saved.
    template <class Archive>
    void exchange(Archive& archive) {
        int k = k_;
        archive.integer("k", k);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && (k < smallest_k || k > largest_k)) {
                archive.fail(status::error(error_code::format_error, "quantile_sketch: k ", k,
                                           " must lie in [", smallest_k, ", ", largest_k, "]"));
            }
            if (!archive.outcome().ok()) {
                return;
            }
            k_ = k;
            allocate();
        }
        column<double> items = column<double>::Zero(static_cast<index_t>(items_.size()));
        std::copy(items_.begin() + begin_[0], items_.end(), items.data() + begin_[0]);
        column<double> begin = column<double>::Zero(most_levels + 1);
        std::copy(begin_.begin(), begin_.end(), begin.data());
        column<double> coin = column<double>::Zero(8); // halves of the words: exact in a double
        for (index_t i = 0; i < 8; ++i) {
            coin[i] = static_cast<double>(random_.state()[at(static_cast<int>(i / 2))] >>
                                              (i % 2 == 0 ? 0U : 32U) &
                                          0xFFFFFFFFU);
        }
        column<double> ends = column<double>::Zero(2);
        if (count_ > 0) {
            ends << minimum_, maximum_;
        }
        archive.integer("levels", levels_);
        archive.integer("count", count_);
        archive.integer("rejected", rejected_);
        archive.number("squares", squares_);
        archive.matrix("items", items);
        archive.matrix("begin", begin);
        archive.matrix("coin", coin);
        archive.matrix("ends", ends);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && !restore(items, begin, coin, ends)) {
                archive.fail(status::error(error_code::format_error, "quantile_sketch: ", levels_,
                                           " levels with ", count_, " scores fit no sketch"));
            }
            if (!archive.outcome().ok()) {
                reset();
            }
        }
    }

  private:
    static constexpr int smallest_k = 8;
    static constexpr int largest_k = 1 << 16;
    static constexpr int smallest_level = 8;
    static constexpr int most_levels = 56;
    static constexpr std::int64_t largest_count = std::int64_t{1} << 53;

    static constexpr std::size_t at(int index) noexcept { return static_cast<std::size_t>(index); }
    double item(int index) const noexcept { return items_[at(index)]; }
    std::span<const double> items_of(int h) const noexcept {
        return {items_.data() + begin_[at(h)], at(begin_[at(h + 1)] - begin_[at(h)])};
    }

    /// Levels shrink by 2/3 from the highest one down.
    int capacity(int h, int levels) const noexcept {
        return std::max(smallest_level, static_cast<int>(k_ * std::pow(2.0 / 3, levels - 1 - h)));
    }

    void allocate() {
        int total = 1; // free place for the next score
        for (int h = 0; h < most_levels; ++h) {
            capacities_[at(h)] = capacity(most_levels - 1 - h, most_levels); // by depth
            total += capacities_[at(h)];
        }
        items_.assign(at(total), 0);
        scratch_.assign(at(total / 2 + 1), 0);
        reset();
    }

    void add(double score) noexcept {
        if (begin_[0] == 0) {
            compress();
        }
        items_[at(--begin_[0])] = score;
    }

    /// Into a level that need not be the lowest, at its place in the order.
    void insert(double score, int h) noexcept {
        if (begin_[0] == 0) {
            compress();
        }
        while (levels_ <= h) {
            begin_[at(levels_ + 1)] = static_cast<int>(items_.size());
            ++levels_;
        }
        if (h == 0) {
            items_[at(--begin_[0])] = score;
            return;
        }
        const auto first = items_.begin();
        const auto place =
            std::lower_bound(first + begin_[at(h)], first + begin_[at(h + 1)], score);
        std::move(first + begin_[0], place, first + begin_[0] - 1);
        *(place - 1) = score;
        for (int lower = 0; lower <= h; ++lower) {
            --begin_[at(lower)];
        }
    }

    /// Moves half of the lowest level that has reached its capacity up. As the buffer is full,
    /// which is as much as all capacities together, there is one.
    void compress() noexcept {
        int h = 0;
        while (h + 1 < levels_ &&
               begin_[at(h + 1)] - begin_[at(h)] < capacities_[at(levels_ - 1 - h)]) {
            ++h;
        }
        if (h + 1 == levels_) {
            begin_[at(levels_ + 1)] = static_cast<int>(items_.size());
            ++levels_;
        }
        const auto first = items_.begin();
        const int end = begin_[at(h + 1)];
        if (h == 0) {
            std::sort(first + begin_[0], first + end);
        }
        // Of an odd number the smallest stays where it is.
        const int half = (end - begin_[at(h)]) / 2;
        const int pairs = end - 2 * half;
        const int coin = static_cast<int>(random_() >> 63U);
        for (int i = 0; i < half; ++i) {
            scratch_[at(i)] = item(pairs + 2 * i + coin);
        }
        // The merge writes from the low end and cannot overtake what it reads.
        std::merge(scratch_.begin(), scratch_.begin() + half, first + end,
                   first + begin_[at(h + 2)], first + end - half);
        std::move_backward(first + begin_[0], first + pairs, first + pairs + half);
        for (int lower = 0; lower <= h; ++lower) {
            begin_[at(lower)] += half;
        }
        begin_[at(h + 1)] = end - half;
        squares_ += std::ldexp(1.0, 2 * h);
    }

    bool restore(const column<double>& items, const column<double>& begin,
                 const column<double>& coin, const column<double>& ends) noexcept {
        const auto size = static_cast<double>(items_.size());
        bool possible =
            levels_ >= 1 && levels_ < most_levels && count_ >= 0 && rejected_ >= 0 && squares_ >= 0;
        for (index_t h = 0; h <= most_levels; ++h) {
            possible = possible && begin[h] >= (h == 0 ? 0 : begin[h - 1]) && begin[h] <= size &&
                       begin[h] == std::floor(begin[h]) && (h < levels_ || begin[h] == size);
        }
        for (index_t i = 0; i < 8; ++i) {
            possible = possible && coin[i] >= 0 && coin[i] <= 4294967295.0;
        }
        if (!possible) {
            return false;
        }
        double weight = 0;
        for (int h = 0; h <= most_levels; ++h) {
            begin_[at(h)] = static_cast<int>(begin[h]);
        }
        std::copy(items.data(), items.data() + items.size(), items_.begin());
        for (int h = 0; h < levels_; ++h) {
            const auto level = items_of(h);
            weight += std::ldexp(static_cast<double>(level.size()), h);
            if (h > 0 && !std::is_sorted(level.begin(), level.end())) {
                return false;
            }
        }
        random_generator::state_type state{};
        for (index_t i = 0; i < 4; ++i) {
            state[static_cast<std::size_t>(i)] = static_cast<std::uint64_t>(coin[2 * i]) |
                                                 static_cast<std::uint64_t>(coin[2 * i + 1]) << 32U;
        }
        random_.set_state(state);
        if (count_ > 0) {
            minimum_ = ends[0];
            maximum_ = ends[1];
        }
        return weight == static_cast<double>(count_);
    }

    int k_;
    random_generator random_;
    std::int64_t count_ = 0;
    std::int64_t rejected_ = 0;
    double squares_ = 0; // sum of 4^h over all moves
    double minimum_ = 0;
    double maximum_ = 0;
    int levels_ = 1;
    std::vector<double> items_; // free places, then level 0 (unsorted), level 1 (sorted), ...
    std::vector<double> scratch_;
    std::array<int, most_levels + 1> begin_{};  // of each level in items_, with the end behind
    std::array<int, most_levels> capacities_{}; // by the distance from the highest level
};

} // namespace tocsin
