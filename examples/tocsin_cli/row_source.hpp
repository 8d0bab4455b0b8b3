/// @file row_source.hpp
/// @brief The rows that 'detect' judges, one by one.
#pragma once

#include "tocsin/io/csv_row_reader.hpp"
#include "tocsin/series/daylight_saving.hpp"

#include "input.hpp"
#include "model_file.hpp"
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
    tocsin::index_t number() const noexcept { return number_; } ///< in its file, from 1
    std::span<const float> sample() const noexcept { return sample_; }
    const std::string& timestamp() const noexcept { return timestamp_; }
    double time() const noexcept { return time_; }
    bool anomalous() const noexcept { return anomalous_; }

  private:
    /// Whether the rows are those of a grid (--resample), whose timestamps no file has.
    bool is_on_grid() const noexcept;
    explicit row_source(tocsin::csv_row_reader reader) : reader_{std::move(reader)} {}

    const input_data* data_ = nullptr;
    tocsin::index_t at_ = -1; // in data_
    std::optional<tocsin::csv_row_reader> reader_;
    std::string path_; // of its file
    tocsin::timestamp_reader clock_;
    tocsin::daylight_saving wall_;
    tocsin::column<double> offsets_;
    std::vector<double> exact_;

    tocsin::index_t number_ = 0;
    std::vector<float> sample_;
    std::string timestamp_;
    double time_ = tocsin::unknown_time;
    bool anomalous_ = false;
};

} // namespace tocsin_cli
