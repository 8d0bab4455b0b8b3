/// @file classifier_archive.hpp
/// @brief How a classifier_detector and its streams are described to an archive.
#pragma once

#include "tocsin/alarm/no_alarm_control.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/memory_claim.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/classifier_learned.hpp"
#include "tocsin/detect/classifier_settings.hpp"
#include "tocsin/detect/detector_tag.hpp"
#include "tocsin/detect/parameter_archive.hpp"
#include "tocsin/detect/sample_window.hpp"
#include "tocsin/detect/stream_check.hpp"
#include "tocsin/detect/verdict_scale.hpp"

#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace tocsin::detail {

/// What streams do about time and missing values, and alarm control: files have it since version 2.
template <class Archive, class Learned>
void exchange_stream_settings(Archive& archive, Learned& learned) {
    learned.given.exchange_streams(archive);
    archive.object("alarm", learned.alarm);
}

/// Refuses what cannot be, and sizes that the rest of the file does not confirm, before memory is
/// taken for them.
template <class Archive, class Learned>
void check_loaded_classifier(Archive& archive, Learned& learned, bool trained) {
    if (archive.outcome().ok() &&
        !(learned.stream_threshold >= 0 && learned.stream_threshold <= 1)) {
        archive.fail(status::error(error_code::format_error, "the threshold ",
                                   learned.stream_threshold, " is not a probability"));
    }
    if (archive.outcome().ok()) {
        archive.fail(learned.check());
    }
    if (archive.outcome().ok()) {
        archive.fail(check_pass(learned.model, learned.given.window));
    }
    if (!archive.outcome().ok()) {
        return;
    }
    claim_memory(archive, "network",
                 checked_size(learned.model.parameter_count()) *
                     sizeof(typename Learned::scalar_type));
    if (trained) {
        check_parameter_shapes(archive, learned.model);
    }
    claim_memory(archive, "stream", learned.stream_bytes());
}

/// Scaler and weights.
template <class Archive, class Learned>
void exchange_trained_classifier(Archive& archive, Learned& learned) {
    using scalar = typename Learned::scalar_type;
    archive.object("scaler", learned.scaler);
    if constexpr (Archive::loading) {
        aligned_vector<scalar> loaded(static_cast<std::size_t>(learned.model.parameter_count()));
        exchange_parameters(archive, learned.model, std::span<scalar>(loaded));
        if (archive.outcome().ok() && learned.scaler.features() != learned.features()) {
            archive.fail(status::error(error_code::format_error, "the scaler has ",
                                       learned.scaler.features(), " features, the network has ",
                                       learned.features()));
        }
        if (archive.outcome().ok()) {
            learned.weights = std::move(loaded);
        }
    } else {
        exchange_parameters(archive, learned.model, std::span<const scalar>(learned.weights));
    }
}

/// What files of version 1 have, which is all but the settings of streams.
template <class Archive, class Learned>
void exchange_classifier(Archive& archive, Learned& learned) {
    using scalar = typename Learned::scalar_type;
    archive.expect("scalar_type", sizeof(scalar) == sizeof(float) ? "float" : "double");
    archive.object("settings", learned.given);
    archive.object("network", learned.model);
    archive.number("threshold", learned.stream_threshold);
    bool trained = learned.trained();
    archive.integer("trained", trained, false, true);
    if constexpr (Archive::loading) {
        check_loaded_classifier(archive, learned, trained);
    }
    if (archive.outcome().ok() && trained) {
        exchange_trained_classifier(archive, learned);
    }
}

/// What is expected of normal windows: files have it since version 3.
template <class Archive, class Learned>
void exchange_false_alarms(Archive& archive, Learned& learned) {
    archive.object("false_alarms", learned.false_alarms);
    if constexpr (Archive::loading) {
        if (archive.outcome().ok() && learned.false_alarms.fitted() && !learned.trained()) {
            archive.fail(status::error(error_code::format_error,
                                       "false alarms are expected of a network without weights"));
        }
    }
}

/// A hash of what streams do about time and missing values.
inline std::uint64_t stream_settings_hash(classifier_detector_settings settings) {
    hash_archive archive;
    settings.exchange_streams(archive);
    return archive.value();
}

/// Takes over what follows from the rest; call it after each change.
template <class Learned>
void settle_classifier(Learned& learned) {
    learned.phase = learned.trained() ? detector_phase::tuned : detector_phase::created;
    hash_archive all;
    exchange_classifier(all, learned);
    // The defaults leave the identity as it was before there were such settings, so that streams
    // saved then are still read.
    if (!std::is_same_v<decltype(learned.alarm), no_alarm_control> ||
        stream_settings_hash(learned.given) !=
            stream_settings_hash({.window = learned.given.window})) {
        exchange_stream_settings(all, learned);
    }
    if (learned.false_alarms.fitted()) {
        exchange_false_alarms(all, learned);
    }
    learned.identity = all.value();
    hash_archive states;
    states.object("settings", learned.given);
    learned.given.exchange_streams(states);
    states.object("network", learned.model);
    if (learned.trained()) {
        exchange_trained_classifier(states, learned);
    }
    learned.tag = detector_tag(states.value());
}

/// Saves or loads everything.
template <class Archive, class Learned>
void exchange_learned_classifier(Archive& archive, Learned& learned) {
    if constexpr (Archive::loading) {
        learned.weights.clear();
        learned.false_alarms = {};
    }
    if (archive.version() >= 2) {
        exchange_stream_settings(archive, learned);
    }
    exchange_classifier(archive, learned);
    if (archive.version() >= 3 && archive.outcome().ok()) {
        exchange_false_alarms(archive, learned);
    }
    if constexpr (Archive::loading) {
        if (archive.outcome().ok()) {
            learned.prepare();
        } else { // not trained: its sizes are those of another network
            learned.weights.clear();
            learned.false_alarms = {};
        }
        settle_classifier(learned);
    }
}

/// A stream as bytes had it before format 3: the ring and the last values, without a clock.
template <class Archive, class Learned, class Stream>
void load_stream_without_clock(Archive& archive, const Learned& learned, Stream& stream) {
    const int window = learned.given.window;
    int next = 0;
    int count = 0;
    archive.integer("position", stream.position, std::int64_t{0}, largest_count);
    archive.integer("next", next, 0, window - 1);
    archive.integer("count", count, 0, window);
    archive.array("samples", stream.state());
    archive.array("held", stream.inputs());
    if (archive.outcome().ok() && count < window && next != count) {
        archive.fail(status::error(error_code::format_error, "stream: ", count,
                                   " samples, but the next one is number ", next));
    }
    stream.seen = count < window ? count : window + next;
}

/// Saves or loads a stream.
template <class Archive, class Learned, class Stream>
void exchange_classifier_stream(Archive& archive, const Learned& learned, Stream& stream) {
    if (!stream.made_by.fits(learned.tag)) {
        archive.fail(status::error(error_code::invalid_argument,
                                   "stream: another detector made it, or it was moved from"));
        return;
    }
    if constexpr (Archive::loading) {
        using scalar = typename Learned::scalar_type;
        if (archive.format() < 3) {
            load_stream_without_clock(archive, learned, stream);
        } else {
            archive.object("memory", stream);
        }
        keep_if_readable(archive, std::span<const scalar>(stream.state()));
        keep_if_readable(archive, std::span<const scalar>(stream.inputs()));
        keep_if(archive, check_stream(learned, stream));
        complete_last(learned, stream);
    } else {
        archive.object("memory", stream);
    }
}

} // namespace tocsin::detail
