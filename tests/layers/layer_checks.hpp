/// @file layer_checks.hpp
/// @brief Checks that every layer of a network must pass.
#pragma once

#include "tocsin/layers/network_layer.hpp"
#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <span>

namespace tocsin_test {

/// A layer with random parameters and inputs and the loss <outputs, weights>.
template <class Layer>
struct layer_problem {
    using scalar = typename Layer::scalar_type;

    explicit layer_problem(const Layer& shape, int batch_size = 3, int steps = 9)
        : layer{shape}, batch{batch_size}, time{steps},
          variables(random_values<scalar>(layer.parameter_count() + input_count(), 31)),
          weights(random_values<scalar>(tocsin::index_t{layer.output_size()} * batch *
                                            tocsin::detail::output_time_of(layer, time),
                                        32)),
          area(garbage<scalar>(layer.tape_size(batch, time))) {}

    tocsin::index_t input_count() const {
        return tocsin::index_t{layer.input_size()} * batch * time;
    }
    std::span<scalar> parameters() {
        return tocsin::slice(std::span<scalar>(variables), 0, layer.parameter_count());
    }
    tocsin::sequence_view<scalar> inputs() {
        return {variables.data() + layer.parameter_count(), layer.input_size(), batch, time};
    }
    auto tape() { return layer.make_tape(area, batch, time); }
    tocsin::aligned_vector<scalar> outputs() {
        layer.reset(tape());
        tocsin::random_generator random(5); // the same dropout each time
        tocsin::detail::draw_for(layer, tape(), random);
        layer.forward(parameters(), inputs(), tape());
        const auto view = layer.outputs(tape());
        return {view.data(), view.data() + view.size()};
    }
    double loss() {
        const auto values = outputs();
        REQUIRE(values.size() == weights.size());
        double sum = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) {
            sum += static_cast<double>(weights[k] * values[k]);
        }
        return sum;
    }
    /// Gradient of parameters, then inputs, after loss().
    tocsin::aligned_vector<scalar> gradient() {
        auto slopes = zeros<scalar>(static_cast<tocsin::index_t>(variables.size()));
        const std::span<scalar> out(slopes);
        auto work = garbage<scalar>(layer.backward_work_size(batch, time));
        layer.backward(
            parameters(), inputs(), tape(),
            tocsin::sequence_view<const scalar>(weights.data(), layer.output_size(), batch,
                                                tocsin::detail::output_time_of(layer, time)),
            tocsin::slice(out, 0, layer.parameter_count()),
            tocsin::sequence_view<scalar>(out.data() + layer.parameter_count(), layer.input_size(),
                                          batch, time),
            work);
        return slopes;
    }

    Layer layer;
    int batch;
    int time;
    tocsin::aligned_vector<scalar> variables;
    tocsin::aligned_vector<scalar> weights;
    tocsin::aligned_vector<scalar> area;
};

/// Every entry of the gradient of parameters and inputs equals finite differences within 1e-6; an
/// unwanted input gradient is left out and changes nothing; gradients are added to.
template <class Layer>
void check_layer_gradient(layer_problem<Layer> problem, double step = 1e-3) {
    static_assert(tocsin::differentiable_layer<Layer>);
    CHECK(problem.layer.check().ok());
    problem.loss();
    const auto gradient = problem.gradient();
    const auto worst =
        tocsin::check_gradient([&] { return problem.loss(); }, problem.variables, gradient, step);
    CAPTURE(worst.position);
    CAPTURE(worst.analytic);
    CAPTURE(worst.numeric);
    CHECK(worst.relative_error <= 1e-6);

    problem.loss();
    const auto count = static_cast<std::size_t>(problem.layer.parameter_count());
    tocsin::aligned_vector<double> sums(count, 2.0);
    auto work = garbage<double>(problem.layer.backward_work_size(problem.batch, problem.time));
    problem.layer.backward(problem.parameters(), problem.inputs(), problem.tape(),
                           tocsin::sequence_view<const double>(
                               problem.weights.data(), problem.layer.output_size(), problem.batch,
                               tocsin::detail::output_time_of(problem.layer, problem.time)),
                           std::span<double>(sums), {}, work);
    for (std::size_t k = 0; k < count; ++k) {
        CHECK(sums[k] == doctest::Approx(2 + gradient[k]).epsilon(1e-12));
    }
}
template <class Layer>
void check_layer_gradient(const Layer& layer, double step = 1e-3) {
    check_layer_gradient(layer_problem<Layer>(layer), step);
}

/// A layer of static sizes and one of the same sizes at run time agree in outputs and gradients.
template <class One, class Other>
void check_same_layer(const One& one, const Other& other) {
    layer_problem a(one);
    layer_problem b(other);
    CHECK(block_error(a.outputs(), b.outputs()) <= 1e-13);
    CHECK(block_error(a.gradient(), b.gradient()) <= 1e-13);
}

} // namespace tocsin_test
