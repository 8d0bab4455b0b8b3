// A gateway: one stream per device, samples from lines, Kafka or MQTT, verdicts back to where they
// came from. docs/gateway.md
#include "tocsin/core/config.hpp"

#include "gateway.hpp"
#include "tocsin_cli/exit_code.hpp"
#include <cstdio>
#include <exception>

namespace {

int report(const char* message, tocsin_cli::exit_code code) {
    std::fprintf(stderr, "tocsin_gateway: %s\n", message);
    return static_cast<int>(code);
}

} // namespace

int main(int argc, char** argv) {
    tocsin_gateway::listen_to_signals();
    CLI::App app{"Judges the samples of a fleet: one stream per device, whose state outlives the "
                 "process.",
                 "tocsin_gateway"};
    app.set_version_flag("--version", TOCSIN_VERSION_STRING);
    app.require_subcommand(1);
    tocsin_gateway::add_lines(app);
    tocsin_gateway::add_mqtt(app);
#ifdef TOCSIN_GATEWAY_KAFKA
    tocsin_gateway::add_kafka(app);
#endif
    app.footer(
        "Exit codes: 0 the input has ended, or SIGTERM or SIGINT arrived and everything is "
        "saved; 2 wrong\ncommand line; 3 bad model, rules or state; 4 a file or a broker failed: "
        "after a restart\nit continues from its last checkpoint. SIGHUP reloads the rules.");
    try {
        app.parse(argc, argv);
        return 0;
    } catch (const CLI::Success& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        return report(error.what(), tocsin_cli::exit_code::usage);
    } catch (const tocsin_gateway::gateway_failure& failure) {
        return report(failure.reason.message(), tocsin_cli::exit_code_of(failure.reason.code()));
    } catch (const std::exception& error) {
        return report(error.what(), tocsin_cli::exit_code::internal);
    }
}
