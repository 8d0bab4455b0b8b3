/// @file window_errors.hpp
/// @brief Error vectors of models that reconstruct: the window that ends with a sample minus its
/// reconstruction.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/error_source.hpp"
#include "tocsin/detect/model_weights.hpp"
#include "tocsin/detect/sample_ring.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin::detail {

/// Cuts the absolute errors of a window into vectors: one for each scored step or for each feature.
struct window_cut {
    int features = 0;
    int window = 0;
    scored_steps scored = scored_steps::all;
    error_view view = error_view::per_step;

    constexpr int first_step() const noexcept {
        return scored == scored_steps::all ? 0 : window - 1;
    }
    constexpr int vectors() const noexcept {
        return view == error_view::per_step ? window - first_step() : features;
    }
    constexpr int vector_size() const noexcept {
        return view == error_view::per_step ? features : window;
    }
    /// @param observed   `[features x window]`, scaled, NaN where a value is missing
    /// @param prediction `[features x window]`
    /// @param errors     `vectors() * vector_size()` doubles, overwritten
    template <class Scalar>
    void write(const Scalar* observed, const Scalar* prediction, double* errors) const noexcept {
        for (int t = view == error_view::per_step ? first_step() : 0; t < window; ++t) {
            for (int f = 0; f < features; ++f) {
                const index_t at = index_t{t} * features + f;
                const index_t to = view == error_view::per_step
                                       ? index_t{t - first_step()} * features + f
                                       : index_t{f} * window + t;
                errors[to] = std::abs(error_of(observed[at], prediction[at]));
            }
        }
    }
};

/// Fills the holes of a window for the model to read: with the last value before each hole, at the
/// start of the window with the mean of the training data.
/// @return whether there was any hole
template <class Scalar>
bool fill_holes(const Scalar* observed, int features, int window, const Scalar* mean,
                missing_value policy, Scalar* filled) noexcept {
    bool any = false;
    for (index_t t = 0; t < window; ++t) {
        for (index_t f = 0; f < features; ++f) {
            const index_t at = t * features + f;
            const bool hole = std::isnan(observed[at]);
            any = any || hole;
            filled[at] = !hole                                    ? observed[at]
                         : t > 0 && policy != missing_value::mean ? filled[at - features]
                                                                  : mean[f];
        }
    }
    return any;
}

/// What a model makes of a window in the place of its holes, for the model to read once more: closer
/// to what was missing than the last value (missing_value::forecast).
/// @param observed   NaN where a value is missing
/// @param prediction of `filled`
template <class Scalar>
void refill_holes(const Scalar* observed, index_t size, const Scalar* prediction,
                  Scalar* filled) noexcept {
    for (index_t k = 0; k < size; ++k) {
        if (std::isnan(observed[k]) && std::isfinite(prediction[k])) {
            filled[k] = prediction[k];
        }
    }
}

/// The state is a ring of the last `window` samples (sample_ring.hpp).
template <class Model>
class error_source {
  public:
    using scalar_type = typename Model::scalar_type;
    static constexpr bool has_feature_view = true;
    static constexpr bool errors_precede_step = false;
    static constexpr bool batches = true;

    constexpr error_source() noexcept = default;
    constexpr error_source(const Model& model, const detector_settings& settings) noexcept
        : cut_{model.features(), settings.window, settings.scored, settings.view},
          policy_{settings.missing}, predict_work_{model.predict_work_size(1, settings.window)} {}

    constexpr index_t state_size() const noexcept { return 2 * window_size(); }
    constexpr index_t work_size() const noexcept { return 2 * window_size() + predict_work_; }
    constexpr int vectors() const noexcept { return cut_.vectors(); }
    constexpr int vector_size() const noexcept { return cut_.vector_size(); }
    constexpr int features() const noexcept { return cut_.features; }
    constexpr int kept_errors() const noexcept { return cut_.features; }
    constexpr int targets() const noexcept { return cut_.features; }
    constexpr int shortest_warm_up() const noexcept { return cut_.window - 1; }
    constexpr int complete_after() const noexcept { return shortest_warm_up(); }

    /// A reconstruction expects nothing before it has seen the sample.
    scalar_type expected(std::span<const scalar_type> /*state*/, std::int64_t /*seen*/,
                         index_t /*f*/) const noexcept {
        return std::numeric_limits<scalar_type>::quiet_NaN();
    }

    /// Writes the sample into the ring; whether that makes a whole window.
    bool prepare(const source_sample<scalar_type>& sample) const noexcept {
        write_to_ring(sample.state.data(), sample.seen, cut_.features, cut_.window,
                      sample.observed);
        return sample.seen >= shortest_warm_up();
    }
    /// There is nothing to compute before the window is whole.
    static constexpr bool advances(bool complete) noexcept { return complete; }

    /// Reconstructs the window that ends with the sample, and compares both.
    void advance(const Model& model, const model_weights<Model>& weights,
                 const source_sample<scalar_type>& sample,
                 std::span<scalar_type> work) const noexcept {
        work_area<scalar_type> rest{work};
        scalar_type* const filled = rest.take(window_size()).data();
        scalar_type* const prediction = rest.take(window_size()).data();
        const scalar_type* const window = newest(sample);
        const bool holes =
            fill_holes(window, cut_.features, cut_.window, sample.mean, policy_, filled);
        weights.predict(model, {holes ? filled : window, cut_.features, 1, cut_.window},
                        {prediction, cut_.features, 1, cut_.window}, rest.rest());
        if (holes && policy_ == missing_value::forecast) {
            refill_holes(window, window_size(), prediction, filled);
            weights.predict(model, {filled, cut_.features, 1, cut_.window},
                            {prediction, cut_.features, 1, cut_.window}, rest.rest());
        }
        cut_.write(window, prediction, sample.errors);
    }

    /// Whether a value of the state can be one of a sample.
    static bool is_possible(scalar_type value) noexcept {
        return std::isnan(value) || readable(value) == value;
    }
    /// How windows are cut into error vectors.
    const window_cut& cut() const noexcept { return cut_; }

    // ---- many streams at once ---------------------------------------------------------------

    index_t group_work_size(const Model& model, int group) const noexcept {
        return (2 * group + 1) * window_size() + model.predict_work_size(group, cut_.window);
    }
    void advance_group(const Model& model, const model_weights<Model>& weights,
                       std::span<const source_sample<scalar_type>* const> samples,
                       std::span<scalar_type> work) const noexcept {
        const auto count = static_cast<int>(samples.size());
        const index_t features = cut_.features;
        work_area<scalar_type> rest{work};
        scalar_type* const windows = rest.take(window_size() * count).data();
        scalar_type* const predictions = rest.take(window_size() * count).data();
        scalar_type* const single = rest.take(window_size()).data();
        bool holes = false;
        for (int k = 0; k < count; ++k) {
            const auto& sample = *samples[static_cast<std::size_t>(k)];
            holes = fill_holes(newest(sample), cut_.features, cut_.window, sample.mean, policy_,
                               single) ||
                    holes;
            for (index_t t = 0; t < cut_.window; ++t) {
                std::copy_n(single + t * features, features, windows + (t * count + k) * features);
            }
        }
        weights.predict(model, {windows, cut_.features, count, cut_.window},
                        {predictions, cut_.features, count, cut_.window}, rest.rest());
        if (holes && policy_ == missing_value::forecast) {
            for (int k = 0; k < count; ++k) {
                const scalar_type* const window = newest(*samples[static_cast<std::size_t>(k)]);
                for (index_t t = 0; t < cut_.window; ++t) {
                    const index_t at = (t * count + k) * features;
                    refill_holes(window + t * features, features, predictions + at, windows + at);
                }
            }
            weights.predict(model, {windows, cut_.features, count, cut_.window},
                            {predictions, cut_.features, count, cut_.window}, rest.rest());
        }
        for (int k = 0; k < count; ++k) {
            for (index_t t = 0; t < cut_.window; ++t) {
                std::copy_n(predictions + (t * count + k) * features, features,
                            single + t * features);
            }
            const auto& sample = *samples[static_cast<std::size_t>(k)];
            cut_.write(newest(sample), single, sample.errors);
        }
    }

  private:
    constexpr index_t window_size() const noexcept { return index_t{cut_.features} * cut_.window; }
    /// The window that ends with a sample, after prepare().
    const scalar_type* newest(const source_sample<scalar_type>& sample) const noexcept {
        return newest_in_ring(sample.state.data(), sample.seen, cut_.features, cut_.window);
    }

    window_cut cut_;
    missing_value policy_ = missing_value::forecast;
    index_t predict_work_ = 0;
};

} // namespace tocsin::detail
