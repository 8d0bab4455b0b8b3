#include "tocsin/io/load_options.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

using tocsin::checked_size;
using tocsin::load_budget;

TEST_SUITE("io") {
    TEST_CASE("load budget: a multiple of the file, and no less than 16 mebibytes") {
        CHECK(load_budget(100).left() == 16 << 20);
        CHECK(load_budget(2 << 20).left() == 32 << 20);
        CHECK(load_budget(20 << 20, 3).left() == 60 << 20);
        CHECK(load_budget(1 << 20, -3).left() == 16 << 20);
        CHECK(load_budget(std::numeric_limits<tocsin::index_t>::max()).left() ==
              std::numeric_limits<tocsin::index_t>::max());
    }

    TEST_CASE("load budget: what is left gets less, and what is too large is refused by name") {
        load_budget budget(1 << 24, 2);
        CHECK(budget.take("weights", 1 << 24).ok());
        CHECK(budget.take("nothing", 0).ok());
        const auto refused = budget.take("window", (1 << 24) + 1);
        CHECK(refused.code() == tocsin::error_code::format_error);
        CHECK(std::string{refused.message()} == "'window' needs 16777217 bytes of memory, but "
                                                "16777216 are left of 2 times the file");
        CHECK(budget.left() == 1 << 24);
        CHECK_FALSE(budget.take("wraps", checked_size{std::int64_t{1} << 40} * (1 << 30)).ok());
        CHECK_FALSE(budget.take("negative", -1).ok());
        CHECK(budget.take("rest", 1 << 24).ok());
        CHECK(budget.left() == 0);
    }
}
