/// @file memory_ports.hpp
/// @brief Source, sink and store of a test, in memory.
#pragma once

#include "tocsin_gateway/ports.hpp"
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gateway_tests {

using tocsin_gateway::message;
using tocsin_gateway::output;

/// Messages of any partitions, a few at a time.
class memory_source final : public tocsin_gateway::source {
  public:
    std::vector<message> messages;
    std::size_t next = 0;
    std::size_t batch = 7;
    bool needs_keys = false;
    std::vector<std::int32_t> partitions{0};
    std::map<std::int32_t, std::int64_t> acknowledged;
    std::string counted_in;   ///< returned by origin()
    std::string resumed_from; ///< the origin that resume() was given
    bool resumes = true;      ///< otherwise resume() fails

    void add(std::string payload, std::int64_t offset, std::string key = "",
             std::int32_t partition = 0) {
        message& made = messages.emplace_back();
        made.payload = std::move(payload);
        made.device = std::move(key);
        made.offset = offset;
        made.partition = partition;
        made.created = std::chrono::system_clock::now();
    }

    tocsin::status poll(std::vector<message>& into, std::chrono::milliseconds /*wait*/,
                        tocsin_gateway::partition_listener& listener) override {
        if (!std::exchange(assigned_, true)) {
            return listener.assigned(partitions);
        }
        for (std::size_t k = 0; k < batch && next < messages.size(); ++k) {
            into.push_back(messages[next++]);
        }
        return {};
    }
    tocsin::status resume(std::int32_t /*partition*/, std::int64_t /*next_offset*/,
                          std::string_view from) override {
        resumed_from = from;
        return resumes ? tocsin::status{}
                       : tocsin::status::error(tocsin::error_code::invalid_data, "another file");
    }
    std::string origin() override { return counted_in; }
    tocsin::status acknowledge(std::span<const progress> offsets) override {
        for (const progress& one : offsets) {
            acknowledged[one.partition] = one.next_offset;
        }
        return {};
    }
    bool keyed() const override { return needs_keys; }
    bool ended() const override { return next == messages.size(); }
    std::int64_t lag() override { return static_cast<std::int64_t>(messages.size() - next); }

  private:
    bool assigned_ = false;
};

class memory_sink final : public tocsin_gateway::sink {
  public:
    std::array<std::vector<std::string>, 3> lines;

    const auto& verdicts() const { return lines[static_cast<std::size_t>(output::verdict)]; }
    const auto& alarms() const { return lines[static_cast<std::size_t>(output::alarm)]; }
    const auto& dead_letters() const {
        return lines[static_cast<std::size_t>(output::dead_letter)];
    }
    tocsin::status write(output kind, std::string_view /*device*/, std::string_view line) override {
        lines[static_cast<std::size_t>(kind)].emplace_back(line);
        return {};
    }
    tocsin::status flush() override { return {}; }
};

class memory_store final : public tocsin_gateway::state_store {
  public:
    std::map<std::pair<std::int32_t, std::string>, std::vector<std::byte>> safe;
    std::function<void()> before_read = [] {};
    bool works = true; ///< otherwise flush() fails, and nothing becomes safe

    tocsin::status put(std::int32_t partition, std::string_view key,
                       std::span<const std::byte> bytes) override {
        waiting_[{partition, std::string{key}}].assign(bytes.begin(), bytes.end());
        return {};
    }
    tocsin::status flush() override {
        if (!works) {
            return tocsin::status::error(tocsin::error_code::io_error, "the store is full");
        }
        for (auto& [key, bytes] : waiting_) {
            safe[key] = std::move(bytes);
        }
        waiting_.clear();
        return {};
    }
    tocsin::status read(std::span<const std::int32_t> partitions, const visitor& visit) override {
        before_read();
        for (const auto& [key, bytes] : safe) {
            if (std::find(partitions.begin(), partitions.end(), key.first) != partitions.end()) {
                if (tocsin::status done = visit(key.first, key.second, bytes); !done.ok()) {
                    return done;
                }
            }
        }
        return {};
    }

  private:
    std::map<std::pair<std::int32_t, std::string>, std::vector<std::byte>> waiting_;
};

} // namespace gateway_tests
