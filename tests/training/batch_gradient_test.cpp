#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/filling.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/training/batch_gradient.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/execution.hpp"
#include "tocsin/training/observed_loss.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace {

using tocsin::index_t;

constexpr int features = 2;
constexpr int length = 180;

struct judged {
    tocsin::aligned_vector<double> gradient;
    double loss = 0;
    double observed = 0; ///< windows, by batch_gradient
};

/// By batch_gradient, which may take the windows in parts.
template <class Model, class Loss = tocsin::mean_squared_error,
          class Execution = tocsin::serial_execution>
judged in_parts(const Model& model, std::span<const double> parameters,
                const tocsin::windows<double>& source, std::span<const index_t> order,
                const Loss& loss = {}, const Execution& execution = {}) {
    const auto batch = static_cast<int>(order.size());
    tocsin::batch_gradient<Model> gradient(model, execution.shards(), batch, length);
    auto team = execution.start();
    tocsin::random_generator random(1);
    judged answer;
    const long allocations = tocsin_test::allocations_during([&] {
        answer.loss =
            gradient.compute(team, model, parameters, source, order, {0, length}, loss, random);
    });
    CHECK(allocations == 0);
    answer.observed = gradient.observed_windows();
    answer.gradient.assign(gradient.gradients().begin(), gradient.gradients().end());
    return answer;
}

/// All windows in one call of the model.
template <class Model, class Loss = tocsin::mean_squared_error>
judged at_once(const Model& model, std::span<const double> parameters,
               const tocsin::windows<double>& source, std::span<const index_t> order,
               const Loss& loss = {}) {
    const auto batch = static_cast<int>(order.size());
    std::vector<double> inputs(order.size() * features * length);
    const tocsin::sequence_view<double> view(inputs.data(), features, batch, length);
    tocsin::gather_batch<double>(source, order, view);
    tocsin::aligned_vector<double> work(
        static_cast<std::size_t>(model.training_work_size(batch, length)));
    tocsin::random_generator random(1);
    judged answer;
    answer.gradient.resize(parameters.size());
    answer.loss = model.loss_and_gradient(parameters, view, loss, answer.gradient, random, work);
    return answer;
}

tocsin::sequence_set<double> random_set(int windows, unsigned seed) {
    tocsin::sequence_set<double> set;
    set.length = length;
    set.values.resize(features, index_t{length} * windows);
    const auto values = tocsin_test::random_values<double>(set.values.size(), seed);
    std::copy(values.begin(), values.end(), set.values.data());
    return set;
}
std::vector<index_t> last_first(int windows) {
    std::vector<index_t> order(static_cast<std::size_t>(windows));
    std::iota(order.rbegin(), order.rend(), index_t{0});
    return order;
}

template <class Model>
void compare(const Model& model, int batch) {
    CAPTURE(batch);
    const tocsin::sequence_set<double> set = random_set(batch, 3);
    const auto parameters = tocsin_test::random_values<double>(model.parameter_count(), 4, 0.3);
    const std::vector<index_t> order = last_first(batch);
    const auto expected = at_once(model, parameters, set.windows(), order);
    const auto found = in_parts(model, parameters, set.windows(), order);
    CHECK(found.loss == doctest::Approx(expected.loss).epsilon(1e-13));
    CHECK(tocsin_test::block_error(found.gradient, expected.gradient) <= 1e-12);
    CHECK(found.observed == batch);
}

/// The same where most windows miss values, some all of them.
template <class Model>
void compare_with_holes(const Model& model, int batch) {
    CAPTURE(batch);
    tocsin::sequence_set<double> set = random_set(batch, 5);
    for (index_t c = 0; c < set.values.cols(); ++c) {
        const index_t kind = c / length % 3;
        if (kind == 2 || (kind == 1 && c % length != 7)) { // of kind 1, one row is left
            set.values.col(c).setConstant(std::numeric_limits<double>::quiet_NaN());
        }
    }
    const tocsin::matrix<double> filled =
        tocsin::filled_samples(set.windows(), tocsin::hole_filling::linear);
    const auto source = set.windows().over(
        Eigen::Map<const tocsin::matrix<double>>(filled.data(), features, filled.cols()));
    const auto parameters = tocsin_test::random_values<double>(model.parameter_count(), 4, 0.3);
    const std::vector<index_t> order = last_first(batch);
    const tocsin::mean_squared_error plain;
    const tocsin::observed_loss<tocsin::mean_squared_error> loss{plain};
    const auto expected = at_once(model, parameters, source, order, loss);
    const auto check = [&](const judged& found) {
        CHECK(found.loss == doctest::Approx(expected.loss).epsilon(1e-12));
        CHECK(tocsin_test::block_error(found.gradient, expected.gradient) <= 1e-12);
        CHECK(found.observed < batch / 2.0);
        CHECK(found.observed > batch / 4.0);
    };
    check(in_parts(model, parameters, source, order, loss));
    for (const int threads : {2, 3}) {
        CAPTURE(threads);
        check(in_parts(model, parameters, source, order, loss,
                       tocsin::data_parallel{.threads = threads}));
    }
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE("batch_gradient: the parts of a large batch add up to the gradient of the whole") {
        const auto forecaster = tocsin::forecaster<double>::with_layers(features, features, {24});
        const auto reconstruction = tocsin::encoder_decoder<double>::with_layers(features, {16});
        CHECK(tocsin::detail::windows_at_once(forecaster, 100, length) == 12);
        CHECK(tocsin::detail::windows_at_once(reconstruction, 100, length) == 12);
        for (const int batch : {12, 13, 24, 41}) {
            compare(forecaster, batch);
            compare(reconstruction, batch);
        }
    }

    TEST_CASE("batch_gradient: parts count by what was observed in them") {
        const auto forecaster = tocsin::forecaster<double>::with_layers(features, features, {24});
        const auto reconstruction = tocsin::encoder_decoder<double>::with_layers(features, {16});
        for (const int batch : {12, 13, 24, 41}) {
            compare_with_holes(forecaster, batch);
            compare_with_holes(reconstruction, batch);
        }
    }

    TEST_CASE("batch_gradient: a batch is whole where parts would not pay") {
        using tocsin::detail::windows_at_once;
        using model = tocsin::encoder_decoder<float>;
        CHECK(windows_at_once(model::with_layers(1, {32}), 32, 50) == 32);    // fits
        CHECK(windows_at_once(model::with_layers(38, {128}), 64, 100) == 64); // none would fit
        CHECK(windows_at_once(model::with_layers(38, {128}), 64, 20) == 64);  // too many weights
        CHECK(windows_at_once(model::with_layers(8, {64}), 64, 64) == 12);
        CHECK(windows_at_once(model::with_layers(8, {64}), 5, 64) == 5);
    }
}
