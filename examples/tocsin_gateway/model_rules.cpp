#include "model_rules.hpp"

#include "tocsin/io/read_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <utility>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::result;
using tocsin::status;

namespace {

/// The first member of an object that is none of these.
std::optional<std::string> unknown_member(const nlohmann::json& object,
                                          std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : object.items()) {
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            return name;
        }
    }
    return {};
}

} // namespace

result<model_rules> model_rules::one(const std::filesystem::path& path) {
    auto model = device_model::load(path);
    if (!model) {
        return model.error();
    }
    model_rules rules;
    rules.rules_.push_back({"", *std::move(model), path.string()});
    return rules;
}

result<model_rules> model_rules::load(const std::filesystem::path& path) {
    const auto refuse = [&](const auto&... parts) {
        return status::error(error_code::invalid_data, path.string(), ": ", parts...);
    };
    constexpr std::uint64_t limit = std::uint64_t{1} << 20U;
    const auto text = tocsin::read_file(path, limit);
    if (!text) {
        return text.error();
    }
    nlohmann::json json;
    try {
        json = nlohmann::json::parse(*text);
    } catch (const nlohmann::json::exception& error) {
        return refuse("is not JSON: ", error.what());
    }
    if (!json.is_object() || !json.contains("models") || !json["models"].is_array()) {
        return refuse("is not a JSON object with an array 'models'");
    }
    if (const auto other = unknown_member(json, {"models"})) {
        return refuse("has an unknown member '", *other, "', expected only 'models'");
    }
    model_rules rules;
    std::map<std::string, std::shared_ptr<const device_model>> loaded;
    for (const auto& entry : json["models"]) {
        const auto is_text = [&](const char* name) {
            return entry.is_object() && entry.contains(name) && entry[name].is_string();
        };
        if (!is_text("prefix") || !is_text("file")) {
            return refuse("every model needs the strings 'prefix' and 'file'");
        }
        const std::string prefix = entry["prefix"];
        if (const auto other = unknown_member(entry, {"prefix", "file", "identity"})) {
            return refuse("the rule of prefix '", prefix, "' has an unknown member '", *other,
                          "', expected only 'prefix', 'file' and 'identity'");
        }
        const std::string file = (path.parent_path() / entry["file"].get<std::string>()).string();
        for (const rule& before : rules.rules_) {
            if (before.prefix == prefix) {
                return refuse("prefix '", prefix, "' occurs twice");
            }
        }
        auto& model = loaded[file];
        if (!model) {
            auto fresh = device_model::load(file);
            if (!fresh) {
                return fresh.error();
            }
            model = *std::move(fresh);
        }
        if (entry.contains("identity") && entry["identity"] != model->identity()) {
            return refuse("model '", file, "' has identity ", model->identity(),
                          ", the rule requires ", entry["identity"].dump());
        }
        rules.rules_.push_back({prefix, model, file});
    }
    if (rules.rules_.empty()) {
        return refuse("names no model");
    }
    std::stable_sort(rules.rules_.begin(), rules.rules_.end(), [](const rule& a, const rule& b) {
        return a.prefix.size() > b.prefix.size();
    });
    return rules;
}

std::shared_ptr<const device_model> model_rules::find(std::string_view device) const {
    const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const rule& candidate) {
        return device.starts_with(candidate.prefix);
    });
    return found == rules_.end() ? nullptr : found->model;
}

} // namespace tocsin_gateway
