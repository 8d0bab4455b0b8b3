/// @file detector_input.hpp
/// @brief Detectors under any order of operations, and their files and streams from any bytes.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include "fuzz_input.hpp"
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace tocsin_fuzz {

/// Everything that a stream can have: forecasts two steps ahead, a rule that learns, alarm control.
using forecast_detector =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                     tocsin::diagonal_gaussian<>, tocsin::spot_threshold,
                     tocsin::alarm_chain<tocsin::m_of_n, tocsin::suppression>>;
/// Windows of three samples, of which the newest is scored, with a full covariance.
using window_detector = tocsin::detector<tocsin::encoder_decoder<float>>;

inline tocsin::matrix<float> ordinary_samples(tocsin::index_t count, std::uint64_t seed) {
    tocsin::random_generator random{seed};
    tocsin::matrix<float> values(2, count);
    for (tocsin::index_t t = 0; t < count; ++t) {
        const auto time = static_cast<double>(t);
        values(0, t) = static_cast<float>(std::sin(0.3 * time) + 0.05 * random.normal());
        values(1, t) = static_cast<float>(5 + std::cos(0.2 * time) + 0.05 * random.normal());
    }
    return values;
}

template <class Detector>
Detector tuned(Detector detector, int length) {
    const auto values = ordinary_samples(400, 1);
    const auto windows = *tocsin::make_windows(values, length, length / 2 + 1);
    tocsin::trainer<> how;
    how.epochs = 2;
    how.batch_size = 16;
    require(detector.train(windows, {}, how).ok() && detector.fit_errors(windows).ok() &&
                detector.tune(windows).ok(),
            "no detector to attack");
    return detector;
}

inline const forecast_detector& attacked_forecaster() {
    static const forecast_detector made = [] {
        tocsin::spot_settings rule;
        rule.q = 1e-3;
        rule.level = 0.9;
        rule.memory = 20;
        return tuned(
            forecast_detector(tocsin::forecaster<float>::with_layers(2, 2, {3}, 2),
                              {.longest_gap = 3, .lost_after = 5}, {}, tocsin::spot_threshold{rule},
                              tocsin::alarm_chain{tocsin::m_of_n{2, 3}, tocsin::suppression{4}}),
            60);
    }();
    return made;
}
inline const window_detector& attacked_window_detector() {
    static const window_detector made =
        tuned(window_detector(tocsin::encoder_decoder<float>::with_layers(2, {3}),
                              {.window = 3, .scored = tocsin::scored_steps::newest}),
              3);
    return made;
}

inline void check_verdict(const tocsin::verdict& said) {
    require(!std::isnan(said.score) && said.score >= 0, "a score is NaN or negative");
    require(!said.scored() || std::isfinite(said.score), "a score is infinite");
    require(!std::isnan(said.threshold), "a threshold is NaN");
    require(!said.is_anomaly() || said.score > said.threshold, "an anomaly below the threshold");
}
inline bool same(const tocsin::verdict& a, const tocsin::verdict& b) {
    return a.kind == b.kind && a.reason == b.reason && a.alarm == b.alarm &&
           a.missing == b.missing && a.lost == b.lost &&
           std::memcmp(&a.score, &b.score, sizeof a.score) == 0 &&
           std::memcmp(&a.threshold, &b.threshold, sizeof a.threshold) == 0;
}

/// The stream after saving and loading; nothing may have changed.
template <class Detector>
typename Detector::stream_type reloaded(const Detector& detector,
                                        const typename Detector::stream_type& stream) {
    const auto bytes = tocsin::save_stream(detector, stream);
    if (!bytes) { // a number that no longer can be saved has become infinite
        require(false, bytes.error().message());
    }
    auto loaded = tocsin::load_stream(detector, *bytes);
    require(loaded.has_value(), loaded ? "" : loaded.error().message());
    require(*tocsin::save_stream(detector, *loaded) == *bytes,
            "a stream changes when it is saved and loaded");
    return *std::move(loaded);
}

/// Half of the numbers are near what is normal.
inline std::array<float, 2> sample_from(reader& bytes) {
    const auto number = [&](float centre) {
        const std::uint8_t kind = bytes.byte();
        switch (kind / 32) {
        case 5:
            return std::numeric_limits<float>::quiet_NaN();
        case 6:
            return static_cast<float>(std::ldexp(kind % 2 == 0 ? 1.0 : -1.0, bytes.byte()));
        case 7:
            return static_cast<float>(bytes.number());
        default:
            return centre + static_cast<float>(kind % 32 - 16) / 16.0F;
        }
    };
    const float first = number(0);
    return {first, number(5)};
}
inline double time_from(reader& bytes, std::uint8_t choice, double before) {
    switch (choice % 8) {
    case 0:
        return bytes.number();
    case 1:
        return before + 1e6 * bytes.byte();
    case 2:
        return tocsin::unknown_time;
    case 3:
        return before - bytes.byte();
    default:
        return before + 1;
    }
}

template <class Detector>
void operate(reader& bytes, const Detector& detector, std::uint8_t choice) {
    auto stream = detector.make_stream();
    auto other = detector.make_stream();
    auto workspace = detector.make_fleet_workspace(2);
    const bool timed = (choice & 2U) != 0;
    double time = 0;
    std::array<double, 2> shares{};
    for (int steps = 0; !bytes.empty() && steps < 300; ++steps) {
        const std::uint8_t operation = bytes.byte();
        switch (operation % 32) {
        case 20: { // one value too few
            const std::array<float, 1> one{1};
            check_verdict(detector.push(stream, one));
            require(stream.last().reason == tocsin::sample_reason::wrong_size, "wrong size");
            break;
        }
        case 21:
            stream.restart();
            break;
        case 22:
            stream = reloaded(detector, stream);
            break;
        case 23:
            other = stream;
            break;
        case 24: {
            tocsin::learning_settings how;
            how.half_life = operation < 128 ? 1 + bytes.byte() : bytes.number();
            how.rule = bytes.byte() % 2 != 0;
            if (bytes.byte() % 2 != 0) {
                how.model = tocsin::online_training_settings{.every = 1 + bytes.byte() % 8,
                                                             .steps = 4 + bytes.byte() % 8,
                                                             .learning_rate = 0.01};
            }
            static_cast<void>(detector.enable_learning(stream, how));
            break;
        }
        case 25: {
            std::array<typename Detector::stream_type, 2> both{stream, other};
            tocsin::matrix<float> samples(2, 2);
            for (tocsin::index_t k = 0; k < 2; ++k) {
                const auto sample = sample_from(bytes);
                samples.col(k) << sample[0], sample[1];
            }
            std::array<tocsin::verdict, 2> verdicts;
            detector.push_all(both, samples, verdicts, workspace);
            check_verdict(verdicts[0]);
            check_verdict(verdicts[1]);
            stream = both[0];
            break;
        }
        case 26:
            detector.learn(stream);
            break;
        default: {
            const auto sample = sample_from(bytes);
            time = timed ? time_from(bytes, operation / 32, time) : tocsin::unknown_time;
            const bool twice = operation % 32 == 19;
            auto copy = twice ? reloaded(detector, stream) : other;
            const auto said = detector.push(stream, sample, time);
            check_verdict(said);
            require(!twice || same(detector.push(copy, sample, time), said),
                    "a loaded stream answers differently");
            detector.shares(stream, shares);
            const double sum = shares[0] + shares[1];
            require(sum == 0 || std::abs(sum - 1) < 1e-6, "shares do not add up");
            if ((choice & 4U) != 0) {
                detector.learn(stream);
            }
        }
        }
    }
    // Whatever came, ordinary samples are scored again soon.
    stream.restart();
    const auto ordinary = ordinary_samples(40, 2);
    for (tocsin::index_t t = 0; t < ordinary.cols(); ++t) {
        check_verdict(detector.push(stream, ordinary.col(t)));
    }
    require(stream.last().scored(), "ordinary samples are not scored any more");
}

/// The first byte chooses the detector.
inline void operations(input bytes) {
    reader numbers{bytes};
    const std::uint8_t choice = numbers.byte();
    if (choice % 2 == 0) {
        operate(numbers, attacked_forecaster(), choice);
    } else {
        operate(numbers, attacked_window_detector(), choice);
    }
}

// ---- streams as bytes ---------------------------------------------------------------------------

/// The bytes with the magic number, the detector's identity and the checksum of a saved stream.
template <class Detector>
std::vector<std::byte> as_stream(input bytes, const Detector& detector) {
    std::vector<std::byte> fixed(std::max(bytes.size(), tocsin::detail::smallest_stream));
    if (!bytes.empty()) {
        std::memcpy(fixed.data(), bytes.data(), bytes.size());
    }
    const std::array<std::uint64_t, 2> start{tocsin::detail::stream_magic, detector.identity()};
    std::memcpy(fixed.data(), start.data(), sizeof start);
    const std::size_t content = fixed.size() - sizeof(std::uint32_t);
    const std::uint32_t checksum = tocsin::crc32(std::span{fixed}.first(content));
    std::memcpy(fixed.data() + content, &checksum, sizeof checksum);
    return fixed;
}

template <class Detector>
void load_blob(std::span<const std::byte> bytes, const Detector& detector) {
    auto loaded = tocsin::load_stream(detector, bytes);
    if (!loaded) {
        require(loaded.error().message()[0] != '\0', "a stream is refused without a reason");
        return;
    }
    const auto ordinary = ordinary_samples(12, 3);
    std::array<double, 2> shares{};
    for (tocsin::index_t t = 0; t < ordinary.cols(); ++t) {
        check_verdict(detector.push(*loaded, ordinary.col(t), static_cast<double>(t)));
        detector.shares(*loaded, shares);
        detector.learn(*loaded);
    }
    static_cast<void>(reloaded(detector, *loaded));
}

/// The first byte chooses the detector; as they are, and as a stream of this detector.
inline void blobs(input bytes) {
    const std::uint8_t choice = reader{bytes}.byte();
    const auto rest = bytes.subspan(bytes.empty() ? 0 : 1);
    const auto both = [&](const auto& detector) {
        load_blob(std::as_bytes(rest), detector);
        load_blob(as_stream(rest, detector), detector);
    };
    if (choice % 2 == 0) {
        both(attacked_forecaster());
    } else {
        both(attacked_window_detector());
    }
}

/// Streams to start from: fresh, used, learning.
inline std::string blob_seed(unsigned number) {
    const auto saved = [&](const auto& detector, char choice) {
        auto stream = detector.make_stream();
        if (number % 3 == 2) {
            tocsin::learning_settings how{.half_life = 100};
            how.model = tocsin::online_training_settings{.every = 2, .steps = 6};
            require(detector.enable_learning(stream, how).ok(), "learning");
        }
        const auto values = ordinary_samples(number % 3 == 0 ? 0 : 30, 4);
        for (tocsin::index_t t = 0; t < values.cols(); ++t) {
            static_cast<void>(detector.push(stream, values.col(t), static_cast<double>(t)));
            detector.learn(stream);
        }
        const auto bytes = *tocsin::save_stream(detector, stream);
        return choice + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    return number % 2 == 0 ? saved(attacked_forecaster(), '\0')
                           : saved(attacked_window_detector(), '\1');
}

// ---- files --------------------------------------------------------------------------------------

template <class Detector>
void load_file(const tocsin::archive_reader& file, std::size_t size) {
    tocsin::archive_reader archive = file;
    Detector detector;
    archive.object("detector", detector);
    if (!archive.outcome().ok()) {
        require(archive.outcome().message()[0] != '\0', "a detector is refused without a reason");
        require(detector.phase() == tocsin::detector_phase::created, "half a detector");
        return;
    }
    const auto budget = static_cast<std::size_t>(tocsin::load_budget(size).left());
    require(detector.stream_size() <= budget + sizeof(typename Detector::stream_type),
            "a stream takes more than the file bears out");
    auto stream = detector.make_stream();
    if (detector.features() == 2) {
        const auto ordinary = ordinary_samples(12, 3);
        for (tocsin::index_t t = 0; t < ordinary.cols(); ++t) {
            check_verdict(detector.push(stream, ordinary.col(t)));
        }
    }
    tocsin::archive_writer again;
    again.object("detector", detector);
    require(again.outcome().ok(), "a detector that was loaded cannot be saved");
}

/// Files of detectors, as they are.
inline void detectors(input bytes) {
    const auto file = tocsin::archive_reader::from_bytes(std::as_bytes(bytes));
    if (!file) {
        require(file.error().message()[0] != '\0', "a file is refused without a reason");
        return;
    }
    load_file<forecast_detector>(*file, bytes.size());
    load_file<window_detector>(*file, bytes.size());
}
inline std::string detector_seed(unsigned number) {
    tocsin::archive_writer archive;
    switch (number % 3) {
    case 0:
        archive.object("detector", attacked_forecaster());
        break;
    case 1:
        archive.object("detector", attacked_window_detector());
        break;
    default:
        archive.object("detector",
                       forecast_detector(tocsin::forecaster<float>::with_layers(2, 2, {3}, 2)));
    }
    return *archive.encode();
}

/// Files of checkpoints, as they are.
inline void checkpoints(input bytes) {
    const auto file = tocsin::archive_reader::from_bytes(std::as_bytes(bytes));
    if (!file) {
        require(file.error().message()[0] != '\0', "a file is refused without a reason");
        return;
    }
    static const auto model = tocsin::forecaster<float>::with_layers(2, 2, {3}, 2);
    static const auto fresh = tocsin::training_state<float>::fresh(model, tocsin::adam{}, 1);
    auto state = fresh;
    tocsin::archive_reader archive = *file;
    archive.object("training", state);
    if (!archive.outcome().ok()) {
        require(archive.outcome().message()[0] != '\0', "a checkpoint is refused without a reason");
        return;
    }
    require(state.history.size() * 5 * sizeof(double) <= bytes.size(), "epochs from nowhere");
    require(state.best_epoch < state.finished_epochs(), "the best epoch has not been");
    require(state.step >= 0, "steps are negative");
    tocsin::archive_writer again;
    again.object("training", state);
    require(again.outcome().ok(), "a checkpoint that was loaded cannot be saved");
}
inline std::string checkpoint_seed() {
    const auto model = tocsin::forecaster<float>::with_layers(2, 2, {3}, 2);
    auto state = tocsin::training_state<float>::fresh(model, tocsin::adam{}, 1);
    state.history.resize(3);
    state.best_epoch = 1;
    tocsin::archive_writer archive;
    archive.object("training", state);
    return *archive.encode();
}

} // namespace tocsin_fuzz
