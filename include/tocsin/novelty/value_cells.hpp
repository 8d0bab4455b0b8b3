/// @file value_cells.hpp
/// @brief Novelty of a value from a small table: which cells of its range were visited, and when.
#pragma once

#include "tocsin/core/status.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tocsin {

/// What nearest_value does, in little memory: the range of a sensor is cut into cells, and each keeps the
/// time of its last visit. The score is the distance, in cells, from the cell of the newest value to
/// the nearest one that was visited among the last `memory` values; values beyond the range count
/// on. No heap, 4 bytes a cell, O(cells).
/// @tparam Cells 2 to 4096
template <int Cells = 64>
class value_cells {
    static_assert(Cells >= 2 && Cells <= 4096);

  public:
    /// @param low, high the usual range of the sensor, low < high, both finite; else check() says so
    ///                  and every score is NaN
    /// @param memory    values, 1 to 2^30
    constexpr value_cells(double low, double high, std::uint32_t memory = 4000) noexcept
        : low_{low}, width_{(high - low) / Cells}, memory_{memory} {}

    status check() const noexcept {
        if (!(width_ > 0) || !std::isfinite(low_) || !std::isfinite(width_) || memory_ < 1 ||
            memory_ > most_memory) {
            return status::error(error_code::invalid_argument, "value_cells: range from ", low_,
                                 " with cells of ", width_, " and memory ", memory_,
                                 " cannot be used");
        }
        return {};
    }

    /// Scores the newest value and remembers it. NaN for a value that is not finite, and for the
    /// first.
    double push(double value) noexcept {
        if (!std::isfinite(value) || !(width_ > 0) || !std::isfinite(width_)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        // Within the range of int, whatever the value.
        const double place = std::clamp(std::floor((value - low_) / width_), -1e6, 1e6);
        const int cell = std::clamp(static_cast<int>(place), 0, Cells - 1);
        const double beyond = std::abs(place - cell);
        double nearest = std::numeric_limits<double>::quiet_NaN();
        for (int k = 0; k < Cells; ++k) {
            if (known(k)) {
                const auto distance = static_cast<double>(std::abs(k - cell));
                nearest = distance >= nearest ? nearest : distance;
            }
        }
        advance();
        // What lies beyond the range is remembered only by its last cell.
        visits_[static_cast<std::size_t>(cell)] = now_;
        return nearest + beyond;
    }
    void reset() noexcept {
        visits_.fill(0);
        now_ = 0;
    }

  private:
    static constexpr std::uint32_t most_memory = std::uint32_t{1} << 30U;

    bool known(int cell) const noexcept {
        const std::uint32_t visit = visits_[static_cast<std::size_t>(cell)];
        return visit != 0 && now_ - visit < memory_;
    }
    /// Times start again, long before they overflow.
    void advance() noexcept {
        if (now_ == std::numeric_limits<std::uint32_t>::max()) {
            for (int k = 0; k < Cells; ++k) {
                auto& visit = visits_[static_cast<std::size_t>(k)];
                visit = known(k) ? visit - (now_ - memory_) : 0;
            }
            now_ = memory_;
        }
        ++now_;
    }

    double low_;
    double width_;
    std::uint32_t memory_;
    std::uint32_t now_ = 0; ///< values so far, the time of the newest
    std::array<std::uint32_t, static_cast<std::size_t>(Cells)> visits_{}; ///< 0: never
};

} // namespace tocsin
