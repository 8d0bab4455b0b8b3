#include "tocsin/layers/dense_head.hpp"
#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin::index_t;
using tocsin::slice;
using tocsin_test::block_error;
using tocsin_test::random_values;

constexpr int batch = 3;
constexpr int steps = 5;

/// A head of 4 inputs, hidden ReLU layers of 6 and 5, 2 outputs, with the loss <outputs, weights>.
template <class Head>
struct problem {
    explicit problem(Head shape)
        : head{shape},
          variables(random_values<double>(head.parameter_count() + 4 * batch * steps, 41)),
          weights(random_values<double>(2 * batch * steps, 42)),
          area(tocsin_test::garbage<double>(head.tape_size(batch, steps))) {
        // Biases larger than any weighted sum of inputs keep every pre-activation away from the
        // kink of the ReLU, half of them on either side. The first layer's outputs reach 5 + 4
        // each.
        for (std::size_t k = 0; k < 6; ++k) {
            variables[6 * 4 + k] = k % 2 == 0 ? 5 : -5;
        }
        for (std::size_t k = 0; k < 5; ++k) {
            variables[6 * 5 + 5 * 6 + k] = k % 2 == 0 ? 60 : -60;
        }
    }
    std::span<double> parameters() {
        return slice(std::span<double>(variables), 0, head.parameter_count());
    }
    tocsin::sequence_view<double> inputs() {
        return {variables.data() + head.parameter_count(), 4, batch, steps};
    }
    tocsin::sequence_view<const double> output_gradient() {
        return {weights.data(), 2, batch, steps};
    }
    auto tape() { return head.make_tape(area, batch, steps); }
    double loss() {
        head.forward(parameters(), inputs(), tape());
        return weigh();
    }
    double weigh() {
        double sum = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) {
            sum += weights[k] * head.outputs(tape()).span()[k];
        }
        return sum;
    }
    tocsin::aligned_vector<double> gradient() {
        auto slopes = tocsin_test::zeros<double>(static_cast<index_t>(variables.size()));
        const std::span<double> out(slopes);
        auto work = tocsin_test::garbage<double>(head.backward_work_size(batch, steps));
        head.backward(
            parameters(), inputs(), tape(), output_gradient(),
            slice(out, 0, head.parameter_count()),
            tocsin::sequence_view<double>(out.data() + head.parameter_count(), 4, batch, steps),
            work);
        return slopes;
    }

    Head head;
    tocsin::aligned_vector<double> variables;
    tocsin::aligned_vector<double> weights;
    tocsin::aligned_vector<double> area;
};

using dynamic_head = tocsin::dense_head<double>;
using static_head = tocsin::dense_head<double, 4, 6, 5, 2>;

dynamic_head make_head() {
    return dynamic_head{{4, 6, 5, 2}};
}

} // namespace

TEST_SUITE("layers") {

    TEST_CASE("dense_head: gradient of parameters and inputs equals finite differences") {
        problem p(make_head());
        p.loss();
        // The tape has the layers' outputs after the forward pass: hidden ones are 0 or far from 0.
        int active = 0;
        for (std::size_t k = 0; k < 11 * batch * steps; ++k) {
            CHECK((p.area[k] == 0 || p.area[k] > 0.1));
            active += p.area[k] > 0 ? 1 : 0;
        }
        CHECK(active == (3 + 3) * batch * steps);
        const auto gradient = p.gradient();
        const auto worst = tocsin::check_gradient([&] { return p.loss(); }, p.variables, gradient);
        CAPTURE(worst.position);
        CHECK(worst.relative_error <= 1e-6);
    }

    TEST_CASE("dense_head: static sizes give the results of dynamic ones") {
        // Eigen may sum small products of static size in another order: equal within 1e-13.
        problem d(make_head());
        problem s(static_head{});
        CHECK(s.loss() == doctest::Approx(d.loss()).epsilon(1e-13));
        CHECK(block_error(s.gradient(), d.gradient()) <= 1e-13);
    }

    TEST_CASE("dense_head: step by step, forward and backward give what whole sequences give") {
        problem p(make_head());
        const double loss = p.loss();
        const auto expected = p.gradient();
        for (int t = 0; t < steps; ++t) {
            p.head.forward_step(p.parameters(), tocsin::read_only(p.inputs().step(t)), p.tape(), t);
        }
        CHECK(p.weigh() == doctest::Approx(loss).epsilon(1e-13));
        auto slopes = tocsin_test::zeros<double>(static_cast<index_t>(p.variables.size()));
        const std::span<double> out(slopes);
        auto work = tocsin_test::garbage<double>(p.head.backward_work_size(batch, 1));
        for (int t = steps - 1; t >= 0; --t) {
            p.head.backward_step(
                p.parameters(), tocsin::read_only(p.inputs().step(t)), p.tape(), t,
                p.output_gradient().step(t), slice(out, 0, p.head.parameter_count()),
                tocsin::matrix_view<double>(out.data() + p.head.parameter_count() + 4 * batch * t,
                                            4, batch),
                work);
        }
        CHECK(block_error(slopes, expected) <= 1e-13);
    }

    TEST_CASE(
        "dense_head: apply without a tape equals forward, and allocates nothing for one item") {
        problem p(make_head());
        p.loss();
        auto work = tocsin_test::garbage<double>(p.head.apply_work_size(batch));
        auto outputs = tocsin_test::garbage<double>(2 * batch);
        auto packed = tocsin_test::garbage<double>(p.head.packed_size());
        p.head.pack(p.parameters(), packed);
        p.head.apply({packed}, tocsin::read_only(p.inputs().step(2)),
                     tocsin::matrix_view<double>(outputs.data(), 2, batch), work);
        CHECK(block_error(outputs, tocsin_test::span_of(p.head.outputs(p.tape()).step(2))) <=
              1e-14);
        const long allocations = tocsin_test::allocations_during([&] {
            p.head.apply({packed}, tocsin::matrix_view<const double>(p.inputs().data(), 4, 1),
                         tocsin::matrix_view<double>(outputs.data(), 2, 1), work);
        });
        CHECK(allocations == 0);
    }

    TEST_CASE_TEMPLATE("dense_head: a single layer is linear", Scalar, float, double) {
        const tocsin::dense_head<Scalar> head({1, 1});
        const Scalar parameters[2] = {2, 1};
        const Scalar input[1] = {-5};
        Scalar output[1] = {};
        auto packed = tocsin_test::garbage<Scalar>(head.packed_size());
        head.pack(parameters, packed);
        head.apply({packed}, tocsin::matrix_view<const Scalar>(input, 1, 1),
                   tocsin::matrix_view<Scalar>(output, 1, 1), {});
        CHECK(output[0] == Scalar(-9));
        CHECK(head.apply_work_size(7) == 0);
        CHECK(head.backward_work_size(7, 3) == 0);
    }

    TEST_CASE("dense_head: parameter blocks follow each other without gaps, in layer order") {
        index_t next = 0;
        std::vector<std::string> names;
        make_head().for_each_parameter_block(
            [&](const char* name, index_t offset, index_t rows, index_t cols) {
                CHECK(offset == next);
                next += rows * cols;
                names.emplace_back(name);
            });
        CHECK(next == make_head().parameter_count());
        CHECK(names == std::vector<std::string>{"dense.0", "dense.1", "dense.2"});
    }

    TEST_CASE("dense_head: initialise overwrites every parameter") {
        auto parameters = tocsin_test::garbage<double>(make_head().parameter_count());
        tocsin::random_generator random(1);
        make_head().initialise(parameters, random);
        for (const double value : parameters) {
            CHECK(std::isfinite(value));
        }
    }

    TEST_CASE("dense_head: bad sizes are named") {
        CHECK(make_head().check().ok());
        CHECK(static_head{}.check().ok());
        CHECK(std::string_view(dynamic_head{{4, -2}}.check().message()) ==
              "dense_head: size -2 at position 1 must be at least 1");
        CHECK_FALSE(dynamic_head{}.check().ok());
    }
}
