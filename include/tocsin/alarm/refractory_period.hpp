/// @file refractory_period.hpp
/// @brief One alarm for everything that follows within a given number of rows.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"

#include <algorithm>
#include <cstdint>

namespace tocsin {

/// Passes a flag, then nothing for `rows` rows, then the next flag: however long an anomaly lasts, it
/// is one alarm per period. Suppression differs: there a run of flags passes as a whole, and the
/// silence begins after it.
class refractory_period {
  public:
    static constexpr const char* kind = "refractory_period";
    static constexpr int version = 1;

    /// @param rows at least 0; otherwise check() reports it and all flags pass
    explicit refractory_period(std::int64_t rows = 0) noexcept : rows_{rows} {}
    /// The period by default: a fifth of the rows on probation, at least 1.
    static refractory_period of_probation(std::int64_t probation) noexcept {
        return refractory_period(std::max<std::int64_t>(probation / 5, 1));
    }

    status check() const noexcept {
        return detail::check_rows("refractory_period", "rows", rows_, 0, detail::most_rows);
    }
    /// Rows of silence after an alarm.
    std::int64_t rows() const noexcept { return rows_; }
    /// Takes the next flag.
    /// @return whether it belongs to an alarm that is not suppressed
    bool push(bool flag) noexcept {
        if (remaining_ > 0) {
            --remaining_;
            return false;
        }
        remaining_ = flag ? std::max<std::int64_t>(rows_, 0) : 0;
        return flag;
    }
    void reset() noexcept { remaining_ = 0; }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("rows", rows_);
        archive.integer("remaining", remaining_);
        detail::keep_if(archive, check());
        detail::keep_if(archive, detail::check_rows("refractory_period", "remaining", remaining_, 0,
                                                    std::max<std::int64_t>(rows_, 0)));
    }

  private:
    std::int64_t rows_;
    std::int64_t remaining_ = 0;
};

} // namespace tocsin
