#include "row_judge.hpp"

#include "failure.hpp"
#include "options.hpp"
#include <algorithm>
#include <cmath>

namespace tocsin_cli {

void row_options::add_to(CLI::App& command) {
    CLI::Option* const adapt = command.add_flag(
        "--adapt", adapt_,
        "The threshold learns from the scores of the rows; needs a model tuned with a --rule "
        "that has peaks-over-threshold in its name");
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
    alarms_.add_to(command);
}

std::string row_options::first_given() const {
    for (const auto* options : {&learning_options_, &alarms_.options()}) {
        for (const CLI::Option* option : *options) {
            if (option->count() > 0) {
                return option->get_name();
            }
        }
    }
    return {};
}

row_judge::row_judge(const model_file& model, const row_options& options, const std::string& path)
    : detector_{model.detector},
      classified_{model.classifier ? model.classifier->make_stream() : nullptr},
      judged_{model.judge ? model.judge->make_stream() : nullptr},
      stream_{classified_ || judged_ ? any_detector::stream_type{} : detector_.make_stream()},
      shares_(static_cast<std::size_t>(model.features())), smoothing_{detector_.rule().smoothing()},
      has_alarms_{options.alarms().given()}, alarm_{options.alarms()} {
    if (options.adapt() || std::isfinite(options.half_life())) {
        enable_learning(options, path, model.judge ? model.judge->judge() : "");
    }
    if (judged_) {
        promise_.emplace(model.judge->gap(), model.judge->promised(), model.judge->level());
    } else if (const tocsin::alarm_rate* rule = detector_.rule().promise();
               rule != nullptr && !classified_) {
        promise_.emplace(*rule);
    }
}

void row_judge::enable_learning(const row_options& options, const std::string& path,
                                const char* judge) {
    const char* const option = options.adapt() ? "--adapt" : "--learn";
    if (classified_) {
        fail(tocsin::error_code::invalid_argument, option, ": ", path,
             " is a classifier, which does not adapt to rows without labels");
    }
    if (judged_) {
        fail(tocsin::error_code::invalid_argument, option, ": the rows of ", path,
             " are judged by ", judge, ", which it cannot change");
    }
    if (options.adapt()) {
        const any_threshold& rule = detector_.rule();
        if (detector_.threshold() != rule.threshold()) {
            fail(tocsin::error_code::invalid_argument, "--adapt: ", path,
                 " has a threshold by hand, ", detector_.threshold());
        }
        if (!rule.adapts()) {
            fail(tocsin::error_code::invalid_argument, "--adapt: rule '", rule.name(), "' of ",
                 path, " does not adapt; one with peaks-over-threshold in its name does");
        }
    }
    require(detector_.enable_learning(stream_,
                                      {.half_life = options.half_life(), .rule = options.adapt()}),
            option);
}

row_verdict row_judge::push(std::span<const float> sample, double time) noexcept {
    row_verdict result{.verdict = judge(sample, time)};
    tocsin::verdict& verdict = result.verdict;
    if (verdict.scored() && judged_) {
        result.shares = shares_; // the verdict is complete
    } else if (verdict.scored()) {
        result.shares = shares_;
        verdict.score = smoothing_.push(verdict.score);
        verdict.expected_false_alarms = detector_.rule().expected_false_alarms(verdict.score);
        verdict.kind = verdict.score > verdict.threshold ? tocsin::verdict_kind::anomaly
                       : verdict.lost > 0                ? tocsin::verdict_kind::sensor_lost
                                                         : tocsin::verdict_kind::normal;
    }
    if (promise_) {
        promise_->push(verdict);
        verdict.rate_exceeded = promise_->rate_exceeded();
    }
    if (!classified_ && !judged_) {
        detector_.learn(stream_); // does nothing without --adapt and --learn
    }
    result.alarm = alarm_.push(verdict);
    alarm_rows_ += result.alarm ? 1 : 0;
    alarms_ += result.alarm && !alarm_before_ ? 1 : 0;
    alarm_before_ = result.alarm;
    return result;
}

tocsin::verdict row_judge::judge(std::span<const float> sample, double time) noexcept {
    if (judged_) {
        const tocsin::verdict verdict = judged_->push(sample, time);
        judged_->shares(shares_);
        return verdict;
    }
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

} // namespace tocsin_cli
