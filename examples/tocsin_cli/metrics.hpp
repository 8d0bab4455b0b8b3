/// @file metrics.hpp
/// @brief How well decisions agree with labels, for people or machines.
#pragma once

#include "tocsin/metrics/confusion.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin_cli {

/// Scores and decisions with the labels.
class scored_decisions {
  public:
    void add(double score, bool flagged, bool anomalous);
    /// F1, precision, recall, false alarms, area under the ROC curve in one line.
    std::string text() const;
    /// The same with the counts; `auc` is null where only one class occurs.
    nlohmann::ordered_json json() const;

  private:
    tocsin::confusion_counts counts_;
    std::vector<double> scores_;
    std::vector<std::uint8_t> labels_;
};

} // namespace tocsin_cli
