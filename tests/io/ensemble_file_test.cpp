// Ensembles of detectors, charted detectors and comparators, and each alone: saved and loaded like one
// detector, in the middle of a stream, damaged, and by an attacker.
#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/ensemble.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <doctest/doctest.h>

#include "fuzz/file_mutator.hpp"
#include "stream_checks.hpp"
#include "support/allocation_counter.hpp"
#include "support/edited_file.hpp"
#include "support/rated_forecaster.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using tocsin::error_code;
using tocsin::index_t;
using tocsin_test::edited_file;
using tocsin_test::rated_forecaster;
using tocsin_test::saved_bytes;
using tocsin_test::says;
using tocsin_test::slow_waves;
using tocsin_test::temporary_directory;

namespace {

using charted_forecaster = tocsin::charted_detector<rated_forecaster, tocsin::m_of_n>;
using novelty = tocsin::scored_comparator<tocsin::nearest_value_novelty>;
/// One of each kind, with alarm control over all.
using mixed_ensemble =
    tocsin::basic_ensemble<tocsin::m_of_n, rated_forecaster, charted_forecaster, novelty>;

rated_forecaster learned_forecaster() {
    return tocsin_test::learned_forecaster(tocsin_test::small_forecaster(1, {3}), 5);
}
charted_forecaster learned_charts() {
    charted_forecaster charted(learned_forecaster(), {.promised = 10}, tocsin::m_of_n(2, 3));
    const auto fitted = charted.fit(slow_waves(900, 5));
    REQUIRE_MESSAGE(fitted.ok(), fitted.message());
    return charted;
}
novelty learned_novelty(int memory = 25) {
    novelty made(tocsin::nearest_value_novelty(memory), tocsin::alarm_rate({.alarms = 10}));
    const auto fitted = made.fit(slow_waves(600).cast<double>(), slow_waves(600, 2).cast<double>());
    REQUIRE_MESSAGE(fitted.ok(), fitted.message());
    return made;
}
const mixed_ensemble& mixed() {
    static const mixed_ensemble made({.combine = tocsin::combination::bonferroni, .promised = 10},
                                     tocsin::m_of_n(2, 4), learned_forecaster(), learned_charts(),
                                     learned_novelty());
    return made;
}

/// Waves with what happens to a stream: gaps, faults.
std::vector<float> next_sample(const tocsin::matrix<float>& waves, index_t t) {
    std::vector<float> sample(waves.col(t).begin(), waves.col(t).end());
    if (t % 601 > 597) {
        sample[0] += 30;
    }
    if (t % 61 == 7) {
        sample[1] = std::numeric_limits<float>::quiet_NaN();
    }
    return sample;
}
const tocsin::verdict& verdict_of(const tocsin::verdict& said) {
    return said;
}
const tocsin::verdict& verdict_of(const tocsin::ensemble_verdict& said) {
    return said.combined;
}
bool same(const tocsin::verdict& a, const tocsin::verdict& b) {
    return tocsin_test::same_verdict(a, b);
}
bool same(const tocsin::ensemble_verdict& a, const tocsin::ensemble_verdict& b) {
    return a.member == b.member && same(a.combined, b.combined) && same(a.of_member, b.of_member);
}

std::string file_of(const auto& detector) {
    const temporary_directory directory;
    const auto saved = tocsin::save_detector(detector, directory / "detector");
    REQUIRE_MESSAGE(saved.ok(), saved.message());
    std::ifstream file(directory / "detector", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
template <class Detector>
tocsin::result<Detector> load_file(const std::string& bytes) {
    const temporary_directory directory;
    const auto path = directory / "hostile.tocsin";
    std::ofstream(path, std::ios::binary) << bytes;
    return tocsin::load_detector<Detector>(path);
}

/// Saved to files and loaded, in the middle of a stream, nothing changes.
template <class Detector>
void check_continues(const Detector& detector) {
    const auto file = file_of(detector);
    auto twin = load_file<Detector>(file);
    REQUIRE_MESSAGE(twin.has_value(), twin.error().message());
    CHECK(twin->identity() == detector.identity());
    CHECK(file_of(*twin) == file);
    const auto waves = slow_waves(10'700, 3);
    for (const index_t before : {0, 10, 700}) {
        const index_t after = before == 700 ? tocsin_test::compared : 2000;
        auto here = detector.make_stream();
        for (index_t t = 0; t < before; ++t) {
            detector.push(here, next_sample(waves, t));
        }
        const auto bytes = saved_bytes(detector, here);
        CHECK(tocsin::saved_position(bytes).value() == before);
        auto there = tocsin::load_stream(*twin, bytes);
        REQUIRE_MESSAGE(there.has_value(), there.error().message());
        CHECK(there->position() == before);
        CHECK(saved_bytes(*twin, *there) == bytes);
        int different = 0;
        int scored = 0;
        int anomalies = 0;
        for (index_t t = before; t < before + after; ++t) {
            const auto sample = next_sample(waves, t);
            const auto expected = detector.push(here, sample);
            different += same(twin->push(*there, sample), expected) ? 0 : 1;
            scored += verdict_of(expected).scored() ? 1 : 0;
            anomalies += verdict_of(expected).is_anomaly() ? 1 : 0;
        }
        CHECK(different == 0);
        CHECK(scored > after * 3 / 4);
        CHECK(anomalies > 5);
        CHECK(anomalies < scored);
        CHECK(saved_bytes(*twin, *there) == saved_bytes(detector, here));
    }
}

template <class Detector>
bool stream_refused(const Detector& detector, std::span<const std::byte> bytes) {
    const auto loaded = tocsin::load_stream(detector, bytes);
    return !loaded.has_value() && loaded.error().code() == error_code::format_error;
}
void mend_checksum(std::vector<std::byte>& bytes) {
    const auto content = std::span<const std::byte>(bytes).first(bytes.size() - 4);
    const std::uint32_t checksum = tocsin::crc32(content);
    for (std::size_t k = 0; k < 4; ++k) {
        bytes[content.size() + k] = static_cast<std::byte>(checksum >> (8 * k));
    }
}

/// Mutants of the file with right checksums are refused with a reason, or what they load judges.
template <class Detector>
void check_mutants(const std::string& file, int count) {
    const auto waves = slow_waves(40, 3);
    tocsin::random_generator random(5);
    int refused = 0;
    for (int k = 0; k < count; ++k) {
        auto loaded = load_file<Detector>(tocsin_fuzz::restructured(file, random));
        if (!loaded) {
            ++refused;
            CHECK_FALSE(std::string_view(loaded.error().message()).empty());
            continue;
        }
        auto stream = loaded->make_stream();
        for (index_t t = 0; t < waves.cols() && loaded->features() == 3; ++t) {
            const auto said = verdict_of(loaded->push(stream, waves.col(t)));
            CHECK_FALSE(std::isnan(said.score));
        }
        const auto bytes = tocsin::save_stream(*loaded, stream);
        CHECK((!bytes || tocsin::load_stream(*loaded, *bytes).has_value()));
    }
    CHECK(refused > count / 3);
    CHECK(refused < count);
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("ensemble file: a detector, charts and a comparator continue with the same bits") {
        check_continues(mixed());
        check_continues(tocsin::ensemble<novelty, rated_forecaster>(
            {.combine = tocsin::combination::mean_log}, learned_novelty(), learned_forecaster()));
    }

    TEST_CASE("ensemble file: its members alone continue with the same bits") {
        check_continues(mixed().member<1>());
        check_continues(mixed().member<2>());
    }

    TEST_CASE("ensemble file: push allocates nothing, also after loading") {
        auto twin = load_file<mixed_ensemble>(file_of(mixed()));
        REQUIRE(twin.has_value());
        const auto bytes = saved_bytes(mixed(), mixed().make_stream());
        auto stream = tocsin::load_stream(*twin, bytes);
        REQUIRE(stream.has_value());
        const auto waves = slow_waves(500, 4);
        double scores = 0;
        CHECK(tocsin_test::allocations_during([&] {
                  for (index_t t = 0; t < waves.cols(); ++t) {
                      scores += twin->push(*stream, waves.col(t)).combined.score;
                  }
              }) == 0);
        CHECK(std::isfinite(scores));
        CHECK(tocsin_test::allocations_during([&] { mixed().make_stream(); }) > 0);
    }

    TEST_CASE("ensemble file: a file of another ensemble is refused") {
        const auto file = file_of(mixed());
        const auto two =
            load_file<tocsin::basic_ensemble<tocsin::m_of_n, rated_forecaster, charted_forecaster>>(
                file);
        REQUIRE_FALSE(two.has_value());
        CHECK(says(two.error(), "'detector.members' is '3', expected '2'"));
        using other_scorer = tocsin::scored_comparator<tocsin::lagged_value>;
        const auto lagged =
            load_file<tocsin::basic_ensemble<tocsin::m_of_n, rated_forecaster, charted_forecaster,
                                             other_scorer>>(file);
        REQUIRE_FALSE(lagged.has_value());
        CHECK(says(lagged.error(), "is 'nearest_value_novelty', expected 'lagged_value'"));
        using in_double = tocsin::scored_comparator<tocsin::nearest_value_novelty, double>;
        const auto wide = load_file<in_double>(file_of(learned_novelty()));
        REQUIRE_FALSE(wide.has_value());
        CHECK(says(wide.error(), "'detector.scalar_bytes' is '4', expected '8'"));
        CHECK_FALSE(load_file<rated_forecaster>(file).has_value());
        CHECK_FALSE(load_file<mixed_ensemble>(file_of(learned_novelty())).has_value());
    }

    TEST_CASE("ensemble file: a stream of another ensemble is refused") {
        auto stream = mixed().make_stream();
        const auto waves = slow_waves(50, 3);
        for (index_t t = 0; t < waves.cols(); ++t) {
            mixed().push(stream, waves.col(t));
        }
        const auto bytes = saved_bytes(mixed(), stream);
        CHECK_FALSE(stream_refused(mixed(), bytes));
        const auto refused = [&](const mixed_ensemble& other) {
            return stream_refused(other, bytes) &&
                   says(tocsin::load_stream(other, bytes).error(), "belongs to another detector");
        };
        const auto with = [](const novelty& third, double promised = 10) {
            return mixed_ensemble({.promised = promised}, tocsin::m_of_n(2, 4), mixed().member<0>(),
                                  mixed().member<1>(), third);
        };
        CHECK_FALSE(refused(with(mixed().member<2>())));
        CHECK(refused(with(mixed().member<2>(), 5)));
        CHECK(refused(with(learned_novelty(26))));
        // The same settings, other samples; the same comparator, another rule.
        novelty other(tocsin::nearest_value_novelty(25), tocsin::alarm_rate({.alarms = 10}));
        REQUIRE(
            other.fit(slow_waves(600, 9).cast<double>(), slow_waves(600, 2).cast<double>()).ok());
        CHECK(refused(with(other)));
        REQUIRE(other.fit(slow_waves(600).cast<double>(), slow_waves(600, 9).cast<double>()).ok());
        CHECK(refused(with(other)));
        // Neither can one comparator save the stream of another, nor a stream of none.
        auto its_stream = other.make_stream();
        const auto saved = tocsin::save_stream(learned_novelty(), its_stream);
        CHECK(saved.error().code() == error_code::invalid_argument);
        CHECK(says(saved.error(), "another comparator made it"));
        CHECK_FALSE(tocsin::save_stream(learned_novelty(), novelty::stream_type{}).has_value());
    }

    TEST_CASE("ensemble file: alarm control that could not be loaded is named, and not saved") {
        const mixed_ensemble never({.promised = 10}, tocsin::m_of_n(5, 3), mixed().member<0>(),
                                   mixed().member<1>(), mixed().member<2>());
        charted_forecaster charts(learned_forecaster(), {.promised = 10}, tocsin::m_of_n(5, 3));
        CHECK(says(never.check(), "m 5 must lie in [1, 3]"));
        CHECK(says(charts.check(), "m 5 must lie in [1, 3]"));
        CHECK(says(charts.fit(slow_waves(900, 5)), "m 5 must lie in [1, 3]"));
        const temporary_directory directory;
        CHECK(says(tocsin::save_detector(never, directory / "file"), "m 5 must lie in [1, 3]"));
        CHECK(says(tocsin::save_detector(charts, directory / "file"), "m 5 must lie in [1, 3]"));
        CHECK_FALSE(std::filesystem::exists(directory / "file"));
    }

    TEST_CASE("ensemble file: cut off or with any byte changed, file and stream are refused") {
        const tocsin::ensemble<rated_forecaster, novelty> small(
            {.promised = 10}, mixed().member<0>(), learned_novelty(4));
        auto stream = small.make_stream();
        const auto waves = slow_waves(50, 3);
        for (index_t t = 0; t < waves.cols(); ++t) {
            small.push(stream, waves.col(t));
        }
        const auto bytes = saved_bytes(small, stream);
        int accepted = 0;
        auto changed = bytes;
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            accepted += stream_refused(small, std::span(bytes).first(at)) ? 0 : 1;
            for (int bit = 0; bit < 8; ++bit) {
                changed[at] = bytes[at] ^ static_cast<std::byte>(1 << bit);
                accepted += stream_refused(small, changed) ? 0 : 1;
            }
            changed[at] = bytes[at];
        }
        CHECK(accepted == 0);
        REQUIRE(tocsin::load_stream(small, changed).has_value());
        for (std::size_t at = 0; at + 4 < bytes.size();
             ++at) { // with the checksum that belongs to it
            for (const int mask : {0x01, 0x80, 0xFF}) {
                auto forged = bytes;
                forged[at] ^= static_cast<std::byte>(mask);
                mend_checksum(forged);
                auto loaded = tocsin::load_stream(small, forged);
                for (index_t t = 0; loaded && t < 3; ++t) {
                    CHECK_FALSE(std::isnan(small.push(*loaded, waves.col(t)).combined.score));
                }
            }
        }

        const auto file = file_of(small);
        REQUIRE(tocsin::archive_reader::from_bytes(std::as_bytes(std::span(file))).has_value());
        const auto file_refused = [](const std::string& content) {
            return !tocsin::archive_reader::from_bytes(std::as_bytes(std::span(content)));
        };
        for (std::size_t at = 0; at < file.size(); ++at) {
            accepted += file_refused(file.substr(0, at)) ? 0 : 1;
            auto one = file;
            one[at] = static_cast<char>(one[at] ^ (1 << (at % 8)));
            accepted += file_refused(one) ? 0 : 1;
        }
        CHECK(accepted == 0);
    }

    TEST_CASE("ensemble file: what an attacker writes is refused before it takes memory") {
        const auto file = file_of(mixed());
        const std::string scorer = "detector.member2.scorer.";
        const auto check_refused = [&](const edited_file& edited, std::string_view reason) {
            CAPTURE(reason);
            tocsin_test::set_allocation_faults({});
            const auto loaded = load_file<mixed_ensemble>(edited.bytes());
            if (tocsin_test::allocations_can_fail()) {
                CHECK(tocsin_test::peak_bytes() <=
                      40 * static_cast<long long>(file.size()) + 200'000);
            }
            REQUIRE_FALSE(loaded.has_value());
            CAPTURE(loaded.error().message());
            CHECK(says(loaded.error(), reason));
        };
        for (const char* memory : {"16777216", "1000000"}) {
            check_refused(edited_file(file).set(scorer + "memory", memory), "history' needs ");
        }
        check_refused(edited_file(file).set(scorer + "features", "16777216"),
                      sizeof(void*) > 4 ? "learned' needs " : "learned");
        check_refused(edited_file(file).set(scorer + "features", "2"), "shape");
        check_refused(edited_file(file).set(scorer + "memory", "3"), "25 samples fit no memory");
        check_refused(edited_file(file).fill(scorer + "learned", std::nan("")), "not finite");
        check_refused(edited_file(file).fill(scorer + "learned", 1e200), "1e+200");
        check_refused(edited_file(file).fill("detector.settings.promised", -1.0), "promised -1");
        check_refused(edited_file(file).set("detector.members", "2"), "expected '3'");
        check_refused(edited_file(file).set("detector.member2.version", "2"), "newer tocsin");
        const std::string charts = "detector.member1.charts.";
        check_refused(edited_file(file).fill(charts + "0.scale", 0.0), "0");
        edited_file without_charts(file); // but with their rules
        const int targets = mixed().member<1>().detector().model().targets();
        for (int target = 0; target < targets; ++target) {
            without_charts.fill(charts + std::to_string(target) + ".units", 0.0);
        }
        check_refused(without_charts, "none of the targets has one");
        check_refused(
            edited_file(file).set(charts + "0.chart.count", "1").set(charts + "0.chart.next", "1"),
            "have seen rows");
    }

    TEST_CASE("ensemble file: mutants are refused, or what they load judges") {
        check_mutants<mixed_ensemble>(file_of(mixed()), 400);
        check_mutants<charted_forecaster>(file_of(mixed().member<1>()), 300);
        check_mutants<novelty>(file_of(mixed().member<2>()), 300);
    }

    TEST_CASE("ensemble file: whichever allocation fails, loading says so") {
        if (!tocsin_test::allocations_can_fail()) {
            MESSAGE("skipped: with a sanitizer allocations cannot be made to fail");
            return;
        }
        const auto made = learned_novelty();
        const temporary_directory directory;
        const auto path = directory / "file";
        REQUIRE(tocsin::save_detector(made, path).ok());
        const auto bytes = saved_bytes(made, made.make_stream());
        const auto each = [&](auto&& load) {
            int refused = 0;
            for (long n = 1; n < 100'000; ++n) {
                tocsin_test::set_allocation_faults({.nth = n});
                const auto code = load();
                const bool failed = tocsin_test::allocation_failed();
                const long long left = tocsin_test::live_bytes();
                tocsin_test::set_allocation_faults({});
                CHECK((code == error_code::ok || (failed && code == error_code::out_of_memory)));
                CHECK(left <= 0);
                refused += code == error_code::ok ? 0 : 1;
                if (!failed) {
                    break;
                }
            }
            CHECK(refused > 3);
        };
        each([&] {
            const auto loaded = tocsin::load_detector<novelty>(path);
            return loaded ? error_code::ok : loaded.error().code();
        });
        each([&] {
            const auto loaded = tocsin::load_stream(made, bytes);
            return loaded ? error_code::ok : loaded.error().code();
        });
    }
}
