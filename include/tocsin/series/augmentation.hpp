/// @file augmentation.hpp
/// @brief Artificial anomalies made from normal sequences.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/series/natural_spline.hpp"
#include "tocsin/series/series.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace tocsin {

/// A way to corrupt a normal sequence. The transformations follow Um et al., "Data
/// augmentation of wearable sensor data", ICMI 2017 (arXiv 1706.00527), made strong enough to be
/// anomalies.
enum class augmentation : std::uint8_t {
    jitter,         ///< normal noise is added to every value
    scaling,        ///< each feature is multiplied by a factor
    rotation,       ///< features are permuted and their signs flipped; one feature: sign flipped
    permutation,    ///< the sequence is cut into segments, whose order changes
    magnitude_warp, ///< each feature is multiplied by a smooth random curve
    mixed           ///< one of the above, drawn per sequence
};

/// Strengths. Only the chosen augmentation's matter, but all are checked.
struct augmentation_settings {
    augmentation kind = augmentation::mixed; ///< which transformation
    /// Standard deviation of the noise, in standard deviations of the feature over the whole set.
    double jitter_deviation = 1;
    /// The factor is drawn from [low, high), then inverted with probability one half; low above 1.
    double scaling_low = 1.5;
    double scaling_high = 3; ///< factors are below this
    /// At least 2; a sequence shorter than this is cut into single steps.
    int segments = 4;
    /// Knots of the curve, both ends included, at least 2; their values are normal around 1.
    int warp_knots = 6;
    double warp_deviation = 0.7; ///< standard deviation of the values at the knots
};

namespace detail {

inline status check(const augmentation_settings& settings) noexcept {
    if (!(settings.jitter_deviation > 0) || !std::isfinite(settings.jitter_deviation) ||
        !(settings.warp_deviation > 0) || !std::isfinite(settings.warp_deviation)) {
        return status::error(error_code::invalid_argument, "augmentation: jitter_deviation ",
                             settings.jitter_deviation, ", warp_deviation ",
                             settings.warp_deviation, "; both must be positive");
    }
    if (!(settings.scaling_low > 1) || !(settings.scaling_high >= settings.scaling_low) ||
        !std::isfinite(settings.scaling_high)) {
        return status::error(error_code::invalid_argument, "augmentation: scaling_low ",
                             settings.scaling_low, ", scaling_high ", settings.scaling_high,
                             "; needed is 1 < scaling_low <= scaling_high");
    }
    if (settings.segments < 2 || settings.warp_knots < 2) {
        return status::error(error_code::invalid_argument, "augmentation: segments ",
                             settings.segments, ", warp_knots ", settings.warp_knots,
                             "; both must be at least 2");
    }
    return {};
}

/// 0, 1, ... in a random order that differs from the original (if there is more than one).
inline std::vector<int> other_order(int count, random_generator& random) {
    std::vector<int> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    while (count > 1) {
        shuffle(std::span<int>{order}, random);
        if (!std::is_sorted(order.begin(), order.end())) {
            break;
        }
    }
    return order;
}

/// Standard deviation of the finite values of each feature; 1 where there are none or they are
/// constant.
template <class Scalar>
std::vector<double> feature_deviations(const matrix<Scalar>& values) {
    std::vector<double> deviations;
    for (index_t k = 0; k < values.rows(); ++k) {
        double count = 0;
        double mean = 0;
        double squares = 0;
        for (index_t column = 0; column < values.cols(); ++column) {
            const auto value = static_cast<double>(values(k, column));
            if (std::isfinite(value)) {
                ++count;
                const double change = value - mean;
                mean += change / count;
                squares += change * (value - mean);
            }
        }
        deviations.push_back(squares > 0 ? std::sqrt(squares / count) : 1.0);
    }
    return deviations;
}

template <class Scalar>
void rotate_features(Eigen::Map<matrix<Scalar>> values, random_generator& random) {
    const auto features = static_cast<int>(values.rows());
    const std::vector<int> order = other_order(features, random);
    const matrix<Scalar> original = values;
    for (int k = 0; k < features; ++k) {
        const bool flip = features == 1 || random.below(2) == 1;
        const auto source = original.row(order[static_cast<std::size_t>(k)]);
        values.row(k) = source * (flip ? Scalar(-1) : Scalar(1));
    }
}

template <class Scalar>
void permute_segments(Eigen::Map<matrix<Scalar>> values, int segments, random_generator& random) {
    const index_t length = values.cols();
    const auto count = static_cast<int>(std::min<index_t>(segments, length));
    const matrix<Scalar> original = values;
    index_t target = 0;
    for (const int segment : other_order(count, random)) {
        const index_t first = length * segment / count;
        const index_t size = length * (segment + 1) / count - first;
        values.middleCols(target, size) = original.middleCols(first, size);
        target += size;
    }
}

template <class Scalar>
void warp_magnitude(Eigen::Map<matrix<Scalar>> values, const augmentation_settings& settings,
                    random_generator& random) {
    std::vector<double> knots(static_cast<std::size_t>(settings.warp_knots));
    const auto steps = static_cast<double>(std::max<index_t>(values.cols() - 1, 1));
    for (index_t k = 0; k < values.rows(); ++k) {
        for (double& knot : knots) {
            knot = 1 + settings.warp_deviation * random.normal();
        }
        const natural_spline curve{knots};
        for (index_t t = 0; t < values.cols(); ++t) {
            const double position = static_cast<double>(t) / steps * (settings.warp_knots - 1);
            values(k, t) *= static_cast<Scalar>(curve(position));
        }
    }
}

} // namespace detail

/// Makes one artificial anomaly, labelled 1, from each normal sequence: anomalous data for tuning a
/// threshold where none was recorded. NaN in a sequence stays NaN. Allocates.
/// @return as many sequences of the same shape; `invalid_argument` for a setting out of range, and
///         for permutation of sequences of one time step
template <class Scalar>
result<sequence_set<Scalar>> fake_anomalies(const sequence_set<Scalar>& normal,
                                            const augmentation_settings& settings,
                                            random_generator& random) {
    if (auto outcome = detail::check(settings); !outcome) {
        return outcome;
    }
    if (settings.kind == augmentation::permutation && normal.length == 1) {
        return status::error(error_code::invalid_argument,
                             "augmentation: permutation needs more than 1 time step");
    }
    sequence_set<Scalar> fake = normal;
    fake.labels.assign(static_cast<std::size_t>(fake.count()), 1);
    const std::vector<double> deviations = detail::feature_deviations(normal.values);
    for (index_t s = 0; s < fake.count(); ++s) {
        matrix_view<Scalar> values = fake.sequence(s);
        augmentation kind = settings.kind;
        while (kind == augmentation::mixed ||
               (kind == augmentation::permutation && normal.length == 1)) {
            kind = static_cast<augmentation>(
                random.below(static_cast<std::uint64_t>(augmentation::mixed)));
        }
        switch (kind) {
        case augmentation::jitter:
            for (index_t t = 0; t < values.cols(); ++t) {
                for (index_t k = 0; k < values.rows(); ++k) {
                    values(k, t) += static_cast<Scalar>(settings.jitter_deviation *
                                                        deviations[static_cast<std::size_t>(k)] *
                                                        random.normal());
                }
            }
            break;
        case augmentation::scaling:
            for (index_t k = 0; k < values.rows(); ++k) {
                const double factor = random.uniform(settings.scaling_low, settings.scaling_high);
                values.row(k) *= static_cast<Scalar>(random.below(2) == 0 ? factor : 1 / factor);
            }
            break;
        case augmentation::rotation:
            detail::rotate_features(values, random);
            break;
        case augmentation::permutation:
            detail::permute_segments(values, settings.segments, random);
            break;
        case augmentation::magnitude_warp:
            detail::warp_magnitude(values, settings, random);
            break;
        case augmentation::mixed:
            break;
        }
    }
    return fake;
}

} // namespace tocsin
