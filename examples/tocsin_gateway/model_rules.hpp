/// @file model_rules.hpp
/// @brief Which model judges a device: prefixes of device names, each with a model file.
#pragma once

#include "tocsin/core/status.hpp"

#include "device_model.hpp"
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_gateway {

/// The rules of a file such as
///
///     {"models": [{"prefix": "pump-", "file": "pump.safetensors", "identity": "0123456789abcdef"},
///                 {"prefix": "", "file": "any.safetensors"}]}
///
/// The longest prefix wins. `file` is relative to the rules. If `identity` is given, the model must
/// have it, so that a rule cannot get another model than it names. There may be no other members: a
/// misspelt one would be a condition that nobody checks.
class model_rules {
  public:
    /// @return the reason with the name of the file: unreadable, another shape, an unknown member, a
    ///         prefix twice, a model that cannot be loaded (device_model::load()) or has another identity
    static tocsin::result<model_rules> load(const std::filesystem::path& path);
    /// One model for all devices.
    static tocsin::result<model_rules> one(const std::filesystem::path& model);

    /// The model of a device; null if no rule matches.
    std::shared_ptr<const device_model> find(std::string_view device) const;
    /// Prefix, model and its file of each rule, the longest first.
    struct rule {
        std::string prefix;
        std::shared_ptr<const device_model> model;
        std::string file;
    };
    const std::vector<rule>& rules() const noexcept { return rules_; }

  private:
    std::vector<rule> rules_;
};

} // namespace tocsin_gateway
