/// @file argument_input.hpp
/// @brief The command line under any arguments, in a process of its own and a folder of its own.
///
/// No argument can name a file outside of the folder: it holds no '/', and the folder no links.
/// Memory, time and the size of files are limited. Numbers have at most two digits, unless they are
/// out of any range: the program may not run for hours because it was told to.
#pragma once

#include "argument_words.hpp"
#include "fuzz_input.hpp"
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tocsin_fuzz {

/// Cuts runs of more than two digits and takes out what leads out of the folder.
inline std::string harmless(std::string_view text) {
    std::string argument;
    int digits = 0;
    for (const char character : text) {
        digits = std::isdigit(static_cast<unsigned char>(character)) != 0 ? digits + 1 : 0;
        if (character == '\0' || digits > 2) {
            continue;
        }
        argument += character == '/' ? '_' : character;
    }
    return argument == ".." || argument.find("..") != std::string::npos ? "dots" : argument;
}

/// The arguments that bytes stand for: words of the list, or bytes themselves.
inline std::vector<std::string> arguments_from(input bytes) {
    reader rest{bytes};
    std::vector<std::string> arguments;
    while (!rest.empty() && arguments.size() < 24) {
        const std::uint8_t word = rest.byte();
        if (word < argument_words.size()) {
            arguments.emplace_back(argument_words[word]);
            continue;
        }
        std::string own;
        for (std::uint8_t length = rest.byte() % 12; length > 0 && !rest.empty(); --length) {
            own += static_cast<char>(rest.byte());
        }
        arguments.push_back(harmless(own));
    }
    const auto add = [&](const char* option, const char* value) {
        if (std::find(arguments.begin(), arguments.end(), option) == arguments.end()) {
            arguments.insert(arguments.end(), {option, value});
        }
    };
    if (!arguments.empty() && (arguments[0] == "search" || arguments[0] == "fit")) {
        add("--epochs", "1"); // they would train for as long as data of this size deserves
    }
    if (!arguments.empty() && arguments[0] == "search") {
        add("--trials", "2");
    }
    return arguments;
}

/// The bytes that stand for a command line, to start from: words of the list, between spaces.
inline std::string bytes_for(std::string_view line) {
    std::string bytes;
    while (!line.empty()) {
        const std::string_view word = line.substr(0, line.find(' '));
        const auto* const found = std::find(argument_words.begin(), argument_words.end(), word);
        require(found != argument_words.end(), "an argument that is no word of the list");
        bytes += static_cast<char>(found - argument_words.begin());
        line.remove_prefix(std::min(line.size(), word.size() + 1));
    }
    return bytes;
}
/// One command line of each command.
inline std::vector<std::string> argument_seeds() {
    std::vector<std::string> seeds;
    for (const char* line :
         {"generate sequences.txt --normal 5 --length 8",
          "train other sequences.txt --epochs 1 --encoder 3 --threads 2",
          "fit-errors model sequences.txt", "tune model sequences.txt --rule sigma",
          "detect tuned rows.csv --report report.html", "stream tuned --strict --json",
          "inspect tuned --tensors",
          "fit other rows.csv --timestamp time --window 5 --epochs 1 --no-shifts --threads 2",
          "fit other rows.csv --timestamp time --window 3 --epochs 1 --resample 2",
          "search rows.csv --window 5 --trials 2 --epochs 1 --journal journal --parallel 2",
          "search rows.csv --window 5 --trials 2 --epochs 1 --random --objective detection",
          "export tuned --firmware model.hpp --self-test 8 --name model",
          "export tuned --firmware model.hpp --calibration rows.csv --no-missing",
          "detect tuned rows.csv --report report.html --resample 60"}) {
        seeds.push_back(bytes_for(line));
    }
    return seeds;
}

/// Runs a program in a folder; its exit code, or minus the signal that ended it.
/// @param memory whether it may have no more than 512 MiB
inline int run_limited(const std::string& program, const std::vector<std::string>& arguments,
                       const std::filesystem::path& folder, bool memory) {
    std::vector<char*> raw{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) {
        raw.push_back(const_cast<char*>(argument.c_str()));
    }
    raw.push_back(nullptr);
    const std::string work = folder.string();
    const pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        const auto limit = [](auto what, rlim_t value) {
            const rlimit both{value, value};
            setrlimit(what, &both);
        };
        const rlimit seconds{20, 25}; // first a signal that says why
        setrlimit(RLIMIT_CPU, &seconds);
        limit(RLIMIT_FSIZE, rlim_t{64} << 20U);
        if (memory) {
            limit(RLIMIT_STACK, rlim_t{1} << 20U); // of each thread, which counts as a whole
            limit(RLIMIT_DATA, rlim_t{512} << 20U);
        }
        limit(RLIMIT_CORE, 0);
        const int from = chdir(work.c_str()) == 0 ? open("rows.csv", O_RDONLY) : -1;
        const int output = open("/dev/null", O_WRONLY);
        if (from < 0 || output < 0 || dup2(from, 0) < 0 || dup2(output, 1) < 0 ||
            dup2(output, 2) < 0) {
            _exit(99);
        }
        execv(program.c_str(), raw.data());
        _exit(99);
    }
    int status = 0;
    pid_t ended = -1;
    do { // the fuzzer's clock interrupts it
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    require(ended == child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// A folder with files of each kind: what the phases leave behind.
class argument_folder {
  public:
    argument_folder(std::string program, std::filesystem::path folder)
        : program_{std::move(program)}, folder_{std::move(folder)} {
        std::filesystem::create_directories(folder_);
        std::fclose(std::fopen((folder_ / "rows.csv").string().c_str(), "wb"));
        // With AddressSanitizer a program needs terabytes of addresses and does not start.
        memory_ = run_limited(program_, {"--help"}, folder_, true) == 0;
        refill();
    }
    ~argument_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    argument_folder(const argument_folder&) = delete;
    argument_folder& operator=(const argument_folder&) = delete;

    /// Runs with these arguments; the exit code is one of those that are documented.
    int run(const std::vector<std::string>& arguments) {
        if (++runs_ % 256 == 0) {
            refill();
        }
        const int code = run_limited(program_, arguments, folder_, memory_);
        if (code == -SIGXCPU && !arguments.empty() && arguments[0] == "search") {
            return code; // it was told to try up to 99 settings
        }
        if (code < 0 || code > 5) {
            std::fprintf(stderr, "tocsin_cli");
            for (const std::string& argument : arguments) {
                std::fprintf(stderr, " '%s'", argument.c_str());
            }
            std::fprintf(stderr, ": exit %d\n", code);
        }
        require(code >= 0 && code <= 5, "arguments: an exit code that is not documented");
        return code;
    }

  private:
    /// Everything anew: arguments may have overwritten files, or made others.
    void refill() {
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            std::filesystem::remove_all(entry.path());
        }
        std::filesystem::create_directory(folder_ / "folder");
        const auto write = [&](const char* name, const std::string& text) {
            std::FILE* const file = std::fopen((folder_ / name).string().c_str(), "wb");
            require(file != nullptr, "no scratch folder");
            std::fwrite(text.data(), 1, text.size(), file);
            std::fclose(file);
        };
        std::string rows = "time,a,b\n";
        for (int row = 0; row < 60; ++row) {
            rows += std::to_string(row) + ',' + std::to_string(row % 7) + ',' +
                    std::to_string(row % 5 * 0.5) + '\n';
        }
        write("rows.csv", rows);
        write("broken", "\x08");
        const auto ready = [&](const std::vector<std::string>& arguments) {
            return run_limited(program_, arguments, folder_, memory_) == 0;
        };
        require(ready({"generate", "sequences.txt", "--normal", "6", "--length", "8"}),
                "arguments: generate");
        require(ready({"train", "model", "sequences.txt", "--epochs", "1"}), "arguments: train");
        require(ready({"fit-errors", "model", "sequences.txt"}), "arguments: fit-errors");
        require(ready({"tune", "model", "sequences.txt"}), "arguments: tune");
        require(ready({"fit", "tuned", "rows.csv", "--timestamp", "time", "--window", "5",
                       "--epochs", "1", "--no-shifts"}),
                "arguments: fit");
    }

    std::string program_;
    std::filesystem::path folder_;
    bool memory_ = false; // whether it is limited
    int runs_ = 0;
};

/// The program at hand: TOCSIN_CLI in the environment, or the one that was built along.
inline std::string program_under_attack() {
    const char* const given = std::getenv("TOCSIN_CLI");
#if defined(TOCSIN_CLI)
    return given != nullptr ? given : TOCSIN_CLI;
#else
    return given != nullptr ? given : "";
#endif
}

inline void arguments(input bytes) {
    static argument_folder folder(program_under_attack(),
                                  std::filesystem::temp_directory_path() /
                                      ("tocsin_arguments_" + std::to_string(getpid())));
    folder.run(arguments_from(bytes));
}

} // namespace tocsin_fuzz
