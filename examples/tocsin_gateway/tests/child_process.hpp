/// @file child_process.hpp
/// @brief A program that a test starts, signals and waits for.
#pragma once

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

/// Path of the gateway; CMake writes its definition.
extern const char* const gateway_path;

namespace gateway_tests {

/// Is killed at the end of the test at the latest.
class child_process {
  public:
    child_process() = default;
    /// @param arguments the program and its arguments
    /// @param in, out, err files; empty: /dev/null
    child_process(std::vector<std::string> arguments, const std::string& in, const std::string& out,
                  const std::string& err) {
        std::vector<char*> pointers;
        for (std::string& argument : arguments) {
            pointers.push_back(argument.data());
        }
        pointers.push_back(nullptr);
        const char* const nowhere = "/dev/null";
        process_ = ::fork();
        if (process_ != 0) {
            return;
        }
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        constexpr int append = O_WRONLY | O_CREAT | O_APPEND;
        const int from = ::open(in.empty() ? nowhere : in.c_str(), O_RDONLY);
        const int to = ::open(out.empty() ? nowhere : out.c_str(), append, 0644);
        const int errors = ::open(err.empty() ? nowhere : err.c_str(), append, 0644);
        ::dup2(from, STDIN_FILENO);
        ::dup2(to, STDOUT_FILENO);
        ::dup2(errors, STDERR_FILENO);
        ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }
    child_process(child_process&& other) noexcept : process_{std::exchange(other.process_, -1)} {}
    child_process& operator=(child_process&& other) noexcept {
        std::swap(process_, other.process_);
        return *this;
    }
    ~child_process() { end(SIGKILL); }

    bool started() const noexcept { return process_ > 0; }
    void signal(int number) const { ::kill(process_, number); }
    /// Whether it runs; stores its exit code when it has ended.
    bool running() {
        int wait_status = 0;
        if (process_ > 0 && ::waitpid(process_, &wait_status, WNOHANG) == process_) {
            process_ = -1;
            code_ = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
        }
        return process_ > 0;
    }
    /// Its exit code; -1 after a signal.
    int wait() {
        while (running()) {
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
        return code_;
    }
    int end(int number) {
        if (running()) {
            signal(number);
        }
        return wait();
    }

  private:
    pid_t process_ = -1;
    int code_ = -1;
};

} // namespace gateway_tests
