/// @file window_samples.hpp
/// @brief The last samples of a stream whose network reads a window afresh for each sample.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"
#include "tocsin/firmware/verdict.hpp"

namespace tocsin::firmware::detail {

/// A ring of samples as a network reads them, with holes where values are missing. Absolute errors
/// are judged.
/// @tparam Numbers the model's, such as float_numbers
template <class Model, class Numbers, int Length>
class window_samples : public Numbers {
    using value = typename Numbers::value_type;

  public:
    static constexpr bool reads_replacements = false; ///< they depend on the window

    /// Keeps a sample, `[features]`, scaled.
    void read(const value* inputs) noexcept {
        for (int f = 0; f < Model::features; ++f) {
            samples_[next_][f] = Numbers::to_network(inputs[f]);
        }
        next_ = static_cast<uint16_t>(next_ + 1 < Length ? next_ + 1 : 0);
    }
    /// The error of a forecast or a reconstruction.
    static TOCSIN_FIRMWARE_INLINE value deviation(int element, value observed,
                                                  value expected) noexcept {
        return Numbers::absolute_deviation(element, observed, expected);
    }

  protected:
    using input = typename Numbers::input_type;

    /// `[features]`; 0 is the oldest of the last Length samples.
    const input* sample(int t) const noexcept {
        const int at = next_ + t;
        return samples_[at < Length ? at : at - Length];
    }
    static void copy(const input* from, input* to) noexcept {
        for (int f = 0; f < Model::features; ++f) {
            to[f] = from[f];
        }
    }
    /// What a network reads of a sample: the value before each hole, or the mean of the training.
    /// @param first  whether there is no sample before
    /// @param inputs in: what was read of the sample before; out: of this one
    /// @return whether there was a hole
    static bool fill(const input* sample, bool first, input* inputs) noexcept {
        bool holes = false;
        for (int f = 0; f < Model::features; ++f) {
            if (!Numbers::is_hole(sample[f])) {
                inputs[f] = sample[f];
                continue;
            }
            holes = true;
            if (first || Model::missing == missing_policy::mean) {
                inputs[f] = Numbers::to_network(Numbers::mean(f));
            }
        }
        return holes;
    }
    /// Puts what a network expected into the holes of what it has read.
    static void refill(const input* sample, const value* expected, input* inputs) noexcept {
        for (int f = 0; f < Model::features; ++f) {
            if (Numbers::is_hole(sample[f]) && Numbers::is_usable(expected[f])) {
                inputs[f] = Numbers::to_network(expected[f]);
            }
        }
    }

  private:
    input samples_[unsigned{Length}][unsigned{Model::features}]{};
    uint16_t next_ = 0;
};

} // namespace tocsin::firmware::detail
