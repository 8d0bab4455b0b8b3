#include "expectation.hpp"

#include "tocsin/core/random.hpp"
#include "tocsin/series/augmentation.hpp"

#include "failure.hpp"
#include "row_judge.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
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

/// Rows from the start of what is inserted to the first alarm; none without one.
/// @param change called as `change(row, sample)` for each row from there on
template <class Change>
std::optional<index_t> delay_of_alarm(const model_file& model, const std::string& path,
                                      const matrix<float>& values, const place& where,
                                      Change&& change) {
    row_judge judge{model, row_options{}, path};
    std::vector<float> sample(static_cast<std::size_t>(values.rows()));
    for (index_t row = where.first; row < where.end; ++row) {
        const auto seen = row_of(values, row);
        std::copy(seen.begin(), seen.end(), sample.begin());
        if (row >= where.begin) {
            change(row, std::span<float>(sample));
        }
        if (judge.push(sample).alarm && row >= where.begin) {
            return row - where.begin;
        }
    }
    return std::nullopt;
}

/// Places spread evenly over all runs.
/// @param before,rows before and in what is inserted
std::vector<place> places_in(const std::vector<row_run>& runs, index_t before, int rows,
                             int count) {
    const index_t needed = before + rows;
    index_t room = 0;
    for (const row_run& run : runs) {
        room += std::max<index_t>(run.size() - needed + 1, 0);
    }
    std::vector<place> places;
    for (int k = 0; k < count && room > 0; ++k) {
        auto at = static_cast<index_t>((static_cast<double>(k) + 0.5) / count *
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

/// What is added to the rows of each place, `[features x (rows * places)]`.
matrix<float> insertions(const matrix<float>& values, const std::vector<row_run>& runs,
                         const std::vector<place>& places, int rows) {
    const index_t features = values.rows();
    tocsin::column<float> mean(features);
    tocsin::column<float> unit(features);
    for (index_t f = 0; f < features; ++f) {
        const sensor_spread spread = spread_of(values, runs, f);
        mean[f] = static_cast<float>(spread.mean);
        unit[f] = static_cast<float>(spread.unit);
    }
    tocsin::sequence_set<float> normal;
    normal.length = rows;
    normal.values.resize(features, rows * static_cast<index_t>(places.size()));
    for (std::size_t k = 0; k < places.size(); ++k) {
        normal.sequence(static_cast<index_t>(k)) =
            ((values.middleCols(places[k].begin, rows).colwise() - mean).array().colwise() /
             unit.array())
                .matrix();
    }
    tocsin::random_generator random(1);
    const auto fake =
        require(tocsin::fake_anomalies(normal, tocsin::augmentation_settings{}, random));
    matrix<float> added = fake.values - normal.values;
    for (index_t k = 0; k < static_cast<index_t>(places.size()); ++k) {
        auto block = added.middleCols(k * rows, rows);
        const auto sensor =
            static_cast<index_t>(random.below(static_cast<std::uint64_t>(features)));
        const double size = std::exp2(random.uniform(-3, 3));
        const float sign = random.below(2) == 0 ? 1.0F : -1.0F;
        const double share = std::exp2(random.uniform(-5, 0));
        const auto seen = normal.sequence(k);
        switch (k % 3) {
        case 0: // a shift
            block.setZero();
            block.row(sensor).setConstant(sign * static_cast<float>(size));
            break;
        case 1: // a sensor that freezes
            block.setZero();
            block.row(sensor) = (seen(sensor, 0) - seen.row(sensor).array()).matrix();
            break;
        default:
            block *= static_cast<float>(share);
        }
    }
    return unit.asDiagonal() * added;
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
    index_t before = model.rows_before();
    if (model.judge) { // charts judge before they are full: half of a short recording is enough
        index_t longest = 0;
        for (const row_run& run : runs) {
            longest = std::max(longest, run.size());
        }
        before = std::min(before, std::max(longest / 2, model.window() + index_t{1}));
    }
    std::vector<place> places = places_in(runs, before, settings.rows, settings.places);
    const auto delay_of_shift = [&](const place& where, double size) {
        return delay_of_alarm(
            model, path, values, where, [&](index_t /*row*/, std::span<float> sample) {
                float& value = sample[static_cast<std::size_t>(feature)];
                value = static_cast<float>(static_cast<double>(value) + where.sign * size);
            });
    };
    std::erase_if(places, [&](const place& where) { return delay_of_shift(where, 0).has_value(); });
    const auto attempt = [&](double deviations) {
        found_shift outcome{.size = deviations * deviation, .deviations = deviations};
        std::vector<index_t> delays;
        for (const place& where : places) {
            if (const auto delay = delay_of_shift(where, outcome.size)) {
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

std::vector<bool> finds_inserted(const model_file& model, const std::string& path,
                                 const matrix<float>& values, const std::vector<row_run>& runs,
                                 const insertion_settings& settings) {
    const std::vector<place> places =
        places_in(runs, settings.before, settings.rows, settings.places);
    std::vector<bool> found;
    if (places.empty()) {
        return found;
    }
    const matrix<float> added = insertions(values, runs, places, settings.rows);
    for (const place& where : places) {
        const index_t first = static_cast<index_t>(found.size()) * settings.rows;
        const auto nothing = [](index_t /*row*/, std::span<float> /*sample*/) {};
        const auto insert = [&](index_t row, std::span<float> sample) {
            tocsin::vector_view<float>(sample.data(), values.rows()) +=
                added.col(first + row - where.begin);
        };
        found.push_back(delay_of_alarm(model, path, values, where, insert).has_value() &&
                        !delay_of_alarm(model, path, values, where, nothing).has_value());
    }
    return found;
}

sensor_spread spread_of(const matrix<float>& values, const std::vector<row_run>& runs,
                        index_t feature) {
    double count = 0;
    double mean = 0;
    double squares = 0;
    for (const row_run& run : runs) {
        for (index_t row = run.begin; row < run.end; ++row) {
            const auto value = static_cast<double>(values(feature, row));
            if (std::isfinite(value)) {
                const double change = value - mean;
                mean += change / ++count;
                squares += change * (value - mean);
            }
        }
    }
    const double deviation = count > 1 ? std::sqrt(std::max(squares, 0.0) / count) : 0;
    const bool constant = !(deviation > 1e-6 * std::abs(mean)) || deviation == 0;
    return {mean, !constant ? deviation : mean != 0 ? std::abs(mean) / 100 : 1, constant};
}

} // namespace tocsin_cli
