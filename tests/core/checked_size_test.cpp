#include "tocsin/core/checked_size.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

using small_size = tocsin::basic_checked_size<std::int8_t>;
using narrow_size = tocsin::basic_checked_size<std::int32_t>; // as on 32-bit machines

TEST_SUITE("core") {
    TEST_CASE("checked size: equals the exact result wherever that fits, else it is invalid") {
        for (int a = -3; a <= 140; ++a) {
            for (int b = -3; b <= 140; ++b) {
                const bool possible = a >= 0 && b >= 0 && a <= 127 && b <= 127;
                const auto product = small_size{a} * b;
                const auto sum = small_size{a} + b;
                CHECK(product.valid() == (possible && a * b <= 127));
                CHECK(sum.valid() == (possible && a + b <= 127));
                CHECK(product.value() == (product.valid() ? a * b : 127));
                CHECK(sum.value() == (sum.valid() ? a + b : 127));
                CHECK(small_size{a}.is_at_most(b) == (possible && a <= b));
            }
        }
    }

    TEST_CASE("checked size: 32-bit products that wrap to something small are invalid") {
        CHECK_FALSE((narrow_size{65536} * 65536).valid());
        CHECK_FALSE((narrow_size{65536} * 65536 * 0).valid());
        CHECK((narrow_size{0} * 65536 * 65536).value() == 0);
        CHECK_FALSE((narrow_size{46341} * 46341).valid());
        CHECK((narrow_size{46340} * 46340).value() == 46340 * 46340);
        CHECK_FALSE(narrow_size{std::uint64_t{1} << 32U}.valid());
        CHECK_FALSE(narrow_size{std::numeric_limits<std::int64_t>::min()}.valid());
        CHECK_FALSE((narrow_size{-1} + 1).valid());
        CHECK_FALSE((narrow_size{65536} * 65536).is_at_most(5));
        CHECK_FALSE(narrow_size{5}.is_at_most(narrow_size{65536} * 65536));
    }

    TEST_CASE("checked size: a count stays at its end, and only exact ones are loaded") {
        std::int64_t count = tocsin::largest_count - 2;
        for (int i = 0; i < 5; ++i) {
            tocsin::count_up(count);
        }
        CHECK(count == tocsin::largest_count);
        CHECK(static_cast<double>(count) - 1 == static_cast<double>(count - 1));
        CHECK(tocsin::is_count(0));
        CHECK(tocsin::is_count(count));
        CHECK_FALSE(tocsin::is_count(count + 1));
        CHECK_FALSE(tocsin::is_count(-1));
        CHECK_FALSE(tocsin::is_count(std::numeric_limits<std::int64_t>::max()));
    }
}
