/// @file feed_forward.hpp
/// @brief Feed-forward network that predicts the next sample from a fixed number of previous ones.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/models/model_parts.hpp"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <vector>

namespace tocsin {

/// Predicts the first `targets` features of each sample from the previous `look_back` samples, with
/// ReLU layers and a linear output: a baseline for LSTMs where a short past is enough (Singh 2017).
///
/// Parameters: the head's, whose inputs are the samples `[features * look_back]`, oldest
/// first.
template <class Scalar, class Head = dense_head<Scalar>>
class feed_forward {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "feed_forward";
    static constexpr int version = 1;

    constexpr feed_forward() noexcept = default;
    /// @param head     from `features * look_back` inputs to the targets
    /// @param features of a sample; the first `head.output_size()` of them are predicted
    constexpr feed_forward(Head head, int features) noexcept : head_{head}, features_{features} {}

    /// ReLU layers of these sizes that predict all of the first `targets` features. Construction
    /// allocates.
    static feed_forward with_layers(int features, int targets, int look_back,
                                    std::initializer_list<int> hidden)
        requires(!Head::sizes_type::is_static)
    {
        std::vector<int> sizes{features * look_back};
        sizes.insert(sizes.end(), hidden);
        sizes.push_back(targets);
        return {Head{typename Head::sizes_type(sizes)}, features};
    }

    constexpr const Head& head() const noexcept { return head_; }
    constexpr int features() const noexcept { return features_; }
    constexpr int targets() const noexcept { return head_.output_size(); }
    /// Number of samples that a prediction uses.
    constexpr int look_back() const noexcept {
        return features_ > 0 ? head_.input_size() / features_ : 0;
    }
    constexpr int shortest_window() const noexcept { return look_back() + 1; }
    constexpr index_t parameter_count() const noexcept { return head_.parameter_count(); }

    /// Checks the head, then that the sizes fit together; names those that do not.
    status check() const noexcept {
        if (const status part = head_.check(); !part.ok()) {
            return part;
        }
        if (features_ < 1 || head_.input_size() % features_ != 0 || targets() > features_) {
            return status::error(error_code::invalid_argument, kind, ": ", head_.input_size(),
                                 " inputs must be a multiple of the ", features_, " features, ",
                                 targets(), " targets at most as many");
        }
        return {};
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        detail::visit_part(visit, "head", 0, head_);
    }
    void initialise(std::span<Scalar> parameters, random_generator& random) const {
        head_.initialise(parameters, random);
    }

    // ---- inference --------------------------------------------------------------------------

    constexpr index_t packed_size() const noexcept { return head_.packed_size(); }
    /// Packs parameters for predict(); see concept packable_model. Never allocates.
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        head_.pack(parameters, packed);
    }
    constexpr index_t predict_work_size(int batch, int time) const noexcept {
        const int steps = predicted_steps(time);
        return (index_t{head_.input_size()} + targets()) * batch * steps +
               head_.apply_work_size(batch * steps);
    }
    /// Predicts windows. The first `look_back` samples and the features beyond the targets are
    /// copied. Never allocates.
    void predict(packed_weights<Scalar> packed, sequence_view<const Scalar> windows,
                 sequence_view<Scalar> predictions, std::span<Scalar> work) const noexcept {
        predictions.flat() = windows.flat();
        const int steps = predicted_steps(windows.time());
        if (steps == 0) {
            return;
        }
        work_area<Scalar> rest{work};
        const auto inputs = gather(rest, windows);
        const auto outputs = detail::take_sequence(rest, targets(), windows.batch(), steps);
        head_.apply(packed, read_only(inputs.flat()), outputs.flat(), rest.rest());
        predictions.steps(look_back(), steps).flat().topRows(targets()) = outputs.flat();
    }

    // ---- training ---------------------------------------------------------------------------

    constexpr index_t training_work_size(int batch, int time) const noexcept {
        const int steps = predicted_steps(time);
        return (index_t{head_.input_size()} + 2 * targets()) * batch * steps +
               head_.tape_size(batch, steps) + head_.backward_work_size(batch, steps);
    }
    /// Loss of all predictions; adds its gradient to `gradients`. See concept sequence_model.
    template <class Loss>
    double loss_and_gradient(std::span<const Scalar> parameters,
                             sequence_view<const Scalar> windows, const Loss& loss,
                             std::span<Scalar> gradients, random_generator& /*random*/,
                             std::span<Scalar> work) const noexcept {
        const int batch = windows.batch();
        const int steps = predicted_steps(windows.time());
        if (steps == 0) {
            return 0;
        }
        work_area<Scalar> rest{work};
        const auto inputs = gather(rest, windows);
        const auto wanted = detail::take_sequence(rest, targets(), batch, steps);
        const auto slopes = detail::take_sequence(rest, targets(), batch, steps);
        const auto tape = head_.make_tape(rest.take(head_.tape_size(batch, steps)), batch, steps);
        head_.forward(parameters, inputs, tape);
        wanted.flat() = windows.steps(look_back(), steps).flat().topRows(targets());
        const double value = loss(std::span<const Scalar>(head_.outputs(tape).span()),
                                  std::span<const Scalar>(wanted.span()), slopes.span());
        head_.backward(parameters, inputs, tape, slopes, gradients, {}, rest.rest());
        return value;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_part(archive, "head", head_);
        archive.integer("features", features_, 1, maximum_layer_size);
    }

  private:
    constexpr int predicted_steps(int time) const noexcept {
        return std::max(time - look_back(), 0);
    }
    /// The inputs of each prediction, `[features * look_back x (batch * steps)]`.
    sequence_view<Scalar> gather(work_area<Scalar>& rest,
                                 sequence_view<const Scalar> windows) const noexcept {
        const int steps = predicted_steps(windows.time());
        const auto inputs = detail::take_sequence(rest, head_.input_size(), windows.batch(), steps);
        for (int t = 0; t < steps; ++t) {
            for (int back = 0; back < look_back(); ++back) {
                inputs.step(t).middleRows(index_t{back} * features_, features_) =
                    windows.step(t + back);
            }
        }
        return inputs;
    }

    [[no_unique_address]] Head head_;
    int features_ = 0;
};

} // namespace tocsin
