#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "tocsin_gateway/line_sink.hpp"
#include "tocsin_gateway/line_source.hpp"
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <termios.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace tocsin_gateway;

namespace {

int synchronised = 0; ///< calls of fdatasync()

} // namespace

// In place of the C library's.
extern "C" int fdatasync(int handle) {
    ++synchronised;
    return ::fsync(handle);
}

namespace {

struct no_listener final : partition_listener {
    tocsin::status assigned(std::span<const std::int32_t> /*partitions*/) override { return {}; }
    tocsin::status revoked(std::span<const std::int32_t> /*partitions*/) override { return {}; }
};

/// Standard input that has this text, and whose next read fails: the one end of a terminal whose
/// other end has gone.
class failing_input {
  public:
    explicit failing_input(std::string_view text) {
        const int end = ::posix_openpt(O_RDWR | O_NOCTTY);
        REQUIRE(::grantpt(end) == 0);
        REQUIRE(::unlockpt(end) == 0);
        const int other = ::open(::ptsname(end), O_RDWR | O_NOCTTY);
        termios plain{};
        ::cfmakeraw(&plain);
        REQUIRE(::tcsetattr(other, TCSANOW, &plain) == 0);
        REQUIRE(::write(other, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        ::close(other);
        ::dup2(end, STDIN_FILENO);
        ::close(end);
    }
    failing_input(const failing_input&) = delete;
    failing_input& operator=(const failing_input&) = delete;
    ~failing_input() {
        ::dup2(before_, STDIN_FILENO);
        ::close(before_);
    }

  private:
    int before_ = ::dup(STDIN_FILENO);
};

} // namespace

TEST_CASE("gateway lines: input that cannot be read on is a failure, after all lines before it") {
    const failing_input input{"pump-1,1,2,3\npump-1,2,2,3\npump-1,3,2,3"};
    constexpr std::size_t queue = 100;
    const auto from = line_source::open("-", queue).value();
    REQUIRE(from);
    no_listener listener;
    std::vector<message> all;
    tocsin::status polled;
    while (polled.ok() && !from->ended()) {
        std::vector<message> some;
        polled = from->poll(some, std::chrono::milliseconds{0}, listener);
        all.insert(all.end(), some.begin(), some.end());
        std::this_thread::sleep_for(std::chrono::milliseconds{200}); // the reader is ahead
    }
    CAPTURE(polled.message());
    CHECK(std::string{polled.message()}.starts_with("cannot read the input: "));
    REQUIRE(all.size() == 2); // the third one may lack its end
    CHECK(all[1].payload == "pump-1,2,2,3");
}

TEST_CASE("gateway lines: verdicts after an unfinished line begin on a line of their own") {
    const tocsin_test::temporary_directory folder;
    const auto path = folder / "verdicts";
    for (const auto& [before, after] : std::vector<std::pair<std::string, std::string>>{
             {"", "two\n"}, {"one\n", "one\ntwo\n"}, {"one\non", "one\non\ntwo\n"}}) {
        std::ofstream{path, std::ios::trunc} << before;
        {
            const auto to = line_sink::open({path.string(), "", ""}).value();
            REQUIRE(to);
            REQUIRE(to->write(output::verdict, "pump-1", "two").ok());
            REQUIRE(to->flush().ok());
        }
        CHECK(tocsin::read_file(path).value() == after);
    }
}

TEST_CASE("gateway lines: verdicts in files are on the disk before the states that follow them") {
    const tocsin_test::temporary_directory folder;
    const auto path = (folder / "verdicts").string();
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    const int reader = ::open((folder / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
    const auto to = line_sink::open({path, (folder / "pipe").string(), ""}).value();
    REQUIRE(to);
    REQUIRE(to->write(output::verdict, "pump-1", "one").ok());
    REQUIRE(to->write(output::alarm, "pump-1", "begins").ok());
    synchronised = 0;
    REQUIRE(to->pass_on().ok());
    CHECK(tocsin::read_file(path).value() == "one\n");
    CHECK(synchronised == 0);
    REQUIRE(to->flush().ok());
    CHECK(synchronised == 1); // a pipe has no disk
    ::close(reader);
}
