#include "report_time.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tocsin_cli {
using tocsin::index_t;

time_axis make_axis(std::span<const double> times, index_t rows, bool dates) {
    time_axis axis;
    const bool given = !times.empty();
    const auto not_increasing = [](double before, double after) { return !(after > before); };
    const bool known = given && std::none_of(times.begin(), times.end(),
                                             [](double time) { return std::isnan(time); });
    const bool usable =
        known && std::adjacent_find(times.begin(), times.end(), not_increasing) == times.end();
    if (usable) {
        axis.kind = dates ? time_axis::unit::time : time_axis::unit::number;
        axis.at.assign(times.begin(), times.end());
        if (times.size() > 1) {
            std::vector<double> steps;
            steps.reserve(times.size() - 1);
            for (std::size_t k = 1; k < times.size(); ++k) {
                steps.push_back(times[k] - times[k - 1]);
            }
            const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
            std::nth_element(steps.begin(), middle, steps.end());
            axis.usual_step = *middle;
            for (std::size_t k = 0; k < times.size() && axis.is_regular; ++k) {
                axis.is_regular = times[k] == times[0] + static_cast<double>(k) * axis.usual_step;
            }
        }
        return axis;
    }
    axis.at.resize(static_cast<std::size_t>(rows));
    for (index_t row = 0; row < rows; ++row) {
        axis.at[static_cast<std::size_t>(row)] = static_cast<double>(row + 1);
    }
    if (given) {
        axis.note = known ? "the times do not always increase, so the axis counts rows"
                          : "not all times could be read, so the axis counts rows";
    }
    return axis;
}

} // namespace tocsin_cli
