#include "any_classifier.hpp"

#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/series/labelled_windows.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit_classifier.hpp"
#include "tocsin/training/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <variant>

namespace tocsin_cli {
namespace {

using tocsin::index_t;
using tocsin::status;

auto convolutions(int features, int units) {
    return tocsin::fully_convolutional_classifier<float>(
        features, 1,
        {.filters = {units, 2 * units, units},
         .normalisation = tocsin::batch_norm_settings::pytorch()});
}
auto one_lstm(int features, int units) {
    return tocsin::lstm_classifier<float>(features, 1, units);
}
auto stacked_lstms(int features, int units) {
    return tocsin::stacked_lstm_classifier<float>(
        features, 1,
        {.first = units, .second = units, .normalisation = tocsin::batch_norm_settings::pytorch()});
}
auto both_directions(int features, int units) {
    return tocsin::bidirectional_lstm_classifier<float>(
        features, 1, {.hidden = units, .dropout = 0.2, .dense = units});
}

template <class Network>
using detector_of = tocsin::classifier_detector<Network, any_scaler>;

using any_detector_of_windows =
    std::variant<detector_of<decltype(convolutions(1, 1))>, detector_of<decltype(one_lstm(1, 1))>,
                 detector_of<decltype(both_directions(1, 1))>,
                 detector_of<decltype(stacked_lstms(1, 1))>>;

constexpr const char* part_names[] = {"hour", "minute", "weekday", "day", "month"};
// A part of the detector, so that a program without a calendar refuses the file.
constexpr const char* calendar_name = "detector.calendar";
constexpr const char* network_names[] = {"convolutions", "lstm", "bidirectional-lstm",
                                         "stacked-lstm"};

/// @param kind of a file may be anything
any_detector_of_windows make_detector(const classifier_settings& settings, int features) {
    const tocsin::classifier_detector_settings windows{.window = settings.window,
                                                       .stride = settings.stride,
                                                       .label = settings.label,
                                                       .longest_pause = settings.longest_pause};
    const any_scaler scaler{settings.scaler};
    switch (settings.network) {
    case network_kind::lstm:
        return detector_of<decltype(one_lstm(1, 1))>(one_lstm(features, settings.units), windows,
                                                     scaler);
    case network_kind::bidirectional_lstm:
        return detector_of<decltype(both_directions(1, 1))>(
            both_directions(features, settings.units), windows, scaler);
    case network_kind::stacked_lstm:
        return detector_of<decltype(stacked_lstms(1, 1))>(stacked_lstms(features, settings.units),
                                                          windows, scaler);
    case network_kind::convolutions:
        break;
    }
    return detector_of<decltype(convolutions(1, 1))>(convolutions(features, settings.units),
                                                     windows, scaler);
}

} // namespace

/// The detector itself.
struct any_classifier::learned {
    any_detector_of_windows detector;
    tocsin::calendar_settings calendar{.parts = {}};

    int added() const noexcept { return static_cast<int>(calendar.feature_count()); }
};

namespace {

/// The calendar of a row without any value says nothing about the sensors: such a row has no score.
void hide_alone(std::span<const float> sensors, std::span<float> calendar) noexcept {
    if (std::none_of(sensors.begin(), sensors.end(), [](float v) { return std::isfinite(v); })) {
        std::fill(calendar.begin(), calendar.end(), std::numeric_limits<float>::quiet_NaN());
    }
}

template <class Detector>
class stream_of : public any_classifier::stream {
  public:
    stream_of(const Detector& detector, const tocsin::calendar_settings& calendar)
        : detector_{detector}, calendar_{calendar}, stream_{detector.make_stream()},
          sample_(static_cast<std::size_t>(detector.features())), shares_(sample_.size()) {}
    tocsin::verdict push(std::span<const float> sample, double time) noexcept override {
        std::copy(sample.begin(), sample.end(), sample_.begin());
        const auto calendar = std::span{sample_}.subspan(sample.size());
        tocsin::calendar_features(calendar_, time, calendar);
        hide_alone(sample, calendar);
        tocsin::verdict verdict = detector_.push(stream_, std::span<const float>{sample_}, time);
        verdict.missing = std::min(verdict.missing, static_cast<int>(sample.size()));
        verdict.lost = std::min(verdict.lost, static_cast<int>(sample.size()));
        return verdict;
    }
    void explain(std::span<double> shares) noexcept override {
        detector_.explain(stream_, shares_);
        std::copy_n(shares_.begin(), shares.size(), shares.begin());
    }

  private:
    const Detector& detector_;
    const tocsin::calendar_settings& calendar_;
    typename Detector::stream_type stream_;
    std::vector<float> sample_; // with the calendar behind the sensors
    std::vector<double> shares_;
};

/// Rows with the calendar behind the sensors. Fails where a row has no time.
tocsin::result<tocsin::matrix<float>> with_times(const labelled_rows& rows,
                                                 const tocsin::calendar_settings& calendar) {
    tocsin::matrix<float> values = rows.values;
    if (calendar.parts.empty() || values.cols() == 0) {
        values.conservativeResize(values.rows() + calendar.feature_count(), Eigen::NoChange);
        return values;
    }
    auto with = tocsin::with_calendar(values, rows.times, calendar);
    if (with) {
        const auto sensors = static_cast<std::size_t>(rows.values.rows());
        for (index_t t = 0; t < with->cols(); ++t) {
            const std::span<float> row(with->col(t).data(), static_cast<std::size_t>(with->rows()));
            hide_alone(row.first(sensors), row.subspan(sensors));
        }
    }
    return with;
}

/// Labels without the short gaps between two anomalous rows of one recording.
std::vector<std::uint8_t> filled_labels(const labelled_rows& rows, int longest_gap) {
    std::vector<std::uint8_t> labels(rows.labels.begin(), rows.labels.end());
    const auto whole = static_cast<index_t>(labels.size());
    std::span<std::uint8_t> rest(labels);
    for (const index_t length :
         rows.recordings.empty() ? std::vector<index_t>{whole} : rows.recordings) {
        tocsin::fill_label_gaps(rest.first(static_cast<std::size_t>(length)), longest_gap);
        rest = rest.subspan(static_cast<std::size_t>(length));
    }
    return labels;
}

/// Passes on what a trainer says.
struct training_listener {
    classifier_watch& watch;

    bool operator()(const tocsin::classification_event<float>& event) const {
        return watch.after_epoch(event);
    }
    bool after_batch(const tocsin::batch_event& event) const { return watch.after_batch(event); }
};

} // namespace

any_classifier any_classifier::untrained(const classifier_settings& settings, int features) {
    const tocsin::calendar_settings calendar{.parts = settings.calendar};
    const int added = static_cast<int>(calendar.feature_count());
    return any_classifier{
        std::make_shared<learned>(learned{make_detector(settings, features + added), calendar})};
}

status any_classifier::check_validation(const classifier_settings& settings,
                                        const labelled_rows& validation) {
    const index_t rows = validation.values.cols();
    const index_t ahead = settings.label == tocsin::window_label::next_row ? 1 : 0;
    std::vector<index_t> first_rows;
    index_t begin = 0;
    for (const index_t length :
         validation.recordings.empty() ? std::vector<index_t>{rows} : validation.recordings) {
        tocsin::detail::append_first_columns(begin, begin + length - ahead, settings.window, 1,
                                             first_rows);
        begin += length;
    }
    if (first_rows.empty()) {
        return {}; // train() says so
    }
    const tocsin::windows<float> windows{validation.values, std::move(first_rows), settings.window};
    const auto classes = tocsin::classes_of_windows(
        windows, filled_labels(validation, settings.label_gap), settings.label);
    if (!classes.ok()) {
        return classes.error();
    }
    index_t scored = 0;
    index_t anomalous = 0;
    for (std::size_t k = 0; k < classes->size(); ++k) {
        // One that ends with a row without values has no score.
        if (windows.window(static_cast<index_t>(k)).rightCols(1).array().isFinite().any()) {
            ++scored;
            anomalous += (*classes)[k];
        }
    }
    if (anomalous > 0 && anomalous < scored) {
        return {};
    }
    return status::error(tocsin::error_code::invalid_data, anomalous, " of the ", scored,
                         " validation windows with a score are anomalous; the threshold needs both "
                         "kinds: more validation rows, a shorter --window or another --label-rule");
}

tocsin::result<any_classifier> any_classifier::train(const classifier_settings& settings,
                                                     const labelled_rows& training,
                                                     const labelled_rows& validation,
                                                     classifier_watch& watch) {
    const bool validated = validation.values.cols() > 0;
    tocsin::classifier_trainer<tocsin::adam, tocsin::constant_rate, tocsin::stop_on_metric,
                               tocsin::data_parallel>
        trainer;
    trainer.epochs = settings.epochs;
    trainer.batch_size = settings.batch_size;
    trainer.optimiser.learning_rate = settings.learning_rate;
    trainer.clip_norm = settings.clip_norm;
    trainer.seed = settings.seed;
    trainer.execution.threads = settings.threads;
    trainer.best_by = validated ? tocsin::classification_metric::validation_loss
                                : tocsin::classification_metric::training_loss;
    trainer.stopping.metric = trainer.best_by;
    trainer.stopping.patience =
        settings.patience > 0 ? settings.patience : std::numeric_limits<int>::max();
    trainer.balanced = settings.balanced;
    any_classifier made = untrained(settings, static_cast<int>(training.values.rows()));
    const auto training_values = with_times(training, made.inside_->calendar);
    const auto validation_values = with_times(validation, made.inside_->calendar);
    for (const auto* values : {&training_values, &validation_values}) {
        if (!*values) {
            return values->error();
        }
    }
    using samples = tocsin::labelled_samples<float>;
    const auto of = [](const tocsin::matrix<float>& values, const std::vector<std::uint8_t>& labels,
                       const labelled_rows& rows) {
        return samples{{values.data(), values.rows(), values.cols()}, labels, rows.recordings};
    };
    const std::vector<std::uint8_t> training_labels = filled_labels(training, settings.label_gap);
    const std::vector<std::uint8_t> validation_labels =
        filled_labels(validation, settings.label_gap);
    const samples learned_from = of(*training_values, training_labels, training);
    const samples judged = of(*validation_values, validation_labels, validation);
    const status outcome = std::visit(
        [&](auto& detector) {
            auto state = tocsin::classifier_state<float>::fresh(detector.network(),
                                                                trainer.optimiser, trainer.seed);
            watch.begin(state);
            const status done =
                detector.train_from(state, learned_from, judged, trainer, training_listener{watch});
            return done.ok() ? detector.tune(validated ? judged : learned_from,
                                             tocsin::f_beta_threshold(1))
                             : done;
        },
        made.inside_->detector);
    if (!outcome.ok()) {
        return outcome;
    }
    return made;
}

bool any_classifier::is_in(const tocsin::archive_reader& archive) {
    const auto kind = archive.metadata().find("detector.kind");
    return kind != archive.metadata().end() && kind->second == "classifier_detector";
}

tocsin::result<any_classifier> any_classifier::load(tocsin::archive_reader& archive) {
    std::string name;
    archive.text("network", name);
    for (std::size_t k = 0; k < std::size(network_names); ++k) {
        if (archive.outcome().ok() && name == network_names[k]) {
            any_classifier made = untrained({.network = static_cast<network_kind>(k)}, 1);
            std::visit([&](auto& detector) { archive.object("detector", detector); },
                       made.inside_->detector);
            std::vector<std::string> parts;
            for (const char* const where :
                 {"calendar", calendar_name}) { // the first in older files
                if (archive.contains(where)) {
                    archive.texts(where, parts);
                }
            }
            for (const std::string& part : parts) {
                const auto* const known =
                    std::find(std::begin(part_names), std::end(part_names), part);
                if (known == std::end(part_names)) {
                    archive.fail(status::error(tocsin::error_code::format_error,
                                               "unknown part of the calendar '", part, '\''));
                    return archive.outcome();
                }
                made.inside_->calendar.parts.push_back(
                    static_cast<tocsin::calendar_part>(known - std::begin(part_names)));
            }
            if (archive.outcome().ok() && made.features() < 1) {
                archive.fail(status::error(tocsin::error_code::format_error,
                                           "the calendar leaves no sensor"));
            }
            if (!archive.outcome().ok()) {
                return archive.outcome();
            }
            return made;
        }
    }
    archive.fail(status::error(tocsin::error_code::format_error, "unknown network '", name, '\''));
    return archive.outcome();
}

void any_classifier::save(tocsin::archive_writer& archive) const {
    std::string name = network();
    archive.text("network", name);
    std::visit([&](const auto& detector) { archive.object("detector", detector); },
               inside_->detector);
    std::vector<std::string> parts;
    for (const tocsin::calendar_part part : inside_->calendar.parts) {
        parts.emplace_back(part_names[static_cast<std::size_t>(part)]);
    }
    if (!parts.empty()) {
        archive.texts(calendar_name, parts);
    }
}

const char* any_classifier::network() const noexcept {
    return network_names[inside_->detector.index()];
}
int any_classifier::features() const noexcept {
    return std::visit([](const auto& detector) { return detector.features(); }, inside_->detector) -
           inside_->added();
}
const std::vector<tocsin::calendar_part>& any_classifier::calendar() const noexcept {
    return inside_->calendar.parts;
}
int any_classifier::window() const noexcept {
    return std::visit([](const auto& detector) { return detector.settings().window; },
                      inside_->detector);
}
double any_classifier::longest_pause() const noexcept {
    return std::visit([](const auto& detector) { return detector.settings().longest_pause; },
                      inside_->detector);
}
double any_classifier::threshold() const noexcept {
    return std::visit([](const auto& detector) { return detector.threshold(); }, inside_->detector);
}
tocsin::index_t any_classifier::parameter_count() const noexcept {
    return std::visit([](const auto& detector) { return detector.network().parameter_count(); },
                      inside_->detector);
}
const any_scaler& any_classifier::data_scaler() const noexcept {
    return std::visit(
        [](const auto& detector) -> const any_scaler& { return detector.data_scaler(); },
        inside_->detector);
}
const std::vector<tocsin::classification_record>& any_classifier::history() const noexcept {
    return std::visit(
        [](const auto& detector) -> const std::vector<tocsin::classification_record>& {
            return detector.history();
        },
        inside_->detector);
}
std::unique_ptr<any_classifier::stream> any_classifier::make_stream() const {
    return std::visit(
        [&](const auto& detector) -> std::unique_ptr<stream> {
            return std::make_unique<stream_of<std::decay_t<decltype(detector)>>>(detector,
                                                                                 inside_->calendar);
        },
        inside_->detector);
}

} // namespace tocsin_cli
