#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/io/detector_file.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

namespace {

using nlohmann::json;

const std::string quick = " --model lstm --layers 8 --epochs 8";

/// Rows of two sinusoids with a period of 12.566 rows.
void generate(const program& cli, const std::string& name, int rows, int seed) {
    REQUIRE(cli("generate " + name +
                " --as csv --normal 1 --features 2 --frequency 0.5,0.5 "
                "--amplitude 1,2 --noise 0.2 --seed 7 --sequence-seed " +
                std::to_string(seed) + " --length " + std::to_string(rows))
                .code == 0);
}
/// The file with a first column of times, every ten minutes.
void add_times(const program& cli, const std::string& name, const std::string& other) {
    const std::string text = cli.read(name);
    std::string timed = "timestamp," + text.substr(0, text.find('\n') + 1);
    int row = 0;
    for (auto at = text.find('\n') + 1; at < text.size(); ++row) {
        const auto end = text.find('\n', at);
        timed += std::to_string(1'700'000'000 + 600 * row) + ',' + text.substr(at, end + 1 - at);
        at = end + 1;
    }
    cli.write(other, timed);
}

int anomalies(const json& judged, int first, int last) {
    int found = 0;
    for (const json& verdict : judged["verdicts"]) {
        const int row = verdict["row"];
        found += row >= first && row <= last && verdict["verdict"] == "anomaly" ? 1 : 0;
    }
    return found;
}
/// Two sensors with a slow wave; the second has a quarter of its noise from row `quiet` on.
void write_waves(const program& cli, const std::string& name, int rows, int quiet,
                 std::uint64_t seed, int peak = -1) {
    tocsin::random_generator random(seed);
    std::string text = "a,b\n";
    for (int t = 0; t < rows; ++t) {
        const double noise = t < quiet ? 0.2 : 0.05;
        text += std::to_string(std::sin(0.1 * t) + 0.2 * random.normal() + (t == peak ? 4 : 0)) +
                ',' + std::to_string(std::cos(0.1 * t) + noise * random.normal()) + '\n';
    }
    cli.write(name, text);
}
/// Two levels in no order, with a value between them in row `gap`; and noise.
void write_levels(const program& cli, const std::string& name, int rows, int gap,
                  std::uint64_t seed) {
    tocsin::random_generator random(seed);
    std::string text = "a,b\n";
    for (int t = 0; t < rows; ++t) {
        const double level = t == gap ? 5 : random.below(2) == 0 ? 0 : 10;
        text += std::to_string(level + 0.1 * random.normal()) + ',' +
                (t == gap + 5 ? "" : std::to_string(1000 + random.normal())) + '\n';
    }
    cli.write(name, text);
}
/// A stream is judged like the file, and what fits no such model is refused and changes nothing.
void check_stream_and_refusals(const program& cli, const json& judged, const std::string& judge) {
    const outcome streamed = cli("stream m --json", cli.read("later.csv"));
    REQUIRE_MESSAGE(streamed.code == 0, streamed.err);
    const auto lines = lines_of(streamed.out);
    REQUIRE(lines.size() == judged["verdicts"].size());
    for (std::size_t row = 0; row < lines.size(); ++row) {
        CHECK(lines[row]["verdict"] == judged["verdicts"][row]["verdict"]);
    }
    const std::string before = cli.read("m");
    for (const char* const command :
         {"tune m normal.csv", "fit-errors m normal.csv", "export m --firmware m.hpp",
          "detect m later.csv --stride 5", "detect m later.csv --learn 100", "stream m --adapt"}) {
        const outcome refused = cli(command, cli.read("later.csv"));
        INFO(command << ": " << refused.err);
        CHECK(refused.code != 0);
        CHECK(refused.err.find(judge) != std::string::npos);
    }
    CHECK(cli.read("m") == before);
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("fit: from two recordings to a tuned model, with what to expect") {
        const program cli;
        generate(cli, "a.csv", 1600, 1);
        generate(cli, "b.csv", 1200, 2);
        const json fitted = run_json(cli, "fit m a.csv b.csv" + quick);
        CHECK(fitted["rows"] == 2800);
        CHECK(fitted["recordings"] == 2);
        CHECK(fitted["period"] >= 12);
        CHECK(fitted["period"] <= 13);
        CHECK(fitted["window"] == fitted["period"]);
        const json& expect = fitted["expect"];
        CHECK(expect["rows"] > 400);
        CHECK(expect["alarms_per_10000_rows"] < expect["most_alarms_per_10000_rows"]);
        CHECK(expect["sensors"].size() == 2);
        for (const json& sensor : expect["sensors"]) {
            CHECK(sensor["smallest_shift"] > 0);
            CHECK(sensor["deviations"] < 10);
            CHECK(sensor["found"] >= 0.8);
        }
        CHECK(run_json(cli, "inspect m")["phase"] == "tuned");
        // The expectation holds on other data: a shift twice as large is found.
        generate(cli, "c.csv", 600, 3);
        std::string text = cli.read("c.csv");
        const double shift = 2 * expect["sensors"][0]["smallest_shift"].get<double>();
        std::string shifted;
        int row = -1;
        for (std::size_t at = 0; at < text.size(); ++row) {
            const auto end = text.find('\n', at);
            std::string line = text.substr(at, end - at);
            if (row >= 400) {
                const auto comma = line.find(',');
                line =
                    std::to_string(std::stod(line.substr(0, comma)) + shift) + line.substr(comma);
            }
            shifted += line + '\n';
            at = end + 1;
        }
        cli.write("shifted.csv", shifted);
        const json judged = run_json(cli, "detect m shifted.csv");
        int before = 0;
        int after = 0;
        for (const json& verdict : judged["verdicts"]) {
            const bool anomaly = verdict["verdict"] == "anomaly";
            before += anomaly && verdict["row"] <= 400 ? 1 : 0;
            after += anomaly && verdict["row"] > 400 && verdict["row"] <= 430 ? 1 : 0;
        }
        CHECK(before < 20);
        CHECK(after > 0);
    }

    TEST_CASE("fit: alarms per week if rows have times; prints what was read") {
        const program cli;
        generate(cli, "rows.csv", 1500, 1);
        add_times(cli, "rows.csv", "timed.csv");
        const json fitted = run_json(cli, "fit m timed.csv --no-shifts" + quick);
        CHECK(fitted["expect"].contains("alarms_per_week"));
        CHECK(!fitted["expect"].contains("sensors"));
        const outcome text = cli("fit m timed.csv --no-shifts --window 10" + quick);
        CHECK(text.code == 0);
        CHECK(text.out.find("1500 rows") != std::string::npos);
        CHECK(text.out.find("step 10 min") != std::string::npos);
        CHECK(text.out.find("a week") != std::string::npos);
        CHECK(text.out.find("next: tocsin_cli detect m") != std::string::npos);
        CHECK(cli("fit m timed.csv --no-shifts --quiet" + quick).out.empty());
    }

    TEST_CASE("fit: labelled rows are not learned from; they choose the threshold") {
        const program cli;
        generate(cli, "rows.csv", 1500, 1);
        std::string text = cli.read("rows.csv");
        std::string labelled;
        int row = -1;
        for (std::size_t at = 0; at < text.size(); ++row) {
            const auto end = text.find('\n', at);
            const bool wrong = row >= 1000 && row < 1040;
            labelled += (wrong ? "9,9" : text.substr(at, end - at)) +
                        (row < 0 ? ",label"
                         : wrong ? ",1"
                                 : ",0") +
                        '\n';
            at = end + 1;
        }
        cli.write("labelled.csv", labelled);
        const json fitted = run_json(cli, "fit m labelled.csv --no-shifts" + quick);
        CHECK(fitted["rule"] == "f-beta");
        CHECK(run_json(cli, "detect m labelled.csv")["metrics"]["step"]["recall"] > 0.9);
    }

    TEST_CASE("fit: labels of something else do not make every row an alarm") {
        const program cli;
        generate(cli, "rows.csv", 1500, 1);
        const std::string text = cli.read("rows.csv");
        std::string labelled;
        int row = -1;
        for (std::size_t at = 0; at < text.size(); ++row) {
            const auto end = text.find('\n', at);
            labelled += text.substr(at, end - at) +
                        (row < 0                   ? ",label"
                         : row >= 300 && row < 500 ? ",1"
                                                   : ",0") +
                        '\n';
            at = end + 1;
        }
        cli.write("labelled.csv", labelled);
        const outcome run = cli("fit m labelled.csv --no-shifts --json" + quick);
        CHECK(run.code == 0);
        const json fitted = json::parse(run.out);
        CHECK(fitted["rule"] == "quantile");
        CHECK(fitted["expect"]["alarm_rows"] < 30);
        CHECK_MESSAGE(run.err.find("more normal rows than rows labelled anomalous") !=
                          std::string::npos,
                      run.err);
    }

    TEST_CASE("fit: errors are held out, also with holes and a gap") {
        const program cli;
        generate(cli, "rows.csv", 1500, 1);
        std::string text = cli.read("rows.csv");
        std::string holes;
        int row = -1;
        for (std::size_t at = 0; at < text.size(); ++row) {
            const auto end = text.find('\n', at);
            const std::string line = text.substr(at, end - at);
            holes += row < 0 ? "time," + line + '\n'
                             : std::to_string(60 * (row < 700 ? row : row + 500)) + ',' +
                                   (row % 9 == 4 ? line.substr(line.find(',')) : line) + '\n';
            at = end + 1;
        }
        cli.write("holes.csv", holes);
        const std::string command = "fit m holes.csv --no-shifts --window 12" + quick;
        const json crossed = run_json(cli, command);
        CHECK(crossed["folds"] == 2);
        CHECK(crossed["recordings"] == 2);
        CHECK(run_json(cli, "inspect m")["phase"] == "tuned");
        const json once = run_json(cli, command + " --folds 0");
        CHECK(once["folds"] == 0);
        CHECK(once["threshold"] != crossed["threshold"]);
        CHECK(run_json(cli, command + " --folds 3")["folds"] == 3);
        CHECK(cli(command + " --folds 1").code == 2);
        const std::string output = cli(command).out;
        CHECK(output.find("cross-fitted in") != std::string::npos);
        CHECK(output.find("2 models of ") != std::string::npos);
    }

    TEST_CASE("fit: with enough scores their tail gives the threshold") {
        const program cli;
        generate(cli, "rows.csv", 3000, 1);
        const json fitted = run_json(cli, "fit m rows.csv --no-shifts --window 8" + quick);
        CHECK(fitted["rule"] == "peaks-over-threshold");
        generate(cli, "few.csv", 900, 1);
        CHECK(run_json(cli, "fit m few.csv --no-shifts --window 8" + quick)["rule"] == "quantile");
    }

    TEST_CASE("fit: unusable data and options are refused before training") {
        const program cli;
        generate(cli, "rows.csv", 60, 1);
        const outcome brief = cli("fit m rows.csv --window 30" + quick);
        CHECK(brief.code == 3);
        CHECK(brief.err.find("30 rows") != std::string::npos);
        REQUIRE(cli("generate sequences.txt --normal 20").code == 0);
        CHECK(cli("fit m sequences.txt" + quick).code == 3);
        REQUIRE(cli("generate other.csv --as csv --normal 1 --features 1 --length 900").code == 0);
        generate(cli, "long.csv", 900, 1);
        CHECK(cli("fit m long.csv other.csv --no-shifts" + quick).code != 0);
        CHECK(cli("fit m missing.csv" + quick).code == 4);
        CHECK(cli("fit m long.csv --false-alarm-rate 0" + quick).code == 2);
        CHECK(cli.read("m").empty());
    }

    TEST_CASE("fit: an interrupt keeps the best weights so far, without a threshold") {
        const program cli;
        generate(cli, "rows.csv", 4000, 1);
        const auto interrupted = [&](const std::string& arguments) {
            return cli("--version >stdout; timeout --foreground --preserve-status -s INT 6 '" +
                       std::string{cli_path} + "' fit m rows.csv --model lstm --force " +
                       arguments + " >stdout 2>stderr #");
        };
        // While the first model is trained; then while cross-fitting.
        for (const std::string arguments :
             {"--window 60 --layers 64,64", "--window 20 --layers 32 --epochs 1 --folds 100"}) {
            CAPTURE(arguments);
            const outcome run = interrupted(arguments);
            INFO(run.out << run.err);
            CHECK(run.code == 130);
            CHECK(run.out.find("cross-fitted") == std::string::npos);
            CHECK(run.err.find("interrupted: m has the best weights so far, but no threshold") !=
                  std::string::npos);
            CHECK(run_json(cli, "inspect m")["phase"] == "trained");
            CHECK(cli("fit-errors m rows.csv").code == 0);
            CHECK(cli("tune m rows.csv").code == 0);
        }
    }

    TEST_CASE("fit: missing cells, a column far from 0, a gap") {
        const program cli;
        generate(cli, "rows.csv", 2000, 1);
        add_times(cli, "rows.csv", "timed.csv");
        // Every seventh value of the first column is missing, the second is 1.7e9 away from 0, and
        // between rows 1000 and 1001 there is a day.
        const auto change = [&](const std::string& name, int missing) {
            const std::string text = cli.read("timed.csv");
            std::string changed = text.substr(0, text.find('\n') + 1);
            int row = 0;
            for (auto at = text.find('\n') + 1; at < text.size(); ++row) {
                const auto end = text.find('\n', at);
                const std::string line = text.substr(at, end - at);
                const auto first = line.find(',');
                const auto second = line.find(',', first + 1);
                char cells[96];
                std::snprintf(cells, sizeof cells, "%ld,%s,%.6f\n",
                              std::stol(line) + (row >= 1000 ? 86400 : 0),
                              missing > 0 && row % missing == 0
                                  ? ""
                                  : line.substr(first + 1, second - first - 1).c_str(),
                              1.7e9 + std::stod(line.substr(second + 1)));
                changed += cells;
                at = end + 1;
            }
            cli.write(name, changed);
        };
        change("whole.csv", 0);
        change("holes.csv", 7);
        const json whole = run_json(cli, "fit m whole.csv --no-shifts" + quick);
        CHECK(whole["recordings"] == 2);
        CHECK(whole["period"] >= 12);
        CHECK(whole["period"] <= 13);
        const json holes = run_json(cli, "fit h holes.csv --no-shifts" + quick);
        CHECK(holes["period"] == whole["period"]);
        CHECK(holes["expect"]["rows"] == whole["expect"]["rows"]);
        CHECK(run_json(cli, "detect h whole.csv --report r.html")["counts"]["anomaly"] < 100);
        const std::string page = cli.read("r.html");
        CHECK(page.find("\"offsets\":[0") != std::string::npos);
        CHECK(page.find("170000000") != std::string::npos);
    }

    TEST_CASE("fit: the same seed gives the same model; the phases continue from it") {
        const program cli;
        generate(cli, "rows.csv", 900, 1);
        run_json(cli, "fit a rows.csv --no-shifts" + quick);
        run_json(cli, "fit b rows.csv --no-shifts" + quick);
        CHECK(cli.read("a") == cli.read("b"));
        run_json(cli, "fit c rows.csv --no-shifts --threads 2" + quick);
        run_json(cli, "fit d rows.csv --no-shifts --threads 2" + quick);
        CHECK(cli.read("c") == cli.read("d"));
        CHECK(run_json(cli, "tune a rows.csv --rule sigma")["rule"] == "sigma");
        CHECK(run_json(cli, "fit f rows.csv --no-shifts --model forecaster --window 16 "
                            "--layers 8 --epochs 8")["window"] == 16);
        CHECK(run_json(cli, "inspect f")["model"] == "forecaster");
    }

    TEST_CASE("fit: a linear model, with what to expect") {
        const program cli;
        generate(cli, "rows.csv", 2000, 1);
        const json fitted = run_json(cli, "fit m rows.csv --model linear");
        CHECK(fitted["kind"] == "linear_forecaster");
        CHECK(fitted["choice"].is_null());
        CHECK(fitted["window"] == 11);
        CHECK(fitted["epochs"] == 1);
        CHECK(fitted["expect"]["sensors"].size() == 2);
        for (const json& sensor : fitted["expect"]["sensors"]) {
            CHECK(sensor["deviations"] < 10);
        }
        CHECK(run_json(cli, "inspect m")["phase"] == "tuned");
        generate(cli, "other.csv", 1000, 2);
        CHECK(run_json(cli, "detect m other.csv")["counts"]["anomaly"] < 30);
        run_json(cli, "fit again rows.csv --model linear");
        CHECK(cli.read("m") == cli.read("again"));
        CHECK(run_json(cli, "fit short rows.csv --model linear --no-shifts --window 6")["window"] ==
              6);
        CHECK(run_json(cli, "fit once rows.csv --model linear --no-shifts --folds 0")["folds"] ==
              0);
    }

    TEST_CASE("fit: the model that finds more inserted anomalies is chosen") {
        const program cli;
        generate(cli, "rows.csv", 2400, 1);
        // An LSTM that has hardly learned.
        const outcome text = cli("fit m rows.csv --no-shifts --layers 2 --epochs 1");
        INFO(text.out << text.err);
        CHECK(text.code == 0);
        CHECK(text.out.find("linear_forecaster: trained on") != std::string::npos);
        CHECK(text.out.find("encoder_decoder: trained on") != std::string::npos);
        CHECK(text.out.find("model: linear_forecaster, ") != std::string::npos);
        CHECK(run_json(cli, "inspect m")["model"] == "linear_forecaster");

        const json fitted = run_json(cli, "fit m rows.csv --no-shifts --layers 16 --epochs 15");
        const json& choice = fitted["choice"];
        CHECK(choice["inserted"] == 120);
        CHECK(choice["linear_forecaster"] > 20);
        CHECK(choice["encoder_decoder"] > 20);
        const bool more = choice["encoder_decoder"] > choice["linear_forecaster"];
        CHECK(fitted["kind"] == (more ? "encoder_decoder" : "linear_forecaster"));
    }

    TEST_CASE("fit: where no comparison is possible the LSTM is taken, and the reason is given") {
        const program cli;
        generate(cli, "rows.csv", 300, 1); // 30 rows for the choice, 60 with those before
        const outcome text = cli("fit m rows.csv --no-shifts --window 25 --layers 4 --epochs 4 "
                                 "--folds 0 --force");
        INFO(text.out << text.err);
        CHECK(text.code == 0);
        CHECK(text.out.find("model: encoder_decoder: there are too few rows to compare it with "
                            "linear_forecaster") != std::string::npos);
        CHECK(run_json(cli, "inspect m")["model"] == "encoder_decoder");
    }

    TEST_CASE("fit: charts find a sensor that goes quiet, which no single row shows") {
        const program cli;
        // The second sensor has a quarter of its noise from row `quiet` on.
        const auto write = [&](const std::string& name, int rows, int quiet, std::uint64_t seed) {
            tocsin::random_generator random(seed);
            std::string text = "a,b\n";
            for (int t = 0; t < rows; ++t) {
                const double noise = t < quiet ? 0.2 : 0.05;
                text += std::to_string(std::sin(0.1 * t) + 0.2 * random.normal()) + ',' +
                        std::to_string(std::cos(0.1 * t) + noise * random.normal()) + '\n';
            }
            cli.write(name, text);
        };
        write("normal.csv", 4000, 4000, 1);
        write("later.csv", 2000, 1400, 2);
        const json fitted = run_json(cli, "fit m normal.csv --model charts --alarms 5 --no-shifts");
        CHECK(fitted["kind"] == "charts");
        CHECK(fitted["rule"] == "charts");
        CHECK(fitted["expect"]["alarms"] < 10);
        const json inspected = run_json(cli, "inspect m");
        CHECK(inspected["rule"] == "charts of residuals");
        CHECK(inspected["promised_rate"] == 5);
        const auto anomalies = [](const json& judged, int from) {
            int found = 0;
            for (const json& verdict : judged["verdicts"]) {
                found += verdict["row"] > from && verdict["verdict"] == "anomaly" ? 1 : 0;
            }
            return found;
        };
        const json judged = run_json(cli, "detect m later.csv --report page.html");
        CHECK(anomalies(judged, 1400) > 300);
        CHECK(anomalies(judged, 0) - anomalies(judged, 1400) < 100);
        CHECK(judged["counts"]["promised_rate"] == 5);
        CHECK(judged["verdicts"].back()["shares"]["b"] == 1);
        CHECK(judged["verdicts"].back()["score"] > judged["step_threshold"]);
        CHECK(cli.read("page.html").find("5 false alarms in 10000 rows") != std::string::npos);
        run_json(cli, "fit single normal.csv --model linear --no-shifts");
        CHECK(anomalies(run_json(cli, "detect single later.csv"), 1400) < 30);
        check_stream_and_refusals(cli, judged, "charts");
        CHECK(cli("fit n normal.csv --model charts --folds 0").err.find("--folds 0") !=
              std::string::npos);
        CHECK(cli("fit n normal.csv --model linear --alarms 2").err.find("--alarms") !=
              std::string::npos);
        CHECK(
            cli("fit n normal.csv --model charts --false-alarm-rate 0.001").err.find("--alarms") !=
            std::string::npos);
        CHECK(cli.read("n").empty());
    }

    TEST_CASE("fit: nearest values find a value that has not occurred before") {
        const program cli;
        write_levels(cli, "normal.csv", 2000, 5000, 1);
        write_levels(cli, "later.csv", 1000, 700, 2);
        const json fitted =
            run_json(cli, "fit m normal.csv --model nearest_value --alarms 5 --no-shifts");
        CHECK(fitted["kind"] == "nearest_value");
        CHECK(fitted["rule"] == "nearest_value");
        CHECK(fitted["window"] == 1);
        CHECK(fitted["expect"]["alarms"] < 5);
        const json inspected = run_json(cli, "inspect m");
        CHECK(inspected["model"] == "nearest_value");
        CHECK(inspected["memory"] == 4000);
        CHECK(inspected["promised_rate"] == 5);
        const json judged = run_json(cli, "detect m later.csv --report page.html");
        CHECK(anomalies(judged, 701, 701) == 1);
        CHECK(judged["verdicts"][700]["shares"]["a"] == 1);
        CHECK(judged["verdicts"][700]["shares"]["b"] == 0);
        CHECK(anomalies(judged, 1, 1000) < 10);
        CHECK(judged["verdicts"][705]["verdict"] == "invalid_sample");
        CHECK(judged["counts"]["promised_rate"] == 5);
        CHECK(cli.read("page.html").find("5 false alarms in 10000 rows, by nearest values") !=
              std::string::npos);
        check_stream_and_refusals(cli, judged, "nearest values");
        // A program of one's own loads the file.
        const auto loaded =
            tocsin::load_detector<tocsin::scored_comparator<tocsin::nearest_value_novelty>>(
                cli.path("m"));
        REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
        CHECK(loaded->features() == 2);
        CHECK(loaded->rule().threshold() == judged["step_threshold"]);
        for (const std::string option : {"--window 5", "--period 5", "--folds 3", "--folds 0",
                                         "--false-alarm-rate 0.001", "--combine bonferroni"}) {
            const outcome refused = cli("fit n normal.csv --model nearest_value " + option);
            CHECK(refused.err.find(option.substr(0, option.find(' '))) != std::string::npos);
            CHECK(refused.code != 0);
        }
        CHECK(cli("fit n normal.csv --model linear --memory 50").code != 0);
        CHECK(cli.read("n").empty());
        // More than the scores can bring is said.
        CHECK(cli("fit n normal.csv --model nearest_value --alarms 1000 --no-shifts --memory 50")
                  .err.find("--alarms 1000") != std::string::npos);
        CHECK(run_json(cli, "inspect n")["memory"] == 50);
    }

    TEST_CASE("fit: an ensemble finds what its charts or its nearest values find") {
        const program cli;
        write_waves(cli, "normal.csv", 4000, 4000, 1);
        write_waves(cli, "later.csv", 2000, 1400, 2, 1000);
        const std::string fit = "fit m normal.csv --no-shifts --alarms 5 --model ";
        run_json(cli, fit + "nearest_value");
        const json by_values = run_json(cli, "detect m later.csv");
        CHECK(anomalies(by_values, 1001, 1001) == 1);
        CHECK(anomalies(by_values, 1401, 2000) < 30);
        const json fitted = run_json(cli, fit + "ensemble");
        CHECK(fitted["kind"] == "ensemble");
        CHECK(fitted["rule"] == "ensemble");
        const json inspected = run_json(cli, "inspect m");
        CHECK(inspected["model"] == "linear_forecaster");
        CHECK(inspected["rule"] == "charts of residuals and nearest values");
        CHECK(inspected["combination"] == "bonferroni");
        const json judged = run_json(cli, "detect m later.csv --report page.html");
        CHECK(anomalies(judged, 1001, 1001) == 1);
        CHECK(judged["verdicts"][1000]["shares"]["a"] == 1);
        CHECK(anomalies(judged, 1401, 2000) > 250);
        CHECK(judged["verdicts"].back()["shares"]["b"] == 1);
        CHECK(anomalies(judged, 1, 1000) < 100);
        CHECK(cli.read("page.html").find("by charts of residuals and nearest values") !=
              std::string::npos);
        check_stream_and_refusals(cli, judged, "charts of residuals and nearest values");
        // Values alone do not see the quiet sensor, so both never agree on it.
        run_json(cli, fit + "ensemble --combine second-smallest");
        CHECK(run_json(cli, "inspect m")["combination"] == "second-smallest");
        CHECK(anomalies(run_json(cli, "detect m later.csv"), 1401, 2000) < 30);
    }

    TEST_CASE("fit: single wrong readings do not make charts and nearest values blind") {
        const program cli;
        write_waves(cli, "clean.csv", 2000, 4000, 1);
        write_waves(cli, "later.csv", 2000, 1400, 2, 1000);
        std::string text = cli.read("clean.csv");
        std::size_t at = 0;
        for (int row = 0; row < 1101; ++row) { // the header comes first
            at = text.find('\n', at) + 1;
        }
        text.replace(at, text.find(',', at) - at, "-9999"); // of sensor a
        cli.write("normal.csv", text);
        for (const std::string model : {"charts", "nearest_value"}) {
            const outcome fitted = cli("fit m normal.csv --no-shifts --alarms 5 --model " + model);
            REQUIRE_MESSAGE(fitted.code == 0, fitted.err);
            CHECK(fitted.err.find("column 'a': -9999 in row 1101:") != std::string::npos);
            const json judged = run_json(cli, "detect m later.csv");
            CHECK(anomalies(judged, 1001, 1001) == 1);
            CHECK(anomalies(judged, 1, 1000) < 100);
            CHECK((anomalies(judged, 1401, 2000) > 250) == (model == "charts"));
            CHECK(cli("fit m clean.csv --no-shifts --model " + model).err.find("wrong readings") ==
                  std::string::npos);
        }
    }
}
