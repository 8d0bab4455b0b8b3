/// @file nearest_value_novelty.hpp
/// @brief Values that have not occurred before, in several features.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scorer_archive.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/novelty/nearest_value.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// One nearest_value per feature; the score of a sample is the largest of them, in standard deviations
/// of the values in memory. It remembers the training samples at first, and then those of the stream.
/// What one feature alone does not show, such as usual values that do not belong together, it does not
/// see.
class nearest_value_novelty {
  public:
    static constexpr const char* kind = "nearest_value_novelty";
    static constexpr int version = 1;

    /// @param memory values of each feature, 2 to 2^24; fit() checks it
    explicit nearest_value_novelty(int memory = 4000) noexcept : memory_{memory} {}

    /// Values of each feature that are remembered at most.
    int memory() const noexcept { return memory_; }
    int features() const noexcept { return static_cast<int>(learned_.rows()); }

    /// Remembers the newest `memory` samples. O(features * memory * log memory); allocates 32 bytes
    /// for each value.
    /// @param training finite, at least 2 samples
    status fit(const samples_view& training) {
        learned_.resize(0, 0);
        memories_.clear();
        if (memory_ < 2 || memory_ > detail::largest_ring) {
            return status::error(error_code::invalid_argument, kind, ": memory ", memory_,
                                 " must lie in [2, ", detail::largest_ring, ']');
        }
        if (status usable = detail::check_training(kind, training, 2); !usable.ok()) {
            return usable;
        }
        learned_ = training.rightCols(std::min<index_t>(memory_, training.cols()));
        begin();
        return {};
    }

    /// Scores the next sample, `[features]`, and remembers it. NaN before fit(), for a wrong size and
    /// where a value is missing; the values that are there are remembered. Never allocates.
    double push(std::span<const double> sample) noexcept {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        farthest_ = nowhere;
        if (memories_.empty() || sample.size() != memories_.size()) {
            return none;
        }
        double largest = 0;
        for (std::size_t k = 0; k < sample.size(); ++k) {
            const double score = memories_[k].push(sample[k]);
            if (std::isnan(score) || score > largest) {
                largest = score;
                farthest_ = std::isnan(score) ? nowhere : k;
            }
        }
        return largest;
    }

    /// 1 for the feature whose newest value is farthest from those known, 0 for the others; all 0 where
    /// none is new, or the last sample had no score. Never allocates. @param out `[features]`
    void shares(std::span<double> out) const noexcept {
        std::fill(out.begin(), out.end(), 0.0);
        if (farthest_ < out.size()) {
            out[farthest_] = 1;
        }
    }

    /// Forgets the stream and remembers the training samples again, in as much time as fit().
    void reset() noexcept {
        farthest_ = nowhere;
        for (std::size_t k = 0; k < memories_.size(); ++k) {
            memories_[k].reset();
            for (index_t t = 0; t < learned_.cols(); ++t) {
                memories_[k].push(learned_(static_cast<index_t>(k), t));
            }
        }
    }

    /// The samples that follow do not continue the last ones: nothing changes, as the order of
    /// values does not matter.
    void restart() noexcept {}

    /// See savable_scorer.
    template <class Archive>
    void exchange(Archive& archive) {
        int count = features();
        int samples = static_cast<int>(learned_.cols());
        if constexpr (Archive::loading) {
            *this = nearest_value_novelty{};
        }
        detail::exchange_size(archive, kind, "memory", memory_, 2);
        if (!detail::exchange_features(archive, kind, count)) {
            return;
        }
        detail::exchange_size(archive, kind, "samples", samples, 2);
        if (samples > memory_) {
            detail::keep_if(archive, status::error(error_code::format_error, kind, ": ", samples,
                                                   " samples fit no memory of ", memory_));
        }
        detail::exchange_numbers(archive, kind, "learned", learned_, count, samples);
        if constexpr (Archive::loading) {
            for (index_t k = 0; archive.outcome().ok() && k < learned_.size(); ++k) {
                if (!is_bounded(learned_.data()[k])) {
                    archive.fail(status::error(error_code::format_error, kind, ": value ",
                                               learned_.data()[k], " must lie within ",
                                               largest_input));
                }
            }
            // Of each value, its place in order and in the moving variance.
            if (!detail::claim_history(archive,
                                       checked_size(count) * memory_ * 3 * sizeof(double))) {
                *this = nearest_value_novelty{};
                return;
            }
            begin();
        }
    }
    /// See savable_scorer.
    template <class Archive>
    void exchange_history(Archive& archive) {
        for (nearest_value& values : memories_) {
            archive.object("values", values);
            if (values.memory() != memory_) {
                detail::keep_if(archive,
                                status::error(error_code::format_error, kind, ": history of ",
                                              values.memory(), " values, expected ", memory_));
            }
        }
    }

  private:
    static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

    void begin() {
        memories_.assign(static_cast<std::size_t>(features()), nearest_value(memory_));
        reset();
    }

    int memory_;
    matrix<double> learned_; // [features x samples], the newest of the training
    std::vector<nearest_value> memories_;
    std::size_t farthest_ = nowhere; // the feature of the last score; not saved
};

} // namespace tocsin
