/// @file excess_memory.hpp
/// @brief Bounded memory of the excesses that a peaks-over-threshold rule fits.
#pragma once

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

    /// Saves to or loads from an archive; the capacity is already known. Fails the archive for data
    /// that cannot be a memory of `count` scores.
    template <class Archive>
    void exchange(Archive& archive, std::int64_t count) {
        column<double> censored = column<double>::Zero(excesses_.size());
        for (index_t i = 0; i < censored.size(); ++i) {
            censored[i] = is_censored(i) ? 1 : 0;
        }
        archive.integer("forgotten", forgotten_);
        archive.integer("size", size_);
        archive.integer("next", next_);
        archive.matrix("excesses", excesses_);
        archive.matrix("arrivals", arrivals_);
        archive.matrix("censored", censored);
        if constexpr (Archive::loading) {
            const bool possible = size_ >= 1 && size_ <= capacity() && next_ >= 0 &&
                                  next_ < capacity() && (size_ == capacity() || next_ == size_) &&
                                  forgotten_ >= 0 && count - forgotten_ >= size_ &&
                                  excesses_.minCoeff() >= 0 && arrivals_.minCoeff() >= 0 &&
                                  arrivals_.maxCoeff() <= static_cast<double>(count);
            if (archive.outcome().ok() && !possible) {
                archive.fail(status::error(error_code::format_error, "excesses: size ", size_,
                                           ", next ", next_, ", forgotten ", forgotten_, " of ",
                                           count, " fit no memory of ", capacity()));
            }
            if (!archive.outcome().ok()) {
                clear();
                return;
            }
            for (index_t i = 0; i < censored.size(); ++i) {
                mark(i, censored[i] != 0);
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
