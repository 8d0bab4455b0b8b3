/// @file kdd_tables.hpp
/// @brief The tables of the suite kdd: rows to learn from, rows that choose a threshold, others.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace evaluate {

/// Rows with a label each.
struct kdd_table {
    std::string name;
    tocsin::matrix<double> values;    // [features x rows], scaled
    std::vector<std::string> columns; // names of the features
    std::vector<std::uint8_t> labels;

    bool both_classes() const {
        return std::count(labels.begin(), labels.end(), 0) > 0 &&
               std::count(labels.begin(), labels.end(), 0) <
                   static_cast<std::ptrdiff_t>(labels.size());
    }
};

/// The training rows, and the tables to judge.
struct kdd_data {
    kdd_table training;
    std::vector<kdd_table> judged; // the one that chooses the threshold first
};

/// Reads the tables below the directory that have the column `target`, scaled to [0, 1] by the
/// training rows, whose order the columns take. `invalid_data` names the table that is missing,
/// stands for the same part as another, has missing values or other columns.
tocsin::result<kdd_data> read_kdd_tables(const std::filesystem::path& directory);

} // namespace evaluate
