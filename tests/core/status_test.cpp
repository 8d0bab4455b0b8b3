#include "tocsin/core/status.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

using tocsin::error_code;
using tocsin::result;
using tocsin::status;

TEST_SUITE("core") {
    TEST_CASE("status: a new one is a success without a message") {
        const status fresh;
        CHECK(fresh.ok());
        CHECK(static_cast<bool>(fresh));
        CHECK(fresh.code() == error_code::ok);
        CHECK(std::string{fresh.message()}.empty());
    }

    TEST_CASE("status: an error joins text, characters, integers and floating-point numbers") {
        const std::string name = "rate";
        const status failure =
            status::error(error_code::invalid_argument, name, ' ', 0.5, ": ", -3, ", ", 7U, '.');
        CHECK_FALSE(failure.ok());
        CHECK(failure.code() == error_code::invalid_argument);
        CHECK(std::string{failure.message()} == "rate 0.5: -3, 7.");
    }

    TEST_CASE("status: the extreme integers are written in full") {
        const status failure =
            status::error(error_code::invalid_data, std::numeric_limits<std::int64_t>::min(), ' ',
                          std::numeric_limits<std::uint64_t>::max());
        CHECK(std::string{failure.message()} == "-9223372036854775808 18446744073709551615");
    }

    TEST_CASE("status: a message that is too long is cut at 383 characters") {
        const std::string text(1000, 'x');
        const status failure = status::error(error_code::io_error, text, "never seen");
        CHECK(std::string{failure.message()} == std::string(383, 'x'));
    }

    TEST_CASE("result: a value can be read and moved out") {
        result<std::unique_ptr<int>> owner{std::make_unique<int>(3)};
        REQUIRE(owner.has_value());
        CHECK(owner.ok());
        CHECK(owner.error().ok());
        CHECK(**owner == 3);
        const std::unique_ptr<int> moved = *std::move(owner);
        CHECK(*moved == 3);
    }

    TEST_CASE("result: a failure keeps its status") {
        const result<int> failed{status::error(error_code::not_ready, "train first")};
        CHECK_FALSE(failed.has_value());
        CHECK_FALSE(failed.ok());
        CHECK(failed.error().code() == error_code::not_ready);
        CHECK(std::string{failed.error().message()} == "train first");
    }
}
