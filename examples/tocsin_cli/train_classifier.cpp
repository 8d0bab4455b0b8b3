#include "train_classifier.hpp"

#include <nlohmann/json.hpp>

#include "echo.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace tocsin_cli {
namespace {

using tocsin::error_code;
using tocsin::index_t;

/// Rows from `begin` on, as many as `count`; fails where they have no labels or one kind only.
labelled_rows labelled(const input_data& data, index_t begin, index_t count) {
    if (!data.is_series || data.series.labels.empty()) {
        fail(error_code::invalid_data, data.path,
             ": a classifier learns from rows of CSV with a column of labels; --labels names it");
    }
    const auto& values = data.series.values;
    const auto labels =
        std::span<const std::uint8_t>(data.series.labels)
            .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    const auto anomalous =
        std::count_if(labels.begin(), labels.end(), [](std::uint8_t label) { return label != 0; });
    if (anomalous == 0 || anomalous == static_cast<std::ptrdiff_t>(count)) {
        fail(error_code::invalid_data, data.path, ": ", anomalous, " of ", count,
             " rows are labelled anomalous; a classifier needs rows of both kinds");
    }
    const std::span<const double> times = data.times;
    return {{values.data() + begin * values.rows(), values.rows(), count},
            labels,
            times.empty()
                ? times
                : times.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count))};
}

void note_gaps(const input_data& data, const console& out) {
    if (data.recordings.size() > 1) {
        out.note(data.path + ": the rows are " + std::to_string(data.recordings.size()) +
                 " recordings (gaps, files); windows across two of them are also learned from");
    }
}

} // namespace

void train_classifier(const classifier_request& request, const input_data& data, model_file& model,
                      const console& out) {
    const index_t rows = data.is_series ? data.series.values.cols() : 0;
    const auto held_out =
        static_cast<index_t>(std::llround(request.validation_fraction * static_cast<double>(rows)));
    const labelled_rows training = labelled(data, 0, rows - held_out);
    // So that later files are read for this model.
    model.classifier = any_classifier::untrained(request.settings, data.features());
    for (const file_facts& file : data.files) {
        require_calendar(model, file.path, file.clock.kind());
    }
    input_data validation_data; // owns what `validation` views
    const auto find_validation = [&]() -> labelled_rows {
        if (!request.validation_path.empty()) {
            validation_data = read_recordings({request.validation_path}, request.input, &model);
            require_calendar(model, request.validation_path,
                             validation_data.files.empty()
                                 ? tocsin::timestamp_kind::unknown
                                 : validation_data.files.front().clock.kind());
            return labelled(validation_data, 0, validation_data.series.values.cols());
        }
        if (held_out > 0) {
            return labelled(data, rows - held_out, held_out);
        }
        return {{nullptr, data.features(), 0}, {}};
    };
    const labelled_rows validation = find_validation();
    echo(data, out);
    note_gaps(data, out);
    const auto start = std::chrono::steady_clock::now();
    const interrupt_catcher catcher;
    auto trained = any_classifier::train(
        request.settings, training, validation, [&](const tocsin::classification_record& epoch) {
            if (request.log) {
                std::fprintf(stderr, "epoch %d: loss %.5g, of validation %.5g, AUC %.4f\n",
                             epoch.epoch + 1, epoch.training_loss, epoch.validation_loss,
                             epoch.validation.auc);
            }
            return !interrupt_catcher::caught();
        });
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (!trained.ok()) {
        fail(trained.error().code(), data.path, ": ", trained.error().message());
    }
    model.classifier = *std::move(trained);
    save_model(model, request.model_path);

    const any_classifier& classifier = *model.classifier;
    const auto& history = classifier.history();
    const bool validated = validation.values.cols() > 0;
    const auto cost = [&](const tocsin::classification_record& epoch) {
        return validated ? epoch.validation_loss : epoch.training_loss;
    };
    const auto& best =
        *std::min_element(history.begin(), history.end(),
                          [&](const auto& a, const auto& b) { return cost(a) < cost(b); });
    char text[256];
    std::snprintf(text, sizeof text,
                  "%s: classifier (%s), %lld parameters, window %d\n"
                  "%d epochs in %.1f s; best is %d: loss %.4g on %s; threshold %.4g",
                  request.model_path.c_str(), classifier.network(),
                  static_cast<long long>(classifier.parameter_count()), classifier.window(),
                  static_cast<int>(history.size()), taken.count(), best.epoch + 1, cost(best),
                  validated ? "the validation rows" : "the training rows", classifier.threshold());
    out.say(text);
    out.say("next: tocsin_cli detect " + request.model_path + " DATA");
    nlohmann::ordered_json epochs = nlohmann::ordered_json::array();
    for (const tocsin::classification_record& epoch : history) {
        epochs.push_back({{"epoch", epoch.epoch + 1},
                          {"training_loss", epoch.training_loss},
                          {"validation_loss", epoch.validation_loss},
                          {"validation_f1", epoch.validation.f1},
                          {"validation_auc", epoch.validation.auc},
                          {"learning_rate", epoch.learning_rate},
                          {"gradient_norm", epoch.gradient_norm}});
    }
    out.report({{"command", "train"},
                {"model", request.model_path},
                {"kind", "classifier"},
                {"network", classifier.network()},
                {"parameters", classifier.parameter_count()},
                {"features", model.shown_names()},
                {"window", classifier.window()},
                {"training_rows", training.values.cols()},
                {"validation_rows", validation.values.cols()},
                {"epochs", history.size()},
                {"best_epoch", best.epoch + 1},
                {"threshold", classifier.threshold()},
                {"seconds", taken.count()},
                {"read", describe_json(data)},
                {"warnings", warnings_of(data)},
                {"history", std::move(epochs)}});
    if (interrupt_catcher::caught()) {
        out.note("interrupted: " + request.model_path + " has the best weights so far");
        throw command_interrupted{};
    }
}

} // namespace tocsin_cli
