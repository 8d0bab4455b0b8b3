/// @file worker.hpp
/// @brief One stream per device: takes messages, writes verdicts, keeps states.
#pragma once

#include "tocsin/core/status.hpp"

#include "device.hpp"
#include "json_line.hpp"
#include "metrics.hpp"
#include "model_rules.hpp"
#include "ports.hpp"
#include "sample_reader.hpp"
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tocsin_gateway {

/// How often states are saved, and how many devices there may be.
struct worker_settings {
    std::int64_t checkpoint_samples =
        10000; ///< a checkpoint after the batch that reaches this many messages
    std::chrono::milliseconds checkpoint{1000};     ///< time between them, at most
    std::int64_t most_devices = 1000000;            ///< samples of further devices are dead letters
    std::optional<tocsin_cli::row_alarm> control{}; ///< of alarms; none: each anomaly is one
};

/// Judges the samples of a source. Everything happens in the thread that calls it.
///
/// A checkpoint waits for the verdicts, then writes the states of all devices that changed, and
/// when these are safe it acknowledges the messages. So acknowledged messages are never lost;
/// messages judged since are repeated after a crash, from the state before them, and get the same
/// verdicts with the same positions.
class worker final : public partition_listener {
  public:
    /// All must outlive the worker.
    worker(model_rules rules, source& from, sink& to, state_store& states, metrics& counts,
           const worker_settings& settings = {});

    /// Judges received messages; makes a checkpoint when it is due.
    tocsin::status step(std::chrono::milliseconds wait);
    tocsin::status checkpoint();
    /// Changes the rules, after a checkpoint. A stream whose model changes starts afresh; one that
    /// has none any more waits for a rule, and its samples are dead letters. Reads the store again if
    /// it has states of devices that had no rule.
    tocsin::status change_rules(model_rules rules);

    tocsin::status assigned(std::span<const std::int32_t> partitions) override;
    tocsin::status revoked(std::span<const std::int32_t> partitions) override;

  private:
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    using device_map = std::unordered_map<std::string, device, text_hash, std::equal_to<>>;
    struct partition {
        device_map devices;
        partition_progress progress{};
        bool changed = false;   ///< since the last checkpoint
        bool unclaimed = false; ///< the store has states of devices without a rule
    };
    struct changed_device {
        std::int32_t number;
        const std::string* name;
        device* state;
    };

    tocsin::status take(const message& taken);
    tocsin::status restore(std::int32_t number, std::string_view key,
                           std::span<const std::byte> bytes);
    tocsin::status claim();
    tocsin::status read(const message& taken, std::string_view& name);
    tocsin::status arrange(const device_model& model);
    tocsin::status find(partition& owner, std::string_view name, device_map::iterator& found);
    bool is_known(const message& taken, std::int32_t number, device_map::iterator at);
    void mark_changed(std::int32_t number, device_map::iterator at);
    tocsin::status judge(const message& taken, std::int32_t number, device_map::iterator at);
    tocsin::status refuse(const message& taken, std::string_view name, const tocsin::status& why);
    void count_devices();

    model_rules rules_;
    source& source_;
    sink& sink_;
    state_store& states_;
    metrics& metrics_;
    worker_settings settings_;
    std::map<std::int32_t, partition> partitions_;
    std::vector<changed_device> changed_;
    std::vector<message> messages_;
    std::int64_t taken_ = 0; ///< messages since the last checkpoint
    std::int64_t devices_ = 0;
    std::chrono::steady_clock::time_point last_checkpoint_;
    sample sample_;
    std::vector<float> values_;
    std::vector<double> shares_;
    json_line line_;
};

} // namespace tocsin_gateway
