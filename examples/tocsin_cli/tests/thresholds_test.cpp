#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/declustering.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include "program.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using nlohmann::json;

/// A model `m` with fitted errors, rows to tune with and rows with an anomaly.
void prepare(const program& cli) {
    const std::string rows = " --as csv --features 2 --noise 0.2 --seed 7";
    CHECK(cli("generate rows.csv --normal 1 --length 1500" + rows).code == 0);
    // Separate rows: on those of fit-errors, tune would use scores that leave each row out.
    CHECK(cli("generate errors.csv --normal 1 --length 1500 --sequence-seed 3" + rows).code == 0);
    CHECK(cli("generate wrong.csv --normal 0 --anomalous 1 --length 120 --anomalous-steps 40 "
              "--kind frozen" +
              rows)
              .code == 0);
    CHECK(cli("train m rows.csv --window 8 --encoder 6 --epochs 4 --learning-rate 0.01 --quiet")
              .code == 0);
    CHECK(cli("fit-errors m errors.csv").code == 0);
}

std::vector<double> scores_of(const json& found) {
    std::vector<double> scores;
    for (const json& line : found["verdicts"]) {
        if (line.contains("score")) {
            scores.push_back(line["score"]);
        }
    }
    return scores;
}

/// Clusters of scores that the rule counts as alarms, by its definition.
std::int64_t clusters_of(const tocsin::alarm_rate& rule, const std::vector<double>& scores) {
    return tocsin::find_clusters(scores, rule.level(), rule.gap()).above(rule.threshold());
}

/// Scores of rows as the model gives them, independent of the rule.
std::vector<double> plain_scores(const program& cli, const std::string& data) {
    run_json(cli, "tune m rows.csv --rule sigma -o plain");
    return scores_of(run_json(cli, "detect plain " + data));
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("tune: each rule gives the library's threshold") {
        const program cli;
        prepare(cli);
        const std::vector<double> scores = plain_scores(cli, "rows.csv");
        REQUIRE(scores.size() == 1493);

        tocsin::epsilon_threshold epsilon{5};
        REQUIRE(epsilon.fit(scores, {}).ok());
        const json by_epsilon = run_json(cli, "tune m rows.csv --rule epsilon --buffer 5");
        CHECK(by_epsilon["rule"] == "epsilon");
        CHECK(by_epsilon["step_threshold"] == doctest::Approx(epsilon.threshold()));
        CHECK(run_json(cli, "inspect m")["rule"] == "epsilon");

        tocsin::spot_settings settings;
        settings.q = 2e-3;
        settings.level = 0.98;
        tocsin::drift_spot_threshold drift{settings, 50};
        REQUIRE(drift.fit(scores, {}).ok());
        const json by_drift = run_json(cli, "tune m rows.csv --rule drift-peaks-over-threshold "
                                            "--false-alarm-rate 2e-3 --drift-depth 50");
        CHECK(by_drift["step_threshold"] == doctest::Approx(drift.threshold()));
        CHECK(run_json(cli, "inspect m")["rule"] == "drift-peaks-over-threshold");

        tocsin::alarm_rate promise{{.alarms = 2, .per_rows = 500}};
        REQUIRE(promise.fit(scores, {}).ok());
        const json by_promise =
            run_json(cli, "tune m rows.csv --rule alarm-rate --alarms 2 --per '500 rows'");
        CHECK(by_promise["rule"] == "alarm-rate");
        const std::string too_many = "clusters of high scores";
        CHECK(cli("tune m rows.csv -o o --rule alarm-rate --alarms 1").err.find(too_many) ==
              std::string::npos);
        CHECK(cli("tune m rows.csv -o o --rule alarm-rate --alarms 990").err.find(too_many) !=
              std::string::npos);
        CHECK(by_promise["step_threshold"] == doctest::Approx(promise.threshold()));
        const json detected = run_json(cli, "detect m wrong.csv");
        tocsin::rate_monitor monitor(promise.promised());
        std::vector<double> so_far;
        for (const json& line : detected["verdicts"]) {
            if (line.contains("score")) {
                so_far.push_back(line["score"]);
                monitor.push(clusters_of(promise, so_far) > monitor.alarms());
            }
            CHECK(line.contains("rate_exceeded") == monitor.rate_exceeded());
            CHECK(line.contains("expected_false_alarms") == line.contains("score"));
            if (line.contains("score")) {
                CHECK(line["expected_false_alarms"] ==
                      doctest::Approx(promise.expected_false_alarms(line["score"])));
            }
        }
        CHECK(monitor.alarms() > 0);
        CHECK(monitor.alarms() == clusters_of(promise, scores_of(detected)));
        CHECK(detected["counts"]["clusters"] == monitor.alarms());
        CHECK(detected["counts"]["promised_rate"] == doctest::Approx(40));
        CHECK(detected["counts"]["realised_rate"] ==
              doctest::Approx(1e4 * static_cast<double>(monitor.alarms()) /
                              static_cast<double>(monitor.rows())));
        const outcome told = cli("detect m wrong.csv");
        CHECK_MESSAGE(told.err.find("false alarms promised: 40") != std::string::npos, told.err);
    }

    TEST_CASE("detect: a fault that lasts is one cluster, and no reason to fit anew") {
        const program cli;
        tocsin::random_generator random{4};
        const auto rows = [&](int count, int fault) { // which begins in row 300
            std::string text = "pressure,flow\n";
            for (int t = 0; t < count; ++t) {
                const double pressure = std::sin(0.25 * t) + 0.1 * random.normal();
                const double flow = std::cos(0.18 * t) + 0.1 * random.normal();
                const bool wrong = t >= 300 && t < 300 + fault;
                // Rows without a value have no score, and end no cluster.
                text += wrong && t % 17 == 0
                            ? ",\n"
                            : std::to_string(pressure + (wrong ? 9 + 9 * (t % 2) : 0)) + ',' +
                                  std::to_string(flow) + '\n';
            }
            return text;
        };
        cli.write("normal.csv", rows(2500, 0));
        cli.write("fault.csv", rows(900, 400));
        REQUIRE(cli("fit m normal.csv --model linear --window 12 --quiet").code == 0);
        run_json(cli, "tune m normal.csv --rule alarm-rate");
        const json found = run_json(cli, "detect m fault.csv");
        CHECK(found["counts"]["anomaly"] >= 350);
        CHECK(found["counts"]["clusters"] == 1);
        const auto& verdicts = found["verdicts"];
        CHECK(std::none_of(verdicts.begin(), verdicts.end(),
                           [](const json& line) { return line.contains("rate_exceeded"); }));
        CHECK(std::any_of(verdicts.begin() + 310, verdicts.begin() + 690,
                          [](const json& line) { return !line.contains("score"); }));
        const outcome streamed = cli("stream m", cli.read("fault.csv"));
        CHECK(streamed.code == 0);
        CHECK_MESSAGE(streamed.err.find("as many anomalies") == std::string::npos, streamed.err);
    }

    TEST_CASE("tune: a promise over time counts rows by their usual step") {
        const program cli;
        std::string rows = "timestamp,a\n";
        for (int row = 0; row < 600; ++row) { // one a minute
            rows += std::to_string(1700000000 + 60 * row) + ',' +
                    std::to_string(row % 7 + 0.1 * (row * 37 % 11)) + '\n';
        }
        cli.write("rows.csv", rows);
        CHECK(cli("train m rows.csv --window 8 --encoder 4 --epochs 2 --quiet --force").code == 0);
        CHECK(cli("fit-errors m rows.csv").code == 0);
        const json by_time = run_json(cli, "tune m rows.csv --rule alarm-rate --per 5h");
        const json by_rows = run_json(cli, "tune m rows.csv --rule alarm-rate --per 300rows");
        CHECK(by_time["step_threshold"] == by_rows["step_threshold"]);
        CHECK(run_json(cli, "tune m rows.csv --rule alarm-rate")["step_threshold"] >
              by_rows["step_threshold"]);

        const auto refused = [&](const std::string& arguments, const std::string& reason) {
            const outcome run = cli("tune m rows.csv --rule alarm-rate " + arguments);
            CHECK(run.code != 0);
            CHECK_MESSAGE(run.err.find(reason) != std::string::npos, run.err);
        };
        refused("--per 3fortnights", "'3fortnights'");
        refused("--per 0rows", "'0rows'");
        refused("--alarms 2 --per 1row", "at most one a row");
        refused("--stride 2", "--stride 1");
        CHECK(cli("tune m rows.csv --rule sigma --alarms 2").err.find("--alarms") !=
              std::string::npos);
    }

    TEST_CASE("adapt: the threshold is that of the library's rule after the rows before") {
        const program cli;
        prepare(cli);
        const std::vector<double> normal = plain_scores(cli, "rows.csv");
        const std::vector<double> scores = plain_scores(cli, "wrong.csv");
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.level = 0.98;
        const auto check = [&](auto rule, const std::string& name) {
            CAPTURE(name);
            REQUIRE(rule.fit(normal, {}).ok());
            run_json(cli, "tune m rows.csv --rule " + name);
            const std::string before = cli.read("m");
            const json found = run_json(cli, "detect m wrong.csv --adapt");
            std::size_t k = 0;
            int moved = 0;
            for (const json& line : found["verdicts"]) {
                if (!line.contains("score")) {
                    continue;
                }
                CHECK(line["threshold"] == doctest::Approx(rule.threshold()));
                CHECK(line["verdict"] == (scores[k] > rule.threshold() ? "anomaly" : "normal"));
                const double threshold = rule.threshold();
                rule.push(scores[k++]);
                moved += rule.threshold() != threshold ? 1 : 0;
            }
            CHECK(k == scores.size());
            CHECK(moved > 0);
            CHECK(found["counts"]["anomaly"] > 10);
            CHECK(cli.read("m") == before);

            auto streamed = lines_of(cli("stream m --adapt", cli.read("wrong.csv")).out);
            REQUIRE(streamed.size() == found["verdicts"].size());
            for (std::size_t row = 0; row < streamed.size(); ++row) {
                json expected = found["verdicts"][row];
                expected.erase("label");
                CHECK(streamed[row] == expected);
            }
            // Without the option it does not change.
            for (const json& line : run_json(cli, "detect m wrong.csv")["verdicts"]) {
                CHECK((!line.contains("score") || line["threshold"] == found["step_threshold"]));
            }
        };
        check(tocsin::spot_threshold{settings}, "peaks-over-threshold");
        check(tocsin::drift_spot_threshold{settings}, "drift-peaks-over-threshold");
        check(tocsin::spot_threshold_by_moments{settings}, "peaks-over-threshold-by-moments");
    }

    TEST_CASE("learn: a slow drift raises no alarms, a sensor that freezes then does") {
        const program cli;
        constexpr int frozen_from = 3400;
        constexpr int frozen_until = 3460;
        // Two sensors; the level of the first one rises by `drift` with each row.
        const auto rows = [](int count, double drift, std::uint64_t seed) {
            tocsin::random_generator random{seed};
            std::string text = "pressure,flow\n";
            double flow = 0;
            for (int t = 0; t < count; ++t) {
                const double pressure = std::sin(0.25 * t) + drift * t + 0.04 * random.normal();
                const double next = std::cos(0.18 * t) + 0.04 * random.normal();
                const bool frozen = drift > 0 && t >= frozen_from && t < frozen_until;
                flow = frozen ? flow : next;
                text += std::to_string(pressure) + ',' + std::to_string(flow) + '\n';
            }
            return text;
        };
        cli.write("normal.csv", rows(2500, 0, 1));
        cli.write("drift.csv", rows(4000, 0.0006, 2));
        REQUIRE(cli("fit m normal.csv --model linear --window 12 --quiet").code == 0);
        const std::string before = cli.read("m");
        const auto anomalies = [](const json& found) {
            std::pair<int, int> count; // of normal rows, of those of the frozen sensor
            int row = 0;
            for (const json& line : found["verdicts"]) {
                const bool frozen = row >= frozen_from && row < frozen_until;
                const bool after = row >= frozen_until && row < frozen_until + 12;
                if (line["verdict"] == "anomaly" && !after) {
                    ++(frozen ? count.second : count.first);
                }
                ++row;
            }
            return count;
        };
        const auto fixed = anomalies(run_json(cli, "detect m drift.csv"));
        const json found = run_json(cli, "detect m drift.csv --learn 200");
        const auto learning = anomalies(found);
        CHECK(fixed.first > 1000);
        CHECK(learning.first <= 40); // one in a hundred
        CHECK(learning.second >= 45);
        CHECK(cli.read("m") == before);
        const auto streamed = lines_of(cli("stream m --learn 200", cli.read("drift.csv")).out);
        REQUIRE(streamed.size() == found["verdicts"].size());
        for (std::size_t row = 0; row < streamed.size(); ++row) {
            CHECK(streamed[row] == found["verdicts"][row]);
        }
    }

    TEST_CASE("smooth: tuned on the trailing mean, which detect and stream then judge") {
        const program cli;
        prepare(cli);
        std::vector<double> normal = plain_scores(cli, "rows.csv");
        std::vector<double> scores = plain_scores(cli, "wrong.csv");
        for (std::vector<double>* values : {&normal, &scores}) {
            tocsin::moving_window window{6};
            for (double& value : *values) {
                value = window.push(value);
            }
        }
        const json tuned = run_json(cli, "tune m rows.csv --quantile 1 --smooth 6");
        CHECK(tuned["smoothing"] == 6);
        CHECK(tuned["step_threshold"] ==
              doctest::Approx(*std::max_element(normal.begin(), normal.end())));
        CHECK(run_json(cli, "inspect m")["smoothing"] == 6);
        const json found = run_json(cli, "detect m wrong.csv");
        const std::vector<double> smoothed = scores_of(found);
        REQUIRE(smoothed.size() == scores.size());
        for (std::size_t k = 0; k < scores.size(); ++k) {
            CHECK(smoothed[k] == doctest::Approx(scores[k]));
        }
        for (const json& line : found["verdicts"]) {
            CHECK((!line.contains("score") ||
                   (line["score"] > line["threshold"]) == (line["verdict"] == "anomaly")));
        }
        // Manual thresholds keep the smoothing as well.
        run_json(cli, "tune m --step-threshold 9 --feature-threshold 9 --smooth 6");
        CHECK(scores_of(run_json(cli, "detect m wrong.csv")) == smoothed);
        CHECK(run_json(cli, "tune m --step-threshold 8 --feature-threshold 9")["smoothing"] == 6);
        CHECK(run_json(cli, "inspect m")["rule"] == "manual");
        const json labelled = run_json(cli, "tune m wrong.csv --smooth 6 --rule f-beta");
        CHECK(labelled["metrics"]["step"]["f1"] > 0.5);
    }

    TEST_CASE("alarms: those of the library's pieces for the verdicts") {
        const program cli;
        prepare(cli);
        run_json(cli, "tune m rows.csv --quantile 0.9");
        std::string rows = cli.read("wrong.csv");
        // A row without a score in the middle of the anomaly.
        std::size_t begin = 0;
        for (int line = 0; line < 100; ++line) {
            begin = rows.find('\n', begin) + 1;
        }
        const std::size_t label = rows.rfind(',', rows.find('\n', begin));
        rows.replace(begin, label - begin, "nan,nan");
        cli.write("wrong.csv", rows);
        const json plain = run_json(cli, "detect m wrong.csv");
        CHECK(plain["counts"]["invalid_sample"] == 1);
        CHECK_FALSE(plain["counts"].contains("alarms"));

        struct setting {
            const char* options;
            double off;
            int m, n, duration, silence;
        };
        for (const setting& each : {
                 setting{"--m-of-n 3,5", 1, 3, 5, 1, 0},
                 setting{"--minimum-duration 4", 1, 1, 1, 4, 0},
                 setting{"--suppress 7", 1, 1, 1, 1, 7},
                 setting{"--hysteresis 0.3", 0.3, 1, 1, 1, 0},
                 setting{"--hysteresis 0.5 --m-of-n 2,3 --minimum-duration 2 --suppress 9", 0.5, 2,
                         3, 2, 9},
             }) {
            CAPTURE(each.options);
            const json found = run_json(cli, std::string{"detect m wrong.csv "} + each.options);
            const double threshold = found["step_threshold"];
            tocsin::hysteresis hold{threshold, each.off * threshold};
            tocsin::alarm_chain chain{tocsin::m_of_n{each.m, each.n},
                                      tocsin::minimum_duration{each.duration},
                                      tocsin::suppression{each.silence}};
            int alarm_rows = 0;
            int alarms = 0;
            bool before = false;
            for (std::size_t k = 0; k < found["verdicts"].size(); ++k) {
                const json& line = found["verdicts"][k];
                bool flag = each.off < 1 && hold.active();
                if (line.contains("score")) {
                    flag = hold.push(line["score"]);
                }
                const bool expected = chain.push(flag);
                CHECK(line["alarm"] == expected);
                CHECK(line["verdict"] == plain["verdicts"][k]["verdict"]);
                alarm_rows += expected ? 1 : 0;
                alarms += expected && !before ? 1 : 0;
                before = expected;
            }
            CHECK(alarms > 0);
            CHECK(alarm_rows != plain["counts"]["anomaly"]);
            CHECK(found["counts"]["alarm_rows"] == alarm_rows);
            CHECK(found["counts"]["alarms"] == alarms);
            CHECK(found["metrics"].contains("alarm"));
            const auto streamed = lines_of(cli(std::string{"stream m "} + each.options, rows).out);
            REQUIRE(streamed.size() == found["verdicts"].size());
            for (std::size_t k = 0; k < streamed.size(); ++k) {
                CHECK(streamed[k]["alarm"] == found["verdicts"][k]["alarm"]);
            }
        }
        const std::string table = cli("detect m wrong.csv --table csv --m-of-n 3,5").out;
        CHECK(table.starts_with(
            "row,verdict,score,threshold,largest_share,alarm,label\n1,warming_up,,"));
    }
}
