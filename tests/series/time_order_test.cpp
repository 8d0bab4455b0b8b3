#include "tocsin/series/daylight_saving.hpp"
#include "tocsin/series/time_order.hpp"
#include "tocsin/series/time_steps.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using tocsin::index_t;
using tocsin::order_by_time;
using tocsin::study_times;

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
using times = std::vector<double>;
using lengths = std::vector<index_t>;

times regular(int count, double step = 1, double start = 0) {
    times all;
    for (int k = 0; k < count; ++k) {
        all.push_back(start + step * k);
    }
    return all;
}

} // namespace

TEST_SUITE("series") {
    TEST_CASE("time_steps: span, usual step, order") {
        auto all = regular(100, 60, 1000);
        const auto facts = study_times(all);
        CHECK(facts.first == 1000);
        CHECK(facts.last == 1000 + 99 * 60);
        CHECK(facts.step == 60);
        CHECK(facts.longest_gap() == 180);
        CHECK_FALSE(facts.descending);
        CHECK_FALSE(facts.irregular());
        std::reverse(all.begin(), all.end());
        CHECK(study_times(all).descending);
        CHECK(study_times(all).step == 60);
        CHECK(std::isnan(study_times({}).step));
        CHECK(std::isnan(study_times(times{5}).step));
        CHECK(std::isnan(study_times(times{5, 5, 5}).step));
        CHECK(study_times(times{1, unknown, 2, 3}).unknown == 1);
        // Steps of 1 and 10 in turns: neither is a gap.
        times uneven;
        for (int k = 0; k < 50; ++k) {
            uneven.push_back(11 * k);
            uneven.push_back(11 * k + 1);
        }
        CHECK(study_times(uneven).irregular());
        CHECK(study_times(uneven).longest_gap() >= 10);
    }

    TEST_CASE("time_order: regular rows are one recording, whole") {
        const auto order = order_by_time(regular(50), 3);
        CHECK(order.rows.size() == 50);
        CHECK(order.recordings == lengths{50});
        CHECK(order.gaps + order.repeated + order.backward + order.set_back == 0);
        CHECK(order_by_time({}, 3).recordings.empty());
        CHECK(order_by_time(times{7}, 3).recordings == lengths{1});
        CHECK(order_by_time(times{unknown, unknown, unknown}, 3).recordings == lengths{3});
    }

    TEST_CASE("time_order: a gap separates recordings, a pause as long as the longest does not") {
        auto all = regular(20);
        for (std::size_t k = 12; k < all.size(); ++k) {
            all[k] += 2; // a step of 3
        }
        CHECK(order_by_time(all, 3).recordings == lengths{20});
        for (std::size_t k = 12; k < all.size(); ++k) {
            all[k] += 0.5;
        }
        const auto order = order_by_time(all, 3);
        CHECK(order.recordings == lengths{12, 8});
        CHECK(order.gaps == 1);
        CHECK(order_by_time(all, std::numeric_limits<double>::infinity()).gaps == 0);
    }

    TEST_CASE("time_order: repeated rows, rows in reverse and wrong stamps are left out") {
        auto repeated = regular(20);
        repeated.insert(repeated.begin() + 8, 5, repeated[8]);
        const auto once = order_by_time(repeated, 3);
        CHECK(once.repeated == 5);
        CHECK(once.rows.size() == 20);
        CHECK(once.recordings == lengths{20});

        auto wrong = regular(20);
        wrong[7] = 4e9; // 2099
        wrong[13] = -5;
        const auto without = order_by_time(wrong, 3);
        CHECK(without.backward == 2);
        CHECK(without.recordings == lengths{18});

        auto reversed = regular(40);
        std::reverse(reversed.begin() + 20, reversed.begin() + 32);
        const auto order = order_by_time(reversed, 3);
        CHECK(order.backward == 11);
        CHECK(order.recordings == lengths{21, 8});
    }

    TEST_CASE("time_order: a clock set back for good begins a new recording") {
        auto all = regular(30, 60, 1e6);
        for (std::size_t k = 15; k < all.size(); ++k) {
            all[k] -= 3600;
        }
        const auto order = order_by_time(all, 180);
        CHECK(order.set_back == 1);
        CHECK(order.backward == 0);
        CHECK(order.recordings == lengths{15, 15});
    }

    TEST_CASE("time_order: rows of one time are kept for a grid") {
        times all;
        for (int k = 0; k < 30; ++k) {
            all.push_back(k / 10);
        }
        CHECK(order_by_time(all, 3).rows.size() == 3);
        CHECK(order_by_time(all, 3).repeated == 27);
        const auto kept = order_by_time(all, 3, false, 3, tocsin::repeated_time::kept);
        CHECK(kept.repeated == 0);
        CHECK(kept.recordings == lengths{30});
    }

    TEST_CASE("time_order: the newest row first") {
        auto all = regular(10);
        std::reverse(all.begin(), all.end());
        const auto order = order_by_time(all, 3, true);
        CHECK(order.rows.front() == 9);
        CHECK(order.rows.back() == 0);
        CHECK(order.recordings == lengths{10});
    }

    TEST_CASE("daylight_saving: the hour that is skipped and the one that is repeated") {
        // Sundays: 2024-03-31 00:00 and 2024-10-27 01:00 on the wall.
        for (const double step : {60.0, 600.0, 3600.0}) {
            const double spring = 1711843200;
            const double autumn = 1729990800;
            for (const bool known : {true, false}) {
                tocsin::daylight_saving clock{known ? step : unknown};
                double before = unknown;
                for (int k = 0; k < 400; ++k) { // at two o'clock it is three
                    const double local = spring + step * k + (step * k >= 7200 ? 3600 : 0);
                    const double time = clock.advance(local);
                    CHECK((k == 0 || time - before == step));
                    before = time;
                }
                CHECK(clock.changes() == 1);
                tocsin::daylight_saving back{known ? step : unknown};
                for (int k = 0; k < 400; ++k) { // at three o'clock it is two
                    const double local = autumn + step * k - (step * k >= 7200 ? 3600 : 0);
                    const double time = back.advance(local);
                    CHECK((k == 0 || time - before == step));
                    before = time;
                }
                CHECK(back.changes() == 1);
            }
        }
        // Steps of hours or days hold no change: rows three hours apart, and at each midnight.
        for (const double step : {7200.0, 10800.0, 21600.0, 86400.0}) {
            tocsin::daylight_saving usual{step};
            tocsin::daylight_saving seen;
            for (int k = 0; k < 800; ++k) {
                const double local = 1709251200 + step * k;
                CHECK(usual.advance(local) == local);
                CHECK(seen.advance(local) == local);
            }
        }
        // The same jumps on a Tuesday are a gap and a clock that was set back.
        tocsin::daylight_saving clock{60};
        CHECK(clock.advance(1712019600) == 1712019600);
        CHECK(clock.advance(1712019660 + 3600) == 1712019660 + 3600);
        CHECK(clock.changes() == 0);
        CHECK(std::isnan(clock.advance(unknown)));
    }

    TEST_CASE("time_steps: rows that do not stand in the order of time") {
        const auto with_swaps = [](int swaps) {
            auto all = regular(600, 60, 0);
            for (int k = 0; k < swaps; ++k) {
                std::swap(all[static_cast<std::size_t>(20 * k)],
                          all[static_cast<std::size_t>(20 * k + 1)]);
            }
            return all;
        };
        CHECK_FALSE(study_times(with_swaps(0)).disordered());
        CHECK_FALSE(study_times(with_swaps(10)).disordered()); // a clock that is set back
        auto all = with_swaps(13);
        auto facts = study_times(all);
        CHECK(facts.disordered());
        CHECK(facts.reversed == 13);
        CHECK(facts.steps == 599);
        std::reverse(all.begin(), all.end());
        facts = study_times(all);
        CHECK(facts.descending);
        CHECK(facts.disordered());
        CHECK(facts.reversed == 13);
        auto restarts = regular(4, 1, 0); // short recordings, one after the other
        const auto again = restarts;
        restarts.insert(restarts.end(), again.begin(), again.end());
        CHECK_FALSE(study_times(restarts).disordered());
        for (const int length : {5, 8, 12, 20, 30, 40}) { // ten of them
            times all_recordings;
            for (int k = 0; k < 10 * length; ++k) {
                all_recordings.push_back(1e9 + 60 * (k % length));
            }
            INFO(length);
            CHECK_FALSE(study_times(all_recordings).disordered());
            CHECK(study_times(all_recordings).reversed == 0);
            CHECK(order_by_time(all_recordings, 180).backward == 0);
            std::reverse(all_recordings.begin(), all_recordings.end());
            CHECK_FALSE(study_times(all_recordings).disordered());
        }
        times late; // one row in ten comes eight rows too late, or too early
        times early;
        times mixed;
        for (int k = 0; k < 100; ++k) {
            late.push_back(k % 10 == 9 ? k - 8 : k);
            early.push_back(k % 10 == 1 ? k + 8 : k);
            mixed.push_back(k * 37 % 100);
        }
        CHECK(study_times(late).disordered());
        CHECK(study_times(early).disordered());
        CHECK(study_times(mixed).disordered());
    }

    TEST_CASE("time_steps: unlike steps") {
        CHECK(tocsin::unlike_steps(60, 10));
        CHECK(tocsin::unlike_steps(10, 60));
        CHECK_FALSE(tocsin::unlike_steps(60, 50));
        CHECK_FALSE(tocsin::unlike_steps(60, std::nan("")));
        CHECK_FALSE(tocsin::unlike_steps(0, 60));
    }
}
