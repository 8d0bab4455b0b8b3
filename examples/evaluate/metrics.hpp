/// @file metrics.hpp
/// @brief The numbers an evaluation may report, each of which a suite may leave undefined.
#pragma once

#include "tocsin/metrics/confusion.hpp"

#include <array>
#include <optional>

namespace evaluate {

/// All rates in [0, 1]; errors in the unit of the data. A suite fills what its protocol defines.
struct metrics {
    std::optional<double> f1, far, mar, tp, fp, fn, tn, auc, rmse, mae, precision, recall;

    /// What can be read off confusion counts.
    static metrics of(const tocsin::confusion_counts& counts) {
        metrics read;
        read.f1 = counts.f_beta(1);
        read.far = counts.false_alarm_rate();
        read.mar = counts.missed_alarm_rate();
        read.tp = static_cast<double>(counts.true_positives);
        read.fp = static_cast<double>(counts.false_positives);
        read.fn = static_cast<double>(counts.false_negatives);
        read.tn = static_cast<double>(counts.true_negatives);
        read.precision = counts.precision();
        read.recall = counts.recall();
        return read;
    }
};

/// How a metric is written.
struct metric_format {
    const char* name; ///< in results.json
    std::optional<double> metrics::* value;
    bool count;         ///< a whole number
    const char* column; ///< heading in the table
    double factor;      ///< from results.json to the table: 100 for per cent
    int digits;         ///< after the point, in the table
};

inline constexpr std::array metric_formats = {
    metric_format{"f1", &metrics::f1, false, "F1", 1, 3},
    metric_format{"far", &metrics::far, false, "FAR %", 100, 2},
    metric_format{"mar", &metrics::mar, false, "MAR %", 100, 2},
    metric_format{"tp", &metrics::tp, true, "TP", 1, 0},
    metric_format{"fp", &metrics::fp, true, "FP", 1, 0},
    metric_format{"fn", &metrics::fn, true, "FN", 1, 0},
    metric_format{"tn", &metrics::tn, true, "TN", 1, 0},
    metric_format{"auc", &metrics::auc, false, "AUC", 1, 4},
    metric_format{"rmse", &metrics::rmse, false, "RMSE", 1, 4},
    metric_format{"mae", &metrics::mae, false, "MAE", 1, 4},
    metric_format{"precision", &metrics::precision, false, "prec.", 1, 3},
    metric_format{"recall", &metrics::recall, false, "recall", 1, 3},
};

} // namespace evaluate
