/// @file mean_of_models.hpp
/// @brief Several networks of one shape whose predictions are averaged.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/math/lstm_step_kernel.hpp"
#include "tocsin/models/forecasting_model.hpp"
#include "tocsin/models/model_parts.hpp"
#include "tocsin/models/sequence_model.hpp"

#include <algorithm>
#include <cstdio>
#include <span>
#include <utility>

namespace tocsin {

/// A model of `members()` parameter sets of one shape, whose prediction is the mean of theirs: what
/// single networks learn by chance cancels (Breiman, "Bagging predictors", Machine Learning 24, 1996;
/// Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive uncertainty estimation using
/// deep ensembles", NeurIPS 2017). Predictions are averaged, not weights: networks that were trained
/// apart have no units in common.
///
/// detector::train() trains the members side by side, each from weights of its own. detector::fit()
/// with `cross_fit` keeps the models of the folds instead of training one more on all data: member k
/// is the one that has not seen block k.
///
/// It forecasts, packs and keeps a state where `Model` does, at `members()` times the time and memory;
/// the state is that of each member, one after the other. Parameters: member0, member1, ...
/// @tparam Model of one member: forecaster, encoder_decoder, ...
template <sequence_model Model>
class mean_of_models {
    static constexpr bool packs = packable_model<Model>;
    static constexpr bool forecasts = forecasting_model<Model>;

  public:
    using scalar_type = typename Model::scalar_type;
    using member_type = Model; ///< of one member
    static constexpr const char* kind = "mean_of_models";
    static constexpr bool has_independent_windows = independent_windows<Model>;
    static constexpr int version = 1;
    static constexpr int most_members = 1000; ///< as many as cross_fit has folds

    /// Two members of default shape.
    constexpr mean_of_models() noexcept = default;
    /// @param member  the shape of every member
    /// @param members 2 to 1000
    constexpr mean_of_models(Model member, int members) noexcept
        : member_{std::move(member)}, members_{members} {}

    constexpr const Model& member() const noexcept { return member_; } ///< the shape of each
    constexpr int members() const noexcept { return members_; }        ///< how many
    constexpr int features() const noexcept { return member_.features(); }
    constexpr index_t parameter_count() const noexcept {
        return members_ * member_.parameter_count();
    }
    /// The parameters of one member among those of all. @param k from 0
    template <class Scalar>
    constexpr std::span<Scalar> parameters_of(std::span<Scalar> all, int k) const noexcept {
        return slice(all, k * member_.parameter_count(), member_.parameter_count());
    }
    /// Checks the member, then the number of members, and that the weights of all can be addressed.
    status check() const noexcept {
        if (status shape = member_.check(); !shape.ok()) {
            return shape;
        }
        if (members_ < 2 || members_ > most_members) {
            return status::error(error_code::invalid_argument, kind, ": ", members_,
                                 " members must lie in [2, ", most_members, "]");
        }
        return (detail::memory_of_parameters(member_) * members_).valid()
                   ? status{}
                   : status::error(error_code::invalid_argument, kind, ": ", members_,
                                   " members are too large for the memory that can be addressed");
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        for (int k = 0; k < members_; ++k) {
            char name[24];
            if (std::snprintf(name, sizeof name, "member%d", k) < 0) {
                name[0] = '\0'; // cannot be, as in visit_part()
            }
            detail::visit_part(visit, name, k * member_.parameter_count(), member_);
        }
    }
    /// Draws the parameters of each member, all different.
    void initialise(std::span<scalar_type> parameters, random_generator& random) const {
        for (int k = 0; k < members_; ++k) {
            member_.initialise(parameters_of(parameters, k), random);
        }
    }

    // ---- inference --------------------------------------------------------------------------

    /// Scalars of the packed weights; those of each member begin a cache line.
    constexpr index_t packed_size() const noexcept
        requires packs
    {
        return members_ * packed_of_member();
    }
    /// Packs the parameters of each member. Never allocates.
    void pack(std::span<const scalar_type> parameters, std::span<scalar_type> packed) const noexcept
        requires packs
    {
        for (int k = 0; k < members_; ++k) {
            member_.pack(parameters_of(parameters, k),
                         slice(packed, k * packed_of_member(), member_.packed_size()));
        }
    }
    /// Of all members at once; see detail::memory_of_pass().
    checked_size memory_of_pass(checked_size steps) const {
        return detail::memory_of_pass(member_, steps) * members_;
    }
    constexpr index_t predict_work_size(int batch, int time) const noexcept {
        return member_.predict_work_size(batch, time) + index_t{features()} * batch * time;
    }
    /// The mean of the members' predictions; see concept sequence_model. Never allocates for a batch
    /// of one.
    void predict(packed_weights<scalar_type> packed, sequence_view<const scalar_type> windows,
                 sequence_view<scalar_type> predictions, std::span<scalar_type> work) const noexcept
        requires packs
    {
        average(predictions.span(), work, [&](int k, std::span<scalar_type> out, auto rest) {
            member_.predict(packed.from(k * packed_of_member()), windows, like(predictions, out),
                            rest);
        });
    }
    /// The same for members that do not pack.
    void predict(std::span<const scalar_type> parameters, sequence_view<const scalar_type> windows,
                 sequence_view<scalar_type> predictions, std::span<scalar_type> work) const noexcept
        requires(!packs)
    {
        average(predictions.span(), work, [&](int k, std::span<scalar_type> out, auto rest) {
            member_.predict(parameters_of(parameters, k), windows, like(predictions, out), rest);
        });
    }

    // ---- streams: see concept forecasting_model ---------------------------------------------

    /// Features that are forecast, the first ones of a sample.
    constexpr int targets() const noexcept
        requires forecasts
    {
        return member_.targets();
    }
    /// Number of future samples in a forecast.
    constexpr int look_ahead() const noexcept
        requires requires(const Model& model) { model.look_ahead(); }
    {
        return member_.look_ahead();
    }
    /// Samples that a forecast is made from.
    constexpr int order() const noexcept
        requires requires(const Model& model) { model.order(); }
    {
        return member_.order();
    }
    constexpr int shortest_window() const noexcept
        requires requires(const Model& model) { model.shortest_window(); }
    {
        return member_.shortest_window();
    }
    /// Scalars of the state of a batch of streams; all zero before the first sample.
    constexpr index_t state_size(int batch) const noexcept
        requires requires(const Model& model) { model.state_size(1); }
    {
        return members_ * member_.state_size(batch);
    }
    /// Calls `visit(size)` for each part of the state of each member.
    template <class Visit>
    constexpr void for_each_state_block(Visit&& visit) const noexcept
        requires requires(const Model& model) { model.for_each_state_block([](index_t) {}); }
    {
        for (int k = 0; k < members_; ++k) {
            member_.for_each_state_block(visit);
        }
    }
    /// Scalars of the forecasts of a batch.
    constexpr index_t forecast_size(int batch) const noexcept
        requires forecasts
    {
        return member_.forecast_size(batch);
    }
    constexpr index_t step_work_size(int batch) const noexcept
        requires forecasts
    {
        return member_.step_work_size(batch) + forecast_size(batch);
    }
    /// Reads a sample of each stream; the mean of the members' forecasts. Never allocates.
    void step(packed_weights<scalar_type> packed, const matrix_view<const scalar_type>& samples,
              std::span<scalar_type> state, matrix_view<scalar_type> made,
              std::span<scalar_type> work) const noexcept
        requires forecasts
    {
        const auto batch = static_cast<int>(samples.cols());
        const std::span<scalar_type> all(made.data(), static_cast<std::size_t>(made.size()));
        average(all, work, [&](int k, std::span<scalar_type> out, auto rest) {
            member_.step(packed.from(k * packed_of_member()), samples,
                         slice(state, k * member_.state_size(batch), member_.state_size(batch)),
                         matrix_view<scalar_type>(out.data(), made.rows(), made.cols()), rest);
        });
    }
    /// The same for one stream, where a member can. @param sample `[features]`
    void step_column(packed_weights<scalar_type> packed, const scalar_type* sample,
                     scalar_type* state, scalar_type* made, scalar_type* work,
                     block_order order) const noexcept
        requires requires(const Model& model) {
            model.step_column(packed, sample, state, made, work, order);
        }
    {
        const std::span<scalar_type> all(made, static_cast<std::size_t>(forecast_size(1)));
        const std::span<scalar_type> area(work, static_cast<std::size_t>(step_work_size(1)));
        average(all, area, [&](int k, std::span<scalar_type> out, auto rest) {
            member_.step_column(packed.from(k * packed_of_member()), sample,
                                state + k * member_.state_size(1), out.data(), rest.data(), order);
        });
    }

    // ---- training ---------------------------------------------------------------------------

    constexpr index_t training_work_size(int batch, int time) const noexcept {
        return member_.training_work_size(batch, time);
    }
    /// Steps of each window that do not count in training.
    constexpr int warm_up() const noexcept
        requires requires(const Model& member) { member.warm_up(); }
    {
        return member_.warm_up();
    }
    /// The mean of the members' losses, not the loss of their mean, so that each learns what it would
    /// learn alone; adds the gradient. See concept sequence_model.
    template <class Loss>
    double loss_and_gradient(std::span<const scalar_type> parameters,
                             sequence_view<const scalar_type> windows, const Loss& loss,
                             std::span<scalar_type> gradients, random_generator& random,
                             std::span<scalar_type> work) const noexcept {
        return sum_over_members(loss, [&](int k, const auto& share) {
            return member_.loss_and_gradient(parameters_of(parameters, k), windows, share,
                                             parameters_of(gradients, k), random, work);
        });
    }
    /// The same for windows that continue where others ended; see concept stateful_model.
    template <class Loss>
    double loss_and_gradient(std::span<const scalar_type> parameters,
                             sequence_view<const scalar_type> windows, const Loss& loss,
                             std::span<scalar_type> gradients, random_generator& random,
                             std::span<scalar_type> work, std::span<scalar_type> state,
                             int steps_before) const noexcept
        requires stateful_model<Model>
    {
        const index_t size = state.empty() ? 0 : member_.state_size(windows.batch());
        return sum_over_members(loss, [&](int k, const auto& share) {
            return member_.loss_and_gradient(parameters_of(parameters, k), windows, share,
                                             parameters_of(gradients, k), random, work,
                                             slice(state, k * size, size), steps_before);
        });
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("members", members_, 2, most_members);
        archive.object("member", member_);
    }

  private:
    constexpr index_t packed_of_member() const noexcept {
        return whole_lines<scalar_type>(member_.packed_size());
    }
    static sequence_view<scalar_type> like(sequence_view<scalar_type> given,
                                           std::span<scalar_type> values) noexcept {
        return {values.data(), given.features(), given.batch(), given.time()};
    }
    /// Calls `predict(k, out, rest of the work area)` for each member and leaves the mean in `mean`.
    /// Where all agree, as on values that are copied, it is their value to the last bit.
    template <class Predict>
    void average(std::span<scalar_type> mean, std::span<scalar_type> work,
                 const Predict& predict) const noexcept {
        const auto one = slice(work, static_cast<index_t>(work.size() - mean.size()));
        const auto rest = work.first(work.size() - mean.size());
        predict(0, mean, rest);
        for (int k = 1; k < members_; ++k) {
            predict(k, one, rest);
            const auto share = scalar_type(1) / static_cast<scalar_type>(k + 1);
            for (std::size_t at = 0; at < mean.size(); ++at) {
                mean[at] += (one[at] - mean[at]) * share;
            }
        }
    }
    /// Adds `train(k, loss)` of all members, with a loss divided by their number.
    template <class Loss, class Train>
    double sum_over_members(const Loss& loss, const Train& train) const noexcept {
        const double share = 1.0 / members_;
        const auto shared = [&](std::span<const scalar_type> made,
                                std::span<const scalar_type> wanted,
                                std::span<scalar_type> slopes) noexcept {
            const double value = loss(made, wanted, slopes);
            for (scalar_type& slope : slopes) {
                slope *= static_cast<scalar_type>(share);
            }
            return value * share;
        };
        double sum = 0;
        for (int k = 0; k < members_; ++k) {
            sum += train(k, shared);
        }
        return sum;
    }

    Model member_{};
    int members_ = 2;
};

namespace detail {
template <class Model>
inline constexpr bool is_mean_of_models = false;
template <class Model>
inline constexpr bool is_mean_of_models<mean_of_models<Model>> = true;
} // namespace detail

} // namespace tocsin
