/// @file linear_autoregression.hpp
/// @brief Linear forecast from the last samples of several inputs, by ridge regression.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scorer_archive.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/detect/sample_window.hpp"
#include "tocsin/training/normal_equations.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <utility>

namespace tocsin {

/// Settings of a linear_autoregression.
struct autoregression_settings {
    int order = 8;                ///< number of past samples in a forecast, at least 1
    int targets = 0;              ///< number of features to predict, the first ones; 0: all
    double relative_ridge = 1e-3; ///< penalty on the weights of scaled inputs, per sample; above 0
};

/// Vector autoregression: each target is an affine function of the last `order` samples of all
/// features, so commands help to predict a measurement. The weights minimise
///
///     sum over samples |y - W x - b|^2 + ridge |W|^2
///
/// (ridge regression; class normal_equations) over features of mean 0 and variance 1. The score is
/// the root mean square over the targets of the errors, each divided by its root mean square in the
/// training samples.
class linear_autoregression {
  public:
    static constexpr const char* kind = "linear_autoregression";
    static constexpr int version = 1;

    /// Settings are checked by fit().
    explicit linear_autoregression(autoregression_settings settings = {}) noexcept
        : settings_{settings} {}

    const autoregression_settings& settings() const noexcept { return settings_; }
    /// 0 before fit() and where it was moved from.
    int features() const noexcept { return weights_ ? static_cast<int>(mean_.size()) : 0; }
    int targets() const noexcept { return static_cast<int>(error_scale_.size()); }
    /// Root mean square error of each target in the training samples, in units of the data.
    const column<double>& error_scale() const noexcept { return error_scale_; }
    /// Error of the last forecast, measured minus predicted, per target in units of the data; NaN
    /// where there was no forecast.
    const column<double>& errors() const noexcept { return errors_; }

    /// O(samples * (order * features)^2), allocates.
    /// @param training finite, at least two samples more than the order
    status fit(const samples_view& training) {
        mean_.resize(0);
        error_scale_.resize(0);
        const auto& [order, wanted, ridge] = settings_;
        if (order < 1 || wanted < 0 || wanted > training.rows() || !(ridge > 0) ||
            !std::isfinite(ridge)) {
            return status::error(error_code::invalid_argument, "linear_autoregression: order ",
                                 order, ", targets ", wanted, " of ", training.rows(),
                                 " and ridge ", ridge,
                                 " must be at least 1, 0 to all, and above 0");
        }
        if (status usable =
                detail::check_training("linear_autoregression", training, order + index_t{2});
            !usable) {
            return usable;
        }
        const index_t features = training.rows();
        const index_t targets = wanted == 0 ? features : wanted;
        const index_t inputs = features * order;
        const index_t count = training.cols() - order;
        const auto [mean, deviation] = detail::spread_of(training);
        const column<double> scale = detail::divisors(deviation);
        matrix<double> scaled = training.colwise() - mean;
        scaled.array().colwise() /= scale.array();

        // Consecutive columns are one vector: the inputs of sample t are the `order` columns
        // before.
        normal_equations sums(inputs, targets);
        constexpr index_t block = 256;
        matrix<double> x(inputs + 1, block);
        for (index_t first = 0; first < count; first += block) {
            const index_t size = std::min(block, count - first);
            for (index_t k = 0; k < size; ++k) {
                x.col(k) << vector_view<const double>(scaled.data() + (first + k) * features,
                                                      inputs),
                    1.0;
            }
            sums.add(x.leftCols(size), scaled.block(0, order + first, targets, size));
        }
        auto solved = sums.solve(ridge);
        if (!solved) {
            return solved.error();
        }
        matrix<double> weights = *std::move(solved); // [targets x (inputs + 1)]
        column<double> squares = column<double>::Zero(targets);
        for (index_t t = 0; t < count; ++t) {
            const vector_view<const double> past(scaled.data() + t * features, inputs);
            const column<double> error = scaled.col(order + t).head(targets) -
                                         weights.leftCols(inputs) * past - weights.col(inputs);
            squares += error.cwiseAbs2();
        }
        weights_ = std::make_shared<const matrix<double>>(std::move(weights));
        mean_ = mean;
        scale_ = scale;
        error_scale_ = detail::divisors((squares / static_cast<double>(count)).cwiseSqrt())
                           .cwiseProduct(scale.head(targets));
        sample_ = column<double>::Zero(features);
        errors_ = column<double>::Zero(targets);
        past_ = sample_window<double>(static_cast<int>(features), order);
        reset();
        return {};
    }

    /// Scores the next sample, `[features]`. NaN before `order` samples, before fit(), for a wrong
    /// size and where a value is missing. Never allocates.
    double push(std::span<const double> sample) noexcept {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        if (features() == 0 || static_cast<int>(sample.size()) != features()) {
            return none;
        }
        bool finite = true;
        for (int k = 0; k < features(); ++k) {
            const double value = sample[static_cast<std::size_t>(k)];
            if (std::isfinite(value)) {
                sample_[k] = bounded((value - mean_[k]) / scale_[k]);
            } else {
                finite = false;
            }
        }
        double score = none;
        errors_.setConstant(none);
        if (past_.full()) {
            const vector_view<const double> past(past_.view().data(), past_.view().size());
            double sum = 0;
            for (int k = 0; k < targets(); ++k) {
                const double predicted =
                    weights_->row(k).head(past.size()).dot(past) + (*weights_)(k, past.size());
                const double value = sample[static_cast<std::size_t>(k)];
                errors_[k] = value - (mean_[k] + scale_[k] * predicted);
                const double deviation = bounded(errors_[k] / error_scale_[k]);
                sum += deviation * deviation;
            }
            score = finite ? std::sqrt(sum / targets()) : none;
        }
        past_.push(sample_);
        return score;
    }

    void reset() noexcept {
        past_.clear();
        sample_.setZero(); // the mean
        errors_.setConstant(std::numeric_limits<double>::quiet_NaN());
    }

    /// See savable_scorer.
    template <class Archive>
    void exchange(Archive& archive) {
        int count = features();
        int predicted = targets();
        if constexpr (Archive::loading) {
            *this = linear_autoregression{};
        }
        detail::exchange_size(archive, kind, "order", settings_.order, 1);
        detail::exchange_size(archive, kind, "targets", settings_.targets, 0);
        archive.number("relative_ridge", settings_.relative_ridge);
        if (!(settings_.relative_ridge > 0)) {
            detail::keep_if(archive, status::error(error_code::format_error, kind, ": ridge ",
                                                   settings_.relative_ridge, " must be above 0"));
        }
        if (!detail::exchange_features(archive, kind, count)) {
            return;
        }
        if constexpr (Archive::loading) {
            predicted = settings_.targets == 0 ? count : settings_.targets;
            if (predicted > count) {
                archive.fail(status::error(error_code::format_error, kind, ": targets ", predicted,
                                           " of ", count, " features"));
            }
        }
        detail::exchange_numbers(archive, kind, "mean", mean_, count, 1);
        detail::exchange_scale(archive, kind, "scale", scale_, count);
        detail::exchange_scale(archive, kind, "error_scale", error_scale_, predicted);
        const auto inputs = checked_size(count) * settings_.order + 1;
        matrix<double> weights;
        if constexpr (!Archive::loading) {
            weights = *weights_;
        }
        detail::exchange_numbers(archive, kind, "weights", weights, predicted, inputs.value());
        if constexpr (Archive::loading) {
            weights_ = std::make_shared<const matrix<double>>(std::move(weights));
            if (!detail::claim_history(archive, checked_size(count) * settings_.order * 2 *
                                                    sizeof(double))) {
                *this = linear_autoregression{};
                return;
            }
            sample_.setZero(count);
            errors_.setZero(predicted);
            past_ = sample_window<double>(count, settings_.order);
            reset();
        }
    }
    /// See savable_scorer. errors() belong to no sample after loading.
    template <class Archive>
    void exchange_history(Archive& archive) {
        detail::exchange_history(archive, past_, sample_);
        if constexpr (Archive::loading) {
            errors_.setConstant(std::numeric_limits<double>::quiet_NaN());
        }
    }

  private:
    autoregression_settings settings_;
    // [targets x (features * order + 1)]; shared by copies, of which every stream has one
    std::shared_ptr<const matrix<double>> weights_;
    column<double> mean_;
    column<double> scale_;
    column<double> error_scale_;
    column<double> sample_; // scaled, with the last finite value where one is missing
    column<double> errors_;
    sample_window<double> past_; // scaled
};

} // namespace tocsin
