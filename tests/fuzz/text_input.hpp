/// @file text_input.hpp
/// @brief CSV and delimited sequences from any bytes.
#pragma once

#include "tocsin/io/csv.hpp"
#include "tocsin/io/delimited_sequences.hpp"

#include "fuzz_input.hpp"
#include <array>

namespace tocsin_fuzz {

/// The first byte chooses the options.
inline void csv(input bytes) {
    const std::uint8_t choice = reader{bytes}.byte();
    tocsin::csv_options options;
    options.delimiter = std::array{'\0', ',', ';', '\t'}[choice % 4U];
    if ((choice & 4U) != 0) {
        options.timestamp = "";
    }
    if ((choice & 8U) != 0) {
        options.labels = std::vector<std::string>{};
    }
    const auto text = text_of(bytes.subspan(bytes.empty() ? 0 : 1));
    const auto read = tocsin::parse_csv<double>(text, "f", options);
    if (!read) {
        require(read.error().message()[0] != '\0', "csv: refused without a reason");
        return;
    }
    require(read->features() > 0 && read->time() > 0, "csv: empty series");
    require(read->names.size() == static_cast<std::size_t>(read->features()), "csv: names");
    const auto time = static_cast<std::size_t>(read->time());
    require(read->timestamps.empty() || read->timestamps.size() == time, "csv: timestamps");
    require(read->labels.empty() || read->labels.size() == time, "csv: labels");
    require(static_cast<std::size_t>(read->values.size()) <= text.size() + 1, "csv: values");
}

inline void sequences(input bytes) {
    const std::uint8_t choice = reader{bytes}.byte();
    tocsin::sequence_format format;
    format.label = static_cast<tocsin::label_field>(choice % 3U);
    const auto text = text_of(bytes.subspan(bytes.empty() ? 0 : 1));
    const auto read = tocsin::parse_sequences<float>(text, "f", format);
    if (!read) {
        require(read.error().message()[0] != '\0', "sequences: refused without a reason");
        return;
    }
    require(read->features() > 0 && read->length > 0 && read->count() > 0, "sequences: empty");
    require(read->values.cols() == read->count() * read->length, "sequences: shape");
    require(read->labels.empty() || read->labels.size() == static_cast<std::size_t>(read->count()),
            "sequences: labels");
    require(static_cast<std::size_t>(read->values.size()) <= text.size() / 2 + 1,
            "sequences: values");
}

} // namespace tocsin_fuzz
