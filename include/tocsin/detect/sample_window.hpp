/// @file sample_window.hpp
/// @brief Ring buffer whose newest samples are always contiguous.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"

#include <cstddef>
#include <span>

namespace tocsin {
namespace detail {

/// While loading: fails unless a model can have read all these samples, see readable(). Never
/// allocates.
template <class Archive, class Scalar>
void keep_if_readable(Archive& archive, std::span<const Scalar> samples) noexcept {
    if constexpr (Archive::loading) {
        for (std::size_t k = 0; archive.outcome().ok() && k < samples.size(); ++k) {
            if (!(readable(samples[k]) == samples[k])) { // NaN, too
                archive.fail(status::error(error_code::format_error, "a sample of the stream is ",
                                           static_cast<double>(samples[k]),
                                           ", which no model reads"));
            }
        }
    }
}

} // namespace detail

/// The last `length` samples of a stream. Each sample is written twice, `length` columns apart, so
/// that the last `length` samples stand next to each other in order of time wherever the ring
/// wraps.
template <class Scalar>
class sample_window {
  public:
    sample_window() = default;
    /// Allocates `2 * features * length` scalars.
    sample_window(int features, int length)
        : features_{features}, length_{length},
          samples_(static_cast<std::size_t>(index_t{2} * features * length)) {}

    int features() const noexcept { return features_; }
    /// Samples in a full window.
    int length() const noexcept { return length_; }
    /// Whether as many samples have come as the window holds.
    bool full() const noexcept { return count_ == length_; }
    /// Forgets all samples.
    void clear() noexcept { count_ = next_ = 0; }

    /// Appends a sample `[features]`. Never allocates.
    template <class Derived>
    void push(const Eigen::MatrixBase<Derived>& sample) noexcept {
        column_at(next_) = sample;
        column_at(next_ + length_) = sample;
        next_ = next_ + 1 == length_ ? 0 : next_ + 1;
        count_ = full() ? count_ : count_ + 1;
    }

    /// The last samples, oldest first, as `[features x length]`; needs full().
    matrix_view<const Scalar> view() const noexcept {
        TOCSIN_ASSERT(full(), "sample_window: read before it is full");
        return {samples_.data() + index_t{next_} * features_, features_, length_};
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("next", next_, 0, length_ > 0 ? length_ - 1 : 0);
        archive.integer("count", count_, 0, length_);
        archive.array("samples", std::span<Scalar>(samples_));
        detail::keep_if_readable(archive, std::span<const Scalar>(samples_));
    }

  private:
    vector_view<Scalar> column_at(int position) noexcept {
        return {samples_.data() + index_t{position} * features_, features_};
    }

    int features_ = 0;
    int length_ = 0;
    int next_ = 0;
    int count_ = 0;
    aligned_vector<Scalar> samples_;
};

} // namespace tocsin
