#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "streams.hpp"
#include <cmath>
#include <vector>

namespace {

std::vector<double> noisy_wave(std::size_t rows) {
    tocsin::random_generator random(5);
    std::vector<double> values;
    for (std::size_t t = 0; t < rows; ++t) {
        values.push_back(std::sin(0.2 * double(t)) + 0.1 * random.normal());
    }
    return values;
}

evaluate::stream_task task_of(const std::vector<double>& values) {
    return {values, 150, 50, 3, 2};
}

} // namespace

TEST_SUITE("evaluate") {
    TEST_CASE("streams: the score of a row does not depend on later rows") {
        const auto values = noisy_wave(700);
        auto other = values;
        for (std::size_t t = 500; t < other.size(); ++t) {
            other[t] = 100 - other[t] * other[t];
        }
        for (const auto& method : evaluate::stream_methods()) {
            INFO(method.name);
            const auto a = method.errors(task_of(values)).value();
            const auto b = method.errors(task_of(other)).value();
            const auto scored_a =
                evaluate::new_heights(evaluate::surprises(a, task_of(values)), 50);
            const auto scored_b = evaluate::new_heights(evaluate::surprises(b, task_of(other)), 50);
            REQUIRE(a.size() == values.size());
            bool equal = true;
            double sum = 0;
            for (std::size_t t = 0; t < 500; ++t) {
                equal = equal && a[t] == b[t] && scored_a[t] == scored_b[t];
                sum += scored_a[t];
            }
            CHECK(equal);
            CHECK(sum > 0); // there is something to compare
            CHECK(a[600] != b[600]);
        }
    }

    TEST_CASE("streams: a jump is the greatest surprise, for every method") {
        auto values = noisy_wave(700);
        for (std::size_t t = 450; t < 460; ++t) {
            values[t] += 8;
        }
        for (const auto& method : evaluate::stream_methods()) {
            INFO(method.name);
            const auto task = task_of(values);
            const auto scores = evaluate::surprises(method.errors(task).value(), task);
            std::size_t highest = 0;
            for (std::size_t t = 0; t < scores.size(); ++t) {
                highest = scores[t] > scores[highest] ? t : highest;
            }
            CHECK(highest >= 450);
            CHECK(highest <= 460);
            CHECK(scores[highest] > 3);
        }
    }

    TEST_CASE("streams: only new maxima of scores are kept") {
        const std::vector<double> scores{1, 3, 2, 3, 4, 0, 1, 2, 2, 5};
        const std::vector<double> expected{1, 3, 0, 0, 4, 0, 0, 2, 0, 5};
        CHECK(evaluate::new_heights(scores, 2) == expected);
    }

    TEST_CASE("streams: a constant stream is scored without a division by zero") {
        std::vector<double> values(600, 4.0);
        values[500] = 5;
        const auto task = task_of(values);
        for (const auto& method : evaluate::stream_methods()) {
            INFO(method.name);
            const auto scores = evaluate::surprises(method.errors(task).value(), task);
            for (const double score : scores) {
                CHECK(std::isfinite(score));
            }
            CHECK(scores[500] > 10);
        }
    }
}
