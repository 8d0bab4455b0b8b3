/// @file classification_history.hpp
/// @brief The record of each epoch of a classifier, with rules that look at any of its numbers.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/metrics/classification.hpp"
#include "tocsin/training/epochs_since_best.hpp"
#include "tocsin/training/schedules.hpp"

#include <algorithm>
#include <concepts>
#include <limits>
#include <span>

namespace tocsin {

/// One epoch of training. Without validation windows, the numbers of validation are NaN.
struct classification_record {
    int epoch = 0;            ///< counted from 0
    double training_loss = 0; ///< mean over the epoch's batches, dropout on, penalties included
    double validation_loss = std::numeric_limits<double>::quiet_NaN(); ///< without penalties
    classification_scores validation; ///< at a probability of 1/2, or of the likeliest class
    double learning_rate = 0;         ///< of the epoch
    double gradient_norm = 0;         ///< mean over the epoch's batches, before clipping
};

/// A number of a classification_record.
enum class classification_metric {
    training_loss,
    validation_loss,
    accuracy,
    precision,
    recall,
    f1,
    auc
};

/// That number, as one of which lower is better: losses as they are, the others negated.
constexpr double cost_of(const classification_record& record,
                         classification_metric metric) noexcept {
    switch (metric) {
    case classification_metric::training_loss:
        return record.training_loss;
    case classification_metric::validation_loss:
        return record.validation_loss;
    case classification_metric::accuracy:
        return -record.validation.accuracy;
    case classification_metric::precision:
        return -record.validation.precision;
    case classification_metric::recall:
        return -record.validation.recall;
    case classification_metric::f1:
        return -record.validation.f1;
    case classification_metric::auc:
        return -record.validation.auc;
    }
    return std::numeric_limits<double>::quiet_NaN();
}

/// As stopping_rule, for the history of a classifier.
template <class Rule>
concept classifier_stopping_rule =
    requires(const Rule rule, std::span<const classification_record> history) {
        { rule(history) } noexcept -> std::convertible_to<bool>;
    };

/// A learning_rate_schedule, or one that takes the history of a classifier instead of the epoch.
template <class Schedule>
concept classifier_schedule =
    learning_rate_schedule<Schedule> ||
    requires(const Schedule schedule, std::span<const classification_record> history) {
        { schedule(history) } noexcept -> std::convertible_to<double>;
    };

/// Stopping rule: ends when a metric has not improved by more than `minimum_change` for `patience`
/// epochs in which it was measured: without validation windows, one of theirs never ends training.
struct stop_on_metric {
    static constexpr const char* kind = "metric";
    classification_metric metric = classification_metric::validation_loss; ///< what is compared
    int patience = 10;                                                     ///< epochs, at least 1
    double minimum_change = 0;                                             ///< not negative

    status check() const noexcept {
        if (patience < 1 || !(minimum_change >= 0)) {
            return status::error(error_code::invalid_argument, "stop_on_metric: patience ",
                                 patience, " and minimum change ", minimum_change,
                                 " must be at least 1 and 0");
        }
        return {};
    }
    /// Whether training ends after the last epoch of the history.
    bool operator()(std::span<const classification_record> history) const noexcept {
        detail::epochs_since_best since_best(minimum_change);
        for (const classification_record& record : history) {
            since_best.add(cost_of(record, metric));
        }
        return since_best.count() >= patience;
    }
};

/// Stopping rule: runs all epochs.
struct train_all_epochs {
    static constexpr const char* kind = "all";
    /// Never.
    bool operator()(std::span<const classification_record> /*history*/) const noexcept {
        return false;
    }
};

/// Learning rate: multiplied by `factor` whenever a metric has not improved by more than
/// `minimum_change` for `patience` epochs, as Keras' ReduceLROnPlateau. It depends only on the
/// history, as stopping rules do.
struct plateau_decay {
    static constexpr const char* kind = "plateau";
    /// What is compared.
    classification_metric metric = classification_metric::training_loss;
    double factor = 0.5; ///< in (0, 1)
    int patience = 50;   ///< epochs, at least 1
    double lowest = 0;   ///< the factor on the optimiser's rate does not fall below; in [0, 1]
    double minimum_change = 0; ///< not negative

    status check() const noexcept {
        if (!(factor > 0 && factor < 1) || patience < 1 || !(lowest >= 0 && lowest <= 1) ||
            !(minimum_change >= 0)) {
            return status::error(error_code::invalid_argument, "plateau_decay: factor ", factor,
                                 ", patience ", patience, ", lowest ", lowest,
                                 " and minimum change ", minimum_change,
                                 " must be in (0, 1), at least 1, in [0, 1] and not negative");
        }
        return {};
    }
    /// The factor on the rate in the epoch that follows `history`.
    double operator()(std::span<const classification_record> history) const noexcept {
        detail::epochs_since_best since_best(minimum_change);
        double rate = 1;
        for (const classification_record& record : history) {
            if (since_best.add(cost_of(record, metric)) >= patience) {
                rate = std::max(rate * factor, lowest);
                since_best.start_again();
            }
        }
        return rate;
    }
};

} // namespace tocsin
