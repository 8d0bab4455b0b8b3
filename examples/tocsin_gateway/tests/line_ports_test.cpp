#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "tocsin_gateway/line_sink.hpp"
#include "tocsin_gateway/line_source.hpp"
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/// The threads of this process.
std::vector<int> threads() {
    std::vector<int> found;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/task"}) {
        found.push_back(std::stoi(entry.path().filename().string()));
    }
    return found;
}

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

TEST_CASE("gateway lines: a signal that reaches the reading thread does not delay the end") {
    struct sigaction ignored{};
    ignored.sa_handler = [](int) {};
    struct sigaction before{};
    REQUIRE(::sigaction(SIGTERM, &ignored, &before) == 0);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const int standard = ::dup(STDIN_FILENO);
    ::dup2(ends[0], STDIN_FILENO);
    const std::vector<int> others = threads();
    constexpr std::size_t queue = 100;
    auto from = line_source::open("-", queue).value();
    REQUIRE(from);
    no_listener listener;
    std::vector<message> none;
    REQUIRE(from->poll(none, std::chrono::milliseconds{0}, listener).ok());
    for (const int thread : threads()) {
        if (std::find(others.begin(), others.end(), thread) == others.end()) {
            for (int k = 0; k < 20; ++k) { // it is in poll() at one of them
                ::syscall(SYS_tgkill, ::getpid(), thread, SIGTERM);
                std::this_thread::sleep_for(std::chrono::milliseconds{5});
            }
        }
    }
    std::atomic<bool> ended{false};
    std::thread end{[&] {
        from.reset();
        ended = true;
    }};
    for (int k = 0; k < 1000 && !ended; ++k) {
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    CHECK(ended);
    ::close(ends[1]); // ends every read
    end.join();
    ::dup2(standard, STDIN_FILENO);
    ::close(standard);
    ::close(ends[0]);
    ::sigaction(SIGTERM, &before, nullptr);
}

TEST_CASE("gateway lines: after a stop, a line that has begun is read to its end") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const int standard = ::dup(STDIN_FILENO);
    ::dup2(ends[0], STDIN_FILENO);
    constexpr std::size_t queue = 100;
    const auto from = line_source::open("-", queue).value();
    REQUIRE(from);
    no_listener listener;
    std::vector<message> all;
    const auto poll = [&] {
        std::vector<message> some;
        REQUIRE(from->poll(some, std::chrono::milliseconds{10}, listener).ok());
        all.insert(all.end(), some.begin(), some.end());
    };
    const auto write = [&](std::string_view text) {
        REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    };
    write("pump-1,1,2,3\npump-1,2,");
    while (all.empty()) {
        poll();
    }
    write("2,3\npump-1,3,2,3\n"); // maybe too late for the second line to be the last one
    CHECK(from->stop());
    while (!from->ended()) {
        poll();
    }
    REQUIRE(all.size() >= 2);
    CHECK(all[1].payload == "pump-1,2,2,3");
    std::array<char, 64> rest{};
    ::close(ends[1]);
    const ssize_t size = ::read(ends[0], rest.data(), rest.size());
    const std::string_view left{rest.data(), static_cast<std::size_t>(size)};
    CHECK((all.size() == 2 ? left == "pump-1,3,2,3\n" : left.empty()));
    ::dup2(standard, STDIN_FILENO);
    ::close(standard);
    ::close(ends[0]);
}

TEST_CASE("gateway lines: a file is told from another one by all that was judged") {
    const tocsin_test::temporary_directory folder;
    const auto write = [&](const char* name, const std::string& text) {
        std::ofstream{folder / name, std::ios::app} << text;
        return (folder / name).string();
    };
    const auto open = [](const std::string& path) {
        auto opened = line_source::open(path, 100).value();
        REQUIRE(opened);
        return opened;
    };
    const auto resumes = [](const std::unique_ptr<line_source>& from, const std::string& origin,
                            std::int64_t next_offset = 3) {
        return from->resume(0, next_offset, origin).ok();
    };
    const auto read = [](line_source& from) { // to the end
        no_listener listener;
        std::vector<message> all;
        while (!from.ended()) {
            std::vector<message> some;
            REQUIRE(from.poll(some, std::chrono::milliseconds{20}, listener).ok());
            all.insert(all.end(), some.begin(), some.end());
        }
        return all;
    };
    const auto origin_of = [&](const std::string& path) {
        const auto from = open(path);
        read(*from);
        return from->origin();
    };
    const std::string path = write("a", "1\n2\n3\n");
    const std::string three = origin_of(path);
    CHECK(three == "judged 6 775f54d8");
    CHECK(resumes(open(path), three));
    CHECK(resumes(open(path), "")); // of states that do not say it
    CHECK(open(path)->resume(0, 0, "judged 1 00000000").ok());
    CHECK_FALSE(resumes(open(path), "judged 6 00000001"));
    CHECK_FALSE(resumes(open(path), "judged"));
    CHECK_FALSE(resumes(open(path), "judged 6"));
    CHECK_FALSE(resumes(open(path), "stream"));
    CHECK_FALSE(resumes(open(path), "judged 99999999999999999999 1"));
    CHECK_FALSE(resumes(open(write("b", "1\n2\n4\n")), three));
    CHECK_FALSE(resumes(open(write("c", "1\n2\n")), three)); // it has been cut

    // States of before know the first bytes, at most 65536; it is then read from its start.
    const auto before = open(path);
    CHECK(resumes(before, "6 775f54d8"));
    CHECK(read(*before).front().offset == 0);
    CHECK_FALSE(resumes(open(path), "6 00000002"));

    // The first bytes of two files are the same, those behind are not.
    const std::string start = std::string(70000, 'x') + '\n';
    write("a", start + "5\n");
    const std::string all = origin_of(path);
    CHECK(resumes(open(path), three)); // it has grown
    CHECK(resumes(open(path), all, 5));
    CHECK_FALSE(resumes(open(write("d", "1\n2\n3\n" + start + "6\n")), all, 5));

    // It is read on behind what was judged, with the next number.
    write("a", "\n7\n");
    const auto grown = open(path);
    CHECK(resumes(grown, all, 5));
    const auto rest = read(*grown);
    REQUIRE(rest.size() == 1);
    CHECK(rest[0].payload == "7");
    CHECK(rest[0].offset == 6);
    CHECK(grown->origin() == origin_of(path));

    // A line that was judged before its end was there counts once.
    const std::string cut = write("e", "1\n2");
    const std::string two = origin_of(cut);
    write("e", "2\n3\n");
    const auto completed = open(cut);
    CHECK(resumes(completed, two, 2));
    const auto last = read(*completed);
    REQUIRE(last.size() == 1);
    CHECK(last[0].payload == "3");
    CHECK(last[0].offset == 2);
    CHECK(completed->origin() == origin_of(cut));

    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    const int writer = ::open((folder / "pipe").c_str(), O_RDWR);
    const auto pipe = open((folder / "pipe").string());
    CHECK(pipe->origin() == "stream");
    CHECK(resumes(pipe, all));
    CHECK(open("-")->origin() == "stream");
    ::close(writer);
}

TEST_CASE("gateway lines: a signal ends no write to a pipe whose reader waits") {
    struct sigaction ignored{};
    ignored.sa_handler = [](int) {}; // without SA_RESTART, as in the gateway
    struct sigaction before{};
    REQUIRE(::sigaction(SIGHUP, &ignored, &before) == 0);
    const tocsin_test::temporary_directory folder;
    const std::string path = (folder / "pipe").string();
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    const auto to = line_sink::open({path, "", ""}).value();
    REQUIRE(to);
    const std::string line(200, 'x');
    constexpr std::size_t lines = 2000; // more than a pipe holds
    const pthread_t writer = ::pthread_self();
    std::atomic<std::size_t> received{0};
    std::thread other{[&] {
        for (int k = 0; k < 20; ++k) {
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
            ::pthread_kill(writer, SIGHUP);
        }
        std::array<char, 4096> block{};
        while (received < lines * (line.size() + 1)) {
            const ssize_t count = ::read(reader, block.data(), block.size());
            if (count == 0 || (count < 0 && errno != EAGAIN)) {
                break; // the writer has gone
            }
            received += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
        }
    }};
    tocsin::status written;
    for (std::size_t k = 0; k < lines && written.ok(); ++k) {
        written = to->write(output::verdict, "pump-1", line);
    }
    written = written.ok() ? to->flush() : written;
    if (!written.ok()) {
        received = lines * (line.size() + 1);
    }
    other.join();
    CAPTURE(std::string{written.message()});
    CHECK(written.ok());
    CHECK(received == lines * (line.size() + 1));
    ::close(reader);
    ::sigaction(SIGHUP, &before, nullptr);
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
