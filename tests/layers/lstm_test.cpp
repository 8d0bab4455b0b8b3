#include "tocsin/layers/lstm.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include "support/reference_lstm.hpp"
#include "support/reference_values.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

namespace {

using tocsin::index_t;
using tocsin::slice;
using tocsin_test::block_error;
using tocsin_test::random_values;

template <class Scalar>
using buffer = tocsin::aligned_vector<Scalar>;

/// A layer with a loss that reads every output and the final state, <outputs, w_o> + <h, w_h> + <c,
/// w_c>, as a function of everything it depends on.
template <class Layer>
struct problem {
    using scalar = typename Layer::scalar_type;

    problem(Layer shape, int batch_size, int steps)
        : layer{shape}, batch{batch_size}, time{steps},
          state_count{index_t{layer.hidden_size()} * batch},
          input_count{index_t{layer.input_size()} * batch * time},
          variables(
              random_values<scalar>(layer.parameter_count() + input_count + 2 * state_count, 11)),
          weights(random_values<scalar>(state_count * (time + 2), 12)),
          // Eigen accepts no null pointers, not even for an empty tape.
          tape_area(tocsin_test::garbage<scalar>(layer.tape_size(batch, time) + 1)),
          tape{layer.make_tape(tape_area, batch, time)} {}

    // Everything the loss depends on, one part after another in `variables`.
    std::span<scalar> parameters() { return slice(all(), 0, layer.parameter_count()); }
    std::span<scalar> inputs() { return slice(all(), layer.parameter_count(), input_count); }
    std::span<scalar> initial_hidden() {
        return slice(all(), layer.parameter_count() + input_count, state_count);
    }
    std::span<scalar> initial_cell() {
        return slice(all(), layer.parameter_count() + input_count + state_count, state_count);
    }
    tocsin::sequence_view<scalar> input_sequence() {
        return {inputs().data(), layer.input_size(), batch, time};
    }
    std::span<const scalar> final_hidden() { return tocsin_test::span_of(tape.hiddens.step(time)); }
    std::span<const scalar> final_cell() { return tocsin_test::span_of(tape.cells.step(time)); }

    double loss() {
        std::copy_n(initial_hidden().begin(), state_count, tape.hiddens.step(0).data());
        std::copy_n(initial_cell().begin(), state_count, tape.cells.step(0).data());
        layer.forward(parameters(), input_sequence(), tape);
        const std::span<const scalar> outputs = layer.outputs(tape).span();
        double sum = 0;
        std::size_t k = 0;
        for (const auto& part : {outputs, final_hidden(), final_cell()}) {
            for (const scalar value : part) {
                sum += static_cast<double>(value) * static_cast<double>(weights[k++]);
            }
        }
        return sum;
    }

    /// dL/d(variables); call loss() first.
    buffer<scalar> gradient() {
        auto slopes = tocsin_test::garbage<scalar>(static_cast<index_t>(variables.size()));
        const std::span<scalar> out(slopes);
        const index_t parameter_count = layer.parameter_count();
        tocsin::zero(slice(out, 0, parameter_count));
        const tocsin::sequence_view<scalar> input_gradient(out.data() + parameter_count,
                                                           layer.input_size(), batch, time);
        const auto state_gradient = slice(out, parameter_count + input_count);
        std::copy_n(weights.begin() + state_count * time, 2 * state_count, state_gradient.begin());
        auto state = layer.make_state(state_gradient, batch);
        const tocsin::sequence_view<const scalar> output_gradient(weights.data(),
                                                                  layer.hidden_size(), batch, time);
        layer.backward(parameters(), input_sequence(), tape, output_gradient,
                       slice(out, 0, parameter_count), input_gradient, state);
        return slopes;
    }

    std::span<scalar> all() { return variables; }

    Layer layer;
    int batch;
    int time;
    index_t state_count;
    index_t input_count;
    buffer<scalar> variables;
    buffer<scalar> weights;
    buffer<scalar> tape_area;
    typename Layer::tape_type tape;
};

using dynamic_lstm = tocsin::lstm<double>;
using static_lstm = tocsin::lstm<double, 4, 5>;

/// One unit with one input, all parameters zero except what `set` writes: `set(weights, bias)`,
/// each indexed by gate. Runs three steps from c0 and returns their (h, c).
template <class Set>
Eigen::Matrix<double, 2, 3> one_unit(double h0, double c0, Set&& set) {
    const tocsin::lstm<double> layer(1, 1);
    buffer<double> parameters(12, 0.0);
    set(parameters.data(), parameters.data() + 4, parameters.data() + 8);
    const double inputs[3] = {0.5, -1.2, 2.0};
    auto area = tocsin_test::garbage<double>(layer.tape_size(1, 3));
    const auto tape = layer.make_tape(area, 1, 3);
    tape.hiddens.step(0).setConstant(h0);
    tape.cells.step(0).setConstant(c0);
    layer.forward(parameters, tocsin::sequence_view<const double>(inputs, 1, 1, 3), tape);
    Eigen::Matrix<double, 2, 3> states;
    for (int t = 0; t < 3; ++t) {
        states(0, t) = tape.hiddens.step(t + 1)(0, 0);
        states(1, t) = tape.cells.step(t + 1)(0, 0);
    }
    return states;
}

double sigmoid(double x) {
    return 1 / (1 + std::exp(-x));
}

/// Checks one_unit against c' = f c + i g, h' = o tanh(c') with gates as functions of (x, h).
template <class Input, class Forget, class Candidate, class Output>
void check_unit(const Eigen::Matrix<double, 2, 3>& states, double h, double c, Input i, Forget f,
                Candidate g, Output o) {
    const double inputs[3] = {0.5, -1.2, 2.0};
    for (int t = 0; t < 3; ++t) {
        const double x = inputs[t];
        const double next = f(x, h) * c + i(x, h) * g(x, h);
        h = o(x, h) * std::tanh(next);
        c = next;
        CHECK(states(1, t) == doctest::Approx(c).epsilon(1e-14));
        CHECK(states(0, t) == doctest::Approx(h).epsilon(1e-14));
    }
}

} // namespace

TEST_SUITE("layers") {

    TEST_CASE(
        "lstm: gradient of every parameter, input and initial state equals finite differences") {
        problem<dynamic_lstm> p({4, 5}, 3, 6);
        p.loss();
        const auto gradient = p.gradient();
        const auto worst = tocsin::check_gradient([&] { return p.loss(); }, p.all(), gradient);
        CAPTURE(worst.position);
        CHECK(worst.relative_error <= 1e-6);
        CHECK(worst.position >= 0);
    }

    TEST_CASE("lstm: a wrong gradient is caught at its position") {
        problem<dynamic_lstm> p({2, 3}, 3, 5);
        p.loss();
        auto gradient = p.gradient();
        gradient[7] *= 1.00001;
        const auto worst = tocsin::check_gradient([&] { return p.loss(); }, p.all(), gradient);
        CHECK(worst.relative_error > 5e-6);
        CHECK(worst.position == 7);
    }

    TEST_CASE("lstm: static sizes give the results of dynamic ones") {
        // Eigen may sum small products of static size in another order: equal within 1e-13.
        problem<dynamic_lstm> d({4, 5}, 3, 6);
        problem<static_lstm> s({}, 3, 6);
        CHECK(s.loss() == doctest::Approx(d.loss()).epsilon(1e-13));
        CHECK(block_error(s.layer.outputs(s.tape).span(), d.layer.outputs(d.tape).span()) <= 1e-13);
        CHECK(block_error(s.gradient(), d.gradient()) <= 1e-13);
        CHECK(sizeof(static_lstm) <= 2); // static sizes take no space
    }

    TEST_CASE("lstm: gradients are added to, and the short backward starts from zero") {
        problem<dynamic_lstm> p({4, 5}, 3, 6);
        std::fill(p.weights.begin() + p.state_count * p.time, p.weights.end(), 0.0);
        p.loss();
        const auto expected = p.gradient();
        p.loss();
        buffer<double> gradients(static_cast<std::size_t>(p.layer.parameter_count()), 1.0);
        auto work = tocsin_test::garbage<double>(p.layer.backward_work_size(3, 6));
        p.layer.backward(p.parameters(), p.input_sequence(), p.tape,
                         tocsin::sequence_view<const double>(p.weights.data(), 5, 3, 6),
                         std::span<double>(gradients), {}, std::span<double>(work));
        for (std::size_t k = 0; k < gradients.size(); ++k) {
            CHECK(gradients[k] - 1 == doctest::Approx(expected[k]).epsilon(1e-11));
        }
        const std::span<const double> all(expected);
        CHECK(block_error(work, slice(all, static_cast<index_t>(all.size() - work.size()))) <=
              1e-13);
    }

    TEST_CASE_TEMPLATE("lstm: forward, gradients and ten Adam steps equal PyTorch", Scalar, float,
                       double) {
        const tocsin_test::reference_values reference("lstm");
        const double tolerance = tocsin_test::reference_tolerance<Scalar>;
        problem<tocsin::lstm<Scalar>> p({4, 5}, 3, 6);
        const auto load = [&](std::span<Scalar> part, const char* name) {
            const auto values = reference.as<Scalar>(name);
            REQUIRE(values.size() == part.size());
            std::copy(values.begin(), values.end(), part.begin());
        };
        load(p.parameters(), "parameters");
        load(p.inputs(), "inputs");
        load(p.initial_hidden(), "initial_hidden");
        load(p.initial_cell(), "initial_cell");
        const std::span<Scalar> weights(p.weights);
        load(slice(weights, 0, p.state_count * p.time), "output_weights");
        load(slice(weights, p.state_count * p.time, p.state_count), "hidden_weights");
        load(slice(weights, p.state_count * (p.time + 1)), "cell_weights");

        const double loss_scale = 10; // the loss is a sum of about a hundred terms of either sign
        CHECK(std::abs(p.loss() - reference.number("loss")) <= tolerance * loss_scale);
        CHECK(block_error(p.layer.outputs(p.tape).span(), reference["outputs"]) <= tolerance);
        CHECK(block_error(p.final_hidden(), reference["final_hidden"]) <= tolerance);
        CHECK(block_error(p.final_cell(), reference["final_cell"]) <= tolerance);
        const auto gradient = p.gradient();
        const std::span<const Scalar> all(gradient);
        const index_t states = p.layer.parameter_count() + p.input_count;
        CHECK(block_error(slice(all, 0, p.layer.parameter_count()),
                          reference["parameter_gradients"]) <= tolerance);
        CHECK(block_error(slice(all, p.layer.parameter_count(), p.input_count),
                          reference["input_gradients"]) <= tolerance);
        CHECK(block_error(slice(all, states, p.state_count),
                          reference["initial_hidden_gradients"]) <= tolerance);
        CHECK(block_error(slice(all, states + p.state_count),
                          reference["initial_cell_gradients"]) <= tolerance);

        tocsin::adam rule;
        rule.learning_rate = 0.001;
        buffer<Scalar> state(static_cast<std::size_t>(rule.state_size(p.layer.parameter_count())));
        for (int step = 1; step <= 10; ++step) {
            const double loss = p.loss();
            CHECK(std::abs(loss - reference["losses"][static_cast<std::size_t>(step - 1)]) <=
                  tolerance * loss_scale);
            const auto slopes = p.gradient();
            rule.update(p.parameters(),
                        slice(std::span<const Scalar>(slopes), 0, p.layer.parameter_count()),
                        std::span<Scalar>(state), step, 1.0);
        }
        CHECK(block_error(p.parameters(), reference["parameters_after"]) <= tolerance);
    }

    TEST_CASE_TEMPLATE(
        "lstm: outputs, states and gradients equal the reference layer for sizes from "
        "1 to 67",
        Scalar, float, double) {
        const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-12;
        tocsin::random_generator random(31);
        const auto size = [&](std::uint64_t largest) {
            return 1 + static_cast<int>(random.below(largest));
        };
        for (int k = 0; k < 24; ++k) {
            const int inputs = size(67);
            const int hidden = size(67);
            const int batch = k % 3 == 0 ? size(4) : size(67); // small ones group gradients
            const int time = k % 3 == 0 ? size(40) : size(4);
            CAPTURE(inputs);
            CAPTURE(hidden);
            CAPTURE(batch);
            CAPTURE(time);
            problem<tocsin::lstm<Scalar>> ours({inputs, hidden}, batch, time);
            problem<tocsin_test::reference_lstm<Scalar>> reference({inputs, hidden}, batch, time);
            const double limit = 1 / std::sqrt(hidden); // as fresh weights: no saturated gates
            for (auto& weight : ours.parameters()) {
                weight *= static_cast<Scalar>(limit);
            }
            reference.variables = ours.variables;
            CHECK(ours.loss() == doctest::Approx(reference.loss()).epsilon(1e-3));
            CHECK(block_error(ours.layer.outputs(ours.tape).span(),
                              reference.layer.outputs(reference.tape).span()) <= tolerance);
            CHECK(block_error(ours.final_cell(), reference.final_cell()) <= tolerance);
            const auto gradient = ours.gradient();
            const auto expected = reference.gradient();
            const std::span<const Scalar> a(gradient);
            const std::span<const Scalar> b(expected);
            const index_t count = ours.layer.parameter_count();
            CHECK(block_error(slice(a, 0, count), slice(b, 0, count)) <= tolerance);
            CHECK(block_error(slice(a, count), slice(b, count)) <= tolerance);
        }
    }

    TEST_CASE("lstm: the standard precision is within 3e-6 of double over 30 steps, the exact one "
              "within 1e-6") {
        problem<tocsin::lstm<double>> exact({3, 20}, 2, 30);
        exact.loss();
        const auto expected = exact.layer.outputs(exact.tape).span();
        const auto error_of = [&]<class Layer>(Layer layer) {
            problem<Layer> p(layer, 2, 30);
            p.variables.assign(exact.variables.begin(), exact.variables.end());
            p.loss();
            return block_error(p.layer.outputs(p.tape).span(), expected);
        };
        CHECK(error_of(tocsin::lstm<float>{3, 20}) <= 3e-6);
        CHECK(
            error_of(tocsin::lstm<float, tocsin::dynamic, tocsin::dynamic, tocsin::exact_precision>{
                3, 20}) <= 1e-6);
    }

    TEST_CASE("lstm: bfloat16 weights move outputs by less than a hundredth, alike in streams and "
              "batches") {
        using small =
            tocsin::lstm<float, tocsin::dynamic, tocsin::dynamic, tocsin::bfloat16_precision>;
        const small layer{4, 40};
        const tocsin::lstm<float> full{4, 40};
        buffer<float> parameters(static_cast<std::size_t>(layer.parameter_count()));
        tocsin::random_generator random(9);
        layer.initialise(std::span<float>(parameters), random);
        const auto inputs = random_values<float>(4 * 3 * 50, 2, 2);

        /// States after 50 steps of the first `batch` items.
        const auto run = [&](const auto& shape, int batch) {
            auto packed = tocsin_test::garbage<float>(shape.packed_size());
            shape.pack(parameters, packed);
            buffer<float> area(static_cast<std::size_t>(shape.state_size(batch)));
            auto work = tocsin_test::garbage<float>(shape.step_work_size(batch));
            auto state = shape.make_state(area, batch);
            for (int t = 0; t < 50; ++t) {
                const tocsin::matrix_view<const float> input(inputs.data() + index_t{t} * 12, 4,
                                                             batch);
                shape.step({packed}, input, state, std::span<float>(work),
                           tocsin::order_of_step(t));
            }
            return buffer<float>(state.hidden.col(0).begin(), state.hidden.col(0).end());
        };
        const auto stream = run(layer, 1);
        const double moved = block_error(stream, run(full, 1));
        CHECK(moved <= 1e-2);
        CHECK(moved > 1e-5); // the weights did change
        CHECK(block_error(run(layer, 3), stream) <= 1e-6);
    }

    TEST_CASE("lstm: zero parameters halve the cell at every step") {
        const auto half = [](double, double) { return 0.5; };
        const auto none = [](double, double) { return 0.0; };
        check_unit(one_unit(0.3, 0.8, [](double*, double*, double*) {}), 0.3, 0.8, half, half, none,
                   half);
    }

    TEST_CASE("lstm: with one gate switched on at a time, its closed form comes out") {
        using gate = tocsin::lstm_gate;
        const auto half = [](double, double) { return 0.5; };
        const auto none = [](double, double) { return 0.0; };
        SUBCASE("forget gate by its input weight") {
            check_unit(
                one_unit(0.3, 0.8, [](double* w, double*, double*) { w[gate::forget] = 1.5; }), 0.3,
                0.8, half, [](double x, double) { return sigmoid(1.5 * x); }, none, half);
        }
        SUBCASE("output gate by its input weight") {
            check_unit(
                one_unit(0.3, 0.8, [](double* w, double*, double*) { w[gate::output] = -0.7; }),
                0.3, 0.8, half, half, none, [](double x, double) { return sigmoid(-0.7 * x); });
        }
        SUBCASE("candidate by its recurrent weight") {
            check_unit(
                one_unit(0.3, 0.8, [](double*, double* u, double*) { u[gate::candidate] = 2; }),
                0.3, 0.8, half, half, [](double, double h) { return std::tanh(2 * h); }, half);
        }
        SUBCASE("input gate by its input weight, under a constant candidate") {
            check_unit(
                one_unit(0.3, 0.8,
                         [](double* w, double*, double* b) {
                             w[gate::input] = 0.9;
                             b[gate::candidate] = 0.4;
                         }),
                0.3, 0.8, [](double x, double) { return sigmoid(0.9 * x); }, half,
                [](double, double) { return std::tanh(0.4); }, half);
        }
        SUBCASE("a forget bias of 50 keeps the cell") {
            check_unit(
                one_unit(0.3, 0.8, [](double*, double*, double* b) { b[gate::forget] = 50; }), 0.3,
                0.8, half, [](double, double) { return 1.0; }, none, half);
        }
    }

    TEST_CASE_TEMPLATE("lstm: steps with a state, steps on a tape and the whole sequence agree",
                       Scalar, float, double) {
        const double tolerance = 8 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
        problem<tocsin::lstm<Scalar>> p({4, 5}, 3, 6);
        p.loss();
        auto area = tocsin_test::garbage<Scalar>(p.layer.tape_size(3, 6));
        const auto tape = p.layer.make_tape(area, 3, 6);
        tape.hiddens.step(0) = p.tape.hiddens.step(0);
        tape.cells.step(0) = p.tape.cells.step(0);
        buffer<Scalar> state_area(p.initial_hidden().begin(), p.initial_cell().end());
        auto state = p.layer.make_state(state_area, 3);
        auto work = tocsin_test::garbage<Scalar>(p.layer.step_work_size(3));
        auto packed = tocsin_test::garbage<Scalar>(p.layer.packed_size());
        p.layer.pack(p.parameters(), packed);
        p.layer.prepare(p.parameters(), tape);
        for (int t = 0; t < 6; ++t) {
            p.layer.forward_step(p.input_sequence().step(t), tape, t);
            p.layer.step(tocsin::packed_weights<Scalar>{packed}, p.input_sequence().step(t), state,
                         std::span<Scalar>(work));
            const auto expected = tocsin_test::span_of(p.layer.outputs(p.tape).step(t));
            CHECK(block_error(tocsin_test::span_of(state.hidden), expected) <= tolerance);
            CHECK(block_error(tocsin_test::span_of(tape.hiddens.step(t + 1)), expected) <=
                  tolerance);
        }
        CHECK(block_error(tocsin_test::span_of(state.cell), p.final_cell()) <= tolerance);
        CHECK(block_error(tape.cells.span(), p.tape.cells.span()) <= tolerance);
    }

    TEST_CASE_TEMPLATE("lstm: a batch item does not depend on the batch it stands in", Scalar,
                       float, double) {
        const double tolerance = 8 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
        constexpr int huge = 20'000;
        problem<tocsin::lstm<Scalar>> many({1, 1}, huge, 2);
        many.loss();
        for (const int item : {0, 1, 12'345, huge - 1}) {
            problem<tocsin::lstm<Scalar>> one({1, 1}, 1, 2);
            const auto at = static_cast<std::size_t>(item);
            std::copy_n(many.parameters().begin(), one.parameters().size(),
                        one.parameters().begin());
            one.initial_hidden()[0] = many.initial_hidden()[at];
            one.initial_cell()[0] = many.initial_cell()[at];
            one.inputs()[0] = many.inputs()[at];
            one.inputs()[1] = many.inputs()[at + huge];
            one.loss();
            CHECK(std::abs(one.final_hidden()[0] - many.final_hidden()[at]) <= tolerance);
            CHECK(std::abs(one.final_cell()[0] - many.final_cell()[at]) <= tolerance);
        }
    }

    TEST_CASE("lstm: no steps leave the initial state and a zero gradient") {
        problem<dynamic_lstm> p({4, 5}, 3, 0);
        p.loss();
        CHECK(block_error(p.final_hidden(), p.initial_hidden()) == 0);
        const auto gradient = p.gradient();
        for (index_t k = 0; k < p.layer.parameter_count(); ++k) {
            CHECK(gradient[static_cast<std::size_t>(k)] == 0);
        }
        CHECK(gradient.back() == p.weights.back()); // dL/dc goes through unchanged
    }

    TEST_CASE("lstm: an empty batch is nothing to do") {
        problem<dynamic_lstm> p({4, 5}, 0, 3);
        CHECK(p.loss() == 0);
        CHECK(block_error(p.gradient(), buffer<double>(p.variables.size(), 0.0)) == 0);
    }

    TEST_CASE("lstm: a NaN sample spoils its own batch item from its step on, nothing else") {
        problem<dynamic_lstm> p({2, 3}, 3, 4);
        p.input_sequence().step(2)(1, 1) = std::numeric_limits<double>::quiet_NaN();
        CHECK(std::isnan(p.loss()));
        for (int t = 0; t < 4; ++t) {
            for (int b = 0; b < 3; ++b) {
                const bool spoilt = t >= 2 && b == 1;
                CHECK(p.layer.outputs(p.tape).step(t).col(b).array().isNaN().any() == spoilt);
            }
        }
    }

    TEST_CASE(
        "lstm: the tape takes at most a fifth more than six scalars per unit, step and item") {
        const auto ratio = [](int inputs, int hidden, int time, int batch) {
            const tocsin::lstm<float> layer{inputs, hidden};
            return static_cast<double>(layer.tape_size(batch, time)) /
                   (6.0 * hidden * batch * time);
        };
        CHECK(ratio(8, 64, 64, 64) <= 1.2);
        CHECK(ratio(1, 32, 50, 32) <= 1.2);
        CHECK(ratio(38, 128, 100, 64) <= 1.2);
    }

    TEST_CASE("lstm: sizes that are not positive are named") {
        CHECK((tocsin::lstm<float>{1, 1}.check().ok()));
        const tocsin::status failure = tocsin::lstm<float>{3, 0}.check();
        CHECK(failure.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string_view(failure.message()) ==
              "lstm: input size 3 and hidden size 0 must both be at least 1");
        CHECK_FALSE((tocsin::lstm<float>{-1, 4}.check().ok()));
    }

    TEST_CASE("lstm: fresh weights have a forget bias of 1, orthogonal recurrence, Glorot limits") {
        const tocsin::lstm<double> layer(3, 5);
        auto parameters = tocsin_test::garbage<double>(layer.parameter_count());
        tocsin::random_generator random(4);
        layer.initialise(parameters, random);
        const tocsin::matrix_view<const double> all(parameters.data(), 20, 3 + 5 + 1);
        CHECK(all.allFinite());
        for (int gate = 0; gate < 4; ++gate) {
            const auto rows = all.middleRows(gate * 5, 5);
            CHECK(rows.leftCols(3).cwiseAbs().maxCoeff() <= std::sqrt(6.0 / (5 + 3)));
            const Eigen::MatrixXd recurrent = rows.middleCols(3, 5);
            CHECK((recurrent.transpose() * recurrent)
                      .isApprox(Eigen::MatrixXd::Identity(5, 5), 1e-13));
            const double bias = gate == tocsin::lstm_gate::forget ? 1 : 0;
            CHECK((rows.col(8).array() == bias).all());
        }
        layer.initialise(parameters, random, tocsin::uniform_by_hidden_size{});
        CHECK(all.leftCols(8).cwiseAbs().maxCoeff() <= 1 / std::sqrt(5.0));
        CHECK((all.col(8).array() == 0).all());
    }
}
