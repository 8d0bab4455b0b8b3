/// @file online_trainer.hpp
/// @brief Training on a stream, with bounded time and memory per sample.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/sample_window.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/losses.hpp"
#include "tocsin/training/training_step.hpp"

#include <cstdint>
#include <span>

namespace tocsin {

/// How a model keeps learning while a stream runs.
struct online_training_settings {
    int every = 100;             ///< samples from one update to the next, at least 1
    int steps = 64;              ///< samples of an update, the newest ones, 1 to largest_steps
    double learning_rate = 1e-4; ///< of Adam; small: an update is one gradient of one window
    double clip_norm = 1;        ///< largest global norm of the gradient; 0 turns clipping off

    static constexpr int largest_steps = 1 << 20; ///< as many as the longest window has

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (every < 1 || steps < 1 || !(clip_norm >= 0)) {
            return status::error(error_code::invalid_argument, "online_trainer: every ", every,
                                 ", steps ", steps, " and clip norm ", clip_norm,
                                 " must be at least 1, 1 and 0");
        }
        if (steps > largest_steps) {
            return status::error(error_code::invalid_argument, "online_trainer: steps ", steps,
                                 " must be at most ", largest_steps);
        }
        return adam{.learning_rate = learning_rate}.check();
    }
};

/// Takes the samples of a stream and now and then a training step on the newest ones: the loss of
/// one window, backpropagation through time, Adam. Holds all memory that this needs; the model and
/// its parameters stay with the caller.
template <sequence_model Model>
class online_trainer {
  public:
    using scalar_type = typename Model::scalar_type;

    online_trainer() = default;
    /// Allocates. `settings.check()` must be ok, and windows of `steps` samples long enough for the
    /// model.
    online_trainer(const Model& model, const online_training_settings& settings)
        : settings_{settings}, optimiser_{.learning_rate = settings.learning_rate},
          recent_(model.features(), settings.steps),
          gradients_(static_cast<std::size_t>(model.parameter_count())),
          optimiser_state_(
              static_cast<std::size_t>(optimiser_.state_size(model.parameter_count()))),
          work_(static_cast<std::size_t>(model.training_work_size(1, settings.steps))) {}

    /// The next sample does not follow the one before: those collected so far are forgotten.
    void interrupt() noexcept { recent_.clear(); }

    /// Takes in a sample, `[features]`, scaled, finite. Never allocates.
    /// @return whether `parameters` have changed; they do not where the loss is not finite
    template <class Derived>
    bool push(const Model& model, std::span<scalar_type> parameters,
              const Eigen::MatrixBase<Derived>& sample) noexcept {
        recent_.push(sample);
        waited_ = waited_ < settings_.every ? waited_ + 1 : waited_;
        if (waited_ < settings_.every || !recent_.full()) {
            return false;
        }
        waited_ = 0;
        const sequence_view<const scalar_type> window(recent_.view().data(), model.features(), 1,
                                                      settings_.steps);
        const auto gradients = zero(std::span<scalar_type>(gradients_));
        const auto evaluate = [&]() noexcept {
            return model.loss_and_gradient(std::span<const scalar_type>(parameters), window,
                                           mean_squared_error{}, gradients, random_,
                                           std::span<scalar_type>(work_));
        };
        return training_step<scalar_type>(optimiser_, evaluate, gradients, settings_.clip_norm, 1,
                                          {parameters, optimiser_state_, updates_})
            .ok();
    }
    /// Updates so far.
    std::int64_t updates() const noexcept { return updates_; }
    const online_training_settings& settings() const noexcept { return settings_; }

    /// Everything that changes, to continue elsewhere with the same bits.
    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("waited", waited_, 0, settings_.every);
        archive.integer("updates", updates_, std::int64_t{0}, largest_count);
        archive.array("optimiser_state", std::span<scalar_type>(optimiser_state_));
        auto words = random_.state();
        archive.array("random", std::span<std::uint64_t>(words));
        random_.set_state(words);
        if (Archive::loading && words == random_generator::state_type{}) {
            archive.fail(status::error(error_code::format_error,
                                       "learning: a random state of zeros gives zeros for ever"));
        }
        archive.object("recent", recent_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(
                    optimiser_.check_state(std::span<const scalar_type>(optimiser_state_)));
            }
        }
    }

  private:
    online_training_settings settings_;
    adam optimiser_;
    random_generator random_{1}; // of dropout
    sample_window<scalar_type> recent_;
    aligned_vector<scalar_type> gradients_;
    aligned_vector<scalar_type> optimiser_state_;
    aligned_vector<scalar_type> work_;
    int waited_ = 0;
    std::int64_t updates_ = 0;
};

} // namespace tocsin
