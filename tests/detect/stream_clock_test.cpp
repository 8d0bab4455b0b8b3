#include "tocsin/detect/stream_clock.hpp"
#include "tocsin/io/byte_archive.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string>

using tocsin::clock_step;
using tocsin::detector_settings;
using tocsin::stream_clock;

namespace {

const double infinity = std::numeric_limits<double>::infinity();
const detector_settings defaults{};

/// One letter per time: f(ollows), r(efused), R(eset).
std::string steps(stream_clock& clock, std::initializer_list<double> times,
                  const detector_settings& settings = defaults) {
    std::string all;
    for (const double time : times) {
        const auto step = clock.advance(time, settings);
        all += step == clock_step::follows ? 'f' : step == clock_step::refused ? 'r' : 'R';
    }
    return all;
}
/// `count` samples, one a minute, from `first` on.
stream_clock steady(double first, int count) {
    stream_clock clock;
    for (int k = 0; k < count; ++k) {
        CHECK(clock.advance(first + 60.0 * k, defaults) == clock_step::follows);
    }
    return clock;
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("stream clock: a state that no times lead to is refused") {
        auto clock = steady(1e9, 5);
        CHECK(steps(clock, {infinity}) == "r"); // a candidate may be infinite
        tocsin::byte_writer writer;
        clock.exchange(writer);
        const auto load_with = [&](std::size_t number, double value) {
            auto bytes = writer.bytes();
            std::memcpy(bytes.data() + 8 * number, &value, sizeof value);
            tocsin::byte_reader reader(bytes);
            stream_clock loaded;
            loaded.exchange(reader);
            return reader.outcome().ok();
        };
        constexpr std::size_t last = 0;
        constexpr std::size_t candidate = 1;
        constexpr std::size_t candidate_interval = 2;
        constexpr std::size_t interval = 3;
        CHECK(load_with(last, 1e9));
        CHECK(load_with(candidate, infinity));
        CHECK(load_with(interval, std::nan("")));
        for (const double value : {infinity, -infinity}) {
            CHECK_FALSE(load_with(last, value));
            CHECK_FALSE(load_with(candidate_interval, value));
            CHECK_FALSE(load_with(interval, value));
        }
        CHECK_FALSE(load_with(interval, 0));
        CHECK_FALSE(load_with(interval, -1));
    }

    TEST_CASE("stream clock: times that go forward follow, and so does a time that is not known") {
        stream_clock clock;
        CHECK(std::isnan(clock.last()));
        CHECK(steps(clock, {NAN, NAN}) == "ff");
        CHECK(std::isnan(clock.last()));
        CHECK(steps(clock, {5, 6, NAN, 8}) == "ffff");
        CHECK(clock.last() == 8);
    }

    TEST_CASE("stream clock: one wrong stamp costs one sample, wherever it lies") {
        const double start = 1.7e9;
        for (const double wrong : {4.07e9, 0.0, -1e300, 1e300, infinity, -infinity}) {
            CAPTURE(wrong);
            stream_clock clock = steady(start, 100);
            CHECK(steps(clock, {wrong}) == "r");
            CHECK(clock.last() == start + 99 * 60);
            CHECK(steps(clock, {start + 101 * 60, start + 102 * 60}) == "ff");
        }
    }

    TEST_CASE("stream clock: a repeated and an earlier time are refused, alone") {
        stream_clock clock = steady(0, 10);
        CHECK(steps(clock, {540, 530, 540, 600}) == "rrrf");
        // Refused times that do not follow each other never agree.
        CHECK(steps(clock, {500, 400, 300, 200, 100, 660}) == "rrrrrf");
    }

    TEST_CASE("stream clock: a clock set anew is taken over after as many samples as asked for") {
        for (const double shift : {-86400.0, -3600.0, 3600.0, 1e9}) {
            for (const int agreement : {1, 2, 3, 5}) {
                CAPTURE(shift);
                CAPTURE(agreement);
                const detector_settings settings{.clock_agreement = agreement};
                stream_clock clock = steady(1.7e9, 50);
                std::string seen;
                for (int k = 50; k < 60; ++k) {
                    seen += steps(clock, {1.7e9 + 60.0 * k + shift}, settings);
                }
                const auto refused = static_cast<std::size_t>(agreement - 1);
                CHECK(seen == std::string(refused, 'r') + 'R' + std::string(9 - refused, 'f'));
                CHECK(clock.last() == 1.7e9 + 60.0 * 59 + shift);
            }
        }
    }

    TEST_CASE("stream clock: a first stamp that is wrong is forgotten as well") {
        for (const double wrong : {4.07e9, 0.0}) {
            stream_clock clock;
            std::string seen = steps(clock, {wrong});
            for (int k = 0; k < 10; ++k) {
                seen += steps(clock, {1.7e9 + 60.0 * k});
            }
            CHECK(seen == (wrong > 0 ? "frrRfffffff" : "fffffffffff"));
        }
    }

    TEST_CASE(
        "stream clock: a pause is what is longer than the usual interval allows, or as given") {
        stream_clock clock = steady(0, 20);
        CHECK(steps(clock, {1140 + 600}) == "f");
        CHECK(steps(clock, {1740 + 700, 1740 + 760, 1740 + 820, 1740 + 880}) == "rrRf");
        stream_clock given;
        const detector_settings settings{.longest_pause = 5, .clock_agreement = 2};
        CHECK(steps(given, {0, 1, 6, 11.5, 12, 13}, settings) == "fffrRf");
        stream_clock never = steady(0, 20);
        CHECK(steps(never, {1e12}, {.longest_pause = infinity}) == "f");
    }

    TEST_CASE("stream clock: a stream that becomes slower for good is not refused for ever") {
        for (const double interval : {61.0, 700.0, 3600.0, 1e6}) {
            for (const int agreement : {1, 2, 3, 6}) {
                CAPTURE(interval);
                CAPTURE(agreement);
                const detector_settings settings{.clock_agreement = agreement};
                stream_clock clock = steady(0, 100);
                std::string seen;
                for (int k = 1; k <= 400; ++k) {
                    seen += steps(clock, {5940 + interval * k}, settings);
                }
                const auto refused = static_cast<int>(std::count(seen.begin(), seen.end(), 'r'));
                CHECK(refused <= agreement);
                CHECK(seen.ends_with(std::string(100, 'f')));
            }
        }
    }

    TEST_CASE("stream clock: a burst at the start does not make every later sample a pause") {
        stream_clock clock;
        std::string seen = steps(clock, {0, 0.001});
        for (int k = 1; k <= 50; ++k) {
            seen += steps(clock, {60.0 * k});
        }
        CHECK(std::count(seen.begin(), seen.end(), 'r') <= 3);
        CHECK(seen.ends_with(std::string(40, 'f')));
    }

    TEST_CASE("stream clock: an interval learned from a wrong stamp goes with it") {
        stream_clock clock;
        CHECK(steps(clock, {1.7e9, 4.07e9}) == "ff"); // no interval is known yet
        std::string seen;
        for (int k = 1; k <= 20; ++k) {
            seen += steps(clock, {1.7e9 + 60.0 * k});
        }
        CHECK(seen == "rrR" + std::string(17, 'f'));
        CHECK(steps(clock, {4.07e9, 1.7e9 + 60.0 * 22}) == "rf");
    }

    TEST_CASE("stream clock: after a first stamp of 1970 a pause is noticed within 40 samples") {
        stream_clock clock;
        CHECK(steps(clock, {0}) == "f");
        for (int k = 0; k < 40; ++k) {
            CHECK(clock.advance(1.76e9 + k, defaults) == clock_step::follows);
        }
        CHECK(steps(clock, {1.76e9 + 3600}) == "r");
    }

    TEST_CASE(
        "stream clock: a clock that is always infinite is given up, one that is once is not") {
        stream_clock clock;
        CHECK(steps(clock, {infinity, infinity, infinity, infinity, -infinity}) == "rrRff");
        CHECK(std::isnan(clock.last()));
        CHECK(steps(clock, {100, 160, 220}) == "fff"); // it works again
        CHECK(steps(clock, {-infinity, infinity, 280, infinity, 340}) == "rrfrf");
        CHECK(steps(clock, {infinity, infinity, infinity, infinity}) == "rrRf");
        CHECK(steps(clock, {400, infinity, 460}) == "frf");
        CHECK(clock.last() == 460);
    }

    TEST_CASE("stream clock: times too far apart for a double leave a state that can be saved") {
        constexpr double far = 1e308;
        stream_clock clock;
        CHECK(steps(clock, {-far, far}) == "fr");
        CHECK(clock.valid().ok());
        CHECK(steps(clock, {far + 1e300, far + 2e300}).size() == 2);
        CHECK(clock.valid().ok());
        for (const double time : {-far, far, -far, far, 0.0, 1.0, 2.0, far}) {
            steps(clock, {time});
            CHECK(clock.valid().ok());
        }
    }

    TEST_CASE("stream clock: clear() forgets the times") {
        stream_clock clock = steady(4.07e9, 5);
        clock.clear();
        CHECK(std::isnan(clock.last()));
        CHECK(steps(clock, {0, 60}) == "ff");
    }
}
