/// @file main.cpp
/// @brief Evaluates tocsin on a data set by the protocol of that data set; see docs/evaluation.md.

#include "tocsin/core/config.hpp"
#include "tocsin/io/atomic_file.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "report.hpp"
#include "suite.hpp"
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using evaluate::suite;

constexpr std::array suites = {
    &evaluate::synth_suite,    &evaluate::skab_suite, &evaluate::nab_suite, &evaluate::nasa_suite,
    &evaluate::discords_suite, &evaluate::ucr_suite,  &evaluate::kdd_suite, &evaluate::gecco_suite};

enum class exit_code : int { success = 0, internal = 1, usage = 2, bad_data = 3, io = 4 };

constexpr const char* exit_codes =
    "Exit codes: 0 done; 1 internal error; 2 wrong command line; 3 the data cannot be used "
    "(malformed, too short, training diverged); 4 no data found, a file cannot be read or written, "
    "or gnuplot is not installed for --pictures.";

exit_code fail(exit_code code, const std::string& message) {
    std::fprintf(stderr, "evaluate: %s\n", message.c_str());
    return code;
}

exit_code exit_code_of(tocsin::error_code code) noexcept {
    switch (code) {
    case tocsin::error_code::io_error:
        return exit_code::io;
    case tocsin::error_code::invalid_data:
    case tocsin::error_code::format_error:
        return exit_code::bad_data;
    default:
        return exit_code::internal;
    }
}

struct command_line {
    std::string suite;
    std::string data;
    std::string out;
    std::string pictures;
    std::uint64_t seed = 1;
    int seeds = 1;
    std::optional<int> epochs;
    bool reversed = false;
    bool teacher_forced = false;
    bool choose_settings = false;
};

/// Methods name the epochs of the suite; results say how many were asked for instead.
void write_epochs(nlohmann::ordered_json& settings, int epochs) {
    for (auto& [name, value] : settings.items()) {
        if (name == "epochs") {
            value = epochs;
        } else if (value.is_structured()) {
            write_epochs(value, epochs);
        }
    }
}

exit_code run(const suite& which, const command_line& given) {
    if (given.choose_settings && which.choose == nullptr) {
        return fail(exit_code::usage, "--choose-settings: the suite '" + std::string(which.name) +
                                          "' has no settings to choose from");
    }
    const auto evaluate_suite = given.choose_settings ? which.choose : which.run;
    if (given.data.empty()) {
        return fail(exit_code::io, "where is the data? Give --data DIR or set TOCSIN_DATA_DIR to "
                                   "the directory that holds '" +
                                       std::string(which.name) + "'");
    }
    const auto directory = std::filesystem::path(given.data) / which.name;
    std::error_code ignored;
    if (!std::filesystem::is_directory(directory, ignored)) {
        return fail(exit_code::io, "there is no directory " + directory.string() +
                                       " (--data or TOCSIN_DATA_DIR names the directory above)");
    }
    std::optional<evaluate::pictures> drawn;
    if (!given.pictures.empty()) {
        auto created = evaluate::pictures::create(given.pictures);
        if (!created) {
            return fail(exit_code::io, created.error().message());
        }
        drawn = std::move(*created);
    }
    evaluate::progress shown;
    std::vector<evaluate::seed_run> runs;
    for (int k = 0; k < given.seeds; ++k) {
        const std::uint64_t seed = given.seed + static_cast<std::uint64_t>(k);
        const auto start = std::chrono::steady_clock::now();
        auto outcome = evaluate_suite({.directory = directory,
                                       .shown = shown,
                                       .seed = seed,
                                       .seeded_only = k > 0,
                                       .epochs = given.epochs,
                                       .reversed = given.reversed,
                                       .teacher_forced = given.teacher_forced,
                                       .drawn = drawn && k == 0 ? &*drawn : nullptr});
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        if (!outcome) {
            return fail(exit_code_of(outcome.error().code()), outcome.error().message());
        }
        if (outcome->methods.empty() || outcome->methods.front().files.empty()) {
            return fail(exit_code::io,
                        directory.string() + ": holds no file of the suite '" + which.name + "'");
        }
        for (evaluate::method_result& each : outcome->methods) {
            if (given.epochs) {
                write_epochs(each.settings, *given.epochs);
            }
        }
        runs.push_back({seed, seconds, std::move(*outcome)});
    }
    std::fputs(evaluate::table(which, runs).c_str(), stdout);
    if (!given.out.empty()) {
        const std::string text = evaluate::to_json(which, runs).dump(2) + '\n';
        if (const auto written = tocsin::write_file(given.out, text); !written) {
            return fail(exit_code::io, written.message());
        }
    }
    return exit_code::success;
}

} // namespace

int main(int argc, char** argv) {
    command_line given;
    std::string summaries = "Data set, evaluated by its own protocol:";
    std::set<std::string> names;
    for (const suite* each : suites) {
        summaries += std::string("\n") + each->name + ": " + each->summary;
        names.insert(each->name);
    }

    CLI::App app{
        "Evaluates tocsin on public data sets and prints published results beside its own."};
    app.footer(exit_codes);
    app.set_version_flag("--version", TOCSIN_VERSION_STRING);
    app.add_option("--suite", given.suite, summaries)->required()->check(CLI::IsMember(names));
    app.add_option("--data", given.data, "Directory that holds a directory named as the suite")
        ->envname("TOCSIN_DATA_DIR");
    app.add_option("--out", given.out, "Write the results to this JSON file");
    auto* const drawn = app.add_option(
        "--pictures", given.pictures,
        "Draw each judged recording to this folder, with the first seed; needs gnuplot");
    app.add_option("--seed", given.seed, "Seed of initial weights and order of batches")
        ->capture_default_str();
    auto* const seeds =
        app.add_option("--seeds", given.seeds, "Run with this many seeds, from --seed on")
            ->check(CLI::Range(1, 100));
    app.add_option("--epochs", given.epochs,
                   "Train for this many epochs, not those of the suite, for a quick look")
        ->check(CLI::PositiveNumber);
    app.add_flag("--reversed", given.reversed,
                 "Decoders emit the last sample of a window first, for comparison");
    app.add_flag("--teacher-forced", given.teacher_forced,
                 "Decoders read true values while they are trained, for comparison");
    app.add_flag("--choose-settings", given.choose_settings,
                 "Do not evaluate: try settings on training parts or generated streams and list "
                 "the best (suites nab, nasa)")
        ->excludes(seeds)
        ->excludes(drawn);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& wrong) {
        app.exit(wrong);
        return static_cast<int>(exit_code::usage);
    }

    exit_code code = exit_code::internal;
    try {
        for (const suite* each : suites) {
            if (given.suite == each->name) {
                code = run(*each, given);
            }
        }
    } catch (const std::exception& error) {
        code = fail(exit_code::internal, error.what());
    }
    if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && code == exit_code::success) {
        code = fail(exit_code::io, "cannot write to standard output");
    }
    return static_cast<int>(code);
}
