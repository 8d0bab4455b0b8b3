#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_report.hpp"
#include "tocsin/layers/batch_norm.hpp"

#include <doctest/doctest.h>

#include "convolving.hpp"
#include "convolving_complete.hpp"
#include "feeding.hpp"
#include "firmware/firmware_detectors.hpp"
#include "firmware/watcher_checks.hpp"
#include "linear.hpp"
#include "rows.hpp"
#include "support/small_detectors.hpp"
#include "windowed_linear.hpp"
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

namespace fw = tocsin::firmware;
using tocsin_test::compare;
using tocsin_test::machine_samples;
using tocsin_test::says;
using tocsin_test::with_silence;

/// Compares with the host's detector, and the self-test, and the bytes that are promised.
template <class Detector, class Watcher>
void check_watcher(const Detector& detector, Watcher& watch, bool missing_values = true) {
    constexpr int features = Watcher::features;
    compare(detector, watch, machine_samples(features, 2000, 3, 0.05));
    if (missing_values) {
        compare(detector, watch, with_silence(machine_samples(features, 2000, 4, 0.05)));
    }
    CHECK(watch.self_test() == fw::self_test_result::passed);
    const tocsin::firmware_options options{.missing_values = missing_values};
    const auto report =
        tocsin::report_firmware(detector, options, tocsin::matrix_view<const float>(nullptr, 0, 0));
    REQUIRE_MESSAGE(report.has_value(), report.error().message());
    CHECK(report->ram == sizeof(watch));
}

/// Forecasts 1e10 times the last value.
struct growing_model {
    static constexpr int features = 1;
    static constexpr int targets = 1;
    static constexpr int look_ahead = 1;
    static constexpr int order = 1;
    static constexpr float weights[] = {0, 1e10F}; // the bias first
    using arithmetic = fw::separate_arithmetic;
};

/// A window run at once, and what run_layers() gives for its newest step alone.
void compare_newest(const std::vector<fw::feed_forward_layer>& layers, int steps) {
    tocsin::random_generator random{5};
    const auto draw = [&](std::size_t count) {
        std::vector<float> values(count);
        for (float& value : values) {
            value = static_cast<float>(random.normal());
        }
        return values;
    };
    const auto count = static_cast<int>(layers.size());
    std::size_t weights = 0;
    std::size_t taps = 0;
    for (const auto& layer : layers) {
        const int read = layer.inputs * layer.kernel;
        weights += static_cast<std::size_t>(fw::detail::dense_weights(read, layer.outputs));
        taps = std::max(taps, static_cast<std::size_t>(read));
    }
    const auto all = draw(weights);
    const int values = layers[0].inputs * steps;
    const auto window = draw(static_cast<std::size_t>(values));
    std::vector<float> even(window);
    even.resize(1000);
    std::vector<float> odd(1000);
    std::vector<float> gathered(taps);
    const auto run = [&](bool newest) {
        const fw::detail::float_layer_sums<fw::separate_arithmetic> sums{all.data()};
        return fw::detail::run_layers(layers.data(), count, sums, steps, newest, even.data(),
                                      odd.data(), gathered.data());
    };
    const int outputs = layers.back().outputs;
    const int last = (steps - 1) * outputs;
    const float* const whole = run(false) + last;
    const std::vector<float> expected(whole, whole + outputs);
    const int first = fw::detail::first_step_read(layers.data(), count, 0, steps);
    const int unread = first * layers[0].inputs;
    std::copy(window.begin() + unread, window.end(), even.begin());
    const float* const newest = run(true);
    for (int k = 0; k < outputs; ++k) {
        CHECK(std::bit_cast<std::uint32_t>(newest[k]) ==
              std::bit_cast<std::uint32_t>(expected[static_cast<std::size_t>(k)]));
    }
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE(
        "feed-forward: the newest step needs no more than its layers read, with the same bits") {
        using kind = fw::activation_kind;
        compare_newest({{2, 3, 3, 1, 1, kind::tanh}, {3, 2, 2, 3, 3, kind::leaky_relu, 0.1F}}, 12);
        compare_newest({{2, 3, 3, 1, 1, kind::sigmoid}, {3, 2, 2, 3, 3, kind::relu}}, 4);
        compare_newest({{4, 1}}, 5);
        CHECK(fw::detail::first_step_read(nullptr, 0, 0, 9) == 8);
        const fw::feed_forward_layer reach[] = {{1, 1, 5, 1, 4}, {1, 1, 3, 2, 2}};
        CHECK(fw::detail::first_step_read(reach, 2, 0, 20) == 13);
        CHECK(fw::detail::first_step_read(reach, 2, 1, 20) == 17);
        CHECK(fw::detail::first_step_read(reach, 2, 0, 5) == 0);
    }

    TEST_CASE("feed-forward: an autoencoder of rows, as on the host") {
        static fw::watcher<rows::model> watch;
        check_watcher(tocsin_test::row_detector(), watch);
    }

    TEST_CASE("feed-forward: a convolutional autoencoder, also where values are missing") {
        const auto detector = tocsin_test::convolving_detector();
        static fw::watcher<convolving::model> watch;
        check_watcher(detector, watch);
        static fw::watcher<convolving_complete::model> complete;
        check_watcher(detector, complete, false);
        // The last step reads 2 steps before it, the layer below 2, the first one 1.
        const auto model = tocsin::make_firmware_model(detector);
        REQUIRE(model.has_value());
        CHECK(model->network.size() == 4);
        CHECK(model->multiply_adds() == 6 * 3 + 6 * 6 + 3 * (2 * 14) + 5 * (7 * 12));
    }

    TEST_CASE("feed-forward: a forecast from a fixed number of samples") {
        static fw::watcher<feeding::model> watch;
        check_watcher(tocsin_test::feed_forward_detector(), watch);
    }

    TEST_CASE("linear: a forecast from the last samples, from the first one on") {
        static fw::watcher<linear::model> watch;
        CHECK(watch.warm_up == 1); // sooner than it has the six samples
        const auto detector = tocsin_test::linear_detector();
        check_watcher(detector, watch);
        const auto model = tocsin::make_firmware_model(detector);
        REQUIRE(model.has_value());
        CHECK(model->multiply_adds() == 4 * 5 * 6);
        for (const auto format : {tocsin::firmware_format::int16, tocsin::firmware_format::int8}) {
            CHECK(says(tocsin::firmware_header(detector, {.format = format}).error(),
                       "linear models from sample to sample are supported in float only"));
        }
    }

    TEST_CASE("linear: forecasts that are read in the place of a lost sensor stay finite") {
        fw::float_linear_stream<growing_model> stream;
        float value = 1;
        for (int t = 0; t < 10; ++t) {
            stream.read(&value);
            stream.forecast(&value);
        }
        CHECK(value == doctest::Approx(1e28));
    }

    TEST_CASE("linear: the newest step of windows") {
        const auto detector = tocsin_test::windowed_linear_detector();
        static fw::watcher<windowed_linear::model> watch;
        check_watcher(detector, watch);
        const auto model = tocsin::make_firmware_model(detector);
        REQUIRE(model.has_value());
        CHECK(model->multiply_adds() == 3 * 3 * 6);
    }

    TEST_CASE("feed-forward: what firmware does not have is refused by name") {
        tocsin::firmware_model model;
        const std::vector<float> parameters(1000);
        const auto refused = [&](const auto& network) {
            model.network.clear();
            return tocsin::detail::take_sequential(network, std::span<const float>(parameters),
                                                   model);
        };
        using tocsin::activation_layer;
        using tocsin::dense;
        using tocsin::sequential;
        CHECK(says(refused(sequential(dense<float>(3, 3), tocsin::batch_norm<float>(3))),
                   "layer 'batch_norm'"));
        CHECK(
            says(refused(sequential(dense<float>(3, 3),
                                    activation_layer<float, tocsin::hard_sigmoid_activation<>>(3))),
                 "activation 'hard_sigmoid'"));
        CHECK(says(refused(sequential(activation_layer<float, tocsin::relu_activation>(3),
                                      dense<float>(3, 3))),
                   "layer 'relu' is supported after"));
        CHECK(says(refused(sequential(dense<float, tocsin::tanh_activation>(3, 3),
                                      activation_layer<float, tocsin::relu_activation>(3))),
                   "layer 'relu' is supported after"));
        CHECK(refused(sequential(dense<float>(3, 3))).ok());
    }
}
