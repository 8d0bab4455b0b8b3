/// @file own_policies.hpp
/// @brief The smallest policies a user can write: each meets its concept, none derives.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin_test {

/// Predicts every sample of a window as the mean of the window plus a learned constant per feature.
template <class Scalar>
class window_mean {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "window_mean";

    window_mean() = default;
    explicit window_mean(int features) noexcept : features_{features} {}

    tocsin::status check() const noexcept {
        return features_ > 0 ? tocsin::status{}
                             : tocsin::status::error(tocsin::error_code::invalid_argument,
                                                     "window_mean: ", features_, " features");
    }
    int features() const noexcept { return features_; }
    tocsin::index_t parameter_count() const noexcept { return features_; }
    tocsin::index_t predict_work_size(int /*batch*/, int /*time*/) const noexcept { return 0; }
    tocsin::index_t training_work_size(int batch, int time) const noexcept {
        return tocsin::index_t{2} * features_ * batch * time;
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        visit("constant", tocsin::index_t{0}, tocsin::index_t{features_}, tocsin::index_t{1});
    }
    void initialise(std::span<Scalar> parameters, tocsin::random_generator& random) const noexcept {
        for (Scalar& parameter : parameters) {
            parameter = static_cast<Scalar>(random.uniform(-0.5, 0.5));
        }
    }
    void predict(std::span<const Scalar> parameters, tocsin::sequence_view<const Scalar> windows,
                 tocsin::sequence_view<Scalar> predictions,
                 std::span<Scalar> /*work*/) const noexcept {
        const tocsin::vector_view<const Scalar> constant(parameters.data(), features_);
        auto mean = predictions.step(0);
        mean.setZero();
        for (int t = 0; t < windows.time(); ++t) {
            mean += windows.step(t);
        }
        mean /= static_cast<Scalar>(windows.time());
        mean.colwise() += constant;
        for (int t = 1; t < windows.time(); ++t) {
            predictions.step(t) = predictions.step(0);
        }
    }
    template <class Loss>
    double loss_and_gradient(std::span<const Scalar> parameters,
                             tocsin::sequence_view<const Scalar> windows, const Loss& loss,
                             std::span<Scalar> gradients, tocsin::random_generator& /*random*/,
                             std::span<Scalar> work) const noexcept {
        const auto samples = static_cast<std::size_t>(windows.size());
        const tocsin::sequence_view<Scalar> predictions(work.data(), features_, windows.batch(),
                                                        windows.time());
        const tocsin::sequence_view<Scalar> slope(work.data() + samples, features_, windows.batch(),
                                                  windows.time());
        predict(parameters, windows, predictions, {});
        const double value =
            loss(std::span<const Scalar>(predictions.span()), windows.span(), slope.span());
        tocsin::vector_view<Scalar>(gradients.data(), features_) += slope.flat().rowwise().sum();
        return value;
    }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("features", features_, 1, 1000);
    }

  private:
    int features_ = 0;
};

/// Divides everything by two.
template <class Scalar>
class halving_scaler {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "halving";

    tocsin::status fit(const tocsin::windows<Scalar>& training) {
        features_ = training.features();
        return {};
    }
    int features() const noexcept { return features_; }
    bool fitted() const noexcept { return features_ > 0; }
    void transform(Eigen::Ref<tocsin::matrix<Scalar>> values) const noexcept {
        values *= Scalar(0.5);
    }
    void inverse(Eigen::Ref<tocsin::matrix<Scalar>> values) const noexcept { values *= Scalar(2); }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("features", features_, 1, 1000);
    }

  private:
    int features_ = 0;
};

/// Scores an error vector by its largest element, in units of the largest error on normal data.
class largest_error {
  public:
    static constexpr const char* kind = "largest_error";

    explicit largest_error(int dimension = 0) noexcept : dimension_{dimension} {}
    int dimension() const noexcept { return dimension_; }
    void accumulate(std::span<const double> errors) noexcept {
        for (const double error : errors) {
            largest_ = error > largest_ ? error : largest_;
        }
    }
    tocsin::status fit() noexcept {
        return largest_ > 0 ? tocsin::status{}
                            : tocsin::status::error(tocsin::error_code::invalid_data,
                                                    "largest_error: every error is ", largest_);
    }
    double score(std::span<const double> error) const noexcept {
        double largest = std::numeric_limits<double>::quiet_NaN();
        for (const double element : error) {
            largest = element > largest || std::isnan(largest) ? element : largest;
        }
        return largest / largest_;
    }
    void shares(std::span<const double> error, std::span<double> out) const noexcept {
        std::size_t worst = 0;
        for (std::size_t k = 0; k < error.size(); ++k) {
            worst = error[k] > error[worst] || std::isnan(error[worst]) ? k : worst;
        }
        std::fill(out.begin(), out.end(), 0.0);
        out[worst] = 1;
    }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("dimension", dimension_);
        archive.number("largest", largest_);
    }

  private:
    int dimension_;
    double largest_ = 0;
};

/// The threshold is twice the largest score it was fitted to.
class twice_the_largest {
  public:
    static constexpr const char* kind = "twice_the_largest";

    tocsin::status fit(std::span<const double> scores, std::span<const std::uint8_t> /*labels*/) {
        threshold_ = std::numeric_limits<double>::infinity();
        if (scores.empty()) {
            return tocsin::status::error(tocsin::error_code::invalid_data, "no scores");
        }
        threshold_ = 2 * *std::max_element(scores.begin(), scores.end());
        return {};
    }
    double threshold() const noexcept { return threshold_; }
    template <class Archive>
    void exchange(Archive& archive) {
        bool fitted = std::isfinite(threshold_);
        archive.integer("fitted", fitted);
        if (fitted) {
            archive.number("threshold", threshold_);
        }
    }

  private:
    double threshold_ = std::numeric_limits<double>::infinity();
};

} // namespace tocsin_test
