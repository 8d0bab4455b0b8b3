#include "kafka_broker.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::status;

namespace {

std::string number(int value) {
    return std::to_string(value);
}

} // namespace

tocsin::result<std::unique_ptr<kafka_broker>> kafka_broker::open(const kafka_settings& settings) {
    std::unique_ptr<kafka_broker> opened{new kafka_broker{settings}};
    status ready = opened->make_clients();
    ready = ready.ok() ? opened->check_topics() : ready;
    if (ready.ok() && settings.transactions) {
        // Ends transactions that a gateway of this name has left open, and fences it off if it
        // still runs.
        ready =
            kafka_status("transactions", rd_kafka_init_transactions(opened->producer_.get(),
                                                                    settings.request_milliseconds));
    }
    if (ready.ok()) {
        const kafka_partitions topics{rd_kafka_topic_partition_list_new(1)};
        rd_kafka_topic_partition_list_add(topics.get(), settings.input.c_str(),
                                          RD_KAFKA_PARTITION_UA);
        ready =
            kafka_status("subscribe", rd_kafka_subscribe(opened->consumer_.get(), topics.get()));
    }
    if (!ready.ok()) {
        return ready;
    }
    return opened;
}

kafka_broker::~kafka_broker() {
    if (producer_) {
        // Messages in flight belong to a transaction that will not be committed, or are repeated.
        rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(producer_.get(), 0);
    }
    // Calls rebalance(), which needs members that would be gone when the consumer is destroyed.
    if (consumer_) {
        rd_kafka_consumer_close(consumer_.get());
    }
}

status kafka_broker::make_clients() {
    kafka_settings_list common{{"bootstrap.servers", settings_.brokers}};
    common.insert(common.end(), settings_.further.begin(), settings_.further.end());
    const auto with = [&](std::initializer_list<kafka_settings_list::value_type> own) {
        kafka_settings_list all{own};
        all.insert(all.end(), common.begin(), common.end());
        return all;
    };
    const auto bare = [](rd_kafka_conf_t* /*settings*/) {};
    const auto session = settings_.session_milliseconds;

    auto consumer = make_kafka_client(
        RD_KAFKA_CONSUMER,
        with({{"group.id", settings_.group},
              {"group.instance.id", settings_.instance},
              {"partition.assignment.strategy", "cooperative-sticky"},
              {"enable.auto.commit", "false"},
              {"enable.auto.offset.store", "false"},
              {"auto.offset.reset", "earliest"},
              {"isolation.level", "read_committed"},
              {"session.timeout.ms", number(session)},
              // Between two polls it may wait twice for a dead owner: for offsets, then for states.
              {"max.poll.interval.ms",
               number(std::max(session, static_cast<int>(2 * patience().count()) + 300000))},
              {"heartbeat.interval.ms", number(std::max(session / 6, 50))},
              {"fetch.wait.max.ms", "50"},
              {"queued.max.messages.kbytes", "16384"}}),
        [&](rd_kafka_conf_t* made) {
            rd_kafka_conf_set_opaque(made, this);
            rd_kafka_conf_set_rebalance_cb(
                made, [](rd_kafka_t* /*client*/, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t* partitions, void* self) {
                    static_cast<kafka_broker*>(self)->rebalance(code, partitions);
                });
        });
    if (!consumer) {
        return consumer.error();
    }
    consumer_ = *std::move(consumer);
    rd_kafka_poll_set_consumer(consumer_.get());

    const std::string transaction = settings_.group + '.' + settings_.instance;
    kafka_settings_list producing = with({{"enable.idempotence", "true"}, {"linger.ms", "5"}});
    if (settings_.transactions) {
        producing.emplace_back("transactional.id", transaction);
        producing.emplace_back("transaction.timeout.ms",
                               number(settings_.transaction_milliseconds));
    }
    auto producer = make_kafka_client(RD_KAFKA_PRODUCER, producing, [&](rd_kafka_conf_t* made) {
        rd_kafka_conf_set_opaque(made, this);
        rd_kafka_conf_set_dr_msg_cb(
            made, [](rd_kafka_t* /*client*/, const rd_kafka_message_t* sent, void* self) {
                auto& failure = static_cast<kafka_broker*>(self)->failure_;
                if (sent->err != RD_KAFKA_RESP_ERR_NO_ERROR && failure.ok()) {
                    failure = kafka_status(rd_kafka_topic_name(sent->rkt), sent->err);
                }
            });
    });
    if (!producer) {
        return producer.error();
    }
    producer_ = *std::move(producer);

    for (const bool committed : {true, false}) {
        auto reader = make_kafka_client(
            RD_KAFKA_CONSUMER,
            with({{"group.id", settings_.group + ".states"}, // never joined
                  {"enable.auto.commit", "false"},
                  {"auto.offset.reset", "earliest"},
                  {"isolation.level", committed ? "read_committed" : "read_uncommitted"},
                  {"fetch.wait.max.ms", "20"},
                  {"enable.partition.eof", "true"}}),
            bare);
        if (!reader) {
            return reader.error();
        }
        (committed ? state_reader_ : ends_reader_) = *std::move(reader);
        rd_kafka_poll_set_consumer((committed ? state_reader_ : ends_reader_).get());
    }
    return {};
}

/// The state of a device must be in the partition with the number of its samples' partition.
status kafka_broker::check_topics() {
    const auto partitions_of = [&](const std::string& topic, int& count) {
        rd_kafka_topic_t* const handle =
            rd_kafka_topic_new(producer_.get(), topic.c_str(), nullptr);
        const rd_kafka_metadata_t* found = nullptr;
        const auto code =
            rd_kafka_metadata(producer_.get(), 0, handle, &found, settings_.request_milliseconds);
        rd_kafka_topic_destroy(handle);
        status seen = kafka_status(topic.c_str(), code);
        if (seen.ok()) {
            seen = kafka_status(topic.c_str(), found->topics[0].err);
            count = found->topics[0].partition_cnt;
            rd_kafka_metadata_destroy(found);
        }
        return seen;
    };
    int inputs = 0;
    int states = 0;
    status seen = partitions_of(settings_.input, inputs);
    seen = seen.ok() ? partitions_of(settings_.states, states) : seen;
    if (seen.ok() && inputs != states) {
        seen = status::error(error_code::invalid_argument, "kafka: topic '", settings_.states,
                             "' has ", states, " partitions, '", settings_.input, "' has ", inputs);
    }
    return seen;
}

status kafka_broker::poll(std::vector<message>& messages, std::chrono::milliseconds wait,
                          partition_listener& listener) {
    constexpr std::size_t most = 1000;
    listener_ = &listener;
    rd_kafka_poll(producer_.get(), 0);
    auto left = static_cast<int>(wait.count());
    while (failure_.ok() && messages.size() < most) {
        kafka_message one{rd_kafka_consumer_poll(consumer_.get(), left)};
        if (!one || !take(std::move(one), messages)) {
            break;
        }
        left = 0;
    }
    listener_ = nullptr;
    return failure_;
}

bool kafka_broker::take(kafka_message one, std::vector<message>& messages) {
    if (one->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        // librdkafka retries what it can; other errors are reported here once.
        if (one->err == RD_KAFKA_RESP_ERR__FATAL ||
            one->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED ||
            one->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
            failure_ = kafka_failure(settings_.input.c_str(), rd_kafka_message_errstr(one.get()));
        }
        return false;
    }
    message& made = messages.emplace_back();
    made.payload.assign(static_cast<const char*>(one->payload), one->len);
    made.device.assign(static_cast<const char*>(one->key), one->key_len);
    made.partition = one->partition;
    made.offset = one->offset;
    rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    const std::int64_t stamp = rd_kafka_message_timestamp(one.get(), &kind);
    made.created = stamp > 0
                       ? std::chrono::system_clock::time_point{std::chrono::milliseconds{stamp}}
                       : std::chrono::system_clock::now();
    delivered_[one->partition] = one->offset + 1;
    return true;
}

void kafka_broker::rebalance(rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t* partitions) {
    status done;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        done = assign(partitions);
    } else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        done = revoke(partitions);
    } else {
        done = kafka_status("rebalance", code);
    }
    failure_ = failure_.ok() ? done : failure_;
}

std::chrono::milliseconds kafka_broker::patience() const noexcept {
    return std::chrono::milliseconds{settings_.transaction_milliseconds +
                                     settings_.patience_milliseconds};
}

/// Offsets that no open transaction can change any more.
status kafka_broker::read_offsets(std::span<const std::int32_t> partitions) {
    const kafka_partitions input{
        rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size()))};
    for (const std::int32_t partition : partitions) {
        rd_kafka_topic_partition_list_add(input.get(), settings_.input.c_str(), partition);
    }
    auto code =
        rd_kafka_committed(consumer_.get(), input.get(), static_cast<int>(patience().count()));
    for (int k = 0; k < input->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; ++k) {
        code = input->elems[k].err;
        committed_[input->elems[k].partition] = input->elems[k].offset;
    }
    return kafka_status("committed offsets", code);
}

status kafka_broker::assign(rd_kafka_topic_partition_list_t* partitions) {
    std::vector<std::int32_t> numbers;
    for (int k = 0; k < partitions->cnt; ++k) {
        numbers.push_back(partitions->elems[k].partition);
    }
    resume_.clear();
    status ready;
    if (listener_ != nullptr && !numbers.empty()) {
        ready = listener_->assigned(numbers); // calls read() and resume()
    }
    for (int k = 0; ready.ok() && k < partitions->cnt; ++k) {
        auto& one = partitions->elems[k];
        one.offset = std::max(committed_[one.partition], resume_[one.partition]);
        delivered_[one.partition] = std::max<std::int64_t>(one.offset, 0);
    }
    // Also after a failure: librdkafka waits for an answer.
    const status answered =
        kafka_status("assign", rd_kafka_incremental_assign(consumer_.get(), partitions));
    return ready.ok() ? answered : ready;
}

status kafka_broker::revoke(rd_kafka_topic_partition_list_t* partitions) {
    std::vector<std::int32_t> numbers;
    for (int k = 0; k < partitions->cnt; ++k) {
        numbers.push_back(partitions->elems[k].partition);
        delivered_.erase(partitions->elems[k].partition);
    }
    status done;
    if (rd_kafka_assignment_lost(consumer_.get()) != 0) {
        done = status::error(error_code::io_error, "kafka: ", numbers.size(),
                             " partitions were lost: the group continued without this gateway");
    } else if (failure_.ok() && listener_ != nullptr) { // else it ends without saving more
        done = listener_->revoked(numbers);
    }
    const status answered =
        kafka_status("unassign", rd_kafka_incremental_unassign(consumer_.get(), partitions));
    return done.ok() ? answered : done;
}

status kafka_broker::resume(std::int32_t partition, std::int64_t next_offset,
                            std::string_view /*origin*/) {
    resume_[partition] = next_offset;
    return {};
}

status kafka_broker::produce(const std::string& topic, std::int32_t partition, std::string_view key,
                             std::string_view value) {
    if (status begun = begin_transaction(); !begun.ok()) {
        return begun;
    }
    std::array<rd_kafka_vu_t, 5> described{};
    described[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    described[0].u.cstr = topic.c_str();
    described[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    described[1].u.i32 = partition;
    described[2].vtype = RD_KAFKA_VTYPE_KEY;
    described[2].u.mem = {const_cast<char*>(key.data()), key.size()};
    described[3].vtype = RD_KAFKA_VTYPE_VALUE;
    described[3].u.mem = {const_cast<char*>(value.data()), value.size()};
    described[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    described[4].u.i = RD_KAFKA_MSG_F_COPY;
    const auto last = std::chrono::steady_clock::now() +
                      std::chrono::milliseconds{settings_.request_milliseconds};
    while (failure_.ok()) {
        const kafka_error error{
            rd_kafka_produceva(producer_.get(), described.data(), described.size())};
        const auto code = error ? rd_kafka_error_code(error.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return kafka_status(topic.c_str(), code);
        }
        if (settings_.stopped() && std::chrono::steady_clock::now() > last) {
            return kafka_failure(topic.c_str(),
                                 "the broker takes no messages, and the gateway ends");
        }
        constexpr int milliseconds = 100; // backpressure of the broker
        rd_kafka_poll(producer_.get(), milliseconds);
    }
    return failure_;
}

status kafka_broker::write(output kind, std::string_view device, std::string_view line) {
    const std::string& topic = kind == output::verdict ? settings_.verdicts
                               : kind == output::alarm ? settings_.alarms
                                                       : settings_.dead_letters;
    return topic.empty() ? status{} : produce(topic, RD_KAFKA_PARTITION_UA, device, line);
}

status kafka_broker::put(std::int32_t partition, std::string_view key,
                         std::span<const std::byte> bytes) {
    // A compacted topic needs a key: the partition's own is a control character, which no
    // device has.
    return produce(settings_.states, partition, key.empty() ? std::string_view{"\0", 1} : key,
                   {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

status kafka_broker::begin_transaction() {
    if (!settings_.transactions || in_transaction_) {
        return {};
    }
    status begun = kafka_status("transaction", rd_kafka_begin_transaction(producer_.get()));
    in_transaction_ = begun.ok();
    return begun;
}

status kafka_broker::flush() {
    if (settings_.transactions) {
        return failure_; // the commit waits
    }
    const status flushed =
        kafka_status("flush", rd_kafka_flush(producer_.get(), settings_.request_milliseconds));
    return failure_.ok() ? flushed : failure_;
}

status kafka_broker::acknowledge(std::span<const progress> next_offsets) {
    const kafka_partitions offsets{
        rd_kafka_topic_partition_list_new(static_cast<int>(next_offsets.size()))};
    for (const progress& one : next_offsets) {
        rd_kafka_topic_partition_list_add(offsets.get(), settings_.input.c_str(), one.partition)
            ->offset = one.next_offset;
    }
    if (settings_.transactions) {
        return in_transaction_ ? commit_transaction(offsets.get()) : status{};
    }
    if (!next_offsets.empty()) {
        // A failure does no harm: the offsets are also in the states, which are stored by now.
        rd_kafka_commit(consumer_.get(), offsets.get(), 0);
    }
    return {};
}

status kafka_broker::commit_transaction(const rd_kafka_topic_partition_list_t* offsets) {
    const std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                          c_deleter<rd_kafka_consumer_group_metadata_destroy>>
        member{rd_kafka_consumer_group_metadata(consumer_.get())};
    status done;
    if (offsets->cnt > 0) {
        done = kafka_status(
            "offsets", rd_kafka_send_offsets_to_transaction(producer_.get(), offsets, member.get(),
                                                            settings_.request_milliseconds));
    }
    done = done.ok() ? kafka_status("commit", rd_kafka_commit_transaction(
                                                  producer_.get(), settings_.request_milliseconds))
                     : done;
    if (!done.ok()) {
        // The gateway ends; the group should not wait for the broker's timeout.
        const kafka_error ignored{
            rd_kafka_abort_transaction(producer_.get(), settings_.request_milliseconds)};
    }
    in_transaction_ = false;
    return done;
}

std::int64_t kafka_broker::lag() {
    std::int64_t total = 0;
    for (const auto& [partition, next] : delivered_) {
        std::int64_t low = 0;
        std::int64_t high = 0;
        if (rd_kafka_get_watermark_offsets(consumer_.get(), settings_.input.c_str(), partition,
                                           &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            total += std::max<std::int64_t>(high - next, 0);
        }
    }
    return total;
}

/// The ends of the states' partitions, including messages of open transactions.
status kafka_broker::ends_of(std::span<const std::int32_t> partitions,
                             std::map<std::int32_t, std::int64_t>& ends) {
    for (const std::int32_t partition : partitions) {
        std::int64_t low = 0;
        std::int64_t high = 0;
        if (status asked = kafka_status(settings_.states.c_str(),
                                        rd_kafka_query_watermark_offsets(
                                            ends_reader_.get(), settings_.states.c_str(), partition,
                                            &low, &high, settings_.request_milliseconds));
            !asked.ok()) {
            return asked;
        }
        if (high > low) {
            ends[partition] = high;
        }
    }
    return {};
}

status kafka_broker::read(std::span<const std::int32_t> partitions, const visitor& visit) {
    // First the offsets: with isolation read_committed the broker answers only when no transaction
    // of the last owner can change them any more.
    if (status asked = read_offsets(partitions); !asked.ok()) {
        return asked;
    }
    std::map<std::int32_t, std::int64_t> ends;
    if (status asked = ends_of(partitions, ends); !asked.ok() || ends.empty()) {
        return asked;
    }
    const kafka_partitions assigned{
        rd_kafka_topic_partition_list_new(static_cast<int>(ends.size()))};
    for (const auto& [partition, end] : ends) {
        rd_kafka_topic_partition_list_add(assigned.get(), settings_.states.c_str(), partition)
            ->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    status done =
        kafka_status("assign states", rd_kafka_assign(state_reader_.get(), assigned.get()));
    // The newest of each key: compaction runs from time to time, so older ones remain. A copy: a
    // message keeps the whole answer of the broker that it came with.
    std::map<std::pair<std::int32_t, std::string>, std::string> newest;
    auto last = std::chrono::steady_clock::now() + patience();
    while (done.ok() && !ends.empty()) {
        constexpr int milliseconds = 100;
        kafka_message one{rd_kafka_consumer_poll(state_reader_.get(), milliseconds)};
        if (std::chrono::steady_clock::now() > last) {
            done = status::error(error_code::io_error, "kafka: nothing more of the states of ",
                                 ends.size(),
                                 " partitions arrives before their end: is a transaction open?");
        }
        if (!one) {
            continue;
        }
        // An end before that of open transactions is not the last: it is reported again later.
        if (one->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            const auto found = ends.find(one->partition);
            if (found != ends.end() && one->offset >= found->second) {
                ends.erase(found);
            }
        } else if (one->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            last = std::chrono::steady_clock::now() + patience();
            std::string key{static_cast<const char*>(one->key), one->key_len};
            if (one->len == 0) { // a tombstone: there is no such device any more
                newest.erase({one->partition, key});
                continue;
            }
            newest[{one->partition, std::move(key)}].assign(static_cast<const char*>(one->payload),
                                                            one->len);
        }
    }
    rd_kafka_assign(state_reader_.get(), nullptr);
    for (auto at = newest.begin(); done.ok() && at != newest.end(); ++at) {
        const auto& [partition, key] = at->first;
        const bool is_offset = key == std::string_view{"\0", 1};
        done = visit(partition, is_offset ? std::string_view{} : std::string_view{key},
                     std::as_bytes(std::span{at->second}));
    }
    return done;
}

status kafka_broker::close(partition_listener& listener) {
    listener_ = &listener;
    const status closed = kafka_status("close", rd_kafka_consumer_close(consumer_.get()));
    listener_ = nullptr;
    return failure_.ok() ? closed : failure_;
}

} // namespace tocsin_gateway
