/// @file missing_sensors.hpp
/// @brief What a stream remembers of sensors that do not report; nothing where that is off.
#pragma once

#include "tocsin/firmware/verdict.hpp"

namespace tocsin::firmware::detail {

/// @tparam Value a scaled value
template <class Model, class Value, bool On = Model::missing != missing_policy::none>
struct missing_sensors {
    static constexpr int no_gap = -1;

    Value inputs[Model::features]{};  ///< what the model has read last
    uint16_t runs[Model::features]{}; ///< missing samples in a row of each sensor
    uint16_t blind = 0;               ///< samples without any value in a row

    void restart() noexcept { *this = {}; }
};
template <class Model, class Value>
struct missing_sensors<Model, Value, false> {
    void restart() noexcept {}
};

} // namespace tocsin::firmware::detail
