/// @file training_state.hpp
/// @brief Everything that changes during a training run: the content of a checkpoint.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/training/history.hpp"
#include "tocsin/training/update_rule.hpp"

#include <cstdint>
#include <cstdio>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

template <class Scalar>
struct training_state;

namespace detail {
template <class Scalar, class Model, class Optimiser>
training_state<Scalar> fresh_state(const Model& model, const Optimiser& optimiser,
                                   std::uint64_t seed);
} // namespace detail

/// State of a run at the end of an epoch. Training that resumes from a saved and loaded state gives
/// the same bits as uninterrupted training.
template <class Scalar>
struct training_state {
    aligned_vector<Scalar> parameters;      ///< after the last epoch
    aligned_vector<Scalar> best_parameters; ///< of the epoch with the lowest validation RMSE
    aligned_vector<Scalar> rule_state;      ///< of the optimiser
    std::int64_t step = 0;                  ///< updates so far
    random_generator random{};              ///< order of batches, dropout
    double best_rmse = std::numeric_limits<double>::infinity(); ///< of the best epoch so far
    int best_epoch = -1;               ///< counted from 0; -1 before the first
    std::vector<epoch_record> history; ///< one per finished epoch

    /// Epochs so far.
    int finished_epochs() const noexcept { return static_cast<int>(history.size()); }

    /// A fresh start: draws the model's parameters from the seed, zeroes the optimiser's state.
    template <class Model, update_rule<Scalar> Optimiser>
    static training_state fresh(const Model& model, const Optimiser& optimiser,
                                std::uint64_t seed) {
        return detail::fresh_state<Scalar>(model, optimiser, seed);
    }

    static constexpr int version = 1;
    /// Describes the state to an archive. Loading needs a state made by fresh() for the same model
    /// and optimiser: sizes that differ are refused.
    template <class Archive>
    void exchange(Archive& archive) {
        archive.tensor("parameters", std::span<Scalar>(parameters),
                       {static_cast<index_t>(parameters.size())});
        archive.tensor("best_parameters", std::span<Scalar>(best_parameters),
                       {static_cast<index_t>(best_parameters.size())});
        archive.tensor("rule_state", std::span<Scalar>(rule_state),
                       {static_cast<index_t>(rule_state.size())});
        archive.integer("step", step, std::int64_t{0}, largest_count);
        archive.integer("best_epoch", best_epoch, -1);
        random_generator::state_type words = random.state();
        for (std::size_t k = 0; k < words.size(); ++k) {
            char name[24];
            std::snprintf(name, sizeof name, "random.%d", static_cast<int>(k));
            archive.integer(name, words[k]);
        }
        random.set_state(words);
        if (Archive::loading && words == random_generator::state_type{}) {
            archive.fail(status::error(error_code::format_error,
                                       "random: a state of zeros gives zeros for ever"));
        }
        exchange_history(archive);
    }

  private:
    template <class Archive>
    void exchange_history(Archive& archive) {
        constexpr int columns = 5;
        auto epochs = static_cast<std::int64_t>(history.size());
        archive.integer("epochs", epochs);
        if (epochs < 0 || epochs > 10'000'000) {
            archive.fail(status::error(error_code::format_error, "epochs: ", epochs,
                                       " is outside [0, 10000000]"));
            return;
        }
        // When loading, it takes the size that the file holds.
        matrix<double> table(columns, Archive::loading ? 0 : static_cast<index_t>(epochs));
        for (std::size_t k = 0; k < history.size() && !Archive::loading; ++k) {
            const epoch_record& record = history[k];
            double* const row = table.data() + columns * k;
            row[0] = record.training_loss;
            row[1] = record.validation_rmse;
            row[2] = record.validation_mae;
            row[3] = record.learning_rate;
            row[4] = record.gradient_norm;
        }
        if (epochs > 0) {
            archive.matrix("history", table);
        }
        if (Archive::loading) {
            history.clear();
            best_rmse = std::numeric_limits<double>::infinity();
            if (archive.outcome().ok() &&
                (table.cols() != static_cast<index_t>(epochs) || table.rows() != columns)) {
                archive.fail(status::error(error_code::format_error, "epochs: ", epochs,
                                           ", but the history holds ", table.cols()));
            }
            if (best_epoch >= epochs) {
                archive.fail(status::error(error_code::format_error, "best_epoch: ", best_epoch,
                                           " is none of the ", epochs, " epochs"));
            }
            if (!archive.outcome().ok()) {
                return;
            }
            for (std::int64_t k = 0; k < epochs; ++k) {
                const double* const row = table.data() + columns * k;
                history.push_back({static_cast<int>(k), row[0], row[1], row[2], row[3], row[4]});
                best_rmse = row[1] < best_rmse ? row[1] : best_rmse;
            }
        }
    }
};

namespace detail {

// Not in the class, so that compiled.hpp can name it.
template <class Scalar, class Model, class Optimiser>
training_state<Scalar> fresh_state(const Model& model, const Optimiser& optimiser,
                                   std::uint64_t seed) {
    training_state<Scalar> state;
    state.random = random_generator{seed};
    state.parameters.resize(static_cast<std::size_t>(model.parameter_count()));
    model.initialise(state.parameters, state.random);
    state.best_parameters = state.parameters;
    state.rule_state.assign(static_cast<std::size_t>(optimiser.state_size(model.parameter_count())),
                            Scalar(0));
    return state;
}

} // namespace detail
} // namespace tocsin
