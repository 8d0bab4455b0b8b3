/// @file kdd_models.hpp
/// @brief The models of rows that the suite kdd compares.
#pragma once

#include "kdd_tables.hpp"
#include "suite.hpp"
#include <functional>
#include <vector>

namespace evaluate {

/// Returns the scores of rows, `[features x rows]`; higher = more anomalous.
using row_scorer = std::function<std::vector<double>(const tocsin::matrix<double>&)>;

/// A model of rows with its training.
struct kdd_method {
    const char* name;
    std::function<tocsin::result<row_scorer>(const kdd_data&, const run_options&)> fit;
    bool seeded;
    nlohmann::ordered_json settings;
};

/// All of them, the suite's own first.
std::vector<kdd_method> kdd_methods(const run_options& options);

} // namespace evaluate
