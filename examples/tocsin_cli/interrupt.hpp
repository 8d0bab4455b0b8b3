/// @file interrupt.hpp
/// @brief Ctrl-C in commands that train.
#pragma once

#include <csignal>

namespace tocsin_cli {

/// Notes an interrupt (Ctrl-C) as long as it lives; a second one ends the program.
class interrupt_catcher {
  public:
    interrupt_catcher() { std::signal(SIGINT, &note); }
    interrupt_catcher(const interrupt_catcher&) = delete;
    interrupt_catcher& operator=(const interrupt_catcher&) = delete;
    ~interrupt_catcher() { std::signal(SIGINT, SIG_DFL); }
    static bool caught() noexcept { return flag != 0; }

  private:
    static void note(int signal) {
        flag = 1;
        std::signal(signal, SIG_DFL);
    }
    static inline volatile std::sig_atomic_t flag = 0;
};

} // namespace tocsin_cli
