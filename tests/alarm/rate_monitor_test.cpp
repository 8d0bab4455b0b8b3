#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/alarm/refractory_period.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <cmath>
#include <string>
#include <string_view>

namespace {

template <class Piece>
std::string passed_by(Piece piece, std::string_view flags) {
    std::string passed;
    for (const char flag : flags) {
        passed += piece.push(flag == '1') ? '1' : '0';
    }
    return passed;
}

} // namespace

static_assert(tocsin::alarm_piece<tocsin::refractory_period>);
static_assert(tocsin::alarm_piece<tocsin::rate_monitor>);

TEST_SUITE("alarm") {

    TEST_CASE("refractory_period: one alarm, then silence, however long the anomaly") {
        CHECK(passed_by(tocsin::refractory_period(3), "0111111111001") == "0100010001000");
        CHECK(passed_by(tocsin::refractory_period(0), "0110101") == "0110101");
        CHECK(passed_by(tocsin::refractory_period(2), "1001001") == "1001001");
        CHECK_FALSE(tocsin::refractory_period(-1).check().ok());
        CHECK(passed_by(tocsin::refractory_period(-1), "0110") == "0110");
        CHECK(tocsin::refractory_period::of_probation(750).rows() == 150);
        CHECK(tocsin::refractory_period::of_probation(3).rows() == 1);
    }

    TEST_CASE("rate_monitor: counts where alarms begin and passes them on") {
        tocsin::rate_monitor monitor(100);
        for (const char flag : std::string_view("0011100100")) {
            CHECK(monitor.push(flag == '1') == (flag == '1'));
        }
        CHECK(monitor.alarms() == 2);
        CHECK(monitor.rows() == 10);
        CHECK(monitor.realised() == doctest::Approx(2000).epsilon(0.01));
        CHECK(std::isnan(tocsin::rate_monitor(1).realised()));
        monitor.reset();
        CHECK(monitor.rows() == 0);
        CHECK(monitor.promised() == 100);
        CHECK_FALSE(tocsin::rate_monitor(-1).check().ok());
        CHECK_FALSE(tocsin::rate_monitor(1, 0).check().ok());
    }

    TEST_CASE("rate_monitor: the promised rate is not exceeded, ten times and more is") {
        tocsin::random_generator random(1);
        const auto share_exceeded = [&](double rate) {
            tocsin::rate_monitor monitor(10);
            int exceeded = 0;
            for (int row = 0; row < 200000; ++row) {
                monitor.push(random.uniform() < rate);
                exceeded += monitor.rate_exceeded() ? 1 : 0;
            }
            return exceeded / 200000.0;
        };
        CHECK(share_exceeded(10e-4) < 0.001);
        CHECK(share_exceeded(30e-4) < 0.01);
        CHECK(share_exceeded(200e-4) > 0.95);
    }

    TEST_CASE("rate_monitor: a stream that changes is reported, and no longer when it recovers") {
        tocsin::rate_monitor monitor(10); // 10 in 10 000 rows
        for (int row = 0; row < 100000; ++row) {
            monitor.push(row % 1000 == 0);
        }
        CHECK_FALSE(monitor.rate_exceeded());
        for (int row = 0; row < 20000; ++row) {
            monitor.push(row % 20 == 0);
        }
        CHECK(monitor.rate_exceeded());
        for (int row = 0; row < 100000; ++row) {
            monitor.push(row % 1000 == 0);
        }
        CHECK_FALSE(monitor.rate_exceeded());
    }

    TEST_CASE("rate_monitor: ten times a promise must have room in the rows") {
        CHECK(tocsin::rate_monitor::largest_promise == 500);
        // Of 10 000 rows with every second one flagged, after the first 100.
        const auto rows_exceeded = [](double promised, double memory) {
            tocsin::rate_monitor monitor(promised, memory);
            CHECK(monitor.check().ok());
            int exceeded = 0;
            for (int row = 0; row < 10100; ++row) {
                monitor.push(row % 2 == 0);
                exceeded += row >= 100 && monitor.rate_exceeded() ? 1 : 0;
            }
            return exceeded;
        };
        CHECK(rows_exceeded(300, 10) == 10000);
        CHECK(rows_exceeded(tocsin::rate_monitor::largest_promise, 10) > 0);
        for (const double promised : {501.0, 555.0, 900.0, 10000.0}) {
            CHECK(rows_exceeded(promised, 10) == 0);
            CHECK(rows_exceeded(promised, 1) == 0);
        }
    }

    TEST_CASE("rate_monitor: in a chain, and saved in the middle") {
        tocsin::alarm_chain chain{tocsin::refractory_period(2), tocsin::rate_monitor(1)};
        CHECK_FALSE(chain.rate_exceeded());
        for (int row = 0; row < 200; ++row) {
            chain.push(row % 10 == 0);
        }
        CHECK(chain.rate_exceeded());
        tocsin::alarm_chain<tocsin::refractory_period, tocsin::rate_monitor> loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(chain)).ok());
        CHECK(loaded.rate_exceeded());
        for (int row = 0; row < 50; ++row) {
            CHECK(chain.push(row % 3 == 0) == loaded.push(row % 3 == 0));
        }
        tocsin::rate_monitor monitor(1);
        monitor.push(true);
        auto content = tocsin_test::save(monitor);
        content["alarms"] = {7};
        CHECK_FALSE(tocsin_test::load(monitor, content).ok());
        tocsin::refractory_period period(5);
        auto silent = tocsin_test::save(period);
        silent["remaining"] = {6};
        CHECK_FALSE(tocsin_test::load(period, silent).ok());
    }
}
