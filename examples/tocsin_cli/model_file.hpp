/// @file model_file.hpp
/// @brief The detector of the command line, with the file that keeps it between two commands.
#pragma once

#include "tocsin/detect/detector.hpp"
#include "tocsin/io/csv_options.hpp"
#include "tocsin/io/timestamps.hpp"
#include "tocsin/training/history.hpp"

#include "any_classifier.hpp"
#include "any_model.hpp"
#include "any_scaler.hpp"
#include "any_threshold.hpp"
#include "promised_model.hpp"
#include <optional>
#include <string>
#include <vector>

// Compiled once, in model_file.cpp. clang before 16 instantiates members whose constraints do not
// hold, too.
#if !defined(__clang__) || __clang_major__ >= 16
extern template class tocsin::detector<tocsin_cli::any_model, tocsin_cli::any_scaler,
                                       tocsin::mahalanobis<>, tocsin_cli::any_threshold>;
#endif

namespace tocsin_cli {

using any_detector = tocsin::detector<any_model, any_scaler, tocsin::mahalanobis<>, any_threshold>;

/// The contents of a model file: a detector after any phase, and the names of its features, so that
/// columns are found in any order.
struct model_file {
    any_detector detector;
    /// Of a model that learned from labels; there is then no detector.
    std::optional<any_classifier> classifier;
    /// What judges rows in place of the detector. With forecasts, the detector has the same ones and
    /// explains the rows; without, there is no detector.
    std::optional<promised_model> judge;
    std::vector<std::string> feature_names;    ///< empty for a model trained on sequences
    std::vector<tocsin::epoch_record> history; ///< of training; empty where it is not known
    tocsin::column<double> offsets; ///< subtracted from values before they become floats, or empty
    double step = 0;                ///< usual seconds between rows of the training data; 0: unknown
    std::vector<std::string> missing;                  ///< what else meant "missing" there
    std::vector<tocsin::csv_label_value> label_values; ///< what labels meant there
    /// "comma" or "point", if digits were grouped there and `1,234` could be either; else empty.
    std::string decimal_mark_of_groups;
    std::optional<tocsin::date_order> dates; ///< their order, if it mattered there
    bool serial_dates = false;               ///< times were days since 1899-12-30 there
    tocsin::digit_dates digit_dates = tocsin::digit_dates::unknown; ///< whether times were such
    tocsin::time_unit time_unit = tocsin::time_unit::seconds;       ///< what times counted there
    std::string errors_from; ///< fingerprint of the data of fit-errors

    /// A name for each feature: its own, or feature0, feature1, ...
    std::vector<std::string> shown_names() const;
    bool has_detector() const noexcept { return !classifier && (!judge || judge->forecasts()); }
    int features() const noexcept {
        return classifier ? classifier->features()
               : judge    ? judge->features()
                          : detector.features();
    }
    /// Rows that the model sees at once.
    int window() const noexcept {
        return classifier ? classifier->window() : has_detector() ? detector.settings().window : 1;
    }
    /// Longest step in seconds between neighbours; not finite, or 0, where none is set.
    double longest_pause() const noexcept {
        return classifier       ? classifier->longest_pause()
               : has_detector() ? detector.settings().longest_pause
                                : 0;
    }
    /// The threshold for rows.
    double threshold() const noexcept {
        return classifier ? classifier->threshold()
               : judge    ? judge->threshold()
                          : detector.threshold();
    }
    /// Rows of a stream before verdicts are as they will be later.
    tocsin::index_t rows_before() const noexcept {
        return !has_detector()
                   ? window()
                   : window() + detector.warm_up() +
                         (judge ? promised_model::longest_chart : detector.rule().smoothing());
    }
};

/// Reads a model file; fails with its name and the reason. A checkpoint is refused as such.
model_file load_model(const std::string& path);
/// Replaces a model file completely or not at all.
void save_model(const model_file& model, const std::string& path);

/// Fails, naming the command to run, unless a model has reached the phase `needed`. A classifier is
/// ready for everything but the phases in between.
void require_phase(const model_file& model, const std::string& path, tocsin::detector_phase needed);

/// Fails where something else than the detector judges the rows: only 'fit' fits it, and what else reads a
/// detector would miss it.
/// @param what such as "they cannot be exported yet"
void refuse_judge(const model_file& model, const std::string& path, const char* what);

/// Fails if a model reads the calendar and the rows have no dates.
void require_calendar(const model_file& model, const std::string& data,
                      tocsin::timestamp_kind clock);

/// What a detector's model must beat; see tocsin::rmse_of_mean().
double rmse_of_mean(const any_detector& detector, const tocsin::windows<float>& training,
                    const tocsin::windows<float>& judged);

/// The name of a phase, such as "errors_fitted".
const char* phase_name(tocsin::detector_phase phase) noexcept;

} // namespace tocsin_cli
