// lines: samples as lines of a file or of standard input, verdicts as lines.
#include "gateway.hpp"
#include "line_sink.hpp"
#include "line_source.hpp"
#include <array>
#include <memory>

namespace tocsin_gateway {
namespace {

struct lines_command {
    gateway_options options;
    std::string input = "-";
    std::string verdicts = "-";
    std::string alarms;
    std::string dead_letters;
    std::string state;
    std::size_t queue = 10000;

    void run() const {
        gateway_options all = options;
        all.outputs = {
            {"--verdicts", verdicts}, {"--alarms", alarms}, {"--dead-letters", dead_letters}};
        require(check_outputs(all.outputs,
                              std::array<named_file, 2>{{{"--input", input}, {"--state", state}}}));
        const auto from = require(line_source::open(input, queue));
        const auto to = require(line_sink::open({verdicts, alarms, dead_letters}));
        const auto states = open_states(state);
        require(run_gateway(all, *from, *to, *states));
    }
};

} // namespace

void add_lines(CLI::App& app) {
    auto* const command = app.add_subcommand(
        "lines", "Judge lines of JSON or CSV; a verdict is a line of JSON on standard output");
    const auto made = std::make_shared<lines_command>();
    made->options.add_to(*command);
    command->add_option("--input", made->input,
                        "File to read instead of standard input; lines that were judged before, "
                        "according to --state, are skipped, and another file is refused. A named "
                        "pipe is read like standard input");
    command->add_option("--verdicts", made->verdicts, "File for verdicts; -: standard output")
        ->capture_default_str();
    command->add_option("--alarms", made->alarms, "File for starts and ends of alarms");
    command->add_option("--dead-letters", made->dead_letters,
                        "File for invalid lines, with the reason");
    command->add_option("--state", made->state,
                        "File that keeps the streams; without it they end with the process");
    command
        ->add_option("--queue", made->queue,
                     "Largest number of waiting lines, before the writer must wait")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 24U))
        ->capture_default_str();
    command->callback([made] { made->run(); });
}

} // namespace tocsin_gateway
