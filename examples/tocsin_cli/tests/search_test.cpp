#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include <algorithm>
#include <string>

namespace {

using nlohmann::json;

const std::string quick = " --window 20 --stride 5 --epochs 6 --trials 7 --hidden 2,8 --layers 1 "
                          "--batch-size 8,32 --dropout 0 --first-rung 2 --seed 3";

void generate(const program& cli, const std::string& name, int length = 600) {
    REQUIRE(cli("generate '" + name +
                "' --as csv --normal 1 --features 2 --frequency 0.5,0.5 --amplitude 1,2 "
                "--noise 0.2 --seed 7 --length " +
                std::to_string(length))
                .code == 0);
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("search: the printed command trains a model with the error that was found") {
        const program cli;
        generate(cli, "my data.csv");
        for (const std::string kind : {"forecaster", "encoder-decoder", "autoencoder"}) {
            const json found = run_json(cli, "search 'my data.csv' --model " + kind + quick);
            CHECK(found["trials"].size() == 7);
            CHECK(found["failed"] == 0);
            CHECK(found["best"].contains("learning-rate"));
            CHECK_FALSE(found["best"].contains("layers")); // it is fixed
            std::string line = found["train"];
            REQUIRE(line.find("tocsin_cli train MODEL 'my data.csv' --encoder ") == 0);
            line = line.substr(line.find("train"));
            line.replace(line.find("MODEL"), 5, 1, 'm'); // a string makes g++ 12 warn
            const json trained = run_json(cli, line);
            CHECK(trained["validation_rmse"] == found["validation_rmse"]);
            CHECK(cli("fit-errors m 'my data.csv'").code == 0);
        }
    }

    TEST_CASE("search: a journal continues the search, with the same result") {
        const program cli;
        generate(cli, "a.csv");
        const std::string command = "search a.csv --model forecaster --journal j.jsonl" + quick;
        const json whole = run_json(cli, command + " --parallel 2");
        const std::string journal = cli.read("j.jsonl");
        CHECK(std::count(journal.begin(), journal.end(), '\n') == 8);
        cli.write("j.jsonl", std::string_view(journal).substr(0, journal.size() / 2));
        const outcome again = cli(command + " --parallel 2 --json");
        REQUIRE(again.code == 0);
        CHECK(again.err.find("resuming after") != std::string::npos);
        CHECK(json::parse(again.out) == whole);

        const outcome other = cli(command + " --parallel 3");
        CHECK(other.code == 2);
        CHECK(other.err.find("trials at once was '2', is '3'") != std::string::npos);
        cli.write("a.csv", cli.read("a.csv") + "0.5,0.5\n");
        CHECK(cli(command + " --parallel 2").err.find("data was") != std::string::npos);
    }

    TEST_CASE("search: trials can be judged by inserted anomalies") {
        const program cli;
        generate(cli, "a.csv", 2000); // a hundred windows for the threshold
        const std::string command = "search a.csv --objective detection --alarms 100 "
                                    "--validation-fraction 0.6 --journal j.jsonl" +
                                    quick;
        const json found = run_json(cli, command + " --model encoder-decoder");
        CHECK(found["trials"].size() == 7);
        CHECK(found["failed"] == 0);
        CHECK(found["detection_error"] >= 0);
        CHECK(found["detection_error"] < 1); // one that flags nothing, or everything, has 1
        CHECK_FALSE(found.contains("validation_rmse"));
        CHECK(found["train"].get<std::string>().find("--objective") == std::string::npos);
        CHECK(run_json(cli, command + " --model encoder-decoder") == found); // from the journal
        const outcome other = cli("search a.csv --objective detection --alarms 7 "
                                  "--validation-fraction 0.6 --journal j.jsonl" +
                                  quick);
        CHECK(other.code == 2);
        CHECK(other.err.find("detection at 100") != std::string::npos);
        CHECK(cli("search a.csv --alarms 7" + quick).code == 2);
    }

    TEST_CASE("search: wrong ranges are refused before anything is read") {
        const program cli;
        const auto message = [&](const std::string& options) {
            const outcome run = cli("search missing.csv " + options);
            CHECK(run.code == 2);
            return run.err;
        };
        CHECK(message("--hidden 0,8").find("--hidden 0,8: must be positive") != std::string::npos);
        CHECK(message("--hidden 2.5,8").find("whole numbers") != std::string::npos);
        CHECK(message("--learning-rate 0,1").find("--learning-rate 0,1") != std::string::npos);
        CHECK(message("--dropout 0,1").find("at most 0.99") != std::string::npos);
        CHECK(message("--learning-rate 3,1").find("LOW <= HIGH") != std::string::npos);
        CHECK(message("--hidden 8 --layers 1 --learning-rate 0.01 --batch-size 8 --dropout 0")
                  .find("nothing to search") != std::string::npos);
        CHECK(message("--trials 0").find("--trials") != std::string::npos);
    }
}
