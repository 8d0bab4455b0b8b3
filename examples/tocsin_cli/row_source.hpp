/// @file row_source.hpp
/// @brief The rows that 'detect' judges, one by one.
#pragma once

#include "tocsin/io/csv_row_reader.hpp"
#include "tocsin/io/csv_switches.hpp"
#include "tocsin/series/daylight_saving.hpp"
#include "tocsin/series/times_of_day.hpp"

#include "console.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tocsin_cli {

/// Rows of a recording, from memory or straight from a file.
class row_source {
  public:
    /// Rows in memory, which must outlive this.
    explicit row_source(const input_data& data);
    /// Rows of a file that is read as they are requested; nothing for a file that must be read as a
    /// whole: sequences, UTF-16, the newest row first, a pipe. Fails if it cannot be read.
    static std::optional<row_source> of_file(const std::string& path, const input_options& options,
                                             const model_file& model, const console& out);

    bool has_timestamps() const noexcept;
    bool has_labels() const noexcept;
    /// How timestamps are read.
    tocsin::timestamp_kind clock() const noexcept;

    /// Moves to the next row; false at the end.
    bool next();
    tocsin::index_t number() const noexcept { return row_.number; } ///< in its file, from 1
    std::span<const float> sample() const noexcept { return row_.sample; }
    const std::string& timestamp() const noexcept { return row_.timestamp; }
    double time() const noexcept { return row_.time; }
    bool anomalous() const noexcept { return row_.anomalous; }

  private:
    /// Whether the rows are those of a grid (--resample), whose timestamps no file has.
    bool is_on_grid() const noexcept;
    row_source(tocsin::csv_row_reader reader, const console& out)
        : reader_{std::move(reader)}, out_{&out}, switches_{reader_->layout().features()} {}

    struct source_row {
        tocsin::index_t number = 0;
        std::vector<float> sample;
        std::string timestamp;
        double time = tocsin::unknown_time;
        bool anomalous = false;
    };

    bool next_in_memory();
    /// The next row of the file, whatever it is.
    bool read_row(source_row& row);
    void refuse_other_order(const source_row& row) const;
    /// Whether a row has text for its time that is no time, as a footer has: Total,12,34.
    bool may_be_footer(const source_row& row) const noexcept;

    const input_data* data_ = nullptr;
    tocsin::index_t at_ = -1; // in data_
    std::optional<tocsin::csv_row_reader> reader_;
    const console* out_ = nullptr;
    std::string path_; // of its file
    tocsin::timestamp_reader clock_;
    bool asked_order_ = false; // of dates: --dates
    tocsin::daylight_saving wall_;
    tocsin::times_of_day day_;
    tocsin::column<double> offsets_;
    tocsin::csv_switch_watch switches_;
    tocsin::csv_cut_cells cut_;
    tocsin::csv_unread_cells unread_;
    std::vector<double> exact_;

    tocsin::index_t rows_read_ = 0;
    std::deque<source_row> held_; // rows that may be a footer until one with a time follows
    bool holds_ = true;           // whether they still may be: there are few
    bool ended_ = false;          // all rows have been read
    source_row row_;
};

} // namespace tocsin_cli
