/// @file recording.hpp
/// @brief Generated recordings of sensors with faults at known times.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/series/generator.hpp"
#include "tocsin/series/series.hpp"

#include <cstddef>
#include <cstdint>

namespace support {

inline constexpr tocsin::index_t first_fault = 150; ///< sample at which the first fault begins
inline constexpr tocsin::index_t fault_length = 40;
inline constexpr tocsin::index_t fault_interval = 250; ///< from the start of one fault to the next

/// A recording as long as the generator's sequences, labelled sample by sample. Of each fault, one
/// sensor drawn at random is affected; in turn, it freezes, has an offset, or reads too low.
inline tocsin::series<float> record(const tocsin::sinusoid_generator<float>& generator, int faults,
                                    tocsin::random_generator& random) {
    tocsin::series<float> recording;
    recording.values = generator.normal(1, random).value().values;
    recording.labels.assign(static_cast<std::size_t>(recording.time()), 0);
    for (int k = 0; k < faults; ++k) {
        const auto sensor = static_cast<tocsin::index_t>(
            random.below(static_cast<std::uint64_t>(recording.features())));
        const tocsin::index_t begin = first_fault + fault_interval * k;
        const float frozen = recording.values(sensor, begin);
        for (tocsin::index_t t = begin; t < begin + fault_length && t < recording.time(); ++t) {
            float& value = recording.values(sensor, t);
            value = k % 3 == 0 ? frozen : k % 3 == 1 ? value + 1.5F : value * 0.4F;
            recording.labels[static_cast<std::size_t>(t)] = 1;
        }
    }
    return recording;
}

} // namespace support
