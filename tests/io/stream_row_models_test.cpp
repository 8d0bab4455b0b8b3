#include "tocsin/io/stream_file.hpp"
#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/dynamic_sequential.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/variational_autoencoder.hpp"

#include <doctest/doctest.h>

#include "stream_checks.hpp"
#include "stream_detectors.hpp"
#include "support/small_detectors.hpp"
#include <utility>

// Streams of detectors with models of rows, and with networks of layers, continue with the same bits.

using tocsin::error_view;
using tocsin::scored_steps;
using tocsin_test::check_every_way_continues;
using tocsin_test::new_window_detector;

namespace {

constexpr tocsin::row_model_sizes sizes{.outer = 4, .inner = 3, .latent = 1};

/// A model that judges each row by itself.
template <class Model>
void check_rows(const Model& model) {
    const auto [detector, twin] = tocsin_test::with_twin(
        new_window_detector(model, error_view::per_step, scored_steps::newest, 1), 1);
    check_every_way_continues(detector, twin);
}

using convolution = tocsin::conv1d<float>;
using activation = tocsin::activation_layer<float, tocsin::tanh_activation>;

} // namespace

TEST_SUITE("io") {

    TEST_CASE("stream file: models of rows continue with the same bits") {
        check_rows(tocsin::make_row_autoencoder<float>(2, sizes));
        check_rows(tocsin::make_variational_autoencoder<float>(2, sizes));
        check_rows(tocsin::make_bigan<float>(2, sizes));
    }

    TEST_CASE("stream file: a sequential of convolutions continues with the same bits") {
        const auto [detector, twin] =
            tocsin_test::with_twin(new_window_detector(tocsin::row_autoencoder(tocsin::sequential(
                                       convolution(2, 4, {.kernel = 3}), activation(4),
                                       convolution(4, 2, {.kernel = 3})))),
                                   8);
        check_every_way_continues(detector, twin);
    }

    // No file holds one, so its twin has learned the same by itself.
    TEST_CASE("stream file: a dynamic_sequential continues with the same bits") {
        const auto made = [] {
            return tocsin_test::learned(
                new_window_detector(tocsin::row_autoencoder(tocsin::dynamic_sequential<float>(
                    {convolution(2, 4, {.kernel = 3}), activation(4),
                     convolution(4, 2, {.kernel = 3})}))),
                8, tocsin_test::quick_trainer());
        };
        const auto detector = made();
        const auto twin = made();
        REQUIRE(twin.identity() == detector.identity());
        check_every_way_continues(detector, twin);
    }
}
