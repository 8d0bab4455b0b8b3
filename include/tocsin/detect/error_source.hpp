/// @file error_source.hpp
/// @brief How a sample of a stream becomes error vectors: the part of a detector that depends on
/// its kind of model.
///
/// An error source is a few sizes and functions over memory of the caller. Its constants:
///
/// - `has_feature_view`: whether errors can also be seen per feature, as those of a window can;
/// - `errors_precede_step`: whether the errors of a sample are known before the model has read it, so that
///   the verdict comes first and the model runs last;
/// - `batches`: whether advance_group() can be called.
///
/// Sizes:
///
/// - `state_size()`, `work_size()`, `group_work_size(model, group)`: scalars that a stream remembers,
///   scalars of scratch for one stream and for a group;
/// - `vectors()`, `vector_size()`: error vectors of one sample, and their elements; `kept_errors()`: errors
///   that a stream keeps of its last sample; `features()`, `targets()`: of a sample, of its errors;
/// - `shortest_warm_up()`: samples after a start that have no errors; `complete_after()`: samples after
///   which errors are those of a model that sees all it can look back on.
///
/// What happens to a sample, in this order:
///
/// - `expected(state, seen, f)`: what feature `f` was expected to be, to stand for a missing value;
/// - `prepare(sample)`: takes the sample in; whether its errors are complete once the model has run;
/// - `advances(complete)`: whether the model has anything to do with it;
/// - `advance(model, weights, sample, work)`: runs the model for one stream;
/// - `advance_group(model, weights, samples, work)`: the same for many streams at once.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/detect/detector_settings.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin::detail {

/// The error source of a model: forecast_errors.hpp and window_errors.hpp have one each.
template <class Model>
class error_source;

/// One sample of one stream on its way through an error source.
template <class Scalar>
struct source_sample {
    std::span<Scalar> state; ///< what the stream remembers for the model
    std::int64_t seen;       ///< samples before this one since the stream started
    const Scalar* observed;  ///< `[features]`, scaled, NaN where a value is missing
    const Scalar* inputs;    ///< `[features]`, the same with replacements
    const Scalar* mean;      ///< `[features]`, of the training data, scaled
    double* errors;          ///< the error vectors, one after the other; NaN where missing
};

/// What a model that forecasts reads of it.
template <class Scalar>
struct model_sample {
    constexpr model_sample() noexcept = default;
    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): a part of it
    constexpr model_sample(const source_sample<Scalar>& sample) noexcept
        : state{sample.state.data()}, inputs{sample.inputs}, seen{sample.seen} {}

    Scalar* state = nullptr;        ///< what the stream remembers for the model; null: no sample
    const Scalar* inputs = nullptr; ///< `[features]`, scaled, complete
    std::int64_t seen = 0;          ///< samples before this one since the stream started
};

/// Observed minus expected value: NaN where it was not observed, infinite where the expectation is
/// not finite, because then it is as far from normal as can be.
template <class Scalar>
double error_of(Scalar observed, Scalar expected) noexcept {
    const double error = static_cast<double>(observed) - static_cast<double>(expected);
    if (!std::isfinite(error) && !std::isnan(observed)) {
        return std::numeric_limits<double>::infinity();
    }
    return error;
}

} // namespace tocsin::detail
