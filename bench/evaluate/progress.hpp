/// @file progress.hpp
/// @brief Progress on standard error.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace evaluate {

/// One line per file when it is done; on a terminal also the epoch of the training under way.
class progress {
  public:
    void begin_file(const std::string& file, std::size_t position, std::size_t count) {
        label_.assign(1, '[');
        label_.append(std::to_string(position)).append("/").append(std::to_string(count));
        label_.append("] ").append(file);
        start_ = std::chrono::steady_clock::now();
    }
    /// Callback of trainer::fit.
    template <class Event>
    void operator()(const Event& event) {
        if (terminal_) {
            std::fprintf(stderr, "\r%s  epoch %d/%d ", label_.c_str(), event.record.epoch + 1,
                         event.planned_epochs);
            std::fflush(stderr);
        }
    }
    void end_file() {
        const auto seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
        std::fprintf(stderr, "%s%s  %.1f s          \n", terminal_ ? "\r" : "", label_.c_str(),
                     seconds);
    }
    static void note(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

  private:
#if defined(__unix__) || defined(__APPLE__)
    bool terminal_ = ::isatty(STDERR_FILENO) != 0;
#else
    bool terminal_ = false;
#endif
    std::string label_;
    std::chrono::steady_clock::time_point start_;
};

} // namespace evaluate
