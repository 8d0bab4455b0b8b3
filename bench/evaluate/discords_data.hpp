/// @file discords_data.hpp
/// @brief The series of the discords suite, each with its training and test rows and anomalies.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace evaluate {

/// A series of one protocol. Series without training rows of their own are appended to the one of
/// the same protocol that has them.
struct discord_series {
    std::string name; ///< protocol/series
    tocsin::matrix<double> values;
    std::string feature; ///< name of the first measured column
    int period = 125;    ///< rows
    /// Rows by role: train and test, which both have rows; val_normal and val_anomalous may be
    /// missing.
    std::map<std::string, std::vector<tocsin::row_range>> roles;
    std::vector<tocsin::row_range> events;
    /// Rows of a day or cycle if whole ones are labelled, else 0.
    tocsin::index_t unit = 0;

    /// The rows of a role, none if it is missing.
    std::vector<tocsin::row_range> rows_for(const std::string& role) const;
};

struct discord_protocol {
    std::string name;
    std::vector<discord_series> series; ///< in order of name
};

/// Measured columns of a series; a first column of times is left out.
/// @param first_name of the first measured column; not written when null
tocsin::result<tocsin::matrix<double>> read_series(const std::filesystem::path& path,
                                                   std::string* first_name = nullptr);

/// All protocols of `splits.csv` in order of name, with the events of `labels.csv`. Series that
/// cannot be trained or tested are named on standard error.
tocsin::result<std::vector<discord_protocol>> read_discords(const std::filesystem::path& directory);

} // namespace evaluate
