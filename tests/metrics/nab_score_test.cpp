#include "tocsin/core/random.hpp"
#include "tocsin/metrics/nab_score.hpp"

#include <doctest/doctest.h>

#include "support/data_table.hpp"
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using tocsin::nab_recording;
using tocsin::row_range;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double squash(double x) {
    return 2 / (1 + std::exp(5 * x)) - 1;
}

/// The windows of each file.
std::map<std::string, std::vector<row_range>> read_windows(const std::string& path) {
    const tocsin_test::data_table table(path);
    const auto first = table.numbers("start_idx");
    const auto last = table.numbers("end_idx_incl");
    std::map<std::string, std::vector<row_range>> windows;
    for (std::size_t i = 0; i < table.rows(); ++i) {
        windows[table.text("file")[i]].push_back(
            {static_cast<tocsin::index_t>(first[i]), static_cast<tocsin::index_t>(last[i]) + 1});
    }
    return windows;
}

tocsin::nab_profile profile_of(const std::string& name) {
    REQUIRE((name == "standard" || name == "reward_low_FP_rate" || name == "reward_low_FN_rate"));
    return name == "standard"             ? tocsin::nab_standard
           : name == "reward_low_FP_rate" ? tocsin::nab_low_fp
                                          : tocsin::nab_low_fn;
}

} // namespace

TEST_SUITE("metrics") {

    TEST_CASE("nab score: hits, misses and false alarms by hand") {
        // 20 rows; the first 3 are not scored.
        std::vector<double> scores(20);
        scores[1] = scores[4] = scores[8] = scores[9] = scores[13] = 0.7;
        scores[18] = 0.5;
        const std::vector<row_range> windows{{6, 10}, {15, 17}};
        const std::vector<nab_recording> all{{scores, windows}};
        const auto score = tocsin::nab_score(all, 0.7);
        REQUIRE(score.has_value());
        CHECK(score->windows == 2);
        CHECK(score->rows == tocsin::confusion_counts{2, 2, 4, 9});
        // Row 4 has no window before it; row 8 is half way; row 13 is 4 rows after a window of 4.
        const double hit = squash(-0.5) / squash(-1);
        CHECK(score->raw == doctest::Approx(-0.11 + hit + 0.11 * squash(4 / 3.0) - 1));
        CHECK(tocsin::nab_score(all, 0.7, tocsin::nab_low_fp)->raw ==
              doctest::Approx(-0.22 + hit + 0.22 * squash(4 / 3.0) - 1));
        CHECK(tocsin::nab_score(all, 0.7, tocsin::nab_low_fn)->raw ==
              doctest::Approx(-0.11 + hit + 0.11 * squash(4 / 3.0) - 2));
    }

    TEST_CASE("nab score: null is 0, perfect is 100, and the flagged fraction is read off") {
        std::vector<double> scores(40);
        scores[10] = scores[30] = 1;
        const std::vector<row_range> windows{{10, 15}, {30, 31}};
        const std::vector<nab_recording> all{{scores, windows}};
        for (const auto& profile : {tocsin::nab_standard, tocsin::nab_low_fp, tocsin::nab_low_fn}) {
            const auto perfect = tocsin::nab_score(all, 1, profile);
            CHECK(tocsin::normalised_nab_score(perfect->raw, perfect->windows, profile) ==
                  doctest::Approx(100));
            const auto null = tocsin::nab_score(all, infinity, profile);
            CHECK(tocsin::normalised_nab_score(null->raw, null->windows, profile) == 0);
        }
        CHECK(tocsin::nab_score(all, 1)->rows.flagged_fraction() == doctest::Approx(2 / 34.0));
    }

    TEST_CASE("nab score: a false alarm far behind a window, or behind one of a row, costs all") {
        std::vector<double> scores(100);
        scores[60] = 1;
        const std::vector<row_range> windows{{30, 34}};
        const std::vector<row_range> narrow{{58, 59}};
        const std::vector<nab_recording> far{{scores, windows}};
        const std::vector<nab_recording> one{{scores, narrow}};
        CHECK(tocsin::nab_score(far, 1)->raw == doctest::Approx(-1 - 0.11));
        CHECK(tocsin::nab_score(one, 1)->raw == doctest::Approx(-1 - 0.11));
    }

    TEST_CASE("nab score: the probationary period is 15 per cent, at most 750 rows") {
        CHECK(tocsin::nab_probation(0) == 0);
        CHECK(tocsin::nab_probation(6) == 0);
        CHECK(tocsin::nab_probation(4032) == 604);
        CHECK(tocsin::nab_probation(5000) == 750);
        CHECK(tocsin::nab_probation(22695) == 750);
        // A window that ends in the probationary period is not missed.
        const std::vector<double> scores(100);
        const std::vector<row_range> windows{{2, 15}, {15, 20}};
        const std::vector<nab_recording> all{{scores, windows}};
        CHECK(tocsin::nab_score(all, 1)->windows == 1);
        CHECK(tocsin::nab_score(all, 1)->raw == -1);
        CHECK(tocsin::best_nab_threshold(all)->raw == -1);
    }

    TEST_CASE("nab score: the best threshold is the best of all scores") {
        tocsin::random_generator random{5};
        for (int round = 0; round < 30; ++round) {
            CAPTURE(round);
            std::vector<double> first(80);
            std::vector<double> second(50);
            for (double& score : first) {
                score = std::floor(8 * random.uniform());
            }
            for (double& score : second) {
                score = std::floor(8 * random.uniform());
            }
            first[31] += round % 5;
            const std::vector<row_range> windows{{30, 36}, {60, 61}, {79, 80}};
            const std::vector<row_range> other{{20, 24}, {40, 45}};
            const std::vector<nab_recording> all{{first, windows}, {second, other}};
            const auto best = tocsin::best_nab_threshold(all);
            REQUIRE(best.has_value());
            double largest = tocsin::nab_score(all, infinity)->raw;
            double highest = infinity;
            for (int threshold = 13; threshold >= 0; --threshold) {
                const double raw = tocsin::nab_score(all, threshold)->raw;
                if (raw > largest) {
                    largest = raw;
                    highest = threshold;
                }
            }
            CHECK(best->raw == doctest::Approx(largest).epsilon(1e-12));
            CHECK(best->threshold == highest);
        }
    }

    TEST_CASE("nab score: of equally good thresholds the highest is the best") {
        std::vector<double> scores(20);
        scores[8] = 0.9;
        scores[9] = 0.4; // in the same window, which is detected already
        const std::vector<row_range> windows{{8, 11}};
        const std::vector<nab_recording> all{{scores, windows}};
        CHECK(tocsin::nab_score(all, 0.4)->raw == tocsin::nab_score(all, 0.9)->raw);
        CHECK(tocsin::best_nab_threshold(all)->threshold == 0.9);
    }

    TEST_CASE("nab score: no windows, constant scores, one row, nothing") {
        const std::vector<double> constant(10, 0.5);
        const std::vector<row_range> whole{{0, 10}};
        const std::vector<nab_recording> normal{{constant, {}}};
        const std::vector<nab_recording> anomalous{{constant, whole}};
        CHECK(tocsin::nab_score(normal, 0.5)->raw == doctest::Approx(-0.11 * 9));
        CHECK(tocsin::best_nab_threshold(normal)->threshold == infinity);
        CHECK(tocsin::best_nab_threshold(normal)->raw == 0);
        CHECK(std::isnan(tocsin::normalised_nab_score(0, 0, tocsin::nab_standard)));
        CHECK(tocsin::best_nab_threshold(anomalous)->threshold == 0.5);
        const std::vector<double> single{1};
        const std::vector<row_range> row{{0, 1}};
        const std::vector<nab_recording> one{{single, row}};
        CHECK(tocsin::best_nab_threshold(one)->raw == doctest::Approx(1));
        CHECK(tocsin::best_nab_threshold({})->raw == 0);
        CHECK(tocsin::nab_score({}, 1)->windows == 0);
    }

    TEST_CASE("nab score: scores that are not finite and wrong windows are refused") {
        const std::vector<double> scores{1, std::numeric_limits<double>::quiet_NaN()};
        const std::vector<double> good{1, 2};
        const std::vector<row_range> beyond{{1, 3}};
        const std::vector<row_range> unordered{{1, 2}, {0, 1}};
        CHECK(
            std::string_view{
                tocsin::nab_score(std::array{nab_recording{good, {}}, nab_recording{scores, {}}}, 1)
                    .error()
                    .message()} == "nab_score: score 1 of recording 1 is nan");
        CHECK(tocsin::best_nab_threshold(std::array{nab_recording{scores, {}}}).error().code() ==
              tocsin::error_code::invalid_data);
        CHECK(tocsin::nab_score(std::array{nab_recording{good, beyond}}, 1).error().code() ==
              tocsin::error_code::invalid_argument);
        CHECK(tocsin::nab_score(std::array{nab_recording{good, unordered}}, 1).error().code() ==
              tocsin::error_code::invalid_argument);
    }

    TEST_CASE("nab score: files, detectors and profiles as committed in NAB") {
        const auto root = tocsin_test::data_directory("golden/nab_scores/expected.csv");
        if (!root) {
            return;
        }
        auto windows = read_windows(*root + "nab/windows.csv");
        const tocsin_test::data_table table(*root + "golden/nab_scores/expected.csv");
        const auto thresholds = table.numbers("threshold");
        const auto raw = table.numbers("raw_score");
        const auto tp = table.numbers("TP");
        const auto tn = table.numbers("TN");
        const auto fp = table.numbers("FP");
        const auto fn = table.numbers("FN");
        std::map<std::string, tocsin_test::data_table> files;
        for (std::size_t i = 0; i < table.rows(); ++i) {
            const std::string& file = table.text("file")[i];
            const std::string& detector = table.text("detector")[i];
            const std::string& profile = table.text("profile")[i];
            CAPTURE(file);
            CAPTURE(detector);
            CAPTURE(profile);
            if (!files.contains(file)) {
                std::string path = *root;
                path.append("golden/nab_scores/").append(file);
                files.emplace(file, tocsin_test::data_table(path));
            }
            const auto scores = files.at(file).numbers(detector);
            const std::array recording{nab_recording{scores, windows[file]}};
            const auto score = tocsin::nab_score(recording, thresholds[i], profile_of(profile));
            REQUIRE(score.has_value());
            CHECK(score->raw == doctest::Approx(raw[i]).scale(1).epsilon(1e-9));
            CHECK(static_cast<double>(score->rows.true_positives) == tp[i]);
            CHECK(static_cast<double>(score->rows.true_negatives) == tn[i]);
            CHECK(static_cast<double>(score->rows.false_positives) == fp[i]);
            CHECK(static_cast<double>(score->rows.false_negatives) == fn[i]);
        }
        CHECK(table.rows() == 72);
    }

    TEST_CASE("nab score: normalised as the table of the data set") {
        const auto root = tocsin_test::data_directory("nab/ref/nab_normalised_on_this_part.csv");
        if (!root) {
            return;
        }
        const tocsin_test::data_table raw(*root + "nab/ref/nab_standard_score_per_file.csv");
        const tocsin_test::data_table table(*root + "nab/ref/nab_normalised_on_this_part.csv");
        std::int64_t windows = 0;
        for (const double in_file : raw.numbers("nwin")) {
            windows += static_cast<std::int64_t>(in_file);
        }
        for (std::size_t i = 0; i < table.rows(); ++i) {
            const std::string& detector = table.text("detector")[i];
            CAPTURE(detector);
            double sum = 0;
            for (const double score : raw.numbers(detector)) {
                sum += score;
            }
            CHECK(tocsin::normalised_nab_score(sum, windows, tocsin::nab_standard) ==
                  doctest::Approx(table.numbers("standard")[i]).scale(1).epsilon(0.0051));
        }
    }
}
