#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

#include "labelled_recording.hpp"
#include "support/allocation_counter.hpp"
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

using namespace tocsin;

namespace {

using tocsin_test::recording;
using tocsin_test::small_network;

using detector_type = classifier_detector<decltype(small_network())>;

detector_type trained_detector() {
    const recording training(600, 1);
    const recording validation(300, 2);
    detector_type detector(small_network(), {.window = 10, .stride = 2});
    classifier_trainer<> trainer;
    trainer.epochs = 12;
    trainer.optimiser.learning_rate = 0.01;
    const status done = detector.train(training.view(), training.labels, validation.view(),
                                       validation.labels, trainer);
    CAPTURE(done.message());
    REQUIRE(done.ok());
    return detector;
}

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("classifier_detector: finds events in a stream, says which sensor, and streams as it "
              "scores recordings") {
        auto detector = trained_detector();
        const recording validation(300, 2);
        REQUIRE(detector.tune(validation.view(), validation.labels, f_beta_threshold(1)).ok());
        CHECK(detector.threshold() > 0);
        CHECK(detector.threshold() < 1);

        recording test(400, 3);
        test.values(0, 120) = std::numeric_limits<float>::quiet_NaN();
        test.values.col(200).setConstant(std::numeric_limits<float>::quiet_NaN());
        test.values(2, 201) = std::numeric_limits<float>::infinity();
        const auto expected = detector.probabilities(test.view()).value();
        auto stream = detector.make_stream();
        double shares[3] = {};
        int right = 0;
        int judged = 0;
        for (index_t t = 0; t < 400; ++t) {
            const verdict said = detector.push(stream, test.sample(t));
            const double p = expected[static_cast<std::size_t>(t)];
            CHECK(said.scored() == !std::isnan(p));
            CHECK(said.threshold == detector.threshold());
            if (t < 9) {
                CHECK(said.kind == verdict_kind::warming_up);
            }
            if (!said.scored()) {
                continue;
            }
            CHECK(said.score == doctest::Approx(p).epsilon(1e-4));
            // A window of 10 rows touches the event of rows 40 to 49 from 40 until 58.
            const bool anomalous = t >= 40 && (t % 50 >= 40 || t % 50 <= 8);
            right += said.is_anomaly() == anomalous ? 1 : 0;
            ++judged;
            if (t % 50 == 49) {
                detector.explain(stream, shares);
                CHECK(shares[1] > 0.5);
                CHECK(shares[0] + shares[1] + shares[2] == doctest::Approx(1));
            }
            if (t == 120) {
                CHECK(said.missing == 1);
            }
        }
        CHECK(judged == 390);
        CHECK(right > 370);
    }

    TEST_CASE("classifier_detector: a push allocates nothing, neither does an explanation") {
        const auto detector = trained_detector();
        const recording test(30, 4);
        auto stream = detector.make_stream();
        double shares[3] = {};
        verdict last;
        CHECK(tocsin_test::allocations_during([&] {
                  for (index_t t = 0; t < 30; ++t) {
                      last = detector.push(stream, test.sample(t));
                  }
                  detector.explain(stream, shares);
              }) == 0);
        CHECK(last.scored());
        int* volatile kept = nullptr;
        CHECK(tocsin_test::allocations_during([&] { kept = new int(3); }) == 1);
        delete kept;
    }

    TEST_CASE("classifier_detector: samples that cannot be judged say why") {
        const auto detector = trained_detector();
        auto stream = detector.make_stream();
        const float nan = std::numeric_limits<float>::quiet_NaN();
        const float short_sample[2] = {1, 2};
        CHECK(detector.push(stream, short_sample).reason == sample_reason::wrong_size);
        const float missing[3] = {nan, nan, nan};
        CHECK(detector.push(stream, missing).reason == sample_reason::missing_value);
        const float infinite[3] = {nan, std::numeric_limits<float>::infinity(), nan};
        CHECK(detector.push(stream, infinite).reason == sample_reason::not_finite);
        double shares[3] = {1, 1, 1};
        detector.explain(stream, shares);
        CHECK(shares[1] == 0);

        const detector_type fresh(small_network(), {.window = 10});
        auto other = fresh.make_stream();
        CHECK(fresh.push(other, missing).kind == verdict_kind::not_ready);
        CHECK(!fresh.probabilities(recording(20, 1).view()).ok());
    }

    TEST_CASE("classifier_detector: a huge reading counts as the largest that can be read") {
        const auto detector = trained_detector();
        auto stream = detector.make_stream();
        const recording live(60, 4);
        matrix<float> values = live.values;
        values(1, 30) = 3e38F;
        const auto expected =
            detector.probabilities({values.data(), values.rows(), values.cols()}).value();
        for (index_t t = 0; t < 60; ++t) {
            const auto found =
                detector.push(stream, std::span<const float>(values.col(t).data(), 3));
            if (found.scored()) {
                CHECK(std::isfinite(found.score));
                CHECK(found.score ==
                      doctest::Approx(expected[static_cast<std::size_t>(t)]).epsilon(1e-5));
            }
        }
    }

    TEST_CASE("classifier_detector: weights that were trained elsewhere") {
        const auto trained = trained_detector();
        detector_type other(small_network(), {.window = 10, .stride = 2});
        REQUIRE(other.set_weights(trained.parameters(), trained.data_scaler()).ok());
        CHECK(other.trained());
        REQUIRE(other.set_threshold(trained.threshold()).ok());
        CHECK(other.identity() == trained.identity());
        const recording live(40, 4);
        CHECK(other.probabilities(live.view()).value()[30] ==
              trained.probabilities(live.view()).value()[30]);
        const auto few = trained.parameters().first(3);
        CHECK(other.set_weights(few, trained.data_scaler()).code() == error_code::invalid_argument);
        std::vector<float> wrong(trained.parameters().begin(), trained.parameters().end());
        wrong.back() = std::numeric_limits<float>::quiet_NaN();
        CHECK(other.set_weights(wrong, trained.data_scaler()).code() ==
              error_code::invalid_argument);
        CHECK(other.set_weights(trained.parameters(), robust_scaler<float>{}).code() ==
              error_code::invalid_argument);
        CHECK(other.identity() == trained.identity()); // nothing has changed
    }

    TEST_CASE("classifier_detector: a stream or shares of other sizes are left alone") {
        const auto detector = trained_detector();
        const auto sample = recording(1, 1);
        auto shorter = detector_type(small_network(), {.window = 5}).make_stream();
        detector_type::stream_type empty;
        for (auto* const stream : {&shorter, &empty}) {
            for (int t = 0; t < 12; ++t) {
                CHECK(detector.push(*stream, sample.sample(0)).kind == verdict_kind::not_ready);
            }
            CHECK(stream->position() == 0);
            double shares[3] = {1, 1, 1};
            detector.explain(*stream, shares);
            CHECK(shares[0] == 0);
        }
        auto stream = detector.make_stream();
        const float short_sample[2] = {1, 2};
        static_cast<void>(detector.push(stream, short_sample));
        CHECK(stream.position() == 1); // counted, though it cannot be judged
    }

    TEST_CASE("classifier_detector: wrong input is named") {
        const recording data(40, 1);
        detector_type detector(small_network(), {.window = 50});
        classifier_trainer<> trainer;
        const auto train = [&](std::span<const std::uint8_t> labels) {
            return detector.train(data.view(), labels, data.view(), labels, trainer);
        };
        const auto says = [](const status& outcome, std::string_view part) {
            return !outcome.ok() &&
                   std::string_view(outcome.message()).find(part) != std::string_view::npos;
        };
        CHECK(says(train(data.labels), "no window of 50 samples in 40 samples of 1 recordings"));
        CHECK(!detector.trained());
        detector = detector_type(small_network(), {.window = 10});
        CHECK(says(train(std::span<const std::uint8_t>(data.labels).first(5)), "5 labels"));
        CHECK(says(detector.set_threshold(1.5), "1.5"));
        CHECK(says(detector.set_threshold(std::numeric_limits<double>::quiet_NaN()), "nan"));
        const matrix<float> two = matrix<float>::Zero(2, 40);
        CHECK(
            says(detector.train({two.data(), 2, 40}, data.labels, {two.data(), 2, 0}, {}, trainer),
                 "2 features, the network has 3"));
        CHECK(
            says(detector.train({data.values.data(), 3, 0}, {}, data.view(), data.labels, trainer),
                 "there are no samples"));
        std::vector<std::uint8_t> both(40, 0);
        both[20] = 1;
        CHECK(says(detector.train(data.view(), both, {data.values.data(), 3, 0}, {}, trainer),
                   "best_by = classification_metric::training_loss"));
        const std::vector<std::uint8_t> normal(40, 0);
        const std::vector<std::uint8_t> anomalous(40, 1);
        CHECK(says(train(normal), "windows to learn from are normal; both kinds are needed"));
        CHECK(says(train(anomalous), "windows to learn from are anomalous"));
        CHECK(!detector.trained());
    }
}
