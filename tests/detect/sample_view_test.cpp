#include "tocsin/core/views.hpp"
#include "tocsin/detect/sample_view.hpp"

#include <doctest/doctest.h>

#include <array>
#include <concepts>
#include <span>
#include <type_traits>
#include <vector>

using tocsin::index_t;
using view = tocsin::sample_view<float>;

namespace {

/// What push() does with its argument.
double sum_of(view sample) {
    double sum = 0;
    for (index_t k = 0; k < sample.size(); ++k) {
        sum += static_cast<double>(sample[k]) * static_cast<double>(k + 1);
    }
    return sum;
}

static_assert(std::is_trivially_copyable_v<view>);
// Another scalar would need a copy.
static_assert(!std::convertible_to<std::vector<double>, view>);
static_assert(!std::convertible_to<Eigen::VectorXd, view>);

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("sample view: takes spans, vectors, arrays and braced lists") {
        std::vector<float> values{1, 2, 3};
        const std::vector<float> constant = values;
        const std::array<float, 3> fixed{1, 2, 3};
        const float plain[] = {1, 2, 3};
        CHECK(sum_of(values) == 14);
        CHECK(sum_of(constant) == 14);
        CHECK(sum_of(fixed) == 14);
        CHECK(sum_of(plain) == 14);
        CHECK(sum_of(std::span<float>(values)) == 14);
        CHECK(sum_of(std::span<const float>(values)) == 14);
        CHECK(sum_of(std::span<const float, 3>(fixed)) == 14);
        CHECK(sum_of({1.0F, 2.0F, 3.0F}) == 14);
        CHECK(sum_of({}) == 0);
        CHECK(view(values).data() == values.data());
    }

    TEST_CASE("sample view: takes columns of matrices and vectors without a copy") {
        tocsin::matrix<float> values(2, 3);
        values << 1, 2, 3, 4, 5, 6;
        const tocsin::matrix<float>& constant = values;
        CHECK(sum_of(values.col(1)) == 12);
        CHECK(sum_of(constant.col(2)) == 15);
        CHECK(view(values.col(2)).data() == values.data() + 4);
        CHECK(sum_of(values.leftCols(2).col(1)) == 12);
        const Eigen::Vector3f fixed(1, 2, 3);
        CHECK(sum_of(fixed) == 14);
        CHECK(sum_of(fixed.tail(2)) == 8);
        const tocsin::vector_view<const float> mapped(values.data(), 2);
        CHECK(sum_of(mapped) == 9);
    }

    TEST_CASE("sample view: may be empty") {
        const std::vector<float> none;
        CHECK(view(none).size() == 0);
        CHECK(view(std::span<const float>()).size() == 0);
    }
}
