/// @file kafka_broker.hpp
/// @brief Kafka as source, sink and store of states: one consumer group, one transaction at a time.
#pragma once

#include "kafka_handles.hpp"
#include "ports.hpp"
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tocsin_gateway {

struct kafka_settings {
    std::string brokers;  ///< host:port, ...
    std::string group;    ///< of all gateways that share the work
    std::string instance; ///< name of this gateway in the group; the same after a restart
    std::string input;
    std::string verdicts;
    std::string alarms;       ///< empty: none are written
    std::string dead_letters; ///< empty: none are written
    std::string states;       ///< compacted, with as many partitions as the input
    /// Verdicts, states and offsets of a checkpoint become visible together or not at all.
    /// Otherwise, verdicts are visible at once, and are repeated after a crash.
    bool transactions = true;
    int transaction_milliseconds = 60000;
    int session_milliseconds = 10000;
    int request_milliseconds = 30000; ///< longest wait for an answer of the broker
    /// How much longer than `transaction_milliseconds` transactions of a dead gateway may stay open.
    int patience_milliseconds = 60000;
    /// Whether the gateway shall end; it then waits for the broker to take messages only for as long
    /// as for an answer.
    std::function<bool()> stopped = [] { return false; };
    kafka_settings_list further; ///< properties of librdkafka for all clients
};

/// All three ports of the worker, because one transaction covers them.
///
/// A partition of the input belongs to one gateway of the group at a time (cooperative-sticky,
/// static membership). When it is assigned, the states' partition of the same number is read to its
/// end, even past open transactions of the last owner, which the broker ends.
class kafka_broker final : public source, public sink, public state_store {
  public:
    static tocsin::result<std::unique_ptr<kafka_broker>> open(const kafka_settings& settings);
    ~kafka_broker() override;

    tocsin::status poll(std::vector<message>& messages, std::chrono::milliseconds wait,
                        partition_listener& listener) override;
    tocsin::status resume(std::int32_t partition, std::int64_t next_offset,
                          std::string_view origin) override;
    tocsin::status acknowledge(std::span<const progress> next_offsets) override;
    bool ended() const override { return false; }
    bool keyed() const override { return true; }
    std::int64_t lag() override;
    tocsin::status close(partition_listener& listener) override;

    tocsin::status write(output kind, std::string_view device, std::string_view line) override;

    tocsin::status put(std::int32_t partition, std::string_view key,
                       std::span<const std::byte> bytes) override;
    /// For sink and store: waits until the broker has everything.
    tocsin::status flush() override;
    /// First waits until no transaction of a dead gateway can change what is read.
    tocsin::status read(std::span<const std::int32_t> partitions, const visitor& visit) override;

  private:
    explicit kafka_broker(kafka_settings settings) : settings_{std::move(settings)} {}
    tocsin::status make_clients();
    tocsin::status check_topics();
    tocsin::status produce(const std::string& topic, std::int32_t partition, std::string_view key,
                           std::string_view value);
    tocsin::status begin_transaction();
    tocsin::status commit_transaction(const rd_kafka_topic_partition_list_t* offsets);
    tocsin::status ends_of(std::span<const std::int32_t> partitions,
                           std::map<std::int32_t, std::int64_t>& ends);
    void rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions);
    /// How long transactions of a dead gateway may stay open.
    std::chrono::milliseconds patience() const noexcept;
    tocsin::status read_offsets(std::span<const std::int32_t> partitions);
    tocsin::status assign(rd_kafka_topic_partition_list_t* partitions);
    tocsin::status revoke(rd_kafka_topic_partition_list_t* partitions);
    bool take(kafka_message one, std::vector<message>& messages);

    kafka_settings settings_;
    kafka_client producer_;
    kafka_client consumer_;
    kafka_client state_reader_; ///< of committed states
    kafka_client ends_reader_;  ///< sees open transactions as well
    partition_listener* listener_ = nullptr;
    std::map<std::int32_t, std::int64_t> committed_; ///< of the group, when read() was called
    std::map<std::int32_t, std::int64_t> resume_; ///< by the states, while partitions are assigned
    std::map<std::int32_t, std::int64_t> delivered_; ///< next offset of partitions owned
    bool in_transaction_ = false;
    tocsin::status failure_; ///< of a callback; poll() and flush() return it
};

} // namespace tocsin_gateway
