/// @file classifier_source.hpp
/// @brief The probability of the window that ends with a sample, as the one error of that sample.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/error_source.hpp"
#include "tocsin/detect/sample_ring.hpp"
#include "tocsin/models/logits.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin::detail {

/// The error source (see error_source.hpp) of a network with one or two logits for a window. The
/// state is a ring of the last samples, with replacements where a value was missing.
template <class Network>
class classifier_source {
  public:
    using scalar_type = typename Network::scalar_type;
    using weights_type = aligned_vector<scalar_type>;
    using sample_type = source_sample<scalar_type>;
    static constexpr bool batches = true;
    static constexpr bool errors_precede_step = false;

    constexpr classifier_source() noexcept = default;
    /// @param window samples, at least 1
    constexpr classifier_source(const Network& network, int window) noexcept
        : features_{network.features()}, window_{window},
          infer_work_{network.infer_work_size(1, window)} {}

    constexpr index_t state_size() const noexcept { return 2 * window_size(); }
    /// Of advance() and of occlude().
    constexpr index_t work_size() const noexcept {
        return whole_lines<scalar_type>(window_size()) + infer_work_;
    }
    constexpr int vectors() const noexcept { return 1; }
    constexpr int vector_size() const noexcept { return 1; }
    constexpr int features() const noexcept { return features_; }
    constexpr int kept_errors() const noexcept { return 1; }

    /// A classifier expects nothing.
    scalar_type expected(std::span<const scalar_type> /*state*/, std::int64_t /*seen*/,
                         index_t /*f*/) const noexcept {
        return std::numeric_limits<scalar_type>::quiet_NaN();
    }
    /// Writes the sample into the ring; whether that makes a whole window.
    bool prepare(const sample_type& sample) const noexcept {
        write_to_ring(sample.state.data(), sample.seen, features_, window_, sample.inputs);
        return sample.seen + 1 >= window_;
    }
    static constexpr bool advances(bool complete) noexcept { return complete; }

    /// Judges the window that ends with the sample.
    void advance(const Network& network, const weights_type& weights, const sample_type& sample,
                 std::span<scalar_type> work) const noexcept {
        const auto logits = network.infer(weights, {newest(sample), features_, 1, window_},
                                          work.last(infer_work()));
        *sample.errors = anomaly_probability(std::span<const scalar_type>(logits.span()));
    }

    // ---- many streams at once ---------------------------------------------------------------

    index_t group_work_size(const Network& network, int group) const noexcept {
        return whole_lines<scalar_type>(window_size() * group) +
               network.infer_work_size(group, window_);
    }
    void advance_group(const Network& network, const weights_type& weights,
                       std::span<const sample_type* const> samples,
                       std::span<scalar_type> work) const noexcept {
        const auto count = static_cast<index_t>(samples.size());
        work_area<scalar_type> rest{work};
        scalar_type* const windows =
            rest.take(whole_lines<scalar_type>(window_size() * count)).data();
        for (index_t k = 0; k < count; ++k) {
            const scalar_type* const window = newest(*samples[static_cast<std::size_t>(k)]);
            for (index_t t = 0; t < window_; ++t) {
                std::copy_n(window + t * features_, features_,
                            windows + (t * count + k) * features_);
            }
        }
        const auto logits = network.infer(
            weights, {windows, features_, static_cast<int>(count), window_}, rest.rest());
        const auto outputs = static_cast<index_t>(logits.features());
        for (index_t k = 0; k < count; ++k) {
            *samples[static_cast<std::size_t>(k)]->errors = anomaly_probability(
                slice(std::span<const scalar_type>(logits.span()), k * outputs, outputs));
        }
    }

    // ---- which sensors ----------------------------------------------------------------------

    /// How much the logit of a window falls when one sensor after the other stays at 0 (after the
    /// scaler) for the whole window; see classifier_detector::explain().
    /// @param falls `[features]`, overwritten: 0 where it does not fall
    void occlude(const Network& network, const weights_type& weights, const sample_type& sample,
                 std::span<double> falls, std::span<scalar_type> work) const noexcept {
        const matrix_view<const scalar_type> window(newest(sample), features_, window_);
        matrix_view<scalar_type> hidden(work.data(), features_, window_);
        const auto log_odds = [&](const scalar_type* values) {
            const auto logits =
                network.infer(weights, {values, features_, 1, window_}, work.last(infer_work()));
            return anomaly_log_odds(std::span<const scalar_type>(logits.span()));
        };
        const double whole = log_odds(window.data());
        for (int f = 0; f < features_; ++f) {
            hidden = window;
            hidden.row(f).setZero();
            falls[static_cast<std::size_t>(f)] = std::max(whole - log_odds(hidden.data()), 0.0);
        }
    }

  private:
    constexpr index_t window_size() const noexcept { return index_t{features_} * window_; }
    constexpr std::size_t infer_work() const noexcept {
        return static_cast<std::size_t>(infer_work_);
    }
    /// The window that ends with a sample, after prepare().
    const scalar_type* newest(const sample_type& sample) const noexcept {
        return newest_in_ring<scalar_type>(sample.state.data(), sample.seen, features_, window_);
    }

    int features_ = 0;
    int window_ = 0;
    index_t infer_work_ = 0;
};

/// What judges that error: its score is the probability itself.
struct probability_score {
    static constexpr int dimension() noexcept { return 1; }
    static constexpr double score(std::span<const double> probability) noexcept {
        return probability[0];
    }
    /// As error_views has it.
    constexpr const probability_score& per_step() const noexcept { return *this; }
};

} // namespace tocsin::detail
