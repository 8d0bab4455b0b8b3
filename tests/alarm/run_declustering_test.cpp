#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/alarm/run_declustering.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/declustering.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/memory_archive.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

std::string passed_by(tocsin::run_declustering piece, std::string_view flags) {
    std::string passed;
    for (const char flag : flags) {
        passed += piece.push(flag == '1') ? '1' : '0';
    }
    return passed;
}

/// Scores of a stream whose rows resemble each other by `memory`; a share of the rows has none.
std::vector<double> draw_scores(std::size_t count, double memory, double missing,
                                tocsin::random_generator& random) {
    std::vector<double> scores(count);
    double level = 0;
    for (double& score : scores) {
        level = memory * level + std::sqrt(1 - memory * memory) * random.normal();
        score = random.uniform() < missing ? std::nan("") : std::abs(level);
    }
    return scores;
}

/// Clusters in the scores of a stream: those that the rule promises, and those of flags alone.
struct cluster_counts {
    std::int64_t promised = 0;
    std::int64_t by_flags = 0;
};
cluster_counts count_clusters(const tocsin::alarm_rate& rule, const std::vector<double>& scores) {
    tocsin::run_declustering exact(rule.gap());
    tocsin::run_declustering by_flags(rule.gap());
    cluster_counts counts;
    for (const double score : scores) {
        counts.promised += exact.push(rule.exceeds(score), score > rule.level()) ? 1 : 0;
        counts.by_flags += by_flags.push(rule.exceeds(score)) ? 1 : 0;
    }
    return counts;
}

} // namespace

static_assert(tocsin::alarm_piece<tocsin::run_declustering>);

TEST_SUITE("alarm") {

    TEST_CASE("run_declustering: the first flag of each cluster") {
        CHECK(passed_by(tocsin::run_declustering(1), "0111010011") == "0100010010");
        CHECK(passed_by(tocsin::run_declustering(2), "0111010011") == "0100000010");
        CHECK(passed_by(tocsin::run_declustering(3), "10010001") == "10000001");
        CHECK(passed_by(tocsin::run_declustering(), "11011") == "10010");
        CHECK(tocsin::run_declustering(7).gap() == 7);
        CHECK_FALSE(tocsin::run_declustering(0).check().ok());
        CHECK_FALSE(tocsin::run_declustering(-1).check().ok());
        for (const int unusable : {0, -1}) {
            CHECK(passed_by(tocsin::run_declustering(unusable), "0110111") == "0110111");
        }
        tocsin::run_declustering piece(2);
        CHECK(piece.push(true));
        CHECK_FALSE(piece.push(true));
        piece.reset();
        CHECK(piece.push(true));
        CHECK(piece.gap() == 2);
    }

    TEST_CASE("run_declustering: a cluster goes on above a lower level than that of flags") {
        tocsin::run_declustering piece(2);
        const std::string high = "0111110010110001";
        const std::string flag = "0010010000010001";
        std::string passed;
        for (std::size_t k = 0; k < high.size(); ++k) {
            passed += piece.push(flag[k] == '1', high[k] == '1') ? '1' : '0';
        }
        // The second cluster begins without a flag.
        CHECK(passed == "0010000000010001");
        CHECK(piece.push(false, true) == false);
        CHECK(piece.push(true, false) == false); // a flag is high
    }

    TEST_CASE("run_declustering: as many flags pass as find_clusters() finds peaks") {
        tocsin::random_generator random(1);
        for (const double memory : {0.0, 0.5, 0.9, 0.98}) {
            for (const double missing : {0.0, 0.2}) {
                const auto scores = draw_scores(5000, memory, missing, random);
                for (const std::int64_t gap : {1, 2, 3, 10, 100, 10000}) {
                    for (const double level : {0.0, 0.5, 1.6, 2.5, 9.0}) {
                        CAPTURE(memory);
                        CAPTURE(missing);
                        CAPTURE(gap);
                        CAPTURE(level);
                        const auto clusters = tocsin::find_clusters(scores, level, gap);
                        tocsin::run_declustering piece(gap);
                        tocsin::run_declustering higher(gap);
                        std::int64_t passed = 0;
                        std::int64_t above = 0;
                        for (const double score : scores) {
                            passed += piece.push(score > level) ? 1 : 0;
                            above += higher.push(score > level + 0.4, score > level) ? 1 : 0;
                        }
                        CHECK(passed == static_cast<std::int64_t>(clusters.peaks.size()));
                        CHECK(above == clusters.above(level + 0.4));
                    }
                }
            }
        }
    }

    TEST_CASE("run_declustering: counts the clusters that alarm_rate promises") {
        tocsin::random_generator random(2);
        constexpr int fits = 60;
        constexpr double promised = 10;
        for (const double memory : {0.0, 0.5, 0.9, 0.97}) {
            CAPTURE(memory);
            double counted = 0;
            double by_flags = 0;
            for (int fit = 0; fit < fits; ++fit) {
                tocsin::alarm_rate rule({.alarms = promised});
                REQUIRE(rule.fit(draw_scores(4000, memory, 0, random), {}).ok());
                const auto scores = draw_scores(10000, memory, 0, random);
                const cluster_counts counts = count_clusters(rule, scores);
                REQUIRE(counts.promised == tocsin::find_clusters(scores, rule.level(), rule.gap())
                                               .above(rule.threshold()));
                REQUIRE(counts.by_flags >= counts.promised);
                counted += static_cast<double>(counts.promised) / fits;
                by_flags += static_cast<double>(counts.by_flags) / fits;
            }
            CHECK(counted > 0.7 * promised);
            CHECK(counted < 1.4 * promised);
            CHECK(by_flags < 1.5 * counted);
        }
    }

    TEST_CASE("run_declustering: one long fault is one alarm, and exceeds no rate") {
        tocsin::random_generator random(3);
        for (const double memory : {0.0, 0.9}) {
            CAPTURE(memory);
            tocsin::alarm_rate rule({.alarms = 1});
            REQUIRE(rule.fit(draw_scores(4000, memory, 0, random), {}).ok());
            tocsin::alarm_chain chain{tocsin::run_declustering(rule.gap()),
                                      tocsin::rate_monitor(rule.promised())};
            tocsin::run_declustering exact(rule.gap());
            tocsin::rate_monitor counted(rule.promised());
            const auto push = [&](double score) {
                chain.push(rule.exceeds(score));
                counted.push(exact.push(rule.exceeds(score), score > rule.level()));
                CHECK_FALSE(chain.rate_exceeded());
                CHECK_FALSE(counted.rate_exceeded());
            };
            for (int row = 0; row < 300; ++row) {
                push(0);
            }
            for (int row = 0; row < 1000; ++row) {
                push(2 * rule.threshold());
            }
            CHECK(std::get<1>(chain.pieces()).alarms() == 1);
            // It goes on around the threshold: flags alone count where it is below.
            for (int row = 0; row < 1000; ++row) {
                const double height = row / 20 % 2 == 0 ? 1.1 : 0.9;
                const double score =
                    std::max(height * rule.threshold(), std::nextafter(rule.level(), 1e9));
                counted.push(exact.push(rule.exceeds(score), score > rule.level()));
                CHECK_FALSE(counted.rate_exceeded());
            }
            CHECK(counted.alarms() == 1);
        }
    }

    TEST_CASE("run_declustering: a stream that has changed still exceeds the rate") {
        tocsin::random_generator random(4);
        for (const double memory : {0.0, 0.9}) {
            CAPTURE(memory);
            tocsin::alarm_rate rule({.alarms = 3});
            REQUIRE(rule.fit(draw_scores(4000, memory, 0, random), {}).ok());
            tocsin::run_declustering clusters(rule.gap());
            tocsin::rate_monitor monitor(rule.promised());
            for (const double score : draw_scores(20000, memory, 0, random)) {
                const double louder = 3 * score;
                monitor.push(clusters.push(rule.exceeds(louder), louder > rule.level()));
            }
            CHECK(monitor.rate_exceeded());
        }
    }

    TEST_CASE("run_declustering: after loading it goes on with the same bits") {
        tocsin::random_generator random(5);
        for (int state = 0; state < 40; ++state) {
            tocsin::run_declustering piece(4);
            for (int row = 0; row < state; ++row) {
                piece.push(random.uniform() < 0.2, random.uniform() < 0.4);
            }
            tocsin::run_declustering loaded;
            REQUIRE(tocsin_test::load(loaded, tocsin_test::save(piece)).ok());
            CHECK(tocsin_test::save(loaded) == tocsin_test::save(piece));
            for (int row = 0; row < 50; ++row) {
                const bool flag = random.uniform() < 0.2;
                const bool high = random.uniform() < 0.3;
                CHECK(loaded.push(flag, high) == piece.push(flag, high));
            }
        }
        tocsin::run_declustering piece(5);
        constexpr std::pair<const char*, double> damages[] = {
            {"gap", 0}, {"gap", -1}, {"gap", 4}, {"low_rows", 6}, {"low_rows", -1}};
        for (const auto& [name, value] : damages) {
            auto content = tocsin_test::save(piece);
            content[name] = {value};
            CHECK_FALSE(tocsin_test::load(piece, content).ok());
            piece = tocsin::run_declustering(5);
        }
    }

    TEST_CASE("run_declustering: pushing allocates nothing") {
        CHECK(tocsin_test::allocations_during([] {
                  void* volatile memory = std::malloc(8);
                  std::free(memory);
              }) > 0);
        tocsin::run_declustering piece(3);
        int passed = 0;
        CHECK(tocsin_test::allocations_during([&] {
                  for (int row = 0; row < 1000; ++row) {
                      passed += piece.push(row % 7 == 0) ? 1 : 0;
                      passed += piece.push(row % 9 == 0, row % 3 == 0) ? 1 : 0;
                  }
              }) == 0);
        CHECK(passed > 0);
    }
}
