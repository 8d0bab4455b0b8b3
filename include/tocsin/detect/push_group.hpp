/// @file push_group.hpp
/// @brief One sample of each of many streams: the model runs for a group of streams at once.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector_model.hpp"
#include "tocsin/detect/push.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/series/scalers/scaler.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// Memory of detector::push_all(), one per thread; detector::make_fleet_workspace() makes one.
template <class Scalar>
class fleet_workspace {
  public:
    fleet_workspace() = default;
    /// @param group streams whose models run together. Allocates.
    template <class Learned>
    fleet_workspace(const Learned& learned, int group)
        : group_{group}, vectors_{learned.source.vectors()},
          errors_per_stream_{learned.source.vectors() * learned.source.vector_size()},
          observed_(static_cast<std::size_t>(group) * static_cast<std::size_t>(learned.features())),
          errors_(static_cast<std::size_t>(group) * static_cast<std::size_t>(errors_per_stream_)),
          scores_(static_cast<std::size_t>(vectors_)), pending_(static_cast<std::size_t>(group)),
          running_(pending_.size()), usable_(pending_.size()),
          work_(static_cast<std::size_t>(std::max(
              learned.source.work_size(), learned.source.group_work_size(learned.model, group)))) {}

    /// Streams whose models run together.
    int group() const noexcept { return group_; }

    /// See detector::push_all().
    /// @param memory_of `memory_of(k)` is the memory of stream k
    template <class Learned, class MemoryOf>
    void push_all(const Learned& learned, std::size_t streams, const MemoryOf& memory_of,
                  matrix_view<const Scalar> samples, std::span<verdict> verdicts,
                  std::span<const double> times) noexcept {
        TOCSIN_ASSERT(samples.cols() == static_cast<index_t>(streams) &&
                          verdicts.size() == streams && (times.empty() || times.size() == streams),
                      "push_all: one sample, verdict and time per stream are needed");
        std::size_t count =
            std::min({streams, verdicts.size(), static_cast<std::size_t>(samples.cols())});
        count = times.empty() ? count : std::min(count, times.size());
        const auto group = static_cast<std::size_t>(group_);
        if (!made_for(learned)) {
            std::fill_n(verdicts.begin(), count, verdict{});
            return;
        }
        if (samples.rows() != learned.source.features()) { // as push() says it of each
            for (std::size_t k = 0; k < count; ++k) {
                verdicts[k] = push_one(learned, memory_of(k), std::span<const Scalar>(),
                                       times.empty() ? unknown_time : times[k]);
            }
            return;
        }
        for (std::size_t first = 0; first < count; first += group) {
            const std::size_t size = std::min(group, count - first);
            push(
                learned, size, [&](std::size_t k) -> auto& { return memory_of(first + k); },
                samples.data() + static_cast<index_t>(first) * samples.rows(),
                times.empty() ? times : times.subspan(first, size), verdicts.subspan(first, size));
        }
    }

  private:
    /// Whether this workspace is large enough: it was made by this detector, or by one of its sizes.
    template <class Learned>
    bool made_for(const Learned& learned) const noexcept {
        const auto& source = learned.source;
        return group_ > 0 && vectors_ == source.vectors() &&
               errors_per_stream_ == source.vectors() * source.vector_size() &&
               static_cast<index_t>(observed_.size()) == index_t{group_} * learned.features() &&
               static_cast<index_t>(work_.size()) >=
                   std::max(source.work_size(), source.group_work_size(learned.model, group_));
    }
    /// @param memory_of `memory_of(k)` is the memory of stream k
    template <class Learned, class MemoryOf>
    void push(const Learned& learned, std::size_t count, const MemoryOf& memory_of,
              const Scalar* samples, std::span<const double> times,
              std::span<verdict> verdicts) noexcept {
        const int features = learned.source.features();
        const bool kept = vectors_ == 1 && learned.view() == error_view::per_step;
        std::size_t running = 0;
        for (std::size_t k = 0; k < count; ++k) {
            auto& stream = memory_of(k);
            auto& pending = pending_[k];
            usable_[k] = detail::can_judge(learned, stream);
            if (!usable_[k]) {
                continue;
            }
            const auto at = static_cast<index_t>(k);
            double* const errors =
                kept ? stream.errors().data() : errors_.data() + at * errors_per_stream_;
            detail::begin_push(learned, stream,
                               std::span<const Scalar>(samples + at * features,
                                                       static_cast<std::size_t>(features)),
                               times.empty() ? unknown_time : times[k],
                               observed_.data() + at * features, errors, pending);
            if (!pending.advances) {
                continue;
            }
            const auto& weights = detail::weights_of(learned, stream.learning.get());
            if (Learned::source_type::batches && &weights == &learned.weights) {
                running_[running++] = &pending.source;
            } else { // a stream whose model keeps learning has weights of its own
                learned.source.advance(learned.model, weights, pending.source, work_);
            }
        }
        if constexpr (Learned::source_type::batches) {
            if (running > 0) {
                learned.source.advance_group(learned.model, learned.weights,
                                             std::span(running_).first(running), work_);
            }
        }
        for (std::size_t k = 0; k < count; ++k) {
            if (usable_[k]) {
                detail::finish_push(learned, memory_of(k), pending_[k], scores_, verdicts[k]);
            } else {
                verdicts[k] = {};
            }
        }
    }

    int group_ = 0;
    int vectors_ = 0;
    index_t errors_per_stream_ = 0;
    aligned_vector<Scalar> observed_;
    std::vector<double> errors_;
    std::vector<double> scores_;
    std::vector<detail::pending_sample<Scalar>> pending_;
    std::vector<const detail::source_sample<Scalar>*> running_;
    std::vector<std::uint8_t> usable_;
    aligned_vector<Scalar> work_;
};

} // namespace tocsin
