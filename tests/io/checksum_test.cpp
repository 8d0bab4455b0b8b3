#include "tocsin/io/checksum.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string_view>

namespace {

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span{text});
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("checksum: is CRC-32 with its published check value") {
        CHECK(tocsin::crc32(bytes("123456789")) == 0xCBF43926U);
        CHECK(tocsin::crc32(bytes("")) == 0);
    }

    TEST_CASE("checksum: continues over pieces") {
        CHECK(tocsin::crc32(bytes("6789"), tocsin::crc32(bytes("12345"))) == 0xCBF43926U);
    }
}
