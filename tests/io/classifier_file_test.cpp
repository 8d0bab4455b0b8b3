#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include <cstdint>
#include <string_view>
#include <vector>

using namespace tocsin;
using tocsin_test::temporary_directory;

namespace {

auto network(int features = 2, int filters = 4) {
    return fully_convolutional_classifier<float>(
        features, 1, {.filters = {filters, 4, 4}, .kernels = {3, 3, 3}});
}
using detector_type = classifier_detector<decltype(network())>;

bool says(const status& outcome, std::string_view part) {
    return !outcome.ok() &&
           std::string_view(outcome.message()).find(part) != std::string_view::npos;
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE(
        "classifier_detector: what is loaded says the same bits; another network is refused") {
        const temporary_directory directory;
        random_generator random(1);
        matrix<float> values(2, 120);
        std::vector<std::uint8_t> labels(120, 0);
        for (index_t t = 0; t < 120; ++t) {
            labels[static_cast<std::size_t>(t)] = t % 30 >= 25 ? 1 : 0;
            values(0, t) = static_cast<float>(random.normal());
            values(1, t) = static_cast<float>(random.normal() + (t % 30 >= 25 ? 4 : 0));
        }
        const matrix_view<const float> view(values.data(), 2, 120);
        detector_type detector(network(), {.window = 8, .label = window_label::last_row});
        classifier_trainer<> trainer;
        trainer.epochs = 3;
        REQUIRE(detector.train(view, labels, view, labels, trainer).ok());
        REQUIRE(detector.set_threshold(0.3).ok());
        const auto file = directory / "classifier.safetensors";
        REQUIRE(save_detector(detector, file).ok());

        const auto loaded = load_detector(file, detector_type(network()));
        REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
        CHECK(loaded->settings().window == 8);
        CHECK(loaded->settings().label == window_label::last_row);
        CHECK(loaded->threshold() == 0.3);
        auto one = detector.make_stream();
        auto other = loaded->make_stream();
        for (index_t t = 0; t < 120; ++t) {
            const std::span<const float> sample(values.data() + 2 * t, 2);
            CHECK(detector.push(one, sample).score == loaded->push(other, sample).score);
        }

        CHECK(says(load_detector(file, detector_type(network(2, 5))).error(), "shape"));
        CHECK(says(load_detector(file, detector_type(network(3))).error(), "features"));

        // Before training there is only the shape.
        REQUIRE(save_detector(detector_type(network(), {.window = 9}), file).ok());
        const auto fresh = load_detector(file, detector_type(network()));
        REQUIRE(fresh.ok());
        CHECK(!fresh->trained());
        CHECK(fresh->settings().window == 9);
    }
}
