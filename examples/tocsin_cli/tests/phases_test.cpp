#include "tocsin/detect/detector.hpp"
#include "tocsin/io/delimited_sequences.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

const std::string process = " --features 3 --length 16 --anomalous-steps 6 --seed 7";
const std::string small = " --encoder 6 --epochs 6 --learning-rate 0.01";

/// Files of one process: training, validation, labelled tuning, labelled test.
void generate_sequences(const program& cli) {
    for (const std::string arguments :
         {"train.txt --normal 60 --sequence-seed 1", "validation.txt --normal 40 --sequence-seed 2",
          "tuning.txt --normal 30 --anomalous 10 --sequence-seed 3",
          "test.txt --normal 30 --anomalous 10 --sequence-seed 4"}) {
        CHECK(cli("generate " + arguments + process).code == 0);
    }
}
/// Rows: normal ones to train on, others with labels.
void generate_rows(const program& cli) {
    const std::string rows = " --as csv --features 3 --seed 7";
    CHECK(cli("generate rows.csv --normal 1 --length 120" + rows).code == 0);
    CHECK(cli("generate wrong.csv --normal 0 --anomalous 1 --length 60 --anomalous-steps 20" + rows)
              .code == 0);
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("phases: each in its own process, from the file of the previous phase") {
        const program cli;
        generate_sequences(cli);
        const json trained =
            run_json(cli, "train m.safetensors train.txt --validation validation.txt" + small);
        CHECK(trained["epochs"] == 6);
        CHECK(trained["window"] == 16);
        CHECK(trained["training_windows"] == 60);
        CHECK(trained["validation_windows"] == 40);
        CHECK(trained["history"].size() == 6);
        CHECK(run_json(cli, "inspect m.safetensors")["phase"] == "trained");

        CHECK(
            run_json(cli,
                     "fit-errors m.safetensors validation.txt -o fitted.safetensors")["windows"] ==
            40);
        CHECK(run_json(cli, "inspect m.safetensors")["phase"] == "trained"); // not in place
        CHECK(run_json(cli, "inspect fitted.safetensors")["phase"] == "errors_fitted");

        const json tuned = run_json(cli, "tune fitted.safetensors tuning.txt");
        CHECK(tuned["rule"] == "f-beta");
        CHECK(tuned["metrics"]["step"]["f1"] > 0.9);
        const json inspected = run_json(cli, "inspect fitted.safetensors");
        CHECK(inspected["phase"] == "tuned");
        CHECK(inspected["model"] == "encoder_decoder");
        CHECK(inspected["encoder"] == json{6});
        CHECK(inspected["step_threshold"] == tuned["step_threshold"]);

        const json found = run_json(cli, "detect fitted.safetensors test.txt");
        CHECK(found["verdicts"].size() == 40);
        CHECK(found["metrics"]["step"]["f1"] > 0.8);
        CHECK(found["metrics"]["step"]["tp"].get<int>() +
                  found["metrics"]["step"]["fn"].get<int>() ==
              10);
        int flagged = 0;
        for (const json& verdict : found["verdicts"]) {
            const bool above = verdict["step_score"] > found["step_threshold"];
            CHECK(verdict["flagged_by_step"] == above);
            CHECK(verdict["verdict"] == (above ? "anomaly" : "normal"));
            flagged += above ? 1 : 0;
        }
        CHECK(found["counts"]["anomaly"] == flagged);
    }

    TEST_CASE("model file: a program with the policies compiled in loads it, scores are the same") {
        const program cli;
        generate_sequences(cli);
        run_json(cli, "train m train.txt" + small);
        run_json(cli, "fit-errors m validation.txt");
        run_json(cli, "tune m tuning.txt --beta 0.5");
        const json found = run_json(cli, "detect m test.txt");
        using detector =
            tocsin::detector<tocsin::encoder_decoder<float>, tocsin::standard_scaler<float>,
                             tocsin::mahalanobis<>, tocsin::f_beta_threshold>;
        auto loaded = tocsin::load_detector<detector>(cli.path("m"));
        REQUIRE_MESSAGE(loaded, loaded.error().message());
        const auto test = tocsin::read_sequences<float>(cli.path("test.txt"));
        REQUIRE(test);
        CHECK(loaded->threshold() == found["step_threshold"]);
        auto workspace = loaded->make_workspace();
        for (tocsin::index_t k = 0; k < test->count(); ++k) {
            const auto verdict = loaded->score(test->sequence(k), workspace);
            const auto& line = found["verdicts"][static_cast<std::size_t>(k)];
            // Bits may differ: another translation unit, perhaps other compiler options.
            CHECK(verdict.step_score == doctest::Approx(line["step_score"].get<double>()));
        }
        // In reverse: the command line reads what that program saves.
        REQUIRE(tocsin::save_detector(*loaded, cli.path("back")).ok());
        json again = run_json(cli, "detect back test.txt");
        again["model"] = "m";
        CHECK(again == found);
    }

    TEST_CASE("seed: the same gives the same model file, byte for byte; another does not") {
        const program cli;
        generate_sequences(cli);
        for (const std::string arguments :
             {"a train.txt --seed 3", "b train.txt --seed 3", "c train.txt --seed 4"}) {
            CHECK(cli("train " + arguments + small + " --dropout 0.2").code == 0);
        }
        CHECK_FALSE(cli.read("a").empty());
        CHECK(cli.read("a") == cli.read("b"));
        CHECK(cli.read("a") != cli.read("c"));
    }

    TEST_CASE("resume: gives the file of uninterrupted training, byte for byte") {
        const program cli;
        generate_sequences(cli);
        const std::string options = " train.txt --validation validation.txt --encoder 5,4 "
                                    "--dropout 0.1 --amsgrad --weight-decay 0.01 --loss l1 "
                                    "--schedule step --decay-every 2 --patience 0";
        CHECK(cli("train whole" + options + " --epochs 6").code == 0);
        CHECK(cli("train part" + options + " --epochs 4 --checkpoint state").code == 0);
        const json checkpoint = run_json(cli, "inspect state");
        CHECK(checkpoint["content"] == "checkpoint");
        CHECK(checkpoint["epochs"] == 4);
        CHECK(cli.read("part") != cli.read("whole"));
        CHECK(cli("train part" + options + " --epochs 6 --checkpoint state --resume").code == 0);
        CHECK(run_json(cli, "inspect state")["epochs"] == 6);
        CHECK_FALSE(cli.read("whole").empty());
        CHECK(cli.read("part") == cli.read("whole"));
    }

    TEST_CASE("stream: verdicts are those of detect, with a header or without") {
        const program cli;
        generate_rows(cli);
        const std::string model = "m rows.csv --window 10 --validation-fraction 0.3";
        CHECK(run_json(cli, "train " + model + small)["features"] ==
              json({"feature0", "feature1", "feature2"}));
        run_json(cli, "fit-errors m rows.csv");
        CHECK(run_json(cli, "tune m rows.csv --quantile 0.99 --factor 1.5")["rule"] == "quantile");
        CHECK(run_json(cli, "inspect m")["scored"] == "newest");

        const json found = run_json(cli, "detect m wrong.csv --labels none --ignore label");
        const std::string rows = cli.read("wrong.csv");
        const outcome with_header = cli("stream m", rows);
        CHECK(with_header.code == 0);
        const auto streamed = lines_of(with_header.out);
        REQUIRE(streamed.size() == 60);
        REQUIRE(found["verdicts"].size() == 60);
        for (std::size_t t = 0; t < streamed.size(); ++t) {
            CHECK(streamed[t] == found["verdicts"][t]);
        }
        CHECK(streamed[8]["verdict"] == "warming_up");
        CHECK(streamed[9].contains("score"));
        CHECK(found["counts"]["warming_up"] == 9);
        CHECK(found["counts"]["anomaly"] > 10); // of 20 rows with large amplitudes

        std::string numbers;
        std::istringstream lines{rows.substr(rows.find('\n') + 1)};
        for (std::string line; std::getline(lines, line);) {
            numbers += line.substr(0, line.rfind(',')) + "\r\n\n"; // no label
        }
        CHECK(cli("stream m", numbers).out == with_header.out);

        // Columns are found by their names in any order; a timestamp is passed on.
        const auto other =
            lines_of(cli("stream m", "feature2;time;feature0;spare;feature1\n3;noon;1;x;2\n").out);
        REQUIRE(other.size() == 1);
        CHECK(other[0]["timestamp"] == "noon");
        CHECK(other[0]["verdict"] == "warming_up");
    }

    TEST_CASE("stream: malformed lines are reported, the stream continues") {
        const program cli;
        generate_rows(cli);
        CHECK(cli("train m rows.csv --window 5" + small).code == 0);
        CHECK(cli("fit-errors m rows.csv").code == 0);
        CHECK(cli("tune m --step-threshold 20 --feature-threshold 50").code == 0);
        const outcome run = cli("stream m", "1,2,3\n1,2\n1,two,3\n1,nan,3\nnan,nan,nan\n2,3,4\n");
        CHECK(run.code == 0);
        const auto lines = lines_of(run.out);
        REQUIRE(lines.size() == 6);
        CHECK(lines[0]["verdict"] == "warming_up");
        CHECK(lines[1]["verdict"] == "malformed_line");
        CHECK(lines[1]["error"].get<std::string>().find("has 2 cells") != std::string::npos);
        CHECK(lines[2]["error"].get<std::string>().find("two") != std::string::npos);
        CHECK(lines[3]["verdict"] == "warming_up");
        CHECK(lines[3]["missing"] == 1);
        CHECK(lines[3]["reason"] == "too few samples since the stream started");
        CHECK(lines[4]["verdict"] == "invalid_sample");
        CHECK(lines[4]["missing"] == 3);
        CHECK(lines[4]["reason"] == "values that the score needs are missing");
        CHECK(lines[5]["verdict"] == "warming_up");
        CHECK_FALSE(lines[5].contains("missing"));
        const outcome strict = cli("stream m --strict", "1,2,3\n1,2\n1,2,3\n");
        CHECK(strict.code == 3);
        CHECK(lines_of(strict.out).size() == 1);
        CHECK(strict.err.find("standard input:2:") != std::string::npos);
        // The same for the first line: the next good one says what the columns are.
        for (const char* first : {"2,3", "2x0,1,3", "1,2,3,4,5", "2,3\n2x0,1,3"}) {
            CAPTURE(first);
            for (const char* next : {"1,2,3\n", "feature2,feature0,feature1\n3,1,2\n"}) {
                const outcome later = cli("stream m", std::string{first} + '\n' + next);
                CHECK(later.code == 0);
                CHECK(later.err.empty());
                const auto found = lines_of(later.out);
                REQUIRE(found.size() >= 2);
                CHECK(found.front()["row"] == 1);
                CHECK(found.front()["verdict"] == "malformed_line");
                CHECK(found.back()["row"] == found.size());
                CHECK(found.back()["verdict"] == "warming_up");
            }
            CHECK(cli("stream m --strict", std::string{first} + "\n1,2,3\n").code == 3);
        }
        CHECK(lines_of(cli("stream m", "2x0,1,3\n").out)[0]["error"].get<std::string>().find(
                  "2x0") != std::string::npos);
        CHECK(cli("stream m", "2x0,1,3\n").code == 3); // no line says what the columns are
    }

    TEST_CASE("missing values: the other sensors are judged; a lost one is an alarm") {
        const program cli;
        generate_rows(cli);
        CHECK(cli("train m rows.csv --window 5 --validation-fraction 0.3" + small).code == 0);
        CHECK(cli("fit-errors m rows.csv").code == 0);
        CHECK(cli("tune m rows.csv --quantile 1 --factor 2").code == 0);
        // The first sensor never comes back; the second is far off for one row.
        std::istringstream rows{cli.read("rows.csv")};
        std::string line;
        std::getline(rows, line);
        std::string dead = line + '\n';
        for (int row = 1; std::getline(rows, line); ++row) {
            if (row >= 20) {
                line = "nan" + line.substr(line.find(','));
            }
            if (row == 40) {
                line = "nan,9" + line.substr(line.find(',', line.find(',') + 1));
            }
            dead += line + '\n';
        }
        const auto judged = lines_of(cli("stream m --suppress 0", dead).out);
        REQUIRE(judged.size() == 120);
        for (std::size_t k = 0; k < judged.size(); ++k) {
            CAPTURE(k);
            CHECK(judged[k].contains("score") == (k >= 4));
            CHECK(judged[k].contains("missing") == (k >= 19));
            CHECK(judged[k].contains("lost") == (k >= 19 + 49));
            CHECK((k < 19 || judged[k]["shares"]["feature0"] == 0));
        }
        CHECK(judged[39]["verdict"] == "anomaly");
        CHECK(judged[39]["shares"]["feature1"] > 0.5);
        CHECK(judged[67]["alarm"] == false);
        CHECK(judged[68]["verdict"] == "sensor_lost");
        CHECK(judged[68]["alarm"] == true);
        CHECK(judged[119]["alarm"] == true);
        cli.write("dead.csv", dead);
        const json found = run_json(cli, "detect m dead.csv");
        CHECK(found["counts"]["sensor_lost"] == 120 - 68);
        CHECK(cli("detect m dead.csv --output v").out.find("52 with a lost sensor") !=
              std::string::npos);
    }

    TEST_CASE("detect: windows of rows, tables, an output file") {
        const program cli;
        generate_rows(cli);
        CHECK(cli("train m rows.csv --window 10 --model autoencoder --encoder 6,4 --epochs 2 "
                  "--scaler robust --head 5")
                  .code == 0);
        CHECK(cli("fit-errors m rows.csv").code == 0);
        CHECK(cli("tune m rows.csv --rule sigma --sigmas 4").code == 0);
        const json inspected = run_json(cli, "inspect m");
        CHECK(inspected["model"] == "autoencoder");
        CHECK(inspected["decoder"] == json({4, 6}));
        CHECK(inspected["scaler"] == "robust");
        CHECK(inspected["rule"] == "sigma");
        const json windows = run_json(cli, "detect m wrong.csv --stride 10 --view any");
        CHECK(windows["verdicts"].size() == 6);
        CHECK(windows["verdicts"][1]["first_row"] == 11);
        const outcome table = cli("detect m wrong.csv --table csv -o verdicts.csv");
        CHECK(table.code == 0);
        CHECK(table.out.find("60 rows") != std::string::npos);
        const std::string csv = cli.read("verdicts.csv");
        CHECK(csv.starts_with("row,verdict,score,threshold,largest_share,label\n1,warming_up,,"));
        CHECK(std::count(csv.begin(), csv.end(), '\n') == 61);
        const outcome quiet = cli("detect m wrong.csv --table csv --quiet");
        CHECK(quiet.out == csv);
        CHECK(quiet.err.empty());
    }

    TEST_CASE("train: a forecaster goes through all phases") {
        const program cli;
        generate_rows(cli);
        CHECK(cli("train m rows.csv --window 10 --model forecaster --encoder 6,4 --epochs 2 "
                  "--look-ahead 2 --targets 2")
                  .code == 0);
        CHECK(cli("fit-errors m rows.csv").code == 0);
        CHECK(cli("tune m rows.csv").code == 0);
        const json inspected = run_json(cli, "inspect m");
        CHECK(inspected["model"] == "forecaster");
        CHECK(inspected["layers"] == json({6, 4}));
        CHECK(inspected["targets"] == 2);
        CHECK(inspected["look_ahead"] == 2);
        CHECK(cli("tune m rows.csv --rule peaks-over-threshold --false-alarm-rate 0.005").code ==
              3);
        CHECK(run_json(cli, "detect m wrong.csv")["verdicts"].size() == 60);
    }

    TEST_CASE("train: a linear model goes through all phases") {
        const program cli;
        generate_rows(cli);
        const json trained =
            run_json(cli, "train m rows.csv --model linear --targets 2 --validation-fraction 0.3");
        CHECK(trained["kind"] == "linear_forecaster");
        CHECK(trained["window"] == 11);
        CHECK(trained["parameters"] == 2 * (3 * 10 + 1));
        CHECK(trained["ridge"] > 0);
        CHECK(trained["history"].size() == 1);
        CHECK(trained["validation_rmse"] < 0.8); // in standard deviations
        CHECK(cli("fit-errors m rows.csv").code == 0);
        CHECK(cli("tune m rows.csv").code == 0);
        const json inspected = run_json(cli, "inspect m");
        CHECK(inspected["model"] == "linear_forecaster");
        CHECK(inspected["order"] == 10);
        CHECK(inspected["targets"] == 2);
        CHECK(inspected["phase"] == "tuned");
        const json found = run_json(cli, "detect m wrong.csv --report r.html");
        CHECK(found["verdicts"].size() == 60);
        CHECK(cli.read("r.html").find("linear_forecaster") != std::string::npos);
        // A stream gives the verdicts of 'detect'.
        const auto judged = lines_of(cli("stream m", cli.read("wrong.csv")).out);
        REQUIRE(judged.size() == 60);
        for (std::size_t k = 0; k < judged.size(); ++k) {
            CAPTURE(k);
            CHECK(judged[k]["verdict"] == found["verdicts"][k]["verdict"]);
            CHECK(judged[k].contains("score") == (k >= 10));
        }
        // The same data gives the same bytes; another ridge does not.
        run_json(cli, "train a rows.csv --model linear --order 4 --ridge 0.01");
        run_json(cli, "train b rows.csv --model linear --order 4 --ridge 0.01");
        run_json(cli, "train c rows.csv --model linear --order 4 --ridge 0.1");
        CHECK(cli.read("a") == cli.read("b"));
        CHECK(cli.read("a") != cli.read("c"));
        CHECK(run_json(cli, "inspect a")["window"] == 5);
        // Sequences: as many samples as they have before the last one.
        CHECK(cli("generate brief.txt --normal 60 --length 8").code == 0);
        run_json(cli, "train s brief.txt --model linear --validation-fraction 0.3");
        CHECK(run_json(cli, "inspect s")["order"] == 7);
        CHECK(cli("fit-errors s brief.txt").code == 0);
        CHECK(cli("tune s brief.txt").code == 0);
    }

    TEST_CASE("tune: manual thresholds, one of them from data") {
        const program cli;
        generate_sequences(cli);
        run_json(cli, "train m train.txt" + small);
        run_json(cli, "fit-errors m validation.txt");
        const json one = run_json(cli, "tune m validation.txt --step-threshold 12.5");
        CHECK(one["step_threshold"] == 12.5);
        CHECK(one["rule"] == "quantile");
        CHECK(one["feature_threshold"] > 0);
        const json both = run_json(cli, "tune m --step-threshold 1 --feature-threshold 2");
        CHECK(both["rule"] == "manual");
        CHECK(both["feature_threshold"] == 2);
        // Tuning from data again replaces them.
        CHECK(run_json(cli, "tune m validation.txt")["feature_threshold"] ==
              one["feature_threshold"]);
        // New statistics invalidate old thresholds.
        run_json(cli, "fit-errors m tuning.txt");
        CHECK(run_json(cli, "inspect m")["phase"] == "errors_fitted");
    }

    TEST_CASE("generate: the same seed gives the same file; fake anomalies keep the shape") {
        const program cli;
        const std::string phase = " --kind phase --random-phase --frequency-variation 0.9,1.1";
        CHECK(cli("generate a --normal 5 --anomalous 5" + process + phase).code == 0);
        CHECK(cli("generate b --normal 5 --anomalous 5" + process + phase).code == 0);
        CHECK(cli.read("a") == cli.read("b"));
        CHECK(cli("generate n --normal 8" + process).code == 0);
        for (const std::string kind :
             {"mixed", "jitter", "scaling", "rotation", "permutation", "magnitude-warp"}) {
            const json fakes =
                run_json(cli, "generate f --from n --with-normal --augmentation " + kind);
            CHECK(fakes["sequences"] == 16);
            CHECK(fakes["anomalous"] == 8);
            const auto read = tocsin::read_sequences<float>(cli.path("f"));
            REQUIRE(read);
            CHECK(read->features() == 3);
            CHECK(read->length == 16);
            CHECK(read->values.leftCols(8 * 16) != read->values.rightCols(8 * 16));
        }
        CHECK(cli("generate rows.csv --as csv --normal 1 --length 40").code == 0);
        CHECK(cli("generate timed.csv --as csv --normal 1 --length 61 --features 1 --every 86400")
                  .code == 0);
        const std::string timed = cli.read("timed.csv");
        CHECK(timed.find("timestamp,feature0\n2024-01-01 00:00:00,") == 0);
        CHECK(timed.find("\n2024-02-29 00:00:00,") != std::string::npos);
        CHECK(timed.find("\n2024-03-01 00:00:00,") != std::string::npos);
        CHECK(cli("generate timed.txt --normal 1 --every 60").code == 2);
        CHECK(run_json(cli, "generate f --from rows.csv --window 10 --stride 5")["sequences"] == 7);
    }

    TEST_CASE("labels: anomalous training data are left out, with a message") {
        const program cli;
        generate_sequences(cli);
        const outcome run = cli("train m tuning.txt --json" + small);
        CHECK(run.code == 0);
        CHECK(json::parse(run.out)["training_windows"] == 30);
        CHECK(run.err.find("10 of 40 windows are labelled anomalous") != std::string::npos);
    }

    TEST_CASE("progress: no bar without a terminal, a line per epoch with --log") {
        const program cli;
        generate_sequences(cli);
        CHECK(cli("train m train.txt" + small).err.empty());
        CHECK(cli("train m train.txt --quiet" + small).out.empty());
        const std::string log = cli("train m train.txt --log" + small).err;
        CHECK(std::count(log.begin(), log.end(), '\n') == 6);
        CHECK(log.find("epoch=6 ") != std::string::npos);
    }
}
