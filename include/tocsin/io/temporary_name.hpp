/// @file temporary_name.hpp
/// @brief Names of temporary files that no two writers share, and those that dead processes left.
#pragma once

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace tocsin::detail {

/// Temporary files for one target: `<target>.tmp-<process>-<run>-<count>`, next to it. `run` is a
/// random number of this run of the program: containers start with the same process number again
/// and again.
template <class System>
class temporary_names {
  public:
    explicit temporary_names(const std::filesystem::path& target)
        : folder_{target.parent_path()},
          // Names have at most 255 bytes on most file systems.
          prefix_{target.filename().string().substr(0, 180) + ".tmp-"} {}

    /// Another name with each call.
    std::filesystem::path next() const {
        static std::atomic<std::uint64_t> count{0};
        return folder_ / (prefix_ + std::to_string(System::process()) + '-' +
                          hexadecimal(this_run()) + '-' + std::to_string(count++));
    }

    /// Removes what processes that are dead now have left. A file that is locked belongs to a
    /// process that this one cannot see, as in another container. What cannot be removed stays.
    void remove_stale() const {
        std::vector<std::filesystem::path> stale;
        std::error_code reason;
        const auto folder = folder_.empty() ? std::filesystem::path{"."} : folder_;
        for (std::filesystem::directory_iterator entry{folder, reason}, end;
             !reason && entry != end; entry.increment(reason)) {
            if (is_stale(entry->path().filename().string())) {
                stale.push_back(entry->path());
            }
        }
        for (const auto& path : stale) {
            if (System::is_unlocked(path.string().c_str())) {
                static_cast<void>(System::remove(path.string().c_str()));
            }
        }
    }

  private:
    bool is_stale(std::string_view name) const {
        if (!name.starts_with(prefix_)) {
            return false;
        }
        name.remove_prefix(prefix_.size());
        long process = 0;
        std::uint64_t run = 0;
        std::uint64_t count = 0;
        if (!take(name, process, 10) || !take_dash(name) || !take(name, run, 16) ||
            !take_dash(name) || !take(name, count, 10) || !name.empty() || process < 0) {
            return false; // somebody else's file
        }
        return process == System::process() ? run != this_run() : !System::is_running(process);
    }
    template <class Number>
    static bool take(std::string_view& text, Number& number, int base) noexcept {
        const auto [stop, failure] =
            std::from_chars(text.data(), text.data() + text.size(), number, base);
        text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
        return failure == std::errc{};
    }
    static bool take_dash(std::string_view& text) noexcept {
        const bool found = text.starts_with('-');
        text.remove_prefix(found ? 1 : 0);
        return found;
    }

    /// Need not be a secret, but differ between runs: create() fails on a name that exists.
    static std::uint64_t this_run() noexcept {
        static const std::uint64_t run = [] {
            const char local = 0; // its address is random on most systems
            auto mixed = static_cast<std::uint64_t>(
                             std::chrono::system_clock::now().time_since_epoch().count()) ^
                         static_cast<std::uint64_t>(
                             std::chrono::steady_clock::now().time_since_epoch().count())
                             << 20U ^
                         static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&local)) ^
                         static_cast<std::uint64_t>(System::process()) << 40U;
            mixed = (mixed ^ mixed >> 30U) * 0xBF58476D1CE4E5B9U; // splitmix64's mixer
            mixed = (mixed ^ mixed >> 27U) * 0x94D049BB133111EBU;
            return mixed ^ mixed >> 31U;
        }();
        return run;
    }
    static std::string hexadecimal(std::uint64_t number) {
        char digits[16] = {};
        const auto written = std::to_chars(digits, digits + sizeof digits, number, 16);
        return {digits, written.ptr};
    }

    std::filesystem::path folder_;
    std::string prefix_;
};

} // namespace tocsin::detail
