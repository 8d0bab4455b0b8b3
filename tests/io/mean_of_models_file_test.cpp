#include "tocsin/detect/detector.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/firmware_source.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/mean_of_models.hpp"

#include <doctest/doctest.h>

#include "stream_checks.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"

namespace {

using model = tocsin::mean_of_models<tocsin::forecaster<float>>;
using mean_detector = tocsin::detector<model>;

} // namespace

TEST_SUITE("io") {
    TEST_CASE("detector file: a mean of models and its streams continue with the same bits") {
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        mean_detector detector(model{tocsin_test::small_forecaster(), 3});
        const auto values = tocsin_test::slow_waves(600);
        const auto windows = tocsin_test::windows_over(values, 30, 10);
        const auto fitted =
            detector.fit(windows, tocsin_test::quick_trainer(2), tocsin::cross_fit{.folds = 3});
        REQUIRE_MESSAGE(fitted.ok(), fitted.message());
        REQUIRE(tocsin::save_detector(detector, path).ok());
        const auto loaded = tocsin::load_detector<mean_detector>(path);
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        CHECK(loaded->identity() == detector.identity());
        CHECK(loaded->model().members() == 3);
        const auto found = tocsin_test::continue_from_bytes(
            detector, *loaded,
            tocsin::learning_settings{.half_life = 200,
                                      .model =
                                          tocsin::online_training_settings{
                                              .every = 50, .steps = 24, .learning_rate = 1e-3}},
            300, 300);
        CHECK(found.different == 0);
        CHECK(found.scored > 100);

        const auto firmware = tocsin::make_firmware_model(detector);
        REQUIRE_FALSE(firmware.has_value());
        CHECK(tocsin_test::says(firmware.error(), "model 'mean_of_models' is not supported"));

        const auto single =
            tocsin::load_detector<tocsin::detector<tocsin::forecaster<float>>>(path);
        REQUIRE_FALSE(single.has_value());
        CHECK(tocsin_test::says(single.error(), "'mean_of_models', expected 'forecaster'"));
    }
}
