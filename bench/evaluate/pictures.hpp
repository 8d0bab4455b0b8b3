/// @file pictures.hpp
/// @brief Pictures of the scores of recordings: the signal above the score.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include "support/plot_folder.hpp"
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {

/// The results of a method for consecutive rows of a recording: one entry per row in each list.
struct scored_rows {
    std::string file;                      ///< of the recording, as in the results
    std::vector<double> values = {};       ///< of one feature, the first by default
    std::vector<double> scores = {};       ///< higher = more anomalous; NaN if there is none
    std::vector<std::uint8_t> labels = {}; ///< nonzero = anomalous
    std::vector<std::uint8_t> flags = {};  ///< nonzero = flagged
    double threshold = 0;                  ///< of the scores
    tocsin::index_t first = 0;             ///< number of the first of these rows in the recording
    std::string feature = "measured";      ///< name of the values
    std::string row = "row";               ///< name of a row, with its length if known
};

/// `rows` of the first feature of `[features x rows]`.
template <class Values>
std::vector<double> first_feature(const Eigen::MatrixBase<Values>& values, tocsin::index_t begin,
                                  tocsin::index_t end) {
    std::vector<double> found;
    for (tocsin::index_t t = begin; t < end; ++t) {
        found.push_back(static_cast<double>(values(0, t)));
    }
    return found;
}

/// A folder with one picture per recording, and the data and gnuplot script of each.
class pictures {
  public:
    /// Makes the folder. `io_error` when that is not possible or gnuplot is not installed.
    static tocsin::result<pictures> create(const std::filesystem::path& path);

    /// Draws `<name of the file, / replaced by _>.svg`: above, the values with the labelled rows
    /// shaded; below, the scores with the threshold and the flagged rows. The axis of the scores is
    /// logarithmic when the highest is far above the threshold. Of long recordings, the lowest and
    /// the highest value of each column of pixels are drawn.
    tocsin::status draw(const scored_rows& rows) const;
    /// For pictures that only one suite has.
    const support::plot_folder& folder() const noexcept { return folder_; }

  private:
    explicit pictures(support::plot_folder folder) : folder_{std::move(folder)} {}

    support::plot_folder folder_;
};

} // namespace evaluate
