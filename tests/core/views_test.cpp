#include "tocsin/core/views.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <type_traits>
#include <vector>

TEST_SUITE("core") {
    TEST_CASE_TEMPLATE("views: a sequence is one batch of columns after the other", Scalar, float,
                       double) {
        constexpr int features = 2;
        constexpr int batch = 3;
        constexpr int time = 4;
        std::vector<Scalar> data(features * batch * time);
        std::iota(data.begin(), data.end(), Scalar(0));
        const tocsin::sequence_view<Scalar> sequence(data.data(), features, batch, time);

        CHECK(sequence.step_size() == 6);
        CHECK(sequence.size() == 24);
        CHECK(sequence.span().size() == 24);
        CHECK(sequence.step(0)(1, 2) == 5);
        CHECK(sequence.step(3)(0, 0) == 18);
        CHECK(sequence.flat().cols() == batch * time);
        CHECK(sequence.flat().col(2 * batch + 1) == sequence.step(2).col(1));

        const auto tail = sequence.steps(1, 2);
        CHECK(tail.time() == 2);
        CHECK(tail.step(1) == sequence.step(2));

        sequence.step(1)(0, 0) = 100;
        CHECK(data[6] == 100);
    }

    TEST_CASE("views: mutable converts to const, static to dynamic, never const to mutable") {
        using mutable_view = tocsin::sequence_view<float>;
        using const_view = tocsin::sequence_view<const float>;
        using static_view = tocsin::sequence_view<float, 2>;
        static_assert(std::is_convertible_v<mutable_view, const_view>);
        static_assert(!std::is_convertible_v<const_view, mutable_view>);
        static_assert(std::is_convertible_v<static_view, mutable_view>);
        static_assert(std::is_convertible_v<mutable_view, static_view>);
        static_assert(!std::is_convertible_v<tocsin::sequence_view<float, 3>, static_view>);

        float data[4] = {1, 2, 3, 4};
        const const_view view = static_view(data, 2, 1, 2);
        CHECK(view.features() == 2);
        CHECK(view.step(1)(1, 0) == 4);
    }

    TEST_CASE("views: an empty sequence has no scalars") {
        const tocsin::sequence_view<double, 3> empty;
        CHECK(empty.features() == 3);
        CHECK(empty.size() == 0);
        CHECK(empty.flat().cols() == 0);
    }

    TEST_CASE("views: vectors and matrices of static size map spans") {
        double data[6] = {1, 2, 3, 4, 5, 6};
        const tocsin::matrix_view<const double, 2, 3> block(data);
        const tocsin::vector_view<const double, 6> all(data);
        CHECK(block(1, 2) == 6);
        CHECK(all.sum() == 21);
    }
}
