#include "tocsin/detect/detector.hpp"
#include "tocsin/search/detection_error.hpp"
#include "tocsin/search/search.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <string>

using tocsin::running_trial;
using tocsin::search_space;

namespace {

using forecasting = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                     tocsin::mahalanobis<>, tocsin::alarm_rate>;
using reconstructing =
    tocsin::detector<tocsin::encoder_decoder<float>, tocsin::standard_scaler<float>,
                     tocsin::mahalanobis<>, tocsin::alarm_rate>;

/// Four recordings, and windows of each.
struct four_parts {
    tocsin::matrix<float> values[4];
    explicit four_parts() {
        for (std::size_t k = 0; k < 4; ++k) {
            values[k] = tocsin_test::slow_waves<float>(600, k + 1);
        }
    }
    tocsin::detection_windows<float> windows(int calibration = 600, int tested = 40) const {
        return {tocsin_test::windows_over(values[0], 30, 10),
                tocsin_test::windows_over(values[1], 30, 30),
                tocsin_test::windows_over(values[2], calibration, 5),
                tocsin_test::windows_over(values[3], tested, tested)};
    }
};

search_space rates() {
    search_space space;
    space.add_log_real("learning rate", 1e-6, 0.1);
    return space;
}

tocsin::detection_settings one_alarm_in_500() {
    tocsin::detection_settings settings;
    settings.promise.per_rows = 500;
    return settings;
}

} // namespace

TEST_SUITE_BEGIN("search");

TEST_CASE("detection error: a detector that has learned misses fewer inserted anomalies") {
    const four_parts parts;
    const auto objective = tocsin::make_detection_error(
        parts.windows(),
        [](const running_trial& trial) {
            auto trainer = tocsin_test::quick_trainer(15);
            trainer.optimiser.learning_rate = trial.real("learning rate");
            return tocsin::trial_detector{forecasting(tocsin_test::small_forecaster()), trainer};
        },
        one_alarm_in_500());
    REQUIRE_MESSAGE(objective.has_value(), objective.error().message());
    const search_space space = rates();
    double errors[2] = {};
    for (const std::size_t k : {0U, 1U}) {
        running_trial trial(space, 0, {k == 0 ? 1e-6 : 0.02});
        const auto error = (*objective)(trial);
        REQUIRE_MESSAGE(error.has_value(), error.error().message());
        errors[k] = *error;
        CHECK(errors[k] >= 0);
        CHECK(errors[k] <= 2);
        CHECK(trial.end(error).reports.empty());
    }
    CHECK(errors[1] < errors[0]);
    CHECK(errors[1] < 0.4);
}

TEST_CASE("detection error: reports come every few epochs, of the same kind as the value") {
    const four_parts parts;
    auto settings = one_alarm_in_500();
    settings.report_every = 2;
    const auto make = [](const running_trial& trial) {
        auto trainer = tocsin_test::quick_trainer(5);
        trainer.optimiser.learning_rate = trial.real("learning rate");
        return tocsin::trial_detector{
            reconstructing(tocsin_test::small_lstm<float>(3, 4), {.window = 30}), trainer};
    };
    const auto objective = tocsin::make_detection_error(parts.windows(30, 30), make, settings);
    REQUIRE_MESSAGE(objective.has_value(), objective.error().message());
    const search_space space = rates();
    running_trial trial(space, 0, {0.02});
    const auto error = (*objective)(trial);
    REQUIRE_MESSAGE(error.has_value(), error.error().message());
    const auto kept = trial.end(error);
    REQUIRE(kept.reports.size() == 3);
    CHECK(kept.reports[0].resource == 2);
    CHECK(kept.reports[2].resource == 5);
    CHECK(kept.reports[2].value == kept.value);

    // Training in pieces is training in one go.
    settings.report_every = 0;
    const auto whole = tocsin::make_detection_error(parts.windows(30, 30), make, settings);
    running_trial other(space, 0, {0.02});
    CHECK(*(*whole)(other) == kept.value);
}

TEST_CASE("detection error: windows that the detector cannot judge are a failure of the trial") {
    const four_parts parts;
    const auto objective = tocsin::make_detection_error(
        parts.windows(30, 40),
        [](const running_trial&) {
            return tocsin::trial_detector{
                reconstructing(tocsin_test::small_lstm<float>(3, 4), {.window = 30}),
                tocsin_test::quick_trainer(1)};
        },
        one_alarm_in_500());
    REQUIRE(objective.has_value());
    const search_space space = rates();
    running_trial trial(space, 0, {0.02});
    const auto error = (*objective)(trial);
    REQUIRE_FALSE(error.has_value());
    CHECK(std::string(error.error().message()).find("40") != std::string::npos);
}

TEST_CASE("detection error: bad input is named before anything is trained") {
    const four_parts parts;
    const auto make = [](const running_trial&) {
        return tocsin::trial_detector{forecasting(tocsin_test::small_forecaster()),
                                      tocsin_test::quick_trainer(1)};
    };
    const auto message = [&](const tocsin::detection_windows<float>& data,
                             const tocsin::detection_settings& settings) {
        const auto made = tocsin::make_detection_error(data, make, settings);
        REQUIRE_FALSE(made.has_value());
        return std::string(made.error().message());
    };
    auto nothing = parts.windows();
    nothing.tested = {};
    CHECK(message(nothing, {}).find("no windows to be tested") != std::string::npos);
    tocsin::detection_settings settings;
    settings.report_every = -1;
    CHECK(message(parts.windows(), settings).find("report_every -1") != std::string::npos);
    settings = {};
    settings.promise.alarms = -2;
    CHECK(message(parts.windows(), settings).find("-2 alarms") != std::string::npos);
    settings = {};
    settings.anomalies.segments = 0;
    CHECK(message(parts.windows(), settings).find("segments 0") != std::string::npos);
}

TEST_SUITE_END();
