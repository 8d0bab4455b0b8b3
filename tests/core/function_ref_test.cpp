#include "tocsin/core/function_ref.hpp"

#include <doctest/doctest.h>

#include <span>

using tocsin::detail::function_ref;

TEST_SUITE_BEGIN("core");

namespace {

int twice(function_ref<int(int)> f) {
    return f(f(3));
}

} // namespace

TEST_CASE("function_ref: calls what it refers to, which keeps its state") {
    int calls = 0;
    CHECK(twice([&](int value) {
              ++calls;
              return value * 10;
          }) == 300);
    CHECK(calls == 2);
}

TEST_CASE("function_ref: refers to a const object and to another reference") {
    struct adder {
        int by;
        int operator()(int value) const { return value + by; }
    };
    const adder five{5};
    const function_ref<int(int)> first = five;
    const function_ref<int(int)> copy = first;
    CHECK(twice(copy) == 13);
}

TEST_CASE("function_ref: hands on references and spans as they are") {
    double sum = 0;
    const auto add = [&](std::span<const double> values, double& total) {
        for (const double value : values) {
            total += value;
        }
    };
    const function_ref<void(std::span<const double>, double&)> f = add;
    const double values[] = {1, 2, 4};
    f(values, sum);
    CHECK(sum == 7);
}

TEST_SUITE_END();
