#include <doctest/doctest.h>

#include "program.hpp"
#include <cmath>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace {

/// Most memory that a run had at once, in bytes. 0 where it fails.
long peak_memory(const program& cli, const std::string& arguments) {
    const std::string folder = cli.path("").string();
    const std::string command =
        "cd '" + folder + "' && exec '" + cli_path + "' " + arguments + " >stdout 2>stderr";
    const pid_t child = ::fork();
    if (child == 0) {
        ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        ::_exit(127);
    }
    int state = 0;
    rusage used{};
    REQUIRE(::wait4(child, &state, 0, &used) == child);
    return WIFEXITED(state) && WEXITSTATUS(state) == 0 ? used.ru_maxrss * 1024 : 0;
}

std::string rows(int count) {
    std::string text = "a,b\n";
    for (int t = 0; t < count; ++t) {
        text += std::to_string(std::sin(0.3 * t)) + ',' + std::to_string(std::cos(0.2 * t)) + '\n';
    }
    return text;
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("detect --json: memory does not grow with the recording") {
        const program cli;
        cli.write("normal.csv", rows(2000));
        cli.write("short.csv", rows(5000));
        cli.write("long.csv", rows(300000));
        REQUIRE(cli("train m normal.csv --model linear --quiet").code == 0);
        REQUIRE(cli("fit-errors m normal.csv --quiet").code == 0);
        REQUIRE(cli("tune m normal.csv --quiet").code == 0);
        const long least = peak_memory(cli, "detect m short.csv --json");
        const long most = peak_memory(cli, "detect m long.csv --json");
        CHECK(cli.read("stdout").size() > 10'000'000); // the verdicts were written
        REQUIRE(least > 0);
        REQUIRE(most > 0);
        CHECK(most < 50'000'000);
        CHECK(most < least + 3'000'000); // the recording alone has 5 MB
    }
}
