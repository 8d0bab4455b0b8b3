#include "tocsin/core/random.hpp"
#include "tocsin/search/gaussian_process.hpp"
#include "tocsin/search/kernel_fit.hpp"

#include <doctest/doctest.h>

#include "support/reference_values.hpp"
#include <cmath>
#include <limits>
#include <string>
#include <vector>

using tocsin::column;
using tocsin::gaussian_process;
using tocsin::index_t;
using tocsin::matern_kernel;
using tocsin::matrix;

namespace {

column<double> vector_of(const std::vector<double>& values) {
    return Eigen::Map<const column<double>>(values.data(), static_cast<index_t>(values.size()));
}
matrix<double> points_of(const std::vector<double>& values, index_t coordinates) {
    return Eigen::Map<const matrix<double>>(values.data(), coordinates,
                                            static_cast<index_t>(values.size()) / coordinates);
}

/// `[3 x n]` in the unit cube with a smooth function of the first two.
struct samples {
    matrix<double> points;
    column<double> values;
    explicit samples(index_t count, double noise = 0, std::uint64_t seed = 4)
        : points(3, count), values(count) {
        tocsin::random_generator random(seed);
        for (index_t k = 0; k < count; ++k) {
            for (double& coordinate : points.col(k)) {
                coordinate = random.uniform();
            }
            values[k] = std::sin(6 * points(0, k)) + points(1, k) + noise * random.normal();
        }
        values.array() -= values.mean();
        values /= std::sqrt(values.squaredNorm() / static_cast<double>(count));
    }
};

gaussian_process process_of(const samples& from, const matern_kernel& kernel) {
    auto made = gaussian_process::make(from.points, from.values, kernel);
    REQUIRE_MESSAGE(made.has_value(), made.error().message());
    return *std::move(made);
}

} // namespace

TEST_SUITE_BEGIN("search");

TEST_CASE("Gaussian process: mean, deviation and likelihood equal scikit-learn's") {
    const tocsin_test::reference_values reference("gaussian_process");
    const matern_kernel kernel{reference.number("variance"), vector_of(reference["lengths"]),
                               reference.number("noise")};
    const auto made = gaussian_process::make(points_of(reference["points"], 3),
                                             vector_of(reference["values"]), kernel);
    REQUIRE_MESSAGE(made.has_value(), made.error().message());
    const matrix<double> asked = points_of(reference["asked"], 3);
    for (index_t k = 0; k < asked.cols(); ++k) {
        const auto at = static_cast<std::size_t>(k);
        const auto found = made->predict(asked.col(k));
        CHECK(found.mean == doctest::Approx(reference["mean"][at]).epsilon(1e-9));
        CHECK(std::sqrt(found.deviation * found.deviation + kernel.noise) ==
              doctest::Approx(reference["deviation_with_noise"][at]).epsilon(1e-9));
    }
    CHECK(made->log_likelihood() ==
          doctest::Approx(reference.number("log_likelihood")).epsilon(1e-10));
    const column<double> slopes = made->log_likelihood_slopes();
    CHECK((slopes - vector_of(reference["log_likelihood_slopes"])).norm() < 1e-8);
}

TEST_CASE("Gaussian process: slopes of the likelihood match finite differences") {
    const samples from(15, 0.1);
    for (const auto& owners : {std::vector<int>{}, std::vector<int>{0, 1, 1}}) {
        const index_t lengths = owners.empty() ? 3 : 2;
        const auto kernel_of = [&](const column<double>& logs) {
            return matern_kernel{std::exp(logs[0]), logs.segment(1, lengths).array().exp(),
                                 std::exp(logs[lengths + 1]), owners};
        };
        column<double> logs = column<double>::LinSpaced(lengths + 2, 0.3, -2);
        const column<double> slopes = process_of(from, kernel_of(logs)).log_likelihood_slopes();
        for (index_t k = 0; k < logs.size(); ++k) {
            constexpr double step = 1e-5;
            column<double> up = logs;
            column<double> down = logs;
            up[k] += step;
            down[k] -= step;
            const double difference = process_of(from, kernel_of(up)).log_likelihood() -
                                      process_of(from, kernel_of(down)).log_likelihood();
            CHECK(slopes[k] == doctest::Approx(difference / (2 * step)).epsilon(1e-6));
        }
    }
}

TEST_CASE("Gaussian process: slopes of mean and deviation match finite differences") {
    const samples from(12);
    const auto process = process_of(from, {1.3, column<double>{{0.4, 0.9, 2.0}}, 1e-3});
    const column<double> point{{0.21, 0.77, 0.4}};
    column<double> mean_slope;
    column<double> deviation_slope;
    const auto here = process.predict(point, mean_slope, deviation_slope);
    CHECK(here.mean == doctest::Approx(process.predict(point).mean).epsilon(1e-14));
    CHECK(here.deviation == doctest::Approx(process.predict(point).deviation).epsilon(1e-14));
    for (index_t d = 0; d < 3; ++d) {
        constexpr double step = 1e-5;
        column<double> up = point;
        column<double> down = point;
        up[d] += step;
        down[d] -= step;
        const auto above = process.predict(up);
        const auto below = process.predict(down);
        CHECK(mean_slope[d] ==
              doctest::Approx((above.mean - below.mean) / (2 * step)).epsilon(1e-6));
        CHECK(deviation_slope[d] ==
              doctest::Approx((above.deviation - below.deviation) / (2 * step)).epsilon(1e-5));
    }
}

TEST_CASE(
    "Gaussian process: fitted hyperparameters are likelier than others, and tell what matters") {
    const samples from(40, 0.05);
    tocsin::kernel_bounds flat;
    flat.length_spread = 0;
    const auto fitted = tocsin::fit_kernel(from.points, from.values, {}, flat);
    REQUIRE_MESSAGE(fitted.has_value(), fitted.error().message());
    const matern_kernel& kernel = fitted->kernel();
    CHECK(kernel.lengths[2] > 5 * kernel.lengths[0]); // the last coordinate does nothing
    CHECK(kernel.noise < 0.05);
    tocsin::random_generator random(8);
    for (int k = 0; k < 200; ++k) {
        const auto drawn = [&](double low, double high) {
            return std::exp(random.uniform(std::log(low), std::log(high)));
        };
        const matern_kernel other{
            drawn(0.1, 10), column<double>{{drawn(0.05, 20), drawn(0.05, 20), drawn(0.05, 20)}},
            drawn(1e-5, 1)};
        CHECK(process_of(from, other).log_likelihood() <= fitted->log_likelihood() + 1e-6);
    }
    double squares = 0;
    const samples fresh(200, 0, 4);
    for (index_t k = 0; k < 200; ++k) { // the first 40 points were fitted
        const double off = fitted->predict(fresh.points.col(k)).mean - fresh.values[k];
        squares += off * off / 200;
    }
    CHECK(std::sqrt(squares) < 0.3);
}

TEST_CASE("Gaussian process: bad input is refused with the value") {
    const samples from(5);
    const column<double> lengths = column<double>::Ones(3);
    const auto message = [&](const matrix<double>& points, const column<double>& values,
                             const matern_kernel& kernel) {
        const auto made = gaussian_process::make(points, values, kernel);
        REQUIRE_FALSE(made.has_value());
        return std::string(made.error().message());
    };
    CHECK(
        message(from.points, column<double>::Zero(4), {1, lengths}).find("5 points and 4 values") !=
        std::string::npos);
    CHECK(message(from.points, from.values, {-1, lengths}).find("variance -1") !=
          std::string::npos);
    CHECK(message(from.points, from.values, {1, lengths, -2}).find("noise -2") !=
          std::string::npos);
    CHECK(
        message(from.points, from.values, {1, column<double>::Ones(2)}).find("for 2 dimensions") !=
        std::string::npos);
    CHECK(message(from.points, from.values, {1, lengths, 0, {0, 1, 7}}).find("no length scale 7") !=
          std::string::npos);
    CHECK(message(from.points, from.values, {1, column<double>::Zero(3)}).find("length scale 0") !=
          std::string::npos);
    column<double> holes = from.values;
    holes[2] = std::numeric_limits<double>::quiet_NaN();
    CHECK(message(from.points, holes, {1, lengths}).find("not finite") != std::string::npos);
    matrix<double> twice = from.points;
    twice.col(1) = twice.col(0);
    CHECK(message(twice, from.values, {1, lengths, 0}).find("not positive definite") !=
          std::string::npos);
}

TEST_SUITE_END();
