#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/firmware/alarm_control.hpp"
#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_report.hpp"

#include <doctest/doctest.h>

#include "ahead.hpp"
#include "alarmed.hpp"
#include "alarmed_complete.hpp"
#include "alarmed_int16.hpp"
#include "alarmed_int8.hpp"
#include "counting.hpp"
#include "counting_complete.hpp"
#include "firmware/firmware_detectors.hpp"
#include "learning.hpp"
#include "plain_8.hpp"
#include "support/small_detectors.hpp"
#include <cstdint>
#include <limits>
#include <type_traits>

namespace {

namespace fw = tocsin::firmware;
using tocsin_test::machine_samples;
using tocsin_test::says;

struct later_end_type : counting::model_type {
    static constexpr float alarm_ends_below = 1.5F * counting::model_type::alarm_ends_below;
};
constexpr later_end_type later_end{};

/// Flags in runs, as anomalies come.
class flag_source {
  public:
    bool next() {
        if (random_.uniform() < 0.25) {
            flag_ = random_.uniform() < 0.4;
        }
        return flag_;
    }

  private:
    tocsin::random_generator random_{3};
    bool flag_ = false;
};

template <class Firmware, class Library>
void compare_pieces(Firmware firmware, Library library) {
    flag_source flags;
    int set = 0;
    for (int k = 0; k < 5000; ++k) {
        const bool flag = flags.next();
        const bool expected = library.push(flag);
        REQUIRE(firmware.push(flag) == expected);
        set += expected ? 1 : 0;
    }
    CHECK(set > 20);
    CHECK(set < 4900);
}

/// Samples with anomalies, single holes, a lost sensor, gaps that restart the stream.
tocsin::matrix<float> eventful_samples(int features, std::uint64_t seed) {
    constexpr float missing = std::numeric_limits<float>::quiet_NaN();
    auto samples = tocsin_test::with_holes(machine_samples(features, 4000, seed, 0.05), 0.02, 5);
    samples.middleCols(300, 3).setConstant(missing);
    samples.row(1).segment(500, 40).setConstant(missing);
    for (tocsin::index_t begin = 700; begin < 3900; begin += 150) {
        samples.middleCols(begin, 12).setConstant(missing);
        samples.middleCols(begin - 6, 6).array() += 40.0F; // an alarm stands when the gap begins
    }
    return samples;
}

/// Whether alarms are those of the detector, sample by sample, but for a few flags near the threshold.
template <class Watcher>
int different_alarms(Watcher& watch) {
    const auto detector = tocsin_test::alarmed_detector();
    auto stream = detector.make_stream();
    auto chain = tocsin_test::three_pieces();
    bool expected = false;
    int alarms = 0;
    int without_score = 0;
    int different = 0;
    const auto samples = eventful_samples(4, 3);
    watch.restart();
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const bool on_host = detector.push(stream, samples.col(t)).alarm;
        const auto verdict = watch.push(samples.data() + 4 * t);
        if (verdict.scored() || verdict.lost > 0) {
            expected =
                chain.push(verdict.is_anomaly() || verdict.kind == fw::verdict_kind::sensor_lost);
        }
        REQUIRE(watch.alarm() == expected);
        alarms += expected ? 1 : 0;
        without_score += expected && !verdict.scored() ? 1 : 0;
        different += watch.alarm() == on_host ? 0 : 1;
    }
    CHECK(alarms > 50);
    CHECK(without_score > 10);
    return different;
}

/// Alarms of a watcher that refuses samples with missing values.
/// @param counts whether alarm control sees them
/// @return how many alarms ended at a sample that was refused
template <int Features, class Watcher>
int ended_by_silence(Watcher& watch, bool counts) {
    auto chain = tocsin_test::three_pieces();
    bool expected = false;
    int alarms = 0;
    int ended = 0;
    auto samples = eventful_samples(Features, 3);
    samples(0, 50) = std::numeric_limits<float>::infinity();
    watch.restart();
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const auto verdict = watch.push(samples.data() + Features * t);
        REQUIRE(verdict.missing == (!samples.col(t).array().isFinite()).count());
        REQUIRE((verdict.kind == fw::verdict_kind::invalid_sample) == (verdict.missing > 0));
        const bool before = expected;
        if (verdict.scored() || counts) {
            expected = chain.push(verdict.is_anomaly());
        }
        REQUIRE(watch.alarm() == expected);
        alarms += expected ? 1 : 0;
        ended += before && !expected && verdict.missing > 0 ? 1 : 0;
    }
    CHECK(alarms > 50);
    return ended;
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("alarm: the pieces are the library's") {
        compare_pieces(fw::m_of_n<2, 5>{}, tocsin::m_of_n{2, 5});
        compare_pieces(fw::m_of_n<9, 32>{}, tocsin::m_of_n{9, 32});
        compare_pieces(fw::m_of_n<13, 33>{}, tocsin::m_of_n{13, 33});
        compare_pieces(fw::m_of_n<30, 64>{}, tocsin::m_of_n{30, 64});
        compare_pieces(fw::minimum_duration<1>{}, tocsin::minimum_duration{1});
        compare_pieces(fw::minimum_duration<6>{}, tocsin::minimum_duration{6});
        compare_pieces(fw::suppression<1>{}, tocsin::suppression{1});
        compare_pieces(fw::suppression<17>{}, tocsin::suppression{17});
        compare_pieces(fw::refractory_period<0>{}, tocsin::refractory_period{0});
        compare_pieces(fw::refractory_period<11>{}, tocsin::refractory_period{11});
        compare_pieces(fw::alarm_chain<fw::m_of_n<2, 3>, fw::suppression<4>>{},
                       tocsin::alarm_chain{tocsin::m_of_n{2, 3}, tocsin::suppression{4}});
    }

    TEST_CASE("alarm: that of the detector, sample by sample, in all formats") {
        static fw::watcher<alarmed::model> watch;
        CHECK(watch.self_test() == fw::self_test_result::passed);
        CHECK(different_alarms(watch) == 0);
        static fw::watcher<alarmed_int16::model> int16;
        CHECK(different_alarms(int16) == 0);
        static fw::watcher<alarmed_int8::model> int8;
        CHECK(different_alarms(int8) < 40); // some verdicts of 8 bits differ
    }

    TEST_CASE("alarm: hysteresis, and samples without a score, as the command line counts them") {
        const auto detector = tocsin_test::two_layer_detector();
        auto stream = detector.make_stream();
        const double threshold = detector.threshold();
        tocsin::hysteresis hold{threshold, 0.3 * threshold};
        tocsin::alarm_chain chain{tocsin::m_of_n{3, 40}, tocsin::refractory_period{3}};
        static fw::watcher<counting::model> watch;
        const auto samples = eventful_samples(5, 4);
        int alarms = 0;
        int held = 0;
        watch.restart();
        for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
            const auto verdict = detector.push(stream, samples.col(t));
            watch.push(samples.data() + 5 * t);
            bool flag = hold.active();
            if (verdict.lost > 0) {
                flag = hold.push(2 * threshold);
            } else if (verdict.scored()) {
                flag = hold.push(verdict.score);
            }
            const bool expected = chain.push(flag);
            REQUIRE(watch.alarm() == expected);
            alarms += expected ? 1 : 0;
            held += flag && !verdict.is_anomaly() ? 1 : 0;
        }
        CHECK(alarms > 50);
        CHECK(held > 50);
    }

    TEST_CASE("alarm: without missing values, silent sensors end an alarm where refused samples "
              "count") {
        static fw::watcher<counting_complete::model> counting;
        CHECK(ended_by_silence<5>(counting, true) > 10);
        static fw::watcher<alarmed_complete::model> holding; // as detector::push() on the host
        CHECK(ended_by_silence<4>(holding, false) == 0);
    }

    TEST_CASE("alarm: takes a word for each piece, and nothing where it is off") {
        CHECK(sizeof(fw::alarm_chain<fw::m_of_n<2, 5>, fw::suppression<3>>) == 8);
        CHECK(sizeof(fw::m_of_n<2, 33>) == 8);
        static_assert(sizeof(fw::watcher<plain_8::model>) == 2 * 8 * 4 + 4);
        const auto ram = [](const auto& detector, const tocsin::firmware_options& options) {
            const auto report = tocsin::report_firmware(
                detector, options, tocsin::matrix_view<const float>(nullptr, 0, 0));
            REQUIRE_MESSAGE(report.has_value(), report.error().message());
            return report->ram;
        };
        const auto alarmed_one = tocsin_test::alarmed_detector();
        CHECK(ram(alarmed_one, {}) == sizeof(fw::watcher<alarmed::model>));
        CHECK(ram(alarmed_one, {.format = tocsin::firmware_format::int16}) ==
              sizeof(fw::watcher<alarmed_int16::model>));
        const auto layers = tocsin_test::two_layer_detector();
        tocsin::firmware_alarm alarm{.words = 3, .end_of_alarm = 0.3};
        CHECK(ram(layers, {.alarm = alarm}) == sizeof(fw::watcher<counting::model>));
        CHECK(ram(layers, {.half_life = 300}) == sizeof(fw::watcher<learning::model>));
        CHECK(ram(layers, {.missing_values = false}) == sizeof(fw::watcher<ahead::model>));
    }

    TEST_CASE("alarm: the checksum covers where an alarm ends") {
        CHECK(fw::watcher<counting::model>{}.self_test() == fw::self_test_result::passed);
        CHECK(fw::watcher<later_end>{}.self_test() == fw::self_test_result::wrong_checksum);
    }

    TEST_CASE("alarm: what firmware does not have is refused by name") {
        const auto refused = [](const auto& alarm) {
            return tocsin::firmware_alarm_of(alarm).error();
        };
        CHECK(says(refused(tocsin::alarm_chain{tocsin::m_of_n{1, 2}, tocsin::rate_monitor{1}}),
                   "'rate_monitor'"));
        CHECK(says(refused(tocsin::m_of_n{3, 2}), "m 3"));
        CHECK(says(refused(tocsin::suppression{std::int64_t{1} << 33}), "8589934592"));
        const auto detector = tocsin_test::alarmed_detector();
        CHECK(says(tocsin::firmware_header(detector, {.alarm = tocsin::firmware_alarm{}}).error(),
                   "has its own"));
        const auto plain = tocsin_test::plain_detector(3);
        const tocsin::firmware_alarm endless{.end_of_alarm = 0};
        CHECK(says(tocsin::firmware_header(plain, {.alarm = endless}).error(), "ends at 0"));
    }
}
