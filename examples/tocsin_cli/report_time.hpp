/// @file report_time.hpp
/// @brief The horizontal axis of a report: times if the recording has usable ones, else rows.
#pragma once

#include "tocsin/core/views.hpp"

#include <span>
#include <string>
#include <vector>

namespace tocsin_cli {

/// The positions of rows on the axis.
struct time_axis {
    enum class unit { row, number, time };
    unit kind = unit::row;
    std::vector<double> at; ///< one per row, increasing
    double usual_step = 1;  ///< median
    bool is_regular = true; ///< row k lies exactly at `at[0] + k * usual_step`
    std::string note;       ///< why rows are counted although there are times; else empty
};

/// Times if all could be read and they increase, else row numbers from 1.
/// @param times NaN if a time was missing or unreadable
/// @param dates whether they are seconds since 1970
time_axis make_axis(std::span<const double> times, tocsin::index_t rows, bool dates);

} // namespace tocsin_cli
