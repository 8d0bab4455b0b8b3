/// @file error_shares.hpp
/// @brief What each feature accounts for in a score.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"
#include "tocsin/firmware/verdict.hpp"

namespace tocsin::firmware::detail {

/// The errors of the last sample, from which shares are computed. Nothing where a model has no
/// `keeps_errors`.
/// @tparam Model  a generated model with a diagonal statistic
/// @tparam Stream the stream of the model, such as float_stream
template <class Model, class Stream, bool On = requires { Model::keeps_errors; }>
class error_shares {
    using value = typename Stream::value_type;
    static constexpr int size = Stream::outputs;
    static_assert(Model::statistic == statistic_kind::diagonal);

  public:
    /// @param deviations of a sample that is scored, from the exported means
    void keep(const value* deviations) noexcept {
        for (int k = 0; k < size; ++k) {
            deviations_[k] = deviations[k];
        }
        scored_ = true;
    }
    /// There is no score.
    void forget() noexcept { scored_ = false; }
    /// See watcher::shares(); for the equation, tocsin::diagonal_gaussian::shares().
    /// @param errors the statistic that follows the stream, if it does
    template <class Errors>
    void write(const Errors& errors, float (&out)[Model::features]) const noexcept {
        for (float& share : out) {
            share = 0;
        }
        float squares[unsigned{size}];
        // Converted first, left out then: see fixed_numbers::score_of_observed().
        for (int k = 0; k < size; ++k) {
            squares[k] = static_cast<float>(deviations_[k]);
        }
        float longest = 0;
        for (int k = 0; k < size; ++k) {
            if (!scored_ || Stream::is_missing(deviations_[k])) {
                squares[k] = 0;
                continue;
            }
            if constexpr (requires { errors.mean(k); }) {
                squares[k] -= errors.mean(k);
            }
            squares[k] = squares[k] < 0 ? -squares[k] : squares[k];
            longest = squares[k] > longest ? squares[k] : longest;
        }
        // Shares do not depend on the length of the deviation; unit lengths keep squares in range.
        if (!scale(squares, longest)) {
            return;
        }
        float largest = 0;
        for (int k = 0; k < size; ++k) {
            float weight = Stream::share_weight(k);
            if constexpr (requires { errors.inverse_variance(k); }) {
                weight = errors.inverse_variance(k);
            }
            squares[k] = arithmetic::multiply(arithmetic::multiply(squares[k], squares[k]), weight);
            largest = squares[k] > largest ? squares[k] : largest;
        }
        if (!scale(squares, largest)) {
            return;
        }
        float sum = 0;
        for (const float square : squares) {
            sum += square;
        }
        for (int k = 0; k < size; ++k) {
            out[k % Model::targets] += squares[k] / sum;
        }
    }

  private:
    using arithmetic = separate_arithmetic;

    /// Divides all by the largest of them; false where that is 0.
    static bool scale(float (&values)[unsigned{size}], float largest) noexcept {
        for (float& each : values) {
            each = largest > 0 ? each / largest : 0;
        }
        return largest > 0;
    }

    value deviations_[unsigned{size}]{};
    bool scored_ = false;
};
template <class Model, class Stream>
class error_shares<Model, Stream, false> {};

} // namespace tocsin::firmware::detail
