#include "model_file.hpp"

#include "tocsin/detect/mean_baseline.hpp"
#include "tocsin/io/archive.hpp"

#include "failure.hpp"

#if !defined(__clang__) || __clang_major__ >= 16
template class tocsin::detector<tocsin_cli::any_model, tocsin_cli::any_scaler,
                                tocsin::mahalanobis<>, tocsin_cli::any_threshold>;
#endif

namespace tocsin_cli {
namespace {

constexpr const char* history_name = "training_history";
constexpr int history_columns = 5;

/// The record of training as a matrix `[numbers x epochs]`.
void save_history(const std::vector<tocsin::epoch_record>& history,
                  tocsin::archive_writer& archive) {
    tocsin::matrix<double> numbers(history_columns, static_cast<tocsin::index_t>(history.size()));
    for (std::size_t k = 0; k < history.size(); ++k) {
        const tocsin::epoch_record& epoch = history[k];
        numbers.col(static_cast<tocsin::index_t>(k)) << epoch.training_loss, epoch.validation_rmse,
            epoch.validation_mae, epoch.learning_rate, epoch.gradient_norm;
    }
    archive.matrix(history_name, numbers, tocsin::finiteness::optional);
}

std::vector<tocsin::epoch_record> load_history(tocsin::archive_reader& archive) {
    tocsin::matrix<double> numbers;
    archive.matrix(history_name, numbers, tocsin::finiteness::optional);
    if (!archive.outcome().ok()) {
        return {};
    }
    if (numbers.rows() != history_columns) {
        archive.fail(tocsin::status::error(tocsin::error_code::format_error, "'", history_name,
                                           "' has ", numbers.rows(), " numbers an epoch, not ",
                                           history_columns));
        return {};
    }
    std::vector<tocsin::epoch_record> history;
    for (tocsin::index_t k = 0; k < numbers.cols(); ++k) {
        history.push_back({.epoch = static_cast<int>(k),
                           .training_loss = numbers(0, k),
                           .validation_rmse = numbers(1, k),
                           .validation_mae = numbers(2, k),
                           .learning_rate = numbers(3, k),
                           .gradient_norm = numbers(4, k)});
    }
    return history;
}

} // namespace

std::vector<std::string> model_file::shown_names() const {
    if (!feature_names.empty()) {
        return feature_names;
    }
    std::vector<std::string> names;
    for (int k = 0; k < features(); ++k) {
        names.push_back("feature" + std::to_string(k));
    }
    return names;
}

namespace {

/// The settings with which later data must be read like the training data. Files of other programs
/// have none of them.
template <class Archive>
void exchange_reading(Archive& archive, model_file& model) {
    const auto has = [&](const char* name, bool wanted) {
        return Archive::loading ? archive.contains(name) : wanted;
    };
    // A program that loads only the detector would not subtract them: as a part of the detector they
    // make it refuse the file. Older files have them beside it.
    if (has("detector.value_offsets", model.offsets.size() > 0)) {
        archive.matrix("detector.value_offsets", model.offsets);
    } else if (has("value_offsets", false)) {
        archive.matrix("value_offsets", model.offsets);
    }
    if (has("usual_step", model.step > 0)) {
        archive.number("usual_step", model.step);
    }
    if (has("missing_texts", !model.missing.empty())) {
        archive.texts("missing_texts", model.missing);
    }
    if (has("decimal_mark_of_groups", !model.decimal_mark_of_groups.empty())) {
        archive.text("decimal_mark_of_groups", model.decimal_mark_of_groups);
    }
    if (has("dates", model.dates.has_value())) {
        std::string order = to_string(model.dates.value_or(tocsin::date_order::day_first));
        archive.text("dates", order);
        model.dates.reset();
        for (const tocsin::date_order one : tocsin::all_date_orders) {
            model.dates = order == to_string(one) ? one : model.dates;
        }
        if (!model.dates) {
            archive.fail(tocsin::status::error(tocsin::error_code::format_error, "'dates' is '",
                                               order,
                                               "', not day-first, month-first or year-first"));
        }
    }
    if (has("serial_dates", model.serial_dates)) {
        archive.integer("serial_dates", model.serial_dates);
    }
    if (has("time_unit", model.time_unit != tocsin::time_unit::seconds)) {
        auto unit = static_cast<int>(model.time_unit);
        archive.integer("time_unit", unit, 0, 3);
        model.time_unit = static_cast<tocsin::time_unit>(unit);
    }
    if (has("digit_dates", model.digit_dates != tocsin::digit_dates::unknown)) {
        auto digits = static_cast<int>(model.digit_dates);
        archive.integer("digit_dates", digits, 0, 3);
        model.digit_dates = static_cast<tocsin::digit_dates>(digits);
    }
    if (has("errors_from", !model.errors_from.empty())) {
        archive.text("errors_from", model.errors_from);
    }
    std::vector<std::string> texts[2];
    for (const tocsin::csv_label_value& value : model.label_values) {
        texts[value.anomalous ? 1 : 0].push_back(value.text);
    }
    for (const bool anomalous : {false, true}) {
        const char* const name = anomalous ? "anomalous_labels" : "normal_labels";
        auto& words = texts[anomalous ? 1 : 0];
        if (!has(name, !words.empty())) {
            continue;
        }
        archive.texts(name, words);
        if constexpr (Archive::loading) {
            for (std::string& word : words) {
                model.label_values.push_back({std::move(word), anomalous});
            }
        }
    }
}

} // namespace

model_file load_model(const std::string& path) {
    auto archive = require(tocsin::archive_reader::open(path));
    const auto content = archive.metadata().find("content");
    if (content != archive.metadata().end() && content->second == "checkpoint") {
        fail(tocsin::error_code::invalid_data, path,
             ": is a checkpoint of training, not a model; 'train --resume' continues it");
    }
    model_file model;
    archive.expect("content", "detector");
    if (any_classifier::is_in(archive)) {
        model.classifier = require(any_classifier::load(archive));
    } else if (promised_model::is_in(archive, promised_kind::nearest_value)) {
        model.judge = promised_model::load(archive, promised_kind::nearest_value);
    } else {
        archive.object("detector", model.detector);
        for (const promised_kind kind : {promised_kind::charts, promised_kind::ensemble}) {
            if (archive.outcome().ok() && promised_model::is_in(archive, kind)) {
                model.judge = promised_model::load(archive, kind);
            }
        }
    }
    if (archive.contains("feature_names")) {
        archive.texts("feature_names", model.feature_names);
    }
    exchange_reading(archive, model);
    if (archive.contains(history_name)) {
        model.history = load_history(archive);
    }
    archive.refuse_unread("detector");
    require(archive.outcome());
    if (model.offsets.size() > 0 &&
        (model.offsets.size() != model.features() || !model.offsets.allFinite())) {
        fail(tocsin::error_code::format_error, path, ": has ", model.offsets.size(),
             " offsets of values, its model has ", model.features(), " features");
    }
    if (model.judge && model.has_detector() &&
        model.judge->features() != model.detector.features()) {
        fail(tocsin::error_code::format_error, path, ": its ", model.judge->judge(), " are of ",
             model.judge->features(), " features, its model of ", model.detector.features());
    }
    if (!model.feature_names.empty() &&
        static_cast<int>(model.feature_names.size()) != model.features()) {
        fail(tocsin::error_code::format_error, path, ": names ", model.feature_names.size(),
             " features, its model has ", model.features());
    }
    return model;
}

void save_model(const model_file& model, const std::string& path) {
    tocsin::archive_writer archive;
    archive.expect("content", "detector");
    if (model.classifier) {
        model.classifier->save(archive);
    } else {
        if (model.has_detector()) {
            archive.object("detector", model.detector);
        }
        if (model.judge) {
            model.judge->save(archive);
        }
    }
    if (!model.feature_names.empty()) {
        archive.texts("feature_names", model.feature_names);
    }
    model_file copy = model;
    exchange_reading(archive, copy);
    if (!model.history.empty()) {
        save_history(model.history, archive);
    }
    require(archive.write(path));
}

void require_phase(const model_file& model, const std::string& path,
                   tocsin::detector_phase needed) {
    if (model.classifier) {
        if (needed < tocsin::detector_phase::tuned) {
            fail(tocsin::error_code::invalid_argument, path,
                 ": is a classifier, whose threshold 'train' has chosen; it needs no other phase");
        }
        return;
    }
    if (!model.has_detector()) {
        return; // it is complete
    }
    if (model.detector.phase() < needed) {
        constexpr const char* commands[] = {"train", "train", "fit-errors", "tune"};
        fail(tocsin::error_code::not_ready, path, ": is in phase '",
             phase_name(model.detector.phase()), "'; run '",
             commands[static_cast<int>(model.detector.phase()) + 1], "' on it first");
    }
}

void refuse_judge(const model_file& model, const std::string& path, const char* what) {
    if (model.judge) {
        fail(tocsin::error_code::invalid_argument, path, ": its rows are judged by ",
             model.judge->judge(), ", which 'fit --model ", model.judge->name(), "' has fitted; ",
             what);
    }
}

void require_calendar(const model_file& model, const std::string& data,
                      tocsin::timestamp_kind clock) {
    const bool dated = clock != tocsin::timestamp_kind::unknown &&
                       clock != tocsin::timestamp_kind::plain &&
                       clock != tocsin::timestamp_kind::time_of_day;
    if (model.classifier && !model.classifier->calendar().empty() && !dated) {
        fail(tocsin::error_code::invalid_data, data,
             ": the model reads the calendar, and the rows have no dates; --timestamp names the "
             "column that has them");
    }
}

double rmse_of_mean(const any_detector& detector, const tocsin::windows<float>& training,
                    const tocsin::windows<float>& judged) {
    return std::visit(
        [&](const auto& model) {
            return tocsin::rmse_of_mean(model, detector.data_scaler(), training, judged);
        },
        detector.model().model());
}

const char* phase_name(tocsin::detector_phase phase) noexcept {
    constexpr const char* names[] = {"created", "trained", "errors_fitted", "tuned"};
    return names[static_cast<int>(phase)];
}

} // namespace tocsin_cli
