/// @file window_errors.hpp
/// @brief Error vectors of models that reconstruct: the window that ends with a sample minus its
/// reconstruction.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/error_source.hpp"
#include "tocsin/detect/filled_windows.hpp"
#include "tocsin/detect/model_weights.hpp"
#include "tocsin/detect/sample_ring.hpp"

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

/// The state is a ring of the last `window` samples (sample_ring.hpp).
template <class Model>
class error_source {
  public:
    using scalar_type = typename Model::scalar_type;
    using view = sequence_view<scalar_type>;
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
        const view filled(rest.take(window_size()).data(), cut_.features, 1, cut_.window);
        const view prediction(rest.take(window_size()).data(), cut_.features, 1, cut_.window);
        const scalar_type* const window = newest(sample);
        predict_filled(
            model, weights, policy_, sample.mean, [&](int) { return window; }, filled, prediction,
            rest.rest());
        cut_.write(window, prediction.data(), sample.errors);
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
        work_area<scalar_type> rest{work};
        const view filled(rest.take(window_size() * count).data(), cut_.features, count,
                          cut_.window);
        const view predictions(rest.take(window_size() * count).data(), cut_.features, count,
                               cut_.window);
        const view single(rest.take(window_size()).data(), cut_.features, 1, cut_.window);
        const auto window = [&](int k) { return newest(*samples[static_cast<std::size_t>(k)]); };
        predict_filled(model, weights, policy_, samples[0]->mean, window, filled, predictions,
                       rest.rest());
        for (int k = 0; k < count; ++k) {
            for (int t = 0; t < cut_.window; ++t) {
                single.step(t).col(0) = predictions.step(t).col(k);
            }
            cut_.write(window(k), single.data(), samples[static_cast<std::size_t>(k)]->errors);
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
