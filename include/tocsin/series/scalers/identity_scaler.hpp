/// @file identity_scaler.hpp
/// @brief Scaler that leaves samples as they are.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/windows.hpp"

#include <limits>

namespace tocsin {

/// For data that is already scaled. fit() only stores the number of features; it fails when there
/// are none or not `Features`.
/// @tparam Features number of features, or `dynamic`: then fit() or a file sets it
template <class Scalar, int Features = dynamic>
class identity_scaler {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "identity";
    static constexpr int version = 1;

    /// Number of features; 0 before fit() when it is dynamic.
    int features() const noexcept { return features_.value(); }
    bool fitted() const noexcept { return fitted_; }

    /// Remembers the number of features.
    status fit(const windows<Scalar>& training) { return set(training.features()); }
    /// Remembers the number of features.
    status fit(matrix_view<const Scalar> samples) { return set(samples.rows()); }
    /// Remembers the number of features.
    status fit(const matrix<Scalar>& samples) { return set(samples.rows()); }

    /// Changes nothing.
    void transform([[maybe_unused]] Eigen::Ref<matrix<Scalar>> values) const noexcept {}
    /// Changes nothing.
    void inverse([[maybe_unused]] Eigen::Ref<matrix<Scalar>> values) const noexcept {}

    /// Describes this scaler to an archive (io/archive.hpp), for saving or loading.
    template <class Archive>
    void exchange(Archive& archive) {
        int count = features();
        archive.integer("features", count, 1, std::numeric_limits<int>::max());
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(set(count));
            }
        }
    }

  private:
    status set(index_t features) noexcept {
        if (features < 1 || (Features != dynamic && features != Features)) {
            return status::error(error_code::invalid_argument, "scaler: data of ", features,
                                 " features, expected ", Features == dynamic ? 1 : Features,
                                 Features == dynamic ? " or more" : "");
        }
        features_ = extent<Features>(static_cast<int>(features));
        fitted_ = true;
        return {};
    }

    [[no_unique_address]] extent<Features> features_;
    bool fitted_ = false;
};

} // namespace tocsin
