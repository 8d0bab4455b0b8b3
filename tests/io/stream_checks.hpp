/// @file stream_checks.hpp
/// @brief A stream saved in the middle must continue with the same bits.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/stream_learning.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin_test {

/// A stream with all that happens to one: noise, faults, missing values, lost sensors, a clock that
/// jumps. Every generator of the same seed gives the same samples.
class eventful_stream {
  public:
    explicit eventful_stream(int features, std::uint64_t seed = 1)
        : random_(seed), sample_(static_cast<std::size_t>(features)) {}

    /// The next sample, valid until the next call.
    std::span<const float> next() {
        const double t = static_cast<double>(position_);
        const bool faulty = position_ % 257 > 250;
        const bool blind = position_ % 1511 > 1490;
        for (std::size_t f = 0; f < sample_.size(); ++f) {
            double value =
                10.0 * static_cast<double>(f) +
                2 * std::sin(0.3 * static_cast<double>(f + 1) * t + static_cast<double>(f)) +
                random_.uniform(-0.2, 0.2) + 1e-5 * t;
            value += faulty && f == 0 ? 9 : 0;
            const bool lost = f == 1 && position_ % 1000 > 930;
            const bool missing = random_.uniform() < 0.01 || lost || blind;
            sample_[f] =
                missing ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(value);
        }
        ++position_;
        time_ += position_ % 1999 == 0 ? -500 : position_ % 2503 == 0 ? 1000 : 1;
        return sample_;
    }
    /// Time of the sample that next() gave last; once in a while it is wrong or not known.
    double time() const noexcept {
        return position_ % 613 == 0   ? 1e9
               : position_ % 419 == 0 ? std::numeric_limits<double>::quiet_NaN()
                                      : time_;
    }

  private:
    tocsin::random_generator random_;
    std::vector<float> sample_;
    std::int64_t position_ = 0;
    double time_ = 0;
};

inline std::uint64_t bits(double value) noexcept {
    return std::bit_cast<std::uint64_t>(value);
}

inline bool equal_bits(const tocsin::verdict& a, const tocsin::verdict& b) noexcept {
    return a.kind == b.kind && a.reason == b.reason && a.alarm == b.alarm &&
           a.clock_reset == b.clock_reset && a.missing == b.missing && a.lost == b.lost &&
           bits(a.score) == bits(b.score) && bits(a.threshold) == bits(b.threshold) &&
           bits(a.expected_false_alarms) == bits(b.expected_false_alarms) &&
           a.rate_exceeded == b.rate_exceeded;
}

/// Pushes the next sample to a stream and learns from it.
template <class Detector>
tocsin::verdict push_and_learn(const Detector& detector, typename Detector::stream_type& stream,
                               std::span<const float> sample, double time) {
    const auto said = detector.push(stream, sample, time);
    detector.learn(stream);
    return said;
}

template <class Detector>
std::vector<std::byte> saved_bytes(const Detector& detector,
                                   const typename Detector::stream_type& stream) {
    auto bytes = tocsin::save_stream(detector, stream);
    REQUIRE_MESSAGE(bytes.has_value(), bytes.error().message());
    return *std::move(bytes);
}

/// What became of the verdicts after loading.
struct continuation {
    int different = 0; ///< verdicts that differ from the stream that was never saved
    int scored = 0;
    int anomalies = 0;
    int alarms = 0;
    int unscored = 0;
    int unlike_plain = 0; ///< scores or thresholds that differ from a stream that does not learn
};

/// Runs a stream, saves it in the middle, loads it into the detector and into its twin, and compares
/// the next verdicts of all three.
/// @param twin the same detector by another way, such as a file
template <class Detector>
continuation continue_from_bytes(const Detector& detector, const Detector& twin,
                                 const std::optional<tocsin::learning_settings>& learning,
                                 int before, int after) {
    auto stream = detector.make_stream();
    auto plain = stream;
    if (learning) {
        const auto outcome = detector.enable_learning(stream, *learning);
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    }
    eventful_stream source(detector.features());
    for (int k = 0; k < before; ++k) {
        const auto sample = source.next();
        push_and_learn(detector, stream, sample, source.time());
        detector.push(plain, sample, source.time());
    }
    const auto bytes = saved_bytes(detector, stream);
    CHECK(tocsin::saved_position(bytes).value() == before);
    auto loaded = tocsin::load_stream(detector, bytes);
    REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
    auto by_twin = tocsin::load_stream(twin, bytes);
    REQUIRE_MESSAGE(by_twin.has_value(), by_twin.error().message());
    CHECK(loaded->position() == before);
    CHECK(loaded->learns() == stream.learns());
    CHECK(equal_bits(loaded->last(), stream.last()));
    CHECK(bits(loaded->time()) == bits(stream.time()));
    CHECK(saved_bytes(detector, *loaded) == bytes);
    CHECK(saved_bytes(twin, *by_twin) == bytes);

    continuation found;
    std::vector<double> shares(static_cast<std::size_t>(detector.features()));
    std::vector<double> loaded_shares(shares.size());
    for (int k = 0; k < after; ++k) {
        const auto sample = source.next();
        const double time = source.time();
        const auto expected = push_and_learn(detector, stream, sample, time);
        bool same = equal_bits(push_and_learn(detector, *loaded, sample, time), expected) &&
                    equal_bits(push_and_learn(twin, *by_twin, sample, time), expected);
        if (k % 16 == 0) {
            detector.shares(stream, shares);
            twin.shares(*by_twin, loaded_shares);
            for (std::size_t f = 0; f < shares.size(); ++f) {
                same = same && bits(shares[f]) == bits(loaded_shares[f]) &&
                       stream.missing_samples(static_cast<int>(f)) ==
                           by_twin->missing_samples(static_cast<int>(f));
            }
        }
        const auto unlearned = detector.push(plain, sample, time);
        found.different += same ? 0 : 1;
        found.scored += expected.scored() ? 1 : 0;
        found.unscored += expected.scored() ? 0 : 1;
        found.anomalies += expected.is_anomaly() ? 1 : 0;
        found.alarms += expected.alarm ? 1 : 0;
        found.unlike_plain += expected.scored() && (unlearned.score != expected.score ||
                                                    unlearned.threshold != expected.threshold)
                                  ? 1
                                  : 0;
    }
    CHECK(saved_bytes(detector, *loaded) == saved_bytes(detector, stream));
    CHECK(saved_bytes(twin, *by_twin) == saved_bytes(detector, stream));
    return found;
}

/// The same, and that enough happened for the comparison to mean something.
template <class Detector>
continuation check_continues(const Detector& detector, const Detector& twin,
                             const std::optional<tocsin::learning_settings>& learning, int after) {
    const auto found = continue_from_bytes(detector, twin, learning, 1700, after);
    CHECK(found.different == 0);
    CHECK(found.scored > after / 2);
    CHECK(found.unscored > 0);
    CHECK(found.anomalies > 0);
    CHECK(found.alarms > 0);
    CHECK(found.anomalies < found.scored);
    return found;
}

constexpr double never = std::numeric_limits<double>::infinity();
constexpr tocsin::online_training_settings on_line_training{
    .every = 50, .steps = 24, .learning_rate = 1e-3};

/// Verdicts that are compared after loading; without optimisation, 10 000 take minutes.
#ifdef __OPTIMIZE__
constexpr int compared = 10'000;
#else
constexpr int compared = 1000;
#endif

/// With each way of learning, a stream gives the same next verdicts, and what is to learn does.
template <class Detector>
void check_every_way_continues(const Detector& detector, const Detector& twin) {
    using rule_type = std::remove_cvref_t<decltype(detector.rule())>;
    using tocsin::learning_settings;
    const std::pair<const char*, std::optional<learning_settings>> ways[] = {
        {"nothing", std::nullopt},
        {"statistic", learning_settings{.half_life = 3000}},
        {"rule", learning_settings{.half_life = never, .rule = true}},
        {"model", learning_settings{.half_life = never, .model = on_line_training}},
        {"all", learning_settings{.half_life = 3000, .rule = true, .model = on_line_training}}};
    for (const auto& [what, learning] : ways) {
        const std::string way = what;
        CAPTURE(way);
        const auto found = check_continues(detector, twin, learning, compared);
        const bool adapts = learning && (learning->half_life < never || learning->model ||
                                         tocsin::adapting_rule<rule_type>);
        CHECK((found.unlike_plain > 0) == adapts);
    }
}

} // namespace tocsin_test
