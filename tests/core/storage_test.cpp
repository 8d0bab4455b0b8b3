#include "tocsin/core/storage.hpp"

#include <doctest/doctest.h>

#include <array>
#include <type_traits>

TEST_SUITE("core") {
    TEST_CASE_TEMPLATE("storage: static sizes are in place, dynamic ones on the heap", Scalar,
                       float, double) {
        static_assert(std::is_same_v<tocsin::storage<Scalar, 4>, std::array<Scalar, 4>>);
        tocsin::storage<Scalar, 4> fixed{1, 2, 3, 4};
        tocsin::resize_storage(fixed, 4);
        CHECK(fixed == std::array<Scalar, 4>{});

        tocsin::storage<Scalar> heap;
        tocsin::resize_storage(heap, 5);
        REQUIRE(heap.size() == 5);
        CHECK(heap.back() == 0);
        heap.back() = 7;
        tocsin::resize_storage(heap, 3);
        tocsin::resize_storage(heap, 5);
        CHECK(heap.back() == 0);
    }

    TEST_CASE("storage: a work area hands out neighbouring pieces until it is used up") {
        std::array<double, 6> area{};
        tocsin::work_area<double> pieces{area};
        const auto first = pieces.take(2);
        const auto none = pieces.take(0);
        const auto second = pieces.take(3);
        CHECK(first.data() == area.data());
        CHECK(none.empty());
        CHECK(second.data() == area.data() + 2);
        CHECK(pieces.rest().size() == 1);
    }
}
