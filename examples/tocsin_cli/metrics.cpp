#include "metrics.hpp"

#include "tocsin/metrics/roc.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace tocsin_cli {

void scored_decisions::add(double score, bool flagged, bool anomalous) {
    counts_.add(flagged, anomalous);
    scores_.push_back(score);
    labels_.push_back(anomalous ? 1 : 0);
}

std::string scored_decisions::text() const {
    char line[160];
    std::snprintf(
        line, sizeof line, "F1 %.4f  precision %.4f  recall %.4f  false alarms %.4f  AUC ",
        counts_.f_beta(1), counts_.precision(), counts_.recall(), counts_.false_alarm_rate());
    std::string text = line;
    const auto area = tocsin::auc_roc(scores_, labels_);
    if (!area) {
        return text + "-";
    }
    std::snprintf(line, sizeof line, "%.4f", *area);
    return text + line;
}

nlohmann::ordered_json scored_decisions::json() const {
    const auto area = tocsin::auc_roc(scores_, labels_);
    nlohmann::ordered_json result{{"f1", counts_.f_beta(1)},
                                  {"precision", counts_.precision()},
                                  {"recall", counts_.recall()},
                                  {"accuracy", counts_.accuracy()},
                                  {"far", counts_.false_alarm_rate()},
                                  {"mar", counts_.missed_alarm_rate()},
                                  {"auc", nullptr},
                                  {"tp", counts_.true_positives},
                                  {"fp", counts_.false_positives},
                                  {"fn", counts_.false_negatives},
                                  {"tn", counts_.true_negatives}};
    if (area) {
        result["auc"] = *area;
    }
    return result;
}

} // namespace tocsin_cli
