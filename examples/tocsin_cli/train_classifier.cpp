#include "train_classifier.hpp"

#include "tocsin/io/checkpoint.hpp"
#include "tocsin/training/run_fingerprint.hpp"

#include <nlohmann/json.hpp>

#include "echo.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "training_options.hpp"
#include "training_watch.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>

namespace tocsin_cli {
namespace {

using tocsin::error_code;
using tocsin::index_t;

/// Rows from `begin` on, as many as `count`; fails where they have no labels or one kind only.
/// @param part what they are for: training or validation
labelled_rows labelled(const input_data& data, index_t begin, index_t count, const char* part) {
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
        fail(error_code::invalid_data, data.path, ": ", anomalous, " of the ", count, ' ', part,
             " rows are labelled anomalous; a classifier needs rows of both kinds");
    }
    labelled_rows rows{
        {values.data() + begin * values.rows(), values.rows(), count}, labels, {}, {}};
    if (!data.times.empty()) {
        rows.times = std::span<const double>(data.times)
                         .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    }
    index_t first = 0;
    for (const index_t length : data.recordings) {
        const index_t from = std::max(first, begin);
        first += length;
        if (const index_t to = std::min(first, begin + count); to > from) {
            rows.recordings.push_back(to - from);
        }
    }
    return rows;
}

/// Rows with their labels, and where recordings end.
void add_rows(tocsin::run_fingerprint& run, const std::string& name, const labelled_rows& rows,
              bool timed) {
    const auto count = static_cast<index_t>(rows.labels.size());
    run.add(name, tocsin::fingerprint_of(rows.values));
    run.add(name + " labels", tocsin::fingerprint_of(tocsin::matrix_view<const std::uint8_t>(
                                  rows.labels.data(), 1, count)));
    std::string recordings;
    for (const index_t length : rows.recordings) {
        recordings.append(recordings.empty() ? "" : ",").append(std::to_string(length));
    }
    run.add(name + " recordings", recordings);
    if (timed) {
        run.add(name + " times",
                tocsin::fingerprint_of(tocsin::matrix_view<const double>(
                    rows.times.data(), 1, static_cast<index_t>(rows.times.size()))));
    }
}

/// Everything that must be the same when training resumes from a checkpoint.
tocsin::run_fingerprint made_with(const classifier_settings& settings,
                                  const labelled_rows& training, const labelled_rows& validation) {
    tocsin::run_fingerprint run;
    run.add("window", std::to_string(settings.window));
    run.add("stride", std::to_string(settings.stride));
    run.add("features", std::to_string(training.values.rows()));
    run.add("scaler", any_scaler{settings.scaler}.name());
    run.add("network", any_classifier::untrained(settings, 1).network());
    run.add("units", std::to_string(settings.units));
    std::string calendar;
    for (const tocsin::calendar_part part : settings.calendar) {
        calendar.append(std::to_string(static_cast<int>(part))).append(" ");
    }
    run.add("calendar", calendar);
    run.add("balanced", settings.balanced ? "windows" : "off");
    run.add("label rule", std::to_string(static_cast<int>(settings.label)));
    run.add("label gap", std::to_string(settings.label_gap));
    run.add("learning rate", exact_text(settings.learning_rate));
    run.add("batch size", std::to_string(settings.batch_size));
    run.add("clip norm", exact_text(settings.clip_norm));
    run.add("seed", std::to_string(settings.seed));
    run.add("threads", std::to_string(settings.threads)); // each normalises by moments of its own
    const bool timed = !settings.calendar.empty();
    add_rows(run, "training data", training, timed);
    add_rows(run, "validation data", validation, timed);
    return run;
}

/// Progress, checkpoints, interruption; resumes from a checkpoint.
class run_watch : public classifier_watch {
  public:
    run_watch(const classifier_request& request, const tocsin::run_fingerprint& run,
              const console& out)
        : request_{request}, run_{run}, out_{out},
          inside_{out.shows_progress() && !request.log, request.log, writer_} {
        if (!request.checkpoint.empty()) {
            writer_.emplace(request.checkpoint, request.checkpoint_every, run);
        }
    }
    void begin(tocsin::classifier_state<float>& state) override {
        if (request_.resume) {
            state = require(tocsin::load_checkpoint(request_.checkpoint, std::move(state), run_));
            out_.note("resuming after epoch " + std::to_string(state.finished_epochs()) + " of " +
                      request_.checkpoint);
        }
    }
    bool after_epoch(const tocsin::classification_event<float>& event) override {
        return inside_(event);
    }
    bool after_batch(const tocsin::batch_event& event) override {
        return inside_.after_batch(event);
    }
    /// Ends the line of progress; fails where a checkpoint could not be written.
    void finish() {
        inside_.finish();
        if (writer_) {
            require(writer_->outcome());
        }
    }

  private:
    const classifier_request& request_;
    const tocsin::run_fingerprint& run_;
    const console& out_;
    std::optional<tocsin::checkpoint_writer> writer_;
    training_watch inside_;
};

} // namespace

void train_classifier(const classifier_request& request, const input_data& data, model_file& model,
                      const console& out) {
    const index_t rows = data.is_series ? data.series.values.cols() : 0;
    const auto held_out =
        static_cast<index_t>(std::llround(request.validation_fraction * static_cast<double>(rows)));
    const labelled_rows training = labelled(data, 0, rows - held_out, "training");
    // So that later files are read for this model.
    model.classifier = any_classifier::untrained(request.settings, data.features());
    for (const file_facts& file : data.files) {
        require_calendar(model, file.path, file.clock.kind());
    }
    input_data validation_data; // owns what `validation` views
    const auto find_validation = [&]() -> labelled_rows {
        if (!request.validation_path.empty()) {
            validation_data = read_recordings({request.validation_path}, request.input, &model);
            echo_rows(validation_data, out);
            require_calendar(model, request.validation_path,
                             validation_data.files.empty()
                                 ? tocsin::timestamp_kind::unknown
                                 : validation_data.files.front().clock.kind());
            return labelled(validation_data, 0, validation_data.series.values.cols(), "validation");
        }
        if (held_out > 0) {
            return labelled(data, rows - held_out, held_out, "validation");
        }
        return {{nullptr, data.features(), 0}, {}, {}, {}};
    };
    const labelled_rows validation = find_validation();
    const bool validated = validation.values.cols() > 0;
    if (validated) { // or it would be trained in vain
        require(any_classifier::check_validation(request.settings, validation),
                validation_data.is_series ? request.validation_path : data.path);
    }
    const auto run = made_with(request.settings, training, validation);
    run_watch watch{request, run, out};
    const auto start = std::chrono::steady_clock::now();
    const interrupt_catcher catcher;
    auto trained = any_classifier::train(request.settings, training, validation, watch);
    watch.finish();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (!trained.ok()) {
        fail(trained.error().code(), data.path, ": ", trained.error().message());
    }
    model.classifier = *std::move(trained);
    save_model(model, request.model_path);

    const any_classifier& classifier = *model.classifier;
    const auto& history = classifier.history();
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
