/// @file kafka_handles.hpp
/// @brief Owners for librdkafka's objects, and its errors as statuses.
#pragma once

#include "tocsin/core/status.hpp"

#include <array>
#include <cstddef>
#include <librdkafka/rdkafka.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tocsin_gateway {

/// Calls the function of the C library that destroys an object.
template <auto Function>
struct c_deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Function(object);
    }
};
using kafka_message = std::unique_ptr<rd_kafka_message_t, c_deleter<rd_kafka_message_destroy>>;
using kafka_partitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                         c_deleter<rd_kafka_topic_partition_list_destroy>>;
using kafka_client = std::unique_ptr<rd_kafka_t, c_deleter<rd_kafka_destroy>>;
using kafka_error = std::unique_ptr<rd_kafka_error_t, c_deleter<rd_kafka_error_destroy>>;
using kafka_settings_list = std::vector<std::pair<std::string, std::string>>;

inline tocsin::status kafka_failure(const char* what, const char* why) {
    return tocsin::status::error(tocsin::error_code::io_error, "kafka: ", what, ": ", why);
}
inline tocsin::status kafka_status(const char* what, rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? tocsin::status{}
                                              : kafka_failure(what, rd_kafka_err2str(code));
}
inline tocsin::status kafka_status(const char* what, rd_kafka_error_t* error) {
    const kafka_error owned{error};
    return owned ? kafka_failure(what, rd_kafka_error_string(error)) : tocsin::status{};
}

/// A producer or consumer.
/// @param prepare sets callbacks
template <class Prepare>
tocsin::result<kafka_client>
make_kafka_client(rd_kafka_type_t kind, const kafka_settings_list& settings, Prepare&& prepare) {
    std::array<char, 512> why{};
    rd_kafka_conf_t* const made = rd_kafka_conf_new();
    for (const auto& [name, value] : settings) {
        if (rd_kafka_conf_set(made, name.c_str(), value.c_str(), why.data(), why.size()) !=
            RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(made);
            return tocsin::status::error(tocsin::error_code::invalid_argument,
                                         "kafka: ", why.data());
        }
    }
    prepare(made);
    rd_kafka_t* const client = rd_kafka_new(kind, made, why.data(), why.size());
    if (client == nullptr) {
        rd_kafka_conf_destroy(made);
        return kafka_failure("no client", why.data());
    }
    return kafka_client{client};
}

} // namespace tocsin_gateway
