// train: fits the scaler and the model to normal data, or a classifier to labelled data, and writes
// the model file.
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/series/split.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/run_fingerprint.hpp"

#include <nlohmann/json.hpp>

#include "any_loss.hpp"
#include "any_schedule.hpp"
#include "command_files.hpp"
#include "commands.hpp"
#include "echo.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "interrupt.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "train_classifier.hpp"
#include "training_options.hpp"
#include "training_watch.hpp"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>

namespace tocsin_cli {
namespace {

using tocsin::error_code;

enum class model_kind : std::uint8_t {
    encoder_decoder,
    autoencoder,
    forecaster,
    linear,
    classifier
};
enum class target_order : std::uint8_t { reversed, forward };
enum class schedule_kind : std::uint8_t { constant, step, exponential, cosine };

struct train_command {
    console out;
    std::string model_path;
    std::vector<std::string> data_paths;
    input_options input;
    window_options windowing;
    int window = 0;
    scored_option scored = scored_option::automatic;
    scaler_kind scaler = scaler_kind::standard;

    model_kind kind = model_kind::encoder_decoder;
    std::vector<int> encoder;
    std::vector<int> decoder;
    std::vector<int> head;
    double dropout = 0;
    int look_ahead = 1;
    int targets = 0; // 0: all features
    target_order order = target_order::forward;
    tocsin::decoder_training decoding = tocsin::decoder_training::free_running;
    std::vector<CLI::Option*> encoder_decoder_only;
    std::vector<CLI::Option*> forecaster_only;
    classifier_settings classifying;
    std::vector<CLI::Option*> classifier_only;
    std::vector<CLI::Option*> not_of_classifiers;
    int samples_seen = 0; // of a linear model; 0: not given
    linear_trainer linear;
    std::vector<CLI::Option*> linear_only;
    std::vector<CLI::Option*> not_of_linear;

    any_trainer trainer;
    int patience = 10;
    schedule_kind schedule = schedule_kind::constant;
    double decay_factor = 0;
    int decay_every = 10;
    int warm_up = 0;
    std::vector<CLI::Option*> schedule_options;

    std::string validation_path;
    double validation_fraction = 0;
    std::string checkpoint;
    int checkpoint_every = 1;
    bool resume = false;
    bool force = false;
    bool log = false;

    void add_to(CLI::App& command);
    void run();
    void run_classifier(const input_data& data, model_file& model);
    any_model make_model(int features) const;
    any_schedule make_schedule() const;
    std::string schedule_text() const;
    tocsin::run_fingerprint made_with(const model_file& model,
                                      const tocsin::windows<float>& training,
                                      const tocsin::windows<float>& validation) const;
    void judge_against_mean(const model_file& model, const tocsin::windows<float>& training,
                            const tocsin::windows<float>& validation, double rmse) const;
    void print_result(const model_file& model, const input_data& data,
                      const tocsin::training_state<float>& state, tocsin::index_t training,
                      tocsin::index_t validation, double seconds) const;
};

/// Such as `hour,weekday`.
std::vector<tocsin::calendar_part> parse_calendar(const std::string& given) {
    constexpr const char* names[] = {"hour", "minute", "weekday", "day", "month"};
    std::vector<tocsin::calendar_part> parts;
    for (const std::string& name : split_at_commas(given)) {
        const auto* const found = std::find(std::begin(names), std::end(names), name);
        const auto part = static_cast<tocsin::calendar_part>(found - std::begin(names));
        if (found == std::end(names) ||
            std::find(parts.begin(), parts.end(), part) != parts.end()) {
            throw CLI::ValidationError("--calendar", "'" + name +
                                                         "' is not one of hour, minute, weekday, "
                                                         "day, month, each once");
        }
        parts.push_back(part);
    }
    return parts;
}

void train_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file to write")->required();
    command
        .add_option(
            "DATA", data_paths,
            "Normal data, one recording or more; anomalous parts are left out if labelled, and "
            "learned from by a classifier")
        ->required();
    input.add_to(command);
    input.add_time_to(command);
    windowing.add_to(command);
    add_window(command, window);
    command.get_option("--window")
        ->default_str("30, linear: --order + 1, or the length of the sequences");
    add_scored(command, scored);
    add_scaler(command, scaler);

    const std::string model_group = "Model";
    add_choice(
        command, "--model", kind,
        {{"encoder-decoder", model_kind::encoder_decoder},
         {"autoencoder", model_kind::autoencoder},
         {"forecaster", model_kind::forecaster},
         {"linear", model_kind::linear},
         {"classifier", model_kind::classifier}},
        "encoder-decoder: the decoder reads its own predictions; autoencoder: it reads the "
        "embedding at every step; forecaster: each sample is predicted from those before; "
        "linear: the same, as a linear function of the last --order samples, found in closed "
        "form; classifier: it learns from the labels of DATA which windows contain an anomalous "
        "row, and chooses the threshold, so that 'detect' can follow directly")
        ->group(model_group);
    add_sizes(command, "--encoder", encoder,
              "Hidden sizes of the LSTM layers, or those of the encoder")
        ->default_str("64; autoencoder: 128,64")
        ->group(model_group);
    add_sizes(command, "--decoder", decoder, "Hidden sizes of the decoder's LSTM layers")
        ->default_str("as the encoder; autoencoder: the encoder's reversed; forecaster: none")
        ->group(model_group);
    add_sizes(command, "--head", head, "Sizes of ReLU layers before the output")
        ->default_str("none")
        ->group(model_group);
    with_default(add_number(command, "--dropout", dropout,
                            "Share of the outputs of LSTM layers dropped in training", 0, 0.99),
                 dropout)
        ->group(model_group);
    forecaster_only = {
        add_integer(command, "--look-ahead", look_ahead,
                    "Forecaster: number of samples ahead that it predicts in training", 1, 1000)
            ->default_str("1")
            ->group(model_group),
        add_integer(command, "--targets", targets,
                    "Forecaster, linear: how many features it predicts, the first ones; it "
                    "only reads the others",
                    1, tocsin::maximum_layer_size)
            ->default_str("all")
            ->group(model_group)};
    linear_only = {add_integer(command, "--order", samples_seen,
                               "Linear: number of samples that a prediction uses", 1, 4096)
                       ->default_str("10, in shorter windows all but the last")
                       ->group(model_group),
                   command
                       .add_option_function<double>(
                           "--ridge", [this](double given) { linear.solver.ridge = given; },
                           "Linear: penalty on the weights of features with variance 1, per sample")
                       ->type_name("NUMBER")
                       ->check(CLI::Range(0.0, 1e9))
                       ->default_str("chosen by the validation data, or by cross-validation")
                       ->group(model_group)};
    encoder_decoder_only = {
        add_choice(command, "--target-order", order,
                   {{"reversed", target_order::reversed}, {"forward", target_order::forward}},
                   "Encoder-decoder: which end of the window is decoded first")
            ->group(model_group),
        add_choice(
            command, "--decoder-training", decoding,
            {{"free-running", tocsin::decoder_training::free_running},
             {"teacher-forced", tocsin::decoder_training::teacher_forced}},
            "Encoder-decoder: what the decoder reads in training, its own predictions or the "
            "true values one step before")
            ->group(model_group)};

    classifier_only = {
        add_choice(command, "--network", classifying.network,
                   {{"convolutions", network_kind::convolutions},
                    {"lstm", network_kind::lstm},
                    {"bidirectional-lstm", network_kind::bidirectional_lstm},
                    {"stacked-lstm", network_kind::stacked_lstm}},
                   "Classifier: kind of network")
            ->group(model_group),
        add_integer(command, "--units", classifying.units,
                    "Classifier: filters of the first and last convolution, twice as many between; "
                    "units of each LSTM, or of each direction",
                    1, tocsin::maximum_layer_size / 2)
            ->group(model_group),
        command
            .add_option_function<std::string>(
                "--calendar",
                [this](const std::string& given) { classifying.calendar = parse_calendar(given); },
                "Classifier: parts of the time of each row that it reads in addition to the "
                "sensors: hour, "
                "minute, weekday, day, month")
            ->type_name("PART[,PART...]")
            ->group(model_group),
        command
            .add_flag(
                "--balanced", classifying.balanced,
                "Classifier: rare anomalous windows have the same total weight as normal ones")
            ->group(model_group),
        add_choice(command, "--label-rule", classifying.label,
                   {{"any-row", tocsin::window_label::any_row},
                    {"last-row", tocsin::window_label::last_row},
                    {"next-row", tocsin::window_label::next_row}},
                   "Classifier: which rows make a window anomalous: any of its own, its last one, "
                   "or the one after it, which warns one row ahead")
            ->group(model_group),
        add_integer(command, "--label-gap", classifying.label_gap,
                    "Classifier: up to so many normal rows between two anomalous ones count as "
                    "anomalous",
                    0)
            ->group(model_group)};

    const std::string training_group = "Training";
    add_choice(command, "--loss", trainer.loss.kind,
               {{"mse", loss_kind::mse}, {"l1", loss_kind::l1}}, "Loss that training minimises")
        ->group(training_group);
    constexpr double unbounded = std::numeric_limits<double>::max();
    add_integer(command, "--epochs", trainer.epochs,
                "At most this many, those before --resume "
                "included",
                1)
        ->group(training_group);
    add_integer(command, "--batch-size", trainer.batch_size, "Windows per update", 1)
        ->group(training_group);
    with_default(add_number(command, "--learning-rate", trainer.optimiser.learning_rate, "Of Adam",
                            0, unbounded, true),
                 trainer.optimiser.learning_rate)
        ->group(training_group);
    with_default(add_number(command, "--weight-decay", trainer.optimiser.weight_decay,
                            "Decoupled from the gradient", 0),
                 trainer.optimiser.weight_decay)
        ->group(training_group);
    command.add_flag("--amsgrad", trainer.optimiser.amsgrad, "AMSGrad variant of Adam")
        ->group(training_group);
    add_choice(command, "--schedule", schedule,
               {{"constant", schedule_kind::constant},
                {"step", schedule_kind::step},
                {"exponential", schedule_kind::exponential},
                {"cosine", schedule_kind::cosine}},
               "How the learning rate falls")
        ->group(training_group);
    schedule_options = {
        add_number(command, "--decay-factor", decay_factor,
                   "step, exponential: what the rate is multiplied by; cosine: its final multiple",
                   0, 1)
            ->default_str("0.5, 0.95, 0")
            ->group(training_group),
        add_integer(command, "--decay-every", decay_every, "step: epochs between two decreases", 1)
            ->group(training_group),
        add_integer(command, "--warm-up", warm_up, "cosine: epochs of increase before the decay", 0)
            ->group(training_group)};
    with_default(add_number(command, "--clip-norm", trainer.clip_norm,
                            "Largest global norm of the gradient; 0: no limit", 0),
                 trainer.clip_norm)
        ->group(training_group);
    add_integer(command, "--patience", patience,
                "Epochs without a lower validation RMSE before training ends; 0: all epochs", 0)
        ->group(training_group);
    add_integer(command, "--seed", trainer.seed, "Seed of weights, order of batches, dropout",
                std::uint64_t{0})
        ->group(training_group);
    CLI::Option* const file =
        command
            .add_option("--validation", validation_path,
                        "Normal data that determine the best epoch; default: the training data")
            ->type_name("FILE")
            ->group(training_group);
    add_number(command, "--validation-fraction", validation_fraction,
               "Share of DATA, from its end, to use in the same way", 0, 0.9, true)
        ->excludes(file)
        ->group(training_group);
    CLI::Option* const checkpoint_option =
        command
            .add_option("--checkpoint", checkpoint,
                        "File for the state of training, to resume from")
            ->type_name("FILE")
            ->group(training_group);
    add_integer(command, "--checkpoint-every", checkpoint_every, "Epochs between checkpoints", 1)
        ->needs(checkpoint_option)
        ->group(training_group);
    command
        .add_flag("--resume", resume,
                  "Resume from the checkpoint. With the options of the first run the result is the "
                  "same, bit for bit, as without the interruption")
        ->needs(checkpoint_option)
        ->group(training_group);
    add_choice(command, "--fill", trainer.filling,
               {{"linear", tocsin::hole_filling::linear}, {"last", tocsin::hole_filling::last}},
               "What the model reads for missing values: interpolation across the hole, or the "
               "last value before it")
        ->group(training_group);
    add_threads(command, trainer, training_group);
    command.add_flag("--force", force, "Write a model that is worse than the mean of the data")
        ->group(training_group);
    command.add_flag("--log", log, "A line of numbers per epoch on standard error")
        ->group(training_group);
    for (const char* name :
         {"--encoder", "--decoder", "--head", "--dropout", "--look-ahead", "--targets",
          "--target-order", "--decoder-training", "--loss", "--weight-decay", "--amsgrad",
          "--schedule", "--fill", "--force", "--scored", "--skip-missing", "--longest-hole"}) {
        not_of_classifiers.push_back(command.get_option(name));
    }
    for (const char* name :
         {"--encoder",    "--decoder",  "--head",       "--dropout",       "--look-ahead",
          "--loss",       "--epochs",   "--batch-size", "--learning-rate", "--weight-decay",
          "--amsgrad",    "--schedule", "--clip-norm",  "--patience",      "--seed",
          "--checkpoint", "--resume",   "--fill",       "--threads",       "--log"}) {
        not_of_linear.push_back(command.get_option(name));
    }
}

/// Fails at the first option that was given.
void refuse_options(const std::vector<CLI::Option*>& options, const char* why) {
    for (const CLI::Option* option : options) {
        if (option->count() > 0) {
            fail(error_code::invalid_argument, option->get_name(), why);
        }
    }
}

any_model train_command::make_model(int features) const {
    const auto chain = [](int first, std::vector<int> sizes) {
        sizes.insert(sizes.begin(), first);
        return tocsin::chain_sizes<>{std::span<const int>{sizes}};
    };
    if (kind == model_kind::linear) {
        refuse_options(not_of_linear, " has no meaning for --model linear");
        refuse_options(encoder_decoder_only, " belongs to --model encoder-decoder");
        refuse_options(classifier_only, " belongs to --model classifier");
        return any_model{tocsin::linear_forecaster<float>{
            features, targets > 0 ? targets : features, samples_seen}};
    }
    refuse_options(linear_only, " belongs to --model linear");
    const bool repeats = kind == model_kind::autoencoder;
    const bool forecasts = kind == model_kind::forecaster;
    refuse_options(classifier_only, " belongs to --model classifier");
    if (repeats || forecasts) {
        refuse_options(encoder_decoder_only, " belongs to --model encoder-decoder");
    }
    if (!forecasts) {
        refuse_options(forecaster_only, " belongs to --model forecaster");
    } else if (!decoder.empty()) {
        fail(error_code::invalid_argument, "--decoder: a forecaster has none");
    }
    auto encoder_sizes = encoder;
    if (encoder_sizes.empty()) {
        encoder_sizes = repeats ? std::vector<int>{128, 64} : std::vector<int>{64};
    }
    auto decoder_sizes = decoder;
    if (decoder_sizes.empty()) {
        decoder_sizes = encoder_sizes;
        if (repeats) {
            std::reverse(decoder_sizes.begin(), decoder_sizes.end());
        }
    }
    auto head_sizes = head;
    if (forecasts) {
        const int forecast = targets > 0 ? targets : features;
        head_sizes.push_back(forecast * look_ahead);
        return any_model{tocsin::forecaster<float>{
            tocsin::lstm_stack<float>{chain(features, encoder_sizes), dropout},
            tocsin::dense_head<float>{chain(encoder_sizes.back(), head_sizes)}, forecast}};
    }
    head_sizes.push_back(features);
    const tocsin::lstm_stack<float> encoder_stack{chain(features, encoder_sizes), dropout};
    const tocsin::dense_head<float> dense{chain(decoder_sizes.back(), head_sizes)};
    if (repeats) {
        return any_model{tocsin::autoencoder<float>{
            encoder_stack,
            tocsin::lstm_stack<float>{chain(encoder_sizes.back(), decoder_sizes), dropout}, dense}};
    }
    return any_model{tocsin::encoder_decoder<float>{
        encoder_stack, tocsin::lstm_stack<float>{chain(features, decoder_sizes), dropout}, dense,
        order == target_order::reversed, decoding}};
}

any_schedule train_command::make_schedule() const {
    const bool has_factor = schedule_options[0]->count() > 0;
    const bool wrong[] = {has_factor && schedule == schedule_kind::constant,
                          schedule_options[1]->count() > 0 && schedule != schedule_kind::step,
                          schedule_options[2]->count() > 0 && schedule != schedule_kind::cosine};
    for (std::size_t k = 0; k < schedule_options.size(); ++k) {
        if (wrong[k]) {
            fail(error_code::invalid_argument, schedule_options[k]->get_name(),
                 " has no meaning for this --schedule");
        }
    }
    switch (schedule) {
    case schedule_kind::step:
        return {tocsin::step_decay{has_factor ? decay_factor : 0.5, decay_every}};
    case schedule_kind::exponential:
        return {tocsin::exponential_decay{has_factor ? decay_factor : 0.95}};
    case schedule_kind::cosine:
        if (warm_up >= trainer.epochs) {
            fail(error_code::invalid_argument, "--warm-up ", warm_up,
                 " must be less than --epochs ", trainer.epochs);
        }
        return {tocsin::cosine_decay{trainer.epochs, warm_up, decay_factor}};
    case schedule_kind::constant:
        break;
    }
    return {tocsin::constant_rate{}};
}

void train_command::run_classifier(const input_data& data, model_file& model) {
    refuse_options(not_of_classifiers, " has no meaning for --model classifier");
    refuse_options(linear_only, " belongs to --model linear");
    classifying.window = window > 0 ? window : classifying.window;
    classifying.stride = windowing.stride;
    classifying.scaler = scaler;
    classifying.epochs = trainer.epochs;
    classifying.batch_size = trainer.batch_size;
    classifying.learning_rate = trainer.optimiser.learning_rate;
    classifying.clip_norm = trainer.clip_norm;
    classifying.patience = patience;
    classifying.seed = trainer.seed;
    classifying.threads = trainer.execution.threads;
    if (data.longest_gap > 0) {
        classifying.longest_pause = data.longest_gap;
    }
    train_classifier({.settings = classifying,
                      .model_path = model_path,
                      .validation_path = validation_path,
                      .validation_fraction = validation_fraction,
                      .input = input,
                      .checkpoint = checkpoint,
                      .checkpoint_every = checkpoint_every,
                      .resume = resume,
                      .log = log},
                     data, model, out);
}

void train_command::run() {
    auto inputs = command_files("DATA", data_paths);
    inputs.push_back({"--validation", validation_path});
    const command_file outputs[] = {{"MODEL", model_path}, {"--checkpoint", checkpoint}};
    refuse_overwriting(inputs, {outputs[0], outputs[1]});
    for (const command_file& output : outputs) {
        refuse_replacing_other_file(output);
    }
    trainer.schedule = make_schedule();
    trainer.stopping.patience = patience > 0 ? patience : std::numeric_limits<int>::max();

    const input_data data = read_recordings(data_paths, input, nullptr);
    echo(data, out); // before anything is refused because of what was read
    model_file model;
    keep_reading(data, input, model);
    if (kind == model_kind::classifier) {
        run_classifier(data, model);
        return;
    }
    tocsin::detector_settings settings;
    const int usual_window =
        kind != model_kind::linear ? 30 : (samples_seen > 0 ? samples_seen : usual_order) + 1;
    settings.window = window > 0 ? window : data.is_series ? usual_window : data.sequences.length;
    if (samples_seen == 0) {
        samples_seen = std::clamp(settings.window - 1, 1, usual_order);
    }
    settings.scored = scored_steps_of(scored, data.is_series);
    if (data.longest_gap > 0) {
        settings.longest_pause = data.longest_gap;
    }
    auto training = normal_windows(data, settings.window, windowing, out);
    model.detector = any_detector{make_model(data.features()), settings, any_scaler{scaler}};
    require(model.detector.check());

    tocsin::windows<float> validation;
    input_data validation_data; // owns what `validation` views
    if (!validation_path.empty()) {
        validation_data = read_recordings({validation_path}, input, &model);
        echo_rows(validation_data, out);
        validation = normal_windows(validation_data, settings.window, windowing, out);
    } else if (validation_fraction > 0) {
        const auto parts = require(
            tocsin::split_chronologically(training, {1 - validation_fraction, validation_fraction}),
            "--validation-fraction");
        training = parts[0];
        validation = parts[1];
    }

    auto state = kind == model_kind::linear
                     ? tocsin::training_state<float>::fresh(model.detector.model(),
                                                            linear.optimiser, linear.seed)
                     : tocsin::training_state<float>::fresh(model.detector.model(),
                                                            trainer.optimiser, trainer.seed);
    tocsin::run_fingerprint run;
    std::optional<tocsin::checkpoint_writer> writer;
    if (!checkpoint.empty()) {
        run = made_with(model, training, validation);
        writer.emplace(checkpoint, checkpoint_every, run);
    }
    if (resume) {
        state = require(tocsin::load_checkpoint(checkpoint, std::move(state), run));
        out.note("resuming after epoch " + std::to_string(state.finished_epochs()) + " of " +
                 checkpoint);
    }
    training_watch watch{out.shows_progress() && !log, log, writer};
    const auto start = std::chrono::steady_clock::now();
    const interrupt_catcher catcher;
    const tocsin::status trained =
        kind == model_kind::linear
            ? model.detector.train_from(state, training, validation, linear, watch)
            : model.detector.train_from(state, training, validation, trainer, watch);
    watch.finish();
    require(trained);
    if (writer) {
        require(writer->outcome());
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    judge_against_mean(model, training, validation, state.best_rmse);
    model.history = state.history;
    save_model(model, model_path);
    print_result(model, data, state, training.count(), validation.count(), taken.count());
    if (interrupt_catcher::caught()) {
        out.note("interrupted: " + model_path + " has the best weights so far");
        throw command_interrupted{};
    }
}

/// Everything that must be the same when training resumes from a checkpoint.
tocsin::run_fingerprint train_command::made_with(const model_file& model,
                                                 const tocsin::windows<float>& training,
                                                 const tocsin::windows<float>& validation) const {
    const auto sizes = [](const std::vector<int>& all) {
        std::string joined;
        for (const int size : all) {
            joined.append(joined.empty() ? "" : ",").append(std::to_string(size));
        }
        return joined;
    };
    tocsin::run_fingerprint run;
    run.add("window", std::to_string(model.detector.settings().window));
    run.add("features", std::to_string(model.detector.features()));
    run.add("scaler", model.detector.data_scaler().name());
    run.add("loss", trainer.loss.kind == loss_kind::mse ? "mse" : "l1");
    run.add("model", std::string{model.detector.model().name()} + " " + sizes(encoder) + "|" +
                         sizes(decoder) + "|" + sizes(head) + " look-ahead " +
                         std::to_string(look_ahead) + " order " +
                         std::to_string(static_cast<int>(order)) + " decoding " +
                         std::to_string(static_cast<int>(decoding)));
    run.add("dropout", exact_text(dropout));
    run.add("learning rate", exact_text(trainer.optimiser.learning_rate));
    run.add("weight decay", exact_text(trainer.optimiser.weight_decay));
    run.add("AMSGrad", trainer.optimiser.amsgrad ? "on" : "off");
    run.add("schedule", schedule_text());
    run.add("batch size", std::to_string(trainer.batch_size));
    run.add("clip norm", exact_text(trainer.clip_norm));
    run.add("seed", std::to_string(trainer.seed));
    run.add("threads", std::to_string(trainer.execution.threads)); // they round differently
    run.add("fill", trainer.filling == tocsin::hole_filling::linear ? "linear" : "last");
    run.add("training data", training);
    run.add("validation data", validation);
    return run;
}

std::string train_command::schedule_text() const {
    switch (schedule) {
    case schedule_kind::step:
        return "step " + shown(decay_factor) + " every " + std::to_string(decay_every);
    case schedule_kind::exponential:
        return "exponential " + shown(decay_factor);
    case schedule_kind::cosine:
        return "cosine " + shown(decay_factor) + " over " + std::to_string(trainer.epochs) +
               " after " + std::to_string(warm_up);
    case schedule_kind::constant:
        break;
    }
    return "constant";
}

/// A model that predicts worse than the mean has learned nothing.
void train_command::judge_against_mean(const model_file& model,
                                       const tocsin::windows<float>& training,
                                       const tocsin::windows<float>& validation,
                                       double rmse) const {
    constexpr double margin = 1.02; // tolerance for one epoch of a small model
    const double of_mean =
        rmse_of_mean(model.detector, training, validation.empty() ? training : validation);
    if (!(rmse > of_mean)) {
        return;
    }
    char text[240];
    std::snprintf(text, sizeof text,
                  "the model is %s than the mean of the training data: RMSE %.4g, that of the mean "
                  "is %.4g; %s may help",
                  rmse > margin * of_mean ? "worse" : "no better", rmse, of_mean,
                  kind == model_kind::linear ? "a larger --order"
                                             : "a lower --learning-rate or more --epochs");
    if (rmse > margin * of_mean && !force) {
        fail(error_code::invalid_data, text, "; --force writes it anyway");
    }
    out.note(std::string{"warning: "} + text);
}

void train_command::print_result(const model_file& model, const input_data& data,
                                 const tocsin::training_state<float>& state,
                                 tocsin::index_t training, tocsin::index_t validation,
                                 double seconds) const {
    const int best = state.best_epoch;
    const int finished = state.finished_epochs();
    const tocsin::epoch_record record =
        best >= 0 ? state.history[static_cast<std::size_t>(best)] : tocsin::epoch_record{};
    const bool is_linear = kind == model_kind::linear;
    const double ridge = is_linear ? static_cast<double>(state.rule_state.front()) : 0;
    char text[256];
    std::snprintf(text, sizeof text, "%s: %s, %lld parameters, window %d, trained on %lld windows",
                  model_path.c_str(), model.detector.model().name(),
                  static_cast<long long>(model.detector.model().parameter_count()),
                  model.detector.settings().window, static_cast<long long>(training));
    out.say(text);
    const char* const judged = validation > 0 ? "the validation data" : "the training data";
    if (is_linear) {
        std::snprintf(text, sizeof text,
                      "solved in %.1f s with ridge %g: RMSE %.4f, MAE %.4f on %s, in scaled units",
                      seconds, ridge, record.validation_rmse, record.validation_mae, judged);
    } else {
        std::snprintf(text, sizeof text,
                      "%d epochs in %.1f s; best is %d: RMSE %.4f, MAE %.4f on %s, in scaled units",
                      finished, seconds, best + 1, record.validation_rmse, record.validation_mae,
                      judged);
    }
    out.say(text);
    out.say("next: tocsin_cli fit-errors " + model_path + " NORMAL_DATA");
    nlohmann::ordered_json history = nlohmann::ordered_json::array();
    for (const tocsin::epoch_record& epoch : state.history) {
        history.push_back({{"epoch", epoch.epoch + 1},
                           {"training_loss", epoch.training_loss},
                           {"validation_rmse", epoch.validation_rmse},
                           {"validation_mae", epoch.validation_mae},
                           {"learning_rate", epoch.learning_rate},
                           {"gradient_norm", epoch.gradient_norm}});
    }
    out.report({{"command", "train"},
                {"model", model_path},
                {"kind", model.detector.model().name()},
                {"parameters", model.detector.model().parameter_count()},
                {"features", model.shown_names()},
                {"window", model.detector.settings().window},
                {"training_windows", training},
                {"validation_windows", validation},
                {"epochs", finished},
                {"best_epoch", best + 1},
                {"validation_rmse", record.validation_rmse},
                {"validation_mae", record.validation_mae},
                {"ridge", is_linear ? nlohmann::ordered_json(ridge) : nullptr},
                {"seconds", seconds},
                {"read", describe_json(data)},
                {"warnings", warnings_of(data)},
                {"history", std::move(history)}});
}

} // namespace

void add_train(CLI::App& app) {
    add_command<train_command>(
        app, "train",
        "Fit the scaler and the model to normal data, or a classifier to labelled data; writes the "
        "model file");
}

} // namespace tocsin_cli
