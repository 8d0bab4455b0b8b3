/// @file sample_reader.hpp
/// @brief Payloads as samples: JSON objects and lines of CSV.
#pragma once

#include "tocsin/core/status.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tocsin_gateway {

/// The contents of a payload. The caller reuses it, so that reading rarely allocates.
struct sample {
    std::string device;             ///< empty if the payload does not name it
    double time = 0;                ///< seconds; NaN: not known
    std::vector<double> values;     ///< NaN if one is missing
    std::vector<std::string> names; ///< one per value, or none: values in the order of the model
};

/// Reads one of
///
///     {"device": "pump-7", "time": 12.5, "values": [4.1, 20.3]}
///     {"device": "pump-7", "time": 12.5, "values": {"pressure": 4.1, "flow": null}}
///     pump-7,12.5,4.1,20.3
///
/// A missing value is null, or an empty cell. Other members of an object are ignored; they may be
/// arrays or objects whose members are none. A byte order mark at the start is ignored.
/// @return `invalid_data` with the reason for anything else: other types, deeper nesting, a name that
///         occurs twice, more than longest_payload bytes
tocsin::status read_sample(std::string_view payload, sample& into);

} // namespace tocsin_gateway
