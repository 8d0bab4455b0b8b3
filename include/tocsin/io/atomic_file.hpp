/// @file atomic_file.hpp
/// @brief A file that appears under its name only when it is complete.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/system_files.hpp"
#include "tocsin/io/temporary_name.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace tocsin {

/// Writes to a temporary file next to the target; commit() flushes it to the disk, renames it onto
/// the target and flushes the folder. Without a successful commit() the target stays as it was and
/// the temporary file is removed; after a kill or a loss of power at any time the target is the old
/// or the new file, complete. What a killed process leaves is removed by the next save of the same
/// target.
///
/// - A symbolic link stays, what it points to is replaced.
/// - A file that is replaced keeps its owner, group and permissions; when that is not allowed, the
///   save fails. A new one gets those that the process gives to new files (umask). Access control
///   lists, extended attributes and other hard links to the old file are not kept.
/// - FIFOs, devices and sockets are refused: a rename would put a file in their place.
///
/// @tparam System the calls, see detail::posix_files
template <class System>
class basic_atomic_file {
  public:
    /// Creates the temporary file. `io_error` with the reason when that fails, or when the target
    /// is there and no regular file. Looks through the target's folder. Allocates.
    static result<basic_atomic_file> create(const std::filesystem::path& path) {
        std::filesystem::path target = path;
        if (auto followed = follow_links(target); !followed) {
            return followed;
        }
        detail::file_facts facts;
        if (const int failure = System::look(target.string().c_str(), facts); failure != 0) {
            return refuse(path, ": cannot be examined: ", failure);
        }
        const bool exists = facts.kind != detail::file_kind::missing;
        if (exists && facts.kind != detail::file_kind::regular) {
            return status::error(error_code::io_error, detail::shown_name(path), ": is ",
                                 name_of(facts.kind), ", only regular files are replaced");
        }
        const detail::temporary_names<System> names{target};
        names.remove_stale();
        for (int attempt = 0;; ++attempt) {
            // All memory is there before the file is, so that nothing fails in between.
            basic_atomic_file file{target, names.next()};
            // What replaces a private file stays private.
            const int failure =
                System::create(file.temporary_.c_str(), exists ? 0600U : 0666U, file.handle_);
            if (failure != 0) {
                file.handle_ = System::none;
                if (failure == EEXIST && attempt < 100) {
                    continue;
                }
                return refuse(path, ": cannot create: ", failure);
            }
            // Without the lock, as on file systems that have none, only the number of the process
            // protects the file from remove_stale().
            static_cast<void>(System::lock(file.handle_));
            if (exists) {
                if (const int denied = System::keep_access(file.handle_, facts); denied != 0) {
                    return refuse(path, ": cannot keep its owner and permissions: ", denied);
                }
                file.replaced_ = facts;
            }
            return result<basic_atomic_file>{std::move(file)};
        }
    }

    /// Takes over the file; the other one is closed.
    basic_atomic_file(basic_atomic_file&& other) noexcept
        : path_{std::move(other.path_)}, folder_{std::move(other.folder_)},
          temporary_{std::move(other.temporary_)},
          handle_{std::exchange(other.handle_, System::none)}, buffer_{std::move(other.buffer_)},
          replaced_{other.replaced_}, failure_{other.failure_} {}
    basic_atomic_file& operator=(basic_atomic_file&&) = delete;
    basic_atomic_file(const basic_atomic_file&) = delete;
    basic_atomic_file& operator=(const basic_atomic_file&) = delete;
    ~basic_atomic_file() {
        if (handle_ != System::none) {
            static_cast<void>(System::close(handle_));
            discard();
        }
    }

    /// Appends bytes; a failure is kept and reported by commit(). Never allocates.
    void write(std::string_view bytes) noexcept {
        if (buffer_.size() + bytes.size() > buffered) {
            write_out(buffer_);
            buffer_.clear();
        }
        if (bytes.size() > buffered) {
            write_out(bytes);
        } else {
            buffer_.append(bytes); // fits into what is reserved
        }
    }

    /// Flushes to the disk and renames onto the target. `io_error` with the reason when writing,
    /// flushing or renaming failed; the target is then the old file. When only the flush of the
    /// folder failed, it is the new one, and the message says so. Call it once, last.
    status commit() {
        write_out(buffer_);
        if (failure_ == 0 && replaced_.has_special_permissions()) {
            failure_ = System::keep_access(handle_, replaced_); // writing has taken them away
        }
        if (failure_ == 0) {
            failure_ = without_einval(System::sync(handle_));
        }
        const int closing = System::close(std::exchange(handle_, System::none));
        if (failure_ == 0) {
            failure_ = closing;
        }
        if (failure_ != 0) {
            discard();
            return refuse(path_, ": cannot write: ", failure_);
        }
        if (const int failure = System::rename(temporary_.c_str(), path_.c_str()); failure != 0) {
            discard();
            return refuse(path_, ": cannot replace: ", failure);
        }
        if (const int failure = without_einval(System::sync_folder(folder_.c_str()));
            failure != 0) {
            return refuse(path_, ": is written, but may be lost with the power: ", failure);
        }
        return {};
    }

  private:
    static constexpr std::size_t buffered = std::size_t{1} << 16U;

    basic_atomic_file(const std::filesystem::path& path, const std::filesystem::path& temporary)
        : path_{path.string()},
          folder_{path.parent_path().empty() ? std::string{"."} : path.parent_path().string()},
          temporary_{temporary.string()} {
        buffer_.reserve(buffered);
    }

    /// Also through a link to a file that is not there yet.
    static status follow_links(std::filesystem::path& path) {
        std::error_code reason;
        for (int links = 0; std::filesystem::is_symlink(path, reason); ++links) {
            const auto next = std::filesystem::read_symlink(path, reason);
            if (reason) {
                return refuse(path, ": cannot follow: ", reason.value());
            }
            if (links == 40) { // as many as Linux follows
                return refuse(path, ": cannot follow: ", ELOOP);
            }
            path = path.parent_path() / next; // replaces the path when `next` is absolute
        }
        return {};
    }
    static status refuse(const std::filesystem::path& path, const char* what, int failure) {
        return status::error(error_code::io_error, detail::shown_name(path), what,
                             detail::system_message(failure));
    }
    /// Some file systems have nothing to synchronise, and say so by EINVAL.
    static int without_einval(int failure) noexcept { return failure == EINVAL ? 0 : failure; }

    void write_out(std::string_view bytes) noexcept {
        while (failure_ == 0 && !bytes.empty()) {
            std::size_t written = 0;
            const int failure = System::write(handle_, bytes.data(), bytes.size(), written);
            if (failure == EINTR) {
                continue;
            }
            failure_ = failure != 0 ? failure : written == 0 ? EIO : 0;
            bytes.remove_prefix(written < bytes.size() ? written : bytes.size());
        }
    }
    void discard() noexcept { static_cast<void>(System::remove(temporary_.c_str())); }

    std::string path_; // links followed
    std::string folder_;
    std::string temporary_;
    typename System::handle handle_ = System::none;
    std::string buffer_;
    detail::file_facts replaced_; // of the file that is there already
    int failure_ = 0;
};

/// With the calls of this system.
using atomic_file = basic_atomic_file<detail::system_files>;

/// Replaces a file by `content`, completely or not at all: see basic_atomic_file.
inline status write_file(const std::filesystem::path& path, std::string_view content) {
    auto file = atomic_file::create(path);
    if (!file) {
        return file.error();
    }
    file->write(content);
    return file->commit();
}

} // namespace tocsin
