/// @file read_file.hpp
/// @brief A whole file as bytes in memory.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/system_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace tocsin {

/// Bytes that read_file() takes in unless told otherwise: 1 GiB.
inline constexpr std::uint64_t default_file_limit = std::uint64_t{1} << 30U;

namespace detail {

struct file_closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using file_handle = std::unique_ptr<std::FILE, file_closer>;

} // namespace detail

/// Reads a whole file, or a pipe until it ends.
/// `io_error` with the operating system's reason when it cannot be opened or read. Folders, devices
/// and sockets are refused: some never end. Waits for the other end of a pipe. Allocates.
/// @param limit largest number of bytes; a larger file is an `io_error` that names both, and is
///              found out before memory is taken for it
inline result<std::string> read_file(const std::filesystem::path& path,
                                     std::uint64_t limit = default_file_limit) {
    const auto refuse = [&](const auto&... parts) {
        return status::error(error_code::io_error, detail::shown_name(path), ": ", parts...);
    };
    detail::file_facts facts;
    const std::string name = path.string();
    if (const int failure = detail::system_files::look(name.c_str(), facts); failure != 0) {
        return refuse("cannot open: ", detail::system_message(failure));
    }
    using detail::file_kind;
    if (facts.kind == file_kind::missing) {
        return refuse("cannot open: ", detail::system_message(ENOENT));
    }
    if (facts.kind != file_kind::regular && facts.kind != file_kind::fifo) {
        return refuse("is ", name_of(facts.kind), ", only regular files and pipes are read");
    }
    std::string content;
    limit = std::min<std::uint64_t>(limit, content.max_size());
    if (facts.size > limit) {
        return refuse("has ", facts.size, " bytes, more than the limit of ", limit);
    }
    const detail::file_handle file{std::fopen(name.c_str(), "rb")};
    if (!file) {
        if (errno == ENOMEM) {
            return status::error(error_code::out_of_memory, detail::shown_name(path),
                                 ": cannot open: not enough memory");
        }
        return refuse("cannot open: ", detail::system_message(errno));
    }
    content.reserve(static_cast<std::size_t>(facts.size));
    constexpr std::size_t block = std::size_t{1} << 16U;
    const auto buffer = std::make_unique<char[]>(block);
    for (;;) {
        errno = 0;
        const std::size_t count = std::fread(buffer.get(), 1, block, file.get());
        if (std::ferror(file.get()) != 0) {
            return refuse("cannot read: ", detail::system_message(errno));
        }
        if (count > limit - content.size()) { // a pipe, or a file that grows or hides its size
            return refuse("has more bytes than the limit of ", limit);
        }
        content.append(buffer.get(), count);
        if (count < block) {
            return content;
        }
    }
}

} // namespace tocsin
