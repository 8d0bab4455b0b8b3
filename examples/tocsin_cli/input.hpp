/// @file input.hpp
/// @brief Data that a command reads: a file of sequences, or a CSV file cut into windows.
#pragma once

#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/io/csv_row.hpp"
#include "tocsin/series/series.hpp"

#include <CLI/CLI.hpp>

#include "console.hpp"
#include "model_file.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace tocsin_cli {

enum class input_format : std::uint8_t { automatic, sequences, csv };

/// How a file is read.
struct input_options {
    input_format format = input_format::automatic;
    char delimiter = '\0';
    char step_delimiter = ',';
    std::vector<std::string> labels; ///< columns; "none" and "last" are words
    std::string timestamp;
    std::vector<std::string> ignore;
    std::vector<std::string> columns;

    void add_to(CLI::App& command);
    /// Which CSV columns mean what; `names` are the model's features, if it knows their names.
    tocsin::csv_options csv(const std::vector<std::string>& names) const;
};

/// How windows are chosen in the phases that learn from them.
struct window_options {
    int stride = 1;
    bool skip_missing = false;

    void add_to(CLI::App& command);
};

/// What a file holds: `series` for CSV, `sequences` for the other format.
struct input_data {
    std::string path;
    bool is_series = false;
    tocsin::series<float> series;
    tocsin::sequence_set<float> sequences;

    int features() const noexcept { return is_series ? series.features() : sequences.features(); }
    bool has_labels() const noexcept {
        return !(is_series ? series.labels : sequences.labels).empty();
    }
};

/// Reads a file; fails with its name, line and column.
/// @param model decides which columns are its features and how many there must be; may be null
input_data read_input(const std::string& path, const input_options& options,
                      const model_file* model);

/// Windows with the label of each; no labels where the file has none. The data must outlive them.
struct labelled_windows {
    tocsin::windows<float> windows;
    std::vector<std::uint8_t> labels;
};

/// Cuts data into windows: sliding ones over a series, else one per sequence. Fails, naming the
/// file, where it is too short or its sequences have another length.
labelled_windows cut_windows(const input_data& data, int length, int stride,
                             tocsin::scored_steps scored);

/// The windows that can be learned from. Ones with missing values end the command, naming the first
/// such value, or are left out if the options say so.
labelled_windows without_missing(const input_data& data, const labelled_windows& all,
                                 const window_options& options, const console& out);

/// The windows that have no anomalous sample; says how many were left out.
tocsin::windows<float> normal_windows(const input_data& data, int length, const window_options& how,
                                      const console& out);

} // namespace tocsin_cli
