/// @file metrics_server.hpp
/// @brief Serves the metrics over HTTP on a port of the loopback interface, and nothing else.
#pragma once

#include "tocsin/core/status.hpp"

#include "metrics.hpp"
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

namespace tocsin_gateway {

/// Answers one request at a time, in its own thread, each within a second.
class metrics_server {
  public:
    /// @param port  0: one that is free
    /// @param shown must outlive the server
    static tocsin::result<std::unique_ptr<metrics_server>> start(std::uint16_t port,
                                                                 const metrics& shown);
    metrics_server(const metrics_server&) = delete;
    metrics_server& operator=(const metrics_server&) = delete;
    ~metrics_server();

    std::uint16_t port() const noexcept { return port_; }

  private:
    using clock = std::chrono::steady_clock;

    metrics_server(int handle, std::uint16_t port, const metrics& shown);
    void serve() const;
    void answer(int client) const;
    bool waits_for(int client, short what, clock::time_point last) const;

    int handle_;
    std::uint16_t port_;
    const metrics& shown_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

} // namespace tocsin_gateway
