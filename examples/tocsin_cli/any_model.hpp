/// @file any_model.hpp
/// @brief Sequence model that is chosen at run time.
#pragma once

#include "tocsin/detect/detector_model.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/linear_forecaster.hpp"

#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace tocsin_cli {

/// One of the library's models (concept tocsin::sequence_model), with sizes known at run time. Its
/// file is that of the model inside, so a program with that model compiled in can load it.
class any_model {
  public:
    using scalar_type = float;
    using index_t = tocsin::index_t;
    /// Files have the kind of the model inside instead.
    static constexpr const char* kind = "any_model";
    static constexpr int version = 1; ///< that of all models inside
    using models = std::variant<tocsin::encoder_decoder<float>, tocsin::autoencoder<float>,
                                tocsin::forecaster<float>, tocsin::linear_forecaster<float>>;

    any_model() = default;
    explicit any_model(models model) : model_{std::move(model)} {}

    const models& model() const noexcept { return model_; }
    const char* name() const noexcept {
        return std::visit([](const auto& inner) { return std::decay_t<decltype(inner)>::kind; },
                          model_);
    }

    tocsin::status check() const noexcept {
        return std::visit([](const auto& inner) { return inner.check(); }, model_);
    }
    int features() const noexcept {
        return std::visit([](const auto& inner) { return inner.features(); }, model_);
    }
    index_t parameter_count() const noexcept {
        return std::visit([](const auto& inner) { return inner.parameter_count(); }, model_);
    }
    index_t predict_work_size(int batch, int time) const noexcept {
        return std::visit([&](const auto& inner) { return inner.predict_work_size(batch, time); },
                          model_);
    }
    index_t training_work_size(int batch, int time) const noexcept {
        return std::visit([&](const auto& inner) { return inner.training_work_size(batch, time); },
                          model_);
    }
    void initialise(std::span<float> parameters, tocsin::random_generator& random) const {
        std::visit([&](const auto& inner) { inner.initialise(parameters, random); }, model_);
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit_block) const {
        std::visit([&](const auto& inner) { inner.for_each_parameter_block(visit_block); }, model_);
    }
    index_t packed_size() const noexcept {
        return std::visit([](const auto& inner) { return inner.packed_size(); }, model_);
    }
    void pack(std::span<const float> parameters, std::span<float> packed) const noexcept {
        std::visit([&](const auto& inner) { inner.pack(parameters, packed); }, model_);
    }
    void predict(tocsin::packed_weights<float> packed, tocsin::sequence_view<const float> windows,
                 tocsin::sequence_view<float> predictions, std::span<float> work) const noexcept {
        std::visit([&](const auto& inner) { inner.predict(packed, windows, predictions, work); },
                   model_);
    }
    /// Samples of the shortest window that can be trained on.
    int shortest_window() const noexcept {
        return std::visit(
            [](const auto& inner) {
                if constexpr (requires { inner.shortest_window(); }) {
                    return inner.shortest_window();
                } else {
                    return 1;
                }
            },
            model_);
    }
    template <class Loss>
    double loss_and_gradient(std::span<const float> parameters,
                             tocsin::sequence_view<const float> windows, const Loss& loss,
                             std::span<float> gradients, tocsin::random_generator& random,
                             std::span<float> work) const noexcept {
        return std::visit(
            [&](const auto& inner) {
                return inner.loss_and_gradient(parameters, windows, loss, gradients, random, work);
            },
            model_);
    }

    /// The name of the model inside, first in a file.
    template <class Archive>
    void exchange_kind(Archive& archive, const char* name_in_file) {
        std::string stored = name();
        archive.text(name_in_file, stored);
        if constexpr (Archive::loading) {
            if (!archive.outcome().ok()) {
                return;
            }
            if (stored == tocsin::encoder_decoder<float>::kind) {
                model_.emplace<0>();
            } else if (stored == tocsin::autoencoder<float>::kind) {
                model_.emplace<1>();
            } else if (stored == tocsin::forecaster<float>::kind) {
                model_.emplace<2>();
            } else if (stored == tocsin::linear_forecaster<float>::kind) {
                model_.emplace<3>();
            } else {
                archive.fail(tocsin::status::error(tocsin::error_code::format_error,
                                                   "unknown model kind '", stored, '\''));
            }
        }
    }
    template <class Archive>
    void exchange(Archive& archive) {
        std::visit([&](auto& inner) { inner.exchange(archive); }, model_);
    }

  private:
    models model_;
};

static_assert(tocsin::detector_model<any_model> && tocsin::packable_model<any_model>);

} // namespace tocsin_cli
