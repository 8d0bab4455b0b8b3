#include "row_judge.hpp"

#include "failure.hpp"
#include "options.hpp"
#include <algorithm>
#include <cmath>

namespace tocsin_cli {

void row_options::add_to(CLI::App& command) {
    CLI::Option* const adapt = command.add_flag(
        "--adapt", adapt_,
        "The threshold learns from the scores of the rows; needs a model tuned with --rule "
        "peaks-over-threshold or drift-peaks-over-threshold");
    CLI::Option* const learn =
        add_number(command, "--learn", half_life_,
                   "Normal errors follow a slow drift: they are learned from the rows that are no "
                   "anomalies, and after this many rows a row counts half as much. A fault that "
                   "begins slowly enough is learned, too",
                   1, 1e9, false)
            ->type_name("ROWS");
    learning_options_ = {adapt, learn};
    for (CLI::Option* option : learning_options_) {
        option->group("Learning (the model file stays as it is)");
    }
    add_alarms_to(command);
}

void row_options::add_alarms_to(CLI::App& command) {
    constexpr const char* group = "Alarms (of rows; in this order)";
    CLI::Option* const hysteresis =
        with_default(add_number(command, "--hysteresis", hysteresis_,
                                "An alarm lasts until the score falls below this share of the "
                                "threshold",
                                0, 1, true),
                     hysteresis_);
    CLI::Option* const m_of_n =
        command
            .add_option_function<std::string>(
                "--m-of-n",
                [this](const std::string& given) {
                    const auto pieces = split_at_commas(given);
                    if (pieces.size() != 2) {
                        throw CLI::ValidationError("--m-of-n", "'" + given + "' is not M,N");
                    }
                    n_ = parse_integer<int>("--m-of-n", pieces[1], 1, 64);
                    m_ = parse_integer<int>("--m-of-n", pieces[0], 1, n_);
                },
                "An alarm needs M anomalies among the last N rows, N at most 64")
            ->type_name("M,N")
            ->default_str("1,1");
    CLI::Option* const duration = add_integer<std::int64_t>(
        command, "--minimum-duration", duration_,
        "An alarm needs this many anomalies in consecutive rows", 1, tocsin::detail::most_rows);
    CLI::Option* const silence = add_integer<std::int64_t>(
        command, "--suppress", silence_, "No new alarm for this many rows after one", 0,
        tocsin::detail::most_rows);
    alarm_options_ = {hysteresis, m_of_n, duration, silence};
    for (CLI::Option* option : alarm_options_) {
        option->group(group);
    }
}

bool row_options::has_alarms() const {
    return std::any_of(alarm_options_.begin(), alarm_options_.end(),
                       [](const CLI::Option* option) { return option->count() > 0; });
}

alarm_pieces row_options::pieces() const noexcept {
    return alarm_pieces{tocsin::m_of_n{m_, n_}, tocsin::minimum_duration{duration_},
                        tocsin::suppression{silence_}};
}

std::string row_options::first_given() const {
    for (const auto* options : {&learning_options_, &alarm_options_}) {
        for (const CLI::Option* option : *options) {
            if (option->count() > 0) {
                return option->get_name();
            }
        }
    }
    return {};
}

namespace {

// The input of hysteresis: whether the score is above the threshold, or only above the share of it
// where an alarm ends. Both move with a threshold that adapts.
constexpr double above = 2;
constexpr double between = 1;
constexpr double below = 0;

} // namespace

row_judge::row_judge(const model_file& model, const row_options& options, const std::string& path)
    : detector_{model.detector},
      classified_{model.classifier ? model.classifier->make_stream() : nullptr},
      stream_{classified_ ? any_detector::stream_type{} : detector_.make_stream()},
      shares_(static_cast<std::size_t>(model.features())), smoothing_{detector_.rule().smoothing()},
      has_alarms_{options.has_alarms()}, end_of_alarm_{options.hysteresis_},
      hysteresis_{1.5, options.hysteresis_ < 1 ? 0.5 : 1.5}, chain_{options.pieces()} {
    if (options.adapt() || std::isfinite(options.half_life())) {
        enable_learning(options, path);
    }
}

void row_judge::enable_learning(const row_options& options, const std::string& path) {
    const char* const option = options.adapt() ? "--adapt" : "--learn";
    if (classified_) {
        fail(tocsin::error_code::invalid_argument, option, ": ", path,
             " is a classifier, which does not adapt to rows without labels");
    }
    if (options.adapt()) {
        const any_threshold& rule = detector_.rule();
        if (detector_.threshold() != rule.threshold()) {
            fail(tocsin::error_code::invalid_argument, "--adapt: ", path,
                 " has a threshold by hand, ", detector_.threshold());
        }
        if (!rule.adapts()) {
            fail(tocsin::error_code::invalid_argument, "--adapt: rule '", rule.name(), "' of ",
                 path, " does not adapt; (drift-)peaks-over-threshold does");
        }
    }
    require(detector_.enable_learning(stream_,
                                      {.half_life = options.half_life(), .rule = options.adapt()}),
            option);
}

row_verdict row_judge::push(std::span<const float> sample, double time) noexcept {
    row_verdict result{.verdict = judge(sample, time)};
    tocsin::verdict& verdict = result.verdict;
    if (verdict.scored()) {
        result.shares = shares_;
        verdict.score = smoothing_.push(verdict.score);
        verdict.expected_false_alarms = detector_.rule().expected_false_alarms(verdict.score);
        verdict.kind = verdict.score > verdict.threshold ? tocsin::verdict_kind::anomaly
                       : verdict.lost > 0                ? tocsin::verdict_kind::sensor_lost
                                                         : tocsin::verdict_kind::normal;
    }
    if (!classified_) {
        detector_.learn(stream_); // does nothing without --adapt and --learn
    }
    result.alarm = chain_.push(raises_alarm(verdict));
    alarm_rows_ += result.alarm ? 1 : 0;
    alarms_ += result.alarm && !alarm_before_ ? 1 : 0;
    alarm_before_ = result.alarm;
    return result;
}

tocsin::verdict row_judge::judge(std::span<const float> sample, double time) noexcept {
    if (!classified_) {
        const tocsin::verdict verdict = detector_.push(stream_, sample, time);
        if (verdict.scored()) {
            detector_.shares(stream_, shares_);
        }
        return verdict;
    }
    const tocsin::verdict verdict = classified_->push(sample, time);
    if (verdict.is_anomaly()) {
        classified_->explain(shares_); // a pass for each sensor
    } else {
        std::fill(shares_.begin(), shares_.end(), 0.0);
    }
    return verdict;
}

/// A row without a score raises none unless a sensor is lost, but it does not end one that
/// hysteresis holds.
bool row_judge::raises_alarm(const tocsin::verdict& verdict) noexcept {
    if (verdict.lost > 0) {
        return hysteresis_.push(above);
    }
    if (!verdict.scored()) {
        return end_of_alarm_ < 1 && hysteresis_.active();
    }
    return hysteresis_.push(verdict.is_anomaly()                                 ? above
                            : verdict.score >= end_of_alarm_ * verdict.threshold ? between
                                                                                 : below);
}

} // namespace tocsin_cli
