#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "child_process.hpp"
#include "fleet.hpp"
#include "io/temporary_directory.hpp"
#include "kafka_cluster.hpp"
#include "memory_ports.hpp"
#include "tocsin_gateway/worker.hpp"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <sys/resource.h>
#include <thread>

using namespace gateway_tests;

namespace {

constexpr int partitions = 12;

int number_of(const char* variable, int otherwise) {
    const char* const given = std::getenv(variable);
    return given != nullptr ? std::atoi(given) : otherwise;
}

/// Processor time of children that have ended.
double children_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_CHILDREN, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Gateways that share the work. One that ends with a failure is restarted, as by a service
/// manager.
class workers {
  public:
    workers(const tocsin_test::temporary_directory& folder, std::vector<std::string> arguments)
        : folder_{folder}, arguments_{std::move(arguments)} {}

    void start(const std::string& name) {
        std::vector<std::string> all{gateway_path};
        all.insert(all.end(), arguments_.begin(), arguments_.end());
        all.insert(all.end(), {"--instance", name});
        running_[name] = child_process{all, "", "", (folder_ / ("errors-" + name)).string()};
    }
    void kill(const std::string& name) {
        running_.at(name).end(SIGKILL);
        running_.erase(name);
    }
    /// Its exit code.
    int stop(const std::string& name) {
        const int code = running_.at(name).end(SIGTERM);
        running_.erase(name);
        return code;
    }
    void tend() {
        for (auto& [name, process] : running_) {
            if (!process.running()) {
                ++restarts;
                start(name);
            }
        }
    }
    int stop_all() {
        int worst = 0;
        for (auto& [name, process] : running_) {
            process.signal(SIGTERM);
        }
        for (auto& [name, process] : running_) {
            worst = std::max(worst, process.wait());
        }
        running_.clear();
        return worst;
    }
    std::string errors() const {
        std::string all;
        for (const char* name : {"a", "b", "c", "d"}) {
            const auto text = tocsin::read_file(folder_ / (std::string{"errors-"} + name));
            all += name + (": " + (text ? *text : std::string{}));
        }
        return all;
    }
    int restarts = 0;

  private:
    const tocsin_test::temporary_directory& folder_;
    std::vector<std::string> arguments_;
    std::map<std::string, child_process> running_;
};

/// The verdicts of one uninterrupted process on all samples.
verdict_lines uninterrupted(const std::filesystem::path& model, int devices, int samples) {
    memory_source from;
    memory_sink to;
    memory_store states;
    tocsin_gateway::metrics counts;
    from.batch = 1000;
    for (int t = 0; t < samples; ++t) {
        for (int device = 0; device < devices; ++device) {
            from.add(payload_of(device, t), static_cast<std::int64_t>(from.messages.size()));
        }
    }
    tocsin_gateway::worker judge{tocsin_gateway::model_rules::one(model).value(), from, to, states,
                                 counts};
    while (!from.ended()) {
        REQUIRE(judge.step(std::chrono::milliseconds{0}).ok());
    }
    verdict_lines lines;
    for (const std::string& line : to.verdicts()) {
        lines[device_of(line)].push_back(line);
    }
    return lines;
}

void kill_and_add_workers(bool transactions) {
    const int devices = number_of("TOCSIN_GATEWAY_DEVICES", 1000);
    const int samples = number_of("TOCSIN_GATEWAY_SAMPLES", 40);
    const tocsin_test::temporary_directory folder;
    const auto model = folder / "pump.safetensors";
    REQUIRE(save_fleet_model(model).ok());
    kafka_cluster cluster;
    const std::string run = std::to_string(::getpid()) + (transactions ? "-t" : "-o");
    const std::string samples_topic = "samples-" + run;
    const std::string verdicts_topic = "verdicts-" + run;
    const std::string states_topic = "states-" + run;
    const std::string letters_topic = "letters-" + run;
    REQUIRE(cluster.create(samples_topic, partitions, false));
    REQUIRE(cluster.create(verdicts_topic, partitions, false));
    REQUIRE(cluster.create(states_topic, partitions, true));
    REQUIRE(cluster.create(letters_topic, 1, false));

    // The mock lets a group form for 3 seconds, and forgets members whose session is shorter; a
    // real broker wants 6 seconds.
    const std::string session = cluster.is_mock() ? "4500" : "6000";
    std::vector<std::string> arguments{"kafka",
                                       "--model",
                                       model.string(),
                                       "--brokers",
                                       cluster.brokers(),
                                       "--group",
                                       "fleet-" + run,
                                       "--input",
                                       samples_topic,
                                       "--verdicts",
                                       verdicts_topic,
                                       "--states",
                                       states_topic,
                                       "--dead-letters",
                                       letters_topic,
                                       "--checkpoint-samples",
                                       "20000",
                                       "--checkpoint-milliseconds",
                                       "2000",
                                       "--session-milliseconds",
                                       session,
                                       "--transaction-milliseconds",
                                       "10000"};
    if (!transactions) {
        arguments.emplace_back("--at-once");
    }
    workers fleet{folder, arguments};
    fleet.start("a");
    fleet.start("b");
    const verdict_lines expected = uninterrupted(model, devices, samples);

    kafka_producer producer{cluster.brokers()};
    kafka_reader reader{cluster.brokers(), verdicts_topic, partitions};
    kafka_reader letters_reader{cluster.brokers(), letters_topic, 1};
    position_reader verdicts;
    const auto tend = [&](std::chrono::milliseconds wait) {
        fleet.tend();
        reader.poll(wait, [&](const std::string& line) { verdicts.read(line); });
    };
    const auto total = [&] {
        std::size_t count = 0;
        for (const auto& [device, lines] : verdicts.taken) {
            count += lines.size();
        }
        return count;
    };
    // Waits for some verdicts on the samples sent so far, so that the workers are disturbed in the
    // middle of their work, however slow the machine is.
    const auto wait_for = [&](std::size_t count) {
        const auto last = std::chrono::steady_clock::now() + std::chrono::seconds{180};
        while (total() < count && std::chrono::steady_clock::now() < last) {
            tend(std::chrono::milliseconds{50});
        }
    };
    const auto step = [&](int part) { return samples * part / 8; };
    for (int t = 0; t < samples; ++t) {
        for (int device = 0; device < devices; ++device) {
            while (!producer.send(samples_topic, device % partitions, device_name(device),
                                  payload_of(device, t))) {
                tend(std::chrono::milliseconds{10}); // its queue is full
            }
        }
        REQUIRE(producer.send(samples_topic, t % partitions, "pump-1", "poison"));
        // Without a key, a device would have a stream in each partition.
        REQUIRE(producer.send(samples_topic, t % partitions, "", payload_of(1, t)));
        tend(std::chrono::milliseconds{10});
        const auto so_far = static_cast<std::size_t>(t) * static_cast<std::size_t>(devices);
        // The killed gateway has just judged samples that are in no checkpoint.
        const auto kill = [&](const std::string& name) {
            REQUIRE(producer.flush());
            tend(std::chrono::milliseconds{200});
            fleet.kill(name);
        };
        if (t == step(1)) {
            wait_for(so_far);
            fleet.start("c");
        } else if (t == step(3) || t == step(5)) {
            wait_for(so_far);
        } else if (t == step(3) + 1) {
            kill("a");
        } else if (t == step(4)) {
            fleet.start("d");
        } else if (t == step(5) + 1) {
            kill("b");
            fleet.start("b"); // at once, under the same name
        } else if (t == step(6)) {
            wait_for(so_far);
            CHECK(fleet.stop("c") == 0);
        }
    }
    REQUIRE(producer.flush());
    wait_for(static_cast<std::size_t>(devices) * static_cast<std::size_t>(samples));
    const int code = fleet.stop_all();
    for (int k = 0; k < 20; ++k) {
        reader.poll(std::chrono::milliseconds{50},
                    [&](const std::string& line) { verdicts.read(line); });
    }
    int letters = 0;
    for (int k = 0; k < 20; ++k) {
        letters_reader.poll(std::chrono::milliseconds{50}, [&](const std::string&) { ++letters; });
    }
    INFO(fleet.errors());
    CHECK(code == 0);
    CHECK(verdicts.gaps == 0);
    CHECK(verdicts.contradictions == 0);
    CHECK(total() == static_cast<std::size_t>(devices) * static_cast<std::size_t>(samples));
    CHECK(verdicts.taken == expected);
    CHECK(letters >= 2 * samples);
    // The mock has no control records: it shows messages of unfinished transactions.
    if (transactions && !cluster.is_mock()) {
        CHECK(verdicts.repeats == 0);
        CHECK(letters == 2 * samples);
    }
    std::printf("%s, %s: %d devices, %zu verdicts, %d repeats left out, %d restarts\n",
                cluster.is_mock() ? "mock" : "broker", transactions ? "transactions" : "at once",
                devices, total(), verdicts.repeats, fleet.restarts);
    if (fleet.restarts > 0) {
        std::printf("%s", fleet.errors().c_str());
    }
}

/// The command line of a gateway alone in its group, for a measurement.
std::vector<std::string> measured_gateway(const std::filesystem::path& model,
                                          const kafka_cluster& cluster, const std::string& run,
                                          bool transactions, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{
        gateway_path,      "kafka",          "--model",    model.string(),    "--brokers",
        cluster.brokers(), "--group",        "g-" + run,   "--instance",      "one",
        "--input",         "samples-" + run, "--verdicts", "verdicts-" + run, "--states",
        "states-" + run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    if (!transactions) {
        arguments.emplace_back("--at-once");
    }
    return arguments;
}

} // namespace

TEST_CASE("gateway kafka: workers killed and added, verdicts at once: no gap, bit for bit") {
    kill_and_add_workers(false);
}

TEST_CASE("gateway kafka: workers killed and added, with transactions: no gap, bit for bit") {
    kill_and_add_workers(true);
}

// Not a test: measures, on the mock or on the brokers in TOCSIN_KAFKA_BROKERS. The mock keeps only
// 5 MB per partition, so more samples need more partitions or a broker.
TEST_CASE("gateway kafka: throughput" * doctest::skip()) {
    const int devices = number_of("TOCSIN_GATEWAY_DEVICES", 10000);
    const int samples = number_of("TOCSIN_GATEWAY_SAMPLES", 20);
    const auto count = static_cast<std::size_t>(devices) * static_cast<std::size_t>(samples);
    const tocsin_test::temporary_directory folder;
    const auto model = folder / "pump.safetensors";
    REQUIRE(save_fleet_model(model).ok());
    for (const bool transactions : {false, true}) {
        kafka_cluster cluster;
        const std::string run = std::to_string(::getpid()) + (transactions ? "-mt" : "-mo");
        REQUIRE(cluster.create("samples-" + run, partitions, false));
        REQUIRE(cluster.create("verdicts-" + run, partitions, false));
        REQUIRE(cluster.create("states-" + run, partitions, true));
        kafka_producer producer{cluster.brokers()};
        for (int t = 0; t < samples; ++t) {
            for (int device = 0; device < devices; ++device) {
                while (!producer.send("samples-" + run, device % partitions, device_name(device),
                                      payload_of(device, t))) {
                    REQUIRE(producer.flush()); // its queue is full
                }
            }
        }
        REQUIRE(producer.flush());
        const auto arguments =
            measured_gateway(model, cluster, run, transactions, {"--checkpoint-samples", "50000"});
        using clock = std::chrono::steady_clock;
        const auto start = clock::now();
        child_process gateway{arguments, "", "", (folder / "errors").string()};
        kafka_reader reader{cluster.brokers(), "verdicts-" + run, partitions};
        std::size_t seen = 0;
        std::size_t seen_first = 0;
        clock::time_point first;
        while (seen < count && gateway.running() &&
               clock::now() - start < std::chrono::minutes{1}) {
            const std::size_t before = seen;
            reader.poll(std::chrono::milliseconds{100}, [&](const std::string&) { ++seen; });
            if (before == 0 && seen > 0) {
                first = clock::now();
                seen_first = seen;
            }
        }
        const auto last = clock::now();
        const double processor_before = children_seconds();
        CHECK(gateway.end(SIGTERM) == 0);
        const double processor = children_seconds() - processor_before;
        const auto seconds = [](auto span) { return std::chrono::duration<double>(span).count(); };
        CHECK(seen >= count);
        std::printf(
            "%s, %s: %zu samples of %d devices, %.0f samples/s from the first verdict to the "
            "last, %.1f s with start; processor %.1f us a sample\n",
            cluster.is_mock() ? "mock" : "broker", transactions ? "transactions" : "at once", count,
            devices, static_cast<double>(count - seen_first) / seconds(last - first),
            seconds(last - start), 1e6 * processor / static_cast<double>(count));
    }
}

TEST_CASE("gateway kafka: the states must have as many partitions as the samples") {
    const tocsin_test::temporary_directory folder;
    const auto model = folder / "pump.safetensors";
    REQUIRE(save_fleet_model(model).ok());
    kafka_cluster cluster;
    const std::string run = std::to_string(::getpid());
    REQUIRE(cluster.create("in-" + run, 3, false));
    REQUIRE(cluster.create("state-" + run, 2, true));
    child_process gateway{{gateway_path, "kafka", "--model", model.string(), "--brokers",
                           cluster.brokers(), "--group", "g", "--instance", "i", "--input",
                           "in-" + run, "--verdicts", "out-" + run, "--states", "state-" + run},
                          "",
                          "",
                          (folder / "errors").string()};
    CHECK(gateway.wait() == 2);
    const std::string errors = tocsin::read_file(folder / "errors").value();
    CAPTURE(errors);
    CHECK(errors.find("has 2 partitions") != std::string::npos);
}

TEST_CASE("gateway kafka: the topics of samples and of states have nothing else") {
    const tocsin_test::temporary_directory folder;
    const auto fails = [&](const char* verdicts, const char* states, const char* dead_letters,
                           const std::string& reason) {
        const auto errors = folder / "errors";
        std::filesystem::remove(errors);
        child_process gateway{{gateway_path, "kafka", "--model", "none", "--brokers", "127.0.0.1",
                               "--group", "g", "--instance", "i", "--input", "samples",
                               "--verdicts", verdicts, "--states", states, "--dead-letters",
                               dead_letters},
                              "",
                              "",
                              errors.string()};
        CHECK(gateway.wait() == 2);
        const std::string said = tocsin::read_file(errors).value();
        CAPTURE(said);
        CHECK(said.find(reason) != std::string::npos);
    };
    fails("samples", "states", "dead", "--verdicts and --input are the same topic 'samples'");
    fails("verdicts", "states", "samples", "--dead-letters and --input are the same topic");
    fails("verdicts", "samples", "dead", "--states and --input are the same topic");
    fails("states", "states", "dead", "--verdicts and --states are the same topic 'states'");
}

// Not a test: measures the time from sending a sample to reading its verdict, at a given rate, on the
// mock or on the brokers in TOCSIN_KAFKA_BROKERS.
TEST_CASE("gateway kafka: latency" * doctest::skip()) {
    const int rate = number_of("TOCSIN_GATEWAY_RATE", 50000);
    const int devices = number_of("TOCSIN_GATEWAY_DEVICES", 10000);
    const int samples = number_of("TOCSIN_GATEWAY_SAMPLES", 50);
    const int count = devices * samples;
    const tocsin_test::temporary_directory folder;
    const auto model = folder / "pump.safetensors";
    REQUIRE(save_fleet_model(model).ok());
    std::vector<std::string> payloads;
    for (int t = 0; t < samples; ++t) {
        for (int device = 0; device < devices; ++device) {
            payloads.push_back(payload_of(device, t));
        }
    }
    using clock = std::chrono::steady_clock;
    for (const char* checkpoint : {"200", "1000"}) {
        for (const bool transactions : {false, true}) {
            kafka_cluster cluster;
            const std::string run =
                std::to_string(::getpid()) + (transactions ? "-lt" : "-lo") + checkpoint;
            REQUIRE(cluster.create("samples-" + run, partitions, false));
            REQUIRE(cluster.create("verdicts-" + run, partitions, false));
            REQUIRE(cluster.create("states-" + run, partitions, true));
            kafka_producer producer{cluster.brokers()};
            const auto arguments = measured_gateway(
                model, cluster, run, transactions,
                {"--checkpoint-samples", "1000000", "--checkpoint-milliseconds", checkpoint});
            const auto errors = (folder / ("errors" + run)).string();
            child_process gateway{arguments, "", "", errors};
            kafka_reader reader{cluster.brokers(), "verdicts-" + run, partitions};
            // It has its partitions once it judges this.
            REQUIRE(producer.send("samples-" + run, 0, "first", "first,1,2,3"));
            bool ready = false;
            for (int k = 0; k < 900 && !ready; ++k) {
                if (!gateway.running()) { // a broker needs a moment for new topics
                    gateway = child_process{arguments, "", "", errors};
                }
                reader.poll(std::chrono::milliseconds{100},
                            [&](const std::string&) { ready = true; });
            }
            const std::string said = tocsin::read_file(errors).value();
            REQUIRE_MESSAGE(ready, said);

            std::vector<double> taken;
            taken.reserve(payloads.size());
            const auto start = clock::now();
            constexpr int batch = 100;        // samples that are sent at once
            const auto time_of = [&](int k) { // whether or not the sender is late
                return start + std::chrono::microseconds{std::int64_t{1000000} *
                                                         (k / batch * batch) / rate};
            };
            std::thread writer{[&] {
                for (int k = 0; k < count; ++k) {
                    if (k % batch == 0) {
                        std::this_thread::sleep_until(time_of(k));
                    }
                    const int device = k % devices;
                    while (!producer.send("samples-" + run, device % partitions,
                                          device_name(device),
                                          payloads[static_cast<std::size_t>(k)])) {
                        std::this_thread::sleep_for(std::chrono::milliseconds{1});
                    }
                }
            }};
            while (taken.size() < payloads.size() && gateway.running() &&
                   clock::now() - start < std::chrono::minutes{2}) {
                reader.poll(std::chrono::milliseconds{10}, [&](const std::string& line) {
                    const std::string name = device_of(line);
                    if (name.starts_with("pump-")) {
                        const int k = static_cast<int>(position_of(line)) * devices +
                                      std::stoi(name.substr(5));
                        taken.push_back(
                            std::chrono::duration<double, std::milli>(clock::now() - time_of(k))
                                .count());
                    }
                });
            }
            const double seconds = std::chrono::duration<double>(clock::now() - start).count();
            writer.join();
            CHECK(gateway.end(SIGTERM) == 0);
            REQUIRE(taken.size() == payloads.size());
            std::sort(taken.begin(), taken.end());
            const auto part = [&](double share) {
                return taken[static_cast<std::size_t>(share *
                                                      static_cast<double>(taken.size() - 1))];
            };
            std::printf("%s, %s, checkpoint every %s ms: %d samples, %.0f/s; from sending a sample "
                        "to reading its verdict 50 %%: %.3g ms, 99 %%: %.3g ms, 99.9 %%: %.3g ms\n",
                        cluster.is_mock() ? "mock" : "broker",
                        transactions ? "transactions" : "at once", checkpoint, count,
                        count / seconds, part(0.5), part(0.99), part(0.999));
            std::printf("  %s", tocsin::read_file(errors).value().c_str());
        }
    }
}
