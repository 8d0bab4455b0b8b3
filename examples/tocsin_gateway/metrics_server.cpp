#include "metrics_server.hpp"

#include "tocsin/io/system_files.hpp"

#include "no_signals.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace tocsin_gateway {

tocsin::result<std::unique_ptr<metrics_server>> metrics_server::start(std::uint16_t port,
                                                                      const metrics& shown) {
    const int handle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    constexpr int yes = 1;
    ::setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    constexpr int waiting = 8;
    if (handle < 0 || ::bind(handle, plain, size) != 0 || ::listen(handle, waiting) != 0 ||
        ::getsockname(handle, plain, &size) != 0) {
        const int failure = errno;
        ::close(handle);
        return tocsin::status::error(tocsin::error_code::io_error, "metrics on 127.0.0.1:", port,
                                     ": ", tocsin::detail::system_message(failure));
    }
    const no_signals here; // in the thread: they belong to the one that judges
    return std::unique_ptr<metrics_server>{
        new metrics_server{handle, ntohs(address.sin_port), shown}};
}

metrics_server::metrics_server(int handle, std::uint16_t port, const metrics& shown)
    : handle_{handle}, port_{port}, shown_{shown}, thread_{[this] { serve(); }} {}

metrics_server::~metrics_server() {
    stop_ = true;
    thread_.join();
    ::close(handle_);
}

void metrics_server::serve() const {
    while (!stop_) {
        pollfd waiting{handle_, POLLIN, 0};
        constexpr int milliseconds = 100;
        if (::poll(&waiting, 1, milliseconds) <= 0) {
            continue;
        }
        const int client = ::accept4(handle_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) {
            answer(client);
            ::close(client);
        }
    }
}

/// Waits until the client can be read or written; false after the last moment, or when the server
/// stops.
bool metrics_server::waits_for(int client, short what, clock::time_point last) const {
    for (auto now = clock::now(); !stop_ && now < last; now = clock::now()) {
        constexpr std::chrono::milliseconds longest{100}; // then it looks at stop_ again
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(last - now);
        pollfd waiting{client, what, 0};
        if (::poll(&waiting, 1, static_cast<int>(std::min(left, longest).count())) > 0) {
            return true;
        }
    }
    return false;
}

void metrics_server::answer(int client) const {
    // No client delays the others for longer.
    const auto last = clock::now() + std::chrono::seconds{1};
    std::array<char, 4096> request{};
    std::size_t size = 0;
    std::string_view text;
    while (size < request.size() && text.find("\r\n\r\n") == std::string_view::npos &&
           waits_for(client, POLLIN, last)) {
        const ssize_t count = ::recv(client, request.data() + size, request.size() - size, 0);
        if (count <= 0) {
            break;
        }
        size += static_cast<std::size_t>(count);
        text = {request.data(), size};
    }
    const bool known = text.starts_with("GET /metrics ");
    const std::string body = known ? shown_.prometheus() : "only GET /metrics\n";
    const std::string reply =
        std::string{known ? "HTTP/1.1 200 OK" : "HTTP/1.1 404 Not Found"} +
        "\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    std::string_view rest = reply;
    while (!rest.empty() && waits_for(client, POLLOUT, last)) {
        const ssize_t count = ::send(client, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count <= 0) {
            break;
        }
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
}

} // namespace tocsin_gateway
