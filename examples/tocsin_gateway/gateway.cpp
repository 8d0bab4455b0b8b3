#include "gateway.hpp"

#include "metrics.hpp"
#include "metrics_server.hpp"
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

namespace tocsin_gateway {
namespace {

using tocsin::error_code;
using tocsin::status;

volatile std::sig_atomic_t stop_wanted = 0;
volatile std::sig_atomic_t reload_wanted = 0;

extern "C" void on_signal(int number) {
    (number == SIGHUP ? reload_wanted : stop_wanted) = 1;
}

void print(const model_rules& rules) {
    for (const model_rules::rule& rule : rules.rules()) {
        std::fprintf(stderr, "tocsin_gateway: prefix '%s': model %s\n", rule.prefix.c_str(),
                     rule.model->identity().c_str());
    }
}

void print(const metrics& counts, std::chrono::steady_clock::duration spent) {
    const double seconds = std::chrono::duration<double>(spent).count();
    const auto& latency = counts.latency;
    constexpr double milli = 1e3;
    std::fprintf(stderr,
                 "tocsin_gateway: %lld samples of %lld devices in %.2f s (%.0f/s), %lld anomalies, "
                 "%lld alarms, %lld dead letters, %lld skipped, %lld checkpoints with %.1f MB; "
                 "latency 50 %%: %.3g ms, 99 %%: %.3g ms, 99.9 %%: %.3g ms\n",
                 static_cast<long long>(counts.samples), static_cast<long long>(counts.devices),
                 seconds, static_cast<double>(counts.samples) / seconds,
                 static_cast<long long>(counts.anomalies), static_cast<long long>(counts.alarms),
                 static_cast<long long>(counts.dead_letters),
                 static_cast<long long>(counts.skipped), static_cast<long long>(counts.checkpoints),
                 1e-6 * static_cast<double>(counts.state_bytes), milli * latency.quantile(0.5),
                 milli * latency.quantile(0.99), milli * latency.quantile(0.999));
}

} // namespace

void listen_to_signals() {
    struct sigaction action{};
    action.sa_handler = on_signal;
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        sigaction(number, &action, nullptr);
    }
    action.sa_handler = SIG_IGN; // a closed pipe is an error of a write
    sigaction(SIGPIPE, &action, nullptr);
}

bool stop_requested() noexcept {
    return stop_wanted != 0;
}

void gateway_options::add_to(CLI::App& command) {
    auto* const choice = command.add_option_group("Models", "One of:");
    choice->add_option("--rules", rules,
                       "JSON file {\"models\": [{\"prefix\": \"pump-\", \"file\": "
                       "\"pump.safetensors\"}, ...]}; the longest prefix of the device wins");
    choice->add_option("--model", model, "Model file for all devices");
    choice->require_option(1);
    constexpr std::int64_t most = std::int64_t{1} << 40;
    command
        .add_option("--checkpoint-samples", worker.checkpoint_samples,
                    "A checkpoint is made after this many messages, or a few more: batches stay "
                    "whole")
        ->check(CLI::Range(std::int64_t{1}, most))
        ->capture_default_str();
    command
        .add_option("--checkpoint-milliseconds", checkpoint_milliseconds,
                    "Time between two checkpoints, at most")
        ->check(CLI::Range(std::int64_t{10}, std::int64_t{600000}))
        ->capture_default_str();
    command
        .add_option("--max-devices", worker.most_devices,
                    "Largest number of devices with a stream; samples of others are dead letters")
        ->check(CLI::Range(std::int64_t{1}, most))
        ->capture_default_str();
    command
        .add_option("--metrics-port", metrics_port,
                    "Serves /metrics for Prometheus on this port of 127.0.0.1; 0: a free one, "
                    "named on standard error")
        ->check(CLI::Range(0, 65535));
    alarms.add_to(command);
    command.add_flag("--quiet", quiet, "Nothing on standard error but failures");
}

tocsin::result<model_rules> gateway_options::load_rules() const {
    auto loaded = rules.empty() ? model_rules::one(model) : model_rules::load(rules);
    if (!loaded) {
        return loaded;
    }
    std::vector<named_file> files{{"--rules", rules}};
    for (const model_rules::rule& one : loaded->rules()) {
        files.push_back({"the model", one.file});
    }
    const status usable = check_outputs(outputs, files);
    return usable.ok() ? std::move(loaded) : tocsin::result<model_rules>{usable};
}

std::unique_ptr<state_file> open_states(const std::string& path) {
    auto opened = require(state_file::open(path));
    if (opened->cut() > 0) {
        std::fprintf(stderr, "tocsin_gateway: %s: cut off %llu bytes of an unfinished record\n",
                     path.c_str(), static_cast<unsigned long long>(opened->cut()));
    }
    return opened;
}

status run_gateway(const gateway_options& options, source& from, sink& to, state_store& states) {
    auto loaded = options.load_rules();
    if (!loaded) {
        return loaded.error();
    }
    metrics counts;
    std::unique_ptr<metrics_server> server;
    if (options.metrics_port >= 0) {
        auto started =
            metrics_server::start(static_cast<std::uint16_t>(options.metrics_port), counts);
        if (!started) {
            return started.error();
        }
        server = *std::move(started);
        std::fprintf(stderr, "tocsin_gateway: metrics on http://127.0.0.1:%d/metrics\n",
                     server->port());
    }
    if (!options.quiet) {
        print(*loaded);
    }
    worker_settings settings = options.worker;
    settings.checkpoint = std::chrono::milliseconds{options.checkpoint_milliseconds};
    if (options.alarms.given()) {
        settings.control.emplace(options.alarms);
    }
    worker judge{*std::move(loaded), from, to, states, counts, settings};
    const auto begin = std::chrono::steady_clock::now();
    constexpr std::chrono::milliseconds wait{50};
    while (!stop_requested() && !from.ended()) {
        if (reload_wanted != 0) {
            reload_wanted = 0;
            auto fresh = options.load_rules();
            if (!fresh) {
                std::fprintf(stderr, "tocsin_gateway: the old rules are kept: %s\n",
                             fresh.error().message());
            } else {
                if (!options.quiet) {
                    print(*fresh);
                }
                if (status changed = judge.change_rules(*std::move(fresh)); !changed.ok()) {
                    return changed;
                }
            }
        }
        if (status done = judge.step(wait); !done.ok()) {
            return done;
        }
    }
    const bool messages_wait = from.stop();
    while (messages_wait && !from.ended()) {
        if (status done = judge.step(wait); !done.ok()) {
            return done;
        }
    }
    status ended = judge.checkpoint();
    if (!options.quiet) {
        print(counts, std::chrono::steady_clock::now() - begin);
    }
    return ended.ok() ? from.close(judge) : ended;
}

} // namespace tocsin_gateway
