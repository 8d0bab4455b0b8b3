/// @file batch_gradient.hpp
/// @brief Loss and gradient of one batch of windows, shard by shard.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/models/batches.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/losses.hpp"

#include <algorithm>
#include <concepts>
#include <span>
#include <vector>

namespace tocsin {

/// What a batch needs of a model: sequence_model and sequential both have it.
template <class Model>
concept batch_model =
    std::floating_point<typename Model::scalar_type> && requires(const Model model, int size) {
        { model.features() } -> std::convertible_to<int>;
        { model.parameter_count() } -> std::convertible_to<index_t>;
        { model.training_work_size(size, size) } -> std::convertible_to<index_t>;
    };

namespace detail {

/// How many windows of a batch a model works on at once: the whole batch, or, where the memory of
/// backpropagation would not stay in a second-level cache, as many windows as do. What a model does
/// once for each part, such as packing weights, must be little beside it.
template <batch_model Model>
index_t windows_at_once(const Model& model, int batch, int time) noexcept {
    if constexpr (independent_windows<Model>) {
        constexpr auto cache =
            static_cast<index_t>((4 << 20) / sizeof(typename Model::scalar_type));
        // Twelve columns fill the registers of every batch kernel.
        constexpr index_t columns = 12;
        const index_t for_one = model.training_work_size(1, time);
        const index_t for_each = model.training_work_size(2, time) - for_one;
        const index_t at_once = cache / std::max<index_t>(1, for_each) / columns * columns;
        const bool pays = 4 * (for_one - for_each) <= at_once * for_each;
        if (at_once > 0 && pays) {
            return std::min<index_t>(batch, at_once);
        }
    }
    return batch;
}

} // namespace detail

/// Holds all memory for a batch of up to a given size, so that a training step does not allocate. A
/// batch is split into shards of about equal size, each with its own gradient. A shard may go
/// through the model in several parts, whose gradients are added in order; the number of windows in
/// a part depends on the model, the size of the shard and the length of the windows alone.
template <batch_model Model>
class batch_gradient {
  public:
    using scalar_type = typename Model::scalar_type;

    /// Allocates.
    /// @param batch,time largest number of windows in a batch, and their length
    /// @param keeps_state whether later batches continue where earlier ones ended; needs a stateful
    ///                    model
    batch_gradient(const Model& model, int shards, int batch, int time, bool keeps_state = false)
        : shards_(static_cast<std::size_t>(shards)) {
        const int widest = (batch + shards - 1) / shards;
        at_once_ = keeps_state ? widest : detail::windows_at_once(model, widest, time);
        const auto parameters = static_cast<std::size_t>(model.parameter_count());
        for (shard& part : shards_) {
            part.inputs.resize(
                static_cast<std::size_t>(index_t{model.features()} * time * at_once_));
            part.gradients.resize(parameters);
            part.addend.resize(at_once_ < widest ? parameters : 0);
            part.work.resize(static_cast<std::size_t>(
                model.training_work_size(static_cast<int>(at_once_), time)));
            if constexpr (stateful_model<Model>) {
                part.state.resize(
                    static_cast<std::size_t>(keeps_state ? model.state_size(widest) : 0));
            }
        }
    }

    /// The next batch starts from zero states.
    void restart() noexcept {
        for (shard& part : shards_) {
            zero(std::span<scalar_type>(part.state));
        }
    }

    /// Steps of windows: all, or the steps of one piece of truncated backpropagation through time.
    struct time_range {
        int first; ///< the first time step
        int count; ///< time steps
    };

    /// Loss of the windows `order` of `source`; gradients() then returns its gradient.
    /// @param random drives dropout; with several shards each gets a generator seeded from it
    template <class Team, loss_function<scalar_type> Loss>
    double compute(Team& team, const Model& model, std::span<const scalar_type> parameters,
                   const windows<scalar_type>& source, std::span<const index_t> order,
                   time_range range, const Loss& loss, random_generator& random) noexcept {
        const detail::loss_ref<scalar_type> judge(loss);
        const auto same_for_all = [&judge](std::span<const index_t>,
                                           detail::loss_coverage& coverage) noexcept {
            return judge.covering(coverage);
        };
        return compute_by_members(team, model, parameters, source, order, range, same_for_all,
                                  random);
    }
    /// The same with a loss that depends on which windows a shard has, such as one of labels.
    /// @param loss_of_members returns the loss of the windows that it is given, as
    ///                        `loss_of_members(members, coverage)`; noexcept
    template <class Team, class LossOfMembers>
    double compute_by_members(Team& team, const Model& model,
                              std::span<const scalar_type> parameters,
                              const windows<scalar_type>& source, std::span<const index_t> order,
                              time_range range, const LossOfMembers& loss_of_members,
                              random_generator& random) noexcept {
        const auto count = static_cast<index_t>(shards_.size());
        const auto batch = static_cast<index_t>(order.size());
        const bool several = count > 1;
        if (several) {
            for (shard& part : shards_) {
                part.random = random_generator(random());
            }
        }
        const auto first_of = [&](index_t k) { return batch * k / count; };
        team.run([&](int k) noexcept {
            shard& part = shards_[static_cast<std::size_t>(k)];
            const auto shard_members = slice(order, first_of(k), first_of(k + 1) - first_of(k));
            const auto size = static_cast<index_t>(shard_members.size());
            const auto gradients = zero(std::span<scalar_type>(part.gradients));
            part.sums = {};
            for (index_t first = 0; first < size; first += at_once_) {
                const index_t taken = std::min(at_once_, size - first);
                const auto members = slice(shard_members, first, taken);
                const sequence_view<scalar_type> inputs(part.inputs.data(), source.features(),
                                                        static_cast<int>(taken), range.count);
                gather_batch<scalar_type>(source, members, inputs, range.first);
                const bool all = taken == size;
                const auto sums = all ? gradients : zero(std::span<scalar_type>(part.addend));
                detail::loss_coverage coverage;
                const double loss = loss_of(part, model, parameters, inputs, range.first,
                                            loss_of_members(members, coverage), sums,
                                            several ? part.random : random);
                part.sums.observed += static_cast<double>(taken) * coverage.share();
                if (all) {
                    part.sums.loss = loss;
                } else {
                    const double share =
                        static_cast<double>(taken) / static_cast<double>(size) * coverage.share();
                    part.sums.loss += share * loss;
                    add_share(static_cast<scalar_type>(share), sums, gradients);
                }
            }
            if (size > at_once_) {
                scale_to_mean(part, static_cast<double>(size));
            }
        });
        static_assert(
            !requires(double& loss) { team.share(0, gradients(), loss); },
            "tocsin: a team shares sums, share(shard, gradients, std::span<double>)");
        if constexpr (requires { team.share(0, gradients(), std::span<double>{}); }) {
            for (int k = 0; k < static_cast<int>(count); ++k) {
                shard& part = shards_[static_cast<std::size_t>(k)];
                double numbers[] = {part.sums.loss, part.sums.observed};
                team.share(k, std::span<scalar_type>(part.gradients), std::span<double>(numbers));
                part.sums = {numbers[0], numbers[1]};
            }
        }
        return several ? sum_in_order() : shards_.front().sums.loss;
    }
    /// Windows of the last batch, each by the share of its targets that the loss did not leave out:
    /// the weight of its loss in a mean over batches.
    double observed_windows() const noexcept {
        double all = 0;
        for (const shard& part : shards_) {
            all += part.sums.observed;
        }
        return all;
    }

    /// Gradient of the last batch, in the layout of the parameters.
    std::span<scalar_type> gradients() noexcept { return shards_.front().gradients; }

  private:
    struct shard_sums {
        double loss = 0;     ///< mean over what was observed
        double observed = 0; ///< windows, each by its share of targets that were observed
    };
    struct shard {
        aligned_vector<scalar_type> inputs;
        aligned_vector<scalar_type> gradients;
        aligned_vector<scalar_type> addend; ///< gradient of some windows, if not all go at once
        aligned_vector<scalar_type> work;
        aligned_vector<scalar_type> state; ///< empty unless it is kept from batch to batch
        random_generator random;
        shard_sums sums;
    };

    template <class Loss>
    static double loss_of(shard& part, const Model& model, std::span<const scalar_type> parameters,
                          sequence_view<const scalar_type> inputs,
                          [[maybe_unused]] int steps_before, const Loss& loss,
                          std::span<scalar_type> gradients, random_generator& random) noexcept {
        const std::span<scalar_type> work(part.work);
        if constexpr (stateful_model<Model>) {
            if (!part.state.empty()) {
                return model.loss_and_gradient(
                    parameters, inputs, loss, gradients, random, work,
                    slice(std::span<scalar_type>(part.state), 0, model.state_size(inputs.batch())),
                    steps_before);
            }
        }
        return model.loss_and_gradient(parameters, inputs, loss, gradients, random, work);
    }

    static void add_share(scalar_type share, std::span<const scalar_type> gradients,
                          std::span<scalar_type> total) noexcept {
        for (std::size_t k = 0; k < total.size(); ++k) {
            total[k] += share * gradients[k];
        }
    }

    /// Turns the sums over parts of a shard, each weighted by its windows and what was observed of them,
    /// into means. Does nothing, bit for bit, where everything was observed.
    static void scale_to_mean(shard& part, double windows) noexcept {
        if (part.sums.observed == windows || part.sums.observed == 0) {
            return;
        }
        const double factor = windows / part.sums.observed;
        part.sums.loss *= factor;
        for (scalar_type& slope : part.gradients) {
            slope *= static_cast<scalar_type>(factor);
        }
    }

    double sum_in_order() noexcept {
        const double all = observed_windows();
        double loss = 0;
        const auto total = gradients();
        for (shard& part : shards_) {
            const double weight = all > 0 ? part.sums.observed / all : 0.0;
            loss += weight * part.sums.loss;
            const bool first = &part == &shards_.front();
            for (std::size_t k = 0; k < total.size(); ++k) {
                const scalar_type share = static_cast<scalar_type>(weight) * part.gradients[k];
                total[k] = first ? share : total[k] + share;
            }
        }
        return loss;
    }

    std::vector<shard> shards_;
    index_t at_once_ = 0; ///< windows of a shard that go through the model at once
};

} // namespace tocsin
