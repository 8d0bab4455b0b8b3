#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "io/temporary_directory.hpp"
#include "kdd_pictures.hpp"
#include "kdd_tables.hpp"
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/wait.h>
#include <vector>

/// Path of the program; CMake writes its definition.
extern const char* const evaluate_path;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tocsin_test::temporary_directory;

std::string text_of(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// Rows near a line; every third row of a labelled table is off it.
void write_table(const fs::path& path, int rows, std::uint64_t seed, bool labelled) {
    fs::create_directories(path.parent_path());
    tocsin::random_generator random(seed);
    std::ofstream file{path};
    file << "one,two,three,target\n";
    for (int t = 0; t < rows; ++t) {
        const bool odd = labelled && t % 3 == 0;
        const double at = random.uniform();
        file << at << ',' << (odd ? at : 1 - at) + 0.01 * random.normal() << ','
             << 2 * at + 0.01 * random.normal() << ',' << odd << '\n';
    }
}

int run(const temporary_directory& directory, const std::string& options) {
    const std::string command = std::string("env -u TOCSIN_DATA_DIR '") + evaluate_path +
                                "' --suite kdd --data '" + (directory / "").string() + "' " +
                                options + " >/dev/null 2>'" + (directory / "stderr").string() + "'";
    const int code = std::system(command.c_str());
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

} // namespace

TEST_SUITE("evaluate") {

    TEST_CASE(
        "kdd: every model is judged by every metric at every threshold, on tables of any name "
        "and width") {
        const temporary_directory directory;
        write_table(directory / "kdd/fit_normal.csv", 300, 1, false);
        write_table(directory / "kdd/devtest_some.csv", 150, 2, true);
        write_table(directory / "kdd/another name.csv", 90, 3, true);
        REQUIRE(run(directory, "--epochs 3 --seeds 2 --out '" +
                                   (directory / "results.json").string() + "'") == 0);
        const json results = json::parse(text_of(directory / "results.json"));
        CHECK(results["method"] == "autoencoder");
        std::vector<json> methods(results["compared"].begin(), results["compared"].end());
        methods.push_back(results);
        std::vector<std::string> names;
        for (const json& each : methods) {
            names.push_back(each["method"]);
            CAPTURE(names.back());
            for (const char* metric :
                 {"accuracy", "precision", "recall", "f1", "f2", "auc_roc", "auc_pr"}) {
                CAPTURE(metric);
                CHECK(each["totals"].contains(metric));
                CHECK(each["groups"]["quantile 0.99 of the training scores"].contains(metric));
            }
            CHECK(each["per_seed"][0]["files"].size() == 2);
        }
        for (const char* name :
             {"variational autoencoder", "BiGAN", "sequence to sequence", "PCA"}) {
            CHECK(std::count(names.begin(), names.end(), name) == 1);
        }
        // Models without training find the line.
        CHECK(std::find_if(methods.begin(), methods.end(), [](const json& each) {
                  return each["method"] == "PCA" && each["totals"]["auc_roc"] > 0.95;
              }) != methods.end());
    }

    TEST_CASE("kdd: a folder without a table to learn from is refused by name") {
        const temporary_directory directory;
        write_table(directory / "kdd/devtest_some.csv", 30, 2, true);
        CHECK(run(directory, "--epochs 1") == 3);
        CHECK(text_of(directory / "stderr").find("fit_*.csv") != std::string::npos);
    }

    TEST_CASE("kdd: columns are matched by name, and no table stands for another") {
        const temporary_directory directory;
        const auto write = [&](const std::string& name, const std::string& text) {
            fs::create_directories(directory / "kdd");
            std::ofstream{directory / "kdd" / name} << text;
        };
        write("fit_normal.csv", "a,b,target\n0,100,0\n1,200,0\n0.5,150,0\n");
        write("devtest_some.csv", "b,target,a\n150,0,0.25\n300,1,1\n");
        const auto read = evaluate::read_kdd_tables(directory / "kdd");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->judged.front().values(0, 0) == 0.25);
        CHECK(read->judged.front().values(1, 0) == 0.5);
        CHECK(read->judged.front().labels == std::vector<std::uint8_t>{0, 1});
        const auto refuses = [&](const std::string& part) {
            const auto refused = evaluate::read_kdd_tables(directory / "kdd");
            REQUIRE_FALSE(refused.has_value());
            CHECK_MESSAGE(std::string{refused.error().message()}.find(part) != std::string::npos,
                          refused.error().message());
        };
        write("other.csv", "a,c,target\n0,1,0\n");
        refuses("fit_normal.csv: has no column 'c', other.csv has it");
        write("other.csv", "a,target\n0,0\n");
        refuses("other.csv: has no column 'b', fit_normal.csv has it");
        write("other.csv", "b,a,target\n100,0,0\n");
        CHECK(evaluate::read_kdd_tables(directory / "kdd").has_value());
        write("devtest_2.csv", "a,b,target\n0,100,0\n1,300,1\n");
        refuses("both devtest_2.csv and devtest_some.csv stand for one part");
        fs::remove(directory / "kdd/devtest_2.csv");
        write("fit_z.csv", "a,b,target\n0,100,0\n");
        refuses("both fit_normal.csv and fit_z.csv stand for one part");
    }

    TEST_CASE("kdd: pictures of scores, ROC curves and bars, and metrics.json") {
        const temporary_directory directory;
        const auto folder = support::plot_folder::create(directory / "pictures");
        REQUIRE(folder);
        const std::vector<std::uint8_t> labels{0, 0, 0, 1, 1};
        const std::vector<evaluate::kdd_scores> model_scores{
            {"one model, 3 draws", {1, 2, 3, 4, 5}, 3.5}, {"other", {1, 1, 9, 9, 0.001}, 8}};
        REQUIRE(evaluate::draw_score_histograms(*folder, model_scores, labels).ok());
        REQUIRE(evaluate::draw_roc_curves(*folder, model_scores, labels).ok());
        CHECK(text_of(directory / "pictures/scores_one_model_3_draws.gnuplot")
                  .find("threshold = 3.5") != std::string::npos);
        // The first is right everywhere; of the second, a tie is one step of the curve.
        const std::string curves = text_of(directory / "pictures/roc.dat");
        CHECK(curves.find("found\n0 0\n0 0.5\n0 1\n0.333333 1\n0.666667 1\n1 1\n") !=
              std::string::npos);
        CHECK(curves.find("found\n0 0\n0.333333 0.5\n1 0.5\n1 1\n") != std::string::npos);
        CHECK(text_of(directory / "pictures/roc.gnuplot").find("other, 0.417") !=
              std::string::npos);

        evaluate::method_result method;
        method.name = "one model";
        method.totals.f1 = 0.25;
        method.totals.auc_roc = 0.75;
        method.totals.auc_pr = 0.5;
        method.groups.push_back({"a rule", {}});
        method.groups[0].values.recall = 0.5;
        REQUIRE(evaluate::draw_model_bars(*folder, {method}).ok());
        REQUIRE(evaluate::write_metrics(*folder, {method}).ok());
        const json written = json::parse(text_of(directory / "pictures/metrics.json"));
        CHECK(written["one model"]["highest accuracy"]["f1"] == 0.25);
        CHECK(written["one model"]["a rule"]["recall"] == 0.5);
        CHECK(text_of(directory / "pictures/models.dat").find("\"one model\" 0.75 0.5 0.25") !=
              std::string::npos);
        if (folder->draws()) {
            for (const char* name : {"roc.svg", "models.svg", "scores_other.svg"}) {
                CHECK(text_of(directory / "pictures" / name).find("</svg>") != std::string::npos);
            }
        }
    }
}
