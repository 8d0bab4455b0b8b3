#include "tocsin/layers/any_layer.hpp"
#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/hard_sigmoid_precision.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/layers/repeat.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include "support/allocation_counter.hpp"
#include <cmath>
#include <string>

using namespace tocsin;
using tocsin_test::garbage;
using tocsin_test::layer_problem;
using tocsin_test::random_values;
using tocsin_test::zeros;

namespace {

static_assert(differentiable_layer<any_layer<float>>);
static_assert(layer_with_statistics<any_layer<double>>);
static_assert(layer_with_inference<any_layer<double>>);
static_assert(!std::is_constructible_v<any_layer<float>, dense<double>>); // another scalar
static_assert(!std::is_constructible_v<any_layer<float>, int>);

template <class Scalar>
batch_norm<Scalar> norm(int channels) {
    return batch_norm<Scalar>(channels, batch_norm_settings::keras());
}

/// Every prefix of a series, sample by sample, has the last output of inference for it.
template <class Layer>
double streaming_difference(const Layer& concrete, int steps = 9) {
    using scalar = typename Layer::scalar_type;
    const any_layer<scalar> layer = concrete;
    const auto parameters = random_values<scalar>(layer.parameter_count(), 3);
    auto statistics = random_values<scalar>(layer.statistics_count(), 4);
    for (scalar& value : statistics) {
        value = std::abs(value) + scalar(0.1); // variances are positive
    }
    const auto inputs = random_values<scalar>(index_t{layer.input_size()} * steps, 5);
    const layer_stream_sizes sizes = layer.stream_sizes();
    REQUIRE(sizes.possible);
    auto packed = garbage<scalar>(sizes.packed);
    layer.stream_pack(parameters, statistics, packed);
    auto state = zeros<scalar>(sizes.state);
    auto work = garbage<scalar>(sizes.work);
    auto output = garbage<scalar>(layer.output_size());
    auto area = garbage<scalar>(layer.tape_size(1, steps));
    double worst = 0;
    for (int t = 0; t < steps; ++t) {
        CHECK(tocsin_test::allocations_during([&] {
                  layer.stream_step(packed, inputs.data() + index_t{t} * layer.input_size(),
                                    output.data(), state, work);
              }) == 0);
        const auto tape = layer.make_tape(area, 1, t + 1);
        layer.infer(parameters, statistics, {inputs.data(), layer.input_size(), 1, t + 1}, tape);
        const auto all = layer.outputs(tape);
        for (int k = 0; k < layer.output_size(); ++k) {
            worst =
                std::max(worst, std::abs(static_cast<double>(output[static_cast<std::size_t>(k)] -
                                                             all.step(all.time() - 1)(k, 0))));
        }
    }
    return worst;
}

} // namespace

TEST_SUITE("layers") {

    TEST_CASE("any_layer: gradients of the layer it holds equal finite differences") {
        using held = any_layer<double>;
        tocsin_test::check_layer_gradient(held(lstm<double>(3, 4)));
        tocsin_test::check_layer_gradient(held(bidirectional_lstm<double>(3, 2)));
        tocsin_test::check_layer_gradient(held(dense<double, tanh_activation>(3, 4)));
        tocsin_test::check_layer_gradient(held(conv1d<double>(2, 3, {.kernel = 4})));
        tocsin_test::check_layer_gradient(held(lstm_stack<double>({3, 4, 2}, 0.3)));
        tocsin_test::check_layer_gradient(held(repeat<double>(3, 2)), 1e-4);
        tocsin_test::check_layer_gradient(held(norm<double>(3)), 1e-4);
    }

    TEST_CASE_TEMPLATE("any_layer: the same bits as the layer it holds, also with dropout", Scalar,
                       float, double) {
        const auto check = [](const auto& layer) {
            layer_problem concrete(layer);
            layer_problem erased(any_layer<Scalar>{layer});
            CHECK(erased.outputs() == concrete.outputs());
            CHECK(erased.gradient() == concrete.gradient());
            CHECK(std::string(erased.layer.kind()) ==
                  std::string(std::remove_cvref_t<decltype(layer)>::kind));
        };
        check(lstm<Scalar>(3, 5));
        check(dropout_layer<Scalar>(3, 0.5));
        check(conv1d<Scalar>(3, 2, {.kernel = 3, .padding = padding::valid}));
        check(pooling<Scalar, last_step>(4));
        check(penalised(dense<Scalar>(3, 2), {.l1 = 0.1}));
    }

    TEST_CASE("any_layer: blocks, statistics and penalties are those of the layer it holds") {
        const any_layer<double> layer = norm<double>(2);
        std::string names;
        const auto note = [&](const char* name, index_t offset, index_t rows, index_t cols) {
            names += std::string(name) + ' ' + std::to_string(offset) + ' ' +
                     std::to_string(rows * cols) + ' ';
        };
        layer.for_each_parameter_block(note);
        layer.for_each_statistics_block(note);
        CHECK(names == "scale 0 2 shift 2 2 mean 0 2 variance 2 2 ");
        aligned_vector<double> statistics(4);
        layer.initialise_statistics(statistics);
        CHECK(statistics == aligned_vector<double>{0, 0, 1, 1});
        layer.update_statistics(statistics, aligned_vector<double>{1, 1, 1, 1});
        CHECK(statistics[0] == doctest::Approx(1 - batch_norm_settings::keras().keep));

        const any_layer<double> plain = dense<double>(2, 1);
        CHECK(plain.statistics_count() == 0);
        const any_layer<double> costly = penalised(dense<double>(2, 1), {.l1 = 0.5});
        const aligned_vector<double> weights{3, -1, 7};
        aligned_vector<double> gradients(3);
        CHECK(costly.penalty(weights, gradients) == doctest::Approx(2));
        CHECK(gradients == aligned_vector<double>{0.5, -0.5, 0});
        CHECK(plain.penalty(weights, gradients) == 0);
        const any_layer<float> wrong = dense<float>(0, 1);
        CHECK_FALSE(wrong.check().ok());
    }

    TEST_CASE_TEMPLATE("layer_stream: sample by sample gives the last output of each prefix",
                       Scalar, float, double) {
        const double tolerance = std::is_same_v<Scalar, float> ? 2e-6 : 1e-14;
        const auto check = [&](const auto& layer) {
            CAPTURE(std::remove_cvref_t<decltype(layer)>::kind);
            CHECK(streaming_difference(layer) < tolerance);
        };
        check(lstm<Scalar>(3, 5));
        check(lstm<Scalar, dynamic, dynamic, hard_sigmoid_precision<5>>(3, 5));
        check(dense<Scalar, relu_activation>(3, 20));
        check(dense<Scalar>(20, 2));
        check(norm<Scalar>(4));
        check(conv1d<Scalar>(3, 4, {.kernel = 3, .padding = padding::causal, .dilation = 2}));
        check(conv1d<Scalar>(3, 4, {.kernel = 1, .padding = padding::same}));
        check(dropout_layer<Scalar>(3, 0.5));
        check(pooling<Scalar, last_step>(3));
        check(activation_layer<Scalar, leaky_relu_activation>(3, {0.3}));
        check(softmax_layer<Scalar>(3));
        check(penalised(lstm<Scalar>(3, 5), {.l2 = 0.1}));
    }

    TEST_CASE("layer_stream: layers that need the whole sequence say so") {
        const auto possible = [](const any_layer<float>& layer) {
            return layer.stream_sizes().possible;
        };
        CHECK_FALSE(possible(bidirectional_lstm<float>(3, 2)));
        CHECK_FALSE(possible(conv1d<float>(3, 2, {.kernel = 3})));
        CHECK_FALSE(possible(conv1d<float>(3, 2, {.kernel = 3, .padding = padding::valid})));
        CHECK_FALSE(possible(repeat<float>(3, 2)));
        CHECK_FALSE(possible(global_average_pooling<float>(3)));
        CHECK(possible(conv1d<float>(3, 2, {.kernel = 3, .padding = padding::causal})));
    }
}
