/// @file pytorch_checks.hpp
/// @brief Files for PyTorch beside those that PyTorch wrote.
#pragma once

#include "tocsin/io/safetensors.hpp"

#include <doctest/doctest.h>

#include <filesystem>

namespace tocsin_test {

/// Whether a file has the tensors of another one, by name and shape.
inline void check_same_tensors(const std::filesystem::path& ours,
                               const std::filesystem::path& expected) {
    const auto written = tocsin::safetensors_reader::open(ours);
    const auto original = tocsin::safetensors_reader::open(expected);
    REQUIRE((written.has_value() && original.has_value()));
    REQUIRE(written->tensors().size() == original->tensors().size());
    for (const auto& tensor : original->tensors()) {
        CAPTURE(tensor.name);
        const auto* const same = written->find(tensor.name);
        REQUIRE(same != nullptr);
        CHECK(same->shape == tensor.shape);
    }
}

} // namespace tocsin_test
