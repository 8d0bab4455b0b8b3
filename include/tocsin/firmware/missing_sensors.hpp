/// @file missing_sensors.hpp
/// @brief What a stream remembers of sensors that do not report; nothing where that is off.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"
#include "tocsin/firmware/verdict.hpp"

namespace tocsin::firmware::detail {

/// A number of sensors for a verdict.
constexpr uint8_t as_byte(int count) noexcept {
    return static_cast<uint8_t>(count < 255 ? count : 255);
}

/// What is said of a sample with a value that is not finite where none may be missing.
template <int Features>
[[gnu::noinline]] void refuse(const float* sample, verdict& outcome) noexcept {
    outcome.kind = verdict_kind::invalid_sample;
    outcome.reason = sample_reason::missing_value;
    int missing = 0;
    for (int f = 0; f < Features; ++f) {
        if (!is_finite(sample[f])) {
            ++missing;
            outcome.reason = is_nan(sample[f]) ? outcome.reason : sample_reason::not_finite;
        }
    }
    outcome.missing = as_byte(missing);
}

/// The values that a network has read last.
template <class Value, int Features, bool On>
struct last_inputs {
    Value inputs[unsigned{Features}]{};
};
template <class Value, int Features>
struct last_inputs<Value, Features, false> {};

/// @tparam Stream the stream of the model, such as float_stream
template <class Model, class Stream, bool On = Model::missing != missing_policy::none>
struct missing_sensors
    : last_inputs<typename Stream::value_type, Model::features, Stream::reads_replacements> {
    uint16_t runs[Model::features]{}; ///< missing samples in a row of each sensor
    uint16_t blind = 0;               ///< samples without any value in a row

    void restart() noexcept { *this = {}; }
};
template <class Model, class Stream>
struct missing_sensors<Model, Stream, false> {
    static void restart() noexcept {}
};

} // namespace tocsin::firmware::detail
