/// @file suite.hpp
/// @brief What a suite is: a data set with the protocol by which it is evaluated.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/models/encoder_decoder.hpp"

#include <nlohmann/json.hpp>

#include "metrics.hpp"
#include "pictures.hpp"
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

/// A part of a suite that is summed up for itself: a protocol, a spacecraft.
struct group_result {
    std::string name;
    metrics values;
};

/// Promised false alarms and those that came, in the normal test rows of all files.
struct promise_line {
    double promised = 0; ///< clusters of false alarms in 10 000 rows
    double pooled = 0;   ///< realised / promised, all files together
    double median = 0;   ///< realised / promised, of the files
    double files = 0;
    double within = 0;   ///< files whose quotient lies from 1/3 to 3
    double without = 0;  ///< files without a false alarm
    double above = 0;    ///< files whose quotient is above 3
    double expected = 0; ///< promised false alarms in a file, on average
    double found = 0;    ///< labelled events in which the threshold of the promise is exceeded
    double events = 0;   ///< labelled events in the test rows
};

/// What one method reached with one seed.
struct method_result {
    std::string name;
    nlohmann::ordered_json settings; ///< every hyper-parameter
    std::vector<file_result> files;
    metrics totals;
    std::vector<group_result> groups = {};   ///< where a suite has several protocols
    bool seeded = true;                      ///< whether other seeds give other results
    std::vector<promise_line> promises = {}; ///< where a suite counts them
};

/// What others have published on a suite, or on a group of it.
struct published_line {
    std::string group; ///< empty: the totals
    named_metrics line;
};

struct suite_result {
    std::vector<method_result> methods; ///< the first one is the suite's own, others to compare
    std::vector<published_line> published = {};
};

struct run_options {
    std::filesystem::path directory; ///< of the suite; exists
    progress& shown;
    std::uint64_t seed = 1;
    bool seeded_only = false;        ///< other methods have been run already
    std::optional<int> epochs;       ///< instead of those of the suite, for a quick look
    bool reversed = false;           ///< whether decoders emit the last sample of a window first
    bool teacher_forced = false;     ///< whether decoders read true values while they are trained
    const pictures* drawn = nullptr; ///< null: no pictures are wanted

    /// Suites call it with what their own method says of a recording.
    tocsin::status draw(const scored_rows& rows) const {
        return drawn != nullptr ? drawn->draw(rows) : tocsin::status{};
    }

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
    /// Tries settings without test data, the best first; null where a suite has no such
    /// choice.
    tocsin::result<suite_result> (*choose)(const run_options&) = nullptr;
};

extern const suite synth_suite;
extern const suite skab_suite;
extern const suite nab_suite;
extern const suite nasa_suite;
extern const suite discords_suite;
extern const suite ucr_suite;
extern const suite kdd_suite;
extern const suite gecco_suite;

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
