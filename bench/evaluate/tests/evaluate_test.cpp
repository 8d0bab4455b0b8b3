#include "tocsin/io/csv.hpp"
#include "tocsin/io/delimited_sequences.hpp"
#include "tocsin/series/generator.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "io/temporary_directory.hpp"
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <sys/wait.h>
#include <vector>

/// Path of the program; CMake writes its definition.
extern const char* const evaluate_path;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tocsin_test::temporary_directory;

std::string quoted(const std::string& text) {
    return "'" + text + "'";
}

/// Runs evaluate; its output goes to files next to the results.
int run(const temporary_directory& directory, const std::string& arguments,
        const std::string& environment = "env -u TOCSIN_DATA_DIR") {
    const std::string command = environment + " " + quoted(evaluate_path) + " " + arguments + " >" +
                                quoted((directory / "stdout").string()) + " 2>" +
                                quoted((directory / "stderr").string());
    const int code = std::system(command.c_str());
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

std::string text_of(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

json without_time(const fs::path& results) {
    json read = json::parse(text_of(results));
    read.erase("seconds");
    return read;
}

/// A small set of sequences, with the file names that the format prescribes.
void write_set(const fs::path& directory, std::uint64_t seed) {
    fs::create_directories(directory);
    tocsin::random_generator random(seed);
    const auto generator =
        tocsin::sinusoid_generator<float>::make({.features = 2, .length = 12}, random).value();
    const auto normal = [&](const char* name) {
        CHECK(tocsin::write_sequences(directory / name, generator.normal(32, random).value()).ok());
    };
    const auto mixed = [&](const char* name) {
        const auto set = generator.mixed(20, 12, {.anomalous_steps = 4}, random).value();
        CHECK(tocsin::write_sequences(directory / name, set).ok());
    };
    normal("training_normal_sequences.csv");
    normal("validation_normal_1_sequences.csv");
    mixed("labeled_validation_mixed_sequences.csv");
    mixed("labeled_test_mixed_sequences.csv");
}

/// A recording in the layout of SKAB: noise around a level that rises where the label is 1, and a
/// drift.
void write_recording(const fs::path& path, std::uint64_t seed, int rows) {
    fs::create_directories(path.parent_path());
    tocsin::random_generator random(seed);
    std::ofstream file{path};
    file << "datetime;Flow;Volume Flow RateRMS;Temperature;anomaly;changepoint\n";
    for (int t = 0; t < rows; ++t) {
        const bool anomalous = t >= 430 && t < 460;
        file << "2020-03-09 10:00:" << t << ';' << random.normal() + (anomalous ? 20 : 0) << ';'
             << random.normal() << ';' << 0.1 * t << ';' << anomalous << ".0;"
             << (t == 430 || t == 460) << ".0\n";
    }
}

void check_counts(const json& metrics, std::int64_t anomalous, std::int64_t normal) {
    const std::int64_t tp = metrics.at("tp");
    const std::int64_t fp = metrics.at("fp");
    CHECK(tp + metrics.at("fn").get<std::int64_t>() == anomalous);
    CHECK(fp + metrics.at("tn").get<std::int64_t>() == normal);
    CHECK(metrics.at("far").get<double>() ==
          doctest::Approx(static_cast<double>(fp) / static_cast<double>(normal)));
    CHECK(metrics.at("mar").get<double>() ==
          doctest::Approx(1 - static_cast<double>(tp) / static_cast<double>(anomalous)));
    CHECK(metrics.at("recall").get<double>() ==
          doctest::Approx(static_cast<double>(tp) / static_cast<double>(anomalous)));
    CHECK(metrics.at("precision").get<double>() <= 1);
    CHECK(metrics.at("f1").get<double>() <= 1);
}

void check_frame(const json& results, const char* suite, int seed) {
    CHECK(results.at("suite") == suite);
    CHECK(results.at("seed") == seed);
    CHECK(results.at("seconds").get<double>() >= 0);
    CHECK(results.at("settings").at("epochs") == 2);
    CHECK(results.at("files").is_array());
}

} // namespace

TEST_SUITE("evaluate") {
    TEST_CASE("evaluate: synthetic sets of any name give one entry each") {
        const temporary_directory directory;
        write_set(directory / "synth/any name", 1);
        write_set(directory / "synth/deeper/other", 2);
        fs::create_directories(directory / "synth/incomplete");
        const std::string options = "--suite synth --epochs 2 --seed 7 --data " +
                                    quoted((directory / "").string()) + " --out ";
        REQUIRE(run(directory, options + quoted((directory / "a.json").string())) == 0);
        const json results = json::parse(text_of(directory / "a.json"));
        check_frame(results, "synth", 7);
        REQUIRE(results.at("files").size() == 2);
        CHECK(results["files"][0].at("file") == "any name");
        CHECK(results["files"][1].at("file") == "deeper/other");
        for (const json& file : results["files"]) {
            check_counts(file, 12, 20);
            CHECK(file.at("auc").get<double>() > 0.5);
            CHECK(file.at("rmse").get<double>() >= file.at("mae").get<double>());
        }
        check_counts(results.at("totals"), 24, 40);
        CHECK(results["totals"].at("auc").get<double>() ==
              doctest::Approx((results["files"][0]["auc"].get<double>() +
                               results["files"][1]["auc"].get<double>()) /
                              2));
        CHECK(text_of(directory / "stdout").find("any name") != std::string::npos);

        REQUIRE(run(directory, options + quoted((directory / "b.json").string())) == 0);
        CHECK(without_time(directory / "a.json") == without_time(directory / "b.json"));
    }

    TEST_CASE(
        "evaluate: recordings of any name are found by their columns, TOCSIN_DATA_DIR works") {
        const temporary_directory directory;
        write_recording(directory / "skab/some folder/x.csv", 1, 480);
        write_recording(directory / "elsewhere/y.csv", 2, 500);
        fs::create_directory_symlink(directory / "elsewhere", directory / "skab/z linked");
        std::ofstream{directory / "skab/normal.csv"} << "datetime;Flow\n1;2\n";
        const std::string environment = "env TOCSIN_DATA_DIR=" + quoted((directory / "").string());
        const std::string options = "--suite skab --epochs 2 --out ";
        REQUIRE(run(directory, options + quoted((directory / "a.json").string()), environment) ==
                0);
        const json results = json::parse(text_of(directory / "a.json"));
        check_frame(results, "skab", 1);
        REQUIRE(results.at("files").size() == 2);
        CHECK(results["files"][0].at("file") == "some folder/x.csv");
        CHECK(results["files"][1].at("file") == "z linked/y.csv");
        check_counts(results["files"][0], 30, 50);
        check_counts(results["files"][1], 30, 70);
        check_counts(results.at("totals"), 60, 120);
        // Twenty standard deviations cannot be missed, and the drift raises no alarm.
        CHECK(results["totals"].at("recall").get<double>() > 0.9);
        CHECK(results["files"][0].at("far").get<double>() < 0.6);
        CHECK_FALSE(results["totals"].contains("auc"));
        CHECK(text_of(directory / "stderr").find("normal.csv has no column 'anomaly'") !=
              std::string::npos);

        REQUIRE(run(directory, options + quoted((directory / "b.json").string()), environment) ==
                0);
        CHECK(without_time(directory / "a.json") == without_time(directory / "b.json"));
    }

    TEST_CASE("evaluate: errors are named and decide the exit code") {
        const temporary_directory directory;
        const auto reports = [&](const char* text) {
            return text_of(directory / "stderr").find(text) != std::string::npos;
        };
        const std::string data = " --epochs 1 --data " + quoted((directory / "").string());
        CHECK(run(directory, "--suite nothing" + data) == 2);
        CHECK(run(directory, "--suite synth --seed x" + data) == 2);
        CHECK(run(directory, "") == 2);
        CHECK(run(directory, "--suite synth") == 4);
        CHECK(reports("TOCSIN_DATA_DIR"));
        CHECK(run(directory, "--suite synth" + data) == 4);
        CHECK(reports("synth"));
        fs::create_directories(directory / "skab");
        CHECK(run(directory, "--suite skab" + data) == 4);
        CHECK(reports("holds no file"));
        write_recording(directory / "skab/short.csv", 1, 400);
        CHECK(run(directory, "--suite skab" + data) == 3);
        CHECK(reports("short.csv: has 400 rows"));
        write_recording(directory / "skab/short.csv", 1, 410);
        CHECK(run(directory, "--suite skab --out /nowhere/results.json" + data) == 4);
        CHECK(reports("/nowhere/results.json"));
        std::ofstream{directory / "skab/short.csv", std::ios::app} << "2020;1;2;x;0;0\n";
        CHECK(run(directory, "--suite skab" + data) == 3);
        CHECK(reports("short.csv:412:"));
        CHECK(run(directory, "--help") == 0);
    }
}

TEST_SUITE("evaluate on real data") {
    TEST_CASE("evaluate: SKAB with seed 1 is at least as good as the published LSTM-AE") {
        const char* const data = std::getenv("TOCSIN_DATA_DIR");
        if (data == nullptr || !fs::is_directory(fs::path(data) / "skab")) {
            MESSAGE("skipped: TOCSIN_DATA_DIR names no directory with skab/");
            return;
        }
        if (!EVALUATE_REAL_DATA) {
            MESSAGE("skipped: takes too long in a build that is not optimised");
            return;
        }
        const temporary_directory directory;
        REQUIRE(run(directory,
                    "--suite skab --seed 1 --data " + quoted(data) + " --out " +
                        quoted((directory / "results.json").string()),
                    "env") == 0);
        const json totals = json::parse(text_of(directory / "results.json")).at("totals");
        MESSAGE("F1 ", totals.at("f1").get<double>(), ", FAR ", totals.at("far").get<double>());
        CHECK(totals.at("f1").get<double>() >= 0.74);
        CHECK(totals.at("far").get<double>() <= 0.30);
        const json results = json::parse(text_of(directory / "results.json"));
        if (results.at("files").size() == 17) { // the part whose counts are published
            const auto counts_of = [&](const char* method) {
                std::vector<int> counts;
                for (const json& other : results.at("compared")) {
                    if (other.at("method") == method) {
                        for (const char* name : {"tp", "fp", "fn", "tn"}) {
                            counts.push_back(other.at("totals").at(name));
                        }
                    }
                }
                return counts;
            };
            CHECK(counts_of("T2") == std::vector<int>{3550, 950, 2586, 4251});
            CHECK(counts_of("T2+Q (PCA)") == std::vector<int>{4617, 1278, 1519, 3923});
            // Rules that were fitted to scores in the units of new rows: 23.0 % false alarms.
            const auto of_charts = counts_of("linear charts, 10 promised");
            REQUIRE(of_charts.size() == 4);
            CHECK(of_charts[1] < 0.22 * (of_charts[1] + of_charts[3]));
        }
    }
}
