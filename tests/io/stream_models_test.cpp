#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/feed_forward.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/models/sequence_to_sequence.hpp"
#include "tocsin/training/least_squares.hpp"

#include <doctest/doctest.h>

#include "stream_checks.hpp"
#include "stream_detectors.hpp"
#include "support/small_detectors.hpp"
#include <optional>

// Streams of detectors with each kind of model of time series continue with the same bits; those of
// forecasters are in stream_file_test.cpp and stream_rules_test.cpp.

using tocsin::error_view;
using tocsin::learning_settings;
using tocsin::scored_steps;
using tocsin_test::check_continues;
using tocsin_test::check_every_way_continues;
using tocsin_test::new_window_detector;
using tocsin_test::with_twin;

namespace {

/// By each view and both ways to score a window: as it is, and with all that can learn.
template <class Model>
void check_every_view_continues(const Model& model) {
    for (const auto view : {error_view::per_step, error_view::per_feature}) {
        for (const auto scored : {scored_steps::all, scored_steps::newest}) {
            CAPTURE(static_cast<int>(view));
            CAPTURE(static_cast<int>(scored));
            const auto [detector, twin] = with_twin(new_window_detector(model, view, scored), 8);
            if (view == error_view::per_step && scored == scored_steps::newest) {
                check_every_way_continues(detector, twin);
                continue;
            }
            check_continues(detector, twin, std::nullopt, tocsin_test::compared);
            check_continues(detector, twin,
                            learning_settings{.half_life = tocsin_test::never,
                                              .model = tocsin_test::on_line_training},
                            tocsin_test::compared);
        }
    }
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("stream file: encoder-decoders continue with the same bits, by either view") {
        check_every_view_continues(tocsin_test::small_lstm<float>(2, 4));
    }

    TEST_CASE("stream file: autoencoders continue with the same bits, by either view") {
        check_every_view_continues(tocsin::autoencoder<float>{tocsin::lstm_stack<float>{{2, 4}},
                                                              tocsin::lstm_stack<float>{{4, 4}},
                                                              tocsin::dense_head<float>{{4, 2}}});
    }

    TEST_CASE("stream file: sequence-to-sequence models continue with the same bits") {
        const auto [detector, twin] =
            with_twin(new_window_detector(tocsin::make_sequence_to_sequence<float>(
                          2, {.encoder = 3, .decoder = 4})),
                      8);
        check_every_way_continues(detector, twin);
    }

    TEST_CASE("stream file: feed-forward networks continue with the same bits") {
        const auto [detector, twin] = with_twin(
            new_window_detector(tocsin::feed_forward<float>::with_layers(2, 2, 4, {6})), 8);
        check_every_way_continues(detector, twin);
    }

    TEST_CASE("stream file: linear forecasters continue with the same bits") {
        const auto [detector, twin] =
            with_twin(tocsin_test::watching<tocsin::linear_forecaster<float>>(
                          {2, 2, 3}, {.lost_after = 20, .clock_agreement = 2}, {},
                          tocsin::quantile_threshold(0.95), tocsin_test::two_of_three()),
                      60, tocsin::least_squares{});
        check_every_way_continues(detector, twin);
    }
}
