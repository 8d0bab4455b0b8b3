#include "tocsin/layers/dense.hpp"
#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include "support/random_values.hpp"
#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

namespace {

using tocsin::index_t;
using tocsin::slice;
using tocsin_test::block_error;
using tocsin_test::random_values;

constexpr int batch = 3;
constexpr int steps = 5;

/// A layer of 4 inputs and 6 outputs with the loss <outputs, weights>.
template <class Layer>
struct problem {
    explicit problem(Layer shape)
        : layer{shape},
          variables(random_values<double>(layer.parameter_count() + 4 * batch * steps, 31)),
          weights(random_values<double>(6 * batch * steps, 32)),
          area(tocsin_test::garbage<double>(layer.tape_size(batch, steps))) {
        // |W x| stays below 4 for |W|, |x| < 1, so biases of +-5 keep pre-activations away from the
        // kink of a ReLU, half of them on either side.
        for (index_t k = 0; k < 6; ++k) {
            variables[static_cast<std::size_t>(6 * 4 + k)] = saturating() ? 0.1 : k % 2 ? 5 : -5;
        }
    }
    static constexpr bool saturating() {
        return !std::is_same_v<typename Layer::activation_type, tocsin::relu_activation>;
    }
    std::span<double> parameters() {
        return slice(std::span<double>(variables), 0, layer.parameter_count());
    }
    tocsin::sequence_view<double> inputs() {
        return {variables.data() + layer.parameter_count(), 4, batch, steps};
    }
    auto tape() { return layer.make_tape(area, batch, steps); }
    double loss() {
        layer.forward(parameters(), inputs(), tape());
        double sum = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) {
            sum += weights[k] * tape().span()[k];
        }
        return sum;
    }
    tocsin::aligned_vector<double> gradient() {
        auto slopes = tocsin_test::zeros<double>(static_cast<index_t>(variables.size()));
        const std::span<double> out(slopes);
        layer.backward(
            parameters(), inputs(), tape(),
            tocsin::sequence_view<const double>(weights.data(), 6, batch, steps),
            slice(out, 0, layer.parameter_count()),
            tocsin::sequence_view<double>(out.data() + layer.parameter_count(), 4, batch, steps),
            std::span<double>{});
        return slopes;
    }

    Layer layer;
    tocsin::aligned_vector<double> variables;
    tocsin::aligned_vector<double> weights;
    tocsin::aligned_vector<double> area;
};

} // namespace

TEST_SUITE("layers") {

    TEST_CASE_TEMPLATE("dense: gradient of parameters and inputs equals finite differences; static "
                       "sizes give the same",
                       Activation, tocsin::identity_activation, tocsin::sigmoid_activation,
                       tocsin::tanh_activation, tocsin::relu_activation) {
        problem p(tocsin::dense<double, Activation>{4, 6});
        p.loss();
        const auto gradient = p.gradient();
        const auto worst = tocsin::check_gradient([&] { return p.loss(); }, p.variables, gradient);
        CAPTURE(worst.position);
        CHECK(worst.relative_error <= 1e-6);

        // Eigen may sum small products of static size in another order: equal within 1e-13.
        problem fixed(tocsin::dense<double, Activation, 4, 6>{});
        CHECK(fixed.loss() == doctest::Approx(p.loss()).epsilon(1e-13));
        CHECK(block_error(fixed.gradient(), p.gradient()) <= 1e-13);
    }

    TEST_CASE("dense: one output and one input of static size, over several columns") {
        const auto agree = [](const auto& fixed) {
            tocsin_test::check_same_layer(
                fixed, tocsin::dense<double>{fixed.input_size(), fixed.output_size()});
        };
        agree(tocsin::dense<double, tocsin::identity_activation, 4, 1>{});
        agree(tocsin::dense<double, tocsin::identity_activation, 1, 6>{});
        agree(tocsin::dense<double, tocsin::identity_activation, 1, 1>{});
    }

    TEST_CASE_TEMPLATE("dense: outputs are W x + b with the columns [W | b]", Scalar, float,
                       double) {
        const tocsin::dense<Scalar> layer(2, 3);
        const Scalar parameters[9] = {1, 2, 3, 10, 20, 30, Scalar(0.5), Scalar(0.25), -1};
        const Scalar inputs[4] = {1, -1, 2, Scalar(0.5)};
        Scalar outputs[6] = {};
        layer.apply(parameters, tocsin::matrix_view<const Scalar>(inputs, 2, 2),
                    tocsin::matrix_view<Scalar>(outputs, 3, 2));
        const Scalar expected[6] = {Scalar(-8.5), Scalar(-17.75), -28,
                                    Scalar(7.5),  Scalar(14.25),  20};
        CHECK(std::equal(outputs, outputs + 6, expected));
    }

    TEST_CASE_TEMPLATE(
        "dense: packed weights give the sums in double for sizes from 1 to 67, and a "
        "column alone what it gives in a batch",
        Scalar, float, double) {
        const double tolerance = sizeof(Scalar) == 4 ? 1e-6 : 1e-14;
        tocsin::random_generator random(8);
        const auto size = [&] { return 1 + static_cast<int>(random.below(67)); };
        for (int k = 0; k < 200; ++k) {
            const int inputs = size();
            const int outputs = k % 2 == 0 ? 1 + k % 9 : size();
            const int columns = 1 + k % 8;
            CAPTURE(inputs);
            CAPTURE(outputs);
            const tocsin::dense<Scalar> layer(inputs, outputs);
            const auto parameters = random_values<Scalar>(layer.parameter_count(), 1);
            const auto input = random_values<Scalar>(index_t{inputs} * columns, 2);
            auto packed = tocsin_test::garbage<Scalar>(layer.packed_size());
            layer.pack(parameters, packed);
            auto together = tocsin_test::garbage<Scalar>(index_t{outputs} * columns);
            layer.apply(tocsin::packed_weights<Scalar>{packed},
                        tocsin::matrix_view<const Scalar>(input.data(), inputs, columns),
                        tocsin::matrix_view<Scalar>(together.data(), outputs, columns));
            auto alone = tocsin_test::garbage<Scalar>(index_t{outputs} * columns);
            tocsin::aligned_vector<double> expected;
            for (int column = 0; column < columns; ++column) {
                const Scalar* const x = input.data() + index_t{column} * inputs;
                layer.apply_column(packed.data(), x, alone.data() + index_t{column} * outputs);
                for (int j = 0; j < outputs; ++j) {
                    const auto weight = [&](int i) {
                        return static_cast<double>(
                            parameters[static_cast<std::size_t>(i * outputs + j)]);
                    };
                    double sum = weight(inputs);
                    for (int i = 0; i < inputs; ++i) {
                        sum += weight(i) * static_cast<double>(x[i]);
                    }
                    expected.push_back(sum);
                }
            }
            CHECK(block_error(alone, expected) <= tolerance);
            CHECK(block_error(together, expected) <= tolerance);
        }
    }

    TEST_CASE("dense: gradients are added to, an unwanted input gradient is left out") {
        problem p(tocsin::dense<double, tocsin::tanh_activation>{4, 6});
        p.loss();
        const auto once = p.gradient();
        p.loss();
        auto sum = random_values<double>(p.layer.parameter_count(), 33);
        const auto before = sum;
        p.layer.backward(p.parameters(), p.inputs(), p.tape(),
                         tocsin::sequence_view<const double>(p.weights.data(), 6, batch, steps),
                         std::span<double>(sum), {}, std::span<double>{});
        for (std::size_t k = 0; k < sum.size(); ++k) {
            CHECK(sum[k] - before[k] == doctest::Approx(once[k]).epsilon(1e-11));
        }
    }

    TEST_CASE("dense: no columns are nothing to do, a NaN column spoils itself only") {
        const tocsin::dense<double> layer(2, 3);
        const auto parameters = random_values<double>(layer.parameter_count(), 1);
        auto inputs = random_values<double>(8, 2);
        inputs[3] = std::numeric_limits<double>::quiet_NaN();
        auto outputs = tocsin_test::zeros<double>(12);
        layer.apply(parameters, tocsin::matrix_view<const double>(inputs.data(), 2, 0),
                    tocsin::matrix_view<double>(outputs.data(), 3, 0));
        CHECK(block_error(outputs, tocsin_test::zeros<double>(12)) == 0);
        layer.apply(parameters, tocsin::matrix_view<const double>(inputs.data(), 2, 4),
                    tocsin::matrix_view<double>(outputs.data(), 3, 4));
        for (std::size_t k = 0; k < 12; ++k) {
            CHECK(std::isnan(outputs[k]) == (k / 3 == 1));
        }
    }

    TEST_CASE("dense: fresh weights keep to Glorot's limit and reach for it, biases are zero") {
        const tocsin::dense<double> layer(30, 20);
        auto parameters = tocsin_test::garbage<double>(layer.parameter_count());
        tocsin::random_generator random(4);
        layer.initialise(parameters, random);
        const tocsin::matrix_view<const double> all(parameters.data(), 20, 31);
        const double limit = std::sqrt(6.0 / 50);
        CHECK(all.leftCols(30).cwiseAbs().maxCoeff() <= limit);
        CHECK(all.leftCols(30).maxCoeff() > 0.95 * limit);
        CHECK(all.leftCols(30).minCoeff() < -0.95 * limit);
        CHECK((all.col(30).array() == 0).all());
    }

    TEST_CASE("dense: sizes that are not positive are named") {
        CHECK((tocsin::dense<float>{1, 1}.check().ok()));
        const tocsin::status failure = tocsin::dense<float>{0, 2}.check();
        CHECK(failure.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string_view(failure.message()) ==
              "dense: input size 0 and output size 2 must both be at least 1");
    }
}
