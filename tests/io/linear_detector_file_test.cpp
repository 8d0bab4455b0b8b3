#include "tocsin/detect/detector.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/training/least_squares.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <string>

namespace {

using linear_detector = tocsin::detector<tocsin::linear_forecaster<float>>;
template <int Order>
using fixed_detector = tocsin::detector<tocsin::linear_forecaster<float, 3, 2, Order>>;

} // namespace

TEST_SUITE("io") {
    TEST_CASE("detector file: a linear forecaster scores the same bits after loading") {
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = tocsin_test::slow_waves(600);
        const auto windows = tocsin_test::windows_over(values, 60, 10);
        linear_detector detector{{3, 2, 4}};
        for (int phase = 0; phase <= 3; ++phase) {
            CAPTURE(phase);
            REQUIRE((phase != 1 || detector.train(windows, {}, tocsin::least_squares{}).ok()));
            REQUIRE((phase != 2 || detector.fit_errors(windows).ok()));
            REQUIRE((phase != 3 || detector.tune(windows).ok()));
            REQUIRE(tocsin::save_detector(detector, path).ok());
            const auto loaded = tocsin::load_detector<linear_detector>(path);
            REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
            CHECK(loaded->phase() == detector.phase());
            CHECK(loaded->identity() == detector.identity());
            CHECK(loaded->model().order() == 4);
            auto ours = detector.make_stream();
            auto theirs = loaded->make_stream();
            CHECK(tocsin_test::same_verdicts(tocsin_test::push_each(detector, ours, values),
                                             tocsin_test::push_each(*loaded, theirs, values)));
        }
        const auto fixed = tocsin::load_detector<fixed_detector<4>>(path);
        REQUIRE_MESSAGE(fixed.has_value(), fixed.error().message());
        CHECK(fixed->threshold() == detector.threshold());
        const auto longer = tocsin::load_detector<fixed_detector<5>>(path);
        REQUIRE_FALSE(longer.has_value());
        CHECK(std::string(longer.error().message())
                  .find("'detector.model.order' is '4', expected '5'") != std::string::npos);
        CHECK_FALSE(
            tocsin::load_detector<tocsin::detector<tocsin::forecaster<float>>>(path).has_value());
    }
}
