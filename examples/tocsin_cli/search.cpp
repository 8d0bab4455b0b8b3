// search: finds settings of the model and its training; prints the command that trains with the
// best.
#include "tocsin/search/search.hpp"

#include "tocsin/io/number_text.hpp"
#include "tocsin/search/detection_error.hpp"
#include "tocsin/search/search_journal.hpp"
#include "tocsin/search/validation_error.hpp"
#include "tocsin/series/split.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit.hpp"

#include <nlohmann/json.hpp>

#include "any_loss.hpp"
#include "any_schedule.hpp"
#include "command_files.hpp"
#include "commands.hpp"
#include "echo.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "training_options.hpp"
#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tocsin_cli {
namespace {

using nlohmann::ordered_json;
using tocsin::error_code;
using tocsin::running_trial;
using tocsin::search_trial;
using tocsin::uniform_range;

enum class model_kind : std::uint8_t { encoder_decoder, autoencoder, forecaster };
enum class objective_kind : std::uint8_t { validation_error, detection };

/// A number with all its digits, so that training can be repeated exactly.
std::string exact(double value) {
    tocsin::number_text buffer{};
    return std::string{tocsin::format_number(value, buffer)};
}

/// A word as a shell reads it.
std::string in_shell(const std::string& word) {
    if (!word.empty() &&
        word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789_-.,/:+=@%") == std::string::npos) {
        return word;
    }
    std::string quoted = "'";
    for (const char character : word) {
        quoted += character == '\'' ? std::string{"'\\''"} : std::string{character};
    }
    return quoted + '\'';
}

/// A setting that is searched within a range, or fixed if the range is a single number.
struct searched_option {
    std::string name; ///< as in 'train'
    uniform_range range{};
    tocsin::setting_kind kind = tocsin::setting_kind::real;

    bool is_fixed() const noexcept { return range.low == range.high; }
    double value(const running_trial& trial) const {
        return is_fixed() ? range.low : trial.real(name);
    }
};

struct search_command {
    console out;
    CLI::App* app = nullptr;
    std::vector<std::string> data_paths;
    input_options input;
    window_options windowing;
    int window = 0;
    scaler_kind scaler = scaler_kind::standard;
    model_kind kind = model_kind::encoder_decoder;
    double validation_fraction = 0.2;
    objective_kind objective = objective_kind::validation_error;
    double alarms = 1; ///< promised in 10 000 rows
    CLI::Option* alarms_option = nullptr;

    searched_option learning_rate{"learning-rate", {1e-4, 0.1}, tocsin::setting_kind::log_real};
    searched_option batch_size{"batch-size", {8, 128}, tocsin::setting_kind::log_integer};
    searched_option hidden{"hidden", {8, 64}, tocsin::setting_kind::log_integer};
    searched_option layers{"layers", {1, 2}, tocsin::setting_kind::integer};
    searched_option dropout{"dropout", {0, 0.3}, tocsin::setting_kind::real};

    any_trainer trainer;
    int patience = 10;
    tocsin::search_settings settings{.trials = 40, .halving = {.first = 3, .factor = 3}};
    bool random = false;
    std::string journal_path;
    std::vector<CLI::Option*> own; ///< that 'train' does not have

    void add_to(CLI::App& command);
    void add_searched(CLI::App& command, searched_option& option, const std::string& description);
    void run();
    std::vector<searched_option*> searched() {
        return {&learning_rate, &batch_size, &hidden, &layers, &dropout};
    }
    void check_ranges();
    std::vector<int> sizes(const running_trial& trial) const;
    any_model make_model(int features, const running_trial& trial) const;
    any_trainer make_trainer(const running_trial& trial) const;
    tocsin::run_fingerprint facts(const tocsin::windows<float>& training,
                                  const tocsin::windows<float>& validation) const;
    std::string train_line(const running_trial& best) const;
    template <class Log>
    tocsin::search_outcome search_detection(const tocsin::search_space& space, int features,
                                            const tocsin::detector_settings& shape,
                                            const std::vector<tocsin::windows<float>>& parts,
                                            Log& log) const;
};

/// Reports each trial, and stores it in the journal, if any.
class trial_log {
  public:
    /// @param name of what is minimised
    trial_log(const console& out, const tocsin::search_space& space, const char* name,
              std::optional<tocsin::search_journal> journal)
        : out_{out}, space_{space}, name_{name}, journal_{std::move(journal)} {}

    std::span<const search_trial> trials() const noexcept {
        return journal_ ? journal_->trials() : std::span<const search_trial>{};
    }
    tocsin::status keep(const search_trial& trial) {
        std::string line = "trial " + std::to_string(trial.number + 1) + ": ";
        for (std::size_t k = 0; k < space_.size(); ++k) {
            line += space_.settings()[k].name + ' ' + space_.text(k, trial.values[k]) + ", ";
        }
        line += trial.outcome == tocsin::trial_outcome::failed ? "failed: " + trial.reason
                                                               : name_ + (' ' + shown(trial.value));
        if (trial.outcome == tocsin::trial_outcome::stopped) {
            line += ", stopped after epoch " + std::to_string(trial.reports.back().resource);
        }
        out_.note(line);
        return journal_ ? journal_->keep(trial) : tocsin::status{};
    }

  private:
    const console& out_;
    const tocsin::search_space& space_;
    std::string name_;
    std::optional<tocsin::search_journal> journal_;
};

void search_command::add_searched(CLI::App& command, searched_option& option,
                                  const std::string& description) {
    own.push_back(add_range(command, "--" + option.name, option.range, description));
    own.back()->group("Searched; a single number fixes it");
}

void search_command::add_to(CLI::App& command) {
    app = &command;
    command
        .add_option("DATA", data_paths,
                    "Normal data, one recording or more; anomalous parts are left out if labelled")
        ->required();
    input.add_to(command);
    input.add_time_to(command);
    windowing.add_to(command);
    add_window(command, window);
    add_scaler(command, scaler);
    with_default(add_number(command, "--validation-fraction", validation_fraction,
                            "Share of the windows, from the end, that judge a trial", 0, 0.9, true),
                 validation_fraction)
        ->group("Reading data");

    add_searched(command, learning_rate, "Learning rate of Adam; on a logarithmic scale");
    add_searched(command, batch_size, "Windows per update; on a logarithmic scale");
    add_searched(command, hidden, "Hidden size of each LSTM layer; on a logarithmic scale");
    add_searched(command, layers, "LSTM layers, of the encoder where there is one");
    add_searched(command, dropout, "Share of the outputs of LSTM layers dropped in training");

    const std::string training = "The same in all trials";
    add_choice(command, "--model", kind,
               {{"encoder-decoder", model_kind::encoder_decoder},
                {"autoencoder", model_kind::autoencoder},
                {"forecaster", model_kind::forecaster}},
               "See 'train'")
        ->group(training);
    add_choice(command, "--loss", trainer.loss.kind,
               {{"mse", loss_kind::mse}, {"l1", loss_kind::l1}}, "Loss that training minimises")
        ->group(training);
    add_integer(command, "--epochs", trainer.epochs, "Largest number of epochs of a trial", 1)
        ->group(training);
    add_integer(command, "--patience", patience,
                "Epochs without a lower validation RMSE before training ends; 0: all epochs", 0)
        ->group(training);
    add_integer(command, "--seed", trainer.seed, "Seed of weights and batches, and of the search",
                std::uint64_t{0})
        ->group(training);

    const std::string search = "Search";
    own.insert(
        own.end(),
        {add_integer(command, "--trials", settings.trials, "Number of trials", 1, 100'000),
         add_integer(command, "--parallel", settings.parallel,
                     "Trials at once, each in a thread; the same number gives the same result", 1,
                     256),
         add_integer(command, "--first-rung", settings.halving.first,
                     "Epochs after which a trial that is not among the best third so far is "
                     "stopped, and again after 3 times as many; 0: never",
                     0),
         command.add_flag("--random", random, "Random settings, for comparison"),
         command
             .add_option("--journal", journal_path,
                         "File of all trials; if it exists, the search continues from it")
             ->type_name("FILE")});
    own.push_back(
        add_choice(command, "--objective", objective,
                   {{"validation-error", objective_kind::validation_error},
                    {"detection", objective_kind::detection}},
                   "What is minimised: the error on the last windows, or missed plus false alarms "
                   "on them, with inserted anomalies, at a promised rate of false alarms"));
    alarms_option = with_default(
        add_number(command, "--alarms", alarms,
                   "For --objective detection: false alarms promised in 10000 rows", 0, 5000, true),
        alarms);
    own.push_back(alarms_option);
    for (auto option = own.end() - 7; option != own.end(); ++option) {
        (*option)->group(search);
    }
    trainer.execution.threads = 1;
}

/// The library's check of a space, with messages in the terms of the command line.
void search_command::check_ranges() {
    for (const searched_option* option : searched()) {
        const auto [low, high] = option->range;
        const bool whole = option->kind != tocsin::setting_kind::log_real &&
                           option->kind != tocsin::setting_kind::real;
        const bool positive = option != &dropout;
        if ((positive && !(low > 0)) || low < 0 ||
            (whole && (low != std::floor(low) || high != std::floor(high)))) {
            fail(error_code::invalid_argument, "--", option->name, " ", low, ",", high,
                 ": must be ", positive ? "positive" : "not negative",
                 whole ? ", and whole numbers" : "");
        }
    }
    if (dropout.range.high > 0.99 || hidden.range.high > 8192 || layers.range.high > 8 ||
        batch_size.range.high > 1e6) {
        fail(error_code::invalid_argument,
             "--dropout, --hidden, --layers and --batch-size must be at most 0.99, 8192, 8 and "
             "1000000");
    }
}

std::vector<int> search_command::sizes(const running_trial& trial) const {
    return std::vector<int>(static_cast<std::size_t>(layers.value(trial)),
                            static_cast<int>(hidden.value(trial)));
}

/// The settings of 'train' for the same options.
any_model search_command::make_model(int features, const running_trial& trial) const {
    const std::vector<int> inner = sizes(trial);
    const auto stack = [&](int first) {
        std::vector<int> chain = inner;
        chain.insert(chain.begin(), first);
        return tocsin::lstm_stack<float>{tocsin::chain_sizes<>{std::span<const int>{chain}},
                                         dropout.value(trial)};
    };
    const tocsin::dense_head<float> head{{inner.back(), features}};
    switch (kind) {
    case model_kind::forecaster:
        return any_model{tocsin::forecaster<float>{stack(features), head, features}};
    case model_kind::autoencoder:
        return any_model{tocsin::autoencoder<float>{stack(features), stack(inner.back()), head}};
    case model_kind::encoder_decoder:
        break;
    }
    return any_model{tocsin::encoder_decoder<float>{stack(features), stack(features), head, false}};
}

any_trainer search_command::make_trainer(const running_trial& trial) const {
    any_trainer made = trainer;
    made.optimiser.learning_rate = learning_rate.value(trial);
    made.batch_size = static_cast<int>(batch_size.value(trial));
    return made;
}

/// What a journal must agree in, in addition to the space and the search.
tocsin::run_fingerprint search_command::facts(const tocsin::windows<float>& training,
                                              const tocsin::windows<float>& validation) const {
    tocsin::run_fingerprint run;
    run.add("model", any_model{kind == model_kind::forecaster
                                   ? any_model::models{tocsin::forecaster<float>{}}
                               : kind == model_kind::autoencoder
                                   ? any_model::models{tocsin::autoencoder<float>{}}
                                   : any_model::models{tocsin::encoder_decoder<float>{}}}
                         .name());
    run.add("scaler", any_scaler{scaler}.name());
    run.add("loss", trainer.loss.kind == loss_kind::mse ? "mse" : "l1");
    run.add("epochs", std::to_string(trainer.epochs));
    run.add("patience", std::to_string(patience));
    for (const searched_option* option :
         {&learning_rate, &batch_size, &hidden, &layers, &dropout}) {
        run.add("fixed " + option->name, option->is_fixed() ? exact(option->range.low) : "no");
    }
    if (objective == objective_kind::detection) {
        run.add("objective", "detection at " + exact(alarms) + " false alarms in 10000 rows");
    }
    run.add("training data", training);
    run.add("validation data", validation);
    return run;
}

/// The command that trains a model as a trial did.
std::string search_command::train_line(const running_trial& best) const {
    std::string line = "tocsin_cli train MODEL";
    for (const std::string& path : data_paths) {
        line += ' ' + in_shell(path);
    }
    std::string encoder;
    for (const int size : sizes(best)) {
        encoder += (encoder.empty() ? "" : ",") + std::to_string(size);
    }
    line += " --encoder " + encoder;
    line += " --learning-rate " + exact(learning_rate.value(best));
    line += " --batch-size " + exact(batch_size.value(best));
    line += " --dropout " + exact(dropout.value(best));
    bool has_fraction = false;
    for (const CLI::Option* option : app->get_options()) {
        const bool shared = std::find(own.begin(), own.end(), option) == own.end();
        const std::string name = option->get_name();
        if (option->count() == 0 || !shared || name.front() != '-' || name == "--json" ||
            name == "--quiet") {
            continue;
        }
        has_fraction = has_fraction || name == "--validation-fraction";
        line += ' ' + name;
        if (option->get_items_expected() > 0) {
            for (const std::string& word : option->results()) {
                line += ' ' + in_shell(word);
            }
        }
    }
    return has_fraction ? line : line + " --validation-fraction " + exact(validation_fraction);
}

/// Trials judged by inserted anomalies: the last windows are split once more, into those that give
/// error statistics and threshold, and those that are judged.
template <class Log>
tocsin::search_outcome
search_command::search_detection(const tocsin::search_space& space, int features,
                                 const tocsin::detector_settings& shape,
                                 const std::vector<tocsin::windows<float>>& parts, Log& log) const {
    const auto held_out = require(tocsin::split_chronologically(parts[1], {0.5, 0.5}),
                                  "--validation-fraction, for --objective detection");
    const auto make = [&](const running_trial& trial) {
        return tocsin::trial_detector{
            any_detector{make_model(features, trial), shape, any_scaler{scaler}},
            make_trainer(trial)};
    };
    const auto objective_error = require(tocsin::make_detection_error<float>(
        {.training = parts[0], .validation = {}, .calibration = held_out[0], .tested = held_out[1]},
        make,
        {.promise = {.alarms = alarms},
         .seed = settings.seed,
         .report_every = settings.halving.first}));
    return require(tocsin::search(space, settings, objective_error, log));
}

void search_command::run() {
    check_ranges();
    trainer.stopping.patience = patience > 0 ? patience : std::numeric_limits<int>::max();
    settings.seed = trainer.seed;
    settings.method = random ? tocsin::search_method::random : tocsin::search_method::bayesian;
    tocsin::search_space space;
    for (const searched_option* option : searched()) {
        if (!option->is_fixed()) {
            space.add({option->name, option->kind, option->range.low, option->range.high});
        }
    }
    if (space.size() == 0) {
        fail(error_code::invalid_argument, "every setting is fixed: there is nothing to search");
    }
    require(space.check());
    if (objective != objective_kind::detection && alarms_option->count() > 0) {
        fail(error_code::invalid_argument, "--alarms belongs to --objective detection");
    }

    refuse_overwriting(command_files("DATA", data_paths), {{"--journal", journal_path}});
    const input_data data = read_recordings(data_paths, input, nullptr);
    echo(data, out);
    tocsin::detector_settings shape;
    shape.window = window > 0 ? window : data.is_series ? 30 : data.sequences.length;
    const auto parts =
        require(tocsin::split_chronologically(normal_windows(data, shape.window, windowing, out),
                                              {1 - validation_fraction, validation_fraction}),
                "--validation-fraction");

    std::optional<tocsin::search_journal> journal;
    if (!journal_path.empty()) {
        journal.emplace(require(tocsin::search_journal::open(journal_path, space, settings,
                                                             facts(parts[0], parts[1]))));
        if (!journal->trials().empty()) {
            out.note("resuming after " + std::to_string(journal->trials().size()) + " trials of " +
                     journal_path);
        }
    }
    const bool detects = objective == objective_kind::detection;
    const char* const value_name = detects ? "missed plus false alarms" : "RMSE";
    trial_log log{out, space, value_name, std::move(journal)};
    const auto error = [&](running_trial& trial) -> tocsin::result<double> {
        any_detector detector{make_model(data.features(), trial), shape, any_scaler{scaler}};
        const any_trainer made = make_trainer(trial);
        if (const tocsin::status usable = detector.check(); !usable.ok()) {
            return usable;
        }
        auto state =
            tocsin::training_state<float>::fresh(detector.model(), made.optimiser, made.seed);
        const tocsin::status trained =
            detector.train_from(state, parts[0], parts[1], made, tocsin::report_epochs{trial});
        return trained.ok() ? tocsin::result<double>{state.best_rmse} : trained;
    };
    const tocsin::search_outcome found =
        detects ? search_detection(space, data.features(), shape, parts, log)
                : require(tocsin::search(space, settings, error, log));

    const search_trial& best = found.best_trial();
    const running_trial trial{space, best.number, best.values};
    const std::string line = train_line(trial);
    ordered_json trials = ordered_json::array();
    const auto values_of = [&](const search_trial& of) {
        ordered_json values;
        for (std::size_t k = 0; k < space.size(); ++k) {
            values[space.settings()[k].name] = of.values[k];
        }
        return values;
    };
    std::size_t stopped = 0;
    std::size_t failed = 0;
    for (const search_trial& each : found.trials) {
        stopped += each.outcome == tocsin::trial_outcome::stopped ? 1 : 0;
        failed += each.outcome == tocsin::trial_outcome::failed ? 1 : 0;
        trials.push_back({{"trial", each.number + 1},
                          {"settings", values_of(each)},
                          {"outcome", tocsin::name_of(each.outcome)},
                          {detects ? "detection_error" : "validation_rmse", each.value},
                          {"epochs", each.reports.size()}});
    }
    out.say(std::to_string(found.trials.size()) + " trials, " + std::to_string(stopped) +
            " stopped early, " + std::to_string(failed) + " failed; best is " +
            std::to_string(best.number + 1) + ": " + value_name + ' ' + shown(best.value) +
            (detects ? " on the last windows, each with and without an inserted anomaly"
                     : " on the last windows, in scaled units"));
    for (std::size_t k = 0; k < space.size(); ++k) {
        out.say("  " + space.settings()[k].name + ": " + space.text(k, best.values[k]));
    }
    out.say("next: " + line);
    out.report({{"command", "search"},
                {"window", shape.window},
                {"best_trial", best.number + 1},
                {"best", values_of(best)},
                {detects ? "detection_error" : "validation_rmse", best.value},
                {"stopped", stopped},
                {"failed", failed},
                {"train", line},
                {"trials", std::move(trials)},
                {"read", describe_json(data)},
                {"warnings", warnings_of(data)}});
}

} // namespace

void add_search(CLI::App& app) {
    add_command<search_command>(
        app, "search",
        "Search settings of model and training by validation error; prints the command to train");
}

} // namespace tocsin_cli
