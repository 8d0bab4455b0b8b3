/// @file read_file.hpp
/// @brief A whole file as bytes in memory.
#pragma once

#include "tocsin/core/status.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

namespace tocsin {

namespace detail {

struct file_closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using file_handle = std::unique_ptr<std::FILE, file_closer>;

/// The operating system's message for an error number.
inline std::string system_message(int error_number) {
    return std::error_code(error_number, std::generic_category()).message();
}

/// A file name for messages; a very long name is reduced to its end, so that the reason is not cut
/// off.
inline std::string shown_name(const std::filesystem::path& path) {
    constexpr std::size_t longest = 160;
    std::string name = path.string();
    return name.size() <= longest ? name : "..." + name.substr(name.size() - longest);
}

} // namespace detail

/// Reads a whole file, or a pipe until it ends. `io_error` with the operating system's reason when
/// it cannot be opened or read. Allocates.
inline result<std::string> read_file(const std::filesystem::path& path) {
    const detail::file_handle file{std::fopen(path.string().c_str(), "rb")};
    if (!file) {
        return status::error(error_code::io_error, detail::shown_name(path),
                             ": cannot open: ", detail::system_message(errno));
    }
    std::string content;
    constexpr std::size_t block = std::size_t{1} << 16U;
    for (;;) {
        const std::size_t size = content.size();
        content.resize(size + block);
        errno = 0;
        const std::size_t count = std::fread(content.data() + size, 1, block, file.get());
        content.resize(size + count);
        if (std::ferror(file.get()) != 0) {
            return status::error(error_code::io_error, detail::shown_name(path),
                                 ": cannot read: ", detail::system_message(errno));
        }
        if (count < block) {
            return content;
        }
    }
}

} // namespace tocsin
