/// @file atomic_file.hpp
/// @brief A file that appears under its name only when it is complete.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/read_file.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace tocsin {

/// Writes to a temporary file in the target's directory; commit() flushes it to the disk and
/// renames it. Without a successful commit() the target is unchanged and the temporary file is
/// removed.
class atomic_file {
  public:
    /// Creates the temporary file `<path>.tmp<n>`. `io_error` with the reason when that fails.
    static result<atomic_file> create(const std::filesystem::path& path) {
        for (int attempt = 0;; ++attempt) {
            auto temporary = path;
            temporary += ".tmp" + std::to_string(attempt);
            errno = 0;
            // "x": fails when the file exists, so that two writers never share one.
            detail::file_handle file{std::fopen(temporary.string().c_str(), "wbx")};
            if (file) {
                return atomic_file{path, std::move(temporary), std::move(file)};
            }
            if (errno != EEXIST || attempt == 99) {
                return status::error(error_code::io_error, detail::shown_name(temporary),
                                     ": cannot create: ", detail::system_message(errno));
            }
        }
    }

    atomic_file(atomic_file&&) noexcept = default;
    atomic_file& operator=(atomic_file&&) = delete;
    atomic_file(const atomic_file&) = delete;
    atomic_file& operator=(const atomic_file&) = delete;
    ~atomic_file() {
        if (file_) {
            discard();
        }
    }

    /// Appends bytes; commit() reports a failure.
    void write(std::string_view bytes) noexcept {
        if (failure_ == 0 &&
            std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
            failure_ = errno != 0 ? errno : EIO;
        }
    }

    /// Flushes to the disk and renames to the target. `io_error` with the reason when writing,
    /// flushing or renaming failed. Call it once, at the end.
    status commit() {
        if (failure_ == 0 && !flush()) {
            failure_ = errno != 0 ? errno : EIO;
        }
        std::FILE* const raw = file_.release();
        if (std::fclose(raw) != 0 && failure_ == 0) {
            failure_ = errno != 0 ? errno : EIO;
        }
        if (failure_ != 0) {
            discard();
            return status::error(error_code::io_error, detail::shown_name(path_),
                                 ": cannot write: ", detail::system_message(failure_));
        }
        std::error_code reason;
        std::filesystem::rename(temporary_, path_, reason);
        if (reason) {
            discard();
            return status::error(error_code::io_error, detail::shown_name(path_),
                                 ": cannot replace: ", reason.message());
        }
        return {};
    }

  private:
    atomic_file(std::filesystem::path path, std::filesystem::path temporary,
                detail::file_handle file)
        : path_{std::move(path)}, temporary_{std::move(temporary)}, file_{std::move(file)} {}

    bool flush() noexcept {
        errno = 0;
        if (std::fflush(file_.get()) != 0) {
            return false;
        }
#if defined(__unix__) || defined(__APPLE__)
        // Pipes and some file systems cannot synchronise: EINVAL is not a failure.
        return ::fsync(::fileno(file_.get())) == 0 || errno == EINVAL;
#else
        return true;
#endif
    }
    void discard() noexcept {
        file_.reset();
        std::error_code ignored;
        std::filesystem::remove(temporary_, ignored);
    }

    std::filesystem::path path_;
    std::filesystem::path temporary_;
    detail::file_handle file_;
    int failure_ = 0;
};

/// Replaces a file by `content`, completely or not at all.
inline status write_file(const std::filesystem::path& path, std::string_view content) {
    auto file = atomic_file::create(path);
    if (!file) {
        return file.error();
    }
    file->write(content);
    return file->commit();
}

} // namespace tocsin
