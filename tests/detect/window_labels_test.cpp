#include "tocsin/detect/window_labels.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using tocsin::scored_steps;
using tocsin::window_labels;
using labels = std::vector<std::uint8_t>;

TEST_SUITE("detect") {
    TEST_CASE("window labels: all steps count, or the newest alone") {
        const tocsin::matrix<float> values = tocsin::matrix<float>::Zero(2, 6);
        const auto windows = tocsin::make_windows(values, 3).value();
        const labels samples{0, 0, 7, 0, 0, 1}; // any nonzero value is anomalous
        CHECK(window_labels(windows, samples, scored_steps::all).value() == labels{1, 1, 1, 1});
        CHECK(window_labels(windows, samples, scored_steps::newest).value() == labels{1, 0, 0, 1});
        const labels one_late{0, 0, 0, 0, 0, 1};
        CHECK(window_labels(windows, one_late, scored_steps::all).value() == labels{0, 0, 0, 1});
    }

    TEST_CASE("window labels: follow stride, order and gaps of the windows") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 8);
        const tocsin::windows<double> windows({values.data(), 1, 8}, {5, 0, 2}, 2);
        const labels samples{0, 1, 0, 0, 1, 0, 1, 1};
        CHECK(window_labels(windows, samples, scored_steps::all).value() == labels{1, 1, 0});
        CHECK(window_labels(windows, samples, scored_steps::newest).value() == labels{1, 1, 0});
    }

    TEST_CASE("window labels: windows of one sample have its label") {
        const tocsin::matrix<float> values = tocsin::matrix<float>::Zero(1, 3);
        const auto windows = tocsin::make_windows(values, 1).value();
        for (const auto scored : {scored_steps::all, scored_steps::newest}) {
            CHECK(window_labels(windows, labels{0, 1, 0}, scored).value() == labels{0, 1, 0});
        }
    }

    TEST_CASE("window labels: another number of labels is refused with both numbers") {
        const tocsin::matrix<float> values = tocsin::matrix<float>::Zero(1, 5);
        const auto windows = tocsin::make_windows(values, 2).value();
        for (const labels& wrong : {labels{}, labels(4), labels(6)}) {
            const auto made = window_labels(windows, wrong, scored_steps::all);
            REQUIRE_FALSE(made.has_value());
            CHECK(made.error().code() == tocsin::error_code::invalid_argument);
            const std::string_view message = made.error().message();
            CHECK(message.find(std::to_string(wrong.size()) + " labels for 5 samples") !=
                  std::string_view::npos);
        }
    }

    TEST_CASE("window labels: no windows, no labels") {
        const tocsin::windows<float> none;
        CHECK(window_labels(none, labels{}, scored_steps::all).value().empty());
    }
}
