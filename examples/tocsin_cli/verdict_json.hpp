/// @file verdict_json.hpp
/// @brief The verdict on a row as JSON, the same for detect and stream.
#pragma once

#include <nlohmann/json.hpp>

#include "row_judge.hpp"
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace tocsin_cli {

/// @param row       rows of data so far, from 1
/// @param timestamp as written; empty without one
/// @param alarms whether to include if the row belongs to an alarm
/// @param names     one per feature
inline nlohmann::ordered_json verdict_json(tocsin::index_t row, const std::string& timestamp,
                                           const row_verdict& judged, bool alarms,
                                           const std::vector<std::string>& names) {
    const tocsin::verdict& verdict = judged.verdict;
    nlohmann::ordered_json line{{"row", row}};
    if (!timestamp.empty()) {
        line["timestamp"] = timestamp;
    }
    line["verdict"] = to_string(verdict.kind);
    if (alarms) {
        line["alarm"] = judged.alarm;
    }
    if (verdict.scored()) {
        line["score"] = verdict.score;
        line["threshold"] = verdict.threshold;
        if (!std::isnan(verdict.expected_false_alarms)) { // in 10 000 rows
            line["expected_false_alarms"] = verdict.expected_false_alarms;
        }
        nlohmann::ordered_json shares;
        for (std::size_t k = 0; k < names.size(); ++k) {
            shares[names[k]] = judged.shares[k];
        }
        line["shares"] = std::move(shares);
    } else {
        line["reason"] = to_string(verdict.reason);
    }
    if (verdict.rate_exceeded) {
        line["rate_exceeded"] = true;
    }
    if (verdict.missing > 0) {
        line["missing"] = verdict.missing;
    }
    if (verdict.lost > 0) {
        line["lost"] = verdict.lost;
    }
    return line;
}

} // namespace tocsin_cli
