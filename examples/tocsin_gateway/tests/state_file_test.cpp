#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "tocsin_gateway/state_file.hpp"
#include <csignal>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <sys/resource.h>

using tocsin_gateway::state_file;

namespace {

std::span<const std::byte> bytes_of(std::string_view value) {
    return std::as_bytes(std::span{value.data(), value.size()});
}

using kept_states = std::map<std::string, std::string>;
const kept_states expected{{"a", "three"}, {"b", "two"}};

/// A file with the states in `expected`.
struct states_on_disk {
    tocsin_test::temporary_directory folder;
    std::filesystem::path path = folder / "states";
    states_on_disk() {
        const auto file = state_file::open(path).value();
        REQUIRE(file);
        REQUIRE(file->put(0, "a", bytes_of("one")).ok());
        REQUIRE(file->put(0, "b", bytes_of("two")).ok());
        REQUIRE(file->put(0, "a", bytes_of("three")).ok());
        REQUIRE(file->put(1, "a", bytes_of("elsewhere")).ok());
        REQUIRE(file->flush().ok());
    }
    kept_states content() const {
        const auto file = state_file::open(path).value();
        REQUIRE(file);
        return of(*file);
    }
    static kept_states of(state_file& file) {
        kept_states found;
        const std::int32_t partition = 0;
        REQUIRE(
            file.read({&partition, 1},
                      [&](std::int32_t, std::string_view key, std::span<const std::byte> bytes) {
                          found[std::string{key}] = std::string{
                              reinterpret_cast<const char*>(bytes.data()), bytes.size()};
                          return tocsin::status{};
                      })
                .ok());
        return found;
    }
    std::string bytes() const { return tocsin::read_file(path).value(); }
    void write(const std::string& bytes) const {
        std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
    }
    /// Opening fails with this reason, and leaves the file as it is.
    void check_refused(const std::string& bytes, const char* reason) const {
        write(bytes);
        const auto opened = state_file::open(path);
        REQUIRE(!opened.ok());
        CAPTURE(opened.error().message());
        CHECK(std::string{opened.error().message()}.find(reason) != std::string::npos);
        CHECK(this->bytes() == bytes);
    }
};

} // namespace

TEST_CASE("gateway: a state file keeps what was flushed, whatever a crash leaves after it") {
    const states_on_disk on;
    const std::string whole = on.bytes();
    CHECK(on.content() == expected);
    // Every part of the next record, and blocks that a loss of power has not written.
    {
        const auto file = state_file::open(on.path).value();
        REQUIRE(file);
        REQUIRE(file->put(0, "b", bytes_of("four, a longer one")).ok());
        REQUIRE(file->flush().ok());
    }
    const std::string longer = on.bytes();
    for (std::size_t size = whole.size(); size < longer.size(); ++size) {
        on.write(longer.substr(0, size));
        const auto file = state_file::open(on.path).value();
        REQUIRE(file);
        CHECK(file->cut() == size - whole.size());
        CHECK(on.bytes() == whole);
        CHECK(states_on_disk::of(*file) == expected);
    }
    for (const std::string& rest :
         {std::string{"\x01\x00\x00", 3}, std::string(100, 'x'), std::string(100, '\0')}) {
        on.write(whole + rest);
        CHECK(on.content() == expected);
        CHECK(on.bytes() == whole);
    }
    on.write(whole.substr(0, whole.size() - 1)); // the last record is unfinished
    CHECK(on.content() == expected);
    on.write(whole.substr(0, 3)); // not even the magic was finished
    CHECK(on.content().empty());
}

TEST_CASE("gateway: a state file is rewritten when most of it is outdated") {
    const states_on_disk on;
    const std::string large(100000, 'y');
    {
        const auto file = state_file::open(on.path).value();
        REQUIRE(file);
        for (int k = 0; k < 100; ++k) {
            REQUIRE(file->put(0, "b", bytes_of(large)).ok());
            REQUIRE(file->flush().ok());
        }
    }
    CHECK(std::filesystem::file_size(on.path) < 5000000);
    CHECK(on.content() == kept_states{{"a", "three"}, {"b", large}});
}

TEST_CASE("gateway: a file that is none of states stays as it is") {
    const states_on_disk on;
    const std::string whole = on.bytes();
    on.check_refused("{\"device\":\"pump-1\",\"values\":[1,2]}\n", "is not a file of states");
    on.check_refused("x", "is not a file of states");
    on.check_refused(whole.substr(1), "is not a file of states");
}

TEST_CASE("gateway: a damaged state file is refused, and loses nothing") {
    const states_on_disk on;
    const std::string whole = on.bytes();
    for (std::size_t k = 8; k < whole.size(); ++k) {
        CAPTURE(k);
        std::string damaged = whole;
        damaged[k] = static_cast<char>(damaged[k] ^ 4);
        const std::size_t last = whole.size() - 12 - 1 - 9 - 4; // a record of 26 bytes
        if (k >= last + 4 && k < last + 12) {
            continue; // with other lengths, the last record is an unfinished one
        }
        on.check_refused(damaged, "damaged at byte");
    }
}

TEST_CASE("gateway: a state file belongs to one gateway at a time") {
    const states_on_disk on;
    const auto refused = [&] {
        const auto other = state_file::open(on.path);
        return !other && std::string{other.error().message()}.find("another gateway uses") !=
                             std::string::npos;
    };
    {
        const auto file = state_file::open(on.path).value();
        REQUIRE(file);
        CHECK(refused());
        for (int k = 0; k < 60; ++k) { // until it is rewritten
            REQUIRE(file->put(0, "b", bytes_of(std::string(100000, 'y'))).ok());
            REQUIRE(file->flush().ok());
            CHECK(refused());
        }
        CHECK(std::filesystem::file_size(on.path) < 5000000);
    }
    CHECK(state_file::open(on.path).ok());
}

TEST_CASE("gateway: a disk that is full costs no state once it has room") {
    const states_on_disk made;
    const auto before = made.bytes();
    {
        const auto file = state_file::open(made.path).value();
        REQUIRE(file);
        REQUIRE(file->put(0, "b", bytes_of("newer")).ok());
        REQUIRE(file->put(0, "c", bytes_of("new")).ok());
        // Room for a part of the first record.
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit usual{};
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &usual) == 0);
        const rlimit full{static_cast<rlim_t>(before.size() + 10), usual.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
        const auto first = file->flush();
        const auto second = file->flush(); // not forgotten
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &usual) == 0);
        std::signal(SIGXFSZ, SIG_DFL);
        CHECK_FALSE(first.ok());
        CHECK_FALSE(second.ok());
        CHECK(made.bytes() == before);
        REQUIRE(file->put(0, "d", bytes_of("newest")).ok());
        CHECK(file->flush().ok());
    }
    CHECK(made.content() ==
          kept_states{{"a", "three"}, {"b", "newer"}, {"c", "new"}, {"d", "newest"}});
}

TEST_CASE("gateway: zeros that a loss of power leaves are cut off, however many") {
    const states_on_disk made;
    made.write(made.bytes() + std::string(std::size_t{17} << 20U, '\0'));
    CHECK(made.content() == expected);
}

TEST_CASE("gateway: a tail that looks like records everywhere is refused soon") {
    const states_on_disk made;
    const std::string_view part{"\0\0\4\0", 4};               // read as a length: 262 144
    std::string tail{"\0\0\0\0\377\377\377\377\0\0\0\0", 12}; // runs past the end
    for (int k = 0; k < 1 << 18; ++k) {
        tail += part;
    }
    made.check_refused(made.bytes() + tail, "damaged at byte");
}
