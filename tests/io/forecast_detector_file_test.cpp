#include "tocsin/detect/forecast_detector.hpp"
#include "tocsin/io/detector_file.hpp"

#include <doctest/doctest.h>

#include "temporary_directory.hpp"
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace {

using model = tocsin::forecaster<float>;
using watchdog = tocsin::forecast_detector<model>;

tocsin::matrix<float> waves() {
    tocsin::matrix<float> values(2, 200);
    for (int t = 0; t < 200; ++t) {
        values(0, t) = static_cast<float>(std::sin(0.3 * t));
        values(1, t) = static_cast<float>(std::cos(0.17 * t));
    }
    return values;
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE(
        "detector_file: a forecast detector scores the same bits after loading, in every phase") {
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "watch.safetensors";
        const auto values = waves();
        const auto windows = tocsin::make_windows(values, 50, 10);
        watchdog watch(model::with_layers(2, 1, {6, 4}, 3), {.warm_up = 4, .longest_pause = 60});
        tocsin::trainer<> how;
        how.epochs = 2;
        for (int phase = 0; phase <= 3; ++phase) {
            REQUIRE((phase != 1 || watch.train(*windows, {}, how).ok()));
            REQUIRE((phase != 2 || watch.fit_errors(*windows).ok()));
            REQUIRE((phase != 3 || watch.tune(*windows).ok()));
            REQUIRE(tocsin::save_detector(watch, path).ok());
            auto loaded = tocsin::load_detector<watchdog>(path);
            REQUIRE(loaded);
            CHECK(loaded->phase() == watch.phase());
            CHECK(loaded->threshold() == watch.threshold());
            CHECK(loaded->settings().warm_up == 4);
            CHECK(loaded->settings().longest_pause == 60);
            watch.restart_stream();
            for (int t = 0; t < 50; ++t) {
                const std::span<const float> sample(values.col(t).data(), 2);
                const auto ours = watch.push(sample);
                const auto theirs = loaded->push(sample);
                CHECK(theirs.kind == ours.kind);
                CHECK(theirs.score == ours.score);
            }
        }
    }

    TEST_CASE("detector_file: what a detector has learned of its errors on the stream is saved") {
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "watch.safetensors";
        const auto values = waves();
        const auto windows = tocsin::make_windows(values, 50, 10);
        watchdog watch(model::with_layers(2, 1, {6}, 3), {.warm_up = 4});
        tocsin::trainer<> how;
        how.epochs = 2;
        REQUIRE(watch.train(*windows, {}, how).ok());
        REQUIRE(watch.fit_errors(*windows).ok());
        REQUIRE(watch.tune(*windows).ok());
        const tocsin::matrix<double> before = watch.statistic().covariance();
        REQUIRE(watch.enable_learning(20).ok());
        for (int t = 0; t < 50; ++t) {
            const float sample[] = {0.5F * values(0, t), values(1, t)};
            watch.push(sample);
            watch.learn();
        }
        CHECK(watch.statistic().covariance() != before);
        REQUIRE(tocsin::save_detector(watch, path).ok());
        auto loaded = tocsin::load_detector<watchdog>(path);
        REQUIRE(loaded);
        watch.restart_stream();
        REQUIRE(watch.enable_learning(20).ok());
        REQUIRE(loaded->enable_learning(20).ok());
        for (int t = 0; t < 50; ++t) {
            const std::span<const float> sample(values.col(t).data(), 2);
            const auto ours = watch.push(sample);
            const auto theirs = loaded->push(sample);
            CHECK(theirs.score == ours.score);
            CHECK(std::equal(theirs.shares.begin(), theirs.shares.end(), ours.shares.begin(),
                             ours.shares.end()));
            watch.learn();
            loaded->learn();
        }
    }

    TEST_CASE("detector_file: a forecast detector is not loaded as another detector") {
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "watch.safetensors";
        const watchdog watch(model::with_layers(2, 1, {6}, 3));
        REQUIRE(tocsin::save_detector(watch, path).ok());
        CHECK(tocsin::load_detector<watchdog>(path));
        CHECK_FALSE(
            (tocsin::load_detector<tocsin::forecast_detector<tocsin::forecaster<double>>>(path)));
        using fixed = tocsin::forecaster<float, tocsin::lstm_stack<float, 2, 7>,
                                         tocsin::dense_head<float, 7, 3>>;
        CHECK_FALSE((tocsin::load_detector<tocsin::forecast_detector<fixed>>(path)));
    }
}
