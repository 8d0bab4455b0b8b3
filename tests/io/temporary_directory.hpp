/// @file temporary_directory.hpp
/// @brief Directory for the files of one test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace tocsin_test {

/// A new directory that is removed with its content at the end of the test.
class temporary_directory {
  public:
    temporary_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "tocsin_XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
    /// Number of files in it, to check that no temporary file is left.
    long count() const {
        const std::filesystem::directory_iterator files{path_};
        return static_cast<long>(std::distance(begin(files), end(files)));
    }

  private:
    std::filesystem::path path_;
};

} // namespace tocsin_test
