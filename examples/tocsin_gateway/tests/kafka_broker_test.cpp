#include <doctest/doctest.h>

#include "kafka_cluster.hpp"
#include "tocsin_gateway/kafka_broker.hpp"
#include <algorithm>
#include <chrono>
#include <malloc.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace gateway_tests;

namespace {

/// A mock cluster, and settings for a broker of the gateway in this process.
struct mock_place {
    kafka_cluster cluster;
    tocsin_gateway::kafka_settings settings;
    static constexpr std::int32_t only = 0;

    mock_place() {
        settings.brokers = cluster.brokers();
        settings.group = "group";
        settings.instance = "one";
        settings.input = "samples";
        settings.verdicts = "verdicts";
        settings.states = "states";
        settings.transactions = false;
        for (const char* topic : {"samples", "verdicts", "states"}) {
            REQUIRE(cluster.create(topic, 1, false));
        }
    }
    std::unique_ptr<tocsin_gateway::kafka_broker> open() const {
        auto opened = tocsin_gateway::kafka_broker::open(settings);
        REQUIRE(opened.ok());
        return *std::move(opened);
    }
    /// The states of the partition.
    static tocsin::status read(tocsin_gateway::kafka_broker& from,
                               std::map<std::string, std::string>& states) {
        return from.read(
            {&only, 1}, [&](std::int32_t, std::string_view key, std::span<const std::byte> bytes) {
                states[std::string{key}] =
                    std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
                return tocsin::status{};
            });
    }
};

} // namespace

TEST_CASE("gateway kafka: a dead owner's transaction is waited for, longer than for an answer") {
    mock_place place;
    if (!place.cluster.is_mock()) {
        return;
    }
    place.settings.request_milliseconds = 1000;
    place.settings.transaction_milliseconds = 30000;
    const auto broker = place.open();
    constexpr std::int16_t offset_fetch = 9;
    // The client repeats the request.
    const std::vector<rd_kafka_resp_err_t> unstable(25, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT);
    rd_kafka_mock_push_request_errors_array(place.cluster.mock(), offset_fetch, unstable.size(),
                                            unstable.data());
    const auto begin = std::chrono::steady_clock::now();
    std::map<std::string, std::string> states;
    const tocsin::status done = mock_place::read(*broker, states);
    CAPTURE(std::string{done.message()});
    CHECK(done.ok());
    CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds{1500});
}

// By --no-skip: on a slow machine the mock's round trips exceed the patience, and librdkafka 2.0.2 aborts
// where a consumer is closed before it has joined its group.
TEST_CASE("gateway kafka: reading states may take long, as long as they arrive" * doctest::skip()) {
    mock_place place;
    if (!place.cluster.is_mock()) {
        return;
    }
    constexpr int count = 20;
    kafka_producer producer{place.cluster.brokers()};
    for (int k = 0; k < count; ++k) { // each in a batch of its own: one for an answer of the mock
        REQUIRE(producer.send("states", 0, "pump-" + std::to_string(k), "state"));
        REQUIRE(producer.flush());
    }
    place.settings.transaction_milliseconds = 1000;
    place.settings.patience_milliseconds = 2000;
    const auto broker = place.open();
    const auto answer_after = [&](int milliseconds) {
        for (int k = 1; k <= 3; ++k) {
            rd_kafka_mock_broker_set_rtt(place.cluster.mock(), k, milliseconds);
        }
    };
    answer_after(250);
    std::map<std::string, std::string> states;
    const tocsin::status done = mock_place::read(*broker, states);
    CAPTURE(std::string{done.message()});
    CHECK(done.ok());
    CHECK(states.size() == count);
    answer_after(0);
}

TEST_CASE("gateway kafka: reading states keeps the newest ones, not what they came with") {
    const mock_place place;
    if (!place.cluster.is_mock()) {
        return;
    }
    constexpr int count = 40;
    kafka_producer producer{place.cluster.brokers()};
    for (int k = 0; k < count; ++k) { // together in a batch
        REQUIRE(producer.send("states", 0, "outdated", std::string(100000, 'x')));
        REQUIRE(producer.send("states", 0, "pump-" + std::to_string(k), "state"));
        REQUIRE(producer.flush());
    }
    const auto broker = place.open();
    const auto in_use = [] {
        const auto now = ::mallinfo2();
        return now.uordblks + now.hblkhd;
    };
    const std::size_t before = in_use();
    std::size_t most = 0;
    int states = 0;
    const std::int32_t only = 0;
    REQUIRE(broker
                ->read({&only, 1},
                       [&](std::int32_t, std::string_view, std::span<const std::byte>) {
                           ++states;
                           most = std::max(most, in_use());
                           return tocsin::status{};
                       })
                .ok());
    CHECK(states == count + 1);
    CHECK(most < before + 2000000); // of 4 MB that were read
}

TEST_CASE("gateway kafka: a tombstone removes the state of a device") {
    const mock_place place;
    if (!place.cluster.is_mock()) {
        return;
    }
    kafka_producer producer{place.cluster.brokers()};
    for (const auto& [key, state] :
         std::vector<std::pair<std::string, std::string>>{{"pump-1", "old"},
                                                          {"pump-2", "old"},
                                                          {"pump-1", ""},
                                                          {"pump-2", ""},
                                                          {"pump-2", "new"}}) {
        REQUIRE(producer.send("states", 0, key, state));
    }
    REQUIRE(producer.flush());
    const auto broker = place.open();
    std::map<std::string, std::string> states;
    REQUIRE(mock_place::read(*broker, states).ok());
    CHECK(states == std::map<std::string, std::string>{{"pump-2", "new"}});
}

TEST_CASE("gateway kafka: a gateway that shall end does not wait for a broker that is away") {
    mock_place place;
    if (!place.cluster.is_mock()) {
        return;
    }
    place.settings.request_milliseconds = 5000;
    place.settings.further = {{"queue.buffering.max.messages", "10"},
                              {"message.timeout.ms", "40000"},
                              {"log_level", "2"}};
    bool stopped = false;
    place.settings.stopped = [&] { return stopped; };
    const auto broker = place.open();
    const auto all = [&](auto call) {
        for (int k = 1; k <= 3; ++k) {
            call(place.cluster.mock(), k);
        }
    };
    all(rd_kafka_mock_broker_set_down);
    stopped = true;
    const auto begin = std::chrono::steady_clock::now();
    tocsin::status written;
    for (int k = 0; k < 20 && written.ok(); ++k) {
        written = broker->write(tocsin_gateway::output::verdict, "pump-1", "{}");
    }
    CHECK(std::string{written.message()} ==
          "kafka: verdicts: the broker takes no messages, and the gateway ends");
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{30});
    all(rd_kafka_mock_broker_set_up);
}

TEST_CASE("gateway kafka: a broker that ends after a failure touches nothing that is gone") {
    mock_place place;
    if (!place.cluster.is_mock()) {
        return;
    }
    constexpr int count = 12;
    place.settings.input = "many-samples";
    place.settings.states = "many-states";
    REQUIRE(place.cluster.create("many-samples", count, false));
    REQUIRE(place.cluster.create("many-states", count, true));
    struct : tocsin_gateway::partition_listener {
        std::size_t assigned_partitions = 0;
        int revoked_calls = 0;
        tocsin::status assigned(std::span<const std::int32_t> partitions) override {
            assigned_partitions = partitions.size();
            return {};
        }
        tocsin::status revoked(std::span<const std::int32_t> /*partitions*/) override {
            ++revoked_calls;
            return {};
        }
    } listener;
    auto broker = place.open();
    std::vector<tocsin_gateway::message> messages;
    const auto last = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (listener.assigned_partitions < count && std::chrono::steady_clock::now() < last) {
        REQUIRE(broker->poll(messages, std::chrono::milliseconds{50}, listener).ok());
    }
    REQUIRE(listener.assigned_partitions == count);
    broker.reset(); // without close(): the client gives the partitions back while it is destroyed
    CHECK(listener.revoked_calls == 0);
}
