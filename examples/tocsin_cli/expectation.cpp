#include "expectation.hpp"

#include "row_judge.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

namespace tocsin_cli {
namespace {

using tocsin::index_t;
using tocsin::matrix;

std::span<const float> row_of(const matrix<float>& values, index_t row) {
    return {values.col(row).data(), static_cast<std::size_t>(values.rows())};
}

/// A place where a shift begins, with the rows before it that a stream must have seen.
struct place {
    index_t first = 0; ///< row at which the stream starts
    index_t begin = 0; ///< of the shift
    index_t end = 0;
    double sign = 1;
};

/// Rows from the start of the shift to the first alarm; none without one.
std::optional<index_t> delay_of_alarm(const model_file& model, const std::string& path,
                                      const matrix<float>& values, const place& where, int feature,
                                      double size) {
    row_judge judge{model, row_options{}, path};
    std::vector<float> sample(static_cast<std::size_t>(values.rows()));
    for (index_t row = where.first; row < where.end; ++row) {
        const auto seen = row_of(values, row);
        std::copy(seen.begin(), seen.end(), sample.begin());
        if (row >= where.begin) {
            float& value = sample[static_cast<std::size_t>(feature)];
            value = static_cast<float>(static_cast<double>(value) + where.sign * size);
        }
        if (judge.push(sample).alarm && row >= where.begin) {
            return row - where.begin;
        }
    }
    return std::nullopt;
}

/// Places spread evenly over all runs; the same for each sensor.
std::vector<place> places_in(const model_file& model, const std::vector<row_run>& runs,
                             const shift_settings& settings) {
    const index_t before = model.detector.settings().window + model.detector.warm_up() +
                           model.detector.rule().smoothing();
    const index_t needed = before + settings.rows;
    index_t room = 0;
    for (const row_run& run : runs) {
        room += std::max<index_t>(run.size() - needed + 1, 0);
    }
    std::vector<place> places;
    for (int k = 0; k < settings.places && room > 0; ++k) {
        index_t at = static_cast<index_t>((static_cast<double>(k) + 0.5) / settings.places *
                                          static_cast<double>(room));
        for (const row_run& run : runs) {
            const index_t here = std::max<index_t>(run.size() - needed + 1, 0);
            if (at < here) {
                const index_t first = run.begin + at;
                places.push_back({first, first + before, first + needed, k % 2 == 0 ? 1.0 : -1.0});
                break;
            }
            at -= here;
        }
    }
    return places;
}

} // namespace

double false_alarms::in_rows(double count) const noexcept {
    return rows > 0 ? static_cast<double>(alarms) * count / static_cast<double>(rows)
                    : std::numeric_limits<double>::quiet_NaN();
}

double false_alarms::most_in_rows(double count) const noexcept {
    constexpr double normal_quantile = 1.6449; // of 95 %
    const double next = static_cast<double>(alarms) + 1;
    const double most =
        next * std::pow(1 - 1 / (9 * next) + normal_quantile / (3 * std::sqrt(next)), 3);
    return rows > 0 ? most * count / static_cast<double>(rows)
                    : std::numeric_limits<double>::quiet_NaN();
}

false_alarms count_false_alarms(const model_file& model, const std::string& path,
                                const matrix<float>& values, const std::vector<row_run>& runs) {
    false_alarms found;
    for (const row_run& run : runs) {
        row_judge judge{model, row_options{}, path};
        for (index_t row = run.begin; row < run.end; ++row) {
            found.rows += judge.push(row_of(values, row)).verdict.scored() ? 1 : 0;
        }
        found.alarm_rows += judge.alarm_rows();
        found.alarms += judge.alarms();
    }
    return found;
}

found_shift smallest_shift(const model_file& model, const std::string& path,
                           const matrix<float>& values, const std::vector<row_run>& runs,
                           int feature, double deviation, const shift_settings& settings) {
    std::vector<place> places = places_in(model, runs, settings);
    std::erase_if(places, [&](const place& where) {
        return delay_of_alarm(model, path, values, where, feature, 0).has_value();
    });
    const auto attempt = [&](double deviations) {
        found_shift outcome{.size = deviations * deviation, .deviations = deviations};
        std::vector<index_t> delays;
        for (const place& where : places) {
            if (const auto delay =
                    delay_of_alarm(model, path, values, where, feature, outcome.size)) {
                delays.push_back(*delay);
            }
        }
        std::sort(delays.begin(), delays.end());
        outcome.delay = delays.empty() ? 0 : static_cast<double>(delays[delays.size() / 2]);
        outcome.hits = places.empty() ? 0
                                      : static_cast<double>(delays.size()) /
                                            static_cast<double>(places.size());
        return outcome;
    };
    constexpr double infinity = std::numeric_limits<double>::infinity();
    found_shift best{.size = infinity, .deviations = infinity};
    double low = 1.0 / 64;
    double high = settings.largest;
    if (const found_shift largest = attempt(high); largest.hits >= settings.needed) {
        best = largest;
        for (int k = 0; k < settings.halvings; ++k) {
            const double middle = std::sqrt(low * high);
            const found_shift outcome = attempt(middle);
            if (outcome.hits >= settings.needed) {
                best = outcome;
                high = middle;
            } else {
                low = middle;
            }
        }
    }
    return best;
}

} // namespace tocsin_cli
