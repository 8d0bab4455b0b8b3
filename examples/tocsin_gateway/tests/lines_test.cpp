#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "child_process.hpp"
#include "fleet.hpp"
#include "http_get.hpp"
#include "io/temporary_directory.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace gateway_tests;

namespace {

constexpr int devices = 20;
constexpr int samples = 300;

std::string text_of(const std::filesystem::path& path) {
    const auto text = tocsin::read_file(path);
    return text ? *text : std::string{};
}

template <class Take>
void for_each_line(const std::string& text, Take&& take) {
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);) {
        take(line);
    }
}

/// Waits, at most half a minute, until something holds.
template <class Holds>
bool becomes(Holds&& holds) {
    for (int k = 0; k < 3000; ++k) {
        if (holds()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return false;
}

struct workplace {
    tocsin_test::temporary_directory folder;
    workplace() {
        std::signal(SIGPIPE, SIG_IGN); // of a gateway that has ended
        REQUIRE(save_fleet_model(folder / "pump.safetensors").ok());
        std::ofstream input{folder / "input"};
        for (int t = 0; t < samples; ++t) {
            for (int device = 0; device < devices; ++device) {
                input << payload_of(device, t) << '\n';
            }
            input << "poison " << t << '\n';
        }
    }
    std::string path(const char* name) const { return (folder / name).string(); }
    std::vector<std::string> command(std::initializer_list<std::string> further) const {
        std::vector<std::string> all{gateway_path, "lines", "--model", path("pump.safetensors")};
        all.insert(all.end(), further);
        return all;
    }
    child_process start(std::initializer_list<std::string> further, const std::string& in,
                        const char* out) const {
        return {command(further), in, path(out), path("errors")};
    }
};

} // namespace

TEST_CASE("gateway lines: killed repeatedly, it continues bit for bit") {
    const workplace place;
    CHECK(place.start({"--dead-letters", place.path("letters")}, place.path("input"), "expected")
              .wait() == 0);
    position_reader expected;
    for_each_line(text_of(place.folder / "expected"),
                  [&](const std::string& line) { expected.read(line); });
    REQUIRE(expected.taken.size() == devices);
    int letters = 0;
    for_each_line(text_of(place.folder / "letters"), [&](const std::string&) { ++letters; });
    CHECK(letters == samples);

    // A file is read again from its start and loses nothing. Each run but the last is killed in the
    // middle of its work: it waits, as nobody reads its verdicts any more.
    position_reader reader;
    for (const int last : {60, 150, 240, samples}) {
        std::filesystem::remove(place.path("pipe"));
        REQUIRE(::mkfifo(place.path("pipe").c_str(), 0600) == 0);
        const int pipe = ::open(place.path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        REQUIRE(pipe >= 0);
        std::string text;
        std::array<char, 4096> block{};
        ::fcntl(pipe, F_SETPIPE_SZ, static_cast<int>(block.size()));
        const auto read_on = [&] {
            const ssize_t count = ::read(pipe, block.data(), block.size());
            text.append(block.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
            return count > 0;
        };
        child_process gateway =
            place.start({"--input", place.path("input"), "--verdicts", place.path("pipe"),
                         "--state", place.path("state"), "--checkpoint-samples", "200", "--queue",
                         "100", "--checkpoint-milliseconds", "600000"},
                        "", "none");
        const std::string wanted = R"("pump-0","position":)" + std::to_string(last - 5) + ',';
        bool found = false;
        for (std::size_t from = 0; !found && gateway.running();) {
            if (!read_on()) {
                std::this_thread::sleep_for(std::chrono::milliseconds{1});
            }
            found = text.find(wanted, from) != std::string::npos;
            from = text.rfind('\n') + 1; // npos + 1 is 0
        }
        if (last == samples) {
            while (gateway.running()) {
                read_on();
            }
            CHECK(gateway.wait() == 0);
        } else {
            CHECK(found);
            gateway.end(SIGKILL);
        }
        while (read_on()) {
        }
        ::close(pipe);
        // The output of a run that was killed may end within a line: its next run repeats it.
        text.resize(text.rfind('\n') + 1); // npos + 1 is 0
        for_each_line(text, [&](const std::string& line) { reader.read(line); });
    }
    CHECK(reader.gaps == 0);
    CHECK(reader.repeats > 0);
    CHECK(reader.contradictions == 0);
    CHECK(reader.taken == expected.taken);
}

TEST_CASE(
    "gateway lines: SIGTERM saves everything, and standard input continues without a repeat") {
    const workplace place;
    CHECK(place.start({}, place.path("input"), "expected").wait() == 0);
    // The input comes in two halves through a pipe that stays open in between.
    const std::string all = text_of(place.folder / "input");
    const std::size_t half = all.find('\n', all.size() / 2) + 1;
    const std::string parts[] = {all.substr(0, half), all.substr(half)};
    std::size_t lines = 0;
    for (const std::string& part : parts) {
        REQUIRE(::mkfifo(place.path("pipe").c_str(), 0600) == 0);
        child_process gateway =
            place.start({"--state", place.path("state")}, place.path("pipe"), "out");
        std::ofstream writer{place.path("pipe")};
        writer << part << std::flush;
        for_each_line(
            part, [&](const std::string& line) { lines += line.starts_with("poison") ? 0U : 1U; });
        CHECK(becomes([&] {
            const std::string out = text_of(place.folder / "out");
            return static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n')) >= lines;
        }));
        CHECK(gateway.end(SIGTERM) == 0);
        std::filesystem::remove(place.path("pipe"));
    }
    CHECK(text_of(place.folder / "out") == text_of(place.folder / "expected"));
}

TEST_CASE("gateway lines: SIGTERM while lines wait loses none that was read") {
    const workplace place;
    bool as_option = false;
    SUBCASE("of standard input") {}
    SUBCASE("of a pipe that is named as the input") {
        as_option = true;
    }
    CHECK(place.start({}, place.path("input"), "expected").wait() == 0);
    const std::string all = text_of(place.folder / "input");
    REQUIRE(::mkfifo(place.path("pipe").c_str(), 0600) == 0);
    // Open at both ends, so that it keeps what one process leaves to the next.
    const int pipe = ::open(place.path("pipe").c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(pipe >= 0);
    std::thread writer{[&] {
        for (std::string_view rest = all; !rest.empty();) {
            const ssize_t count = ::write(pipe, rest.data(), rest.size());
            if (count <= 0) {
                break;
            }
            rest.remove_prefix(static_cast<std::size_t>(count));
        }
    }};
    const auto size = [&] { return text_of(place.folder / "out").size(); };
    const std::size_t whole = text_of(place.folder / "expected").size();
    for (int stops = 0; stops < 100 && size() < whole; ++stops) {
        const std::size_t before = size();
        child_process gateway =
            place.start({"--state", place.path("state"), "--queue", "100", // so that lines wait
                         "--input", as_option ? place.path("pipe") : "-"},
                        as_option ? "" : place.path("pipe"), "out");
        const bool judges = becomes([&] { return size() > before; });
        CHECK(judges);
        CHECK(gateway.end(SIGTERM) == 0);
        if (!judges) {
            break;
        }
    }
    CHECK(text_of(place.folder / "out") == text_of(place.folder / "expected"));
    std::array<char, 4096> block{}; // what is left after a failure, so that the writer ends
    ::fcntl(pipe, F_SETFL, O_NONBLOCK);
    std::atomic<bool> written{false};
    std::thread drain{[&] {
        while (!written) {
            if (::read(pipe, block.data(), block.size()) <= 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds{1});
            }
        }
    }};
    writer.join();
    written = true;
    drain.join();
    ::close(pipe);
}

TEST_CASE("gateway lines: the input of a file of states that is not its own loses no sample") {
    const workplace place;
    CHECK(place.start({}, place.path("input"), "expected").wait() == 0);
    const std::string all = text_of(place.folder / "input");
    const std::size_t half = all.find('\n', all.size() / 2) + 1;
    const auto write = [&](const char* name, const std::string& text) {
        std::ofstream{place.folder / name, std::ios::trunc} << text;
    };
    const auto judge = [&](const char* name) { // with what standard input has, too
        return place
            .start({"--state", place.path("state"), "--input",
                    name[0] == '-' ? name : place.path(name)},
                   place.path("second"), "out")
            .wait();
    };
    write("first", all.substr(0, half));
    write("second", all.substr(half));
    CHECK(judge("first") == 0);
    const std::string out = text_of(place.folder / "out");

    write("copy", all.substr(0, half)); // all of it has been judged
    CHECK(judge("copy") == 0);
    CHECK(judge("second") == 3);
    CHECK(text_of(place.folder / "errors")
              .find("second: is not the file of which the states judged") != std::string::npos);
    CHECK(text_of(place.folder / "out") == out);
    SUBCASE("it is a file that has grown") {
        write("first", all);
        CHECK(judge("first") == 0);
    }
    SUBCASE("it is standard input, which says nothing of its own lines") {
        CHECK(judge("-") == 0);
        CHECK(judge("first") == 3);
        CHECK(judge("second") == 3);
    }
    SUBCASE("it is a named pipe") {
        REQUIRE(::mkfifo(place.path("pipe").c_str(), 0600) == 0);
        std::thread writer{[&] { write("pipe", all.substr(half)); }};
        CHECK(judge("pipe") == 0);
        writer.join();
    }
    CHECK(text_of(place.folder / "out") == text_of(place.folder / "expected"));
}

TEST_CASE("gateway lines: SIGHUP while the reader of the verdicts waits changes no verdict") {
    const workplace place;
    CHECK(place.start({}, place.path("input"), "expected").wait() == 0);
    REQUIRE(::mkfifo(place.path("verdicts").c_str(), 0600) == 0);
    const int reader = ::open(place.path("verdicts").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader >= 0);
    child_process gateway =
        place.start({"--verdicts", place.path("verdicts")}, place.path("input"), "none");
    std::string out;
    std::array<char, 65536> block{};
    const auto read_on = [&] {
        const ssize_t count = ::read(reader, block.data(), block.size());
        out.append(block.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    };
    CHECK(becomes([&] { // it has begun
        read_on();
        return !out.empty();
    }));
    for (int k = 0; k < 20; ++k) {
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
        gateway.signal(SIGHUP);
    }
    while (gateway.running()) {
        read_on();
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    for (std::size_t before = out.size() + 1; before != out.size();) {
        before = out.size();
        read_on();
    }
    CHECK(gateway.wait() == 0);
    CHECK(out == text_of(place.folder / "expected"));
    ::close(reader);
}

TEST_CASE("gateway lines: metrics for Prometheus, and SIGHUP reloads the rules") {
    const workplace place;
    REQUIRE(save_fleet_model(place.folder / "other.safetensors", 2).ok());
    const auto write_rules = [&](const char* model) {
        std::ofstream{place.folder / "rules"} << R"({"models":[{"prefix":"pump-","file":")" << model
                                              << "\"}]}";
    };
    write_rules("pump.safetensors");
    REQUIRE(::mkfifo(place.path("pipe").c_str(), 0600) == 0);
    child_process gateway{
        {gateway_path, "lines", "--rules", place.path("rules"), "--metrics-port", "0"},
        place.path("pipe"),
        place.path("out"),
        place.path("errors")};
    std::ofstream writer{place.path("pipe")};
    const auto count = [&](const char* text) {
        const std::string out = text_of(place.folder / "out");
        int found = 0;
        for (auto at = out.find(text); at != std::string::npos; at = out.find(text, at + 1)) {
            ++found;
        }
        return found;
    };
    for (int t = 0; t < 30; ++t) {
        writer << payload_of(1, t) << '\n';
    }
    writer << "poison\n" << std::flush;
    REQUIRE(becomes([&] { return count("\"position\":29,") == 1; }));
    const std::string errors = text_of(place.folder / "errors");
    const int port = metrics_port_in(errors);
    REQUIRE(port > 0);
    std::string shown;
    CHECK(becomes([&] {
        shown = get(port, "/metrics");
        return shown.find("tocsin_gateway_dead_letters_total 1\n") != std::string::npos;
    }));
    CHECK(shown.starts_with("HTTP/1.1 200 OK"));
    CHECK(shown.find("tocsin_gateway_samples_total 30\n") != std::string::npos);
    CHECK(shown.find("tocsin_gateway_devices 1\n") != std::string::npos);
    CHECK(shown.find("tocsin_gateway_latency_seconds_count 30\n") != std::string::npos);
    CHECK(get(port, "/other").starts_with("HTTP/1.1 404"));

    // Unusable rules change nothing.
    write_rules("none.safetensors");
    gateway.signal(SIGHUP);
    CHECK(becomes([&] {
        return text_of(place.folder / "errors").find("the old rules are kept") != std::string::npos;
    }));
    write_rules("other.safetensors");
    gateway.signal(SIGHUP);
    CHECK(becomes([&] {
        return get(port, "/metrics").find("model_changes_total 1\n") != std::string::npos;
    }));
    writer << payload_of(1, 30) << '\n' << std::flush;
    CHECK(becomes([&] { return count("\"position\":30,") == 1; }));
    writer.close();
    CHECK(gateway.wait() == 0);
    const std::string out = text_of(place.folder / "out");
    const std::string last = out.substr(out.rfind('\n', out.size() - 2) + 1);
    CHECK(last.find("warming_up") != std::string::npos);
}

TEST_CASE("gateway lines: failures end with a reason and an exit code") {
    const workplace place;
    const auto fails = [&](std::vector<std::string> arguments, int code, const char* reason) {
        std::filesystem::remove(place.path("errors"));
        arguments.insert(arguments.begin(), gateway_path);
        child_process gateway{arguments, "", "", place.path("errors")};
        CHECK(gateway.wait() == code);
        const std::string errors = text_of(place.folder / "errors");
        CAPTURE(errors);
        CHECK(errors.find(reason) != std::string::npos);
    };
    const std::string model = place.path("pump.safetensors");
    fails({}, 2, "subcommand");
    fails({"lines"}, 2, "--model");
    fails({"lines", "--model", place.path("none")}, 4, "none");
    fails({"lines", "--model", place.path("input")}, 3, "input");
    fails({"lines", "--model", model, "--input", place.path("none")}, 4, "cannot open");
    fails({"lines", "--model", model, "--verdicts", place.path("no/folder")}, 4, "cannot open");
    fails({"lines", "--model", model, "--state", place.path("no/folder")}, 4, "cannot open");
    const std::string input = text_of(place.folder / "input");
    fails({"lines", "--model", model, "--state", place.path("input")}, 3, "not a file of states");
    CHECK(text_of(place.folder / "input") == input);
    fails({"lines", "--model", model, "--checkpoint-samples", "0"}, 2, "0");
    fails({"mqtt", "--model", model, "--host", "no host"}, 2, "--client");
    const auto mqtt_fails = [&](std::vector<std::string> further, const char* reason) {
        std::vector<std::string> arguments{
            "mqtt", "--model", model, "--state", place.path("mqtt"), "--client", "gateway"};
        arguments.insert(arguments.end(), further.begin(), further.end());
        fails(arguments, 2, reason);
    };
    // Verdicts are appended to their file.
    const std::string before = text_of(model);
    const std::string rules = place.path("rules");
    std::ofstream{rules} << R"({"models":[{"prefix":"","file":"pump.safetensors"}]})";
    const std::string same = " are the same file";
    fails({"lines", "--model", model, "--verdicts", model}, 2, (model + same).c_str());
    fails({"lines", "--rules", rules, "--alarms", place.path("./pump.safetensors")}, 2,
          (model + same).c_str());
    fails({"lines", "--rules", rules, "--dead-letters", rules}, 2, ("--rules " + rules).c_str());
    fails({"lines", "--model", model, "--state", place.path("new"), "--verdicts",
           place.path("./new")},
          2, same.c_str());
    fails({"lines", "--model", model, "--input", place.path("input"), "--dead-letters",
           place.path("input")},
          2, ("--input " + place.path("input") + same).c_str());
    mqtt_fails({"--topic", "a", "--verdicts", place.path("mqtt")}, same.c_str());
    CHECK(text_of(model) == before);
    CHECK_FALSE(std::filesystem::exists(place.path("new")));
    std::ofstream{rules} << R"({"models":[{"prefix":"","file":"pump.safetensors"},]})";
    fails({"lines", "--rules", rules}, 3, "is not JSON: ");
    mqtt_fails({"--topic", "a/#/b"}, "'a/#/b' has '#', which must be the last level, alone");
    mqtt_fails({"--topic", "a/#", "--topic", "a/b"}, "'a/b' overlaps with 'a/#'");
    mqtt_fails({"--topic", "a", "--publish", "out/+"}, "prefix 'out/+'");
}

// Not a test: measures throughput alone, then latency at 50 000 samples per second.
TEST_CASE("gateway lines: throughput" * doctest::skip()) {
    const workplace place;
    constexpr int fleet = 10000;
    constexpr int times = 100;
    constexpr int batch = 100; // lines that are written at once
    std::vector<std::string> batches;
    for (int k = 0; k < fleet * times; ++k) {
        if (k % batch == 0) {
            batches.emplace_back();
        }
        batches.back() += payload_of(k % fleet, k / fleet) + '\n';
    }
    for (const double rate : {0.0, 50000.0}) {
        for (const char* checkpoint : {"10000", "50000"}) {
            for (const char* name : {"pipe", "state", "out", "errors"}) {
                std::filesystem::remove(place.path(name));
            }
            REQUIRE(::mkfifo(place.path("pipe").c_str(), 0600) == 0);
            child_process gateway = place.start({"--state", place.path("state"), "--queue",
                                                 "100000", "--checkpoint-samples", checkpoint},
                                                place.path("pipe"), "out");
            std::ofstream writer{place.path("pipe")};
            const auto start = std::chrono::steady_clock::now();
            for (std::size_t k = 0; k < batches.size(); ++k) {
                if (rate > 0) {
                    std::this_thread::sleep_until(
                        start +
                        std::chrono::duration_cast<std::chrono::nanoseconds>(
                            std::chrono::duration<double>(batch * static_cast<double>(k) / rate)));
                }
                writer << batches[k] << std::flush;
            }
            writer.close();
            CHECK(gateway.wait() == 0);
            const std::string errors = text_of(place.folder / "errors");
            std::printf("%s, a checkpoint every %s samples: %s",
                        rate > 0 ? "50 000 samples/s" : "no limit", checkpoint,
                        errors.substr(errors.find('\n') + 1).c_str());
        }
    }
}
