#include "tocsin/metrics/change_points.hpp"
#include "tocsin/metrics/confusion.hpp"

#include <doctest/doctest.h>

#include "support/data_table.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using flags = std::vector<std::uint8_t>;

namespace {

flags marks(std::size_t rows, std::initializer_list<std::size_t> marked) {
    flags at(rows);
    for (const std::size_t row : marked) {
        at[row] = 1;
    }
    return at;
}

std::vector<double> seconds(std::size_t rows) {
    std::vector<double> times(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        times[i] = static_cast<double>(i);
    }
    return times;
}

/// Whether any of the last `rows` flags is set; 0 until there are that many.
flags held(std::span<const std::uint8_t> predicted, std::size_t rows) {
    flags any(predicted.size());
    for (std::size_t i = rows - 1; i < predicted.size(); ++i) {
        const auto last = predicted.subspan(i + 1 - rows, rows);
        any[i] = *std::max_element(last.begin(), last.end());
    }
    return any;
}

/// Seconds since 1970 of "2020-03-01 15:51:06".
double time_of(const std::string& text) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    REQUIRE(std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%d", &year, &month, &day, &hour, &minute,
                        &second) == 6);
    const std::chrono::sys_days date{std::chrono::year{year} / std::chrono::month{month} /
                                     std::chrono::day{day}};
    return static_cast<double>(date.time_since_epoch().count() * 86400LL + hour * 3600LL +
                               minute * 60LL + second);
}

} // namespace

TEST_SUITE("metrics") {

    TEST_CASE("change points: a detection at once is perfect, one at the end a false alarm") {
        const auto times = seconds(200);
        const auto truth = marks(200, {100});
        const auto at_once = tocsin::count_change_points(times, marks(200, {100}), truth);
        REQUIRE(at_once.has_value());
        CHECK(at_once->detected == 1);
        CHECK(at_once->mean_delay() == 0);
        CHECK(at_once->score() == doctest::Approx(100));
        const auto late = tocsin::count_change_points(times, marks(200, {160}), truth);
        CHECK(late->detected == 1);
        CHECK(late->mean_delay() == 60);
        CHECK(late->score() == doctest::Approx(100 * (-0.11 + 1) / 2));
        CHECK(late->score(tocsin::nab_low_fp) == doctest::Approx(100 * (-0.22 + 1) / 2));
        CHECK(late->score(tocsin::nab_low_fn) == doctest::Approx(100 * (-0.11 + 2) / 3));
        const auto missed = tocsin::count_change_points(times, marks(200, {99, 161}), truth);
        CHECK(missed->missed == 1);
        CHECK(missed->false_alarms == 2);
        CHECK(missed->score() == doctest::Approx(100 * (-1 - 0.22 + 1) / 2));
        CHECK(std::isnan(missed->mean_delay()));
    }

    TEST_CASE("change points: the first detection of a window counts, by a hyperbolic tangent") {
        const auto counts = tocsin::count_change_points(seconds(200), marks(200, {115, 120, 159}),
                                                        marks(200, {100}));
        REQUIRE(counts.has_value());
        CHECK(counts->detected == 1);
        CHECK(counts->false_alarms == 0);
        CHECK(counts->mean_delay() == 15);
        const double angle = (250 / 999.0 - 0.5) * std::numbers::pi; // a quarter of the window
        CHECK(counts->promptness ==
              doctest::Approx(0.5 - std::tanh(angle) / std::tanh(std::numbers::pi / 2) / 2));
    }

    TEST_CASE("change points: of two overlapping windows the later one is cut") {
        const auto times = seconds(300);
        const auto truth = marks(300, {100, 120});
        // 130 is only in the first window, although the second change is over by then.
        const auto one = tocsin::count_change_points(times, marks(300, {130}), truth);
        CHECK(one->detected == 1);
        CHECK(one->missed == 1);
        CHECK(one->delay == 30);
        // The delay of the second is measured from 160, where its window is cut.
        const auto two = tocsin::count_change_points(times, marks(300, {100, 165}), truth);
        CHECK(two->detected == 2);
        CHECK(two->delay == 5);
        // 160 is on the border of both.
        const auto border = tocsin::count_change_points(times, marks(300, {160}), truth);
        CHECK(border->detected == 2);
        CHECK(border->delay == 60);
        CHECK(border->false_alarms == 0);
    }

    TEST_CASE("change points: nothing to find, nothing found, all rows, one row") {
        const auto none = tocsin::count_change_points(seconds(9), marks(9, {3, 4}), flags(9));
        CHECK(none->false_alarms == 2);
        CHECK(std::isnan(none->score()));
        CHECK(tocsin::count_change_points(seconds(9), flags(9), marks(9, {2}))->score() == 0);
        const auto all = tocsin::count_change_points(seconds(4), flags(4, 1), flags(4, 1), 1.0);
        CHECK(all->detected == 4);
        CHECK(all->false_alarms == 0);
        const auto one = tocsin::count_change_points(seconds(1), flags{1}, flags{1});
        CHECK(one->score() == doctest::Approx(100));
        CHECK(std::isnan(tocsin::count_change_points({}, {}, {})->score()));
    }

    TEST_CASE("change points: gaps between the rows are time too") {
        const std::vector<double> times{0, 1, 2, 70, 71};
        CHECK(tocsin::count_change_points(times, flags{0, 0, 0, 1, 0}, flags{0, 1, 0, 0, 0})
                  ->missed == 1);
        CHECK(tocsin::count_change_points(times, flags{0, 0, 0, 1, 0}, flags{0, 1, 0, 0, 0}, 80)
                  ->delay == 69);
        // Two rows with the same time: two change points in no time.
        const std::vector<double> twice{0, 5, 5, 6};
        const auto same = tocsin::count_change_points(twice, flags{0, 1, 0, 0}, flags{0, 1, 1, 0});
        CHECK(same->detected + same->missed == 2);
    }

    TEST_CASE("change points: wrong sizes, times and widths are refused") {
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const flags two{0, 1};
        CHECK(tocsin::count_change_points(seconds(2), flags{1}, two).error().code() ==
              tocsin::error_code::invalid_argument);
        CHECK(tocsin::count_change_points(seconds(2), two, flags{1}).error().code() ==
              tocsin::error_code::invalid_argument);
        for (const double width : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()}) {
            CHECK(tocsin::count_change_points(seconds(2), two, two, width).error().code() ==
                  tocsin::error_code::invalid_argument);
        }
        CHECK(std::string_view{tocsin::count_change_points(std::vector<double>{2, 1}, two, two)
                                   .error()
                                   .message()} == "count_change_points: time 1 is 1, after 2");
        CHECK(tocsin::count_change_points(std::vector<double>{0, nan}, two, two).error().code() ==
              tocsin::error_code::invalid_data);
    }

    TEST_CASE("label changes: the first flagged row is one too") {
        CHECK(tocsin::label_changes(flags{1, 1, 0, 0, 7, 1}) == flags{1, 0, 1, 0, 1, 0});
        CHECK(tocsin::label_changes(flags{0, 0}) == flags{0, 0});
        CHECK(tocsin::label_changes({}).empty());
    }

    TEST_CASE("change points: ten published detectors of SKAB, with F1, FAR and MAR of rows") {
        const auto root = tocsin_test::data_directory("golden/skab/predictions.csv");
        if (!root) {
            return;
        }
        const tocsin_test::data_table rows(*root + "golden/skab/predictions.csv");
        const tocsin_test::data_table table(*root + "skab/ref/totals_on_this_part.csv");
        const auto& files = rows.text("file");
        std::vector<double> times;
        for (const auto& text : rows.text("datetime")) {
            times.push_back(time_of(text));
        }
        const flags anomalous = rows.flags("anomaly");
        const flags truth = rows.flags("changepoint");
        for (std::size_t m = 0; m < table.rows(); ++m) {
            const std::string& method = table.text("method")[m];
            CAPTURE(method);
            const flags predicted = rows.flags(method);
            tocsin::change_point_counts changes;
            for (std::size_t begin = 0; begin < files.size();) {
                const auto end = static_cast<std::size_t>(
                    std::find_if(files.begin() + static_cast<std::ptrdiff_t>(begin), files.end(),
                                 [&](const auto& file) { return file != files[begin]; }) -
                    files.begin());
                const auto part = [&](const auto& column) {
                    return std::span{column}.subspan(begin, end - begin);
                };
                // The authors hold the alarms of these two for 30 rows before taking the edges.
                const bool holds =
                    method == "Isolation_Forest" || method == "Arima_anomaly_detection";
                const auto detections = tocsin::label_changes(
                    holds ? std::span<const std::uint8_t>{held(part(predicted), 30)}
                          : part(predicted));
                const auto counts =
                    tocsin::count_change_points(part(times), detections, part(truth));
                REQUIRE_MESSAGE(counts.has_value(), counts.error().message());
                changes += *counts;
                begin = end;
            }
            const auto near = [&](double value, const char* column, double half_digit) {
                CAPTURE(column);
                CHECK(value ==
                      doctest::Approx(table.numbers(column)[m]).scale(1).epsilon(half_digit));
            };
            const auto counts = tocsin::count_confusion(predicted, anomalous);
            CHECK(*counts ==
                  tocsin::confusion_counts{static_cast<std::int64_t>(table.numbers("TP")[m]),
                                           static_cast<std::int64_t>(table.numbers("FP")[m]),
                                           static_cast<std::int64_t>(table.numbers("FN")[m]),
                                           static_cast<std::int64_t>(table.numbers("TN")[m])});
            near(counts->f_beta(1), "F1", 0.00005);
            near(100 * counts->false_alarm_rate(), "FAR_pct", 0.005);
            near(100 * counts->missed_alarm_rate(), "MAR_pct", 0.005);
            CHECK(static_cast<double>(changes.missed) == table.numbers("missed_CP")[m]);
            CHECK(static_cast<double>(changes.false_alarms) == table.numbers("FP_CP")[m]);
            CHECK(static_cast<double>(changes.detected + changes.missed) ==
                  table.numbers("n_CP")[m]);
            near(changes.score(tocsin::nab_standard), "NAB_standard", 0.005);
            near(changes.score(tocsin::nab_low_fp), "NAB_LowFP", 0.005);
            near(changes.score(tocsin::nab_low_fn), "NAB_LowFN", 0.005);
            if (changes.detected > 0) {
                near(changes.mean_delay(), "mean_delay_s", 1e-6);
            } else {
                CHECK(table.text("mean_delay_s")[m].empty());
            }
        }
        CHECK(table.rows() == 10);
    }
}
