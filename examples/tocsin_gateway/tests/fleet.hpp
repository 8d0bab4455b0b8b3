/// @file fleet.hpp
/// @brief A small model, and a fleet of devices with computable samples.
#pragma once

#include "tocsin/io/detector_file.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tocsin.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace gateway_tests {

/// Trains a forecaster of two values and saves it.
/// @param seed another one makes another model
template <tocsin::threshold_rule Rule>
tocsin::status save_fleet_model(const std::filesystem::path& path, int seed, const Rule& rule) {
    tocsin::matrix<float> recording(2, 1200);
    for (int t = 0; t < 1200; ++t) {
        const float phase = 0.3F * static_cast<float>(t);
        recording.col(t) << 4 + std::sin(phase), 20 - 5 * std::cos(phase);
    }
    const auto windows = tocsin::make_windows(recording, 300, 300).value();
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                     tocsin::mahalanobis<>, Rule>
        made{tocsin::forecaster<float>::with_layers(2, 2, {8}), {}, {}, rule};
    const tocsin::trainer<> trainer{.epochs = 2 + seed, .truncation = 50};
    tocsin::status done = made.train(windows, {}, trainer);
    done = done.ok() ? made.fit_errors(windows) : done;
    done = done.ok() ? made.tune(windows) : done;
    return done.ok() ? tocsin::save_detector(made, path) : done;
}
/// The same with twice the largest normal score as its threshold.
inline tocsin::status save_fleet_model(const std::filesystem::path& path, int seed = 1) {
    return save_fleet_model(path, seed, tocsin::quantile_threshold{1, 2});
}

inline std::string device_name(int device) {
    return "pump-" + std::to_string(device);
}

/// Sample `t` of a device as a payload: JSON with an array or with names, or CSV; some are faults,
/// some have a missing value.
inline std::string payload_of(int device, int t) {
    const auto text = [](double value) {
        std::array<char, 32> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
        return std::string{digits.data(), end.ptr};
    };
    const double phase = 0.3 * t + 0.7 * device;
    const bool fault = (device * 31 + t) % 97 == 0;
    const bool missing = (device * 17 + t) % 53 == 0;
    const std::string first = text(4 + std::sin(phase) + (fault ? 9 : 0));
    const std::string second = text(20 - 5 * std::cos(phase));
    const std::string time = text(10.0 * t);
    if (device % 2 == 0) {
        return device_name(device) + ',' + time + ',' + first + ',' + (missing ? "" : second);
    }
    return R"({"device":")" + device_name(device) + R"(","time":)" + time + R"(,"values":[)" +
           first + ',' + (missing ? "null" : second) + "]}";
}

/// Lines of verdicts by device, in order.
using verdict_lines = std::map<std::string, std::vector<std::string>>;

/// The number after `"position":` in a line of the gateway; -1 without one.
inline std::int64_t position_of(const std::string& line) {
    const std::string name = "\"position\":";
    const auto at = line.find(name);
    std::int64_t position = -1;
    if (at != std::string::npos) {
        std::from_chars(line.data() + at + name.size(), line.data() + line.size(), position);
    }
    return position;
}
/// The text after `"device":` in a line.
inline std::string device_of(const std::string& line) {
    const std::string name = "\"device\":\"";
    const auto at = line.find(name);
    if (at == std::string::npos) {
        return {};
    }
    const auto begin = at + name.size();
    return line.substr(begin, line.find('"', begin) - begin);
}

/// A reader of verdicts that may be repeated: takes a line only if its position is the next of its
/// device. Counts lines after a gap, and repeats that differ.
struct position_reader {
    verdict_lines taken;
    int gaps = 0;
    int repeats = 0;
    int contradictions = 0;

    void read(const std::string& line) {
        auto& lines = taken[device_of(line)];
        const auto position = static_cast<std::size_t>(position_of(line));
        if (position == lines.size()) {
            lines.push_back(line);
        } else if (position > lines.size()) {
            ++gaps;
        } else {
            ++repeats;
            contradictions += lines[position] != line ? 1 : 0;
        }
    }
};

} // namespace gateway_tests
