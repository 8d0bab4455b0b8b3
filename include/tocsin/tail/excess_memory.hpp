/// @file excess_memory.hpp
/// @brief Bounded memory of the excesses that a peaks-over-threshold rule fits.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/tail/pareto_likelihood.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin::detail {

/// The most recent excesses over a threshold, as a ring: their sizes, their times, and which are
/// only known to be larger (censored). Times are numbers of scores. Only allocate() allocates.
class excess_memory {
  public:
    void allocate(int capacity) {
        excesses_ = column<double>::Zero(capacity);
        arrivals_ = column<double>::Zero(capacity);
        censored_.assign(static_cast<std::size_t>(capacity + 63) / 64, 0);
        clear();
    }
    void clear() noexcept {
        forgotten_ = 0;
        size_ = 0;
        next_ = 0;
        std::fill(censored_.begin(), censored_.end(), std::uint64_t{0});
        censored_count_ = 0;
    }

    int capacity() const noexcept { return static_cast<int>(excesses_.size()); }
    int size() const noexcept { return size_; }
    int censored() const noexcept { return censored_count_; }
    /// Time of the last excess that was overwritten; 0 if none was. All stored ones are later.
    std::int64_t forgotten() const noexcept { return forgotten_; }
    pareto_sample sample() const noexcept {
        return {{excesses_.data(), static_cast<std::size_t>(size_)},
                censored_count_ > 0 ? std::span<const std::uint64_t>{censored_}
                                    : std::span<const std::uint64_t>{}};
    }

    /// Calls visit(excess, arrival, censored), the oldest first.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (int i = 0; i < size_; ++i) {
            const index_t at = size_ < capacity() ? i : (next_ + i) % capacity();
            visit(excesses_[at], arrivals_[at], is_censored(at));
        }
    }

    /// Of at least one excess.
    /// @param scratch as many numbers as the capacity
    double median(std::span<double> scratch) const noexcept {
        const auto middle = scratch.begin() + size_ / 2;
        std::copy_n(excesses_.data(), size_, scratch.begin());
        std::nth_element(scratch.begin(), middle, scratch.begin() + size_);
        return *middle;
    }

    void add(double excess, std::int64_t arrival, bool censored) noexcept {
        if (size_ == capacity()) {
            forgotten_ = static_cast<std::int64_t>(arrivals_[next_]);
        } else {
            ++size_;
        }
        excesses_[next_] = excess;
        arrivals_[next_] = static_cast<double>(arrival);
        mark(next_, censored);
        next_ = next_ + 1 == capacity() ? 0 : next_ + 1;
    }

    /// Moves the origin of all times to the last one that was forgotten, so that numbers of scores
    /// stay exact for ever. O(capacity).
    /// @return what to subtract from other times
    std::int64_t rebase() noexcept {
        const std::int64_t origin = forgotten_;
        for (int i = 0; i < size_; ++i) {
            arrivals_[i] -= static_cast<double>(origin);
        }
        forgotten_ = 0;
        return origin;
    }

    /// Whether `count` scores can have led here; `format_error` with what is impossible.
    status valid(std::int64_t count) const noexcept {
        if (size_ < 1 || size_ > capacity() || next_ < 0 || next_ >= capacity() ||
            (size_ < capacity() && next_ != size_) || forgotten_ < 0 || forgotten_ > count ||
            count - forgotten_ < size_) {
            return status::error(error_code::format_error, "excesses: size ", size_, ", next ",
                                 next_, ", forgotten ", forgotten_, " of ", count,
                                 " fit no memory of ", capacity());
        }
        status outcome;
        auto before = static_cast<double>(forgotten_);
        for_each([&](double excess, double arrival, bool /*censored*/) {
            if (outcome.ok() &&
                (!(excess >= 0 && excess <= 2 * largest_input) || !(arrival >= before) ||
                 !(arrival <= static_cast<double>(count)))) {
                outcome = status::error(error_code::format_error, "excesses: ", excess, " at time ",
                                        arrival, ", after ", before, " and of ", count,
                                        " scores, is impossible");
            }
            before = arrival;
        });
        return outcome;
    }

    /// Into or from an archive, which must hold as many numbers as it says. Fails the archive for
    /// what is no memory of `count` scores.
    template <class Archive>
    void exchange(Archive& archive, int capacity, std::int64_t count) {
        column<double> censored = column<double>::Zero(excesses_.size());
        for (index_t i = 0; i < censored.size(); ++i) {
            censored[i] = is_censored(i) ? 1 : 0;
        }
        if constexpr (Archive::loading) { // sizes come from the file
            censored.resize(0);
            excesses_.resize(0);
            arrivals_.resize(0);
        }
        archive.integer("forgotten", forgotten_);
        archive.integer("size", size_);
        archive.integer("next", next_);
        archive.matrix("excesses", excesses_);
        archive.matrix("arrivals", arrivals_);
        archive.matrix("censored", censored);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() &&
                (excesses_.size() != capacity || arrivals_.size() != capacity ||
                 censored.size() != capacity)) {
                archive.fail(status::error(error_code::format_error, "excesses: memory ", capacity,
                                           ", but the file holds ", excesses_.size()));
            }
            if (archive.outcome().ok()) {
                censored_.assign(static_cast<std::size_t>(capacity + 63) / 64, 0);
                censored_count_ = 0;
                for (index_t i = 0; i < censored.size(); ++i) {
                    mark(i, censored[i] != 0);
                }
                archive.fail(valid(count));
            }
            if (!archive.outcome().ok()) {
                allocate(0);
            }
        }
    }

  private:
    bool is_censored(index_t i) const noexcept {
        return (censored_[static_cast<std::size_t>(i / 64)] >> static_cast<unsigned>(i % 64) &
                1U) != 0;
    }
    void mark(index_t i, bool censored) noexcept {
        if (is_censored(i) != censored) {
            censored_[static_cast<std::size_t>(i / 64)] ^= std::uint64_t{1}
                                                           << static_cast<unsigned>(i % 64);
            censored_count_ += censored ? 1 : -1;
        }
    }

    std::int64_t forgotten_ = 0;
    int size_ = 0;
    int next_ = 0;
    int censored_count_ = 0;
    column<double> excesses_;
    column<double> arrivals_;
    std::vector<std::uint64_t> censored_; // one bit each
};

} // namespace tocsin::detail
