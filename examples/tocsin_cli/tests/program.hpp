/// @file program.hpp
/// @brief Runs the command line in a separate folder.
#pragma once

#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "io/temporary_directory.hpp"
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <vector>

/// Path of the program; CMake writes its definition.
extern const char* const cli_path;

/// The result of a run of the program.
struct outcome {
    int code = -1;
    std::string out;
    std::string err;
};

/// A temporary folder in which the program runs.
class program {
  public:
    /// @param arguments as in a shell, so that one in single quotes may hold spaces
    outcome operator()(const std::string& arguments, std::string_view input = "") const {
        write("stdin", input);
        const std::string folder = (folder_ / "").string();
        const std::string command =
            "cd '" + folder + "' && '" + cli_path + "' " + arguments + " <stdin >stdout 2>stderr";
        const int status = std::system(command.c_str());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("stdout"), read("stderr")};
    }
    std::string read(std::string_view name) const {
        const auto text = tocsin::read_file(folder_ / name);
        return text ? *text : std::string{};
    }
    void write(std::string_view name, std::string_view text) const {
        std::ofstream{folder_ / name, std::ios::binary} << text;
    }
    std::filesystem::path path(std::string_view name) const { return folder_ / name; }

  private:
    tocsin_test::temporary_directory folder_;
};

/// The result of a run that must succeed.
inline nlohmann::json run_json(const program& cli, const std::string& arguments) {
    const outcome run = cli(arguments + " --json");
    INFO(arguments << ": " << run.err);
    REQUIRE(run.code == 0);
    return nlohmann::json::parse(run.out);
}

/// One object per line.
inline std::vector<nlohmann::json> lines_of(const std::string& text) {
    std::vector<nlohmann::json> lines;
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
}
