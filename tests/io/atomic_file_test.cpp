#include "tocsin/io/atomic_file.hpp"

#include <doctest/doctest.h>

#include "temporary_directory.hpp"
#include <filesystem>
#include <string>

using tocsin_test::temporary_directory;

TEST_SUITE("io") {
    TEST_CASE("atomic_file: a committed file holds what was written, nothing else is left") {
        const temporary_directory directory;
        const std::string content = [] {
            std::string text("a\0b\n", 4);
            text.append(200000, 'x');
            return text;
        }();
        REQUIRE(tocsin::write_file(directory / "file", content).ok());
        const auto read = tocsin::read_file(directory / "file");
        REQUIRE(read.has_value());
        CHECK(*read == content);
        REQUIRE(tocsin::write_file(directory / "file", "").ok());
        CHECK(tocsin::read_file(directory / "file")->empty());
        CHECK(directory.count() == 1);
    }

    TEST_CASE("atomic_file: without a commit the old file stays") {
        const temporary_directory directory;
        REQUIRE(tocsin::write_file(directory / "file", "old").ok());
        {
            auto file = tocsin::atomic_file::create(directory / "file");
            REQUIRE(file.has_value());
            file->write("new");
            CHECK(directory.count() == 2);
        }
        CHECK(directory.count() == 1);
        CHECK(*tocsin::read_file(directory / "file") == "old");
    }

    TEST_CASE("atomic_file: two writers of one file do not share a temporary file") {
        const temporary_directory directory;
        auto first = tocsin::atomic_file::create(directory / "file");
        auto second = tocsin::atomic_file::create(directory / "file");
        REQUIRE(first.has_value());
        REQUIRE(second.has_value());
        first->write("first");
        second->write("second");
        CHECK(first->commit().ok());
        CHECK(*tocsin::read_file(directory / "file") == "first");
        CHECK(second->commit().ok());
        CHECK(*tocsin::read_file(directory / "file") == "second");
        CHECK(directory.count() == 1);
    }

    TEST_CASE("atomic_file: a target that cannot be replaced is reported, no rest is left") {
        const temporary_directory directory;
        std::filesystem::create_directory(directory / "occupied");
        const auto outcome = tocsin::write_file(directory / "occupied", "text");
        CHECK(outcome.code() == tocsin::error_code::io_error);
        CHECK(std::string{outcome.message()}.find("occupied") != std::string::npos);
        CHECK(directory.count() == 1);
        CHECK(tocsin::write_file(directory / "missing" / "file", "text").code() ==
              tocsin::error_code::io_error);
    }

    TEST_CASE("read_file: a missing file and a directory are errors with a reason") {
        const temporary_directory directory;
        const auto missing = tocsin::read_file(directory / "missing");
        REQUIRE_FALSE(missing.has_value());
        CHECK(missing.error().code() == tocsin::error_code::io_error);
        CHECK(std::string{missing.error().message()}.find("missing: cannot open: No such file") !=
              std::string::npos);
        CHECK_FALSE(tocsin::read_file(directory / ".").has_value());
    }
}
