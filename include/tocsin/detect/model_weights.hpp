/// @file model_weights.hpp
/// @brief A model's parameters with their packed copy, owned or in memory of the caller.
#pragma once

#include "tocsin/core/emptied_by_move.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/static_size.hpp"
#include "tocsin/models/sequence_model.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace tocsin {

/// Memory of the caller that holds what a model has learned: an array in flash, a mapped file.
template <class Scalar>
struct borrowed_weights {
    std::span<const Scalar> parameters{}; ///< in the model's layout
    /// What `model.pack()` makes of the parameters; empty: the detector packs a copy of its own.
    /// The order depends on the target (layers/packed_weights.hpp).
    std::span<const Scalar> packed{};
};

/// The parameters of one model and what its kernels read instead. Sizes that are known at compile
/// time need no heap. Copies own what the original owns and borrow what it borrows.
template <sequence_model Model>
class model_weights {
    static constexpr bool is_static = detail::has_static_sizes<Model>;
    static constexpr index_t packed_count() noexcept {
        if constexpr (is_static && packable_model<Model>) {
            return Model{}.packed_size();
        } else {
            return 0;
        }
    }
    static constexpr index_t static_parameters =
        is_static ? detail::static_parameter_count<Model>() : dynamic;
    static constexpr index_t static_packed = is_static ? packed_count() : dynamic;

  public:
    using scalar_type = typename Model::scalar_type;

    /// Whether there are any.
    bool available() const noexcept { return source_ != source::none; }

    /// Takes over a copy of the parameters and packs them. Allocates where sizes are dynamic.
    void own(const Model& model, std::span<const scalar_type> parameters) {
        resize_storage(parameters_, model.parameter_count());
        std::copy(parameters.begin(), parameters.end(), parameters_.begin());
        source_ = source::owned;
        pack(model);
    }
    /// Refers to parameters of the caller, which must stay where they are as long as this or a copy
    /// of it is used. Without packed weights of the caller it packs its own, which allocates where
    /// sizes are dynamic.
    /// @return `invalid_argument` where a size is not the model's
    status borrow(const Model& model, const borrowed_weights<scalar_type>& weights) {
        const auto parameters = static_cast<index_t>(weights.parameters.size());
        if (parameters != model.parameter_count()) {
            return status::error(error_code::invalid_argument, "weights: ", parameters,
                                 " parameters for a model of ", model.parameter_count());
        }
        if constexpr (packable_model<Model>) {
            const auto packed = static_cast<index_t>(weights.packed.size());
            if (packed != 0 && packed != model.packed_size()) {
                return status::error(error_code::invalid_argument, "weights: ", packed,
                                     " packed weights for a model of ", model.packed_size());
            }
        }
        borrowed_ = weights;
        if constexpr (!is_static) {
            parameters_ = {};
            packed_ = {};
        }
        source_ = source::borrowed;
        pack(model);
        return {};
    }
    /// Has no weights any more; lets go of borrowed ones.
    void clear() noexcept { source_ = source::none; }

    /// In the model's layout; none before own() or borrow().
    std::span<const scalar_type> parameters() const noexcept {
        switch (static_cast<source>(source_)) {
        case source::owned:
            return parameters_;
        case source::borrowed:
            return borrowed_.parameters;
        case source::none:
            break;
        }
        return {};
    }
    /// For a model that keeps learning; only after own(). repack() must follow a change.
    std::span<scalar_type> owned_parameters() noexcept { return parameters_; }
    /// Packs again after a change of the parameters. Never allocates.
    void repack(const Model& model) noexcept {
        if constexpr (packable_model<Model>) {
            if (source_ == source::none) {
                return;
            }
            model.pack(parameters(), std::span<scalar_type>(packed_));
        }
    }

    /// What kernels read.
    packed_weights<scalar_type> packed() const noexcept {
        return {borrowed_.packed.empty() ? std::span<const scalar_type>(packed_)
                                         : borrowed_.packed};
    }
    /// Predicts windows; see concept sequence_model. Never allocates for a batch of one.
    void predict(const Model& model, sequence_view<const scalar_type> windows,
                 sequence_view<scalar_type> predictions,
                 std::span<scalar_type> work) const noexcept {
        if constexpr (packable_model<Model>) {
            model.predict(packed(), windows, predictions, work);
        } else {
            model.predict(parameters(), windows, predictions, work);
        }
    }

  private:
    enum class source : std::uint8_t { none, owned, borrowed };

    void pack(const Model& model) {
        if constexpr (packable_model<Model>) {
            if (source_ == source::owned) {
                borrowed_ = {};
            }
            if (borrowed_.packed.empty()) {
                resize_storage(packed_, model.packed_size());
                repack(model);
            }
        }
    }

    storage<scalar_type, static_parameters> parameters_{};
    alignas(64) storage<scalar_type, static_packed> packed_{};
    borrowed_weights<scalar_type> borrowed_;
    detail::reset_by_move<source> source_ = source::none;
};

} // namespace tocsin
