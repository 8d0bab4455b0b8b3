#include "tocsin/detect/detector.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/models/sequence_to_sequence.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <string_view>
#include <vector>

namespace {

using seq_detector = tocsin::detector<tocsin::sequence_to_sequence<float>>;

/// Scores of a recording, window by window and sample by sample.
std::vector<double> said_by(const seq_detector& detector, const tocsin::matrix<float>& values) {
    auto all = tocsin_test::all_scores(detector, tocsin_test::windows_over(values, 5));
    auto stream = detector.make_stream();
    for (tocsin::index_t t = 0; t < values.cols(); ++t) {
        all.push_back(detector.push(stream, values.col(t)).score);
    }
    return all;
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("sequence_to_sequence: a detector is saved and loaded with the same bits, and is not "
              "taken for an encoder_decoder") {
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = tocsin_test::waves<float>(2, 120, 1);
        const auto windows = tocsin_test::windows_over(values, 5);
        seq_detector detector(
            tocsin::make_sequence_to_sequence<float>(2, {.encoder = 3, .decoder = 4}),
            tocsin::detector_settings{.window = 5});
        tocsin_test::run_all_phases(detector, windows);
        REQUIRE(tocsin::save_detector(detector, path).ok());

        const auto loaded = tocsin::load_detector<seq_detector>(path);
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        CHECK(loaded->model().encoder().hidden_size() == 3);
        CHECK(loaded->model().has_bridge());
        CHECK(tocsin_test::same_bits(said_by(*loaded, values), said_by(detector, values)));

        const auto other =
            tocsin::load_detector<tocsin::detector<tocsin::encoder_decoder<float>>>(path);
        REQUIRE_FALSE(other.has_value());
        CHECK(
            tocsin_test::says(other.error(), "'sequence_to_sequence', expected 'encoder_decoder'"));
    }
}
