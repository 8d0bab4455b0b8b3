/// @file epochs_since_best.hpp
/// @brief Counts the epochs in which a number has not fallen, for rules with a patience.
#pragma once

#include <cmath>
#include <limits>

namespace tocsin::detail {

/// How long a cost has not fallen: what stopping rules and plateau_decay compare with their patience.
class epochs_since_best {
  public:
    /// @param minimum_decrease by more than which a cost must fall to count
    explicit epochs_since_best(double minimum_decrease) noexcept
        : minimum_decrease_{minimum_decrease} {}

    /// Takes the cost of the next epoch. NaN, which was not measured, changes nothing.
    /// @return epochs since the best one, or since start_again()
    int add(double cost) noexcept {
        count_ += std::isnan(cost) ? 0 : 1;
        if (cost < best_ - minimum_decrease_) {
            best_ = cost;
            count_ = 0;
        }
        return count_;
    }
    /// Epochs since the best one, or since start_again().
    int count() const noexcept { return count_; }
    /// Counts from 0 again; the best cost stays.
    void start_again() noexcept { count_ = 0; }

  private:
    double minimum_decrease_;
    double best_ = std::numeric_limits<double>::infinity();
    int count_ = 0;
};

} // namespace tocsin::detail
