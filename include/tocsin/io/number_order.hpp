/// @file number_order.hpp
/// @brief What numbers in the rows of a column show: whether they go one way, whether they are times.
#pragma once

#include "tocsin/core/extents.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace tocsin::detail {

/// Whether a number counts seconds (unit 1), milliseconds (1e3), ... from 1970 to a date between 1990
/// and 2100.
constexpr bool is_epoch(double number, double unit) noexcept {
    return number >= 631152000 * unit && number < 4102444800 * unit;
}

/// The numbers of a column, one after the other. A few that do not fit are allowed: a clock that was
/// set back, or not set yet.
class number_order {
  public:
    void add(double value) noexcept {
        rises_ += rows_ > 0 && value > last_ ? 1 : 0;
        falls_ += rows_ > 0 && value < last_ ? 1 : 0;
        double unit = 1;
        for (index_t& count : epochs_) {
            count += is_epoch(value, unit) ? 1 : 0;
            unit *= 1000;
        }
        last_ = value;
        ++rows_;
    }

    index_t rows() const noexcept { return rows_; }
    double last() const noexcept { return last_; }
    /// Whether nine in ten steps rise; equal ones are passed over. A single number does.
    bool rises() const noexcept {
        return rows_ == 1 || (rises_ > 0 && 10 * rises_ >= 9 * (rises_ + falls_));
    }
    /// Whether nine in ten steps rise, or nine in ten fall, or all are equal.
    bool one_way() const noexcept {
        return rows_ > 0 && 10 * std::max(rises_, falls_) >= 9 * (rises_ + falls_);
    }
    /// Whether nine in ten are times since 1970, in one unit.
    bool epochs() const noexcept {
        return rows_ > 0 && 10 * *std::max_element(epochs_.begin(), epochs_.end()) >= 9 * rows_;
    }
    /// How many of the unit of most numbers make a second, 1, 1e3, 1e6 or 1e9; 0 where most are no
    /// times since 1970.
    double units_per_second() const noexcept {
        const auto most = std::max_element(epochs_.begin(), epochs_.end());
        return 2 * *most > rows_ ? std::pow(1e3, most - epochs_.begin()) : 0;
    }

  private:
    double last_ = 0;
    index_t rows_ = 0;
    index_t rises_ = 0;
    index_t falls_ = 0;
    std::array<index_t, 4> epochs_ = {}; // in seconds, milli-, micro- and nanoseconds
};

} // namespace tocsin::detail
