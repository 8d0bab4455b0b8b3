#include <doctest/doctest.h>

#include "program.hpp"
#include <algorithm>
#include <string>

namespace {

/// A tuned model `m` of rows of two features.
void prepare(const program& cli, const std::string& options) {
    const std::string rows = " --as csv --features 2 --noise 0.2 --seed 7";
    CHECK(cli("generate rows.csv --normal 1 --length 800" + rows).code == 0);
    CHECK(cli("generate errors.csv --normal 1 --length 800 --sequence-seed 3" + rows).code == 0);
    CHECK(cli("train m rows.csv --window 8 --epochs 3 --learning-rate 0.01 --quiet --force " +
              options)
              .code == 0);
    CHECK(cli("fit-errors m errors.csv").code == 0);
    CHECK(cli("tune m rows.csv --rule quantile").code == 0);
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("export: writes a header and reports its size") {
        const program cli;
        for (const char* options : {"--model forecaster --encoder 6", "--encoder 6"}) {
            CAPTURE(options);
            prepare(cli, options);
            const auto found = run_json(cli, "export m --firmware pump.hpp --report --units bar,K "
                                             "--calibration rows.csv");
            CHECK(found["name"] == "pump");
            CHECK(found["flash_of_weights"] > 6 * 4 * 4 * 9);
            CHECK(found["flash_of_self_test"] == 4 * 3 * (7 + 24));
            CHECK(found["ram"] > 0);
            CHECK(found["multiply_adds"] > 7 * 4 * 6 * 8);
            CHECK(found["stack_of_missing"] == 4 * 2 * 3); // two errors
            CHECK(found["calibration"]["rows"] == 800);
            CHECK(found["calibration"]["compared"] == 793);
            CHECK(found["calibration"]["different"] == 0);
            const std::string header = cli.read("pump.hpp");
            CHECK(header.find("namespace pump") != std::string::npos);
            CHECK(header.find("\"bar\"") != std::string::npos);
            const auto small =
                run_json(cli, "export m --firmware pump.hpp --format int16 --m-of-n 2,3 "
                              "--suppress 9 --hysteresis 0.5 --calibration rows.csv");
            const int different = small["calibration"]["different"];
            CHECK(different <= 1); // a score almost at the threshold
            CHECK(small["calibration"]["warnings"].size() == (different > 0 ? 1 : 0));
            CHECK(small["alarm_control"].size() == 2);
            CHECK(small["ram"] < found["ram"]); // flash has the table of tanh, too
            const std::string other = cli.read("pump.hpp");
            CHECK(other.find("m_of_n<2, 3>") != std::string::npos);
            CHECK(other.find("suppression<9U>") != std::string::npos);
            const auto nearest = run_json(cli, "export m --firmware pump.hpp --format int8");
            const std::string before = cli.read("pump.hpp");
            const auto rounded =
                run_json(cli, "export m --firmware pump.hpp --format int8 --calibration rows.csv");
            CHECK(rounded["flash_of_weights"] == nearest["flash_of_weights"]);
            CHECK(rounded["calibration"]["different"] <= 3);
            const int changed = rounded["calibration"]["different"];
            const int alarms = rounded["calibration"]["alarms"];
            CHECK(rounded["calibration"]["warnings"].empty() == (changed <= alarms / 100));
            CHECK(cli.read("pump.hpp") != before);
            // Few rows are compared where many miss a value.
            std::string rows = cli.read("rows.csv");
            const std::size_t first_line = rows.find('\n') + 1;
            for (std::size_t at = rows.find('\n', first_line), line = 1; at != std::string::npos;
                 at = rows.find('\n', at + 1), ++line) {
                if (line % 10 == 0) {
                    rows.erase(rows.rfind(',', at) + 1, at - rows.rfind(',', at) - 1);
                    at = rows.find('\n', rows.rfind(',', at));
                }
            }
            cli.write("holes.csv", rows);
            const auto holes = run_json(cli, "export m --format int16 --calibration holes.csv");
            CHECK(holes["calibration"]["rows"] == 800);
            CHECK(holes["calibration"]["compared"] < 400);
            REQUIRE(holes["calibration"]["warnings"].size() >= 1);
            CHECK(holes["calibration"]["warnings"][0].get<std::string>().find("of 800 rows") !=
                  std::string::npos);
        }
    }

    TEST_CASE("export: a linear model, in float") {
        const program cli;
        const std::string rows = " --as csv --normal 1 --length 600 --features 2 --noise 0.2";
        CHECK(cli("generate rows.csv" + rows).code == 0);
        CHECK(cli("train m rows.csv --model linear --order 5").code == 0);
        CHECK(cli("fit-errors m rows.csv").code == 0);
        CHECK(cli("tune m rows.csv --rule quantile --quantile 0.9").code == 0);
        const auto found =
            run_json(cli, "export m --firmware pump.hpp --report --calibration rows.csv");
        CHECK(found["multiply_adds"] == 2 * 2 * 5);
        CHECK(found["calibration"]["compared"] == 595); // with a whole window
        CHECK(found["calibration"]["alarms"] > 20);
        CHECK(found["calibration"]["different"] == 0);
        CHECK(cli.read("pump.hpp").find("float_feed_forward_stream") != std::string::npos);
        const outcome run = cli("export m --firmware small.hpp --format int16");
        CHECK(run.code == 2);
        CHECK_MESSAGE(run.err.find("need samples of the calibration") != std::string::npos,
                      run.err);
        CHECK(cli.read("small.hpp").empty());
        const auto small =
            run_json(cli, "export m --firmware small.hpp --format int16 --calibration rows.csv");
        CHECK(small["calibration"]["different"] == 0);
        CHECK(cli.read("small.hpp").find("fixed_feed_forward_stream") != std::string::npos);
    }

    TEST_CASE("export: a threshold that learns on the target") {
        const program cli;
        prepare(cli, "--model forecaster --encoder 6");
        const auto refused = [&](const std::string& arguments, const std::string& reason) {
            const outcome run = cli("export m --firmware a.hpp " + arguments);
            CHECK(run.code != 0);
            CHECK_MESSAGE(run.err.find(reason) != std::string::npos, run.err);
        };
        refused("--adapt", "a threshold by 'quantile_threshold' cannot learn on a target");
        CHECK(cli("tune m rows.csv --rule peaks-over-threshold-by-moments").code == 0);
        CHECK(run_json(cli, "inspect m")["rule"] == "peaks-over-threshold-by-moments");
        refused("--peaks 32", "--adapt");
        refused("--adapt --peaks 19", "19 must be from 20");
        refused("--adapt --format int8", "in float only");
        refused("--adapt --hysteresis 0.5", "of a threshold that learns");
        CHECK(!std::filesystem::exists(cli.path("a.hpp")));

        const auto constant = run_json(cli, "export m --firmware constant.hpp");
        CHECK(!constant.contains("adapts"));
        CHECK(cli.read("constant.hpp").find("peak_capacity") == std::string::npos);
        const auto adapting = run_json(cli, "export m --firmware pump.hpp --adapt --peaks 32");
        CHECK(adapting["adapts"] == true);
        CHECK(adapting["ram"] >= constant["ram"].get<int>() + 32 * 8);
        CHECK(cli.read("pump.hpp").find("int peak_capacity = 32;") != std::string::npos);
        const auto all = run_json(cli, "export m --firmware pump.hpp --adapt");
        CHECK(all["ram"] >= constant["ram"].get<int>() + 2000 * 8);
    }

    TEST_CASE("export: refuses what firmware cannot express, and leaves no file") {
        const program cli;
        prepare(cli, "--model forecaster --encoder 6");
        const auto refused = [&](const std::string& arguments, const std::string& reason) {
            const outcome run = cli("export m " + arguments);
            CHECK(run.code != 0);
            CHECK_MESSAGE(run.err.find(reason) != std::string::npos, run.err);
        };
        refused("", "nothing to do");
        refused("--firmware 1st.hpp", "--name");
        refused("--firmware a.hpp --format int16 --fused", "fused");
        CHECK(cli("export m --firmware fused.hpp --fused").code == 0);
        CHECK(cli.read("fused.hpp").find("fused_arithmetic") != std::string::npos);
        refused("--firmware a.hpp --format int4", "'int4'");
        refused("--firmware a.hpp --hysteresis 1.5", "1.5");
        refused("--firmware a.hpp --units bar", "1 units for 2 features");
        refused("--firmware no/folder/a.hpp", "export: no/folder/a.hpp: cannot create");
        refused("--firmware a.hpp --self-test 0", "0 must be from 1");
        for (const std::string name : {"NULL", "EOF", "EINVAL", "size_t", "tm", "INT_MAX"}) {
            refused("--firmware a.hpp --name " + name, "'" + name + "' is a name of the C library");
        }
        refused("--firmware time.hpp", "the name of time.hpp cannot be a namespace");
        refused("--firmware math.h --name pump", "<math.h>");
        CHECK(cli("tune m rows.csv --rule quantile --smooth 3").code == 0);
        refused("--firmware a.hpp", "--smooth 3");
        CHECK(cli("train m rows.csv --window 8 --epochs 1 --quiet --force").code == 0);
        CHECK(cli("export m --firmware a.hpp").code == 5);
        CHECK(!std::filesystem::exists(cli.path("a.hpp")));
    }
}
