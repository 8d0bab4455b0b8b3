/// @file detector_file.hpp
/// @brief Saves and loads detectors as safetensors files.
#pragma once

#include "tocsin/io/archive.hpp"

#include <filesystem>
#include <string_view>
#include <utility>

namespace tocsin {

/// Writes everything that a detector needs: settings, shape, weights, scaler, statistics and
/// thresholds, as far as it has come. The file is replaced completely or not at all.
template <class Detector>
status save_detector(const Detector& detector, const std::filesystem::path& path) {
    return detail::memory_as_status(detail::name_without_memory(path), [&] {
        archive_writer archive;
        archive.expect("content", "detector");
        archive.object("detector", detector);
        return archive.write(path);
    });
}

/// Reads a detector; what it scores is bit-equal to what was saved.
/// @param fresh where it is loaded into, for own policies without a default constructor
/// @param options limits, and the application's check of a signature. What the detector will take
///        for its weights, statistics and one stream counts, also where they are still to come.
/// @return `io_error` or `format_error` with file and reason. A file made for other policies or
///         another scalar type, or for other compile-time sizes, is refused, and so is one whose
///         detector has something that this type does not know, such as a rule for smoothed scores:
///         the message names it. `out_of_memory` where an allocation failed.
template <class Detector>
    requires requires { typename Detector::stream_type; }
result<Detector> load_detector(const std::filesystem::path& path, Detector fresh = {},
                               const load_options& options = {}) {
    return detail::memory_as_status(detail::name_without_memory(path), [&]() -> result<Detector> {
        auto archive = archive_reader::open(path, options);
        if (!archive) {
            return archive.error();
        }
        archive->expect("content", "detector");
        archive->object("detector", fresh);
        archive->refuse_unread("detector");
        archive->refuse_unread("value_offsets"); // where the command line once put them
        if (!archive->outcome().ok()) {
            return archive->outcome();
        }
        return std::move(fresh);
    });
}

} // namespace tocsin
