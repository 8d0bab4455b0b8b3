/// @file suite.hpp
/// @brief What a suite is: a data set with the protocol by which it is evaluated.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/models/encoder_decoder.hpp"

#include <nlohmann/json.hpp>

#include "metrics.hpp"
#include "progress.hpp"
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace evaluate {

/// A line of the table: what somebody, or this program, reached.
struct named_metrics {
    std::string name;
    metrics values;
};

/// What was reached on one file (or directory, where the files of one belong together).
struct file_result {
    std::string file; ///< relative to the directory of the suite
    metrics values;
    std::vector<named_metrics> published = {}; ///< by others on this file, for the table
};

struct suite_result {
    nlohmann::ordered_json settings; ///< every hyper-parameter
    std::vector<file_result> files;
    metrics totals;
    std::vector<named_metrics> published = {}; ///< by others in total, for the table
};

struct run_options {
    std::filesystem::path directory; ///< of the suite; exists
    progress& shown;
    std::uint64_t seed = 1;
    std::optional<int> epochs;   ///< instead of those of the suite, for a quick look
    bool reversed = false;       ///< whether decoders emit the last sample of a window first
    bool teacher_forced = false; ///< whether decoders read true values while they are trained

    tocsin::decoder_training training() const noexcept {
        return teacher_forced ? tocsin::decoder_training::teacher_forced
                              : tocsin::decoder_training::free_running;
    }
    const char* training_name() const noexcept {
        return teacher_forced ? "teacher_forced" : "free_running";
    }
};

/// Each suite is one `<name>_suite.cpp`, declared below and listed in main.cpp.
struct suite {
    const char* name; ///< also of its directory
    const char* summary;
    tocsin::result<suite_result> (*run)(const run_options&);
};

extern const suite synth_suite;
extern const suite skab_suite;

/// Everything below a directory, links to directories included.
inline std::filesystem::recursive_directory_iterator
files_below(const std::filesystem::path& root) {
    return std::filesystem::recursive_directory_iterator{
        root, std::filesystem::directory_options::follow_directory_symlink};
}

/// The path of something below a directory, seen from there; links are not resolved.
inline std::string name_below(const std::filesystem::path& directory,
                              const std::filesystem::path& path) {
    return path.lexically_relative(directory).generic_string();
}

/// Puts the name of a file before the reason why it cannot be evaluated.
inline tocsin::status in_file(const std::string& file, const tocsin::status& reason) {
    return tocsin::status::error(reason.code(), file, ": ", reason.message());
}

} // namespace evaluate
