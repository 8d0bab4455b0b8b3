#include "inserted_anomalies.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::row_range;
using series = Eigen::RowVectorXd;

constexpr index_t shortest = 10;
constexpr index_t apart = 250;   ///< rows between two anomalies
constexpr index_t lead_in = 50;  ///< normal rows first
constexpr index_t lead_out = 20; ///< and last

enum class anomaly_kind : std::uint8_t {
    shifted,
    frozen,
    noisy,
    drifting,
    mirrored,
    copied,
    stretched
};
constexpr std::uint64_t kinds = 7;

/// The changed rows of `range`.
/// @param size signed, in the unit of the values
series changed(const series& values, row_range range, anomaly_kind kind, double size,
               tocsin::random_generator& random) {
    const index_t length = range.size();
    const auto rows = values.segment(range.begin, length);
    const double mean = rows.mean();
    switch (kind) {
    case anomaly_kind::shifted:
        return (rows.array() + size).matrix();
    case anomaly_kind::frozen:
        return series::Constant(length, rows(0));
    case anomaly_kind::noisy:
        return rows + series::NullaryExpr(length, [&] { return std::abs(size) * random.normal(); });
    case anomaly_kind::drifting:
        return rows + series::LinSpaced(length, 0, 1.5 * size);
    case anomaly_kind::mirrored:
        return (2 * mean - rows.array()).matrix();
    case anomaly_kind::copied:
        return values.segment(
            static_cast<index_t>(random.below(static_cast<std::uint64_t>(values.size() - length))),
            length);
    case anomaly_kind::stretched:
        break;
    }
    return (mean + (rows.array() - mean) * (size > 0 ? 2.0 : 0.25)).matrix();
}

} // namespace

std::vector<row_range> insert_anomalies(tocsin::matrix<double>& values, row_range where,
                                        tocsin::random_generator& random) {
    const series before = values.row(0);
    const double lowest = before.minCoeff();
    const double highest = before.maxCoeff();
    const double margin = highest > lowest ? (highest - lowest) / 2 : 1.0;
    double deviation =
        std::sqrt((before.array() - before.mean()).square().mean()); // 0 for a constant
    deviation = deviation > 0 ? deviation : 0.5;

    std::vector<row_range> anomalies;
    const int count = random.uniform() < 0.7 ? 1 : 2;
    for (int k = 0; k < count; ++k) {
        const double longest = std::max(2.0 * shortest, static_cast<double>(where.size()) / 8);
        const auto length = static_cast<index_t>(
            std::exp(random.uniform(std::log(double{shortest}), std::log(longest))));
        const index_t places = where.size() - lead_in - lead_out - length;
        if (places < 1) {
            continue;
        }
        const index_t begin =
            where.begin + lead_in +
            static_cast<index_t>(random.below(static_cast<std::uint64_t>(places)));
        const row_range range{begin, begin + length};
        const auto kind = static_cast<anomaly_kind>(random.below(kinds));
        const double size = deviation * std::exp(random.uniform(std::log(0.5), std::log(4.0))) *
                            (random.uniform() < 0.5 ? 1 : -1);
        const series after = changed(before, range, kind, size, random)
                                 .cwiseMax(lowest - margin)
                                 .cwiseMin(highest + margin);
        const series difference = after - before.segment(begin, length);
        const bool visible =
            difference.norm() / std::sqrt(static_cast<double>(length)) >= deviation / 4;
        const bool clear =
            std::none_of(anomalies.begin(), anomalies.end(), [&](const row_range& other) {
                return begin < other.end + apart && other.begin < range.end + apart;
            });
        if (visible && clear) {
            values.row(0).segment(begin, length) = after;
            anomalies.push_back(range);
        }
    }
    std::sort(anomalies.begin(), anomalies.end(),
              [](const row_range& a, const row_range& b) { return a.begin < b.begin; });
    return anomalies;
}

} // namespace evaluate
