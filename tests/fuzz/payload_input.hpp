/// @file payload_input.hpp
/// @brief What reaches the gateway from outside: payloads of messages, and its file of states.
#pragma once

#include "fuzz_input.hpp"
#include "scratch_file.hpp"
#include "tocsin_gateway/json_line.hpp"
#include "tocsin_gateway/message.hpp"
#include "tocsin_gateway/sample_reader.hpp"
#include "tocsin_gateway/state_file.hpp"
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin_fuzz {

/// A payload is a sample or refused with a reason; its device can be written as JSON.
inline void payload(std::string_view text) {
    static tocsin_gateway::sample read; // reused, as the gateway does
    const auto outcome = tocsin_gateway::read_sample(text, read);
    if (!outcome.ok()) {
        require(outcome.message()[0] != '\0', "a payload is refused without a reason");
        return;
    }
    require(text.size() <= tocsin_gateway::longest_payload, "a payload is too long");
    require(!read.values.empty() || text.find('{') != std::string_view::npos,
            "a line without a value");
    require(read.values.size() <= text.size(), "values from nowhere");
    require(read.names.empty() || read.names.size() == read.values.size(), "values without names");
    require(!std::isinf(read.time), "the time is infinite");
    tocsin_gateway::json_line line;
    line.begin();
    line.add_json("device", tocsin_gateway::json_quoted(read.device));
    line.add("time", read.time);
    require(nlohmann::json::accept(line.end()), "what is written is not JSON");
}

using kept_states = std::map<std::string, std::string>;

/// What a file of states has of one partition.
inline kept_states states_in(tocsin_gateway::state_file& file, std::int32_t partition) {
    kept_states found;
    const std::array<std::int32_t, 1> partitions{partition};
    const auto outcome = file.read(
        partitions, [&](std::int32_t of, std::string_view key, std::span<const std::byte> bytes) {
            require(of == partition, "a state of another partition");
            found[std::string{key}] =
                std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return tocsin::status{};
        });
    require(outcome.ok(), "states cannot be read");
    return found;
}

/// A file of states from any bytes: it is refused and stays as it is, or what comes before an
/// unfinished record is kept, and what is put is there when it is opened again.
inline void states(std::string_view text) {
    static const scratch_file scratch("states");
    scratch.write(text);
    kept_states before;
    {
        const auto opened = tocsin_gateway::state_file::open(scratch.path());
        if (!opened) {
            require(opened.error().message()[0] != '\0' && scratch.read() == text,
                    "a refused file of states is changed");
            return;
        }
        before = states_in(**opened, 0);
        const std::string_view put = text.substr(0, 20);
        require((*opened)->put(0, "key", std::as_bytes(std::span{put})).ok() &&
                    (*opened)->flush().ok(),
                "a state cannot be put");
        before["key"] = put;
    }
    const auto again = tocsin_gateway::state_file::open(scratch.path());
    require(again.has_value() && states_in(**again, 0) == before,
            "a file of states is not what was put there");
}

/// The first byte chooses.
inline void payloads(input bytes) {
    const auto text = text_of(bytes.subspan(bytes.empty() ? 0 : 1));
    if (reader{bytes}.byte() % 8 == 0) {
        states(text);
    } else {
        payload(text);
    }
}

/// A file of states with two records, to start from.
inline std::string state_seed() {
    const scratch_file scratch("state_seed");
    {
        const auto opened = tocsin_gateway::state_file::open(scratch.path());
        require(opened.has_value(), "no states to attack");
        for (const char* key : {"pump-7", ""}) {
            const std::array<std::byte, 5> bytes{};
            require((*opened)->put(0, key, bytes).ok(), "no states to attack");
        }
        require((*opened)->flush().ok(), "no states to attack");
    }
    return '\0' + scratch.read();
}

} // namespace tocsin_fuzz
