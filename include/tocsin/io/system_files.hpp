/// @file system_files.hpp
/// @brief The calls of the operating system that reading and saving files need, in one place.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <signal.h> // kill() is POSIX's, not of <csignal>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace tocsin::detail {

/// The operating system's words for an error number.
inline std::string system_message(int error_number) {
    return std::error_code(error_number, std::generic_category()).message();
}

/// A file name for messages; of a very long one the end, so that the reason is not cut off.
inline std::string shown_name(const std::filesystem::path& path) {
    constexpr std::size_t longest = 160;
    std::string name = path.string();
    if (name.size() > longest) { // in place: g++ 12 warns of what operator+ is made of
        name.erase(0, name.size() - longest);
        name.insert(std::size_t{0}, std::size_t{3}, '.');
    }
    return name;
}

/// The name of a file for messages that must not allocate.
inline const char* name_without_memory(const std::filesystem::path& path) noexcept {
#if defined(_WIN32)
    static_cast<void>(path); // has other characters
    return "file";
#else
    return path.c_str();
#endif
}

enum class file_kind : std::uint8_t { missing, regular, folder, fifo, socket, device, other };

/// A kind of file for messages.
constexpr const char* name_of(file_kind kind) noexcept {
    constexpr const char* names[] = {"missing",  "a regular file", "a folder", "a FIFO",
                                     "a socket", "a device",       "no file"};
    return names[static_cast<std::size_t>(kind)];
}

/// What the operating system says of a path, symbolic links followed.
struct file_facts {
    file_kind kind = file_kind::missing;
    std::uint64_t size = 0;  ///< of a regular file
    std::uint32_t mode = 0;  ///< permissions
    std::uint32_t owner = 0; ///< user
    std::uint32_t group = 0;

    /// Whether it runs as its owner or its group: a write takes such permissions away.
    constexpr bool has_special_permissions() const noexcept { return (mode & 06000U) != 0; }
};

#if defined(__unix__) || defined(__APPLE__)

/// The calls on POSIX systems. Each returns 0 or an error number. A test has a twin of this class
/// whose calls fail.
struct posix_files {
    using handle = int;
    static constexpr handle none = -1;

    static int look(const char* path, file_facts& facts) noexcept {
        struct stat found{};
        if (::stat(path, &found) != 0) {
            facts = {};
            return errno == ENOENT ? 0 : errno;
        }
        facts = facts_of(found);
        return 0;
    }
    /// A new file for writing. EEXIST when there is one of this name.
    static int create(const char* path, std::uint32_t mode, handle& file) noexcept {
        file = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                      static_cast<mode_t>(mode));
        return file == none ? errno : 0;
    }
    /// Held until the file is closed, also by the end of the process.
    static int lock(handle file) noexcept {
        return ::flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    }
    /// Whether nobody holds the lock of a regular file.
    static bool is_unlocked(const char* path) noexcept {
        const handle file = ::open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (file == none) {
            return false;
        }
        struct stat found{};
        const bool is_free = ::fstat(file, &found) == 0 && S_ISREG(found.st_mode) &&
                             ::flock(file, LOCK_EX | LOCK_NB) == 0;
        ::close(file);
        return is_free;
    }
    /// Gives a file the owner, group and permissions of another one.
    static int keep_access(handle file, const file_facts& of) noexcept {
        struct stat now{};
        if (::fstat(file, &now) != 0) {
            return errno;
        }
        // The owner first: changing it takes special permissions away.
        if ((now.st_uid != of.owner || now.st_gid != of.group) &&
            ::fchown(file, of.owner, of.group) != 0) {
            return errno;
        }
        return ::fchmod(file, static_cast<mode_t>(of.mode)) == 0 ? 0 : errno;
    }
    /// May write less than it is asked to.
    static int write(handle file, const char* bytes, std::size_t size,
                     std::size_t& written) noexcept {
        const auto count = ::write(file, bytes, size);
        written = count > 0 ? static_cast<std::size_t>(count) : 0;
        return count < 0 ? errno : 0;
    }
    static int sync(handle file) noexcept { return ::fsync(file) == 0 ? 0 : errno; }
    static int close(handle file) noexcept { return ::close(file) == 0 ? 0 : errno; }
    static int rename(const char* from, const char* to) noexcept {
        return std::rename(from, to) == 0 ? 0 : errno;
    }
    static int remove(const char* path) noexcept { return ::unlink(path) == 0 ? 0 : errno; }
    /// Makes a rename() in this folder outlive a loss of power.
    static int sync_folder(const char* path) noexcept {
        const handle folder = ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder == none) {
            return errno == EACCES ? 0 : errno; // one may write in it, but not open it
        }
        const int failure = sync(folder);
        ::close(folder);
        return failure;
    }
    static long process() noexcept { return static_cast<long>(::getpid()); }
    static bool is_running(long process) noexcept {
        return ::kill(static_cast<pid_t>(process), 0) == 0 || errno != ESRCH;
    }

  private:
    static file_facts facts_of(const struct stat& found) noexcept {
        const mode_t mode = found.st_mode;
        const file_kind kind = S_ISREG(mode)                    ? file_kind::regular
                               : S_ISDIR(mode)                  ? file_kind::folder
                               : S_ISFIFO(mode)                 ? file_kind::fifo
                               : S_ISSOCK(mode)                 ? file_kind::socket
                               : S_ISBLK(mode) || S_ISCHR(mode) ? file_kind::device
                                                                : file_kind::other;
        return {kind, found.st_size > 0 ? static_cast<std::uint64_t>(found.st_size) : 0,
                static_cast<std::uint32_t>(mode & 07777U), found.st_uid, found.st_gid};
    }
};

#endif

/// The same with the standard library alone, for other systems: nothing is synchronised beyond the
/// C library's buffers, and no temporary file is known to be stale.
struct standard_files {
    using handle = std::FILE*;
    static constexpr std::FILE* none = nullptr;

    static int look(const char* path, file_facts& facts) {
        facts = {};
        std::error_code reason;
        const auto found = std::filesystem::status(path, reason).type();
        using std::filesystem::file_type;
        switch (found) {
        case file_type::not_found:
            return 0;
        case file_type::none:
            return reason.value() != 0 ? reason.value() : EIO;
        case file_type::regular: {
            facts.kind = file_kind::regular;
            const auto size = std::filesystem::file_size(path, reason);
            facts.size = reason ? 0 : static_cast<std::uint64_t>(size);
            return 0;
        }
        case file_type::directory:
            facts.kind = file_kind::folder;
            return 0;
        case file_type::fifo:
            facts.kind = file_kind::fifo;
            return 0;
        case file_type::socket:
            facts.kind = file_kind::socket;
            return 0;
        case file_type::block:
        case file_type::character:
            facts.kind = file_kind::device;
            return 0;
        default:
            facts.kind = file_kind::other;
            return 0;
        }
    }
    static int create(const char* path, std::uint32_t /*mode*/, handle& file) noexcept {
        errno = 0;
        file = std::fopen(path, "wbx"); // "x": fails when the file exists
        return file == none ? (errno != 0 ? errno : EIO) : 0;
    }
    static int lock(handle /*file*/) noexcept { return 0; }
    static bool is_unlocked(const char* /*path*/) noexcept { return false; }
    static int keep_access(handle /*file*/, const file_facts& /*of*/) noexcept { return 0; }
    static int write(handle file, const char* bytes, std::size_t size,
                     std::size_t& written) noexcept {
        errno = 0;
        written = std::fwrite(bytes, 1, size, file);
        return written == size ? 0 : errno != 0 ? errno : EIO;
    }
    static int sync(handle file) noexcept {
        errno = 0;
        return std::fflush(file) == 0 ? 0 : errno != 0 ? errno : EIO;
    }
    static int close(handle file) noexcept { return std::fclose(file) == 0 ? 0 : EIO; }
    static int rename(const char* from, const char* to) {
        std::error_code reason;
        std::filesystem::rename(from, to, reason);
        return reason.value();
    }
    static int remove(const char* path) noexcept { return std::remove(path) == 0 ? 0 : EIO; }
    static int sync_folder(const char* /*path*/) noexcept { return 0; }
    static long process() noexcept { return 0; }
    static bool is_running(long /*process*/) noexcept { return true; }
};

#if defined(__unix__) || defined(__APPLE__)
using system_files = posix_files;
#else
using system_files = standard_files;
#endif

} // namespace tocsin::detail
