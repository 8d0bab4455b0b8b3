#include "tocsin/layers/dense.hpp"
#include "tocsin/models/model_parts.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

TEST_SUITE("models") {

    TEST_CASE("model_parts: the first failure of several checks is told") {
        using tocsin::detail::first_failure;
        using tocsin::detail::require_equal;
        CHECK(first_failure({}).ok());
        CHECK(first_failure({require_equal("m", "a and b", 3, 3)}).ok());
        const tocsin::status failure =
            first_failure({{}, require_equal("m", "a and b", 3, 4), require_equal("m", "c", 5, 6)});
        CHECK(failure.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string_view(failure.message()) == "m: a and b: 3 and 4 differ");
    }

    TEST_CASE("model_parts: a part's blocks are visited under its name, shifted to its place") {
        int calls = 0;
        auto visit = [&](const char* name, tocsin::index_t offset, tocsin::index_t rows,
                         tocsin::index_t cols) {
            ++calls;
            CHECK(std::string(name) == "head.weights");
            CHECK(offset == 100);
            CHECK(rows == 2);
            CHECK(cols == 4);
        };
        tocsin::detail::visit_part(visit, "head", 100, tocsin::dense<float>{3, 2});
        CHECK(calls == 1);
    }
}
