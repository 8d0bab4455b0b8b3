// tocsin on the command line: every phase is a command, and a model file passes from one to the
// next.
#include "tocsin/core/config.hpp"

#include "commands.hpp"
#include "exit_code.hpp"
#include "failure.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>

namespace {

using tocsin_cli::exit_code;

exit_code report(const std::string& command, const std::string& message, exit_code code) {
    std::fprintf(stderr, "tocsin_cli%s: %s\n", command.c_str(),
                 tocsin_cli::printable(message).c_str());
    return code;
}

exit_code run(CLI::App& app, int argc, char** argv) {
    const auto command = [&] {
        const auto chosen = app.get_subcommands();
        return chosen.empty() ? std::string{} : ' ' + chosen.front()->get_name();
    };
    try {
        app.parse(argc, argv);
        return exit_code::success;
    } catch (const CLI::Success& help) {
        app.exit(help); // prints --help or --version
        return exit_code::success;
    } catch (const CLI::ParseError& error) {
        const std::string name = command();
        if (name.empty() && argc > 1 && argv[1][0] != '-') {
            return report(
                "", std::string{"unknown command '"} + argv[1] + "' (see 'tocsin_cli --help')",
                exit_code::usage);
        }
        return report(name, std::string{error.what()} + " (see 'tocsin_cli" + name + " --help')",
                      exit_code::usage);
    } catch (const tocsin_cli::command_failure& failure) {
        return report(command(), failure.reason.message(),
                      tocsin_cli::exit_code_of(failure.reason.code()));
    } catch (const tocsin_cli::command_interrupted&) {
        return exit_code::interrupted;
    } catch (const std::bad_alloc&) {
        return report(command(), "out of memory", exit_code::internal);
    } catch (const std::exception& error) {
        return report(command(), error.what(), exit_code::internal);
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Finds anomalies in sensor streams with LSTM networks: train on normal data, fit "
                 "the statistics of the errors, tune the thresholds, detect.",
                 "tocsin_cli"};
    app.set_version_flag("--version", TOCSIN_VERSION_STRING);
    app.require_subcommand(1);
    app.footer(tocsin_cli::exit_code_help);
    tocsin_cli::add_generate(app);
    tocsin_cli::add_fit(app);
    tocsin_cli::add_search(app);
    tocsin_cli::add_train(app);
    tocsin_cli::add_import(app);
    tocsin_cli::add_fit_errors(app);
    tocsin_cli::add_tune(app);
    tocsin_cli::add_detect(app);
    tocsin_cli::add_stream(app);
    tocsin_cli::add_inspect(app);
    tocsin_cli::add_export(app);
    for (CLI::App* command : app.get_subcommands({})) {
        command->footer(tocsin_cli::exit_code_help);
    }
    exit_code code = run(app, argc, argv);
    errno = 0;
    if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && code == exit_code::success) {
        code = report("", std::string{"cannot write standard output: "} + std::strerror(errno),
                      exit_code::io);
    }
    return static_cast<int>(code);
}
