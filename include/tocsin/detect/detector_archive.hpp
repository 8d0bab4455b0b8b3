/// @file detector_archive.hpp
/// @brief How a detector describes what it has learned to an archive.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/memory_claim.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/detect/detector_tag.hpp"
#include "tocsin/detect/learned.hpp"
#include "tocsin/detect/parameter_archive.hpp"
#include "tocsin/detect/scaled_training.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace tocsin::detail {

/// Memory of an error statistic of a dimension, from sizes that a file declares: what it says itself
/// or, without that, a few vectors.
template <class Statistic>
checked_size statistic_memory(checked_size dimension) noexcept {
    if constexpr (requires { Statistic::memory_of(dimension); }) {
        return Statistic::memory_of(dimension);
    } else {
        return dimension * 8 * sizeof(double);
    }
}

/// What a check says of settings, as a failure of the file that they come from.
inline status as_format_error(const status& checked) noexcept {
    return checked.ok() ? status{} : status::error(error_code::format_error, checked.message());
}

/// Refuses sizes that the rest of the file does not confirm, in every phase, before memory is taken
/// for them: what the phases to come need counts as well. The model has been checked, so that its
/// own sums of sizes do not wrap.
template <class Archive, class Learned>
void check_declared_sizes(Archive& archive, const Learned& learned) {
    using scalar = typename Learned::scalar_type;
    if (!archive.outcome().ok()) {
        return;
    }
    const checked_size features = learned.features();
    checked_size weights = learned.model.parameter_count();
    if constexpr (packable_model<decltype(learned.model)>) {
        weights = weights + learned.model.packed_size();
    }
    claim_memory(archive, "model", (weights + features) * sizeof(scalar));
    if (archive.outcome().ok()) {
        archive.fail(check_pass(learned.model, learned.settings.window));
    }
    if constexpr (Learned::views == 2) {
        constexpr index_t largest_window = index_t{1} << 26;
        const auto values = features * learned.settings.window;
        if (!values.is_at_most(largest_window)) {
            archive.fail(status::error(error_code::format_error, "a window of ", values.value(),
                                       " values is larger than ", largest_window));
        }
    }
    if (archive.outcome().ok() && learned.phase >= detector_phase::trained) {
        check_parameter_shapes(archive, learned.model);
    }
}

/// The same for what follows from the sizes of the model, once those are known to be possible.
template <class Archive, class Learned>
void check_derived_sizes(Archive& archive, const Learned& learned) {
    using views_type = typename Learned::views_type;
    claim_memory(archive, "stream", learned.heap_bytes_of_stream());
    checked_size errors = 0;
    if constexpr (Learned::views == 2) {
        errors = statistic_memory<typename views_type::step_statistic>(learned.features()) +
                 statistic_memory<typename views_type::feature_statistic>(learned.settings.window);
    } else {
        errors =
            statistic_memory<typename views_type::step_statistic>(learned.source.vector_size());
    }
    if (learned.phase >= detector_phase::errors_fitted) {
        claim_memory(archive, "errors", errors);
    }
}

/// Loads the weights; they and the scaler must fit the model. Allocates.
template <class Archive, class Learned>
void load_parameters(Archive& archive, Learned& learned) {
    using scalar = typename Learned::scalar_type;
    aligned_vector<scalar> parameters(static_cast<std::size_t>(learned.model.parameter_count()));
    exchange_parameters(archive, learned.model, std::span<scalar>(parameters));
    const int scaled = features_of(learned.scaler, learned.features());
    if (archive.outcome().ok() && scaled != learned.features()) {
        archive.fail(status::error(error_code::format_error, "the scaler has ", scaled,
                                   " features, the model has ", learned.features()));
    }
    if (archive.outcome().ok()) {
        learned.weights.own(learned.model, parameters);
    }
}

/// What train() leaves.
template <class Archive, class Learned>
void exchange_trained(Archive& archive, Learned& learned) {
    archive.object("scaler", learned.scaler);
    archive.matrix("mean", learned.mean);
    if constexpr (Archive::loading) {
        load_parameters(archive, learned);
    } else {
        exchange_parameters(archive, learned.model, learned.weights.parameters());
    }
}

/// All parts, as far as the detector has come.
template <class Archive, class Learned>
void exchange_parts(Archive& archive, Learned& learned) {
    using scalar = typename Learned::scalar_type;
    archive.expect("scalar_type", sizeof(scalar) == sizeof(float) ? "float" : "double");
    archive.object("settings", learned.settings);
    archive.object("model", learned.model);
    detector_phase phase = learned.phase;
    archive.integer("phase", phase, detector_phase::created, detector_phase::tuned);
    learned.phase = phase;
    if constexpr (Archive::loading) {
        if (archive.outcome().ok()) {
            archive.fail(as_format_error(learned.check()));
        }
        check_declared_sizes(archive, learned);
        if (!archive.outcome().ok()) {
            return;
        }
        learned.prepare();
        check_derived_sizes(archive, learned);
        if (!archive.outcome().ok()) {
            return;
        }
    }
    if (learned.phase >= detector_phase::trained) {
        exchange_trained(archive, learned);
    }
    if (learned.phase >= detector_phase::errors_fitted) {
        if constexpr (Archive::loading) {
            if constexpr (Learned::views == 2) {
                learned.errors =
                    typename Learned::views_type(learned.features(), learned.settings.window);
            } else {
                learned.errors = typename Learned::views_type(learned.source.vector_size(), 0);
            }
        }
        const auto scope = archive.scope("errors");
        archive.object("per_step", learned.errors.per_step());
        if constexpr (Learned::views == 2) {
            archive.object("per_feature", learned.errors.per_feature());
        }
        archive.integer("warm_up", learned.warm_up, learned.source.shortest_warm_up(), 1 << 30);
    }
    archive.object("thresholds", learned.thresholds);
    archive.object("alarm", learned.alarm);
}

/// Refuses what no phase leaves: errors that were not fitted, thresholds that are not there or that
/// no scores give.
template <class Learned>
status check_phase(const Learned& learned) noexcept {
    const auto fitted = [](const auto& statistic) {
        if constexpr (requires { statistic.fitted(); }) {
            return static_cast<bool>(statistic.fitted());
        } else {
            return true;
        }
    };
    bool errors = fitted(learned.errors.per_step());
    if constexpr (Learned::views == 2) {
        errors = errors && fitted(learned.errors.per_feature());
    }
    if (learned.phase >= detector_phase::errors_fitted && !errors) {
        return status::error(error_code::format_error,
                             "the phase says that errors are fitted, but their statistic is not");
    }
    if (learned.phase == detector_phase::tuned && !learned.thresholds.available()) {
        return status::error(error_code::format_error,
                             "the phase says that thresholds are tuned, but there is none");
    }
    return as_format_error(learned.thresholds.valid());
}

/// A hash of everything that an archive would hold. Policies that cannot be saved count by their
/// names alone.
template <class Learned>
std::uint64_t identity_of(Learned& learned) {
    hash_archive archive;
    exchange_parts(archive, learned);
    return archive.value();
}

/// A hash of what the states of its streams depend on: other thresholds leave them as they are.
template <class Learned>
detector_tag tag_of(Learned& learned) {
    hash_archive archive;
    archive.object("settings", learned.settings);
    archive.object("model", learned.model);
    if (learned.phase >= detector_phase::trained) {
        exchange_trained(archive, learned);
    }
    return detector_tag(archive.value());
}

/// Takes over what follows from thresholds and the rest; call it after each change.
template <class Learned>
void settle(Learned& learned) {
    if (learned.phase >= detector_phase::errors_fitted) {
        learned.phase =
            learned.thresholds.available() ? detector_phase::tuned : detector_phase::errors_fitted;
    }
    learned.stream_threshold = learned.thresholds.threshold(learned.view());
    learned.identity = identity_of(learned);
    learned.tag = tag_of(learned);
}

/// See detector::override_thresholds().
/// @param per_feature of a model that reconstructs
template <class Learned>
void override_thresholds(Learned& learned, std::optional<double> per_step,
                         std::optional<double> per_feature) {
    learned.thresholds.override_with(error_view::per_step, per_step);
    if constexpr (Learned::views == 2) {
        learned.thresholds.override_with(error_view::per_feature, per_feature);
    }
    settle(learned);
}

/// After a phase that the thresholds depend on.
template <class Learned>
void enter_phase(Learned& learned, detector_phase phase) {
    learned.thresholds.forget_tuned();
    learned.phase = phase;
    settle(learned);
}

/// The outcome of such a phase; enters it on success.
template <class Learned>
status finish_phase(Learned& learned, detector_phase phase, const status& outcome) {
    if (outcome.ok()) {
        enter_phase(learned, phase);
    }
    return outcome;
}

/// Saves or loads everything, as far as the detector has come.
template <class Archive, class Learned>
void exchange_learned(Archive& archive, Learned& learned) {
    exchange_parts(archive, learned);
    if constexpr (Archive::loading) {
        if (archive.outcome().ok()) {
            archive.fail(check_phase(learned));
        }
        if (archive.outcome().ok()) {
            settle(learned);
        } else { // what the phase says was loaded may be missing
            learned.phase = detector_phase::created;
        }
    }
}

} // namespace tocsin::detail
