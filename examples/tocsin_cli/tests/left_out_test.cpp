// What of a CSV is not learned from, and what a person is told of it.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>

namespace {

using nlohmann::json;

const std::string quick = " --window 4 --encoder 2 --epochs 1 --force";
const std::string linear = " --model linear --folds 0 --no-shifts --window 6";

std::string climate(int t) {
    char text[40];
    std::snprintf(text, sizeof text, "%.4f,%.4f", 20 + std::sin(0.5 * t), 50 + std::cos(0.3 * t));
    return text;
}
/// A row per minute, with what `line` says behind its time.
std::string table(const std::string& header, int count,
                  const std::function<std::string(int)>& line) {
    std::string text = header + '\n';
    for (int t = 0; t < count; ++t) {
        char time[40];
        std::snprintf(time, sizeof time, "2024-03-%02d %02d:%02d:00,", 1 + t / 1440, t / 60 % 24,
                      t % 60);
        text += time + line(t) + '\n';
    }
    return text;
}
bool has(const std::string& text, const std::string& piece) {
    return text.find(piece) != std::string::npos;
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("left out: labels, by the option that a refusal of them names") {
        const program cli;
        cli.write("three.csv", table("time,temp,hum,label", 60, [](int t) {
                      return climate(t) + ',' + (t == 9 ? "2" : t == 30 ? "3" : "0");
                  }));
        cli.write("plain.csv", table("time,temp,hum", 60, climate));
        const outcome refused = cli("train m three.csv" + quick);
        CHECK(refused.code == 3);
        CHECK(has(refused.err, "--labels none ignores the column"));
        const outcome without = cli("train m three.csv --labels none" + quick);
        INFO(without.out << without.err);
        CHECK(without.code == 0);
        CHECK(has(without.out, "features: 2 columns: temp, hum\n"));
        CHECK(has(without.out, "left out: 'label' (labels, which are not read)"));
        // Where not all files have them.
        cli.write("labelled.csv", table("time,temp,hum,label", 60,
                                        [](int t) { return climate(t) + (t == 9 ? ",1" : ",0"); }));
        for (const char* files : {"labelled.csv plain.csv", "plain.csv labelled.csv"}) {
            INFO(files);
            const std::string command = "train m " + std::string{files};
            CHECK(has(cli(command + quick).err, "--labels none ignores them in all files"));
            CHECK(cli(command + " --labels none" + quick).code == 0);
        }
    }

    TEST_CASE("left out: infinite cells count as missing, with a warning, in every phase") {
        const program cli;
        const std::string text = table("time,temp,hum", 300, [](int t) {
            return t == 40 || t == 41 ? "inf,50" : t == 90 ? "1e300,50" : climate(t);
        });
        cli.write("n.csv", text);
        const std::string told = "n.csv: column 'temp' has 3 values infinite or beyond single "
                                 "precision; such cells count as missing";
        for (const std::string& command :
             {"fit f n.csv" + linear, "train m n.csv" + quick, std::string{"fit-errors m n.csv"},
              std::string{"tune m n.csv --quantile 1"}, "train v n.csv --validation n.csv" + quick,
              "search n.csv --trials 1 --epochs 1 --window 4" + std::string{}}) {
            const outcome run = cli(command);
            INFO(command << run.out << run.err);
            CHECK(run.code == 0);
            CHECK(has(run.err, told));
        }
        CHECK(run_json(cli, "train m n.csv" + quick)["read"]["missing"] == 3);
        CHECK(cli("detect f n.csv").code == 0);
        // One in a step of a grid does not take the whole step along.
        CHECK(run_json(cli, "train m n.csv --resample 180" + quick)["read"]["missing"] == 0);
    }

    TEST_CASE("left out: codes for missing values that hide each other") {
        const program cli;
        cli.write("n.csv", table("time,temp,hum", 300, [](int t) {
                      return t % 30 == 4 ? "-9999,50" : t % 30 == 9 ? "-8888,50" : climate(t);
                  }));
        const outcome run = cli("train m n.csv" + quick);
        INFO(run.err);
        CHECK(has(run.err,
                  "column 'temp' is -9999 in 10 rows and -8888 in 10 rows, far outside all "
                  "others; if that means 'missing': --missing -9999,-8888"));
        CHECK(run_json(cli, "train m n.csv --missing -9999,-8888" + quick)["read"]["missing"] ==
              20);
    }

    TEST_CASE("left out: columns of further files, and of a recording for a model") {
        const program cli;
        cli.write("a.csv", table("time,temp,hum", 60, climate));
        cli.write("b.csv", table("time,temp,extra,hum", 60, [](int t) {
                      const std::string both = climate(t);
                      return both.substr(0, both.find(',')) + ",7" + both.substr(both.find(','));
                  }));
        const std::string told = "left out: 'extra' (not among the features)";
        const outcome both = cli("train m a.csv b.csv" + quick);
        INFO(both.out << both.err);
        CHECK(both.code == 0);
        CHECK(has(both.out, told));
        CHECK(has(cli("fit-errors m b.csv").out, told));
    }

    TEST_CASE("left out: the span of time is that of the rows that are kept") {
        const program cli;
        cli.write("n.csv", table("time,temp,hum", 60, climate) + "2099-01-01 00:00:00,20,50\n" +
                               "2024-03-01 01:00:00,20,50\n2024-03-01 01:01:00,20,50\n");
        const outcome run = cli("train m n.csv" + quick);
        INFO(run.out << run.err);
        CHECK(has(run.out, "from 2024-03-01 00:00:00 to 2024-03-01 01:01:00"));
        CHECK(has(run.out, "1 row with a wrong time"));
    }

    TEST_CASE("left out: delimiters at the end of lines, but not values there without a word") {
        const program cli;
        cli.write("n.csv", table("time,temp,hum,,,", 60, [](int t) { return climate(t) + ",,,"; }));
        const outcome run = cli("train m n.csv" + quick);
        INFO(run.out << run.err);
        CHECK(run.code == 0);
        CHECK(has(run.out, "features: 2 columns: temp, hum\n"));
        CHECK(has(run.out, "missing: 0 of"));
        cli.write("late.csv", table("time,temp,hum,", 300,
                                    [](int t) { return climate(t) + (t < 150 ? "," : ",5"); }));
        const std::string told =
            "late.csv:152: a value in a column without a name that is empty in the first lines";
        const outcome late = cli("train m late.csv" + quick);
        INFO(late.out << late.err);
        CHECK(late.code == 0);
        CHECK(has(late.err, told));
        CHECK(has(late.err, "(150 cells)"));
        CHECK(has(cli("detect m late.csv").err + cli("fit-errors m late.csv").err, told));
        REQUIRE(cli("fit-errors m n.csv").code == 0);
        REQUIRE(cli("tune m n.csv").code == 0);
        CHECK(has(cli("stream m", cli.read("late.csv")).err,
                  "standard input:152: a value in a column without a name"));
        CHECK_FALSE(has(cli("train m late.csv --ignore column4" + quick).err, told));
    }

    TEST_CASE("left out: rows without a time, which have no place on a grid") {
        const program cli;
        cli.write("n.csv", table("time,temp,hum", 60, climate) + "never,20,50\n" +
                               "2024-03-01 01:01:00,20,50\n2024-03-01 01:02:00,20,50\n");
        CHECK(has(cli("train m n.csv" + quick).err,
                  "1 time unreadable; their rows are taken to follow directly"));
        CHECK(has(cli("train m n.csv --resample 60" + quick).err,
                  "1 time unreadable; their rows are left out, as they have no place on the grid"));
    }

    TEST_CASE("left out: a longest gap below the step would leave no two rows together") {
        const program cli;
        cli.write("n.csv", table("time,temp,hum", 60, climate));
        const outcome run = cli("train m n.csv --longest-gap 30" + quick);
        INFO(run.err);
        CHECK(run.code == 2);
        CHECK(has(run.err, "n.csv: --longest-gap 30: rows are 60 s apart, so that each step would "
                           "be a gap"));
        CHECK(cli("train m n.csv --longest-gap 60" + quick).code == 0);
        CHECK(cli("train m n.csv --longest-gap 30 --resample 60" + quick).code == 0);
    }

    TEST_CASE("left out: fit names the sensor that keeps it from learning") {
        const program cli;
        cli.write("dead.csv", table("time,temp,hum", 400, [](int t) {
                      return t < 250 ? climate(t) : climate(t).substr(0, 7) + ',';
                  }));
        const outcome dead = cli("fit m dead.csv" + linear);
        INFO(dead.err);
        CHECK(dead.code == 3);
        CHECK(has(dead.err, "column 'hum' misses 80 of 80 values there; --ignore hum leaves it "
                            "out"));
        CHECK(cli("fit m dead.csv --ignore hum" + linear).code == 0);
        cli.write("short.csv", table("time,temp,hum", 30, climate));
        CHECK(has(cli("fit m short.csv" + linear).err, "use longer recordings"));
    }

    TEST_CASE("left out: a column whose name has a comma, by the option as it is printed") {
        const program cli;
        cli.write("n.csv", table("time,temp,hum,\"flow, m3/h\",\"it's 5\",\" in\"", 60,
                                 [](int t) { return climate(t) + ",3,5,7"; }));
        const outcome run = cli("train m n.csv" + quick);
        INFO(run.err);
        CHECK(has(run.err, "--ignore '\"flow, m3/h\"' leaves it out"));
        CHECK(has(run.err, R"(--ignore 'it'\''s 5' leaves it out)"));
        CHECK(has(run.err, "--ignore '\" in\"' leaves it out"));
        const outcome without =
            cli("train m n.csv --ignore '\"flow, m3/h\",it'\\''s 5,\" in\"'" + quick);
        INFO(without.out << without.err);
        CHECK(without.code == 0);
        CHECK(has(without.out, "features: 2 columns: temp, hum\n"));
        CHECK(cli("train m n.csv --ignore '\"flow'" + quick).code == 2);
    }
}
