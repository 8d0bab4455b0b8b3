/// @file quantile_sketch.hpp
/// @brief Quantiles of a stream in bounded memory, with a stated error bound.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/emptied_by_move.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/sketch/score_levels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tocsin {

/// Quantiles and ranks of all scores of a stream of any length, from a few hundred of them (KLL:
/// Karnin, Lang and Liberty, "Optimal quantile approximation in streams", FOCS 2016). Sketches over
/// parts of the data can be merged. For q-quantiles with 1 - q far above rank_error(); beyond that,
/// a spot_threshold extrapolates.
///
/// Scores are stored on levels; one on level h represents 2^h scores. A full level is sorted, and
/// every second score of it, starting with the first or the second by the toss of a coin, moves up.
/// That changes the number of scores below any x by 2^h, 0 or -2^h, with both signs equally likely.
/// By Hoeffding's inequality the error of a rank is at most
///
///     sqrt(2 ln(2 / delta) * sum over all moves of 4^h)
///
/// with probability 1 - delta. The sketch accumulates that sum and so knows its error: at delta =
/// 0.01 at most about 2.2 / k (k from 50 to 1000, up to 2e7 scores).
class quantile_sketch {
  public:
    /// Allocates all that is ever needed, about 4.5 k + 700 numbers.
    /// @param k    scores on the highest level, 8 to 65536: the error is proportional to 1 / k, the
    ///             memory to k. Others are brought into that range.
    /// @param seed of the coin; sketches that are to be merged should have different ones
    explicit quantile_sketch(int k = 200, std::uint64_t seed = 1)
        : state_{state_type{.k = std::clamp(k, smallest_k, largest_k)}}, scores_(state_.k, seed) {}

    /// The size that sets memory and error; 0 where it was moved from, which takes no scores.
    int k() const noexcept { return state_.k; }
    /// Number of scores added.
    std::int64_t count() const noexcept { return state_.count; }
    /// NaN scores left out.
    std::int64_t rejected() const noexcept { return state_.rejected; }
    /// Scores that are kept.
    int size() const noexcept { return state_.k > 0 ? scores_.size() : 0; }

    /// Takes in a score, infinite ones as the largest double; NaN, and every score after 2^53 of
    /// them, is counted in rejected() and left out. A score of any size moves the rank of another by
    /// 1 / count() and no more. Never allocates; O(log k) on average, O(k log k) at most.
    /// @return whether it was taken in
    bool push(double score) noexcept {
        if (std::isnan(score) || state_.count >= largest_count || state_.k == 0) {
            count_up(state_.rejected);
            return false;
        }
        constexpr double largest = std::numeric_limits<double>::max();
        score = std::clamp(score, -largest, largest);
        scores_.add(score);
        ++state_.count;
        state_.minimum = std::min(state_.minimum, score);
        state_.maximum = std::max(state_.maximum, score);
        return true;
    }

    /// Merges another sketch into this one. Never allocates.
    /// @return `invalid_argument` when k differs, for merging with itself or where one was moved from,
    ///         or beyond 2^53 scores in total; this sketch is then unchanged
    status merge(const quantile_sketch& other) noexcept {
        if (state_.k == 0 || other.state_.k == 0) {
            return moved_from(error_code::invalid_argument);
        }
        if (other.state_.k != state_.k) {
            return status::error(error_code::invalid_argument, "quantile_sketch: k ", state_.k,
                                 " cannot be merged with k ", other.state_.k);
        }
        if (&other == this || other.state_.count > largest_count - state_.count) {
            return status::error(error_code::invalid_argument, "quantile_sketch: ", state_.count,
                                 " and ", other.state_.count,
                                 " scores cannot be merged: they are the same, or ", "more than ",
                                 largest_count);
        }
        for (int h = 0; h < other.scores_.levels(); ++h) {
            for (const double score : other.scores_.level(h)) {
                scores_.insert(score, h);
            }
        }
        scores_.add_squares(other.scores_.squares());
        state_.count += other.state_.count;
        state_.rejected = std::min(state_.rejected + other.state_.rejected, largest_count);
        state_.minimum = std::min(state_.minimum, other.state_.minimum);
        state_.maximum = std::max(state_.maximum, other.state_.maximum);
        return {};
    }

    /// Estimated share of scores that are at most x, in [0, 1]; NaN without scores or for NaN.
    /// Never allocates, O(size).
    double rank(double x) const noexcept {
        if (state_.count == 0 || std::isnan(x)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        double below = 0;
        for (int h = 0; h < scores_.levels(); ++h) {
            const auto level = scores_.level(h);
            below +=
                std::ldexp(static_cast<double>(std::count_if(
                               level.begin(), level.end(), [&](double item) { return item <= x; })),
                           h);
        }
        return below / static_cast<double>(state_.count);
    }

    /// The smallest kept score whose rank is at least q; the exact minimum and maximum for q <= 0
    /// and q >= 1; NaN without scores or for NaN. Sorts the lowest level, allocates nothing,
    /// O(size * log(count / k)).
    double quantile(double q) noexcept {
        if (state_.count == 0 || std::isnan(q)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        if (q <= 0) {
            return state_.minimum;
        }
        if (q >= 1) {
            return state_.maximum;
        }
        scores_.sort_lowest();
        std::array<std::size_t, detail::score_levels::most_levels> next{};
        const double wanted = q * static_cast<double>(state_.count);
        double below = 0;
        double value = state_.minimum;
        while (below < wanted) {
            std::size_t from = next.size(); // the level with the smallest next score
            double smallest = 0;
            for (std::size_t h = 0; h < static_cast<std::size_t>(scores_.levels()); ++h) {
                const auto level = scores_.level(static_cast<int>(h));
                if (next[h] < level.size() && (from == next.size() || level[next[h]] < smallest)) {
                    from = h;
                    smallest = level[next[h]];
                }
            }
            if (from == next.size()) {
                return state_.maximum;
            }
            value = smallest;
            ++next[from];
            below += std::ldexp(1.0, static_cast<int>(from));
        }
        return value;
    }

    /// Bound on the error of rank(x), the share of scores up to any fixed x, that holds with
    /// probability 1 - delta; 0 as long as every score is kept.
    /// @param delta in (0, 1)
    double rank_error(double delta = 0.01) const noexcept {
        return state_.count == 0
                   ? 0
                   : std::min(1.0, std::sqrt(2 * std::log(2 / delta) * scores_.squares()) /
                                       static_cast<double>(state_.count));
    }

    /// Forgets all scores; the coin's random sequence continues. Never allocates.
    void reset() noexcept {
        scores_.reset();
        state_.count = 0;
        state_.rejected = 0;
        state_.minimum = std::numeric_limits<double>::infinity();
        state_.maximum = -state_.minimum;
    }

    /// Whether push() and merge() can have led here; `format_error` with what is impossible.
    status valid() const noexcept {
        if (state_.k == 0) {
            return moved_from(error_code::format_error);
        }
        const double squares = scores_.squares();
        const auto count = static_cast<double>(state_.count);
        if (!is_count(state_.count) || !is_count(state_.rejected) || scores_.weight() != count ||
            squares > count * count) {
            return status::error(error_code::format_error, "quantile_sketch: ", state_.count,
                                 " scores, rejected ", state_.rejected, ", squares ", squares,
                                 " do not fit the levels that are stored");
        }
        for (int h = 0; h < scores_.levels(); ++h) {
            for (const double score : scores_.level(h)) {
                if (!(score >= state_.minimum && score <= state_.maximum)) {
                    return status::error(error_code::format_error, "quantile_sketch: score ", score,
                                         " lies outside of [", state_.minimum, ", ", state_.maximum,
                                         ']');
                }
            }
        }
        return {};
    }

    static constexpr int version = 1;
    /// Saves or loads everything: after loading the stream continues with the same bits.
    template <class Archive>
    void exchange(Archive& archive) {
        int k = state_.k;
        archive.integer("k", k);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && (k < smallest_k || k > largest_k)) {
                archive.fail(status::error(error_code::format_error, "quantile_sketch: k ", k,
                                           " must lie in [", smallest_k, ", ", largest_k, "]"));
            }
            if (!archive.outcome().ok()) {
                return;
            }
        } else if (k == 0) {
            archive.fail(moved_from(error_code::invalid_argument));
            return;
        }
        column<double> ends = column<double>::Zero(2);
        if (state_.count > 0) {
            ends << state_.minimum, state_.maximum;
        }
        archive.integer("count", state_.count);
        archive.integer("rejected", state_.rejected);
        archive.matrix("ends", ends);
        const bool possible = scores_.exchange(archive, k);
        if constexpr (Archive::loading) {
            if (possible) {
                state_.k = k;
            }
            if (state_.count > 0) {
                state_.minimum = ends[0];
                state_.maximum = ends[1];
            } else {
                state_.minimum = std::numeric_limits<double>::infinity();
                state_.maximum = -state_.minimum;
            }
            if (archive.outcome().ok()) {
                archive.fail(possible ? valid()
                                      : status::error(error_code::format_error,
                                                      "quantile_sketch: the levels that are stored "
                                                      "are none of a sketch with k ",
                                                      k));
            }
            if (!archive.outcome().ok()) {
                reset();
            }
        }
    }

  private:
    static status moved_from(error_code code) noexcept {
        return status::error(code, "quantile_sketch: it was moved from");
    }

    static constexpr int smallest_k = 8;
    static constexpr int largest_k = 1 << 16;

    struct state_type {
        int k = 0; ///< 0 where it was moved from
        std::int64_t count = 0;
        std::int64_t rejected = 0;
        double minimum = std::numeric_limits<double>::infinity();
        double maximum = -std::numeric_limits<double>::infinity();
    };

    detail::emptied_by_move<state_type> state_;
    detail::score_levels scores_;
};

} // namespace tocsin
