/// @file kdd_pictures.hpp
/// @brief Pictures of the suite kdd: histograms of scores, ROC curves and bars of all models.
#pragma once

#include "tocsin/core/status.hpp"

#include "suite.hpp"
#include "support/plot_folder.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace evaluate {

/// The scores of a model for the rows that choose the threshold.
struct kdd_scores {
    std::string model;
    std::vector<double> scores;
    double threshold = 0; ///< with the highest accuracy
};

/// Draws `scores_<model>` of each model: how its scores of normal rows and of attacks are
/// distributed, with the threshold.
tocsin::status draw_score_histograms(const support::plot_folder& folder,
                                     const std::vector<kdd_scores>& models,
                                     const std::vector<std::uint8_t>& labels);
/// Draws `roc`: the ROC curves of all models, with their areas.
tocsin::status draw_roc_curves(const support::plot_folder& folder,
                               const std::vector<kdd_scores>& models,
                               const std::vector<std::uint8_t>& labels);
/// Draws `models`: AUC-ROC, average precision and F1 of all models side by side.
tocsin::status draw_model_bars(const support::plot_folder& folder,
                               const std::vector<method_result>& methods);
/// Writes `metrics.json`: every metric of every model at each threshold.
tocsin::status write_metrics(const support::plot_folder& folder,
                             const std::vector<method_result>& methods);

} // namespace evaluate
