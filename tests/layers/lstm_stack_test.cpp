#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <algorithm>
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

template <class Scalar>
using buffer = tocsin::aligned_vector<Scalar>;

/// A stack with a loss that reads all outputs and the final states of all layers. It is a function
/// of parameters, inputs and the initial states of all layers.
template <class Stack>
struct problem {
    using scalar = typename Stack::scalar_type;

    problem(Stack shape, int batch_size, int steps)
        : stack{shape}, batch{batch_size}, time{steps},
          input_count{index_t{stack.input_size()} * batch * time},
          output_count{index_t{stack.output_size()} * batch * time},
          variables(random_values<scalar>(
              stack.parameter_count() + input_count + stack.state_size(batch), 21)),
          weights(random_values<scalar>(output_count + stack.state_size(batch), 22)),
          // An empty view has no shape, so even an empty tape needs an address.
          tape_area(tocsin_test::garbage<scalar>(stack.tape_size(batch, time) + 1)),
          tape{stack.make_tape(tape_area, batch, time)} {}

    std::span<scalar> all() { return variables; }
    std::span<scalar> parameters() { return slice(all(), 0, stack.parameter_count()); }
    std::span<scalar> initial_state() {
        return slice(all(), stack.parameter_count() + input_count);
    }
    tocsin::sequence_view<scalar> inputs() {
        return {variables.data() + stack.parameter_count(), stack.input_size(), batch, time};
    }

    /// Draws the same dropout masks each time, and writes the initial states.
    void start() {
        tocsin::random_generator random(23);
        stack.reset(tape, random);
        for (int k = 0; k < stack.layers(); ++k) {
            const auto from = stack.layer_state(initial_state(), k, batch);
            auto to = stack.tape_state(tape, k, 0);
            to.hidden = from.hidden;
            to.cell = from.cell;
        }
    }
    double loss() {
        start();
        stack.forward(parameters(), inputs(), tape);
        return weigh();
    }
    double loss_by_steps() {
        start();
        stack.prepare(parameters(), tape);
        for (int t = 0; t < time; ++t) {
            stack.forward_step(tocsin::read_only(inputs().step(t)), tape, t);
        }
        return weigh();
    }
    double weigh() {
        double sum = 0;
        const auto add = [&](const scalar* values, const scalar* factors, index_t count) {
            for (index_t k = 0; k < count; ++k) {
                sum += static_cast<double>(values[k]) * static_cast<double>(factors[k]);
            }
        };
        add(stack.outputs(tape).data(), weights.data(), output_count);
        for (int k = 0; k < stack.layers(); ++k) {
            const auto factors =
                stack.layer_state(slice(std::span(weights), output_count), k, batch);
            const auto state = stack.tape_state(tape, k, time);
            add(state.hidden.data(), factors.hidden.data(), state.hidden.size());
            add(state.cell.data(), factors.cell.data(), state.cell.size());
        }
        return sum;
    }

    /// dL/d(variables); call a loss first.
    buffer<scalar> gradient(bool by_steps = false) {
        auto slopes = tocsin_test::garbage<scalar>(static_cast<index_t>(variables.size()));
        const std::span<scalar> out(slopes);
        const auto parameter_gradient = tocsin::zero(slice(out, 0, stack.parameter_count()));
        const tocsin::sequence_view<scalar> input_gradient(out.data() + stack.parameter_count(),
                                                           stack.input_size(), batch, time);
        const auto state_gradient = slice(out, stack.parameter_count() + input_count);
        std::copy(weights.begin() + output_count, weights.end(), state_gradient.begin());
        const tocsin::sequence_view<const scalar> output_gradient(weights.data(),
                                                                  stack.output_size(), batch, time);
        if (by_steps) {
            auto work = tocsin_test::garbage<scalar>(stack.backward_step_work_size(batch));
            for (int t = time - 1; t >= 0; --t) {
                stack.backward_step(inputs(), tape, t, output_gradient.step(t), state_gradient,
                                    input_gradient.step(t), work);
            }
            stack.accumulate_gradients(tape, parameter_gradient);
        } else {
            auto work = tocsin_test::garbage<scalar>(stack.state_backward_work_size(batch, time));
            stack.backward(parameters(), inputs(), tape, output_gradient, parameter_gradient,
                           input_gradient, state_gradient, std::span<scalar>(work));
        }
        return slopes;
    }

    Stack stack;
    int batch;
    int time;
    index_t input_count;
    index_t output_count;
    buffer<scalar> variables;
    buffer<scalar> weights;
    buffer<scalar> tape_area;
    typename Stack::tape_type tape;
};

using dynamic_stack = tocsin::lstm_stack<double>;
using static_stack = tocsin::lstm_stack<double, 2, 5, 3>;

} // namespace

TEST_SUITE("layers") {

    TEST_CASE(
        "lstm_stack: gradient of parameters, inputs, initial states equals finite differences") {
        double rate = 0;
        SUBCASE("without dropout") {}
        SUBCASE("with dropout") {
            rate = 0.4;
        }
        problem<dynamic_stack> p(dynamic_stack{{2, 5, 3, 4}, rate}, 3, 5);
        p.loss();
        const auto gradient = p.gradient();
        const auto worst = tocsin::check_gradient([&] { return p.loss(); }, p.all(), gradient);
        CAPTURE(worst.position);
        CHECK(worst.relative_error <= 1e-6);
        CHECK(worst.position >= 0);
    }

    TEST_CASE("lstm_stack: step by step, forward and backward give what whole sequences give") {
        double rate = 0;
        SUBCASE("without dropout") {}
        SUBCASE("with dropout") {
            rate = 0.4;
        }
        problem<dynamic_stack> p(dynamic_stack{{2, 5, 3}, rate}, 3, 5);
        const double loss = p.loss();
        const auto gradient = p.gradient();
        CHECK(p.loss_by_steps() == doctest::Approx(loss).epsilon(1e-13));
        CHECK(block_error(p.gradient(true), gradient) <= 1e-13);
    }

    TEST_CASE("lstm_stack: static sizes give the results of dynamic ones") {
        // Eigen may sum small products of static size in another order: equal within 1e-13.
        problem<dynamic_stack> d(dynamic_stack{{2, 5, 3}, 0.25}, 3, 5);
        problem<static_stack> s(static_stack{{}, 0.25}, 3, 5);
        CHECK(s.variables.size() == d.variables.size());
        CHECK(s.loss() == doctest::Approx(d.loss()).epsilon(1e-13));
        CHECK(block_error(s.gradient(), d.gradient()) <= 1e-13);
        CHECK(s.loss_by_steps() == doctest::Approx(d.loss()).epsilon(1e-13));
        CHECK(block_error(s.gradient(true), d.gradient()) <= 1e-13);
    }

    TEST_CASE("lstm_stack: dropout spares the recurrent state") {
        // With one layer, the mask may only change the outputs: hidden states are those without it.
        problem<dynamic_stack> with(dynamic_stack{{2, 6}, 0.5}, 3, 5);
        problem<dynamic_stack> without(dynamic_stack{{2, 6}}, 3, 5);
        with.loss();
        without.loss();
        int dropped = 0;
        for (int t = 0; t < 5; ++t) {
            const auto hidden = with.stack.tape_state(with.tape, 0, t + 1).hidden;
            CHECK(hidden.isApprox(without.stack.tape_state(without.tape, 0, t + 1).hidden, 1e-14));
            const auto outputs = with.stack.outputs(with.tape).step(t);
            for (index_t k = 0; k < outputs.size(); ++k) {
                const double output = outputs.data()[k];
                CHECK((output == 0 || output == 2 * hidden.data()[k]));
                dropped += output == 0 ? 1 : 0;
            }
        }
        CHECK(dropped > 20); // of 90
        CHECK(dropped < 70);
    }

    TEST_CASE("lstm_stack: reset without a generator evaluates without dropout") {
        problem<dynamic_stack> with(dynamic_stack{{2, 6, 4}, 0.5}, 3, 5);
        problem<dynamic_stack> without(dynamic_stack{{2, 6, 4}}, 3, 5);
        for (auto* p : {&with, &without}) {
            p->stack.reset(p->tape);
            p->stack.forward(p->parameters(), p->inputs(), p->tape);
        }
        CHECK(block_error(with.stack.outputs(with.tape).span(),
                          without.stack.outputs(without.tape).span()) == 0);
    }

    TEST_CASE_TEMPLATE("lstm_stack: streaming steps equal the whole sequence", Scalar, float,
                       double) {
        const double tolerance = 16 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
        problem<tocsin::lstm_stack<Scalar>> p(tocsin::lstm_stack<Scalar>{{2, 5, 3}}, 3, 5);
        p.loss();
        buffer<Scalar> state(p.initial_state().begin(), p.initial_state().end());
        auto work = tocsin_test::garbage<Scalar>(p.stack.step_work_size(3));
        auto packed = tocsin_test::garbage<Scalar>(p.stack.packed_size());
        p.stack.pack(p.parameters(), packed);
        for (int t = 0; t < 5; ++t) {
            p.stack.step({packed}, tocsin::read_only(p.inputs().step(t)), state, work);
            CHECK(block_error(tocsin_test::span_of(p.stack.top_hidden(state, 3)),
                              tocsin_test::span_of(p.stack.outputs(p.tape).step(t))) <= tolerance);
        }
    }

    TEST_CASE("lstm_stack: a step of one item allocates nothing") {
        // Large enough for Eigen's kernels; products of tiny matrices are plain loops.
        const dynamic_stack stack{{2, 50, 30}};
        const auto parameters = random_values<double>(stack.parameter_count(), 1);
        auto state = tocsin_test::zeros<double>(stack.state_size(1));
        auto work = tocsin_test::zeros<double>(stack.step_work_size(1));
        auto packed = tocsin_test::zeros<double>(stack.packed_size());
        const double input[2] = {0.3, -0.2};
        const long allocations = tocsin_test::allocations_during([&] {
            stack.pack(parameters, packed);
            for (int t = 0; t < 3; ++t) {
                stack.step({packed}, tocsin::matrix_view<const double>(input, 2, 1), state, work);
            }
        });
        CHECK(allocations == 0);
        CHECK(state[0] != 0);
        CHECK(tocsin_test::allocations_during([&] { state.reserve(1000); }) == 1); // it counts
    }

    TEST_CASE("lstm_stack: parameter blocks follow each other without gaps, in layer order") {
        const dynamic_stack stack{{2, 5, 3}};
        index_t next = 0;
        std::vector<std::string> names;
        stack.for_each_parameter_block(
            [&](const char* name, index_t offset, index_t rows, index_t cols) {
                CHECK(offset == next);
                next += rows * cols;
                names.emplace_back(name);
            });
        CHECK(next == stack.parameter_count());
        CHECK(names == std::vector<std::string>{"lstm.0", "lstm.1"});
        CHECK(stack.parameter_count() == 20 * (2 + 5 + 1) + 12 * (5 + 3 + 1));
    }

    TEST_CASE("lstm_stack: initialise overwrites every parameter") {
        const dynamic_stack stack{{2, 5, 3}};
        auto parameters = tocsin_test::garbage<double>(stack.parameter_count());
        tocsin::random_generator random(1);
        stack.initialise(parameters, random);
        CHECK(std::all_of(parameters.begin(), parameters.end(),
                          [](double value) { return std::isfinite(value); }));
    }

    TEST_CASE("lstm_stack: bad sizes and dropout rates are named") {
        CHECK((dynamic_stack{{2, 5}, 0.5}.check().ok()));
        CHECK(static_stack{}.check().ok());
        const tocsin::status empty = dynamic_stack{}.check();
        CHECK_FALSE(empty.ok());
        const tocsin::status size = dynamic_stack{{2, 0, 3}}.check();
        CHECK(std::string_view(size.message()) ==
              "lstm_stack: size 0 at position 1 must be at least 1");
        const tocsin::status rate = dynamic_stack{{2, 5}, 1.5}.check();
        CHECK(std::string_view(rate.message()) == "dropout: rate 1.5 is outside [0, 1)");
    }

    TEST_CASE("lstm_stack: an empty batch, no steps, single sizes") {
        problem<dynamic_stack> empty(dynamic_stack{{2, 5, 3}, 0.5}, 0, 5);
        CHECK(empty.loss() == 0);
        problem<dynamic_stack> no_steps(dynamic_stack{{2, 5, 3}, 0.5}, 3, 0);
        CHECK(std::isfinite(no_steps.loss()));
        no_steps.gradient();
        problem<dynamic_stack> smallest(dynamic_stack{{1, 1, 1}}, 1, 1);
        CHECK(std::isfinite(smallest.loss()));
        CHECK(smallest.gradient().size() == 24 + 1 + 4);
    }
}
