/// @file faulty_files.hpp
/// @brief The calls of the operating system, one of which fails or ends the process.
#pragma once

#include "tocsin/io/system_files.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

namespace tocsin_test {

/// What happens at the chosen call.
enum class fault : std::uint8_t {
    none,
    error,        ///< it does nothing and reports the error
    short_write,  ///< a write takes in half of its bytes; other calls work
    kill_before,  ///< the process ends
    kill_halfway, ///< the process ends when half of the bytes are written
    kill_after
};

/// detail::posix_files, where the call number `at`, from 0, goes wrong as `what` says. With
/// `from_then_on` all later ones of writing do so too, as on a full disk.
struct faulty_files : tocsin::detail::posix_files {
    using base = tocsin::detail::posix_files;

    static inline fault what = fault::none;
    static inline int at = 0;
    static inline int error = 0;
    static inline bool from_then_on = false;
    static inline int calls = 0;
    static inline tocsin::detail::file_kind pretended = tocsin::detail::file_kind::missing;

    static void plan(fault kind, int number, int error_number = 0, bool lasting = false) {
        what = kind;
        at = number;
        error = error_number;
        from_then_on = lasting;
        calls = 0;
    }

    static int look(const char* path, tocsin::detail::file_facts& facts) {
        const int outcome = around([&] { return base::look(path, facts); });
        if (pretended != tocsin::detail::file_kind::missing) {
            facts.kind = pretended;
        }
        return outcome;
    }
    static int create(const char* path, std::uint32_t mode, handle& file) {
        return around([&] { return base::create(path, mode, file); });
    }
    static int lock(handle file) {
        return around([&] { return base::lock(file); });
    }
    static int keep_access(handle file, const tocsin::detail::file_facts& of) {
        return around([&] { return base::keep_access(file, of); });
    }
    static int write(handle file, const char* bytes, std::size_t size, std::size_t& written) {
        if (is_now() && (what == fault::short_write || what == fault::kill_halfway)) {
            const int outcome =
                base::write(file, bytes, std::max<std::size_t>(size / 2, 1), written);
            end_if(fault::kill_halfway);
            ++calls;
            return outcome;
        }
        if (from_then_on && calls > at) {
            ++calls;
            return error;
        }
        return around([&] { return base::write(file, bytes, size, written); });
    }
    static int sync(handle file) {
        return around([&] { return base::sync(file); });
    }
    static int close(handle file) {
        const bool fails = is_now() && what == fault::error;
        const int outcome = around([&] { return base::close(file); });
        if (fails) {
            base::close(file); // as on Linux: closed in any case
        }
        return outcome;
    }
    static int rename(const char* from, const char* to) {
        return around([&] { return base::rename(from, to); });
    }
    static int remove(const char* path) {
        return around([&] { return base::remove(path); });
    }
    static int sync_folder(const char* path) {
        return around([&] { return base::sync_folder(path); });
    }

  private:
    static bool is_now() { return what != fault::none && calls == at; }
    static void end_if(fault kind) {
        if (is_now() && what == kind) {
            std::raise(SIGKILL);
        }
    }
    template <class Call>
    static int around(Call&& call) {
        end_if(fault::kill_before);
        const int outcome = is_now() && what == fault::error ? error : call();
        end_if(fault::kill_after);
        ++calls;
        return outcome;
    }
};

} // namespace tocsin_test
