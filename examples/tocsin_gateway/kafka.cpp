// kafka: samples from a topic, verdicts, alarms, dead letters and states to others.
#include "gateway.hpp"
#include "kafka_broker.hpp"
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace tocsin_gateway {
namespace {

struct kafka_command {
    gateway_options options;
    kafka_settings settings;
    bool at_once = false;
    std::vector<std::string> properties;

    /// Verdicts that came back as samples would be dead letters without end, and states among other
    /// messages could not be read.
    void refuse_common_topics() const {
        struct named_topic {
            const char* option;
            const std::string& name;
        };
        const named_topic topics[] = {{"--input", settings.input},
                                      {"--states", settings.states},
                                      {"--verdicts", settings.verdicts},
                                      {"--alarms", settings.alarms},
                                      {"--dead-letters", settings.dead_letters}};
        constexpr std::size_t read = 2; // the first ones, which must be like no other
        for (std::size_t k = 0; k < read; ++k) {
            for (std::size_t other = k + 1; other < std::size(topics); ++other) {
                if (topics[k].name == topics[other].name) {
                    throw gateway_failure{tocsin::status::error(
                        tocsin::error_code::invalid_argument, topics[other].option, " and ",
                        topics[k].option, " are the same topic '", topics[k].name, '\'')};
                }
            }
        }
    }
    void run() {
        refuse_common_topics();
        settings.transactions = !at_once;
        settings.stopped = stop_requested;
        // An open transaction must outlast the time between two checkpoints.
        const auto checkpoint = static_cast<int>(options.checkpoint_milliseconds);
        if (settings.transactions && settings.transaction_milliseconds < 2 * checkpoint) {
            throw gateway_failure{tocsin::status::error(
                tocsin::error_code::invalid_argument, "--transaction-milliseconds ",
                settings.transaction_milliseconds, " is less than twice the ", checkpoint,
                " of --checkpoint-milliseconds")};
        }
        for (const std::string& property : properties) {
            const auto equals = property.find('=');
            if (equals == std::string::npos) {
                throw gateway_failure{tocsin::status::error(tocsin::error_code::invalid_argument,
                                                            "--property '", property,
                                                            "' is not NAME=VALUE")};
            }
            settings.further.emplace_back(property.substr(0, equals), property.substr(equals + 1));
        }
        const auto broker = require(kafka_broker::open(settings));
        require(run_gateway(options, *broker, *broker, *broker));
    }
};

} // namespace

void add_kafka(CLI::App& app) {
    auto* const command =
        app.add_subcommand("kafka", "Judge the messages of a Kafka topic, keyed by device");
    const auto made = std::make_shared<kafka_command>();
    made->options.add_to(*command);
    kafka_settings& settings = made->settings;
    command->add_option("--brokers", settings.brokers, "host:port of some brokers, with commas")
        ->required();
    command
        ->add_option("--group", settings.group,
                     "Consumer group of all gateways that share the "
                     "work")
        ->required();
    command
        ->add_option("--instance", settings.instance,
                     "Name of this gateway in the group; the same after a restart, so that it gets "
                     "the same partitions")
        ->required();
    command->add_option("--input", settings.input, "Topic of the samples")->required();
    command->add_option("--verdicts", settings.verdicts, "Topic of the verdicts")->required();
    command
        ->add_option("--states", settings.states,
                     "Compacted topic of the streams, with as many partitions as the input")
        ->required();
    command->add_option("--alarms", settings.alarms, "Topic of starts and ends of alarms");
    command->add_option("--dead-letters", settings.dead_letters,
                        "Topic of invalid messages, with the reason");
    command->add_flag("--at-once", made->at_once,
                      "Verdicts are visible at once instead of with the next checkpoint; after a "
                      "crash some are repeated, which readers recognise by their position");
    command
        ->add_option("--transaction-milliseconds", settings.transaction_milliseconds,
                     "The broker ends transactions of a dead gateway after this time")
        ->check(CLI::Range(1000, 900000))
        ->capture_default_str();
    command
        ->add_option("--session-milliseconds", settings.session_milliseconds,
                     "The group continues without a gateway that has been silent for this long")
        ->check(CLI::Range(500, 600000))
        ->capture_default_str();
    command->add_option("--property", made->properties,
                        "NAME=VALUE for all clients of librdkafka, such as security.protocol=ssl");
    command->callback([made] { made->run(); });
}

} // namespace tocsin_gateway
