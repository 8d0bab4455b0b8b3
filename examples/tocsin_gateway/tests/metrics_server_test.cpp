#include <doctest/doctest.h>

#include "tocsin_gateway/metrics_server.hpp"
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using tocsin_gateway::metrics;
using tocsin_gateway::metrics_server;

namespace {

int connected_to(const metrics_server& server) {
    const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return handle;
}

std::string answer_to(int handle, const std::string& request) {
    REQUIRE(::send(handle, request.data(), request.size(), MSG_NOSIGNAL) > 0);
    std::string answer;
    std::array<char, 4096> block{};
    for (ssize_t count = 0; (count = ::recv(handle, block.data(), block.size(), 0)) > 0;) {
        answer.append(block.data(), static_cast<std::size_t>(count));
    }
    return answer;
}

/// A client that sends a byte every 50 ms, for at most 20 seconds.
class slow_client {
  public:
    explicit slow_client(const metrics_server& server)
        : handle_{connected_to(server)}, thread_{[this] {
              for (int k = 0; k < 400 && !stop_; ++k) {
                  if (::send(handle_, "x", 1, MSG_NOSIGNAL) != 1) {
                      break;
                  }
                  std::this_thread::sleep_for(std::chrono::milliseconds{50});
              }
          }} {
        std::this_thread::sleep_for(
            std::chrono::milliseconds{300}); // it is the first to be answered
    }
    slow_client(const slow_client&) = delete;
    slow_client& operator=(const slow_client&) = delete;
    ~slow_client() {
        stop_ = true;
        thread_.join();
        ::close(handle_);
    }

  private:
    int handle_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

std::unique_ptr<metrics_server> started(const metrics& counts) {
    auto server = metrics_server::start(0, counts).value();
    REQUIRE(server);
    return server;
}

/// A server that has begun to answer a slow client.
struct busy_server {
    metrics counts;
    std::unique_ptr<metrics_server> server = started(counts);
    slow_client slow{*server};
};

} // namespace

TEST_CASE("gateway: a slow client of the metrics delays others for a second only") {
    using clock = std::chrono::steady_clock;
    const busy_server busy;
    const auto begin = clock::now();
    const int other = connected_to(*busy.server);
    CHECK(answer_to(other, "GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
    ::close(other);
    CHECK(clock::now() - begin < std::chrono::seconds{8}); // on a busy machine
}

TEST_CASE("gateway: a slow client of the metrics does not delay the end") {
    using clock = std::chrono::steady_clock;
    busy_server busy;
    const auto begin = clock::now();
    busy.server.reset();
    CHECK(clock::now() - begin < std::chrono::seconds{8});
}
