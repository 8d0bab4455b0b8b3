/// @file kafka_cluster.hpp
/// @brief A cluster for a test: librdkafka's mock, or the brokers in TOCSIN_KAFKA_BROKERS.
#pragma once

#include "tocsin_gateway/kafka_handles.hpp"
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <librdkafka/rdkafka_mock.h>
#include <string>
#include <string_view>
#include <vector>

namespace gateway_tests {

using tocsin_gateway::kafka_client;
using tocsin_gateway::kafka_message;
using tocsin_gateway::kafka_partitions;

inline kafka_client client(rd_kafka_type_t kind, const tocsin_gateway::kafka_settings_list& with) {
    return tocsin_gateway::make_kafka_client(kind, with, [](rd_kafka_conf_t* /*settings*/) {})
        .value();
}

class kafka_cluster {
  public:
    kafka_cluster() {
        if (const char* const given = std::getenv("TOCSIN_KAFKA_BROKERS")) {
            brokers_ = given;
            admin_ = client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers_}});
            return;
        }
        admin_ = client(RD_KAFKA_PRODUCER, {});
        constexpr int count = 3;
        mock_ = rd_kafka_mock_cluster_new(admin_.get(), count);
        brokers_ = rd_kafka_mock_cluster_bootstraps(mock_);
    }
    kafka_cluster(const kafka_cluster&) = delete;
    kafka_cluster& operator=(const kafka_cluster&) = delete;
    ~kafka_cluster() {
        if (mock_ != nullptr) {
            rd_kafka_mock_cluster_destroy(mock_);
        }
    }

    bool is_mock() const noexcept { return mock_ != nullptr; }
    /// For faults; null if it is none.
    rd_kafka_mock_cluster_t* mock() const noexcept { return mock_; }
    const std::string& brokers() const noexcept { return brokers_; }
    /// Whether the topic exists afterwards.
    bool create(const std::string& topic, int partitions, bool compacted) {
        if (is_mock()) {
            return rd_kafka_mock_topic_create(mock_, topic.c_str(), partitions, 1) == 0;
        }
        char why[256] = "";
        rd_kafka_NewTopic_t* made =
            rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, why, sizeof why);
        if (compacted) {
            rd_kafka_NewTopic_set_config(made, "cleanup.policy", "compact");
        }
        rd_kafka_queue_t* const answers = rd_kafka_queue_new(admin_.get());
        rd_kafka_CreateTopics(admin_.get(), &made, 1, nullptr, answers);
        constexpr int milliseconds = 30000;
        rd_kafka_event_t* const answer = rd_kafka_queue_poll(answers, milliseconds);
        bool done = false;
        if (answer != nullptr && rd_kafka_event_error(answer) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            std::size_t count = 0;
            const auto* const results = rd_kafka_CreateTopics_result_topics(
                rd_kafka_event_CreateTopics_result(answer), &count);
            done =
                count == 1 && rd_kafka_topic_result_error(results[0]) == RD_KAFKA_RESP_ERR_NO_ERROR;
        }
        if (answer != nullptr) {
            rd_kafka_event_destroy(answer);
        }
        rd_kafka_queue_destroy(answers);
        rd_kafka_NewTopic_destroy(made);
        return done;
    }

  private:
    kafka_client admin_;
    rd_kafka_mock_cluster_t* mock_ = nullptr;
    std::string brokers_;
};

/// Sends samples, each to a partition that the test chooses. Without a payload it is a tombstone.
class kafka_producer {
  public:
    explicit kafka_producer(const std::string& brokers)
        : client_{client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                             {"enable.idempotence", "true"},
                                             {"linger.ms", "5"}})} {}
    bool send(const std::string& topic, std::int32_t partition, const std::string& key,
              const std::string& payload) {
        rd_kafka_vu_t described[5] = {};
        described[0].vtype = RD_KAFKA_VTYPE_TOPIC;
        described[0].u.cstr = topic.c_str();
        described[1].vtype = RD_KAFKA_VTYPE_PARTITION;
        described[1].u.i32 = partition;
        described[2].vtype = RD_KAFKA_VTYPE_KEY;
        described[2].u.mem = {const_cast<char*>(key.data()), key.size()};
        described[3].vtype = RD_KAFKA_VTYPE_VALUE;
        described[3].u.mem = {payload.empty() ? nullptr : const_cast<char*>(payload.data()),
                              payload.size()};
        described[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
        described[4].u.i = RD_KAFKA_MSG_F_COPY;
        const tocsin_gateway::kafka_error error{
            rd_kafka_produceva(client_.get(), described, std::size(described))};
        rd_kafka_poll(client_.get(), 0);
        return error == nullptr;
    }
    bool flush() {
        constexpr int milliseconds = 30000;
        return rd_kafka_flush(client_.get(), milliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR;
    }

  private:
    kafka_client client_;
};

/// Reads all partitions of a topic from their start; sees committed messages.
class kafka_reader {
  public:
    kafka_reader(const std::string& brokers, const std::string& topic, int partitions)
        : client_{client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                             {"group.id", "test"},
                                             {"isolation.level", "read_committed"},
                                             {"auto.offset.reset", "earliest"}})} {
        rd_kafka_poll_set_consumer(client_.get());
        const kafka_partitions all{rd_kafka_topic_partition_list_new(partitions)};
        for (int k = 0; k < partitions; ++k) {
            rd_kafka_topic_partition_list_add(all.get(), topic.c_str(), k)->offset =
                RD_KAFKA_OFFSET_BEGINNING;
        }
        rd_kafka_assign(client_.get(), all.get());
    }
    /// Takes the received lines.
    template <class Take>
    void poll(std::chrono::milliseconds wait, Take&& take) {
        auto left = static_cast<int>(wait.count());
        for (kafka_message one{rd_kafka_consumer_poll(client_.get(), left)}; one;
             one.reset(rd_kafka_consumer_poll(client_.get(), 0))) {
            if (one->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                take(std::string{static_cast<const char*>(one->payload), one->len});
            }
        }
    }

  private:
    kafka_client client_;
};

} // namespace gateway_tests
