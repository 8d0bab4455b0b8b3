// Bytes of a stream that ask for more memory than they bear out, or that no stream has.
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

using namespace tocsin;

namespace {

using forecast_detector =
    detector<forecaster<float>, standard_scaler<float>, diagonal_gaussian<>, quantile_threshold>;

std::array<std::byte, 4> bytes_of(std::uint32_t value) {
    std::array<std::byte, 4> bytes{};
    for (std::size_t k = 0; k < 4; ++k) {
        bytes[k] = static_cast<std::byte>(value >> (8 * k));
    }
    return bytes;
}
void mend_checksum(std::vector<std::byte>& bytes) {
    const auto content = std::span<const std::byte>(bytes).first(bytes.size() - 4);
    const auto checksum = bytes_of(crc32(content));
    std::copy(checksum.begin(), checksum.end(), bytes.end() - 4);
}
/// Replaces one number of a stream and mends the checksum.
void replace(std::vector<std::byte>& bytes, std::uint32_t from, std::uint32_t to) {
    const auto old = bytes_of(from);
    const auto at = std::search(bytes.begin(), bytes.end(), old.begin(), old.end());
    REQUIRE(at != bytes.end());
    const auto made = bytes_of(to);
    std::copy(made.begin(), made.end(), at);
    mend_checksum(bytes);
}

/// Where a stream has what, in values of 8 bytes: see stream_memory::exchange().
enum place : std::size_t {
    first_position = 2,
    position = 11,
    seen,
    blind,
    learnable,
    incomplete,
    kind,
    reason,
    alarm,
    clock_reset,
    missing,
    lost,
    score,
    threshold,
    state_count
};
void set(std::vector<std::byte>& bytes, std::size_t at, std::uint64_t value) {
    for (std::size_t k = 0; k < 8; ++k) {
        bytes[8 * at + k] = static_cast<std::byte>(value >> (8 * k));
    }
}
void set_position(std::vector<std::byte>& bytes, std::int64_t samples) {
    set(bytes, first_position, static_cast<std::uint64_t>(samples));
    set(bytes, position, static_cast<std::uint64_t>(samples));
}
/// Where the arrays of a stream lie, in bytes: each begins with its count.
struct array_places {
    std::size_t state, inputs, errors, runs;
    array_places(std::size_t states, std::size_t features, std::size_t error_count)
        : state{8 * state_count + 8}, inputs{state + 4 * states + 8},
          errors{inputs + 4 * features + 8}, runs{errors + 8 * error_count + 8} {}
};
void set_word(std::vector<std::byte>& bytes, std::size_t at, std::uint32_t value) {
    const auto made = bytes_of(value);
    std::copy(made.begin(), made.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Of three features, of which it forecasts two.
const forecast_detector& slow_detector() {
    static const forecast_detector made = [] {
        forecast_detector detector(tocsin_test::small_forecaster<float>(1, {4}), {.warm_up = 5});
        tocsin_test::learn_slow_waves(detector, 1);
        return detector;
    }();
    return made;
}
std::size_t state_of_slow_detector() {
    return static_cast<std::size_t>(slow_detector().model().state_size(1)) + 2;
}
/// A stream of it after 30 samples.
auto slow_stream() {
    auto stream = slow_detector().make_stream();
    tocsin_test::push_each(slow_detector(), stream, tocsin_test::slow_waves<float>(30));
    return stream;
}

template <class Detector, class Change>
std::string refusal(const Detector& detector, const typename Detector::stream_type& stream,
                    Change&& change) {
    auto bytes = *save_stream(detector, stream);
    change(bytes);
    mend_checksum(bytes);
    const auto loaded = load_stream(detector, bytes);
    return loaded ? "" : loaded.error().message();
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("hostile streams: updates take no more memory than the bytes bear out") {
        // 0.8 MB that took 0.2 GB, and 2 GB with more units.
        constexpr int usual = 1003; // a number that is found in the bytes
        forecast_detector made(tocsin_test::small_forecaster<float>(2, {128}));
        tocsin_test::learn_slow_waves(made, 1);
        auto stream = made.make_stream();
        const online_training_settings updates{.steps = usual};
        REQUIRE(made.enable_learning(stream, {.model = updates}).ok());
        const auto bytes = save_stream(made, stream);
        REQUIRE(bytes.has_value());
        CHECK(load_stream(made, *bytes).has_value());
        const auto refusal = [&](std::uint32_t steps) {
            auto changed = *bytes;
            replace(changed, usual, steps);
            tocsin_test::set_allocation_faults({});
            const auto loaded = load_stream(made, changed);
            if (tocsin_test::allocations_can_fail()) {
                CHECK(tocsin_test::peak_bytes() < 40'000'000);
            }
            return std::string(loaded ? "" : loaded.error().message());
        };
        const auto check = [&](std::uint32_t steps, const char* part) {
            const std::string said = refusal(steps);
            CHECK_MESSAGE(said.find(part) != std::string::npos, said);
        };
        check(60000, "'learning' needs ");
        check(1 << 20, "updates of 1048576 samples are larger than the bytes");
        check((1 << 20) + 1, "'steps' is 1048577, out of range");
        CHECK_FALSE(
            made.enable_learning(stream, {.model = online_training_settings{.steps = 1 << 21}})
                .ok());
    }

    TEST_CASE("hostile streams: one that takes more memory is loaded where that is allowed") {
        forecast_detector made(tocsin_test::small_forecaster<float>(1, {32}));
        tocsin_test::learn_slow_waves(made, 1);
        auto stream = made.make_stream();
        REQUIRE(
            made.enable_learning(stream, {.model = online_training_settings{.steps = 30000}}).ok());
        const auto bytes = *save_stream(made, stream);
        const auto refused = load_stream(made, bytes);
        REQUIRE_FALSE(refused.has_value());
        CHECK(std::string(refused.error().message()).find("left of 16 times") != std::string::npos);
        const auto loaded = load_stream(made, bytes, 200);
        REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().message()));
        CHECK(*save_stream(made, *loaded) == bytes);
    }

    TEST_CASE("hostile streams: what no stream can be is refused with the value") {
        const auto& detector = slow_detector();
        const auto stream = slow_stream();
        REQUIRE(stream.last().scored());
        const auto check = [&](const char* part, auto&& change) {
            const std::string said = refusal(detector, stream, change);
            CHECK_MESSAGE(said.find(part) != std::string::npos, std::string(part), ": ", said);
        };
        const auto with = [](std::size_t at, std::int64_t value) {
            return [=](auto& bytes) { set(bytes, at, static_cast<std::uint64_t>(value)); };
        };
        const auto with_real = [](std::size_t at, double value) {
            return [=](auto& bytes) { set(bytes, at, std::bit_cast<std::uint64_t>(value)); };
        };
        CHECK(refusal(detector, stream, [](auto&) {}).empty());
        check("read 31 of 30 samples", with(seen, 31));
        check("12 samples without a value of 30, where the longest gap is 10", with(blind, 12));
        check("can be learned from", with(seen, 0));
        check("can be learned from", with(incomplete, 1));
        const array_places at(state_of_slow_detector(), 3, 2);
        const auto with_run = [&](std::int32_t run) {
            return [=](auto& bytes) {
                set(bytes, learnable, 0);
                set(bytes, incomplete, 1);
                set_word(bytes, at.runs, static_cast<std::uint32_t>(run));
            };
        };
        CHECK(refusal(detector, stream, with_run(30)).empty());
        check("missing in 31 samples in a row of 30", with_run(31));
        check("missing in -1 samples", with_run(-1));
        check("missing in -2147483648 samples", with_run(std::numeric_limits<std::int32_t>::min()));
        check("missing in 2 samples in a row of 30, but not in the last one",
              [&](auto& bytes) { set_word(bytes, at.runs + 4, 2); });
        check("reads nan", [&](auto& bytes) { set_word(bytes, at.inputs, 0x7fc00000); });
        check("reads inf", [&](auto& bytes) { set_word(bytes, at.inputs + 8, 0x7f800000); });

        check("score -1", with_real(score, -1));
        check("score nan", with_real(score, std::nan("")));
        check("threshold nan", with_real(threshold, std::nan("")));
        check("score 1e+300", with_real(score, 1e300)); // is normal
        check("an anomaly", with(kind, static_cast<int>(verdict_kind::anomaly)));
        check("warming_up", with(kind, static_cast<int>(verdict_kind::warming_up)));
        check("too few samples", with(reason, static_cast<int>(sample_reason::warming_up)));
        check("lost sensor", with(kind, static_cast<int>(verdict_kind::sensor_lost)));
        check("1 lost", with(lost, 1));
        for (const auto why : {sample_reason::wrong_size, sample_reason::not_finite}) {
            check("the reason decides the kind", [&](auto& bytes) {
                set(bytes, reason, static_cast<std::uint64_t>(why));
                set(bytes, score, 0);
            });
        }
    }

    TEST_CASE("hostile streams: the values of a window are those that samples can have") {
        detector<encoder_decoder<float>> made(tocsin_test::small_lstm<float>(2), {.window = 4});
        const auto values = tocsin_test::waves<float>(2, 100, 1);
        tocsin_test::run_all_phases(made, tocsin_test::windows_over(values, 4));
        auto stream = made.make_stream();
        auto holes = values;
        holes(1, 3) = std::nanf("");
        holes(0, 4) = 3e38F;
        tocsin_test::push_each(made, stream, holes.leftCols(6));
        CHECK(refusal(made, stream, [](auto&) {}).empty());
        const auto at = 8 * state_count + 8;
        CHECK(refusal(made, stream, [&](auto& bytes) { set_word(bytes, at, 0x7f800000); }) ==
              "stream: a window holds inf");
        CHECK(refusal(made, stream, [&](auto& bytes) {
                  set_word(bytes, at, 0x7f000000);
              }).find("a window holds 1.70141e+38") != std::string::npos);
    }

    TEST_CASE("hostile streams: after every kind of sample a stream is one that can be loaded") {
        const auto& detector = slow_detector();
        auto stream = detector.make_stream();
        const std::string fresh = refusal(detector, stream, [](auto&) {});
        CHECK_MESSAGE(fresh.empty(), fresh);
        random_generator random(3);
        const auto values = tocsin_test::slow_waves<float>(3000);
        double time = 0;
        for (index_t t = 0; t < values.cols(); ++t) {
            Eigen::VectorX<float> sample = values.col(t);
            const bool quiet = t / 50 % 4 == 3; // long enough for a gap and lost sensors
            for (float& value : sample) {
                const auto choice = random() % 40;
                value = quiet || choice == 0 ? std::nanf("")
                        : choice == 1        ? std::numeric_limits<float>::infinity()
                        : choice == 2        ? 1e30F
                                             : value;
            }
            const auto choice = random() % 100;
            time += choice == 0 ? -1000 : choice == 1 ? 1e6 : 1;
            const auto count = static_cast<std::size_t>(choice == 2 ? 2 : 3);
            if (choice == 3) {
                stream.restart();
            }
            detector.push(stream, std::span<const float>(sample.data(), count),
                          choice == 4 ? std::nan("") : time);
            const std::string said = refusal(detector, stream, [](auto&) {});
            REQUIRE_MESSAGE(said.empty(), t, ": ", said);
        }
    }

    TEST_CASE("hostile streams: where weights overflow, a stream is still saved and loaded") {
        forecast_detector made(tocsin_test::small_forecaster<float>(1, {4}));
        const std::vector<float> weights(slow_detector().parameters().size(), 3e38F);
        const std::vector<float> mean(3, 0);
        standard_scaler<float> scaler;
        const auto values = tocsin_test::slow_waves<float>(60);
        REQUIRE(scaler.fit(tocsin_test::windows_over(values, 1)).ok());
        const borrowed_weights<float> huge{.parameters = weights};
        REQUIRE(made.borrow(huge, scaler, mean).ok());
        REQUIRE(made.fit_errors(tocsin_test::windows_over(values, 30)).ok());
        made.override_thresholds(1.0);
        auto stream = made.make_stream();
        tocsin_test::push_each(made, stream, values);
        CHECK_FALSE(made.forecast(stream).allFinite());
        CHECK(stream.last().is_anomaly());
        const std::string said = refusal(made, stream, [](auto&) {});
        CHECK_MESSAGE(said.empty(), said);
    }

    TEST_CASE("hostile streams: counters at their limits neither wrap nor stop a stream") {
        const auto& detector = slow_detector();
        auto learning = slow_stream();
        REQUIRE(detector.enable_learning(learning, {.half_life = 100, .rule = true}).ok());
        auto bytes = *save_stream(detector, learning);
        constexpr auto most = static_cast<std::uint64_t>(largest_count);
        constexpr std::int32_t longest = std::numeric_limits<std::int32_t>::max();
        const array_places at(state_of_slow_detector(), 3, 2);
        set_position(bytes, largest_count);
        set(bytes, seen, most);
        set(bytes, blind, 11);
        set(bytes, incomplete, 1);
        set(bytes, learnable, 0);
        for (std::size_t f = 0; f < 3; ++f) {
            set_word(bytes, at.runs + 4 * f, static_cast<std::uint32_t>(longest));
        }
        // The end: learned_at, scored, anomalies, rate, clipped, updates, checksum.
        const auto set_at_end = [&](std::size_t from_end, std::uint64_t value) {
            auto tail = std::span(bytes).last(4 + 8 * from_end);
            for (std::size_t k = 0; k < 8; ++k) {
                tail[k] = static_cast<std::byte>(value >> (8 * k));
            }
        };
        for (const std::size_t from_end : {6U, 5U, 4U, 2U, 1U}) {
            set_at_end(from_end, most);
        }
        mend_checksum(bytes);
        const auto loaded = load_stream(detector, bytes);
        REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().message()));
        CHECK(loaded->missing_samples(2) == longest);
        CHECK(loaded->learning().scored == largest_count);
        const auto values = tocsin_test::slow_waves<float>(60);
        const std::vector<float> nothing(3, std::nanf(""));
        for (const bool without_value : {true, false}) {
            auto stream = *loaded;
            for (int k = 0; k < (without_value ? 30 : 0); ++k) {
                const auto said = detector.push(stream, nothing);
                CHECK(said.kind == verdict_kind::sensor_lost);
                CHECK(stream.missing_samples(0) == longest);
                CHECK(stream.position() == largest_count);
                detector.learn(stream);
                CHECK(refusal(detector, stream, [](auto&) {}).empty());
            }
            for (index_t t = 0; t < values.cols(); ++t) {
                detector.push(stream, values.col(t));
                detector.learn(stream);
                CHECK(stream.missing_samples(0) == 0);
                const std::string said = refusal(detector, stream, [](auto&) {});
                CHECK_MESSAGE(said.empty(), said);
            }
            CHECK(stream.last().scored());
            CHECK(stream.position() == largest_count);
            CHECK(stream.learning().scored == largest_count);
        }
        // One more of each is refused.
        auto more = *save_stream(detector, *loaded);
        set(more, seen, most + 1);
        mend_checksum(more);
        CHECK_FALSE(load_stream(detector, more).has_value());
    }
}
