// Properties of CSV files of real sensors: kinds of files, times, gaps, missing cells.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

const std::string quick = " --window 6 --encoder 4 --epochs 2 --force";

std::string number(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.5f", value);
    return text;
}
/// Noise that is the same in every run.
double noise(int k) {
    const double x = std::sin(12.9898 * k) * 43758.5453;
    return x - std::floor(x) - 0.5;
}
std::string hour(int t) { // from 2024-03-01 00:00, all months being that one
    char text[40];
    std::snprintf(text, sizeof text, "2024-03-%02d %02d:00:00", 1 + t / 24, t % 24);
    return text;
}
std::string climate(int t) {
    const double day = 6.283185307 * t / 24;
    return number(20 + 5 * std::sin(day) + 0.3 * noise(t)) + ',' +
           number(50 + 9 * std::cos(day) + 0.5 * noise(t + 5000));
}
std::string rows(int first, int last, const std::function<std::string(int)>& line) {
    std::string text;
    for (int t = first; t < last; ++t) {
        text += line(t) + '\n';
    }
    return text;
}
std::string timed(int t) {
    return hour(t) + ',' + climate(t);
}

bool has(const std::string& text, const std::string& piece) {
    return text.find(piece) != std::string::npos;
}

/// All phases on one file.
void make_model(const program& cli, const std::string& data, const std::string& training,
                const std::string& tuning = " --quantile 1 --factor 1.3") {
    for (const std::string& arguments :
         {"train m " + data + training, "fit-errors m " + data, "tune m " + data + tuning}) {
        const outcome run = cli(arguments + " --quiet");
        INFO(arguments << ": " << run.err);
        REQUIRE(run.code == 0);
    }
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("reading: a CSV without header is rows, in every phase") {
        const program cli;
        cli.write("plain.csv", rows(0, 60, climate));
        const json trained = run_json(cli, "train m plain.csv" + quick);
        CHECK(trained["features"] == json{"column1", "column2"});
        CHECK(trained["read"]["rows"] == 60);
        CHECK(trained["read"]["files"][0]["header"] == false);
        CHECK(run_json(cli, "fit-errors m plain.csv")["windows"] == 55);
        CHECK(cli("tune m plain.csv --quiet").code == 0);
        CHECK(lines_of(cli("stream m", rows(0, 9, climate)).out).back()["verdict"] == "normal");
        CHECK(lines_of(cli("stream m", rows(0, 9, timed)).out).back()["verdict"] == "normal");
        // The same lines as sequences, if requested; a message says so.
        const outcome sequences = cli("train s plain.csv --format sequences --epochs 1 --encoder 2 "
                                      "--force");
        CHECK(sequences.code == 0);
        CHECK(has(sequences.err, "--format csv"));
    }

    TEST_CASE("reading: train prints what it read, and warns of likely mistakes") {
        const program cli;
        cli.write("plant.csv",
                  "epoch,a,meter,fixed,copy,pump,bad,label,status_ok\n" + rows(0, 80, [](int t) {
                      const std::string a = number(std::sin(0.4 * t));
                      return std::to_string(1700000000 + 60 * t) + ',' + a + ',' +
                             std::to_string(t / 2 + t * t) + ",7," + a + ',' +
                             (t % 9 < 4 ? "ON" : "OFF") + ',' +
                             (t % 20 == 3 ? "-200" : number(noise(t))) + ",0," +
                             (t % 13 < 6 ? "1" : "0");
                  }));
        const outcome run = cli("train m plant.csv" + quick);
        INFO(run.out << run.err);
        REQUIRE(run.code == 0);
        for (const char* fact :
             {"plant.csv: 80 rows", "CSV with ',', header", "time: 'epoch', seconds", "step 60 s",
              "features: 7 columns: a, meter", "switches: 'pump'",
              "labels: 'label', 0 of 80 rows anomalous", "missing: 0 of 560 cells"}) {
            INFO(fact);
            CHECK(has(run.out, fact));
        }
        for (const char* warning :
             {"warning: column 'meter' only rises", "warning: column 'fixed' is always 7",
              "warning: column 'copy' is the same as 'a'",
              "warning: column 'bad' is -200 in 4 rows", "--missing -200",
              "warning: column 'status_ok' has only two values"}) {
            INFO(warning);
            CHECK(has(run.err, warning));
        }
        CHECK_FALSE(has(run.err, "column 'a' "));
        // Columns to leave out must be there; in several files, in one of them.
        const outcome unknown = cli("train m plant.csv --ignore meter,nope" + quick);
        CHECK(unknown.code == 3);
        CHECK(has(unknown.err, "plant.csv: --ignore: has no column named 'nope', only epoch, a, "));
        CHECK(has(cli("fit-errors m plant.csv --ignore nope").err, "no column named 'nope'"));
        CHECK(has(cli("train m plant.csv --missing -200 --force --epochs 1 --encoder 2").out,
                  "missing: 4 of 560 cells"));
        // The marker is kept in the model: later phases need no option.
        CHECK(has(cli("fit-errors m plant.csv").err, "have missing values, which are filled in"));
    }

    TEST_CASE("reading: labels, falling columns and control characters in names are shown") {
        const program cli;
        cli.write("plant.csv", "a,fault,tank,b\x1b[31m\n" + rows(0, 80, [](int t) {
                                   return number(std::sin(0.4 * t)) + ',' + (t < 60 ? '0' : '1') +
                                          ',' + number(90 - 0.5 * t) + ',' + number(noise(t));
                               }));
        const outcome run = cli("train m plant.csv" + quick);
        REQUIRE(run.code == 0);
        CHECK(has(run.err, "column 'fault' has only two values, 0 and 1; if these are labels: "
                           "--labels fault"));
        CHECK_FALSE(has(run.err, "'fault' only rises"));
        CHECK(has(run.err, "column 'tank' only falls: later data will be outside"));
        CHECK_FALSE(has(run.err, "column 'a'"));
        CHECK(has(run.out, "b?[31m"));
        REQUIRE(cli("fit-errors m plant.csv").code == 0);
        REQUIRE(cli("tune m plant.csv").code == 0);
        for (const char* arguments :
             {"train m plant.csv --columns a,b\x1b --force", "detect m plant.csv", "inspect m",
              "stream m --columns b\x1b"}) {
            const outcome shown = cli(arguments, "1,2\n");
            CHECK_FALSE(has(shown.out + shown.err, "\x1b"));
        }
    }

    TEST_CASE("reading: kinds of files that a spreadsheet or logger writes") {
        const program cli;
        const auto two = [](const std::string& between, const std::string& end) {
            return [=](int t) {
                const std::string cells = climate(t);
                const auto comma = cells.find(',');
                return cells.substr(0, comma) + between + cells.substr(comma + 1) + end;
            };
        };
        const auto commas = [&](int t) {
            std::string line = two(";", "")(t);
            for (char& c : line) {
                c = c == '.' ? ',' : c;
            }
            return line;
        };
        const struct {
            const char* name;
            std::string text;
            const char* options;
        } kinds[] = {
            {"tab.csv", "a\tb\n" + rows(0, 40, two("\t", "")), ""},
            {"tab_word.txt", "a\tb\n" + rows(0, 40, two("\t", "")), " --delimiter tab"},
            {"tab_escape.txt", "a\tb\n" + rows(0, 40, two("\t", "")), " --delimiter '\\t'"},
            {"semicolon.csv", "a;b\n" + rows(0, 40, two(";", "")), ""},
            {"comma.csv", "a;b\n" + rows(0, 40, commas), ""},
            {"comma_asked.csv", rows(0, 40, commas),
             " --decimal-comma --no-header --delimiter ';'"},
            {"sep.csv", "sep=;\r\na;b\r\n" + rows(0, 40, two(";", "\r")), ""},
            {"preamble.csv", "Logger;X\nSerial;5\n\na;b\n" + rows(0, 40, two(";", "")), ""},
            {"skip.csv", "3,4\n5,6\na,b\n" + rows(0, 40, two(",", "")), " --skip-rows 2"},
            {"units.csv", "a,b\n[V],[degC]\n" + rows(0, 40, two(",", "")), ""},
            {"trailing.csv", "a,b,\n" + rows(0, 40, two(",", ",")), ""},
            {"quoted.csv", "\"a\", \"b\"\n" + rows(0, 40, two(" , ", "")), ""},
            {"latin.csv", "a \xB0\x43,b\n" + rows(0, 40, two(",", "")), " --encoding latin-1"},
        };
        for (const auto& kind : kinds) {
            INFO(std::string{kind.name});
            cli.write(kind.name, kind.text);
            const json trained =
                run_json(cli, std::string{"train m "} + kind.name + quick + kind.options);
            CHECK(trained["read"]["rows"] == 40);
            CHECK(trained["features"].size() == 2);
        }
    }

    TEST_CASE("reading: lines left out among the rows are reported") {
        const program cli;
        const std::string noisy = "time,a,b\n" + rows(0, 30, timed) +
                                  "# filter changed\ntime,a,b\n" + rows(30, 60, timed) +
                                  "Total,1200,3000\n" + std::string(99, '\0');
        cli.write("noisy.csv", noisy);
        const outcome run = cli("train m noisy.csv" + quick);
        INFO(run.out << run.err);
        REQUIRE(run.code == 0);
        CHECK(has(run.out, "1 line of comments"));
        CHECK(has(run.out, "the header repeated in 1 line"));
        CHECK(has(run.err, "no time but 'Total'"));
        CHECK(run_json(cli, "fit-errors m noisy.csv")["windows"] == 60 - 5);
        // The option for digits in groups is given once, and holds in the stream, whose first
        // number may be unclear.
        cli.write("grouped.csv", "a;b\n" + rows(0, 40, [](int t) {
                                     return (t % 2 == 0 ? "1,234.5;" : "1,233;") + number(noise(t));
                                 }));
        const outcome grouped = cli("train m grouped.csv" + quick);
        INFO(grouped.err);
        CHECK(has(grouped.out, "digits in groups"));
        REQUIRE(cli("fit-errors m grouped.csv").code == 0);
        REQUIRE(cli("tune m grouped.csv --quantile 1 --factor 1.5").code == 0);
        const auto lines = lines_of(
            cli("stream m", "a;b\n" + rows(1, 20,
                                           [](int t) {
                                               return (t % 2 == 0 ? "1,234.5;" : "1,233;") +
                                                      number(noise(t));
                                           }))
                .out);
        REQUIRE(lines.size() == 19);
        CHECK(lines.back()["verdict"] == "normal");
    }

    TEST_CASE("reading: refusals name the option that helps") {
        const program cli;
        const struct {
            std::string text;
            const char* option;
        } wrong[] = {
            {"a,b\n1,2\n3,bad\n5,6\n", "--missing"},
            {"a,b\n1,2\n3,\"1,250\"\n5,6\n", "--decimal-comma"},
            {"a,label\n1,1\n2,-1\n3,1\n", "--label-values"},
            {"a \xB0\x43,b\n1,2\n3,4\n", "--encoding latin-1"},
            {"a,a\n1,2\n3,4\n", "--no-header"},
            {"a,b\n1,2\n3\n", "--delimiter"},
            {"a,b\n1,2\n3,4 bar\n5,6\n", "into the header"},
            {"a,b\n1,2\n3,\"1,250\"\n5,6\n", "--thousands"},
            {"{\"a\":1}\n{\"a\":2}\n", "JSON"},
            {"a,b\n1,2\n3,4\nmade by a logger\n", "a footer"},
        };
        for (const auto& kind : wrong) {
            cli.write("w.csv", kind.text);
            const outcome run = cli("train m w.csv" + quick);
            INFO(kind.text << run.err);
            CHECK(run.code == 3);
            CHECK(has(run.err, kind.option));
        }
        CHECK(has(cli("train m w.csv --delimiter ab").err, "tab, space"));
        CHECK(has(cli("train m w.csv --label-values good").err, "TEXT=0"));
        CHECK(cli("train m w.csv --header --no-header").code == 2);
    }

    TEST_CASE("reading: 1.7e9 +- 1 is learned from, and judged in the stream") {
        const program cli;
        const auto line = [](int t) {
            return number(std::sin(0.5 * t)) + ',' + number(1.7e9 + std::sin(0.3 * t));
        };
        cli.write("big.csv", "a,b\n" + rows(0, 300, line));
        make_model(cli, "big.csv", " --window 6 --encoder 8 --epochs 15 --learning-rate 0.01");
        CHECK(has(cli("train other big.csv" + quick).out, "offsets: subtracted in double"));
        std::string later = rows(300, 330, line);
        CHECK(lines_of(cli("stream m", later).out).back()["verdict"] == "normal");
        later += "0.1,1700000040\n";
        const json wrong = lines_of(cli("stream m", later).out).back();
        CHECK(wrong["verdict"] == "anomaly");
        CHECK(wrong["shares"]["b"] > 0.5);
    }

    TEST_CASE("times: windows do not cross gaps, and wrong rows are counted") {
        const program cli;
        std::string text = "timestamp,temp,hum\n";
        for (int t = 0; t < 200; t += 20) { // ten recordings of 15 rows
            text += rows(t, t + 15, timed);
        }
        text += timed(194) + '\n' + timed(194) + '\n'; // repeated
        cli.write("gaps.csv", text);
        const json trained = run_json(cli, "train m gaps.csv" + quick);
        const json& file = trained["read"]["files"][0];
        CHECK(file["gaps"] == 9);
        CHECK(file["repeated"] == 2);
        CHECK(trained["read"]["recordings"] == 10);
        CHECK(trained["training_windows"] == 10 * (15 - 5));
        CHECK(file["step_seconds"] == 3600);
        const json joined = run_json(cli, "train m gaps.csv --longest-gap 90000" + quick);
        CHECK(joined["training_windows"] == 145);
        const outcome none = cli("train m gaps.csv --window 16 --encoder 2 --epochs 1");
        CHECK(none.code == 3);
        CHECK(has(none.err, "--longest-gap"));
        // Newest first: the same recordings.
        std::string reversed;
        for (int t = 199; t >= 0; --t) {
            reversed += t % 20 < 15 ? timed(t) + '\n' : "";
        }
        cli.write("newest.csv", "timestamp,temp,hum\n" + reversed);
        CHECK(run_json(cli, "train m newest.csv" + quick)["training_windows"] == 100);
    }

    TEST_CASE("times: several recordings, no window across their boundaries") {
        const program cli;
        cli.write("one.csv", "temp,hum\n" + rows(0, 40, climate));
        cli.write("two.csv", "hum,temp\n" + rows(0, 30, [](int t) {
                                 const std::string cells = climate(t);
                                 const auto comma = cells.find(',');
                                 return cells.substr(comma + 1) + ',' + cells.substr(0, comma);
                             }));
        cli.write("short.csv", "temp,hum\n" + rows(0, 3, climate));
        const json trained = run_json(cli, "train m one.csv two.csv short.csv" + quick);
        CHECK(trained["training_windows"] == 35 + 25);
        CHECK(run_json(cli, "fit-errors m one.csv two.csv")["windows"] == 60);
        CHECK(run_json(cli, "tune m two.csv one.csv")["windows"] == 60);
        CHECK(cli("train m one.csv none.csv" + quick).code == 4);
        cli.write("other.csv", "temp,pressure\n1,2\n");
        CHECK(cli("train m one.csv other.csv" + quick).code == 3);
    }

    TEST_CASE("times: stream and detect use them") {
        const program cli;
        cli.write("train.csv", "timestamp,temp,hum\n" + rows(0, 500, timed));
        make_model(cli, "train.csv", " --window 12 --encoder 16 --epochs 12 --learning-rate 0.01");
        const auto count = [&](const std::string& text, const char* verdict) {
            cli.write("t.csv", "timestamp,temp,hum\n" + text);
            const json found = run_json(cli, "detect m t.csv");
            return found["counts"][verdict].get<int>();
        };
        const std::string whole = rows(500, 700, timed);
        const int usual = count(whole, "anomaly");
        CHECK(usual <= 4);
        CHECK(count(rows(500, 600, timed) + rows(609, 700, timed), "anomaly") <= usual + 1);
        std::string repeated = rows(500, 601, timed);
        for (int k = 0; k < 5; ++k) {
            repeated += timed(600) + '\n';
        }
        repeated += rows(601, 700, timed);
        CHECK(count(repeated, "anomaly") <= usual + 1);
        CHECK(count(repeated, "invalid_sample") == 5);
        std::string order = rows(500, 600, timed);
        for (int t = 611; t >= 600; --t) {
            order += timed(t) + '\n';
        }
        order += rows(612, 700, timed);
        CHECK(count(order, "anomaly") <= usual + 1);
        // A stream without a header, with the time in its first column.
        const auto lines = lines_of(cli("stream m", rows(500, 520, timed)).out);
        REQUIRE(lines.size() == 20);
        CHECK(lines[0]["timestamp"] == hour(500));
        CHECK(lines[19]["verdict"] == "normal");
        const auto gap =
            lines_of(cli("stream m", rows(500, 515, timed) + rows(530, 535, timed)).out);
        CHECK(gap[15]["verdict"] == "invalid_sample");
        CHECK(gap[19]["verdict"] == "warming_up");
    }

    TEST_CASE("times: advice for rows at another step names what a command can do") {
        const program cli;
        cli.write("train.csv", "timestamp,temp,hum\n" + rows(0, 200, timed));
        make_model(cli, "train.csv", quick);
        const auto every = [](int seconds) {
            return "timestamp,temp,hum\n" + rows(0, 200, [seconds](int t) {
                       return std::to_string(1'700'000'000 + seconds * t) + ',' + climate(t);
                   });
        };
        cli.write("fast.csv", every(600));
        cli.write("slow.csv", every(10'800));
        const std::string fast = "rows are 600 s apart, in training 3600 s; ";
        const std::string slow =
            "rows are 10800 s apart, in training 3600 s; a model for such rows "
            "is trained with --resample 10800";
        CHECK(has(cli("detect m fast.csv").err, fast + "--resample 3600 puts them"));
        CHECK(has(cli("tune m fast.csv -o other").err, fast + "--resample 3600 puts them"));
        CHECK_FALSE(has(cli("tune m fast.csv -o other --resample 3600").err, "s apart"));
        CHECK(has(cli("detect m slow.csv").err, slow));
        CHECK(has(cli("fit-errors m slow.csv -o other").err, slow));
        CHECK(cli("train other train.csv --resample 10800" + quick).code == 0);
        CHECK_FALSE(has(cli("fit-errors other slow.csv").err, "s apart"));
        // Columns to leave out must be there when rows are judged, too.
        CHECK(has(cli("detect m fast.csv --ignore nope").err,
                  "has no column named 'nope', only timestamp, temp, hum"));
        CHECK(cli("stream m --ignore nope", every(3600)).code == 3);
        CHECK(has(cli("stream m --labels nope", every(3600)).err, "has no column named 'nope'"));
        CHECK(cli("stream m --ignore spare", "temp,hum,spare\n1,2,3\n").code == 0);
        const outcome nameless = cli("stream m --ignore spare", ",\n1,2\n");
        CHECK(nameless.code == 3);
        CHECK(has(nameless.err, "has no column named 'spare', only column1, column2"));
        CHECK(cli("stream m --ignore column3", "1,2,3\n").code == 0);
    }

    TEST_CASE("times: milliseconds by the name of their column, later without it as well") {
        const program cli;
        const auto rows = [](int first, int count) {
            std::string text;
            for (int t = first; t < first + count; ++t) {
                text += std::to_string(250 * t) + ',' + number(std::sin(0.3 * t)) + '\n';
            }
            return text;
        };
        cli.write("m.csv", "time_ms,a\n" + rows(0, 300));
        const outcome trained = cli("train m m.csv" + quick);
        REQUIRE(trained.code == 0);
        CHECK(has(trained.out, "numbers of milliseconds, from 0 to 74.75"));
        CHECK(has(trained.out, "step 250 ms"));
        REQUIRE(cli("fit-errors m m.csv").code == 0);
        REQUIRE(cli("tune m m.csv").code == 0);
        for (const std::string header : {"", "time_ms,a\n"}) {
            CAPTURE(header);
            const auto judged = lines_of(cli("stream m", header + rows(300, 40)).out);
            REQUIRE(judged.size() == 40);
            CHECK(judged.back().contains("score"));
        }
        // Also below rows of missing values, where the header is taken, not left out.
        std::string seconds;
        for (int t = 0; t < 300; ++t) {
            seconds += number(0.25 * t) + ',' + number(std::sin(0.3 * t)) + '\n';
        }
        cli.write("s.csv", "time,a\n" + seconds);
        REQUIRE(cli("train s s.csv" + quick).code == 0);
        REQUIRE(cli("fit-errors s s.csv").code == 0);
        REQUIRE(cli("tune s s.csv").code == 0);
        const std::string late = "nan,nan\ntime_ms,a\n" + rows(300, 40);
        const outcome below = cli("stream s", late);
        CHECK_FALSE(has(below.err, "left out"));
        CHECK(lines_of(below.out).back().contains("score"));
        CHECK(has(cli("stream s --ignore nope", late).err, "has no column named 'nope'"));
    }

    TEST_CASE("names: a title above the header, and rows that may be names") {
        const program cli;
        std::string rows;
        for (int t = 0; t < 300; ++t) {
            rows += number(std::cos(0.2 * t)) + ',' + number(std::sin(0.3 * t)) + '\n';
        }
        cli.write("title.csv", "Hall 2,\na,b\n" + rows);
        const outcome titled = cli("train m title.csv" + quick);
        REQUIRE(titled.code == 0);
        CHECK(has(titled.out, "features: 2 columns: a, b"));
        CHECK_FALSE(has(titled.err, "--skip-rows"));
        cli.write("either.csv", "Hall 2,Hall 3\na,b\n" + rows);
        const outcome either = cli("train n either.csv" + quick);
        REQUIRE(either.code == 0);
        CHECK(has(either.err, "either.csv:2: a row of words below the names is left out"));
        CHECK(has(either.err, "--skip-rows 1"));
        CHECK(has(cli("train n either.csv --skip-rows 1" + quick).out, "columns: a, b"));
        cli.write("either.csv", "\nHall 2,Hall 3\na,b\n" + rows);
        const outcome lower = cli("train n either.csv" + quick);
        CHECK(has(lower.err, "either.csv:3: a row of words below the names is left out"));
        CHECK(has(lower.err, "--skip-rows 2"));
        CHECK(has(cli("train n either.csv --skip-rows 2" + quick).out, "columns: a, b"));
        // The names of a model decide.
        REQUIRE(cli("fit-errors m either.csv").code == 0);
        CHECK_FALSE(has(cli("tune m either.csv").err, "--skip-rows"));
    }

    TEST_CASE("times: irregular rows on a grid") {
        const program cli;
        std::string text = "time,a\n";
        double time = 0;
        for (int t = 0; t < 400; ++t) {
            time += 0.2 + 1.8 * (noise(t) + 0.5);
            text += number(time) + ',' + number(std::sin(0.2 * time)) + '\n';
        }
        cli.write("uneven.csv", text);
        const outcome plain = cli("train m uneven.csv" + quick);
        CHECK(has(plain.err, "--resample"));
        for (const char* by : {"mean", "last", "median"}) {
            const json grid = run_json(
                cli, std::string{"train m uneven.csv --resample 2 --resample-by "} + by + quick);
            CHECK(grid["read"]["rows"] == static_cast<int>(time / 2) + 1);
        }
        cli.write("timeless.csv", "a\n1\n2\n1\n");
        CHECK(has(cli("train m timeless.csv --resample 2" + quick).err, "--timestamp"));
        // Later rows are put on the same grid.
        REQUIRE(cli("train m uneven.csv --resample 2" + quick).code == 0);
        REQUIRE(cli("fit-errors m uneven.csv --resample 2").code == 0);
        REQUIRE(cli("tune m uneven.csv --resample 2").code == 0);
        const json judged = run_json(cli, "detect m uneven.csv --resample 2");
        REQUIRE(judged["verdicts"].size() > 20);
        CHECK(judged["verdicts"].size() < 300);
        CHECK(judged["verdicts"][1]["row"] == 2);
        CHECK(judged["verdicts"][1].contains("timestamp"));
        CHECK(judged["counts"]["invalid_sample"] == 0);
        CHECK(has(cli("detect m uneven.csv --resample 2 --stride 3").err, "without --stride"));
        // A stream has the verdicts of the recording.
        const auto streamed = lines_of(cli("stream m --resample 2", cli.read("uneven.csv")).out);
        REQUIRE(streamed.size() == judged["verdicts"].size());
        for (std::size_t row = 0; row < streamed.size(); ++row) {
            CHECK(streamed[row] == judged["verdicts"][row]);
        }
        // A time that goes back costs its row; a clock that stays back, some rows.
        const std::string rows = "time,a\n10,1\n11,1\n3,1\n12,1\n14,1\n";
        const auto one_wrong = lines_of(cli("stream m --resample 2", rows).out);
        REQUIRE(one_wrong.size() == 4); // the steps at 10, 12, 14 and the row
        CHECK(one_wrong[0]["verdict"] == "malformed_line");
        CHECK(one_wrong[0]["row"] == 3);
        CHECK(has(one_wrong[0]["error"].get<std::string>(), "the time 3"));
        const auto set_back =
            lines_of(cli("stream m --resample 2", rows + "4,1\n5,1\n6,1\n8,1\n").out);
        REQUIRE(set_back.size() == 8);
        CHECK(set_back[7]["timestamp"] == "8");
        // So does one far in the future; where three go on from there, it was a gap.
        const std::string future = "time,a\n10,1\n11,1\n9000,1\n12,1\n14,1\n16,1\n";
        const auto one_late = lines_of(cli("stream m --resample 2", future).out);
        REQUIRE(one_late.size() == 5); // the steps at 10, 12, 14, 16 and the row
        CHECK(one_late[0]["row"] == 3);
        CHECK(has(one_late[0]["error"].get<std::string>(), "after a gap"));
        CHECK(one_late[4]["timestamp"] == "16");
        const auto pause = lines_of(
            cli("stream m --resample 2", "time,a\n10,1\n900,1\n900,1\n902,1\n902,1\n904,1\n").out);
        REQUIRE(pause.size() == 6); // four rows, and the steps at 10 and 904
        CHECK(pause[5]["timestamp"] == "904");
        CHECK(cli("stream m --resample 2 --strict", rows).code == 3);
        const outcome paused =
            cli("stream m --resample 2 --strict", "time,a\n10,1\n900,1\n902,1\n904,1\n");
        CHECK(paused.code == 0);
        CHECK(lines_of(paused.out).size() == 4); // two rows, and the steps at 10 and 904
        CHECK(cli("stream m --resample 2 --strict", "time,a\n10,1\n900,1\nNA,1\n").code == 3);
        CHECK(has(cli("stream m --resample 2", "1\n2\n").out, "--timestamp"));
    }

    TEST_CASE("training: a model worse than the mean is refused, unless it is forced") {
        const program cli;
        cli.write("n.csv", "temp,hum\n" + rows(0, 200, climate));
        const std::string wild =
            "train m n.csv --window 6 --encoder 8 --epochs 3 --learning-rate 10";
        const outcome refused = cli(wild);
        CHECK(refused.code == 3);
        CHECK(has(refused.err, "worse than the mean"));
        CHECK(has(refused.err, "--force"));
        CHECK(cli.read("m").empty());
        const outcome forced = cli(wild + " --force");
        CHECK(forced.code == 0);
        CHECK(has(forced.err, "worse than the mean"));
        CHECK_FALSE(cli.read("m").empty());
    }

    TEST_CASE("times: days since 1899-12-30, as spreadsheets keep dates") {
        const program cli;
        const auto file = [](const char* name, double step, int decimals) {
            return std::string{name} + ",temp,hum\n" + rows(0, 80, [=](int t) {
                       char text[40];
                       std::snprintf(text, sizeof text, "%.*f", decimals, 45123.5 + step * t);
                       return std::string{text} + ',' + climate(t);
                   });
        };
        const std::string train = "train m n.csv --window 6 --encoder 4 --epochs 1 --force";
        constexpr const char* as_days = "local dates as days since 1899-12-30";
        cli.write("n.csv", file("timestamp", 5.0 / 1440, 10));
        const outcome minutes = cli(train);
        INFO(minutes.out << minutes.err);
        CHECK(has(minutes.out, as_days));
        CHECK(has(minutes.out, "from 2023-07-16 12:00:00 to 2023-07-16 18:35:00"));
        CHECK(has(minutes.out, "step 5 min"));
        CHECK_FALSE(has(minutes.err, "serial-dates"));
        CHECK(has(cli(train + " --no-serial-dates").out, "numbers taken for seconds"));

        // By the name of the column, or by the option; otherwise a warning says that there is one.
        cli.write("n.csv", file("Date", 0.5, 1));
        CHECK(has(cli(train).out, as_days));
        cli.write("n.csv", file("time", 0.5, 1));
        const outcome either = cli(train);
        CHECK(has(either.out, "numbers taken for seconds"));
        CHECK(has(either.err, "column 'time' may hold days since 1899-12-30"));
        CHECK(has(either.err, "--serial-dates"));
        const outcome asked = cli(train + " --serial-dates");
        CHECK(has(asked.out, as_days));
        CHECK(has(asked.out, "step 12 h"));
        CHECK_FALSE(has(asked.err, "serial-dates"));

        // Later phases read the same days: otherwise they would warn of other steps.
        for (const char* phase : {"fit-errors m n.csv", "tune m n.csv"}) {
            const outcome run = cli(phase);
            INFO(run.err);
            CHECK(run.code == 0);
            CHECK_FALSE(has(run.err, "apart"));
        }
        CHECK(has(cli("fit-errors m n.csv --no-serial-dates").err, "s apart, in training 43200 s"));
        CHECK(cli("fit-errors m n.csv").code == 0);
        CHECK(cli("tune m n.csv").code == 0);
        const std::string arriving = file("time", 0.5, 1);
        CHECK(lines_of(cli("stream m", arriving).out).back()["verdict"] == "normal");
        CHECK(has(cli("stream m --resample 43200", arriving).out, "2023-07-17 00:00:00"));
    }

    TEST_CASE("training: a checkpoint is not resumed with anything else") {
        const program cli;
        cli.write("n.csv", "temp,hum\n" + rows(0, 80, climate));
        cli.write("other.csv", "temp,hum\n" + rows(1, 81, climate));
        const std::string resume = " --checkpoint c --resume --epochs 3 --encoder 4 --force";
        REQUIRE(
            cli("train m n.csv --window 6 --encoder 4 --epochs 2 --checkpoint c --force").code ==
            0);
        const struct {
            const char* arguments;
            const char* difference;
        } others[] = {{"n.csv --window 7", "window was '6', is '7'"},
                      {"n.csv --window 6 --scaler min-max", "scaler was 'standard', is 'min_max'"},
                      {"n.csv --window 6 --loss l1", "loss was 'mse', is 'l1'"},
                      {"n.csv --window 6 --learning-rate 0.5", "learning rate was"},
                      {"n.csv --window 6 --schedule exponential", "schedule was 'constant'"},
                      {"n.csv --window 6 --seed 9", "seed was '0', is '9'"},
                      {"n.csv --window 6 --threads 2", "threads was '1', is '2'"},
                      {"other.csv --window 6", "training data was"},
                      {"n.csv --window 6 --validation other.csv", "validation data was"}};
        for (const auto& other : others) {
            const outcome run = cli(std::string{"train m "} + other.arguments + resume);
            INFO(std::string{other.arguments} << ": " << run.err);
            CHECK(run.code == 3);
            CHECK(has(run.err, other.difference));
        }
        CHECK(cli("train m n.csv --window 6" + resume).code == 0);
    }

    TEST_CASE("training: threads give the same weights each time") {
        const program cli;
        cli.write("n.csv", "temp,hum\n" + rows(0, 80, climate));
        const std::string training =
            " n.csv --window 6 --encoder 4 --epochs 2 --force --quiet --threads ";
        CHECK(cli("train one" + training + "2").code == 0);
        CHECK(cli("train two" + training + "2").code == 0);
        CHECK(cli.read("one") == cli.read("two"));
        CHECK(cli("train one" + training + "0").code == 2);
    }

    TEST_CASE("training: an interrupt keeps the best weights so far") {
        const program cli;
        cli.write("n.csv", "temp,hum\n" + rows(0, 2000, climate));
        const outcome run =
            cli("--version >stdout; timeout --foreground --preserve-status -s INT 6 '" +
                std::string{cli_path} +
                "' train m n.csv --window 20 --encoder 16 --epochs 100000 "
                "--patience 0 --force >stdout 2>stderr #");
        CHECK(run.code == 130);
        CHECK(has(run.err, "has the best weights so far"));
        CHECK(run_json(cli, "inspect m")["phase"] == "trained");
    }

    TEST_CASE("fit-errors and tune: few windows for many sensors, and the same rows twice") {
        const program cli;
        std::string text = "a,b,c,d,e,f\n";
        for (int t = 0; t < 70; ++t) {
            for (int f = 0; f < 6; ++f) {
                text += number(std::sin(0.3 * t + f) + noise(6 * t + f)) + (f < 5 ? "," : "\n");
            }
        }
        cli.write("six.csv", text);
        cli.write("more.csv", text + "1,2,1,2,1,2\n");
        REQUIRE(cli("train m six.csv" + quick).code == 0);
        const outcome few = cli("fit-errors m six.csv");
        CHECK(has(few.err, "65 windows are few for 6 sensors"));
        CHECK(has(few.err, "(about 1.2 times)"));
        CHECK(has(cli("tune m six.csv").err, "fit-errors saw the same rows"));
        CHECK_FALSE(has(cli("tune m more.csv").err, "fit-errors saw the same rows"));
    }
}
