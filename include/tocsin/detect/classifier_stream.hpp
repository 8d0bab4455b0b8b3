/// @file classifier_stream.hpp
/// @brief What a classifier_detector remembers of one stream.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/sample_window.hpp"
#include "tocsin/series/scalers/scaler.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

template <class Network, scaler Scaler>
class classifier_detector;

/// The newest samples of one stream, with all memory that judging them needs. Made by
/// classifier_detector::make_stream().
template <class Scalar>
class classifier_stream {
  public:
    classifier_stream() = default;

    /// Samples pushed so far, those that could not be judged included.
    std::int64_t position() const noexcept { return position_; }

  private:
    template <class Network, scaler Scaler>
    friend class classifier_detector;

    classifier_stream(int features, int length, index_t work)
        : window_(features, length), held_(column<Scalar>::Zero(features)),
          hidden_(static_cast<std::size_t>(index_t{features} * length)),
          work_(static_cast<std::size_t>(work)) {}

    bool has_sizes(int features, int length, index_t work) const noexcept {
        return window_.features() == features && window_.length() == length &&
               static_cast<index_t>(work_.size()) == work;
    }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("position", position_, std::int64_t{0}, largest_count);
        archive.object("window", window_);
        archive.array("held",
                      std::span<Scalar>(held_.data(), static_cast<std::size_t>(held_.size())));
        detail::keep_if_readable(
            archive, std::span<const Scalar>(held_.data(), static_cast<std::size_t>(held_.size())));
    }

    std::int64_t position_ = 0;
    sample_window<Scalar> window_;
    column<Scalar> held_;           // the newest scaled values
    aligned_vector<Scalar> hidden_; // a copy of the window for explain()
    mutable aligned_vector<Scalar> work_;
};

} // namespace tocsin
