/// @file edited_file.hpp
/// @brief Model files with other metadata or tensors, and right checksums: what an attacker writes.
#pragma once

#include "tocsin/io/file_seal.hpp"
#include "tocsin/io/safetensors.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin_test {

/// The content of a safetensors file, to be changed.
class edited_file {
  public:
    explicit edited_file(const std::string& bytes) {
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), sizeof length);
        const auto size = static_cast<std::size_t>(length);
        header_ = nlohmann::ordered_json::parse(bytes.substr(8, size));
        data_ = bytes.substr(8 + size);
    }

    std::string& metadata(const std::string& key) {
        auto& all = header_["__metadata__"];
        REQUIRE_MESSAGE(all.contains(key), "no metadata '", key, "'");
        return all[key].get_ref<std::string&>();
    }
    /// Replaces metadata that are there.
    edited_file& set(const std::string& key, const std::string& value) {
        metadata(key) = value;
        return *this;
    }
    edited_file& erase(const std::string& key) {
        header_["__metadata__"].erase(key);
        return *this;
    }
    /// Replaces every element of a tensor that is there.
    template <class T>
    edited_file& fill(const std::string& name, T value) {
        REQUIRE_MESSAGE(header_.contains(name), "no tensor '", name, "'");
        const auto& offsets = header_[name]["data_offsets"];
        for (auto at = offsets[0].get<std::size_t>(); at < offsets[1].get<std::size_t>();
             at += sizeof value) {
            std::memcpy(data_.data() + at, &value, sizeof value);
        }
        return *this;
    }
    /// Says that the elements of a tensor are of another type of the same size.
    edited_file& set_type(const std::string& name, const std::string& type) {
        REQUIRE_MESSAGE(header_.contains(name), "no tensor '", name, "'");
        header_[name]["dtype"] = type;
        return *this;
    }
    /// With right checksums, where the file still has their keys.
    std::string bytes() const {
        std::string text = header_.dump();
        text.resize((text.size() + 7) / 8 * 8, ' ');
        const std::uint64_t length = text.size();
        std::string file(sizeof length, '\0');
        std::memcpy(file.data(), &length, sizeof length);
        file += text + data_;
        static_cast<void>(tocsin::detail::seal(file, sizeof length + text.size()));
        return file;
    }

  private:
    nlohmann::ordered_json header_;
    std::string data_;
};

} // namespace tocsin_test
