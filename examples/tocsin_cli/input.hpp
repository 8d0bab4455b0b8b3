/// @file input.hpp
/// @brief Data that a command reads: files of sequences, or recordings in CSV, cut into windows.
#pragma once

#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/io/csv.hpp"
#include "tocsin/io/csv_options.hpp"
#include "tocsin/io/text_encoding.hpp"
#include "tocsin/series/column_facts.hpp"
#include "tocsin/series/resampling.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/series/time_order.hpp"
#include "tocsin/series/time_steps.hpp"
#include "tocsin/series/windows.hpp"

#include <CLI/CLI.hpp>

#include "console.hpp"
#include "model_file.hpp"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_cli {

enum class input_format : std::uint8_t { automatic, sequences, csv };

/// How a file is read.
struct input_options {
    input_format format = input_format::automatic;
    tocsin::text_encoding encoding = tocsin::text_encoding::automatic;
    char delimiter = '\0';
    char step_delimiter = ',';
    std::vector<std::string> labels; ///< columns; "none" and "last" are words
    std::vector<tocsin::csv_label_value> label_values;
    std::string timestamp;
    std::optional<tocsin::date_order> dates;
    bool serial_dates = false;
    bool no_serial_dates = false;
    std::vector<std::string> ignore;
    std::vector<std::string> columns;
    std::vector<std::string> missing;
    bool header = false;
    bool no_header = false;
    bool decimal_comma = false;
    bool decimal_point = false;
    bool thousands = false;
    tocsin::index_t skip_rows = -1; ///< recognised
    double longest_gap = 0;         ///< seconds; 0: by the usual step
    double resample = 0;            ///< seconds; 0: rows as they are
    tocsin::resampling resample_by = tocsin::resampling::mean;

    void add_to(CLI::App& command);
    /// Options without those of sequences.
    void add_csv_to(CLI::App& command);
    /// The options that need a whole recording: for commands that learn from it.
    void add_time_to(CLI::App& command);
    /// Of these, those that put rows on a grid.
    void add_resampling_to(CLI::App& command);
    /// The meaning of CSV columns; `names` are the model's features, if it knows their names.
    tocsin::csv_options csv(const std::vector<std::string>& names) const;
    /// The same for a model: the settings of its training data hold unless options override them.
    tocsin::csv_options csv(const model_file* model) const;
};

/// Facts about one CSV file.
struct file_facts {
    std::string path;
    tocsin::csv_dialect dialect;
    std::vector<tocsin::csv_column> columns;
    tocsin::index_t rows = 0; ///< in the file
    tocsin::timestamp_reader clock;
    tocsin::time_facts time;
    tocsin::index_t gaps = 0;
    tocsin::index_t set_back = 0;
    tocsin::index_t repeated = 0;
    tocsin::index_t backward = 0;
    int clock_changes = 0;         ///< daylight saving
    tocsin::index_t resampled = 0; ///< rows after resampling; 0: not asked for
    tocsin::index_t comments = 0;  ///< lines among the rows, left out
    tocsin::index_t headers = 0;   ///< lines that name the columns again, left out
    std::string footer;            ///< instead of the time in last rows that were left out
    std::vector<tocsin::csv_switch_words> switches; ///< words such as off among numbers
    tocsin::csv_cut_cells cut;                      ///< cells such as ####
    tocsin::csv_unread_cells unread;                ///< values in columns taken for empty
    /// Per feature: values that are infinite or beyond single precision, which count as missing.
    std::vector<tocsin::index_t> infinite;
};

/// The data of files: `series` for CSV, `sequences` for the other format.
struct input_data {
    std::string path; ///< of the first file, for messages
    bool is_series = false;
    tocsin::series<float> series; ///< values minus the model's offsets
    tocsin::sequence_set<float> sequences;
    std::vector<double> times; ///< seconds, one per row of the series; empty: not known
    /// Rows of each recording, between files and gaps. Empty: one recording.
    std::vector<tocsin::index_t> recordings;
    std::vector<tocsin::index_t> rows; ///< number of each row in its file, from 1
    std::vector<file_facts> files;
    tocsin::column<double> offsets;            ///< of values, or empty
    std::vector<tocsin::column_facts> columns; ///< if no model defines the features
    double longest_gap = 0;                    ///< seconds; 0: times are not known

    int features() const noexcept { return is_series ? series.features() : sequences.features(); }
    bool has_labels() const noexcept {
        return !(is_series ? series.labels : sequences.labels).empty();
    }
    double time_of(tocsin::index_t row) const noexcept {
        return times.empty() ? tocsin::unknown_time : times[static_cast<std::size_t>(row)];
    }
    /// The number of a row in its file.
    tocsin::index_t row_number(tocsin::index_t row) const noexcept {
        return rows.empty() ? row + 1 : rows[static_cast<std::size_t>(row)];
    }
    /// The decimal mark, "comma" or "point", if digits in the first file are grouped; else empty.
    std::string decimal_mark_of_groups() const;
    /// The order of day, month and year in the first file that shows it.
    std::optional<tocsin::date_order> date_order() const;
    /// A fingerprint of the samples as text, for the model file.
    std::string fingerprint() const;
};

/// Whether a text is read as CSV, by its options, its name and its first line.
bool is_csv(const std::string& path, std::string_view text, const input_options& options);

/// Reads a file with all its rows, reversed if the newest is first; fails with its name, line and
/// column.
/// @param model decides which columns are its features and how many there must be; may be null
input_data read_input(const std::string& path, const input_options& options,
                      const model_file* model);
/// Reads files to learn from: rows in order of time, without repeated and wrong ones, cut at gaps
/// and between files.
input_data read_recordings(const std::vector<std::string>& paths, const input_options& options,
                           const model_file* model);

/// Keeps in a model what data must be read like later: names, offsets, texts, the usual step.
void keep_reading(const input_data& data, const input_options& options, model_file& model);

/// How windows are chosen in the phases that learn from them.
struct window_options {
    int stride = 1;
    bool skip_missing = false;
    int longest_hole = 0; ///< rows; 0: 10, at most half a window

    void add_to(CLI::App& command);
};

/// Windows with the label of each; no labels if the file has none. The data must outlive them.
struct labelled_windows {
    tocsin::windows<float> windows;
    std::vector<std::uint8_t> labels;
};

/// Cuts data into windows: sliding ones over each recording, else one per sequence. Fails, naming
/// the file, where it is too short or its sequences have another length.
labelled_windows cut_windows(const input_data& data, int length, int stride,
                             tocsin::scored_steps scored);

/// The windows that can be learned from: without long holes, or without any if the options say so.
/// An infinite value ends the command.
labelled_windows without_missing(const input_data& data, const labelled_windows& all,
                                 const window_options& options, const console& out);

/// The windows that have no anomalous sample; prints how many were left out.
tocsin::windows<float> normal_windows(const input_data& data, int length,
                                      const window_options& windowing, const console& out);

/// How much larger scores of other rows are than those of the `windows` that the covariance was
/// fitted to: ` (about 1.2 times)`, or empty below a tenth.
std::string inflation(tocsin::index_t windows, tocsin::index_t sensors);

/// Warns if rows come much faster or more slowly than in training.
/// @param resamples whether the command has --resample
void warn_of_step(const input_data& data, const model_file& model, const console& out,
                  bool resamples);

/// Fails, naming those there are, where a name of --ignore is none of the `columns` of a file.
void refuse_unknown_ignored(const std::vector<std::string>& ignored,
                            const std::vector<tocsin::csv_column>& columns,
                            const std::string& path);

} // namespace tocsin_cli
