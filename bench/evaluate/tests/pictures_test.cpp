#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "pictures.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <sys/wait.h>
#include <vector>

/// Path of the program; CMake writes its definition.
extern const char* const evaluate_path;

namespace {

namespace fs = std::filesystem;
using tocsin_test::temporary_directory;

bool gnuplot_is_missing() {
    const bool missing = std::system("gnuplot --version >/dev/null 2>/dev/null") != 0;
    if (missing) {
        MESSAGE("skipped: gnuplot is not installed");
    }
    return missing;
}

std::string text_of(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// Whether every element is closed, in order, and <svg> is the only one at the top.
bool is_well_formed_svg(const std::string& text) {
    std::vector<std::string> open;
    int roots = 0;
    for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at)) {
        const bool comment = text.compare(at, 4, "<!--") == 0;
        const std::string closing = comment ? "-->" : ">";
        const std::size_t end = text.find(closing, at);
        if (end == std::string::npos) {
            return false;
        }
        const std::string tag = text.substr(at + 1, end - at - 1);
        at = end + closing.size();
        if (comment || tag.empty() || tag[0] == '?' || tag[0] == '!') {
            continue;
        }
        const std::string name = tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" \t\n/", 1) -
                                                                       (tag[0] == '/' ? 1 : 0));
        if (tag[0] == '/') {
            if (open.empty() || open.back() != name) {
                return false;
            }
            open.pop_back();
            continue;
        }
        if (open.empty() && (name != "svg" || ++roots > 1)) {
            return false;
        }
        if (tag.back() != '/') {
            open.push_back(name);
        }
    }
    return open.empty() && roots == 1;
}

/// Noise of which one stretch is labelled and one row in it flagged.
evaluate::scored_rows noise(std::size_t rows, tocsin::index_t first) {
    tocsin::random_generator random(3);
    evaluate::scored_rows made{.file = "a folder/it's_a name.csv", .threshold = 2, .first = first};
    for (std::size_t t = 0; t < rows; ++t) {
        made.values.push_back(random.normal());
        made.scores.push_back(std::abs(random.normal()));
        made.labels.push_back(t > rows / 2 && t < rows / 2 + 20);
        made.flags.push_back(t == rows / 2 + 10);
    }
    return made;
}

const char* const shade = "rgb(249, 220, 196)";
const char* const orange = "rgb(213,  94,   0)";

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

int run(const temporary_directory& directory, const std::string& environment,
        const std::string& options) {
    const std::string command = environment + " '" + evaluate_path +
                                "' --suite skab --epochs 1 --data '" + (directory / "").string() +
                                "' " + options + " >/dev/null 2>'" +
                                (directory / "stderr").string() + "'";
    const int code = std::system(command.c_str());
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

void write_recording(const fs::path& path) {
    fs::create_directories(path.parent_path());
    tocsin::random_generator random(1);
    std::ofstream file{path};
    file << "datetime;Flow;Pressure;anomaly;changepoint\n";
    for (int t = 0; t < 440; ++t) {
        file << "t;" << random.normal() + (t >= 420 ? 9 : 0) << ';' << random.normal() << ';'
             << (t >= 420) << ".0;0.0\n";
    }
}

} // namespace

TEST_SUITE("evaluate") {
    TEST_CASE("pictures: the check of SVG refuses what is cut off or nested wrongly") {
        CHECK(is_well_formed_svg("<?xml?><svg a='1'><g><path d='M0'/></g></svg>"));
        CHECK_FALSE(is_well_formed_svg("<svg><g></svg></g>"));
        CHECK_FALSE(is_well_formed_svg("<svg><g>"));
        CHECK_FALSE(is_well_formed_svg("<svg></svg><svg></svg>"));
        CHECK_FALSE(is_well_formed_svg(""));
    }

    TEST_CASE("pictures: long recordings are thinned, single rows stay visible") {
        if (gnuplot_is_missing()) {
            return;
        }
        const temporary_directory directory;
        const auto drawn = evaluate::pictures::create(directory / "new/pictures");
        REQUIRE(drawn);
        auto rows = noise(30000, 1000);
        rows.values[12345] = 777;
        REQUIRE(drawn->draw(rows).ok());
        const fs::path path = directory / "new/pictures/a folder_it_s_a name.csv";
        const std::string svg = text_of(path.string() + ".svg");
        CHECK(is_well_formed_svg(svg));
        CHECK(svg.size() < 65000);
        CHECK(svg.find("it&apos;s_a name.csv") + svg.find("it's_a name.csv") !=
              2 * std::string::npos);
        CHECK(text_of(path.string() + ".dat").find("\n13345 777\n") != std::string::npos);
        // In both panels and in the key.
        CHECK(count_of(svg, shade) >= 3);
        const auto with_flag = count_of(svg, orange);
        rows.flags.assign(rows.flags.size(), 0);
        REQUIRE(drawn->draw(rows).ok());
        CHECK(count_of(text_of(path.string() + ".svg"), orange) < with_flag); // the key is left
    }

    TEST_CASE("pictures: scores that are missing, huge, constant or zero are drawn anyway") {
        if (gnuplot_is_missing()) {
            return;
        }
        const temporary_directory directory;
        const auto drawn = evaluate::pictures::create(directory / "p");
        REQUIRE(drawn);
        auto gaps = noise(100, 0);
        gaps.file = "gaps";
        std::fill_n(gaps.scores.begin(), 50, std::numeric_limits<double>::quiet_NaN());
        auto huge = noise(100, 0);
        huge.file = "huge";
        huge.scores[3] = 1e6;
        huge.scores[4] = 0;
        auto flat = noise(100, 0);
        flat.file = "flat";
        flat.values.assign(100, -1.0);
        flat.scores.assign(100, 0.0);
        for (const auto& rows : {gaps, huge, flat}) {
            INFO(rows.file);
            REQUIRE(drawn->draw(rows).ok());
            CHECK(is_well_formed_svg(text_of(directory / ("p/" + rows.file + ".svg"))));
        }
        CHECK(text_of(directory / "p/huge.gnuplot").find("logscale y") != std::string::npos);
        CHECK(text_of(directory / "p/gaps.gnuplot").find("logscale y") == std::string::npos);
        auto nothing = noise(100, 0);
        nothing.file = "nothing";
        nothing.scores.assign(100, std::numeric_limits<double>::quiet_NaN());
        CHECK(drawn->draw(nothing).ok());
        CHECK_FALSE(fs::exists(directory / "p/nothing.svg"));
    }

    TEST_CASE("pictures: --pictures draws every file and changes no result") {
        const temporary_directory directory;
        write_recording(directory / "skab/one/a.csv");
        write_recording(directory / "skab/b c.csv");
        const std::string pictures = "--pictures '" + (directory / "pictures").string() + "'";
        CHECK(run(directory, "env PATH=/nowhere", pictures) == 4);
        CHECK(text_of(directory / "stderr").find("gnuplot") != std::string::npos);
        if (gnuplot_is_missing()) {
            return;
        }
        const auto out = [&](const char* name) {
            return " --out '" + (directory / name).string() + "'";
        };
        REQUIRE(run(directory, "env", pictures + out("a.json")) == 0);
        REQUIRE(run(directory, "env", out("b.json")) == 0);
        const auto without_seconds = [&](const char* name) {
            std::string text = text_of(directory / name);
            const auto at = text.find("\"seconds\"");
            return text.erase(at, text.find(',', at) - at);
        };
        CHECK(without_seconds("a.json") == without_seconds("b.json"));
        for (const char* name : {"one_a.csv", "b c.csv"}) {
            INFO(name);
            const std::string svg = text_of(directory / "pictures" / (std::string(name) + ".svg"));
            CHECK(is_well_formed_svg(svg));
            CHECK(count_of(svg, shade) >= 3);
            CHECK(svg.find("Flow") != std::string::npos); // the feature that is anomalous
        }
        std::ofstream{directory / "file"} << "x";
        CHECK(run(directory, "env", "--pictures '" + (directory / "file").string() + "'") == 4);
    }
}
