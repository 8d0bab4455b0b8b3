/// @file http_get.hpp
/// @brief Reads a page of a server on this machine, such as the metrics of a gateway.
#pragma once

#include <arpa/inet.h>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace gateway_tests {

/// The response to GET on a port of this machine.
inline std::string get(int port, const std::string& what) {
    const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (::connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        const std::string request = "GET " + what + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
        if (::send(handle, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
            char block[4096];
            for (ssize_t count = 0; (count = ::recv(handle, block, sizeof block, 0)) > 0;) {
                answer.append(block, static_cast<std::size_t>(count));
            }
        }
    }
    ::close(handle);
    return answer;
}

/// The port of the metrics that a gateway has named on standard error; 0: none yet.
inline int metrics_port_in(const std::string& errors) {
    const std::string name = "metrics on http://127.0.0.1:";
    const auto at = errors.find(name);
    return at == std::string::npos ? 0 : std::stoi(errors.substr(at + name.size()));
}

} // namespace gateway_tests
