#include "tocsin/metrics/roc.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace {

// numpy default_rng(5), rounded so that scores tie; areas from scikit-learn 1.9 roc_auc_score and
// average_precision_score.
const std::vector<double> tied_scores{-0.8, -0.5, -0.2, 1.2, 1.1, 0.1,  0.2,  -0.8, 0.7, 2.4,
                                      0.3,  -0.4, -1.0, 1.6, 1.0, -0.9, -0.1, -0.4, 0.2, -0.5};
const std::vector<std::uint8_t> tied_labels{0, 1, 0, 1, 0, 0, 1, 0, 0, 1,
                                            0, 1, 0, 0, 1, 1, 0, 1, 1, 0};

} // namespace

TEST_SUITE("metrics") {

    TEST_CASE("roc: areas equal scikit-learn's with ties") {
        const auto roc = tocsin::auc_roc(tied_scores, tied_labels);
        REQUIRE(roc.has_value());
        CHECK(*roc == doctest::Approx(0.5707070707070707).epsilon(1e-14));
        const auto precision = tocsin::average_precision(tied_scores, tied_labels);
        REQUIRE(precision.has_value());
        CHECK(*precision == doctest::Approx(0.5946068875893438).epsilon(1e-14));
    }

    TEST_CASE("roc: areas of four scores computed by hand") {
        const std::vector<double> scores{0.1, 0.4, 0.35, 0.8};
        const std::vector<std::uint8_t> labels{0, 0, 1, 1};
        CHECK(*tocsin::auc_roc(scores, labels) == 0.75); // three of four pairs are in order
        CHECK(*tocsin::average_precision(scores, labels) ==
              doctest::Approx(0.5 * 1 + 0.5 * 2 / 3).epsilon(1e-15));
    }

    TEST_CASE("roc: the area equals the share of ordered pairs") {
        double wins = 0;
        double pairs = 0;
        for (std::size_t a = 0; a < tied_scores.size(); ++a) {
            for (std::size_t n = 0; n < tied_scores.size(); ++n) {
                if (tied_labels[a] == 1 && tied_labels[n] == 0) {
                    pairs += 1;
                    wins += tied_scores[a] > tied_scores[n]    ? 1
                            : tied_scores[a] == tied_scores[n] ? 0.5
                                                               : 0;
                }
            }
        }
        CHECK(*tocsin::auc_roc(tied_scores, tied_labels) ==
              doctest::Approx(wins / pairs).epsilon(1e-15));
    }

    TEST_CASE("roc: perfect, reversed and constant scores give one, zero and one half") {
        const std::vector<std::uint8_t> labels{0, 0, 1};
        const double infinity = std::numeric_limits<double>::infinity();
        CHECK(*tocsin::auc_roc(std::vector<double>{1, 2, infinity}, labels) == 1);
        CHECK(*tocsin::auc_roc(std::vector<double>{1, 2, -infinity}, labels) == 0);
        CHECK(*tocsin::auc_roc(std::vector<double>{4, 4, 4}, labels) == 0.5);
        CHECK(*tocsin::average_precision(std::vector<double>{1, 2, infinity}, labels) == 1);
        CHECK(*tocsin::average_precision(std::vector<double>{4, 4, 4}, labels) ==
              doctest::Approx(1.0 / 3));
        CHECK(*tocsin::average_precision(std::vector<double>{1, 2},
                                         std::vector<std::uint8_t>{1, 1}) == 1);
    }

    TEST_CASE("roc: a missing class, NaN or a wrong number of labels is refused") {
        const std::vector<double> scores{1, 2};
        const std::vector<std::uint8_t> normal{0, 0};
        const std::vector<std::uint8_t> anomalous{1, 1};
        CHECK(tocsin::auc_roc(scores, normal).error().code() == tocsin::error_code::invalid_data);
        CHECK(tocsin::auc_roc(scores, anomalous).error().code() ==
              tocsin::error_code::invalid_data);
        CHECK(std::string_view{tocsin::auc_roc(scores, normal).error().message()} ==
              "auc_roc: both classes are needed, got 0 anomalous and 2 normal scores");
        CHECK(tocsin::auc_roc({}, {}).error().code() == tocsin::error_code::invalid_data);
        CHECK(tocsin::auc_roc(scores, {}).error().code() == tocsin::error_code::invalid_argument);
        const std::vector<double> broken{1, std::numeric_limits<double>::quiet_NaN()};
        const std::vector<std::uint8_t> both{0, 1};
        CHECK(std::string_view{tocsin::auc_roc(broken, both).error().message()} ==
              "auc_roc: score 1 is NaN");
        CHECK(tocsin::average_precision(broken, both).error().code() ==
              tocsin::error_code::invalid_data);
        CHECK(std::string_view{tocsin::average_precision(scores, normal).error().message()} ==
              "average_precision: none of the 2 scores is anomalous");
        CHECK(tocsin::average_precision({}, {}).error().code() == tocsin::error_code::invalid_data);
    }
}
