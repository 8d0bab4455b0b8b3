#include "worker.hpp"

#include "tocsin/io/text_encoding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::status;

namespace {

status without_model(std::string_view device) {
    return status::error(error_code::invalid_data, "no rule has a model for device '",
                         device.substr(0, 80), '\'');
}

/// Whether a text in UTF-8 has a control character or a code point that is no character. Brokers
/// of MQTT refuse topics with one, and "\0" is a key of the state store.
bool has_unusual_characters(std::string_view text) {
    std::uint32_t code = 0;
    for (std::size_t k = 0; k < text.size(); ++k) {
        const auto byte = static_cast<unsigned char>(text[k]);
        const unsigned lead = byte < 0x80 ? 0x7FU : byte < 0xE0 ? 0x1FU : byte < 0xF0 ? 0x0FU : 7U;
        const bool continues = byte >= 0x80 && byte < 0xC0;
        code = continues ? code << 6U | (byte & 0x3FU) : byte & lead;
        const bool complete =
            k + 1 == text.size() || (static_cast<unsigned char>(text[k + 1]) & 0xC0U) != 0x80U;
        if (complete && (code < 0x20 || (code >= 0x7F && code < 0xA0) ||
                         (code >= 0xFDD0 && code < 0xFDF0) || (code & 0xFFFEU) == 0xFFFE)) {
            return true;
        }
    }
    return false;
}

/// False alarms as high as the score that are expected in 10 000 samples, where the rule knows it.
void add_expected(json_line& line, const tocsin::verdict& verdict) {
    if (!std::isnan(verdict.expected_false_alarms)) {
        line.add("expected_false_alarms", verdict.expected_false_alarms);
    }
}

} // namespace

worker::worker(model_rules rules, source& from, sink& to, state_store& states, metrics& counts,
               const worker_settings& settings)
    : rules_{std::move(rules)}, source_{from}, sink_{to}, states_{states}, metrics_{counts},
      settings_{settings}, last_checkpoint_{std::chrono::steady_clock::now()} {}

status worker::step(std::chrono::milliseconds wait) {
    messages_.clear();
    if (status polled = source_.poll(messages_, wait, *this); !polled.ok()) {
        return polled;
    }
    const std::int64_t most = std::min(settings_.checkpoint_samples, source_.most_unacknowledged());
    for (const message& taken : messages_) {
        if (status done = take(taken); !done.ok()) {
            return done;
        }
        ++taken_;
    }
    if (!messages_.empty()) {
        if (status passed = sink_.pass_on(); !passed.ok()) {
            return passed;
        }
    }
    metrics_.lag = source_.lag();
    const bool late = std::chrono::steady_clock::now() - last_checkpoint_ >= settings_.checkpoint;
    // Only here: a source without offsets acknowledges everything that it has returned.
    return taken_ >= most || (taken_ > 0 && late) ? checkpoint() : status{};
}

/// A message is a sample, or it goes to the dead letters; it is a failure only if neither works.
status worker::take(const message& taken) {
    const auto owner = partitions_.find(taken.partition);
    if (owner == partitions_.end()) {
        return {}; // it came after the partition was revoked: the new owner has it
    }
    partition& part = owner->second;
    if (taken.offset >= 0) {
        if (taken.offset < part.progress.next_offset) {
            ++metrics_.skipped;
            return {};
        }
        part.progress.next_offset = taken.offset + 1;
    }
    part.changed = true;
    std::string_view name;
    device_map::iterator at;
    status understood = read(taken, name);
    understood = understood.ok() ? find(part, name, at) : understood;
    if (understood.ok()) {
        if (is_known(taken, owner->first, at)) {
            ++metrics_.skipped;
            return {};
        }
        device& state = at->second;
        auto model = rules_.find(name);
        understood = model ? arrange(*model) : without_model(name);
        if (understood.ok() && model != state.model) {
            metrics_.fresh_streams += state.change_model(std::move(model)) ? 1 : 0;
        }
    }
    return understood.ok() ? judge(taken, owner->first, at) : refuse(taken, name, understood);
}

status worker::read(const message& taken, std::string_view& name) {
    if (status understood = read_sample(taken.payload, sample_); !understood.ok()) {
        name = taken.device;
        return understood;
    }
    name = sample_.device.empty() ? std::string_view{taken.device} : sample_.device;
    // Without a key, messages of a device are spread over partitions, so over streams.
    if (taken.device.empty() && source_.keyed()) {
        return status::error(error_code::invalid_data, "has no key, which must name the device");
    }
    if (name.empty()) {
        return status::error(error_code::invalid_data, "names no device");
    }
    // The key decides which worker has the state: a payload that contradicts it would split it.
    if (!taken.device.empty() && name != taken.device) {
        return status::error(error_code::invalid_data, "device '", name.substr(0, 80),
                             "' has the key '", std::string_view{taken.device}.substr(0, 80), '\'');
    }
    if (name.size() > longest_device) {
        return status::error(error_code::invalid_data, "the name of the device has ",
                             static_cast<std::int64_t>(name.size()), " bytes, more than ",
                             static_cast<std::int64_t>(longest_device));
    }
    // Verdicts are JSON: two names that differ only in invalid bytes would be the same there.
    if (!tocsin::is_utf8(name)) {
        return status::error(error_code::invalid_data, "the name of the device is not UTF-8");
    }
    if (has_unusual_characters(name)) {
        return status::error(error_code::invalid_data,
                             "the name of the device has a control character");
    }
    return {};
}

status worker::find(partition& owner, std::string_view name, device_map::iterator& found) {
    found = owner.devices.find(name);
    if (found != owner.devices.end()) {
        return {};
    }
    auto model = rules_.find(name);
    if (!model) {
        return without_model(name);
    }
    if (devices_ >= settings_.most_devices) {
        return status::error(error_code::invalid_data, "there are ", devices_,
                             " devices already; no stream for another");
    }
    // A stream is made only for a sample that can be judged, so invalid messages take no memory.
    if (status fits = arrange(*model); !fits.ok()) {
        return fits;
    }
    found = owner.devices.try_emplace(std::string{name}, name, std::move(model), settings_.control)
                .first;
    count_devices();
    return {};
}

/// The values in the order of the model, NaN if one is missing.
status worker::arrange(const device_model& model) {
    const std::size_t features = model.features();
    const auto& names = model.names();
    values_.assign(features, std::numeric_limits<float>::quiet_NaN());
    const auto put = [&](std::size_t at, double value) {
        values_[at] = static_cast<float>(value - model.offset(at));
    };
    if (sample_.names.empty()) {
        if (sample_.values.size() != features) {
            return status::error(error_code::invalid_data, "has ",
                                 static_cast<std::int64_t>(sample_.values.size()),
                                 " values, the model has ", static_cast<std::int64_t>(features));
        }
        for (std::size_t k = 0; k < features; ++k) {
            put(k, sample_.values[k]);
        }
        return {};
    }
    bool any = false;
    for (std::size_t k = 0; k < sample_.names.size(); ++k) {
        const auto at = std::find(names.begin(), names.end(), sample_.names[k]);
        if (at != names.end()) {
            put(static_cast<std::size_t>(at - names.begin()), sample_.values[k]);
            any = true;
        }
    }
    return any ? status{}
               : status::error(error_code::invalid_data, "has none of the model's features; '",
                               std::string_view{sample_.names.front()}.substr(0, 80),
                               "' is not one of them");
}

/// Whether the sample has been judged before.
bool worker::is_known(const message& taken, std::int32_t number, device_map::iterator at) {
    device& state = at->second;
    if (taken.offset >= 0) {
        return taken.offset < state.next_offset;
    }
    if (taken.repeated) {
        return sample_.time <= state.last_time;
    }
    if (!taken.in_order) {
        return false;
    }
    mark_changed(number, at); // it counts the samples that are skipped in a row
    return state.is_repeat(sample_.time);
}

void worker::mark_changed(std::int32_t number, device_map::iterator at) {
    device& state = at->second;
    if (!state.changed) {
        state.changed = true;
        changed_.push_back({number, &at->first, &state});
    }
}

status worker::judge(const message& taken, std::int32_t number, device_map::iterator at) {
    device& state = at->second;
    const tocsin::verdict verdict = state.push(values_, sample_.time);
    mark_changed(number, at);
    state.next_offset = std::max(state.next_offset, taken.offset + 1);
    const bool began = verdict.alarm && !state.alarm;
    const bool ended = !verdict.alarm && state.alarm;
    state.alarm = verdict.alarm;

    line_.begin();
    line_.add_json("device", state.quoted_name);
    line_.add("position", state.position++);
    if (!std::isnan(sample_.time)) {
        line_.add("time", sample_.time);
    }
    line_.add_plain("model", state.model->identity());
    line_.add_plain("verdict", to_string(verdict.kind));
    line_.add("alarm", verdict.alarm);
    if (verdict.scored()) {
        line_.add("score", verdict.score);
        line_.add("threshold", verdict.threshold);
        add_expected(line_, verdict);
    } else {
        line_.add_plain("reason", to_string(verdict.reason));
    }
    if (verdict.rate_exceeded) {
        line_.add("rate_exceeded", true);
    }
    if (verdict.missing > 0) {
        line_.add("missing", verdict.missing);
    }
    if (verdict.lost > 0) {
        line_.add("lost", verdict.lost);
    }
    if (verdict.clock_reset) {
        line_.add("clock_reset", true);
    }
    status written = sink_.write(output::verdict, at->first, line_.end());
    if (written.ok() && (began || ended)) {
        line_.begin();
        line_.add_json("device", state.quoted_name);
        line_.add("position", state.position - 1);
        if (!std::isnan(sample_.time)) {
            line_.add("time", sample_.time);
        }
        line_.add_plain("alarm", began ? "begins" : "ends");
        line_.add_plain("verdict", to_string(verdict.kind));
        line_.add("score", verdict.score);
        line_.add("threshold", verdict.threshold);
        add_expected(line_, verdict);
        if (began && verdict.scored()) {
            shares_.assign(values_.size(), 0);
            state.model->shares(state.stream, shares_);
            const auto& names = state.model->names();
            const auto largest = std::max_element(shares_.begin(), shares_.end());
            line_.add_json("feature",
                           json_quoted(names[static_cast<std::size_t>(largest - shares_.begin())]));
            line_.add("share", *largest);
        }
        written = sink_.write(output::alarm, at->first, line_.end());
    }
    ++metrics_.samples;
    metrics_.anomalies += verdict.is_anomaly() ? 1 : 0;
    metrics_.alarms += began ? 1 : 0;
    metrics_.latency.add(std::chrono::system_clock::now() - taken.created);
    return written;
}

status worker::refuse(const message& taken, std::string_view name, const status& why) {
    constexpr std::size_t shown = 512; // bytes of the payload
    ++metrics_.dead_letters;
    line_.begin();
    line_.add_json("reason", json_quoted(why.message()));
    if (taken.offset >= 0) {
        line_.add("partition", taken.partition);
        line_.add("offset", taken.offset);
    }
    if (!name.empty()) {
        line_.add_json("device", json_quoted(name.substr(0, longest_device)));
    }
    line_.add_json("payload", json_quoted(std::string_view{taken.payload}.substr(0, shown)));
    return sink_.write(output::dead_letter, name.substr(0, longest_device), line_.end());
}

status worker::checkpoint() {
    // Verdicts first: samples of a state stored without them would never be judged again.
    status done = sink_.flush();
    if (!done.ok()) {
        return done;
    }
    for (const changed_device& changed : changed_) {
        const auto bytes = save_device(*changed.state);
        done = bytes ? states_.put(changed.number, *changed.name, *bytes) : bytes.error();
        if (!done.ok()) {
            return done;
        }
        metrics_.state_bytes += static_cast<std::int64_t>(bytes->size());
        changed.state->changed = false;
    }
    changed_.clear();
    std::vector<source::progress> offsets;
    for (auto& [number, part] : partitions_) {
        if (!part.changed) {
            continue;
        }
        part.changed = false;
        part.progress.origin = source_.origin();
        if (done = states_.put(number, "", save_progress(part.progress)); !done.ok()) {
            return done;
        }
        offsets.push_back({number, part.progress.next_offset});
    }
    done = states_.flush();
    done = done.ok() ? source_.acknowledge(offsets) : done;
    if (done.ok()) {
        ++metrics_.checkpoints;
        taken_ = 0;
        last_checkpoint_ = std::chrono::steady_clock::now();
    }
    return done;
}

status worker::change_rules(model_rules rules) {
    if (status saved = checkpoint(); !saved.ok()) {
        return saved;
    }
    rules_ = std::move(rules);
    ++metrics_.model_changes;
    return claim();
}

/// States that had no rule: they stay in the store, so that they take no memory here.
status worker::claim() {
    std::vector<std::int32_t> numbers;
    for (auto& [number, part] : partitions_) {
        if (std::exchange(part.unclaimed, false)) {
            numbers.push_back(number);
        }
    }
    const auto visit = [&](std::int32_t number, std::string_view key,
                           std::span<const std::byte> bytes) {
        const bool known = key.empty() || partitions_[number].devices.contains(key);
        return known ? status{} : restore(number, key, bytes);
    };
    status done = numbers.empty() ? status{} : states_.read(numbers, visit);
    count_devices();
    return done;
}

status worker::assigned(std::span<const std::int32_t> partitions) {
    // To read the states may take long, and a transaction of samples judged so far would time out.
    if (status saved = taken_ > 0 ? checkpoint() : status{}; !saved.ok()) {
        return saved;
    }
    for (const std::int32_t number : partitions) {
        partitions_[number] = {};
    }
    const auto visit = [&](std::int32_t number, std::string_view key,
                           std::span<const std::byte> bytes) {
        return restore(number, key, bytes);
    };
    if (status read = states_.read(partitions, visit); !read.ok()) {
        return read;
    }
    for (const std::int32_t number : partitions) {
        const partition_progress& progress = partitions_[number].progress;
        if (status resumed = source_.resume(number, progress.next_offset, progress.origin);
            !resumed.ok()) {
            return resumed;
        }
    }
    count_devices();
    return {};
}

status worker::restore(std::int32_t number, std::string_view key,
                       std::span<const std::byte> bytes) {
    partition& part = partitions_[number];
    if (key.empty()) {
        auto progress = load_progress(bytes);
        if (!progress) {
            return progress.error();
        }
        part.progress = *std::move(progress);
        return {};
    }
    auto model = rules_.find(key);
    if (!model) {
        part.unclaimed = true; // its samples are dead letters until SIGHUP adds a rule
        return {};
    }
    bool kept = true;
    auto loaded = load_device(key, std::move(model), settings_.control, bytes, kept);
    if (!loaded) {
        return status::error(loaded.error().code(), "device '", key.substr(0, 80),
                             "': ", loaded.error().message());
    }
    metrics_.fresh_streams += kept ? 0 : 1;
    part.devices.insert_or_assign(std::string{key}, *std::move(loaded));
    return {};
}

status worker::revoked(std::span<const std::int32_t> partitions) {
    status saved = checkpoint();
    changed_.clear(); // after a failure it would point into what is removed now
    for (const std::int32_t number : partitions) {
        partitions_.erase(number);
    }
    count_devices();
    return saved;
}

void worker::count_devices() {
    devices_ = 0;
    for (const auto& [number, part] : partitions_) {
        devices_ += static_cast<std::int64_t>(part.devices.size());
    }
    metrics_.devices = devices_;
    metrics_.partitions = static_cast<std::int64_t>(partitions_.size());
}

} // namespace tocsin_gateway
