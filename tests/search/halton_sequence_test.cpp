#include "tocsin/core/random.hpp"
#include "tocsin/search/halton_sequence.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

/// The largest difference between the share of points in [0, x) and x, over some boxes of two axes.
double discrepancy(const std::vector<std::vector<double>>& points, std::size_t a, std::size_t b) {
    double largest = 0;
    for (int i = 1; i <= 16; ++i) {
        for (int j = 1; j <= 16; ++j) {
            const double x = i / 16.0;
            const double y = j / 16.0;
            const auto inside = std::count_if(points.begin(), points.end(), [&](const auto& point) {
                return point[a] < x && point[b] < y;
            });
            largest = std::max(
                largest,
                std::abs(static_cast<double>(inside) / static_cast<double>(points.size()) - x * y));
        }
    }
    return largest;
}

} // namespace

TEST_SUITE_BEGIN("search");

TEST_CASE("Halton sequence: fills planes more evenly than random points") {
    constexpr int dimension = 6;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        const tocsin::halton_sequence even(dimension, seed);
        tocsin::random_generator random(seed);
        std::vector<std::vector<double>> points(256, std::vector<double>(dimension));
        auto drawn = points;
        for (std::size_t k = 0; k < points.size(); ++k) {
            even.point(k, points[k]);
            std::generate(drawn[k].begin(), drawn[k].end(), [&] { return random.uniform(); });
        }
        double of_even = 0;
        double of_random = 0;
        for (std::size_t a = 0; a < dimension; ++a) {
            for (std::size_t b = 0; b < a; ++b) {
                of_even += discrepancy(points, a, b) / 15;
                of_random += discrepancy(drawn, a, b) / 15;
            }
        }
        CHECK(of_even < 0.5 * of_random);
    }
}

TEST_CASE("Halton sequence: the first points of a base fall one into each part") {
    const tocsin::halton_sequence even(3, 9);
    const std::uint64_t bases[] = {2, 3, 5};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const auto parts = static_cast<std::size_t>(bases[axis] * bases[axis]);
        std::vector<int> hits(parts, 0);
        std::vector<double> point(3);
        for (std::uint64_t k = 0; k < parts; ++k) {
            even.point(k, point);
            REQUIRE(point[axis] >= 0);
            REQUIRE(point[axis] < 1);
            ++hits[static_cast<std::size_t>(point[axis] * static_cast<double>(parts))];
        }
        CHECK(hits == std::vector<int>(parts, 1));
    }
}

TEST_CASE("Halton sequence: a seed says which points, and far points are in the cube, too") {
    std::vector<double> a(4);
    std::vector<double> b(4);
    tocsin::halton_sequence(4, 1).point(5, a);
    tocsin::halton_sequence(4, 1).point(5, b);
    CHECK(a == b);
    tocsin::halton_sequence(4, 2).point(5, b);
    CHECK(a != b);
    for (const std::uint64_t number : {~std::uint64_t{0}, std::uint64_t{1} << 60U}) {
        tocsin::halton_sequence(4, 1).point(number, a);
        CHECK(std::all_of(a.begin(), a.end(), [](double x) { return x >= 0 && x < 1; }));
    }
}

TEST_SUITE_END();
