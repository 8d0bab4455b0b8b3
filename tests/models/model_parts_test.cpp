#include "tocsin/layers/dense.hpp"
#include "tocsin/models/model_parts.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <span>
#include <string>
#include <string_view>
#include <vector>

TEST_SUITE("models") {

    TEST_CASE("model_parts: the first failure of several checks is reported") {
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

    TEST_CASE("model_parts: parts follow one another in parameters and packed weights") {
        const tocsin::dense<float> first(3, 2);
        const auto parts =
            tocsin::detail::list_parts({"first", "second"}, first, tocsin::dense<float>{2, 5});
        CHECK(parts.parameters_of<0>() == 0);
        CHECK(parts.parameters_of<1>() == 8);
        CHECK(parts.parameter_count() == 8 + 15);
        CHECK(parts.packed_of<1>() == first.packed_size());
        CHECK(parts.packed_size() ==
              first.packed_size() + tocsin::dense<float>{2, 5}.packed_size());

        std::vector<std::string> blocks;
        const auto visit = [&](const char* name, tocsin::index_t offset, tocsin::index_t /*rows*/,
                               tocsin::index_t /*cols*/) {
            blocks.push_back(name + std::string(" ") + std::to_string(offset));
        };
        parts.for_each_parameter_block(visit);
        CHECK(blocks == std::vector<std::string>{"first.weights 0", "second.weights 8"});

        auto parameters = tocsin_test::garbage<float>(23);
        tocsin::random_generator random(1);
        parts.initialise(std::span<float>(parameters), random);
        auto packed = tocsin_test::zeros<float>(parts.packed_size());
        parts.pack(std::span<const float>(parameters), std::span<float>(packed));
        auto expected = packed;
        first.pack(parameters, expected);
        tocsin::dense<float>{2, 5}.pack(
            std::span<const float>(parameters).subspan(8),
            std::span<float>(expected).subspan(static_cast<std::size_t>(first.packed_size())));
        CHECK(packed == expected);
    }
}
