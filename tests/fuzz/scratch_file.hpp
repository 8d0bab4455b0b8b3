/// @file scratch_file.hpp
/// @brief A file for functions that read by path: in a folder of this process that goes with it.
#pragma once

#include "fuzz_input.hpp"
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace tocsin_fuzz {

class scratch_file {
  public:
    explicit scratch_file(const char* name)
        : folder_{std::filesystem::temp_directory_path() /
                  ("tocsin_fuzz_" + std::to_string(getpid()) + '_' + name)} {
        std::filesystem::create_directories(folder_);
    }
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;
    ~scratch_file() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::filesystem::path path() const { return folder_ / "f"; }
    /// Replaces the content.
    void write(std::string_view content) const {
        std::FILE* const file = std::fopen(path().c_str(), "wb");
        require(file != nullptr, "no scratch file");
        require(std::fwrite(content.data(), 1, content.size(), file) == content.size(),
                "no scratch file");
        std::fclose(file);
    }
    std::string read() const {
        std::string content;
        std::FILE* const file = std::fopen(path().c_str(), "rb");
        require(file != nullptr, "no scratch file");
        char block[4096];
        while (const std::size_t count = std::fread(block, 1, sizeof block, file)) {
            content.append(block, count);
        }
        std::fclose(file);
        return content;
    }

  private:
    std::filesystem::path folder_;
};

} // namespace tocsin_fuzz
