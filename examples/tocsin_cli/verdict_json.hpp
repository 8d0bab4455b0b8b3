/// @file verdict_json.hpp
/// @brief The verdict on a row as JSON: the same from detect as from stream.
#pragma once

#include "tocsin/detect/verdict.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace tocsin_cli {

/// @param row       rows of data so far, from 1
/// @param timestamp as written; empty without one
/// @param names     one per feature
inline nlohmann::ordered_json verdict_json(tocsin::index_t row, const std::string& timestamp,
                                           const tocsin::verdict& verdict,
                                           const std::vector<std::string>& names) {
    nlohmann::ordered_json line{{"row", row}};
    if (!timestamp.empty()) {
        line["timestamp"] = timestamp;
    }
    line["verdict"] = to_string(verdict.kind);
    if (!verdict.shares.empty()) {
        line["score"] = verdict.score;
        line["threshold"] = verdict.threshold;
        nlohmann::ordered_json shares;
        for (std::size_t k = 0; k < names.size(); ++k) {
            shares[names[k]] = verdict.shares[k];
        }
        line["shares"] = std::move(shares);
    }
    return line;
}

} // namespace tocsin_cli
