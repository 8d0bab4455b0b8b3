// What a person is told of data that would otherwise silently be something else.
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

std::string climate(int t) {
    char text[40];
    std::snprintf(text, sizeof text, "%.4f,%.4f", 20 + std::sin(0.5 * t), 50 + std::cos(0.3 * t));
    return text;
}
std::string rows(int first, int last, const std::function<std::string(int)>& line) {
    std::string text;
    for (int t = first; t < last; ++t) {
        text += line(t) + '\n';
    }
    return text;
}
/// Hours from 2024-03-01.
std::string timed(int t) {
    char text[40];
    std::snprintf(text, sizeof text, "2024-03-%02d %02d:00:00,", 1 + t / 24, t % 24);
    return text + climate(t);
}
/// Minutes from 1/first_day/2024 23:30, month first.
std::string american(int t, int first_day) {
    char text[40];
    const int minute = t + 1410;
    std::snprintf(text, sizeof text, "1/%d/2024 %d:%02d,", first_day + minute / 1440,
                  minute / 60 % 24, minute % 60);
    return text + climate(t);
}
bool has(const std::string& text, const std::string& piece) {
    return text.find(piece) != std::string::npos;
}
void make_model(const program& cli, const std::string& data) {
    for (const std::string& arguments :
         {"train m " + data + quick, "fit-errors m " + data, "tune m " + data + " --quantile 1"}) {
        const outcome run = cli(arguments + " --quiet");
        INFO(arguments << ": " << run.err);
        REQUIRE(run.code == 0);
    }
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("told: whether the day or the month stands first, in every phase") {
        const program cli;
        const std::string header = "date,temp,hum\n";
        cli.write("n.csv", header + rows(0, 80, [](int t) { return american(t, 1); }));
        const outcome trained = cli("train m n.csv" + quick);
        INFO(trained.out << trained.err);
        CHECK(has(trained.out, "local dates, month first, from 2024-01-01 23:30:00 to 2024-01-02"));
        CHECK_FALSE(has(trained.err, "its dates may be"));
        make_model(cli, "n.csv");
        // Nothing in a day of its own says so: the model does, and an option would.
        cli.write("day.csv", header + rows(30, 60, [](int t) { return american(t, 2); }));
        const outcome judged = cli("detect m day.csv --report r.html");
        CHECK_FALSE(has(judged.err, "its dates may be"));
        const outcome alone = cli("train other day.csv" + quick);
        CHECK(has(alone.err, "day.csv: its dates may be day first or month first, and are read "
                             "day first; --dates day-first or --dates month-first says which"));
        CHECK(has(alone.out, "from 2024-03-01"));
        const outcome asked = cli("train other day.csv --dates month-first" + quick);
        CHECK_FALSE(has(asked.err, "its dates may be"));
        CHECK(has(asked.out, "from 2024-01-03"));
        CHECK(has(cli("train other day.csv --dates late" + quick).err, "month-first"));
        // Two orders in one file.
        const std::string mixed = header + rows(0, 40, [](int t) { return american(t, 13); }) +
                                  "16/01/2024 0:10," + climate(40) + '\n';
        cli.write("mixed.csv", mixed);
        for (const char* command : {"train other mixed.csv", "detect m mixed.csv"}) {
            const outcome refused = cli(command);
            INFO(refused.err);
            CHECK(refused.code != 0);
            CHECK(has(refused.err, "'16/01/2024 0:10' of row 41"));
            CHECK(has(refused.err, "day first"));
            CHECK(has(refused.err, "--dates day-first or --dates month-first"));
        }
        CHECK(cli("detect m mixed.csv --dates month-first").code == 0);
        // A stream turns with a message, and never back.
        const outcome stream = cli("stream m", header + "11/01/2024 23:59," + climate(0) +
                                                   "\n12/01/2024 0:00," + climate(1) + '\n');
        CHECK(has(stream.err, "standard input:3: '12/01/2024 0:00': the dates are day first, as "
                              "this one shows, and were taken for month first until now; --dates "
                              "day-first says so from the start"));
        const outcome refusing = cli("stream m", mixed);
        CHECK(has(refusing.err, "standard input:42: '16/01/2024 0:10': the date can only be day "
                                "first"));
        CHECK(has(refusing.err, "--dates day-first reads it"));
    }

    TEST_CASE("told: a year of two digits that stands first") {
        const program cli;
        const auto hourly = [](int first, int last) {
            return "date,temp,hum\n" + rows(first, last, [](int t) {
                       char text[40];
                       std::snprintf(text, sizeof text, "26-11-%02d %02d:00,", 1 + t / 24, t % 24);
                       return text + climate(t);
                   });
        };
        cli.write("n.csv", hourly(0, 80));
        const outcome trained = cli("train m n.csv" + quick);
        INFO(trained.out << trained.err);
        CHECK(has(trained.out, "local dates, year first, from 2026-11-01 00:00:00 to 2026-11-04"));
        make_model(cli, "n.csv");
        cli.write("day.csv", hourly(24 * 25, 24 * 26));
        CHECK_FALSE(has(cli("detect m day.csv").err, "its dates may be"));
        CHECK(has(cli("train other day.csv" + quick).err,
                  "day.csv: its dates may be day first or year first, and are read day first; "
                  "--dates day-first or --dates year-first says which"));
        CHECK(has(cli("train other day.csv --dates year-first" + quick).out, "from 2026-11-26"));
        // A recording before it in the same command shows the order, too.
        const outcome both = cli("train other n.csv day.csv" + quick);
        CHECK_FALSE(has(both.err, "its dates may be"));
        CHECK(has(both.out, "from 2026-11-26"));
    }

    TEST_CASE("told: times of day go on over midnight, in every phase") {
        const program cli;
        const std::string body = "time,temp,hum\n" + rows(0, 90, [](int t) {
                                     char text[20];
                                     const int second = (86370 + t) % 86400;
                                     std::snprintf(text, sizeof text, "%02d:%02d:%02d,",
                                                   second / 3600, second / 60 % 60, second % 60);
                                     return text + climate(t);
                                 });
        cli.write("n.csv", body);
        const outcome trained = cli("train m n.csv" + quick);
        INFO(trained.out << trained.err);
        CHECK(has(trained.out, "times of day, from 23:59:30 to 00:00:59 (89 s), step 1 s"));
        CHECK(has(trained.out, "order: 0 gaps, 0 repeated rows, 0 rows with a wrong time"));
        make_model(cli, "n.csv");
        for (const outcome& judged : {cli("detect m n.csv --json"), cli("stream m", body)}) {
            INFO(judged.out << judged.err);
            CHECK(judged.code == 0);
            CHECK(has(judged.out, "00:00:01"));
            CHECK_FALSE(has(judged.out, "\"invalid_sample\",")); // a verdict
        }
    }

    TEST_CASE("told: a date next to a time of day, and units in place of names, in every phase") {
        const program cli;
        const auto body = [](int first, int last) {
            return ",,degC,degC,%\n" + rows(first, last, [](int t) {
                       char text[40];
                       std::snprintf(text, sizeof text, "%02d.03.2024,%02d:00,", 1 + t / 24,
                                     t % 24);
                       return text + climate(t) + ",1." + std::to_string(t % 7);
                   });
        };
        cli.write("n.csv", body(0, 80));
        const outcome trained = cli("train m n.csv" + quick);
        INFO(trained.out << trained.err);
        CHECK(has(trained.out, "no header, a row of units without names left out"));
        CHECK(has(trained.out, "time: 'column1', 'column2', local dates, day first, from "
                               "2024-03-01 00:00:00 to 2024-03-04 07:00:00"));
        CHECK(has(trained.out, "features: 3 columns: column3, column4, column5"));
        make_model(cli, "n.csv");
        cli.write("later.csv", body(80, 120));
        for (const outcome& judged :
             {cli("detect m later.csv --json"), cli("stream m", body(80, 120))}) {
            INFO(judged.out << judged.err);
            CHECK(judged.code == 0);
            CHECK(has(judged.out, "04.03.2024 08:00"));
            CHECK_FALSE(has(judged.out, "malformed"));
        }
    }

    TEST_CASE("told: cells of a spreadsheet's column that was too narrow, in every phase") {
        const program cli;
        const std::string header = "time,temp,hum\n";
        const std::string body = header + rows(0, 20, timed) + "########," + climate(20) + '\n' +
                                 "2024-03-01 21:00:00,##,50\n" + rows(22, 60, timed);
        cli.write("n.csv", body);
        const std::string told = "n.csv:22:1: '####' is what a spreadsheet writes where its column "
                                 "is too narrow";
        const outcome trained = cli("train m n.csv" + quick);
        INFO(trained.out << trained.err);
        CHECK(has(trained.err, "warning: " + told));
        CHECK(has(trained.err, "(2 cells)"));
        CHECK(has(trained.out, "60 rows"));
        make_model(cli, "n.csv");
        CHECK(has(cli("detect m n.csv").err, "warning: " + told));
        CHECK(has(cli("stream m", body).err, "standard input:22:1: '####' is"));
    }

    TEST_CASE("told: recordings whose rows are not equally far apart") {
        const program cli;
        const auto every = [](int minutes) {
            return "time,temp,hum\n" + rows(0, 60, [&](int t) {
                       char text[40];
                       const int minute = t * minutes;
                       std::snprintf(text, sizeof text, "2024-03-%02d %02d:%02d:00,",
                                     1 + minute / 1440, minute / 60 % 24, minute % 60);
                       return text + climate(t);
                   });
        };
        cli.write("a.csv", every(1));
        cli.write("b.csv", every(10));
        const outcome slower = cli("train m a.csv b.csv" + quick);
        INFO(slower.out << slower.err);
        CHECK(slower.code != 0);
        CHECK(has(slower.err, "b.csv: rows are 600 s apart, in a.csv 60 s, so that each step would "
                              "be a gap; --resample 600 puts all on a grid"));
        const outcome faster = cli("train m b.csv a.csv" + quick);
        INFO(faster.out << faster.err);
        CHECK(faster.code == 0);
        CHECK(has(faster.err,
                  "a.csv: rows are 60 s apart, in b.csv 10 min; a model needs one step: "
                  "--resample 600 puts all on a grid"));
        CHECK_FALSE(has(cli("train m a.csv a.csv" + quick).err, "apart"));
        CHECK_FALSE(has(cli("train m a.csv b.csv --resample 600" + quick).err, "apart"));
    }

    TEST_CASE("told: words among numbers, with place and option, in every phase") {
        const program cli;
        const auto with = [](const char* word) {
            return "temp,hum\n" + rows(0, 20, climate) + word + ",50\n" + rows(21, 60, climate);
        };
        cli.write("n.csv", with("off"));
        const std::string told = "n.csv:22:1: 'off' among the numbers of column 'temp' is read as "
                                 "0; --missing off makes it a missing value";
        const outcome trained = cli("train m n.csv" + quick);
        CHECK(has(trained.err, "warning: " + told + " (1 cell)"));
        CHECK_FALSE(has(cli("train m n.csv --missing off" + quick).err, "among the numbers"));
        cli.write("clean.csv", "temp,hum\n" + rows(0, 60, climate));
        make_model(cli, "clean.csv");
        CHECK(has(cli("fit-errors m n.csv").err, told));
        CHECK(cli("tune m n.csv --quantile 1 --quiet").code == 0);
        CHECK(has(cli("detect m n.csv").err, "warning: " + told));
        CHECK(has(cli("stream m", with("No")).err,
                  "standard input:22:1: 'No' among the numbers of column 'temp' is read as 0"));
    }

    TEST_CASE("told: gaps, repeated rows and rows with a wrong time, in every phase") {
        const program cli;
        cli.write("n.csv", "time,temp,hum\n" + rows(0, 40, timed) + timed(39) + '\n' + timed(20) +
                               '\n' + rows(40, 60, timed) + rows(90, 120, timed));
        const std::string order = "order: 1 gap, 1 repeated row, 1 row with a wrong time";
        const std::string warning =
            "n.csv: 2 rows with a repeated or wrong time left out; --resample SECONDS makes one "
            "row of all in a step, --timestamp none with --ignore time reads all rows as equally "
            "spaced";
        for (const std::string& command :
             {"train m n.csv" + quick, std::string{"fit-errors m n.csv"},
              std::string{"tune m n.csv --quantile 1"}}) {
            const outcome run = cli(command);
            INFO(command << run.out << run.err);
            CHECK(run.code == 0);
            CHECK(has(run.out, order));
            CHECK(has(run.err, warning));
            CHECK(has(run.err, "1 gap in time"));
        }
        for (const char* command : {"fit-errors m n.csv", "tune m n.csv --quantile 1"}) {
            const json result = run_json(cli, command);
            CHECK(result["read"]["files"][0]["repeated"] == 1);
            CHECK(result["read"]["files"][0]["gaps"] == 1);
            CHECK(result["warnings"].size() >= 2);
        }
        // The option that the warning names reads all rows.
        CHECK(has(cli("train m n.csv --timestamp none --ignore time" + quick).out,
                  "rows are taken as equally spaced"));
        // The recording that training is validated with, too.
        cli.write("v.csv", "time,temp,hum\n" + rows(0, 40, timed));
        CHECK(has(cli("train m v.csv --validation n.csv" + quick).out, order));
    }

    TEST_CASE("told: rows that do not stand in the order of time, and one sensor a row") {
        const program cli;
        const std::string header = "date,temp,hum\n";
        cli.write("n.csv", header + rows(0, 80, timed));
        make_model(cli, "n.csv");
        const auto swapped = [](int t) {
            return timed(t % 10 == 0 ? t + 1 : t % 10 == 1 ? t - 1 : t);
        };
        cli.write("swapped.csv", header + rows(0, 80, swapped));
        cli.write("newest_first.csv", header + rows(0, 80, [&](int t) { return swapped(79 - t); }));
        const std::string order = "rows are not in the order of time; sort the file by it";
        for (const char* command : {"train other ", "detect m ", "detect m --stride 1 "}) {
            for (const char* file : {"swapped.csv", "newest_first.csv"}) {
                const std::string arguments = std::string{command} + file;
                const outcome run = cli(arguments + (command[0] == 't' ? quick : ""));
                INFO(arguments << ": " << run.err);
                CHECK(has(run.err, std::string{file} + ": 8 of 79 steps in time go "));
                CHECK(has(run.err, order));
                CHECK_FALSE(has(run.err, "--timestamp none"));
            }
        }
        CHECK_FALSE(has(cli("train other n.csv" + quick).err, order));
        const auto long_table = [](int sensors) {
            return rows(0, 200, [=](int t) {
                return timed(t / sensors).substr(0, 20) + std::to_string(t % sensors) + ',' +
                       std::to_string(t * 7 % 11);
            });
        };
        const std::string pivot = "rows that hold one sensor each must be turned into one column "
                                  "per sensor first";
        for (const int sensors : {2, 3}) {
            cli.write("long.csv", "date,sensor,value\n" + long_table(sensors));
            CHECK(has(cli("train other long.csv" + quick).err, pivot));
        }
    }

    TEST_CASE("told: a first row of numbers that may be the names") {
        const program cli;
        cli.write("n.csv", "0,1\n" + rows(0, 80, [](int t) { return climate(t); }));
        const std::string note =
            "n.csv:1: is read as a row of numbers; if they are the names of the "
            "columns: --header";
        CHECK(has(cli("train m n.csv" + quick).err, note));
        make_model(cli, "n.csv");
        CHECK(has(cli("detect m n.csv").err, note));
        // A model that knows the names finds them.
        CHECK_FALSE(has(cli("train m n.csv --header" + quick).err, note));
        CHECK(cli("fit-errors m n.csv").code == 0);
        CHECK(cli("tune m n.csv").code == 0);
        const json judged = run_json(cli, "detect m n.csv");
        CHECK(judged["verdicts"].size() == 80);
        CHECK(lines_of(cli("stream m", cli.read("n.csv")).out).size() == 80);
    }

    TEST_CASE("told: what was read, also where it is then refused") {
        const program cli;
        cli.write("short.csv", "temp,hum,copy\n" + rows(0, 12, [](int t) {
                                   const std::string both = climate(t);
                                   return both + ',' + both.substr(0, both.find(','));
                               }));
        for (const char* command : {"train m short.csv --window 40 --encoder 2",
                                    "train m short.csv --model classifier --window 4",
                                    "search short.csv --window 40 --trials 2"}) {
            const outcome refused = cli(command);
            INFO(command << refused.out << refused.err);
            CHECK(refused.code != 0);
            CHECK(has(refused.out, "read short.csv: 12 rows"));
            CHECK(has(refused.err, "column 'copy' is the same as 'temp'"));
        }
    }

    TEST_CASE("told: a footer is no row, also where rows are read one by one") {
        const program cli;
        const std::string body = "time,temp,hum\n" + rows(0, 60, timed);
        cli.write("n.csv", body);
        make_model(cli, "n.csv");
        cli.write("footer.csv", body + "Total,1200,3000\nMean,20,50\n");
        const outcome judged = cli("detect m footer.csv");
        INFO(judged.err);
        CHECK(has(judged.err, "60 rows:"));
        CHECK(has(judged.err, "footer.csv: the last rows have no time but 'Total', and are left "
                              "out"));
        CHECK_FALSE(has(judged.out, "Total"));
        // Rows in the middle whose time cannot be read are rows.
        cli.write("middle.csv", body + "unknown," + climate(60) + '\n' + timed(61) + '\n');
        const outcome middle = cli("detect m middle.csv");
        CHECK(has(middle.err, "62 rows:"));
        CHECK(has(middle.out, "unknown"));
        // Too many for a footer.
        cli.write("many.csv", "time,temp,hum\n" + rows(0, 30, timed) +
                                  rows(30, 40, [](int t) { return "unknown," + climate(t); }));
        CHECK(has(cli("detect m many.csv").err, "40 rows:"));
    }
}
