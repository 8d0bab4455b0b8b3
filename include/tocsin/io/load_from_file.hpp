/// @file load_from_file.hpp
/// @brief Opens a safetensors file for a function that reads it.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/load_options.hpp"
#include "tocsin/io/out_of_memory.hpp"
#include "tocsin/io/safetensors.hpp"

#include <filesystem>
#include <utility>

namespace tocsin::detail {

/// Opens a file and calls `load(file)`; a failure of either names the file. An allocation that is
/// refused meanwhile is the status `out_of_memory`.
template <class Load>
status load_from_file(const std::filesystem::path& path, const load_options& options, Load&& load) {
    const auto open_and_load = [&]() -> status {
        const auto file = safetensors_reader::open(path, options);
        if (!file) {
            return file.error();
        }
        const status outcome = std::forward<Load>(load)(*file);
        return outcome.ok()
                   ? outcome
                   : status::error(outcome.code(), shown_name(path), ": ", outcome.message());
    };
    return memory_as_status(name_without_memory(path), open_and_load);
}

} // namespace tocsin::detail
