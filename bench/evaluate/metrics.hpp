/// @file metrics.hpp
/// @brief The numbers that an evaluation can report; a suite may leave any of them undefined.
#pragma once

#include "tocsin/metrics/confusion.hpp"

#include <array>
#include <cmath>
#include <optional>
#include <span>

namespace evaluate {

/// All rates in [0, 1]; errors in the unit of the data. A suite fills what its protocol defines.
struct metrics {
    std::optional<double> accuracy, f1, f2, f0_5, far, mar, tp, fp, fn, tn, auc, rmse, mae,
        precision, recall, flagged_fraction, auc_pr, auc_roc, vus_pr, vus_roc, nab_standard,
        nab_low_fp, nab_low_fn, nab_standard_fixed, nab_low_fp_fixed, nab_low_fn_fixed, mean_delay,
        promised_rate, realised_rate, realised_over_promised;

    /// The metrics of confusion counts.
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
        read.flagged_fraction = counts.flagged_fraction();
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
    metric_format{"accuracy", &metrics::accuracy, false, "accur.", 1, 4},
    metric_format{"f1", &metrics::f1, false, "F1", 1, 3},
    metric_format{"f2", &metrics::f2, false, "F2", 1, 3},
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
    metric_format{"f0_5", &metrics::f0_5, false, "F0.5", 1, 3},
    metric_format{"flagged_fraction", &metrics::flagged_fraction, false, "flagged", 1, 3},
    metric_format{"auc_pr", &metrics::auc_pr, false, "AUC-PR", 1, 3},
    metric_format{"auc_roc", &metrics::auc_roc, false, "AUC-ROC", 1, 3},
    metric_format{"vus_pr", &metrics::vus_pr, false, "VUS-PR", 1, 3},
    metric_format{"vus_roc", &metrics::vus_roc, false, "VUS-ROC", 1, 3},
    metric_format{"nab_standard", &metrics::nab_standard, false, "NAB", 1, 1},
    metric_format{"nab_low_fp", &metrics::nab_low_fp, false, "low FP", 1, 1},
    metric_format{"nab_low_fn", &metrics::nab_low_fn, false, "low FN", 1, 1},
    metric_format{"nab_standard_fixed", &metrics::nab_standard_fixed, false, "fixed", 1, 1},
    metric_format{"nab_low_fp_fixed", &metrics::nab_low_fp_fixed, false, "low FP", 1, 1},
    metric_format{"nab_low_fn_fixed", &metrics::nab_low_fn_fixed, false, "low FN", 1, 1},
    metric_format{"mean_delay", &metrics::mean_delay, false, "delay", 1, 1},
    metric_format{"promised_rate", &metrics::promised_rate, false, "promised", 1, 1},
    metric_format{"realised_rate", &metrics::realised_rate, false, "realised", 1, 1},
    metric_format{"realised_over_promised", &metrics::realised_over_promised, false, "quotient", 1,
                  2},
};

/// Mean and standard deviation, metric by metric, of those lines that have it; of counts, too.
struct mean_and_spread {
    metrics mean;
    metrics spread; ///< of the sample (n - 1); only for metrics that at least two lines have
};
inline mean_and_spread summarise(std::span<const metrics> lines) {
    mean_and_spread summary;
    for (const metric_format& format : metric_formats) {
        double sum = 0;
        double count = 0;
        for (const metrics& line : lines) {
            if (line.*format.value) {
                sum += *(line.*format.value);
                ++count;
            }
        }
        if (count == 0) {
            continue;
        }
        summary.mean.*format.value = sum / count;
        double squares = 0;
        for (const metrics& line : lines) {
            if (line.*format.value) {
                squares += std::pow(*(line.*format.value) - sum / count, 2);
            }
        }
        if (count > 1) {
            summary.spread.*format.value = std::sqrt(squares / (count - 1));
        }
    }
    return summary;
}

} // namespace evaluate
