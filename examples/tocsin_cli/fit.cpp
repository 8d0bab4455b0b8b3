// fit: from normal recordings to a tuned model in one command, with what to expect of it.
#include "tocsin/charts/fitted_chart.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/detect/window_labels.hpp"
#include "tocsin/series/autocorrelation.hpp"
#include "tocsin/series/filling.hpp"
#include "tocsin/series/period.hpp"
#include "tocsin/training/callbacks.hpp"

#include <nlohmann/json.hpp>

#include "command_files.hpp"
#include "commands.hpp"
#include "echo.hpp"
#include "expectation.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "interrupt.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "training_options.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

namespace tocsin_cli {
namespace {

using nlohmann::ordered_json;
using tocsin::error_code;
using tocsin::index_t;

enum class model_kind : std::uint8_t {
    automatic,
    encoder_decoder,
    forecaster,
    linear,
    charts,
    nearest_value,
    ensemble
};

/// Whether linear forecasts come first, which charts judge.
bool has_charts(model_kind kind) noexcept {
    return kind == model_kind::charts || kind == model_kind::ensemble;
}

/// Parts of each recording, in order of time, with their shares. With all but the last the model
/// and its threshold are made; `errors` and `choice` compare models before.
enum part : std::uint8_t { training, validation, errors, choice, check };
constexpr double part_ends[] = {0.5, 0.6, 0.7, 0.8, 1.0};

constexpr int shortest_window = 8;
constexpr int longest_window = 64;
constexpr index_t most_training_windows = 4000;
constexpr index_t enough_for_tail = 2000; ///< from this many scores on, their tail is modelled

struct found_period {
    int rows = 0;         ///< 0: none
    std::string sensor{}; ///< that shows it most clearly
    double autocorrelation = 0;
};

/// What an interrupt ends: one training, which keeps its best weights, or all of cross-fitting.
enum class at_interrupt : std::uint8_t { ends_training, ends_all };

/// The progress bar, and interrupts.
class fit_watch {
  public:
    fit_watch(bool shows_bar, at_interrupt then) : shows_bar_{shows_bar}, then_{then} {}

    bool operator()(const tocsin::epoch_event<float>& event) {
        if (shows_bar_) {
            bar_(event);
        }
        return continues();
    }
    bool after_batch(const tocsin::batch_event& event) {
        if (shows_bar_) {
            bar_.within_epoch(event);
        }
        return continues();
    }
    void finish() { bar_.finish(); }

  private:
    bool continues() const {
        if (interrupt_catcher::caught() && then_ == at_interrupt::ends_all) {
            throw command_interrupted{};
        }
        return !interrupt_catcher::caught();
    }

    bool shows_bar_;
    at_interrupt then_;
    tocsin::progress_bar bar_;
};

/// Three significant digits: the measurements are not more exact.
std::string rounded(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
}

/// A model that may become the result.
struct candidate {
    model_kind kind = model_kind::encoder_decoder;
    model_file model;
    bool has_learned = false; ///< it is better than the mean of the data
    int epochs = 1;           ///< of the best model; linear: 1
    double ridge = 0;         ///< linear: of the best model

    bool is_linear() const noexcept { return kind == model_kind::linear || has_charts(kind); }
    const char* name() const noexcept {
        return kind == model_kind::charts          ? "charts"
               : kind == model_kind::ensemble      ? "ensemble"
               : kind == model_kind::nearest_value ? "nearest_value"
                                                   : model.detector.model().name();
    }
    int window() const noexcept { return model.window(); }
    /// Rows of a stream before the first that is judged.
    index_t before() const noexcept { return model.rows_before(); }
};

/// Inserted anomalies that two models find.
struct comparison {
    int inserted = 0;
    std::ptrdiff_t by_linear = 0;
    std::ptrdiff_t by_lstm = 0;
};

struct fit_command {
    console out;
    std::string model_path;
    std::vector<std::string> data_paths;
    input_options input;
    int window = 0;
    int period = 0;
    model_kind kind = model_kind::automatic;
    std::vector<int> layers;
    int folds = 2;
    double false_alarm_rate = 1e-3;
    CLI::Option* false_alarm_option = nullptr;
    double promised = 1; ///< in 10 000 rows
    CLI::Option* promised_option = nullptr;
    tocsin::combination combine = tocsin::combination::bonferroni;
    CLI::Option* combine_option = nullptr;
    int memory = 4000; ///< rows of nearest values
    CLI::Option* memory_option = nullptr;
    std::vector<const CLI::Option*> of_forecasts; ///< which nearest values have no use for
    bool skip_shifts = false;
    any_trainer trainer{
        .epochs = 40, .optimiser = {.learning_rate = 5e-3}, .stopping = {.patience = 6}};

    bool force = false;

    input_data data; // all recordings, one after the other
    std::vector<row_run> recordings;
    double seconds_per_row = 0; // 0: not known

    void add_to(CLI::App& command);
    void run();
    const tocsin::matrix<float>& values() const noexcept { return data.series.values; }
    bool is_anomalous(index_t row) const noexcept {
        return data.has_labels() && data.series.labels[static_cast<std::size_t>(row)] != 0;
    }
    void read(model_file& model);
    found_period find_period(const model_file& model) const;
    std::vector<row_run> usable_runs(part first, part last, bool with_labelled) const;
    std::string against_holes(const std::vector<row_run>& runs) const;
    /// Normal windows within parts that follow each other; fails where there are none.
    tocsin::windows<float> windows_of(int length, part first, part last, int stride,
                                      bool with_labelled) const;
    candidate new_candidate(const model_file& described, model_kind which) const;
    void train(candidate& trial) const;
    void judge_against_mean(candidate& trial, double rmse, double of_mean) const;
    candidate choose(candidate linear, candidate lstm, ordered_json& report) const;
    comparison compare(candidate linear, candidate lstm) const;
    [[noreturn]] void keep_interrupted(const model_file& model) const;
    any_threshold rule_for(const tocsin::windows<float>& judged) const;
    std::string text_of(const model_file& model, const tocsin::windows<float>& judged) const;
    tocsin::index_t anomalous_rows(const tocsin::windows<float>& judged) const;
    void cross_fit(candidate& trial) const;
    bool promises() const noexcept { return has_charts(kind) || kind == model_kind::nearest_value; }
    void refuse_options_of_others() const;
    void leave_out_wrong_readings();
    found_period choose_window(const model_file& described);
    novelty_rows values_to_remember() const;
    void fit_judge(candidate& trial) const;
    candidate fit_values(const model_file& described) const;
    tocsin::windows<float> calibrate(any_detector& detector, part last, bool with_anomalies) const;
    void say_threshold(const model_file& model, const tocsin::windows<float>& judged) const;
    ordered_json expect(const model_file& model) const;
    ordered_json expect_alarms(const model_file& model, const std::vector<row_run>& runs) const;
};

void fit_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file to write")->required();
    command
        .add_option(
            "DATA", data_paths,
            "CSV, normal recordings; anomalous rows are left out if labelled. The first 80 % of "
            "each are learned from, the last 20 % measure what to expect")
        ->required();
    input.add_to(command);
    input.add_time_to(command);
    const std::string group = "Model and training";
    of_forecasts.push_back(
        add_integer(command, "--window", window, "Rows that the model sees at once", 2, 100'000)
            ->default_str("the period, 8 to 64; 30 without one")
            ->group(group));
    of_forecasts.push_back(
        add_integer(command, "--period", period, "Rows of a period, if it is known", 2, 1'000'000)
            ->default_str("from the data")
            ->group(group));
    add_choice(
        command, "--model", kind,
        {{"auto", model_kind::automatic},
         {"linear", model_kind::linear},
         {"charts", model_kind::charts},
         {"nearest_value", model_kind::nearest_value},
         {"ensemble", model_kind::ensemble},
         {"lstm", model_kind::encoder_decoder},
         {"encoder-decoder", model_kind::encoder_decoder},
         {"forecaster", model_kind::forecaster}},
        "auto: linear, unless an LSTM (the encoder-decoder) finds more inserted "
        "anomalies in rows that neither has learned from; charts: linear forecasts whose residuals "
        "are judged by charts of up to 300 rows, which find what no single row shows: slow drifts, "
        "small steps that stay, sensors that freeze or become noisy; nearest_value: the distance "
        "of each value from the nearest of the last ones, for values that have not occurred "
        "before, without a model; ensemble: charts and nearest_value; see 'train', which has more "
        "models and settings")
        ->group(group);
    add_sizes(command, "--layers", layers, "Hidden sizes of the LSTM layers")
        ->default_str("32")
        ->group(group);
    add_integer(command, "--epochs", trainer.epochs, "At most this many", 1)->group(group);
    add_integer(command, "--seed", trainer.seed, "Seed of weights and order of batches",
                std::uint64_t{0})
        ->group(group);
    add_threads(command, trainer, group);
    command
        .add_flag("--force", force,
                  "Continue with a model that is no better than the mean of the data")
        ->group(group);
    memory_option = add_integer(command, "--memory", memory,
                                "nearest_value: rows that values are compared with, at most", 2,
                                tocsin::detail::largest_ring)
                        ->group(group);
    of_forecasts.push_back(
        add_integer(command, "--folds", folds,
                    "Cross-fitting: error statistics and threshold come from this many models, "
                    "each judged on a part of the rows that it has not learned from; the final "
                    "model learns from all parts. 0: one model, half of the rows to learn from, a "
                    "fifth to judge; faster",
                    0, 100)
            ->group("Threshold"));
    false_alarm_option =
        with_default(add_number(command, "--false-alarm-rate", false_alarm_rate,
                                "Wanted share of normal rows that are judged anomalous; 'tune' has "
                                "other rules",
                                0, 0.01, true),
                     false_alarm_rate)
            ->group("Threshold");
    promised_option =
        with_default(add_number(command, "--alarms", promised,
                                "charts, nearest_value, ensemble: promised false alarms in 10000 "
                                "normal rows, where one by charts can last as long as a chart",
                                0, 1000, true),
                     promised)
            ->group("Threshold");
    combine_option =
        add_choice(
            command, "--combine", combine,
            {{"bonferroni", tocsin::combination::bonferroni},
             {"second-smallest", tocsin::combination::second_smallest}},
            "ensemble: bonferroni: charts or nearest values find an anomaly, together as often as "
            "promised; second-smallest: both must find it, for fewer false alarms")
            ->group("Threshold");
    command
        .add_flag("--no-shifts", skip_shifts,
                  "Do not measure the smallest shift that is found per sensor, which takes a while "
                  "with many sensors")
        ->group("Threshold");
}

void fit_command::read(model_file& model) {
    data = read_recordings(data_paths, input, nullptr);
    echo(data, out); // before anything is refused because of what was read
    if (!data.is_series) {
        fail(
            error_code::invalid_data, data.path,
            ": holds sequences; fit reads recordings in CSV ('train', 'fit-errors' and 'tune' read "
            "sequences)");
    }
    keep_reading(data, input, model);
    model.errors_from = data.fingerprint();
    // Plain numbers are times, too, but their unit is unknown.
    const bool plain = data.files.front().clock.kind() == tocsin::timestamp_kind::plain;
    seconds_per_row = plain ? 0 : model.step;
    index_t first = 0;
    for (const index_t length : data.recordings) { // between files and gaps
        recordings.push_back({first, first + length});
        first += length;
    }
    if (recordings.empty()) {
        recordings.push_back({0, data.series.time()});
    }
}

/// Single wrong readings, such as -9999, become missing in the rows that are learned from: one of them
/// makes forecasts and nearest values blind. See residual_summary::of_usual() for what is one.
void fit_command::leave_out_wrong_readings() {
    constexpr index_t fewest = 300;
    std::vector<index_t> rows;
    for (const row_run& run : usable_runs(training, choice, false)) {
        for (index_t row = run.begin; row < run.end; ++row) {
            rows.push_back(row);
        }
    }
    if (static_cast<index_t>(rows.size()) < fewest) {
        return;
    }
    using summary = tocsin::detail::residual_summary;
    tocsin::column<double> readings(static_cast<index_t>(rows.size()));
    for (index_t f = 0; f < values().rows(); ++f) {
        for (std::size_t k = 0; k < rows.size(); ++k) {
            readings[static_cast<index_t>(k)] = static_cast<double>(values()(f, rows[k]));
        }
        tocsin::detail::residual_range near;
        summary::of_usual(readings, summary::of(readings, {}), near);
        std::vector<index_t> wrong;
        for (std::size_t k = 0; k < rows.size(); ++k) {
            const double reading = readings[static_cast<index_t>(k)];
            if (std::isfinite(reading) && !near.has(tocsin::bounded(reading))) {
                wrong.push_back(rows[k]);
            }
        }
        if (wrong.empty()) {
            continue;
        }
        const double offset = data.offsets.size() > 0 ? data.offsets[f] : 0;
        out.note("warning: column '" + data.series.names[static_cast<std::size_t>(f)] +
                 "': " + shown(static_cast<double>(values()(f, wrong.front())) + offset) +
                 " in row " + std::to_string(data.row_number(wrong.front())) +
                 (data_paths.size() > 1 ? " of its file" : "") +
                 (wrong.size() > 1 ? " and " + std::to_string(wrong.size() - 1) + " more" : "") +
                 ": far from all other rows, so taken for wrong readings and not learned from; "
                 "--missing names values that are none");
        for (const index_t row : wrong) {
            data.series.values(f, row) = std::numeric_limits<float>::quiet_NaN();
        }
    }
}

/// The shortest lag at which a sensor resembles itself about as much as at `lag`, and more than at
/// half of it: if a period is not a whole number of rows, a multiple of it can fit better.
int shortest_period(const tocsin::matrix<float>& sensor, int lag, double strength) {
    constexpr int shortest = 4;
    const auto resemblance = [&](int rows) {
        const auto found = tocsin::autocorrelations(sensor, rows);
        return found ? found->front() : 0.0;
    };
    for (int part = lag / shortest; part > 1; --part) {
        for (const int candidate : {lag / part, lag / part + 1}) {
            const double here = resemblance(candidate);
            if (candidate < lag && here >= 0.9 * strength && here > resemblance(candidate / 2)) {
                return candidate;
            }
        }
    }
    return lag;
}

/// The period that stands out most, looked for in the longest recording's part for training.
found_period fit_command::find_period(const model_file& model) const {
    constexpr double clear = 0.4; // of the autocorrelation: less is too unclear
    const row_run& longest =
        *std::max_element(recordings.begin(), recordings.end(),
                          [](const row_run& a, const row_run& b) { return a.size() < b.size(); });
    const index_t rows = std::min<index_t>(
        static_cast<index_t>(part_ends[training] * static_cast<double>(longest.size())), 20'000);
    const int last = static_cast<int>(std::min<index_t>(rows / 3, 2000));
    found_period best;
    for (index_t f = 0; f < values().rows() && last >= 4; ++f) {
        tocsin::matrix<float> sensor = values().row(f).segment(longest.begin, rows);
        float before = 0;
        for (index_t row = 0; row < rows; ++row) { // the last value if one is missing
            before = std::isfinite(sensor(0, row)) ? sensor(0, row) : before;
            sensor(0, row) = before;
        }
        const auto lag = tocsin::dominant_period(sensor, 4, last);
        if (!lag || *lag == 0) {
            continue;
        }
        const auto strength = tocsin::autocorrelations(sensor, *lag);
        if (strength && strength->front() > std::max(best.autocorrelation, clear)) {
            best = {shortest_period(sensor, *lag, strength->front()),
                    model.shown_names()[static_cast<std::size_t>(f)], strength->front()};
        }
    }
    return best;
}

/// Rows of parts that follow each other, split at labelled rows unless they are wanted.
std::vector<row_run> fit_command::usable_runs(part first, part last, bool with_labelled) const {
    std::vector<row_run> runs;
    for (const row_run& recording : recordings) {
        const auto cut = [&](double share) {
            return recording.begin +
                   static_cast<index_t>(share * static_cast<double>(recording.size()));
        };
        const index_t end = cut(part_ends[last]);
        for (index_t row = cut(first == training ? 0.0 : part_ends[first - 1]); row < end;) {
            index_t stop = row;
            while (stop < end && (with_labelled || !is_anomalous(stop))) {
                ++stop;
            }
            if (stop > row) {
                runs.push_back({row, stop});
            }
            row = stop + 1;
        }
    }
    return runs;
}

/// What helps where rows have no window without long holes.
std::string fit_command::against_holes(const std::vector<row_run>& runs) const {
    Eigen::Matrix<index_t, Eigen::Dynamic, 1> missing;
    missing.setZero(values().rows());
    index_t rows = 0;
    for (const row_run& run : runs) {
        const auto cells = values().middleCols(run.begin, run.size());
        missing += cells.array().isNaN().rowwise().count().cast<index_t>().matrix();
        rows += run.size();
    }
    index_t worst = 0;
    const index_t most = missing.maxCoeff(&worst);
    if (4 * most <= rows) {
        return "use longer recordings or a shorter --window";
    }
    const std::string& name = data.series.names[static_cast<std::size_t>(worst)];
    return "column '" + name + "' misses " + std::to_string(most) + " of " + std::to_string(rows) +
           " values there; --ignore " + as_argument(tocsin::detail::in_list(name)) +
           " leaves it out";
}

tocsin::windows<float> fit_command::windows_of(int length, part first, part last, int stride,
                                               bool with_labelled) const {
    std::vector<index_t> first_columns;
    for (const row_run& run : usable_runs(first, last, with_labelled)) {
        for (index_t begin = run.begin; begin + length <= run.end; begin += stride) {
            const auto cells = values().middleCols(begin, length);
            if (tocsin::has_short_holes_only(cells, std::min(10, std::max(length / 2, 1)))) {
                first_columns.push_back(begin);
            }
        }
    }
    if (first_columns.empty()) {
        constexpr const char* names[] = {"training", "the choice of the best epoch",
                                         "the error statistics", "the choice of the model",
                                         "the check"};
        fail(error_code::invalid_data, data_paths.front(), ": the part for ", names[first],
             " holds no normal window of ", length, " rows without long holes; ",
             against_holes(usable_runs(first, last, with_labelled)));
    }
    return {{values().data(), values().rows(), values().cols()}, std::move(first_columns), length};
}

/// Rows between two windows to learn from, which bounds the time of training.
int stride_for(index_t windows) {
    return static_cast<int>((windows + most_training_windows - 1) / most_training_windows);
}

/// Ends the command with the weights of train(), which the later phases can continue from.
void fit_command::keep_interrupted(const model_file& model) const {
    if (promises()) { // without its judge it would be another model
        out.note("interrupted: " + model_path + " is not written, as it is not complete");
        throw command_interrupted{};
    }
    save_model(model, model_path);
    out.note("interrupted: " + model_path +
             " has the best weights so far, but no threshold; next: tocsin_cli fit-errors " +
             model_path + " NORMAL_DATA, or fit again");
    throw command_interrupted{};
}

/// An untrained model with its settings.
candidate fit_command::new_candidate(const model_file& described, model_kind which) const {
    const std::vector<int> sizes = layers.empty() ? std::vector<int>{32} : layers;
    const int features = static_cast<int>(values().rows());
    const auto chain = [](int first, std::vector<int> rest) {
        rest.insert(rest.begin(), first);
        return tocsin::chain_sizes<>{std::span<const int>{rest}};
    };
    const tocsin::lstm_stack<float> stack{chain(features, sizes)};
    const tocsin::dense_head<float> head{chain(sizes.back(), {features})};
    const int most = static_cast<int>(tocsin::least_squares::most_inputs) / features;
    const int order = std::max(std::min({usual_order, window - 1, most}), 1);
    tocsin::detector_settings settings;
    const bool linear = which == model_kind::linear || has_charts(which);
    settings.window = linear ? order + 1 : window;
    settings.scored = tocsin::scored_steps::newest;
    if (data.longest_gap > 0) {
        settings.longest_pause = data.longest_gap;
    }
    const any_model model =
        linear ? any_model{tocsin::linear_forecaster<float>{features, features, order}}
        : which == model_kind::forecaster
            ? any_model{tocsin::forecaster<float>{stack, head, features}}
            : any_model{tocsin::encoder_decoder<float>{stack, stack, head, false}};
    candidate made{.kind = which, .model = described};
    made.model.detector = any_detector{model, settings, any_scaler{scaler_kind::standard}};
    require(made.model.detector.check());
    windows_of(settings.window, check, check, 1, false); // fails before training if too short
    return made;
}

/// Trains on the first part; the next one says which epoch, or ridge, is best.
void fit_command::train(candidate& trial) const {
    any_detector& detector = trial.model.detector;
    const auto every = windows_of(trial.window(), training, training, 1, false);
    const int stride = trial.is_linear() ? 1 : stride_for(every.count());
    const auto chosen =
        stride > 1 ? windows_of(trial.window(), training, training, stride, false) : every;
    const auto judges = windows_of(trial.window(), validation, validation, stride, false);
    fit_watch watch{out.shows_progress() && !trial.is_linear(), at_interrupt::ends_training};
    const auto start = std::chrono::steady_clock::now();
    const auto run = [&](const auto& how) {
        auto state =
            tocsin::training_state<float>::fresh(detector.model(), how.optimiser, how.seed);
        const tocsin::status trained = detector.train_from(state, chosen, judges, how, watch);
        watch.finish();
        require(trained, data_paths.front());
        return state;
    };
    const auto state = trial.is_linear() ? run(linear_trainer{}) : run(trainer);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    trial.model.history = state.history;
    trial.epochs = std::max(state.best_epoch + 1, 1);
    trial.ridge = trial.is_linear() ? static_cast<double>(state.rule_state.front()) : 0;
    const double rmse = state.best_rmse;
    const std::string how = trial.is_linear() ? "solved with ridge " + shown(trial.ridge)
                                              : std::to_string(state.finished_epochs()) + " epochs";
    out.say(std::string{trial.name()} + ": trained on " + std::to_string(chosen.count()) +
            " windows, " + how + " in " + rounded(taken.count()) + " s: RMSE " + rounded(rmse) +
            " on the next 10 % of the rows, in standard deviations");
    const double of_mean = rmse_of_mean(detector, chosen, judges);
    if (interrupt_catcher::caught()) {
        if (rmse > of_mean && !force) {
            out.note("interrupted: the model is not yet better than the mean of the data, and is "
                     "not written");
            throw command_interrupted{};
        }
        keep_interrupted(trial.model);
    }
    judge_against_mean(trial, rmse, of_mean);
}

/// A model that has learned nothing is refused; if the other one can be chosen, only then.
void fit_command::judge_against_mean(candidate& trial, double rmse, double of_mean) const {
    trial.has_learned = !(rmse > of_mean);
    if (trial.has_learned) {
        return;
    }
    const std::string text =
        "the model is no better than the mean of the data, whose RMSE is " + rounded(of_mean) +
        "; is there a pattern in these data, and is --window long enough to show it?";
    if (kind == model_kind::automatic) {
        out.note(std::string{trial.name()} + ": " + text);
    } else if (force) {
        out.note("warning: " + text);
    } else {
        fail(error_code::invalid_data, text, " --force continues");
    }
}

/// The linear model, unless the LSTM finds more anomalies in rows that neither has learned from, or
/// there are too few rows to say. What was found goes into the report.
candidate fit_command::choose(candidate linear, candidate lstm, ordered_json& report) const {
    if (linear.has_learned != lstm.has_learned || !lstm.has_learned) {
        if (!lstm.has_learned && !linear.has_learned && !force) {
            fail(error_code::invalid_data,
                 "neither model is better than the mean of the data; --force continues");
        }
        // If neither has, the LSTM: the linear model may have no weights at all.
        candidate& only = linear.has_learned ? linear : lstm;
        out.say("model: " + std::string{only.name()} +
                (only.has_learned ? ", the only one that is better than the mean of the data"
                                  : ", although neither is better than the mean of the data"));
        return std::move(only);
    }
    comparison found;
    std::string why = "there are too few rows to compare it with ";
    try {
        found = compare(linear, lstm);
    } catch (const command_failure& failure) { // such as a part without a usable window
        why = std::string{failure.reason.message()} + ", so it cannot be compared with ";
    }
    report = {{"inserted", found.inserted},
              {linear.name(), found.by_linear},
              {lstm.name(), found.by_lstm}};
    const bool takes_lstm = found.inserted == 0 || found.by_lstm > found.by_linear;
    candidate& chosen = takes_lstm ? lstm : linear;
    const std::string other = takes_lstm ? linear.name() : lstm.name();
    const auto by_chosen = takes_lstm ? found.by_lstm : found.by_linear;
    const auto by_other = takes_lstm ? found.by_linear : found.by_lstm;
    out.say("model: " + std::string{chosen.name()} +
            (found.inserted == 0
                 ? ": " + why + other
                 : ", which finds " + std::to_string(by_chosen) + " of " +
                       std::to_string(found.inserted) +
                       " anomalies inserted into rows that it has not learned from; " + other +
                       " finds " + std::to_string(by_other)));
    return std::move(chosen);
}

/// Which of the inserted anomalies each model finds, with a threshold from the part before.
comparison fit_command::compare(candidate linear, candidate lstm) const {
    insertion_settings inserted{.rows = std::max(window, 10)};
    part last = errors;
    auto runs = usable_runs(choice, choice, false);
    const auto fits = [&](const row_run& run) {
        return run.size() >= std::max(linear.before(), lstm.before()) + inserted.rows;
    };
    if (std::none_of(runs.begin(), runs.end(), fits)) { // few rows: thresholds have seen them
        last = choice;
        runs = usable_runs(errors, choice, false);
    }
    for (candidate* trial : {&linear, &lstm}) {
        calibrate(trial->model.detector, last, false); // by the same rule for both
        inserted.before = std::max(inserted.before, trial->before());
    }
    const auto of_linear = finds_inserted(linear.model, model_path, values(), runs, inserted);
    const auto of_lstm = finds_inserted(lstm.model, model_path, values(), runs, inserted);
    return {static_cast<int>(of_linear.size()),
            std::count(of_linear.begin(), of_linear.end(), true),
            std::count(of_lstm.begin(), of_lstm.end(), true)};
}

/// Windows whose newest row is labelled anomalous.
index_t fit_command::anomalous_rows(const tocsin::windows<float>& judged) const {
    return std::count_if(judged.first_columns().begin(), judged.first_columns().end(),
                         [&](index_t first) { return is_anomalous(first + judged.length() - 1); });
}

/// The rule for the expected number of scores.
any_threshold fit_command::rule_for(const tocsin::windows<float>& judged) const {
    tocsin::spot_settings peaks;
    peaks.q = false_alarm_rate;
    peaks.level = 0.98;
    const index_t anomalous = anomalous_rows(judged);
    std::vector<any_threshold::rules> in_order;
    if (anomalous > 0) {
        in_order.emplace_back(tocsin::f_beta_threshold{});
    }
    if (judged.count() - anomalous >= enough_for_tail) {
        in_order.emplace_back(tocsin::spot_threshold{peaks});
    }
    in_order.emplace_back(tocsin::quantile_threshold{1, 1.2}); // above the largest normal score
    any_threshold rule{in_order.front()};
    for (std::size_t k = 1; k < in_order.size(); ++k) {
        rule = rule.or_else(in_order[k]);
    }
    return rule;
}

/// The rule in words.
std::string fit_command::text_of(const model_file& model,
                                 const tocsin::windows<float>& judged) const {
    const auto& rule = model.detector.rule().rule();
    return std::holds_alternative<tocsin::f_beta_threshold>(rule)
               ? "best F1 on " + std::to_string(anomalous_rows(judged)) + " rows labelled anomalous"
           : std::holds_alternative<tocsin::spot_threshold>(rule)
               ? "peaks over threshold, for one normal row in " +
                     shown(std::round(1 / false_alarm_rate))
               : "1.2 times the largest of " +
                     std::to_string(judged.count() - anomalous_rows(judged)) + " normal scores";
}

/// Error statistics and threshold from models that have not learned from the rows they are judged
/// on; the model itself learns from all of them, for the number of epochs found with the first
/// part.
void fit_command::cross_fit(candidate& trial) const {
    const auto judged = windows_of(trial.window(), training, choice, 1, data.has_labels());
    const int stride = trial.is_linear() ? 1 : stride_for(judged.count());
    const auto chosen = windows_of(trial.window(), training, choice, stride, false);
    any_detector fitted = trial.model.detector;
    fitted.set_rule(rule_for(judged));
    any_trainer same = trainer;
    same.epochs = trial.epochs;
    same.stopping.patience = std::numeric_limits<int>::max();
    fit_watch watch{out.shows_progress() && !trial.is_linear(), at_interrupt::ends_all};
    const tocsin::held_out_data<float> parts{chosen, judged, data.series.labels};
    const tocsin::cross_fit plan{.folds = folds};
    const auto start = std::chrono::steady_clock::now();
    try {
        require(trial.is_linear()
                    ? fitted.fit(parts, linear_trainer{{.ridge = trial.ridge}}, plan, watch)
                    : fitted.fit(parts, same, plan, watch),
                data_paths.front());
    } catch (const command_interrupted&) {
        watch.finish();
        keep_interrupted(trial.model);
    }
    watch.finish();
    trial.model.detector = std::move(fitted);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    const std::string epochs = " of " + std::to_string(trial.epochs) +
                               (trial.epochs == 1 ? " epoch" : " epochs") + " each";
    out.say("cross-fitted in " + rounded(taken.count()) + " s: " + std::to_string(folds) +
            " models" + (trial.is_linear() ? "" : epochs) +
            ", judged on rows that they have not learned from; the model has learned from the "
            "first 80 % of the rows");
    if (!has_charts(trial.kind)) {
        say_threshold(trial.model, judged);
    }
}

void fit_command::say_threshold(const model_file& model,
                                const tocsin::windows<float>& judged) const {
    const auto& rule = model.detector.rule().rule();
    if (anomalous_rows(judged) > 0 && !std::holds_alternative<tocsin::f_beta_threshold>(rule)) {
        out.note("warning: the threshold of the best F1 would be exceeded by more normal rows than "
                 "rows labelled anomalous: the labels only say which rows are left out. Are they "
                 "those of these rows? 'tune --rule f-beta' takes that threshold");
    }
    out.say("threshold: " + shown(model.detector.threshold()) + ", " + text_of(model, judged));
}

/// Normal rows of all parts but the last, without missing values.
novelty_rows fit_command::values_to_remember() const {
    std::vector<index_t> usable;
    index_t with_holes = 0;
    for (const row_run& run : usable_runs(training, choice, false)) {
        for (index_t row = run.begin; row < run.end; ++row) {
            if (values().col(row).allFinite()) {
                usable.push_back(row);
            } else {
                ++with_holes;
            }
        }
    }
    if (with_holes > 0) {
        out.note("warning: " + std::to_string(with_holes) + " of " +
                 std::to_string(with_holes + static_cast<index_t>(usable.size())) +
                 " rows miss a value; nearest values do not learn from them, and do not judge such "
                 "rows");
    }
    novelty_rows found{
        .rows = tocsin::matrix<double>(values().rows(), static_cast<index_t>(usable.size())),
        .memory = memory};
    for (std::size_t k = 0; k < usable.size(); ++k) {
        found.rows.col(static_cast<index_t>(k)) = values().col(usable[k]).cast<double>();
    }
    return found;
}

/// Charts of the residuals of linear forecasts, by cross-fitting over the same rows, and for an
/// ensemble nearest values.
void fit_command::fit_judge(candidate& trial) const {
    const any_detector& detector = trial.model.detector;
    const auto judged = windows_of(trial.window(), training, choice, 1, data.has_labels());
    const auto chosen = windows_of(trial.window(), training, choice, 1, false);
    const auto& model = std::get<tocsin::linear_forecaster<float>>(detector.model().model());
    const charts_settings settings{.features = model.features(),
                                   .order = model.order(),
                                   .longest_pause = detector.settings().longest_pause,
                                   .ridge = trial.ridge};
    const tocsin::held_out_data<float> parts{chosen, judged, data.series.labels};
    const tocsin::cross_fit plan{.folds = folds};
    trial.model.judge =
        require(trial.kind == model_kind::ensemble
                    ? promised_model::fit_ensemble(settings, parts, plan, values_to_remember(),
                                                   combine, promised)
                    : promised_model::fit_charts(settings, parts, plan, promised),
                data_paths.front());
    constexpr int enough = promised_model::rows_for_all_charts;
    if (chosen.count() < enough) {
        out.note("warning: " + std::to_string(chosen.count()) +
                 " rows; charts over more than a quarter of them are left out, and " +
                 std::to_string(enough) + " rows are needed for all");
    }
}

/// Nothing is trained: values are remembered.
candidate fit_command::fit_values(const model_file& described) const {
    candidate made{.kind = model_kind::nearest_value, .model = described, .has_learned = true};
    const novelty_rows remembered = values_to_remember();
    made.model.judge =
        require(promised_model::fit_nearest_value(remembered, promised), data_paths.front());
    out.say("nearest_value: remembers " +
            std::to_string(std::min<index_t>(memory, remembered.rows.cols())) +
            " rows of the first 80 %");
    return made;
}

/// The same from the rows of the parts from `errors` to `last`, which the model has not learned
/// from; returns the windows of the threshold.
/// @param with_anomalies whether labelled rows choose the threshold
tocsin::windows<float> fit_command::calibrate(any_detector& detector, part last,
                                              bool with_anomalies) const {
    const int length = detector.settings().window;
    require(detector.fit_errors(windows_of(length, errors, last, 1, false)), data_paths.front());
    auto judged = windows_of(length, errors, last, 1, with_anomalies);
    std::vector<std::uint8_t> newest;
    if (anomalous_rows(judged) > 0) {
        newest = require(
            tocsin::window_labels<float>(judged, data.series.labels, tocsin::scored_steps::newest));
    }
    detector.set_rule(rule_for(judged));
    require(detector.tune(judged, newest), data_paths.front());
    return judged;
}

ordered_json fit_command::expect_alarms(const model_file& model,
                                        const std::vector<row_run>& runs) const {
    const false_alarms alarms = count_false_alarms(model, model_path, values(), runs);
    constexpr double week = 7.0 * 86400;
    const bool timed = seconds_per_row > 0;
    const double rows = timed ? week / seconds_per_row : 10'000;
    const std::string per = timed ? " a week" : " in 10 000 rows";
    out.say("  false alarms: " + rounded(alarms.in_rows(rows)) + per + ", at most " +
            rounded(alarms.most_in_rows(rows)) + " with 95 % confidence (" +
            std::to_string(alarms.alarms) + " in " + std::to_string(alarms.rows) +
            " rows judged, " + std::to_string(alarms.alarm_rows) + " of them in an alarm)");
    return {
        {"rows", alarms.rows},
        {"alarms", alarms.alarms},
        {"alarm_rows", alarms.alarm_rows},
        {timed ? "alarms_per_week" : "alarms_per_10000_rows", alarms.in_rows(rows)},
        {timed ? "most_alarms_per_week" : "most_alarms_per_10000_rows", alarms.most_in_rows(rows)}};
}

ordered_json fit_command::expect(const model_file& model) const {
    const auto runs = usable_runs(check, check, false);
    out.say("What to expect, measured on the last 20 % of the rows, which were not learned from:");
    ordered_json result = expect_alarms(model, runs);
    if (skip_shifts) {
        return result;
    }
    shift_settings settings;
    settings.rows = std::max(window, 10);
    out.say("  smallest shift that is found within " + std::to_string(settings.rows) +
            " rows at 80 % of the places tried:");
    ordered_json sensors = ordered_json::array();
    for (index_t f = 0; f < values().rows(); ++f) {
        if (interrupt_catcher::caught()) {
            out.note("interrupted: " + model_path +
                     " is complete; what to expect of it was not measured to the end");
            throw command_interrupted{};
        }
        const auto [mean, unit, constant] = spread_of(values(), runs, f);
        const found_shift shift =
            smallest_shift(model, model_path, values(), runs, static_cast<int>(f), unit, settings);
        const std::string& name = model.feature_names[static_cast<std::size_t>(f)];
        const bool found = std::isfinite(shift.size);
        out.say("    " + name + ": " +
                (found ? rounded(shift.size) +
                             (constant ? " (it is constant)"
                                       : ", " + rounded(shift.deviations) +
                                             " of its standard deviations") +
                             ", after " + rounded(shift.delay) + " rows"
                       : "none, not even " + rounded(settings.largest * unit)));
        sensors.push_back({{"name", name},
                           {"smallest_shift", found ? ordered_json(shift.size) : nullptr},
                           {"deviations", found ? ordered_json(shift.deviations) : nullptr},
                           {"delay_rows", shift.delay},
                           {"found", shift.hits}});
    }
    result["sensors"] = std::move(sensors);
    return result;
}

/// Fails where an option was given that the model has no use for.
void fit_command::refuse_options_of_others() const {
    if (folds == 1) {
        fail(error_code::invalid_argument,
             "--folds 1: one part leaves nothing to learn from; 0 switches cross-fitting off");
    }
    if (has_charts(kind) && folds == 0) {
        fail(error_code::invalid_argument,
             "--folds 0: charts are fitted by cross-fitting, which takes no longer with them");
    }
    if (const CLI::Option* other = promises() ? false_alarm_option : promised_option;
        other->count() > 0) {
        fail(error_code::invalid_argument, other->get_name(),
             promises() ? ": this model promises a number of false alarms; see --alarms"
                        : ": is for charts, nearest_value and ensemble; see --false-alarm-rate");
    }
    const auto refuse_unless = [](bool used, const CLI::Option* option, const char* why) {
        if (!used && option->count() > 0) {
            fail(error_code::invalid_argument, option->get_name(), why);
        }
    };
    refuse_unless(kind == model_kind::ensemble, combine_option, ": is for --model ensemble");
    refuse_unless(kind == model_kind::ensemble || kind == model_kind::nearest_value, memory_option,
                  ": is for --model nearest_value and ensemble");
    for (const CLI::Option* option : of_forecasts) {
        refuse_unless(kind != model_kind::nearest_value, option,
                      ": --model nearest_value forecasts nothing, and has no use for it");
    }
}

/// The rows that the model sees at once, unless they are given; returns the period.
found_period fit_command::choose_window(const model_file& described) {
    found_period found;
    if (kind == model_kind::nearest_value) {
        window = 1;
        return found;
    }
    if (period > 0) {
        found = {period, "--period", 1};
    } else if (window == 0) {
        found = find_period(described);
    }
    if (window == 0) {
        window = found.rows > 0 ? std::clamp(found.rows, shortest_window, longest_window) : 30;
        out.say("window: " + std::to_string(window) + " rows (" +
                (found.rows > 0
                     ? "a period of " + std::to_string(found.rows) + " rows, from " + found.sensor
                     : std::string{"no clear period in these data"}) +
                ")");
    }
    return found;
}

void fit_command::run() {
    refuse_overwriting(command_files("DATA", data_paths), {{"MODEL", model_path}});
    refuse_replacing_other_file({"MODEL", model_path});
    model_file model;
    read(model);
    refuse_options_of_others();
    if (promises()) {
        leave_out_wrong_readings();
    }
    const found_period found = choose_window(model);
    const interrupt_catcher catcher;
    ordered_json choice_report = nullptr;
    candidate chosen;
    if (kind == model_kind::nearest_value) {
        chosen = fit_values(model);
    } else if (kind == model_kind::automatic) {
        chosen = new_candidate(model, model_kind::linear);
        candidate lstm = new_candidate(model, model_kind::encoder_decoder);
        try {
            train(chosen);
        } catch (const command_failure& failure) { // such as more sensors than it can have
            out.note(std::string{chosen.name()} + ": " + failure.reason.message());
        }
        train(lstm);
        chosen = choose(std::move(chosen), std::move(lstm), choice_report);
    } else {
        chosen = new_candidate(model, kind);
        train(chosen);
    }
    if (interrupt_catcher::caught()) {
        keep_interrupted(chosen.model);
    }
    if (kind == model_kind::nearest_value) {
        // It is complete.
    } else if (folds > 0) {
        cross_fit(chosen);
        if (has_charts(kind)) {
            fit_judge(chosen);
        }
    } else {
        const auto judged = calibrate(chosen.model.detector, choice, data.has_labels());
        say_threshold(chosen.model, judged);
    }
    if (chosen.model.judge) {
        const promised_model& judge = *chosen.model.judge;
        out.say("threshold: " + shown(promised) + " false alarms in 10000 rows are promised, by " +
                judge.judge());
        if (promised > judge.largest()) {
            out.note("warning: --alarms " + shown(promised) + ": at most " +
                     shown(judge.largest()) +
                     " clusters of high scores come in 10000 rows like these; the threshold is the "
                     "level of the clusters, " +
                     shown(judge.threshold()));
        }
    }
    save_model(chosen.model, model_path);
    ordered_json expectation = expect(chosen.model);
    out.say("next: tocsin_cli detect " + model_path + " DATA --report report.html");
    out.report({{"command", "fit"},
                {"model", model_path},
                {"kind", chosen.name()},
                {"choice", std::move(choice_report)},
                {"rows", values().cols()},
                {"recordings", recordings.size()},
                {"features", model.feature_names},
                {"window", chosen.window()},
                {"period", found.rows},
                {"epochs", chosen.model.history.size()},
                {"folds", kind == model_kind::nearest_value ? 0 : folds},
                {"threshold", chosen.model.threshold()},
                {"rule", promises() ? chosen.name() : chosen.model.detector.rule().name()},
                {"expect", std::move(expectation)}});
}

} // namespace

void add_fit(CLI::App& app) {
    add_command<fit_command>(
        app, "fit",
        "From normal recordings to a tuned model in one step; reports what to expect of it");
}

} // namespace tocsin_cli
