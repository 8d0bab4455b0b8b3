/// @file skab_data.hpp
/// @brief SKAB's recordings, which of their features are used, and the settings for all of them.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/series/series.hpp"

#include <filesystem>
#include <vector>

namespace evaluate {

/// Given by the protocol: the first rows of a recording are normal.
inline constexpr int skab_training_rows = 400;

/// One setting for all files; docs/evaluation.md describes how it was chosen.
struct skab_settings {
    int window = 20;
    int hidden = 16;
    int epochs = 50;
    int batch_size = 32;
    double learning_rate = 3e-3;
    /// A feature that resembles itself more than this one window later is left out: 400 rows hold
    /// too few independent values of it to tell a drift from an anomaly.
    double largest_autocorrelation = 0.5;
    double quantile = 0.99;
    double factor = 16.0 / 9.0; ///< 4/3 in units of the distance; the score is its square
};
inline constexpr skab_settings chosen_skab;

/// A recording with the features that are used.
struct skab_recording {
    tocsin::series<float> all;
    std::vector<int> kept; ///< positions of the features whose training rows say what is normal
    tocsin::matrix<float> values; ///< those features `[features x rows]`
};

/// The files with a header that names the column of labels, in order of name. Others, such as the
/// recording without anomalies, are named on standard error.
std::vector<std::filesystem::path> find_skab_recordings(const std::filesystem::path& root);

/// `invalid_data` for a recording without rows to test.
tocsin::result<skab_recording> read_skab_recording(const std::filesystem::path& path);

} // namespace evaluate
