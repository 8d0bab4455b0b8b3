/// @file least_squares.hpp
/// @brief Trains a linear model in closed form: ridge regression, with the penalty chosen by itself.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/epoch_event.hpp"
#include "tocsin/training/fit_checks.hpp"
#include "tocsin/training/normal_equations.hpp"
#include "tocsin/training/regression_samples.hpp"
#include "tocsin/training/training_state.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace tocsin {

/// A sequence model whose forecast of the first `targets()` features of a sample is an affine
/// function of the `order()` samples before, and whose parameters are one block `[W | b]`,
/// `[targets x (features * order + 1)]`, the oldest sample first.
template <class Model>
concept linear_model = sequence_model<Model> && requires(const Model& model) {
    { model.order() } -> std::convertible_to<int>;
    { model.targets() } -> std::convertible_to<int>;
};

/// The update rule of a trainer that needs no updates; its one number of state is the ridge of the
/// solution.
struct closed_form {
    static constexpr const char* kind = "closed_form";
    static constexpr double learning_rate = 0; ///< there is none

    static status check() noexcept { return {}; }
    static constexpr index_t state_size(index_t /*parameter_count*/) noexcept { return 1; }
    /// Changes nothing.
    template <class Scalar>
    static void update(std::span<Scalar> /*parameters*/, std::span<const Scalar> /*gradients*/,
                       std::span<Scalar> /*state*/, std::int64_t /*step*/,
                       double /*rate_factor*/) noexcept {}
};

namespace detail {

/// Penalties that are tried, the largest first.
inline constexpr std::array<double, 8> tried_ridges{10, 1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};

/// The ridge with the smallest error, as a geometric mean over the targets, so that a target that
/// can be forecast well counts as much as one that cannot: the error in other samples, or, without
/// any, generalised cross-validation (Golub, Heath and Wahba, Technometrics 21, 1979). Allocates.
/// @param judges may have no samples
inline double best_ridge(const normal_equations& learned, const normal_equations& judges) {
    const bool held_out = judges.count() > 0;
    const normal_equations& judged = held_out ? judges : learned;
    const auto samples = static_cast<double>(learned.count());
    double best = tried_ridges.front();
    double least = std::numeric_limits<double>::infinity();
    for (const double ridge : tried_ridges) {
        const auto weights = learned.solve(ridge);
        const double left = held_out ? 0 : samples - learned.effective_parameters(ridge);
        if (!weights || (!held_out && !(left > 0))) {
            continue;
        }
        const column<double> errors = judged.squared_errors(*weights);
        double sum = 0;
        for (index_t k = 0; k < errors.size(); ++k) {
            const double scale = judged.squared_targets()[k];
            // Less than this is rounding.
            sum += scale > 0 ? std::log(std::max(errors[k] / scale, 1e-12)) : 0;
        }
        sum -= held_out ? 0 : 2 * std::log(left / samples) * static_cast<double>(errors.size());
        if (sum < least) {
            least = sum;
            best = ridge;
        }
    }
    return best;
}

} // namespace detail

/// A trainer in closed form, for models that satisfy linear_model: takes the place of `trainer` in
/// detector::train() and detector::fit(). A few passes over the samples, and at most two Cholesky
/// factorisations for each ridge that is tried; memory for at most four matrices of
/// `(features * order + 1)^2` doubles, however many samples there are. No seed, no epochs: the same
/// data gives the same weights.
struct least_squares {
    /// Most inputs, `features * order`: their four matrices take 540 MB.
    static constexpr index_t most_inputs = 4096;

    /// Penalty on the weights, of inputs and targets with variance 1, per sample; at least 0.
    /// Nothing: the one from 1e-6 to 10 with the smallest error in the validation windows, or, where
    /// there are none, by generalised cross-validation. 0 finds no solution where inputs are
    /// constant or depend on each other.
    std::optional<double> ridge{};
    static constexpr int epochs = 1;             ///< a run is one epoch
    static constexpr std::uint64_t seed = 0;     ///< not used
    static constexpr closed_form optimiser = {}; ///< what a training state needs

    /// Names a ridge out of range.
    status check() const noexcept {
        if (ridge && !(*ridge >= 0 && std::isfinite(*ridge))) {
            return status::error(error_code::invalid_argument, "least_squares: ridge ", *ridge,
                                 " must be finite and at least 0");
        }
        return {};
    }

    /// Finds the weights. A sample is learned from if the windows hold the `order` samples before it
    /// and none of its targets is missing; a missing input is the last value. Fails without a change
    /// to `state`. Allocates.
    /// @param training   windows of normal data, NaN where a value is missing
    /// @param validation windows that decide the ridge; may be empty
    /// @param state      by training_state::fresh for this model and optimiser; out: the weights, a
    ///                   history of one epoch, the ridge in `rule_state`. The errors in the history
    ///                   count what a forecaster copies (the first sample of a window, features
    ///                   beyond the targets) as forecast without error, as those of other models do.
    /// @param callbacks  called once, at the end; see trainer::fit
    template <linear_model Model, training_callback<typename Model::scalar_type>... Callbacks>
    status fit(const Model& model, const windows<typename Model::scalar_type>& training,
               const windows<typename Model::scalar_type>& validation,
               training_state<typename Model::scalar_type>& state, Callbacks&&... callbacks) const {
        using scalar = typename Model::scalar_type;
        if (const status ready = check_run(model, training, validation, state); !ready.ok()) {
            return ready;
        }
        const auto units = detail::moments_of(training);
        const index_t order = model.order();
        const index_t targets = model.targets();
        const detail::regression_samples<scalar> learned(training, units, order, targets);
        const detail::regression_samples<scalar> judges(validation, units, order, targets);
        const normal_equations sums = learned.sums();
        if (sums.count() == 0) {
            return status::error(error_code::invalid_data, "least_squares: no sample has all ",
                                 targets, " targets and the ", order, " samples before it");
        }
        const bool held_out = !validation.empty();
        const normal_equations held_out_sums =
            held_out ? judges.sums() : normal_equations(sums.inputs(), targets);
        const double penalty = ridge ? *ridge : detail::best_ridge(sums, held_out_sums);
        const auto solved = sums.solve(penalty);
        if (!solved) {
            return solved.error();
        }
        aligned_vector<scalar> parameters(static_cast<std::size_t>(model.parameter_count()));
        Eigen::Map<matrix<scalar>> stored(parameters.data(), targets, sums.inputs() + 1);
        stored = in_units_of_the_data(*solved, units).template cast<scalar>();
        if (!stored.allFinite()) {
            return status::error(error_code::invalid_data, "least_squares: a weight is beyond the ",
                                 "range of the model's scalar, ", solved->cwiseAbs().maxCoeff(),
                                 " in standard units");
        }
        const column<double> deviation = units.deviation.head(targets);
        const double copied = static_cast<double>(targets * (training.length() - 1)) /
                              (static_cast<double>(model.features()) * training.length());
        epoch_record record;
        record.training_loss = sums.squared_errors(*solved).dot(deviation.cwiseAbs2()) /
                               static_cast<double>(sums.count() * targets);
        const bool has_judges = held_out_sums.count() > 0;
        const double judged =
            static_cast<double>((has_judges ? held_out_sums.count() : sums.count()) * targets);
        double squares = 0;
        double magnitudes = 0;
        (has_judges ? judges : learned).for_each_block([&](const auto& x, const auto& y) {
            const matrix<double> errors = deviation.asDiagonal() * (y - *solved * x);
            squares += errors.squaredNorm();
            magnitudes += errors.template lpNorm<1>();
        });
        record.validation_rmse = std::sqrt(squares / judged * copied);
        record.validation_mae = magnitudes / judged * copied;

        state.parameters = parameters;
        state.best_parameters = std::move(parameters);
        state.rule_state.front() = static_cast<scalar>(penalty);
        state.step = 1;
        state.best_epoch = 0;
        state.best_rmse = record.validation_rmse;
        state.history = {record};
        [[maybe_unused]] const epoch_event<scalar> event{state.history.back(), state, epochs};
        (detail::notify(callbacks, event), ...);
        return {};
    }

  private:
    template <class Model>
    status check_run(const Model& model, const windows<typename Model::scalar_type>& training,
                     const windows<typename Model::scalar_type>& validation,
                     const training_state<typename Model::scalar_type>& state) const {
        for (const status& usable : {check(), model.check(), detail::check_not_empty(training)}) {
            if (!usable.ok()) {
                return usable;
            }
        }
        const index_t inputs = index_t{model.features()} * model.order();
        if (inputs > most_inputs) {
            return status::error(error_code::invalid_argument, "least_squares: ", model.features(),
                                 " features times order ", model.order(), " are ", inputs,
                                 " inputs, at most ", most_inputs, " are supported");
        }
        if (static_cast<index_t>(state.parameters.size()) != model.parameter_count() ||
            static_cast<index_t>(state.rule_state.size()) != closed_form::state_size(0)) {
            return status::error(error_code::invalid_argument, "least_squares: the training state ",
                                 "has ", state.parameters.size(), " parameters and ",
                                 state.rule_state.size(), " values of the optimiser, not ",
                                 model.parameter_count(), " and ", closed_form::state_size(0));
        }
        for (const auto* part : {&training, &validation}) {
            if (!part->empty() && part->length() <= model.order()) {
                return status::error(error_code::invalid_data, "least_squares: windows of ",
                                     part->length(), " samples are shorter than the ",
                                     model.order() + 1, " that the model needs");
            }
            if (const status usable =
                    detail::check_windows(*part, model.features(), detail::missing_values::allowed);
                !usable.ok()) {
                return usable;
            }
        }
        return {};
    }

    /// Weights for standard units as weights for the values themselves.
    static matrix<double> in_units_of_the_data(const matrix<double>& standard,
                                               const detail::feature_moments& units) {
        const index_t inputs = standard.cols() - 1;
        const index_t features = units.mean.size();
        matrix<double> weights = standard;
        column<double> shift = column<double>::Zero(standard.rows());
        for (index_t k = 0; k < inputs; ++k) {
            weights.col(k) /= units.deviation[k % features];
            shift += weights.col(k) * units.mean[k % features];
        }
        weights.col(inputs) -= shift;
        const auto targets = standard.rows();
        weights = units.deviation.head(targets).asDiagonal() * weights;
        weights.col(inputs) += units.mean.head(targets);
        return weights;
    }
};

} // namespace tocsin
