#include "tocsin/series/labelled_windows.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

using namespace tocsin;

TEST_SUITE("series") {

    TEST_CASE("classes_of_windows: any row, the last row, the row after") {
        const matrix<float> values = matrix<float>::Zero(1, 8);
        const std::vector<std::uint8_t> labels{0, 0, 1, 0, 0, 0, 0, 1};
        const auto sliding = make_windows(values, 3).value();
        using classes = std::vector<int>;
        CHECK(classes_of_windows(sliding, labels).value() == classes{1, 1, 1, 0, 0, 1});
        CHECK(classes_of_windows(sliding, labels, window_label::last_row).value() ==
              classes{1, 0, 0, 0, 0, 1});
        const windows<float> followed({values.data(), 1, 8}, {0, 1, 2, 3, 4}, 3);
        CHECK(classes_of_windows(followed, labels, window_label::next_row).value() ==
              classes{0, 0, 0, 0, 1});
        CHECK(std::string_view(
                  classes_of_windows(sliding, labels, window_label::next_row).error().message())
                  .find("window 5 ends with row 7, the last one") != std::string_view::npos);
        const std::vector<std::uint8_t> few(3);
        CHECK(std::string_view(classes_of_windows(sliding, few).error().message())
                  .find("3 labels for 8 samples") != std::string_view::npos);
    }

    TEST_CASE("fill_label_gaps: short gaps between positives close, ends and long gaps stay") {
        std::vector<std::uint8_t> labels{0, 1, 0, 0, 1, 0, 0, 0, 1, 0};
        fill_label_gaps(labels, 2);
        CHECK(labels == std::vector<std::uint8_t>{0, 1, 1, 1, 1, 0, 0, 0, 1, 0});
        std::vector<std::uint8_t> none;
        fill_label_gaps(none, 5);
        CHECK(none.empty());
    }

    TEST_CASE("balanced_class_weights: each class weighs the same") {
        const std::vector<int> classes{0, 0, 0, 1};
        CHECK(balanced_class_weights(classes, 2) == std::vector<double>{4.0 / 6, 2});
        CHECK(balanced_class_weights(classes, 3)[2] == 0);
    }

    TEST_CASE("labelled_windows: wrong counts, classes and weights are named") {
        const matrix<float> values = matrix<float>::Zero(1, 4);
        labelled_windows<float> labelled{make_windows(values, 2).value(), {0, 1, 1}, {}};
        CHECK(labelled.check(2).ok());
        CHECK(!labelled.check(1).ok());
        labelled.weights = {1, 1};
        CHECK(!labelled.check(2).ok());
        labelled.weights = {1, 1, std::numeric_limits<double>::quiet_NaN()};
        CHECK(!labelled.check(2).ok());
        labelled.weights.clear();
        labelled.classes[2] = -1;
        CHECK(std::string_view(labelled.check(2).message()).find("window 2 has class -1") !=
              std::string_view::npos);
    }
}
