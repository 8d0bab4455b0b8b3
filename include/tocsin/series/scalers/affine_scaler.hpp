/// @file affine_scaler.hpp
/// @brief Scaler that subtracts an offset per feature, then divides by a scale per feature.
#pragma once

#include "tocsin/core/for_each_index.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/scalers/finite_samples.hpp"
#include "tocsin/series/windows.hpp"

#include <cmath>
#include <concepts>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Offset and scale of one feature: `scaled = (x - offset) / scale`.
struct offset_and_scale {
    double offset = 0; ///< subtracted first
    double scale = 1;  ///< divided by then; never 0
};

/// How an affine scaler estimates one feature.
///
/// `Rule::estimate(values)` receives the finite training values of one feature, at least one, and
/// may reorder them. It sums in double. A scale of zero means "no spread": the scaler puts 1 there.
/// `Rule::kind` is a word that a file stores, so that another rule's scaler is not loaded by
/// mistake.
template <class Rule, class Scalar>
concept scaling_rule = requires(std::span<Scalar> values) {
    { Rule::estimate(values) } -> std::same_as<offset_and_scale>;
    { Rule::kind } -> std::convertible_to<const char*>;
};

/// `scaled = (x - offset) / scale` per feature, with offset and scale estimated by `Rule`.
///
/// fit() reads each sample once, even if training windows overlap. It skips NaN and infinite
/// samples per feature and fails when a feature has no finite sample. A feature without spread
/// (constant, or with a spread too small for Scalar) gets scale 1, so it is only shifted. A failed
/// fit() leaves the scaler unchanged.
/// @tparam Features number of features, or `dynamic`: then fit() or a file sets it
template <class Scalar, int Features, scaling_rule<Scalar> Rule>
class affine_scaler {
  public:
    using scalar_type = Scalar;
    /// What offset and scale are taken from.
    using rule_type = Rule;
    static constexpr const char* kind = Rule::kind;
    static constexpr int version = 1;

    /// Number of features; 0 before fit() when it is dynamic.
    int features() const noexcept { return static_cast<int>(offset_.size()); }
    bool fitted() const noexcept { return fitted_; }

    /// Fits to the samples that the windows cover. Allocates.
    status fit(const windows<Scalar>& training) {
        return fit_samples(finite_samples<Scalar>{training});
    }
    /// Fits to all columns of `[features x samples]`. Allocates.
    status fit(matrix_view<const Scalar> samples) {
        return fit_samples(finite_samples<Scalar>{samples});
    }
    /// The same from a matrix.
    status fit(const matrix<Scalar>& samples) {
        return fit(matrix_view<const Scalar>(samples.data(), samples.rows(), samples.cols()));
    }

    /// Scales `[features x any]` in place: a matrix, a view, a block or one column. NaN stays NaN.
    /// Needs fitted() (checked in debug builds). Never allocates.
    void transform(Eigen::Ref<matrix<Scalar>> values) const noexcept {
        check(values.rows());
        for (index_t k = 0; k < values.cols(); ++k) {
            auto sample = values.col(k).template head<Features>(offset_.size()).array();
            sample = (sample - offset_.array()) * inverse_scale_.array();
        }
    }
    /// The same for one sample of features() values, from one place to another; the same bits.
    void transform_sample(const Scalar* sample, Scalar* scaled) const noexcept {
        const auto size = static_cast<int>(offset_.size());
        const Scalar* const offset = offset_.data();
        const Scalar* const inverse = inverse_scale_.data();
        detail::for_each_index(size, [&](int k) TOCSIN_ALWAYS_INLINE {
            scaled[k] = (sample[k] - offset[k]) * inverse[k];
        });
    }
    /// Undoes transform() in place, up to rounding. Same shapes and needs as transform().
    void inverse(Eigen::Ref<matrix<Scalar>> values) const noexcept {
        check(values.rows());
        for (index_t k = 0; k < values.cols(); ++k) {
            auto sample = values.col(k).template head<Features>(offset_.size()).array();
            sample = sample * scale_.array() + offset_.array();
        }
    }

    /// The subtracted offset, in the unit of each feature.
    const column<Scalar, Features>& offset() const noexcept { return offset_; }
    /// The divisor, in the unit of each feature; always positive.
    const column<Scalar, Features>& scale() const noexcept { return scale_; }

    /// Sets offset and scale, for example from another program. `invalid_argument`, naming the
    /// feature, unless both are finite, every scale and its inverse are positive normal numbers
    /// (for float up to 8.5e37) and the sizes agree.
    status set(const column<Scalar, Features>& offset, const column<Scalar, Features>& scale) {
        if (offset.size() != scale.size() || offset.size() == 0) {
            return status::error(error_code::invalid_argument, "scaler: ", offset.size(),
                                 " offsets with ", scale.size(),
                                 " scales; there must be as many, at least one");
        }
        for (index_t k = 0; k < offset.size(); ++k) {
            constexpr Scalar least = std::numeric_limits<Scalar>::min();
            if (!std::isfinite(offset[k]) || !(scale[k] >= least && scale[k] <= 1 / least)) {
                return status::error(error_code::invalid_argument, "scaler: feature ", k,
                                     " has offset ", static_cast<double>(offset[k]), ", scale ",
                                     static_cast<double>(scale[k]),
                                     "; both must be finite, the scale positive and at most ",
                                     static_cast<double>(1 / least));
            }
        }
        offset_ = offset;
        scale_ = scale;
        inverse_scale_ = scale;
        for (index_t k = 0; k < scale.size(); ++k) { // on 32-bit Arm, Eigen's is an estimate
            inverse_scale_[k] = 1 / scale[k];
        }
        fitted_ = true;
        return {};
    }

    /// Describes this scaler to an archive (io/archive.hpp), for saving or loading. An unfitted
    /// scaler is not saved; a failed load leaves the scaler unchanged.
    template <class Archive>
    void exchange(Archive& archive) {
        // Loading starts from empty vectors, which take their size from the file.
        coefficients offset =
            Archive::loading ? coefficients{coefficients::Zero(initial_size)} : offset_;
        coefficients scale =
            Archive::loading ? coefficients{coefficients::Zero(initial_size)} : scale_;
        if constexpr (!Archive::loading) {
            if (!fitted_) {
                archive.fail(
                    status::error(error_code::not_ready, "scaler: fit it before it is saved"));
            }
        }
        archive.matrix("offset", offset);
        archive.matrix("scale", scale);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(set(offset, scale));
            }
        }
    }

  private:
    void check([[maybe_unused]] index_t rows) const noexcept {
        TOCSIN_ASSERT(fitted_, "scaler: used before it was fitted");
        TOCSIN_ASSERT(rows == offset_.size(), "scaler: data of another number of features");
    }

    status fit_samples(const finite_samples<Scalar>& samples) {
        const int features = samples.features();
        if (features < 1 || (Features != dynamic && features != Features)) {
            return status::error(error_code::invalid_argument, "scaler: training data of ",
                                 features, " features, expected ",
                                 Features == dynamic ? 1 : Features,
                                 Features == dynamic ? " or more" : "");
        }
        coefficients offset = coefficients::Zero(features);
        coefficients scale = coefficients::Ones(features);
        std::vector<Scalar> values;
        for (int feature = 0; feature < features; ++feature) {
            samples.gather(feature, values);
            if (values.empty()) {
                return status::error(error_code::invalid_data, "scaler: feature ", feature,
                                     " has no finite training sample");
            }
            const offset_and_scale estimate = Rule::estimate(std::span<Scalar>{values});
            offset[feature] = static_cast<Scalar>(estimate.offset);
            scale[feature] = static_cast<Scalar>(estimate.scale);
            if (scale[feature] < std::numeric_limits<Scalar>::min()) {
                scale[feature] = 1; // no spread; a smaller divisor would overflow
            }
        }
        return set(offset, scale);
    }

    using coefficients = column<Scalar, Features>;
    static constexpr int initial_size = Features == dynamic ? 0 : Features;

    coefficients offset_ = coefficients::Zero(initial_size);
    coefficients scale_ = coefficients::Ones(initial_size);
    coefficients inverse_scale_ = coefficients::Ones(initial_size);
    bool fitted_ = false;
};

} // namespace tocsin
