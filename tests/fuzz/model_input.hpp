/// @file model_input.hpp
/// @brief Model files from any bytes, as they are and with length, offsets and checksums put right.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/io/archive.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"

#include <nlohmann/json.hpp>

#include "fuzz_input.hpp"
#include <cmath>
#include <string>

namespace tocsin_fuzz {

/// Bytes of an element, by its name in a header; 8 for names that are no type.
inline std::size_t element_size(const nlohmann::ordered_json& type) {
    return type == "F32" || type == "I32"                   ? 4
           : type == "F16" || type == "BF16"                ? 2
           : type == "U8" || type == "I8" || type == "BOOL" ? 1
                                                            : 8;
}

/// What a mutation breaks first, put right: the length of the header, where tensors lie, how large
/// the data area is, the checksums. Without that, few mutants would come past them.
inline std::string repaired(std::string_view file) {
    const std::size_t begin = file.find('{');
    const std::size_t end = file.find_last_of('}');
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
        return std::string{file};
    }
    std::uint64_t length = 0;
    if (file.size() >= sizeof length) {
        std::memcpy(&length, file.data(), sizeof length);
    }
    // The stored length, where it ends a JSON text; else everything up to the last brace.
    std::string_view text = file.substr(begin, end + 1 - begin);
    std::size_t data_at = end + 1;
    if (length <= file.size() - std::min<std::size_t>(file.size(), 8) && length > 1) {
        const auto stored = file.substr(8, static_cast<std::size_t>(length));
        if (nlohmann::json::accept(stored)) {
            text = stored;
            data_at = 8 + static_cast<std::size_t>(length);
        }
    }
    auto header = nlohmann::ordered_json::parse(text, nullptr, false);
    if (header.is_discarded() || !header.is_object()) {
        return std::string{file};
    }
    std::size_t offset = 0;
    for (auto& [name, tensor] : header.items()) {
        if (name == "__metadata__" || !tensor.is_object() || !tensor["shape"].is_array()) {
            continue;
        }
        std::size_t bytes = element_size(tensor["dtype"]);
        for (const auto& size : tensor["shape"]) {
            const std::size_t factor =
                size.is_number_unsigned() ? size.template get<std::size_t>() : 1;
            bytes = factor > 4096 || bytes > 65536 ? 0 : bytes * factor;
        }
        tensor["data_offsets"] = {offset, offset + bytes};
        offset += bytes;
    }
    std::string data{file.substr(std::min(data_at, file.size()))};
    data.resize(offset, '\0');
    auto& metadata = header["__metadata__"];
    if (!metadata.is_object()) {
        metadata = nlohmann::ordered_json::object();
    }
    metadata["crc32"] = std::string(8, '0');
    metadata["sha256"] = std::string(64, '0');
    metadata["format_version"] = "2";
    std::string json = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    json.resize((json.size() + 7) / 8 * 8, ' ');
    length = json.size();
    std::string fixed(8, '\0');
    std::memcpy(fixed.data(), &length, sizeof length);
    fixed += json + data;
    tocsin::detail::seal(fixed, 8 + json.size());
    return fixed;
}

/// A loaded object is used, whether loading worked or not.
template <class Object, class Use>
void load_one(const tocsin::archive_reader& file, const char* name, Object object, Use&& use) {
    tocsin::archive_reader archive = file;
    archive.object(name, object);
    for (const double score : {0.1, -3.0, 1e308, -1e308, 5e-324, std::nan(""), 1.0, 2.0}) {
        use(object, score);
    }
    if (archive.outcome().ok()) {
        tocsin::archive_writer again;
        again.object(name, object);
        require(again.outcome().ok(), "what was loaded cannot be saved");
    }
}

inline void load_all(std::string_view bytes) {
    const auto file = tocsin::archive_reader::from_bytes(std::as_bytes(std::span{bytes}));
    if (!file) {
        require(file.error().message()[0] != '\0', "model: refused without a reason");
        return;
    }
    const auto push = [](auto& object, double score) { object.push(score); };
    const auto rule = [](auto& object, double score) {
        object.push(score);
        require(!std::isnan(object.threshold()), "a loaded threshold is NaN");
        require(!object.fitted() || object.valid().ok(), "a loaded rule is not valid");
    };
    load_one(*file, "window", tocsin::moving_window{}, push);
    load_one(*file, "ewma", tocsin::ewma{}, push);
    load_one(*file, "spot", tocsin::spot_threshold{}, rule);
    load_one(*file, "drift", tocsin::drift_spot_threshold{}, rule);
    load_one(*file, "sketch", tocsin::quantile_sketch{}, push);
    load_one(*file, "epsilon", tocsin::epsilon_threshold{},
             [](auto& object, double score) { object.exceeds(score); });
    load_one(*file, "likelihood", *tocsin::anomaly_likelihood::make(), push);
    load_one(*file, "dynamic", *tocsin::dynamic_threshold_stream::make(),
             [](auto& object, double score) { object.push(std::abs(score), score); });
    load_one(*file, "chain",
             tocsin::alarm_chain{tocsin::m_of_n{1, 2}, tocsin::minimum_duration{1},
                                 tocsin::suppression{1}},
             [](auto& object, double score) { object.push(score > 0); });
}

inline void model(input bytes) {
    load_all(text_of(bytes));
    load_all(repaired(text_of(bytes)));
}

/// A file that holds one of each, to start from.
inline std::string model_seed() {
    tocsin::random_generator random{4};
    std::vector<double> scores(600);
    for (double& score : scores) {
        score = random.normal();
    }
    tocsin::spot_settings settings;
    settings.level = 0.9;
    settings.q = 1e-3;
    settings.memory = 20;
    tocsin::spot_threshold spot{settings};
    tocsin::drift_spot_threshold drift{settings, 5};
    tocsin::epsilon_threshold epsilon{2};
    static_cast<void>(spot.fit(scores, {}));
    static_cast<void>(drift.fit(scores, {}));
    static_cast<void>(epsilon.fit(scores, {}));
    tocsin::moving_window window{4};
    tocsin::ewma smoother{0.2};
    tocsin::quantile_sketch sketch{8};
    auto likelihood = *tocsin::anomaly_likelihood::make({6, 2, 3, 1e-6});
    tocsin::dynamic_threshold_settings batches;
    batches.batch = 2;
    batches.window = 4;
    batches.warm_up = 2;
    auto dynamic = *tocsin::dynamic_threshold_stream::make(batches);
    for (const double score : scores) {
        window.push(score);
        smoother.push(score);
        sketch.push(score);
        likelihood.push(score);
        dynamic.push(std::abs(score), score);
    }
    tocsin::archive_writer writer;
    writer.object("window", window);
    writer.object("ewma", smoother);
    writer.object("spot", spot);
    writer.object("drift", drift);
    writer.object("epsilon", epsilon);
    writer.object("sketch", sketch);
    writer.object("likelihood", likelihood);
    writer.object("dynamic", dynamic);
    writer.object("chain", tocsin::alarm_chain{tocsin::m_of_n{1, 2}, tocsin::minimum_duration{1},
                                               tocsin::suppression{1}});
    return *writer.encode();
}

} // namespace tocsin_fuzz
