#include "tocsin/layers/concepts.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/lstm_stack.hpp"

#include <doctest/doctest.h>

namespace {

using tocsin::index_t;

/// The smallest layer: exactly what the concept requires.
struct smallest_layer {
    using scalar_type = float;
    int input_size() const { return 1; }
    int output_size() const { return 1; }
    index_t parameter_count() const { return 0; }
    tocsin::status check() const { return {}; }
    void initialise(std::span<float>, tocsin::random_generator&) const {}
    template <class Visit>
    void for_each_parameter_block(Visit&&) const {}
};

/// Without check(), its sizes could not be refused.
struct unchecked_layer {
    using scalar_type = float;
    int input_size() const { return 1; }
    int output_size() const { return 1; }
    index_t parameter_count() const { return 0; }
    void initialise(std::span<float>, tocsin::random_generator&) const {}
    template <class Visit>
    void for_each_parameter_block(Visit&&) const {}
};

struct integer_layer : smallest_layer {
    using scalar_type = int;
};

struct smallest_differentiable_layer : smallest_layer {
    using tape_type = tocsin::sequence_view<float>;
    index_t tape_size(int, int) const { return 0; }
    index_t backward_work_size(int, int) const { return 0; }
    tape_type make_tape(std::span<float>, int, int) const { return {}; }
    void reset(const tape_type&) const {}
    void forward(std::span<const float>, tocsin::sequence_view<const float>,
                 const tape_type&) const {}
    tape_type outputs(const tape_type& tape) const { return tape; }
    void backward(std::span<const float>, tocsin::sequence_view<const float>, const tape_type&,
                  tocsin::sequence_view<const float>, std::span<float>,
                  tocsin::sequence_view<float>, std::span<float>) const {}
};

/// Its backward takes no scratch.
struct scratchless_layer : smallest_layer {
    using tape_type = tocsin::sequence_view<float>;
    index_t tape_size(int, int) const { return 0; }
    index_t backward_work_size(int, int) const { return 0; }
    tape_type make_tape(std::span<float>, int, int) const { return {}; }
    void reset(const tape_type&) const {}
    void forward(std::span<const float>, tocsin::sequence_view<const float>,
                 const tape_type&) const {}
    tape_type outputs(const tape_type& tape) const { return tape; }
    void backward(std::span<const float>, tocsin::sequence_view<const float>, const tape_type&,
                  tocsin::sequence_view<const float>, std::span<float>,
                  tocsin::sequence_view<float>) const {}
};

} // namespace

TEST_SUITE("layers") {

    TEST_CASE("concepts: the smallest layer passes, one that cannot be checked does not") {
        CHECK(tocsin::layer<smallest_layer>);
        CHECK_FALSE(tocsin::layer<unchecked_layer>);
        CHECK_FALSE(tocsin::layer<integer_layer>);
        CHECK_FALSE(tocsin::layer<int>);
    }

    TEST_CASE("concepts: the smallest differentiable layer passes, a plain layer does not") {
        CHECK(tocsin::differentiable_layer<smallest_differentiable_layer>);
        CHECK_FALSE(tocsin::differentiable_layer<smallest_layer>);
        CHECK_FALSE(tocsin::differentiable_layer<scratchless_layer>);
    }

    TEST_CASE("concepts: every layer of the library is differentiable") {
        CHECK(tocsin::differentiable_layer<tocsin::dense<float>>);
        CHECK(tocsin::differentiable_layer<tocsin::dense<double, tocsin::relu_activation, 2, 3>>);
        CHECK(tocsin::differentiable_layer<tocsin::dense_head<float>>);
        CHECK(tocsin::differentiable_layer<tocsin::dense_head<double, 2, 3, 1>>);
        CHECK(tocsin::differentiable_layer<tocsin::lstm<float>>);
        CHECK(tocsin::differentiable_layer<tocsin::lstm<double, 2, 3>>);
        CHECK(tocsin::differentiable_layer<tocsin::lstm_stack<float>>);
        CHECK(tocsin::differentiable_layer<tocsin::lstm_stack<double, 2, 3, 1>>);
    }
}
