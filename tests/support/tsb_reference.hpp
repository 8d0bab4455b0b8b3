/// @file tsb_reference.hpp
/// @brief Scores with TSB-AD's metrics of them (golden/tsb_metrics).
#pragma once

#include <doctest/doctest.h>

#include "support/data_table.hpp"
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tocsin_test {

/// Calls `visit(scores, labels, expected, vus_window)` for each series of scores, where `expected`
/// is the value of the column `metric`. Without the data the test says that it is skipped.
template <class Visit>
void for_each_tsb_reference(const std::string& metric, Visit&& visit) {
    const auto root = data_directory("golden/tsb_metrics/expected.csv");
    if (!root) {
        return;
    }
    std::string folder = *root;
    folder.append("golden/tsb_metrics/");
    const data_table table(folder + "expected.csv");
    const auto expected = table.numbers(metric);
    const auto windows = table.numbers("vus_window");
    std::map<std::string, data_table> files;
    for (std::size_t i = 0; i < table.rows(); ++i) {
        const std::string& file = table.text("file")[i];
        const std::string& score = table.text("score")[i];
        CAPTURE(file);
        CAPTURE(score);
        const data_table& series = files.try_emplace(file, folder + file).first->second;
        visit(series.numbers(score), series.flags("label"), expected[i],
              static_cast<int>(windows[i]));
    }
    CHECK(table.rows() == 12);
}

} // namespace tocsin_test
