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
          observed_(places<Learned>() * static_cast<std::size_t>(learned.features())),
          errors_(places<Learned>() * static_cast<std::size_t>(errors_per_stream_)),
          scores_(static_cast<std::size_t>(vectors_)),
          reading_(judged_first<Learned> ? static_cast<std::size_t>(group) : 0),
          pending_(judged_first<Learned> ? 0 : static_cast<std::size_t>(group)),
          waiting_(pending_.size()), usable_(pending_.size()),
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
    /// Whether a verdict does not wait for the model.
    template <class Learned>
    static constexpr bool judged_first = Learned::source_type::errors_precede_step;
    /// Streams whose errors are kept at once.
    template <class Learned>
    std::size_t places() const noexcept {
        return judged_first<Learned> ? 1 : static_cast<std::size_t>(group_);
    }
    /// Whether this workspace is large enough: it was made by this detector, or by one of its sizes.
    template <class Learned>
    bool made_for(const Learned& learned) const noexcept {
        const auto& source = learned.source;
        return group_ > 0 && vectors_ == source.vectors() &&
               errors_per_stream_ == source.vectors() * source.vector_size() &&
               observed_.size() ==
                   places<Learned>() * static_cast<std::size_t>(learned.features()) &&
               (judged_first<Learned> ? reading_.size() : pending_.size()) ==
                   static_cast<std::size_t>(group_) &&
               static_cast<index_t>(work_.size()) >=
                   std::max(source.work_size(), source.group_work_size(learned.model, group_));
    }
    /// @param slot below places()
    template <class Learned>
    detail::push_scratch<Scalar> scratch(const Learned& learned, index_t slot) noexcept {
        return {observed_.data() + slot * learned.source.features(), work_,
                errors_.data() + slot * errors_per_stream_, scores_};
    }

    /// The same for up to `group_` streams.
    template <class Learned, class MemoryOf>
    void push(const Learned& learned, std::size_t count, const MemoryOf& memory_of,
              const Scalar* samples, std::span<const double> times,
              std::span<verdict> verdicts) noexcept {
        const auto features = static_cast<std::size_t>(learned.source.features());
        const auto sample_of = [&](std::size_t k) TOCSIN_ALWAYS_INLINE {
            return std::span<const Scalar>(samples + k * features, features);
        };
        const auto time_of = [&](std::size_t k) TOCSIN_ALWAYS_INLINE {
            return times.empty() ? unknown_time : times[k];
        };
        if constexpr (judged_first<Learned>) {
            judge_then_run(learned, count, memory_of, sample_of, time_of, verdicts);
        } else {
            run_then_judge(learned, count, memory_of, sample_of, time_of, verdicts);
        }
    }

    template <class Learned, class MemoryOf, class SampleOf, class TimeOf>
    TOCSIN_ALWAYS_INLINE void judge_then_run(const Learned& learned, std::size_t count,
                                             const MemoryOf& memory_of, const SampleOf& sample_of,
                                             const TimeOf& time_of,
                                             std::span<verdict> verdicts) noexcept {
        using reading = detail::model_sample<Scalar>;
        const detail::push_scratch<Scalar> shared = scratch(learned, 0);
        reading* const first = reading_.data();
        reading* last = first;
        for (std::size_t k = 0; k < count; ++k) {
            auto& stream = memory_of(k);
            if (!detail::can_judge(learned, stream)) {
                verdicts[k] = {};
                continue;
            }
            const reading read =
                detail::judge_first(learned, stream, sample_of(k), time_of(k), shared,
                                    detail::errors_of(learned, stream, shared.errors), verdicts[k]);
            if (read.state == nullptr) {
                continue;
            }
            const auto& weights = detail::weights_of(learned, stream.learning.get());
            if (Learned::source_type::batches && &weights == &learned.weights) {
                *last++ = read;
            } else { // a stream whose model keeps learning has weights of its own
                run_one(learned, weights, read);
            }
        }
        if constexpr (Learned::source_type::batches) {
            if (first != last) {
                learned.source.advance_group(learned.model, learned.weights,
                                             std::span<const reading>(first, last), work_);
            }
        }
    }
    template <class Learned, class Weights>
    [[gnu::noinline]] void run_one(const Learned& learned, const Weights& weights,
                                   const detail::model_sample<Scalar>& read) noexcept {
        learned.source.advance(learned.model, weights, read, work_);
    }

    template <class Learned, class MemoryOf, class SampleOf, class TimeOf>
    void run_then_judge(const Learned& learned, std::size_t count, const MemoryOf& memory_of,
                        const SampleOf& sample_of, const TimeOf& time_of,
                        std::span<verdict> verdicts) noexcept {
        std::size_t waiting = 0;
        for (std::size_t k = 0; k < count; ++k) {
            auto& stream = memory_of(k);
            auto& pending = pending_[k];
            usable_[k] = detail::can_judge(learned, stream);
            if (!usable_[k]) {
                continue;
            }
            const auto own = scratch(learned, static_cast<index_t>(k));
            detail::begin_push<false>(learned, stream, sample_of(k), time_of(k), own.observed,
                                      detail::errors_of(learned, stream, own.errors), pending);
            if (!pending.advances) {
                continue;
            }
            const auto& weights = detail::weights_of(learned, stream.learning.get());
            if (&weights == &learned.weights) {
                waiting_[waiting++] = &pending.source;
            } else {
                learned.source.advance(learned.model, weights, pending.source, work_);
            }
        }
        if (waiting > 0) {
            learned.source.advance_group(learned.model, learned.weights,
                                         std::span(waiting_).first(waiting), work_);
        }
        for (std::size_t k = 0; k < count; ++k) {
            if (usable_[k]) {
                detail::finish_push<false>(learned, memory_of(k), pending_[k], scores_,
                                           verdicts[k]);
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
    std::vector<detail::model_sample<Scalar>> reading_; ///< what models have yet to read
    std::vector<detail::pending_sample<Scalar>> pending_;
    std::vector<const detail::source_sample<Scalar>*> waiting_; ///< likewise
    std::vector<std::uint8_t> usable_;
    aligned_vector<Scalar> work_;
};

} // namespace tocsin
