#include "tocsin/core/extents.hpp"

#include <doctest/doctest.h>

#include <type_traits>

TEST_SUITE("core") {
    TEST_CASE("extents: a static extent stores nothing, a dynamic one its value") {
        static_assert(tocsin::extent<8>::value() == 8);
        static_assert(std::is_empty_v<tocsin::extent<8>>);
        CHECK(tocsin::extent<8>{8}.value() == 8);
        CHECK(tocsin::extent<tocsin::dynamic>{5}.value() == 5);
        CHECK(tocsin::extent<tocsin::dynamic>{}.value() == 0);
    }

    TEST_CASE("extents: a product is dynamic when a factor is") {
        static_assert(tocsin::extent_product(3, 4) == 12);
        static_assert(tocsin::extent_product(tocsin::dynamic, 4) == tocsin::dynamic);
        CHECK(tocsin::extent_product(0, 4) == 0);
    }
}
