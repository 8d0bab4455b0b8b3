/// @file no_signals.hpp
/// @brief Threads that are not interrupted by the signals of the gateway.
#pragma once

#include <csignal>
#include <initializer_list>

namespace tocsin_gateway {

/// While it lives, the calling thread receives no SIGTERM, SIGINT and SIGHUP; threads that it starts
/// meanwhile never do. The system gives them to another thread.
class no_signals {
  public:
    no_signals() noexcept {
        sigset_t handled;
        sigemptyset(&handled);
        for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
            sigaddset(&handled, number);
        }
        pthread_sigmask(SIG_BLOCK, &handled, &before_);
    }
    no_signals(const no_signals&) = delete;
    no_signals& operator=(const no_signals&) = delete;
    ~no_signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

} // namespace tocsin_gateway
