#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "temporary_directory.hpp"
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using tocsin_test::temporary_directory;

namespace {

std::string message_of(const tocsin::result<std::string>& read) {
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code() == tocsin::error_code::io_error);
    return read.error().message();
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("read_file: a missing file and a directory are errors with a reason") {
        const temporary_directory directory;
        CHECK(message_of(tocsin::read_file(directory / "missing"))
                  .find("missing: cannot open: No such file") != std::string::npos);
        CHECK(message_of(tocsin::read_file(directory / ".")).find("is a folder") !=
              std::string::npos);
        REQUIRE(tocsin::write_file(directory / "file", "text").ok());
        CHECK_FALSE(tocsin::read_file(directory / "file" / "below").has_value());
    }

    TEST_CASE("read_file: a file up to the limit is read, a larger one names size and limit") {
        const temporary_directory directory;
        const std::string content(100000, 'x');
        REQUIRE(tocsin::write_file(directory / "file", content).ok());
        CHECK(tocsin::read_file(directory / "file").value() == content);
        CHECK(tocsin::read_file(directory / "file", 100000).value() == content);
        CHECK(message_of(tocsin::read_file(directory / "file", 99999))
                  .find("file: has 100000 bytes, more than the limit of 99999") !=
              std::string::npos);
        REQUIRE(tocsin::write_file(directory / "empty", "").ok());
        CHECK(tocsin::read_file(directory / "empty", 0).value().empty());
    }

    TEST_CASE("read_file: a file with a hole of a terabyte takes no memory") {
        const temporary_directory directory;
        REQUIRE(tocsin::write_file(directory / "hole", "x").ok());
        std::error_code reason;
        std::filesystem::resize_file(directory / "hole", std::uintmax_t{1} << 40U, reason);
        if (reason) {
            MESSAGE("skipped: the file system has no files that large");
            return;
        }
        const std::string message = message_of(tocsin::read_file(directory / "hole"));
        const bool counted = sizeof(off_t) == 8; // otherwise the system does not say the size
        CHECK_MESSAGE(
            message.find(counted ? "has 1099511627776 bytes, more than the limit of 1073741824"
                                 : "cannot open") != std::string::npos,
            message);
    }

    TEST_CASE("read_file: a pipe is read until it ends, or until the limit") {
        const temporary_directory directory;
        const std::string path = (directory / "pipe").string();
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        const auto read_from_pipe = [&](std::size_t bytes, std::uint64_t limit) {
            std::thread writer{[&] {
                std::FILE* const file = std::fopen(path.c_str(), "wb");
                const std::string text(bytes, 'x');
                std::fwrite(text.data(), 1, text.size(), file);
                std::fclose(file);
            }};
            auto read = tocsin::read_file(path, limit);
            writer.join();
            return read;
        };
        CHECK(read_from_pipe(100000, 100000).value().size() == 100000);
        CHECK(read_from_pipe(5, 5).value() == "xxxxx");
        CHECK(message_of(read_from_pipe(6, 5)).find("more bytes than the limit of 5") !=
              std::string::npos);
    }

    TEST_CASE("read_file: a socket is refused") {
        const temporary_directory directory;
        const std::string path = (directory / "socket").string();
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        REQUIRE(socket >= 0);
        REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        CHECK(message_of(tocsin::read_file(path)).find("is a socket, only regular files") !=
              std::string::npos);
        const auto outcome = tocsin::write_file(path, "text");
        CHECK(std::string{outcome.message()}.find("is a socket") != std::string::npos);
        ::close(socket);
    }

    TEST_CASE("read_file: a device is refused, before anything is read from it") {
        CHECK(message_of(tocsin::read_file("/dev/zero"))
                  .find("/dev/zero: is a device, only regular files and pipes are read") !=
              std::string::npos);
        CHECK(message_of(tocsin::read_file("/dev/null", 0)).find("is a device") !=
              std::string::npos);
    }
}
