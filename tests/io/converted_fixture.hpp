/// @file converted_fixture.hpp
/// @brief Files that tocsin-convert wrote, and copies of them that are not as they should be.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/safetensors.hpp"

#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"
#include "temporary_directory.hpp"
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tocsin_test {

inline std::filesystem::path converted(const std::string& name) {
    return fixture_directory() / "converted" / (name + ".safetensors");
}

/// A copy of a fixture in which tensors are changed on the way.
/// @param change `change(name, values, shape)` returns whether the tensor is kept
/// @param words  in the metadata, the first of which is replaced by the second
template <class Change>
std::filesystem::path changed(const temporary_directory& directory, const std::string& name,
                              Change&& change, std::pair<std::string, std::string> words = {}) {
    const auto original = tocsin::safetensors_reader::open(converted(name));
    REQUIRE(original.has_value());
    tocsin::safetensors_writer copy;
    for (const auto& [key, value] : original->metadata()) {
        std::string text = value;
        if (const auto at = text.find(words.first); !words.first.empty() && at != text.npos) {
            text.replace(at, words.first.size(), words.second);
        }
        REQUIRE(copy.add_metadata(key, text).ok());
    }
    for (const auto& tensor : original->tensors()) {
        std::vector<double> values(static_cast<std::size_t>(tensor.count()));
        original->copy_converted(tensor, std::span<double>(values));
        auto shape = tensor.shape;
        if (change(tensor.name, values, shape)) {
            REQUIRE(copy.add_tensor(tensor.name, std::span<const double>(values), shape).ok());
        }
    }
    auto path = directory / "changed.safetensors";
    REQUIRE(copy.write(path).ok());
    return path;
}

inline void check_says(const tocsin::status& outcome, const char* part) {
    CAPTURE(std::string(outcome.message()));
    CHECK_FALSE(outcome.ok());
    CHECK(std::string(outcome.message()).find(part) != std::string::npos);
}

} // namespace tocsin_test
