#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include <cstdio>
#include <sstream>
#include <string>

namespace {

using nlohmann::json;

const std::string small = " --model classifier --window 8 --units 4 --epochs 12 --stride 2"
                          " --learning-rate 0.01 --seed 1";

/// Two sensors, one row per minute; in the last 6 of 40 rows the second one jumps.
std::string recording(int count, bool labelled = true) {
    std::string text = labelled ? "timestamp,flow,level,anomaly\n" : "timestamp,flow,level\n";
    for (int t = 0; t < count; ++t) {
        const bool event = t % 40 >= 34;
        char line[96];
        std::snprintf(line, sizeof line, "2024-03-%02d %02d:%02d:00,%d.%d,%d.%d", 1 + t / 1440,
                      t / 60 % 24, t % 60, 5 + t % 3, t * 7 % 10, (event ? 9 : 2) + t % 2,
                      t * 3 % 10);
        text += line + std::string(labelled ? (event ? ",1\n" : ",0\n") : "\n");
    }
    return text;
}

} // namespace

TEST_SUITE("tocsin_cli") {

    TEST_CASE("classifier: trained on labels, it detects, streams, is inspected and reported") {
        const program cli;
        cli.write("train.csv", recording(800));
        cli.write("test.csv", recording(400));
        for (const std::string network :
             {"convolutions", "lstm", "bidirectional-lstm", "stacked-lstm"}) {
            INFO(network);
            const json trained = run_json(cli, "train m train.csv --validation-fraction 0.3" +
                                                   small + " --network " + network);
            CHECK(trained.at("kind") == "classifier");
            CHECK(trained.at("network") == network);
            CHECK(trained.at("training_rows") == 560);
            CHECK(trained.at("validation_rows") == 240);
            CHECK(trained.at("history").size() == trained.at("epochs"));
            const json inspected = run_json(cli, "inspect m");
            CHECK(inspected.at("model") == "classifier");
            CHECK(inspected.at("network") == network);
            CHECK(inspected.at("threshold") == trained.at("threshold"));
            CHECK(inspected.at("features") == json({"flow", "level"}));

            const json detected = run_json(cli, "detect m test.csv --report page.html");
            CHECK(detected.at("verdicts").size() == 400);
            CHECK(detected.at("counts").at("warming_up") == 7);
            // Windows of 8 rows stay anomalous up to 7 rows after an event.
            CHECK(detected.at("metrics").at("step").at("recall").get<double>() > 0.9);
            CHECK(detected.at("counts").at("anomaly").get<int>() < 200);
            CHECK(cli.read("page.html").find("the probability of an anomaly") != std::string::npos);
            int by_level = 0;
            int anomalies = 0;
            for (const json& line : detected.at("verdicts")) {
                if (line.at("verdict") == "anomaly") {
                    ++anomalies;
                    by_level += line.at("shares").at("level") > 0.5 ? 1 : 0;
                }
            }
            CHECK(anomalies > 60);
            if (network == "convolutions") { // an LSTM extends an event by its memory
                CHECK(by_level > anomalies / 2);
            }

            const auto streamed = cli("stream m", recording(400, false));
            CHECK(streamed.code == 0);
            std::istringstream lines(streamed.out);
            std::string line;
            for (std::size_t k = 0; std::getline(lines, line); ++k) {
                const json streamed_row = json::parse(line);
                const json& expected = detected.at("verdicts").at(k);
                CHECK(streamed_row.at("verdict") == expected.at("verdict"));
                if (expected.contains("score")) {
                    CHECK(streamed_row.at("score") == expected.at("score"));
                }
            }
        }
    }

    TEST_CASE("classifier: balanced weighs windows, the label options say which are anomalous") {
        const program cli;
        // 13 of 40 rows are anomalous, and 13 + 7 of 40 windows of 8 rows: weights that balance
        // windows are 1, those that balance rows are not.
        const auto rows = [](int count, bool holes) {
            std::string text = "flow,anomaly\n";
            for (int t = 0; t < count; ++t) {
                const bool event = t % 40 >= 27;
                const bool labelled = event && !(holes && t % 40 == 30);
                text += std::to_string((event ? 9 : 2) + t * 7 % 5) + (labelled ? ",1\n" : ",0\n");
            }
            return text;
        };
        cli.write("train.csv", rows(407, false));
        const std::string settings = " --model classifier --window 8 --units 4 --epochs 2"
                                     " --stride 1 --seed 1 --network lstm";
        const auto trained = [&](const std::string& arguments) {
            const outcome run = cli("train m " + arguments + settings);
            INFO(run.err);
            REQUIRE(run.code == 0);
            return cli.read("m");
        };
        const std::string plain = trained("train.csv");
        CHECK(trained("train.csv --balanced") == plain);
        CHECK(trained("train.csv --label-rule any-row --label-gap 0") == plain);
        const std::string last = trained("train.csv --label-rule last-row");
        CHECK(last != plain);
        CHECK(trained("train.csv --label-rule last-row --balanced") != last);
        const std::string next = trained("train.csv --label-rule next-row");
        CHECK(next != plain);
        CHECK(next != last);
        cli.write("train.csv", rows(407, true)); // a hole of one row in each event
        CHECK(trained("train.csv --label-rule last-row") != last);
        CHECK(trained("train.csv --label-rule last-row --label-gap 1") == last);
    }

    TEST_CASE("classifier: a gap in the rows is one in training, in detect and in stream") {
        const program cli;
        // Two recordings of 200 and 200 rows, with an hour between them.
        const auto with_gap = [](bool labelled) {
            std::string all = recording(400, labelled);
            std::string text;
            std::istringstream lines(all);
            std::string line;
            for (int row = -1; std::getline(lines, line); ++row) {
                const bool left_out = row >= 200 && row < 260;
                text += left_out ? "" : line + '\n';
            }
            return text;
        };
        cli.write("gap.csv", with_gap(true));
        const json trained = run_json(cli, "train m gap.csv" + small);
        CHECK(trained.at("training_rows") == 340);
        const json detected = run_json(cli, "detect m gap.csv");
        const json& verdicts = detected.at("verdicts");
        REQUIRE(verdicts.size() == 340);
        // Two rows until the clock is believed, the third is the first of 7 that warm up.
        CHECK(detected.at("counts").at("invalid_sample") == 2);
        CHECK(detected.at("counts").at("warming_up") == 14);
        CHECK(verdicts.at(200).at("reason") == "the time does not follow the samples before");
        CHECK(verdicts.at(202).at("verdict") == "warming_up");
        CHECK(verdicts.at(208).at("verdict") == "warming_up");
        CHECK(verdicts.at(209).contains("score"));
        const auto streamed = lines_of(cli("stream m", with_gap(false)).out);
        REQUIRE(streamed.size() == 340);
        for (std::size_t k = 0; k < streamed.size(); ++k) {
            CHECK(streamed[k].at("verdict") == verdicts.at(k).at("verdict"));
        }
        // With a longest gap of two hours, there is none.
        run_json(cli, "train n gap.csv --longest-gap 7200" + small);
        CHECK(run_json(cli, "detect n gap.csv").at("counts").at("warming_up") == 7);
    }

    TEST_CASE("classifier: a missing cell is filled in and counted, a row of them has no score") {
        const program cli;
        cli.write("train.csv", recording(400));
        REQUIRE(cli("train m train.csv --calendar hour" + small).code == 0);
        std::string rows = "timestamp,flow,level\n";
        for (int t = 0; t < 20; ++t) {
            rows += "2024-03-01 00:" + std::string(t < 10 ? "0" : "") + std::to_string(t) + ":00," +
                    (t == 15   ? ","
                     : t == 17 ? ",2.5"
                               : "5.5,2.5") +
                    '\n';
        }
        const auto streamed = lines_of(cli("stream m", rows).out);
        REQUIRE(streamed.size() == 20);
        CHECK(streamed[15].at("verdict") == "invalid_sample");
        CHECK(streamed[15].at("reason") == "values that the score needs are missing");
        CHECK(streamed[15].at("missing") == 2);
        CHECK(streamed[16].contains("score"));
        CHECK(streamed[17].contains("score"));
        CHECK(streamed[17].at("missing") == 1);
    }

    TEST_CASE("classifier: training resumes from a checkpoint with the same bits") {
        const program cli;
        cli.write("train.csv", recording(400));
        cli.write("other.csv", recording(440));
        const std::string checkpoint = " --checkpoint c --validation-fraction 0.3";
        const auto trained = [&](const std::string& arguments) {
            json report = run_json(cli, arguments);
            report.erase("seconds");
            report.erase("model");
            return report;
        };
        const std::string whole = " --model classifier --window 8 --units 4 --stride 2 --seed 1"
                                  " --patience 0 --network bidirectional-lstm";
        const json uninterrupted =
            trained("train whole train.csv --epochs 5 --validation-fraction 0.3" + whole);
        REQUIRE(cli("train part train.csv --epochs 2" + checkpoint + whole).code == 0);
        const json resumed =
            trained("train part train.csv --epochs 5 --resume" + checkpoint + whole);
        CHECK(resumed == uninterrupted);
        CHECK(resumed.at("epochs") == 5);
        CHECK(cli.read("part") == cli.read("whole"));
        const auto refuses = [&](const std::string& arguments, const std::string& part) {
            const outcome run = cli(arguments);
            INFO(arguments << ": " << run.err);
            CHECK(run.code == 3);
            CHECK(run.err.find(part) != std::string::npos);
        };
        const std::string again = " --epochs 6 --resume" + checkpoint + whole;
        refuses("train part other.csv" + again, "training data was '2 x 280, ");
        refuses("train part train.csv --balanced" + again, "balanced was 'off', is 'windows'");
        refuses("train part train.csv --calendar hour" + again, "calendar was '', is '0 '");
        refuses("train part train.csv --label-rule last-row" + again, "label rule was '0', is '1'");
        refuses("train part train.csv --label-gap 3" + again, "label gap was '0', is '3'");
        CHECK(cli("train part train.csv --epochs 6 --resume --checkpoint none" + whole).code == 4);
    }

    TEST_CASE("classifier: the calendar is read in every phase") {
        const program cli;
        // Anomalies can only be recognised by the hour: the sensor is the same at all hours.
        const auto hours = [](int count, bool timed) {
            std::string text = timed ? "when,flow,label\n" : "flow,label\n";
            for (int t = 0; t < count; ++t) {
                char line[80];
                std::snprintf(line, sizeof line, "2024-03-%02d %02d:00:00,", 1 + t / 24, t % 24);
                const bool night = t % 24 >= 2 && t % 24 < 5;
                text +=
                    (timed ? line : "") + std::to_string(t * 7 % 11) + (night ? ",1\n" : ",0\n");
            }
            return text;
        };
        cli.write("train.csv", hours(600, true));
        cli.write("untimed.csv", hours(600, false));
        const std::string training = " --model classifier --window 2 --units 4 --epochs 20 --seed 1"
                                     " --learning-rate 0.01 --network lstm";
        const json trained = run_json(cli, "train m train.csv --calendar hour,weekday" + training);
        CHECK(trained.at("features") == json({"flow"}));
        const json detected = run_json(cli, "detect m train.csv");
        CHECK(detected.at("metrics").at("step").at("auc").get<double>() > 0.9);
        run_json(cli, "train blind train.csv" + training);
        CHECK(run_json(cli, "detect blind train.csv").at("metrics").at("step").at("auc") < 0.8);
        const auto streamed = lines_of(cli("stream m", hours(600, true)).out);
        REQUIRE(streamed.size() == 600);
        for (std::size_t k = 1; k < streamed.size(); ++k) {
            CHECK(streamed[k].at("score") == detected.at("verdicts").at(k).at("score"));
        }
        for (const std::string& arguments : {"train n untimed.csv --calendar hour" + training,
                                             std::string{"detect m untimed.csv"}}) {
            const outcome run = cli(arguments);
            INFO(arguments << ": " << run.err);
            CHECK(run.code == 3);
            CHECK(run.err.find("reads the calendar") != std::string::npos);
        }
        CHECK(cli("stream m", hours(9, false)).code == 3);
        CHECK(cli("train n train.csv --calendar hour,hour" + training).code == 2);
        CHECK(cli("train n train.csv --calendar year" + training).err.find("weekday") !=
              std::string::npos);
    }

    TEST_CASE("classifier: validation windows of one kind are refused before training") {
        const program cli;
        const auto rows = [](int count, int from, int to) {
            std::string text = "a,label\n";
            for (int t = 0; t < count; ++t) {
                const bool event = t >= from && t < to;
                text += std::to_string((event ? 9 : 2) + t % 3) + (event ? ",1\n" : ",0\n");
            }
            return text;
        };
        cli.write("train.csv", rows(300, 100, 200));
        cli.write("short.csv", rows(12, 5, 9)); // each of its five windows holds an anomalous row
        cli.write("normal.csv", rows(60, 0, 0));
        cli.write("end.csv", rows(300, 100, 160));
        const auto refuses = [&](const std::string& arguments, const std::string& part) {
            const outcome run = cli("train m train.csv" + small + arguments);
            INFO(arguments << ": " << run.err);
            CHECK(run.code == 3);
            CHECK(run.err.find(part) != std::string::npos);
            CHECK(run.err.find("epoch") == std::string::npos);
        };
        refuses(
            " --validation short.csv",
            "short.csv: 5 of the 5 validation windows with a score are anomalous; the threshold");
        refuses(" --validation normal.csv", "normal.csv: 0 of the 60 validation rows are labelled");
        const outcome last = cli("train m end.csv --validation-fraction 0.2" + small);
        CHECK(last.err.find("end.csv: 0 of the 60 validation rows are") != std::string::npos);
        // Rows without a value have no score, and the last row decides here.
        std::string empty = rows(30, 0, 0);
        for (int t = 0; t < 5; ++t) {
            empty += "NA,1\n2,0\n";
        }
        cli.write("empty.csv", empty);
        refuses(" --label-rule last-row --validation empty.csv",
                "empty.csv: 0 of the 28 validation windows with a score are anomalous");
        // By the last row alone there are both kinds.
        CHECK(cli("train m train.csv --validation short.csv --label-rule last-row" + small).code ==
              0);
    }

    TEST_CASE("classifier: wrong data and options are refused by name") {
        const program cli;
        cli.write("train.csv", recording(200));
        cli.write("plain.csv", recording(200, false));
        const auto refuses = [&](const std::string& arguments, const std::string& part) {
            const outcome run = cli(arguments);
            INFO(arguments << ": " << run.err);
            CHECK(run.code != 0);
            CHECK(run.err.find(part) != std::string::npos);
        };
        refuses("train m plain.csv" + small, "column of labels");
        refuses("train m train.csv --head 4" + small,
                "--head has no meaning for --model classifier");
        refuses("train m train.csv --units 4", "--units belongs to --model classifier");
        refuses("train m train.csv --label-gap 4", "--label-gap belongs to --model classifier");
        refuses("train m train.csv --label-rule first" + small, "--label-rule");
        REQUIRE(cli("train m train.csv" + small).code == 0);
        refuses("fit-errors m train.csv", "is a classifier");
        refuses("detect m train.csv --stride 5", "without --stride");
        refuses("detect m train.csv --adapt", "does not adapt");
        refuses("detect m train.csv --learn 100", "--learn: m is a classifier");
        std::string broken = cli.read("m");
        broken.resize(broken.size() - 9);
        cli.write("broken", broken);
        CHECK(cli("inspect broken").code != 0);
    }
}
