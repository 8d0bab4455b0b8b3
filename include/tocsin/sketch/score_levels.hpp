/// @file score_levels.hpp
/// @brief The scores that a quantile sketch keeps, on levels from which every second one moves up.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin::detail {

/// Scores of a KLL sketch (see quantile_sketch): one on level h represents 2^h scores. The levels
/// share a buffer of bounded size. When it is full, the lowest level that has reached its capacity
/// is sorted, and every second score of it, by the toss of a coin, is merged into the level above.
class score_levels {
  public:
    static constexpr int most_levels = 56;

    /// Allocates all that is ever needed.
    /// @param k    scores on the highest level
    /// @param seed of the coin
    score_levels(int k, std::uint64_t seed) : random_{seed} { allocate(k); }

    /// Places in the buffer of a sketch.
    static int places(int k) noexcept {
        int total = 1; // free place for the next score
        for (int depth = 0; depth < most_levels; ++depth) {
            total += capacity(k, depth);
        }
        return total;
    }
    /// Another k; forgets all scores. Allocates.
    void allocate(int k) {
        for (int depth = 0; depth < most_levels; ++depth) {
            capacities_[at(depth)] = capacity(k, depth);
        }
        const int total = places(k);
        items_.assign(at(total), 0);
        scratch_.assign(at(total / 2 + 1), 0);
        reset();
    }
    /// Forgets all scores; the coin's random sequence continues.
    void reset() noexcept {
        levels_ = 1;
        begin_.fill(static_cast<int>(items_.size()));
        squares_ = 0;
    }

    int levels() const noexcept { return levels_; }
    /// Scores that are kept.
    int size() const noexcept { return static_cast<int>(items_.size()) - begin_[0]; }
    /// Sum of 4^h over all moves from a level h.
    double squares() const noexcept { return squares_; }
    /// Scores of a level, sorted but for the lowest.
    std::span<const double> level(int h) const noexcept {
        return {items_.data() + begin_[at(h)], at(begin_[at(h + 1)] - begin_[at(h)])};
    }
    void sort_lowest() noexcept {
        std::sort(items_.begin() + begin_[0], items_.begin() + begin_[1]);
    }

    /// Adds a score.
    void add(double score) noexcept {
        if (begin_[0] == 0) {
            compress();
        }
        items_[at(--begin_[0])] = score;
    }

    /// Adds a score to any level, at its place in the order.
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

    /// Adds the moves that another sketch has made.
    void add_squares(double squares) noexcept { squares_ += squares; }

    /// Saves or loads levels and coin; when loading, of a sketch with this k, which allocates when
    /// the file holds as many places.
    /// @return false where what was loaded fits no levels, which are then empty
    template <class Archive>
    bool exchange(Archive& archive, int k) {
        column<double> items;
        if constexpr (!Archive::loading) {
            items = column<double>::Zero(static_cast<index_t>(items_.size()));
            std::copy(items_.begin() + begin_[0], items_.end(), items.data() + begin_[0]);
        }
        column<double> begin = column<double>::Zero(most_levels + 1);
        std::copy(begin_.begin(), begin_.end(), begin.data());
        column<double> coin = column<double>::Zero(8); // halves of the words: exact in a double
        for (index_t i = 0; i < 8; ++i) {
            coin[i] = static_cast<double>(random_.state()[at(static_cast<int>(i / 2))] >>
                                              (i % 2 == 0 ? 0U : 32U) &
                                          0xFFFFFFFFU);
        }
        archive.integer("levels", levels_);
        archive.number("squares", squares_);
        archive.matrix("items", items);
        archive.matrix("begin", begin);
        archive.matrix("coin", coin);
        if constexpr (Archive::loading) {
            if (!archive.outcome().ok() || items.size() != places(k)) {
                reset();
                return false;
            }
            const int levels = levels_;
            const double squares = squares_;
            allocate(k); // empty
            levels_ = levels;
            squares_ = squares;
            if (!restore(items, begin, coin)) {
                reset();
                return false;
            }
        }
        return true;
    }
    /// Number of scores that the kept ones represent.
    double weight() const noexcept {
        double sum = 0;
        for (int h = 0; h < levels_; ++h) {
            sum += std::ldexp(static_cast<double>(level(h).size()), h);
        }
        return sum;
    }

  private:
    static constexpr int smallest_level = 8;

    /// Levels shrink by 2/3 from the highest one down.
    static int capacity(int k, int depth) noexcept {
        return std::max(smallest_level, static_cast<int>(k * std::pow(2.0 / 3, depth)));
    }
    static constexpr std::size_t at(int index) noexcept { return static_cast<std::size_t>(index); }
    double item(int index) const noexcept { return items_[at(index)]; }

    /// Moves up half of the lowest level that has reached its capacity. There is one, because the
    /// buffer is full, and it is as large as all capacities together.
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
        // With an odd number, the smallest stays where it is.
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
                 const column<double>& coin) noexcept {
        const auto size = static_cast<double>(items_.size());
        bool possible = levels_ >= 1 && levels_ < most_levels && squares_ >= 0 &&
                        std::isfinite(squares_) && items.allFinite();
        for (index_t h = 0; h <= most_levels; ++h) {
            possible = possible && begin[h] >= (h == 0 ? 0 : begin[h - 1]) && begin[h] <= size &&
                       begin[h] == std::floor(begin[h]) && (h < levels_ || begin[h] == size);
        }
        for (index_t i = 0; i < 8; ++i) {
            possible = possible && coin[i] >= 0 && coin[i] <= 4294967295.0;
        }
        possible = possible && !coin.isZero(0); // which would give zeros for ever
        if (!possible) {
            return false;
        }
        for (int h = 0; h <= most_levels; ++h) {
            begin_[at(h)] = static_cast<int>(begin[h]);
        }
        std::copy(items.data(), items.data() + items.size(), items_.begin());
        for (int h = 1; h < levels_; ++h) {
            const auto scores = level(h);
            if (!std::is_sorted(scores.begin(), scores.end())) {
                return false;
            }
        }
        random_generator::state_type state{};
        for (index_t i = 0; i < 4; ++i) {
            state[static_cast<std::size_t>(i)] = static_cast<std::uint64_t>(coin[2 * i]) |
                                                 static_cast<std::uint64_t>(coin[2 * i + 1]) << 32U;
        }
        random_.set_state(state);
        return true;
    }

    random_generator random_;
    double squares_ = 0;
    int levels_ = 1;
    std::vector<double> items_; // free slots, then level 0 (unsorted), level 1 (sorted), ...
    std::vector<double> scratch_;
    std::array<int, most_levels + 1> begin_{};  // of each level in items_, and the end
    std::array<int, most_levels> capacities_{}; // by distance from the highest level
};

} // namespace tocsin::detail
