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

/// A line of the table: a result of this program, or a published one.
struct named_metrics {
    std::string name;
    metrics values;
};

/// The result on one file (or directory, if its files belong together).
struct file_result {
    std::string file; ///< relative to the directory of the suite
    metrics values;
    std::vector<named_metrics> published = {}; ///< by others on this file, for the table
};

/// A part of a suite with its own totals: a protocol, a spacecraft.
struct group_result {
    std::string name;
    metrics values;
};

/// Promised and realised false alarms in the normal test rows of all files.
struct promise_line {
    double promised = 0; ///< clusters of false alarms in 10 000 rows
    double pooled = 0;   ///< realised / promised, all files together
    double median = 0;   ///< realised / promised, of the files
    double files = 0;
    double within = 0;   ///< files whose ratio is from 1/3 to 3
    double without = 0;  ///< files without a false alarm
    double above = 0;    ///< files whose ratio is above 3
    double expected = 0; ///< promised false alarms in a file, on average
    double found = 0;    ///< labelled events in which the threshold of the promise is exceeded
    double events = 0;   ///< labelled events in the test rows
};

/// The results of one method with one seed.
struct method_result {
    std::string name;
    nlohmann::ordered_json settings; ///< every hyper-parameter
    std::vector<file_result> files;
    metrics totals;
    std::vector<group_result> groups = {};   ///< if a suite has several protocols
    bool seeded = true;                      ///< whether results depend on the seed
    std::vector<promise_line> promises = {}; ///< if a suite counts them
};

/// Published results on a suite, or on a group of it.
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

    /// Suites call it with the results of their own method for a recording.
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
    /// Tries settings without test data, the best first; null if a suite has no such choice.
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

/// The path of a file relative to a directory above it; links are not resolved.
inline std::string name_below(const std::filesystem::path& directory,
                              const std::filesystem::path& path) {
    return path.lexically_relative(directory).generic_string();
}

/// Prefixes the reason why a file cannot be evaluated with its name.
inline tocsin::status in_file(const std::string& file, const tocsin::status& reason) {
    return tocsin::status::error(reason.code(), file, ": ", reason.message());
}

} // namespace evaluate
