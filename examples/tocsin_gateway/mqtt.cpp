// mqtt: samples from topics of a broker, verdicts to topics or to files.
#include "gateway.hpp"
#include "line_sink.hpp"
#include "mqtt_client.hpp"
#include "mqtt_topics.hpp"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_gateway {
namespace {

using tocsin::error_code;
using tocsin::status;

/// The filters that the session of the broker may be subscribed to, in the file of states: the broker
/// keeps a subscription until it is told to end it.
class topic_memory {
  public:
    topic_memory(state_store& states, const std::vector<std::string>& topics)
        : states_{states}, topics_{topics} {}

    /// Filters of earlier runs that are not among those of this one.
    tocsin::result<std::vector<std::string>> former() const {
        std::vector<std::string> found;
        const status read = states_.read(
            {&partition, 1}, [&](std::int32_t, std::string_view, std::span<const std::byte> bytes) {
                std::string_view rest{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
                while (!rest.empty()) {
                    const auto end = std::min(rest.find('\n'), rest.size());
                    found.emplace_back(rest.substr(0, end));
                    rest.remove_prefix(std::min(end + 1, rest.size()));
                }
                return status{};
            });
        if (!read.ok()) {
            return read;
        }
        std::erase_if(found, [&](const std::string& one) {
            return !check_filter(one).ok() ||
                   std::find(topics_.begin(), topics_.end(), one) != topics_.end();
        });
        return found;
    }
    /// Before the session changes: the filters of this run, and former ones.
    status keep_all() const {
        auto all = former();
        if (!all) {
            return all.error();
        }
        all->insert(all->end(), topics_.begin(), topics_.end());
        return keep(*all);
    }
    /// Once the session has no former ones any more.
    status keep_current() const { return keep(topics_); }

  private:
    static constexpr std::int32_t partition = -1; // of no message

    status keep(const std::vector<std::string>& topics) const {
        std::string lines;
        for (const std::string& one : topics) {
            lines += one + '\n';
        }
        const status put = states_.put(partition, "topics", std::as_bytes(std::span{lines}));
        return put.ok() ? states_.flush() : put;
    }

    state_store& states_;
    const std::vector<std::string>& topics_;
};

/// The messages of all topics as partition 0. They have no offsets: repeats that the broker marks
/// are recognised by the time of the sample.
class mqtt_source final : public source {
  public:
    /// @param level    of the topic, from 0, that is the device; -1: the payload names it
    /// @param in_order whether a sample that is not later than the last one of its device is taken
    ///                 for a repeat, even if the broker does not say so
    mqtt_source(mqtt_client& client, const topic_memory& topics, int level, std::int64_t most,
                bool in_order)
        : client_{client}, topics_{topics}, level_{level}, most_{most}, in_order_{in_order} {}

    status poll(std::vector<message>& messages, std::chrono::milliseconds wait,
                partition_listener& listener) override {
        constexpr std::int32_t only = 0;
        if (!started_) {
            started_ = true;
            status ready = listener.assigned({&only, 1});
            ready = ready.ok() ? topics_.keep_all() : ready;
            return ready.ok() ? client_.start() : ready;
        }
        const auto patience = received_.empty() ? wait : std::chrono::milliseconds{0};
        if (status polled = client_.poll(received_, patience); !polled.ok()) {
            return polled;
        }
        if (!forgotten_ && client_.unsubscribed()) {
            forgotten_ = true;
            if (status kept = topics_.keep_current(); !kept.ok()) {
                return kept;
            }
        }
        for (mqtt_message& one : received_) {
            message& made = messages.emplace_back();
            made.payload = std::move(one.payload);
            made.device = level_of(one.topic);
            made.repeated = one.repeated;
            made.in_order = in_order_;
            made.created = std::chrono::system_clock::now();
            taken_.push_back({one.connection, one.packet});
        }
        received_.clear();
        return {};
    }
    status resume(std::int32_t /*partition*/, std::int64_t /*next_offset*/,
                  std::string_view /*origin*/) override {
        return {};
    }
    status acknowledge(std::span<const progress> /*next_offsets*/) override {
        for (const auto& [connection, packet] : taken_) {
            client_.acknowledge(packet, connection);
        }
        taken_.clear();
        return {};
    }
    bool ended() const override { return false; }
    std::int64_t most_unacknowledged() const override { return most_; }
    std::int64_t lag() override { return 0; } // the broker does not report it
    status close(partition_listener& /*listener*/) override {
        client_.stop();
        return {};
    }
    /// Also collects messages that arrive while waiting for something else.
    std::vector<mqtt_message>& received() noexcept { return received_; }

  private:
    struct handed_on {
        int connection;
        std::uint16_t packet;
    };
    std::string level_of(std::string_view topic) const {
        for (int k = 0; level_ >= 0; ++k) {
            const auto end = topic.find('/');
            if (k == level_) {
                return std::string{topic.substr(0, end)};
            }
            if (end == std::string_view::npos) {
                break;
            }
            topic.remove_prefix(end + 1);
        }
        return {};
    }

    mqtt_client& client_;
    const topic_memory& topics_;
    bool forgotten_ = false; ///< the former topics
    int level_;
    std::int64_t most_;
    bool in_order_;
    bool started_ = false;
    std::vector<mqtt_message> received_;
    std::vector<handed_on> taken_;
};

/// Publishes lines under a prefix: <prefix>/verdicts/<device>, <prefix>/alarms/<device> and
/// <prefix>/dead_letters.
class mqtt_sink final : public sink {
  public:
    mqtt_sink(mqtt_client& client, mqtt_source& from, std::string prefix)
        : client_{client}, from_{from}, prefix_{std::move(prefix)} {}

    status write(output kind, std::string_view device, std::string_view line) override {
        std::string topic = prefix_;
        topic += kind == output::verdict ? "/verdicts/"
                 : kind == output::alarm ? "/alarms/"
                                         : "/dead_letters";
        if (kind != output::dead_letter) {
            for (const char byte : device) { // neither may occur in a topic
                topic += byte == '+' || byte == '#' ? '_' : byte;
            }
        }
        client_.publish(topic, line);
        return {};
    }
    status flush() override {
        constexpr std::chrono::milliseconds wait{20};
        constexpr std::chrono::seconds patience{60};
        constexpr std::chrono::seconds patience_of_a_stop{3};
        const auto begin = std::chrono::steady_clock::now();
        auto end = begin + patience;
        for (bool stopping = false; client_.unacknowledged() > 0;) {
            if (status polled = client_.poll(from_.received(), wait); !polled.ok()) {
                return polled;
            }
            const auto now = std::chrono::steady_clock::now();
            if (stop_requested() && !stopping) {
                stopping = true;
                end = std::min(end, now + patience_of_a_stop);
            }
            if (now > end) {
                return status::error(
                    error_code::io_error, "mqtt: the broker has not acknowledged ",
                    static_cast<std::int64_t>(client_.unacknowledged()), " verdicts for ",
                    std::chrono::duration_cast<std::chrono::seconds>(now - begin).count(),
                    " seconds; their samples are judged again after a restart");
            }
        }
        return {};
    }

  private:
    mqtt_client& client_;
    mqtt_source& from_;
    std::string prefix_;
};

struct mqtt_command {
    gateway_options options;
    mqtt_settings settings;
    int level = -1;
    bool in_order = false;
    std::string prefix;
    std::string verdicts = "-";
    std::string alarms;
    std::string dead_letters;
    std::string state;

    void run() const {
        require(check_filters(settings.topics));
        gateway_options all = options;
        if (prefix.empty()) { // else there are no files
            all.outputs = {
                {"--verdicts", verdicts}, {"--alarms", alarms}, {"--dead-letters", dead_letters}};
        }
        const named_file states_file{"--state", state};
        require(check_outputs(all.outputs, {&states_file, 1}));
        if (!prefix.empty()) {
            require(check_prefix(prefix, settings.topics));
        }
        const auto states = open_states(state);
        const topic_memory known{*states, settings.topics};
        mqtt_settings session = settings;
        session.former_topics = require(known.former());
        session.report = [](const std::string& what) {
            std::fprintf(stderr, "tocsin_gateway: %s\n", what.c_str());
        };
        mqtt_client client{session};
        mqtt_source from{client, known, level, settings.most_unacknowledged, in_order};
        if (!prefix.empty()) {
            mqtt_sink to{client, from, prefix};
            require(run_gateway(all, from, to, *states));
            return;
        }
        const auto to = require(line_sink::open({verdicts, alarms, dead_letters}));
        require(run_gateway(all, from, *to, *states));
    }
};

} // namespace

void add_mqtt(CLI::App& app) {
    auto* const command = app.add_subcommand(
        "mqtt", "Judge the messages of an MQTT broker (5.0, quality of service 1)");
    const auto made = std::make_shared<mqtt_command>();
    made->options.add_to(*command);
    mqtt_settings& settings = made->settings;
    command->add_option("--host", settings.host, "Host of the broker")->capture_default_str();
    command->add_option("--port", settings.port, "Its port")->capture_default_str();
    command
        ->add_option("--client", settings.client,
                     "Name of the session: the broker keeps messages under it while the gateway is "
                     "away. One gateway for each")
        ->required();
    command
        ->add_option("--topic", settings.topics,
                     "Filter of topics, such as devices/+/samples; may be given several times, "
                     "for topics that do not overlap")
        ->required();
    command
        ->add_option("--device-level", made->level,
                     "Level of the topic, from 0, that names the device; default: the payload "
                     "does")
        ->check(CLI::Range(0, 100));
    command->add_flag("--in-order", made->in_order,
                      "The samples of a device have increasing times: those that are not later "
                      "than its last one are repeats by the sender, and skipped");
    command->add_option("--user", settings.user, "User name");
    command->add_option("--password", settings.password, "Password")
        ->envname("TOCSIN_GATEWAY_PASSWORD");
    command
        ->add_option("--session-seconds", settings.session_seconds,
                     "How long the broker keeps the session while the gateway is away")
        ->capture_default_str();
    command
        ->add_option("--most-unacknowledged", settings.most_unacknowledged,
                     "Messages that the broker may send before they are acknowledged; a checkpoint "
                     "at least as often")
        ->check(CLI::Range(1, 65535))
        ->capture_default_str();
    command->add_option("--publish", made->prefix,
                        "Publish to <this>/verdicts/<device>, <this>/alarms/<device> and "
                        "<this>/dead_letters, instead of files");
    command->add_option("--verdicts", made->verdicts, "File for verdicts; -: standard output")
        ->capture_default_str();
    command->add_option("--alarms", made->alarms, "File for starts and ends of alarms");
    command->add_option("--dead-letters", made->dead_letters,
                        "File for invalid messages, with the reason");
    command->add_option("--state", made->state, "File that keeps the streams")->required();
    command->callback([made] { made->run(); });
}

} // namespace tocsin_gateway
