#include "tocsin/core/random.hpp"
#include "tocsin/tail/pareto_fit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

std::vector<double> draw(double shape, double scale, std::size_t count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    const tocsin::generalised_pareto source{shape, scale};
    std::vector<double> excesses(count);
    for (double& excess : excesses) {
        excess = source.quantile_of_tail(1 - random.uniform());
    }
    return excesses;
}

bool is_censored(const tocsin::pareto_sample& sample, std::size_t i) {
    return !sample.censored.empty() && (sample.censored[i / 64] >> (i % 64) & 1U) != 0;
}

/// The log likelihood, term by term.
double log_likelihood(const tocsin::pareto_sample& sample, double shape, double scale) {
    double sum = 0;
    for (std::size_t i = 0; i < sample.excesses.size(); ++i) {
        const double s = 1 + shape * sample.excesses[i] / scale;
        if (s <= 0) {
            return -std::numeric_limits<double>::infinity();
        }
        sum -= std::log(s) / shape; // P(Y > y)
        if (!is_censored(sample, i)) {
            sum -= std::log(s) + std::log(scale);
        }
    }
    return sum;
}

tocsin::pareto_fit fit(const tocsin::pareto_sample& sample, double start = 0) {
    std::vector<double> scratch(sample.excesses.size());
    return tocsin::fit_pareto(sample, start, scratch);
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("generalised Pareto: probabilities and quantiles by hand") {
        const tocsin::generalised_pareto heavy{0.5, 2};
        CHECK(heavy.tail_probability(4) == doctest::Approx(0.25).epsilon(1e-15)); // (1 + 1)^-2
        CHECK(heavy.quantile_of_tail(0.25) == doctest::Approx(4).epsilon(1e-15));
        const tocsin::generalised_pareto ending{-1, 3}; // uniform on [0, 3]
        CHECK(ending.tail_probability(1) == doctest::Approx(2.0 / 3).epsilon(1e-15));
        CHECK(ending.tail_probability(3.5) == 0);
        CHECK(ending.quantile_of_tail(0.5) == doctest::Approx(1.5).epsilon(1e-15));
        const tocsin::generalised_pareto exponential{0, 2};
        CHECK(exponential.tail_probability(2) == doctest::Approx(std::exp(-1)).epsilon(1e-15));
        CHECK(exponential.quantile_of_tail(std::exp(-3)) == doctest::Approx(6).epsilon(1e-15));
        CHECK(exponential.quantile_of_tail(1) == 0);
        CHECK(exponential.quantile_of_tail(7) == 0);
        const tocsin::generalised_pareto almost{1e-8, 2};
        CHECK(almost.quantile_of_tail(1e-4) ==
              doctest::Approx(exponential.quantile_of_tail(1e-4)).epsilon(1e-6));
    }

    TEST_CASE("generalised Pareto: sums over excesses are those term by term") {
        for (const std::size_t count : {1U, 3U, 4U, 31U, 64U, 101U}) {
            const auto excesses = draw(0.9, 3, count, 5);
            for (const double x :
                 {-0.9 / *std::max_element(excesses.begin(), excesses.end()), 1e-6, 0.7, 1e18}) {
                const auto sums = tocsin::detail::pareto_sums::of(excesses, x);
                double logs = 0;
                double inverse = 0;
                double squares = 0;
                for (const double excess : excesses) {
                    const double s = 1 + x * excess;
                    logs += std::log(s);
                    inverse += 1 / s;
                    squares += 1 / (s * s);
                }
                CHECK(sums.log_sum == doctest::Approx(logs).scale(1).epsilon(1e-12));
                CHECK(sums.inverse_sum == doctest::Approx(inverse).epsilon(1e-13));
                CHECK(sums.inverse_square_sum == doctest::Approx(squares).epsilon(1e-13));
            }
        }
    }

    TEST_CASE("generalised Pareto: no neighbour of the fit is more likely") {
        for (const double shape : {-0.2, -0.1, 0.0, 0.1, 0.5, 1.2}) {
            for (const std::size_t count : {200U, 400U}) {
                const auto excesses = draw(shape, 0.01, count, 77);
                std::vector<std::uint64_t> censored((count + 63) / 64, 0);
                for (const bool with_censored : {false, true}) {
                    if (with_censored) {
                        for (std::size_t i = 0; i < count; i += 13) {
                            censored[i / 64] |= std::uint64_t{1} << (i % 64);
                        }
                    }
                    const tocsin::pareto_sample sample{excesses, censored};
                    CAPTURE(shape);
                    CAPTURE(count);
                    CAPTURE(with_censored);
                    const auto found = fit(sample);
                    REQUIRE(found.method == tocsin::pareto_method::likelihood);
                    const double height =
                        log_likelihood(sample, found.tail.shape, found.tail.scale);
                    for (const double by : {-0.05, -0.003, 0.003, 0.05}) {
                        CHECK(height >
                              log_likelihood(sample, found.tail.shape + by, found.tail.scale));
                        CHECK(height > log_likelihood(sample, found.tail.shape,
                                                      found.tail.scale * (1 + by)));
                        CHECK(height > log_likelihood(sample, found.tail.shape + by,
                                                      found.tail.scale * (1 - by)));
                    }
                    const double deviation =
                        5 * (1 + std::max(shape, 0.0)) / std::sqrt(static_cast<double>(count));
                    if (!with_censored) {
                        CHECK(std::abs(found.tail.shape - shape) < deviation);
                        CHECK(std::abs(std::log(found.tail.scale / 0.01)) < 1.5 * deviation);
                    }
                }
            }
        }
    }

    TEST_CASE("generalised Pareto: an earlier fit as start leads to the same maximum") {
        for (const double shape : {-0.3, -0.1, 0.0, 0.1, 0.8}) {
            auto excesses = draw(shape, 5, 300, 21);
            const auto before = fit({excesses, {}});
            excesses[7] = 4 * excesses[8];
            const auto searched = fit({excesses, {}});
            const auto continued = fit({excesses, {}}, before.tail.shape / before.tail.scale);
            REQUIRE(searched.method == tocsin::pareto_method::likelihood);
            CHECK(continued.tail.shape ==
                  doctest::Approx(searched.tail.shape).scale(1).epsilon(1e-4));
            CHECK(continued.tail.scale == doctest::Approx(searched.tail.scale).epsilon(1e-4));
            // A distant or meaningless start does no harm.
            for (const double start : {1e9, -1e9, -1e-300, std::nan("")}) {
                CHECK(fit({excesses, {}}, start).tail.shape ==
                      doctest::Approx(searched.tail.shape).scale(1).epsilon(1e-4));
            }
        }
    }

    TEST_CASE("generalised Pareto: censored excesses keep a cut tail from looking short") {
        auto excesses = draw(0.1, 1, 4000, 31);
        std::vector<std::uint64_t> censored((excesses.size() + 63) / 64, 0);
        for (std::size_t i = 0; i < excesses.size(); ++i) {
            if (excesses[i] > 3) { // about 7 per cent
                excesses[i] = 3;
                censored[i / 64] |= std::uint64_t{1} << (i % 64);
            }
        }
        CHECK(fit({excesses, {}}).tail.shape < -0.1);
        CHECK(std::abs(fit({excesses, censored}).tail.shape - 0.1) < 0.06);
    }

    TEST_CASE("generalised Pareto: moments by hand, and where the likelihood has no maximum") {
        // a0 = 2, a1 = (1 * 3 + 1 * 2 + 2 * 1 + 4 * 0) / (4 * 3) = 7 / 12
        const auto moments = tocsin::detail::pareto_from_moments(std::vector<double>{1, 1, 2, 4});
        CHECK(moments.shape == doctest::Approx(2 - 2 / (2 - 7.0 / 6)).epsilon(1e-14));
        CHECK(moments.scale == doctest::Approx(2 * 2 * (7.0 / 12) / (2 - 7.0 / 6)).epsilon(1e-14));

        std::vector<double> even(200); // even up to an abrupt end
        for (std::size_t i = 0; i < even.size(); ++i) {
            even[i] = (static_cast<double>(i) + 1) / 200;
        }
        const auto ending = fit({even, {}});
        CHECK(ending.method == tocsin::pareto_method::moments);
        CHECK(ending.tail.shape == -0.5); // not -1: the end is expected a little farther up
        CHECK(ending.tail.quantile_of_tail(1e-4) == doctest::Approx(1.5).epsilon(0.02));
        std::vector<std::uint64_t> last_censored(4, 0);
        last_censored[3] = std::uint64_t{1} << 7;
        const auto unended = fit({even, last_censored});
        CHECK(unended.method == tocsin::pareto_method::exponential);
        CHECK(unended.tail.shape == 0);
        CHECK(unended.tail.scale == doctest::Approx(100.5 / 199).epsilon(1e-12));

        // All equal: only the mean is known.
        const auto equal = fit({std::vector<double>(50, 3.0), {}});
        CHECK(equal.method == tocsin::pareto_method::moments);
        CHECK(equal.tail.shape == 0);
        CHECK(equal.tail.scale == doctest::Approx(3).epsilon(1e-14));
    }

    TEST_CASE("generalised Pareto: too few or impossible excesses have no fit") {
        CHECK(fit({{}, {}}).method == tocsin::pareto_method::none);
        CHECK(fit({std::vector<double>{1, 2, 3, 4}, {}}).method == tocsin::pareto_method::none);
        CHECK(fit({std::vector<double>(20, 0.0), {}}).method == tocsin::pareto_method::none);
        CHECK(fit({std::vector<double>(20, 1e308), {}}).method == tocsin::pareto_method::none);
        CHECK(fit({std::vector<double>{1, 2, 3, 4, 5}, {}}).method != tocsin::pareto_method::none);
        const std::vector<std::uint64_t> one{1};
        CHECK(fit({std::vector<double>{1, 2, 3, 4, 5}, one}).method == tocsin::pareto_method::none);
    }

    TEST_CASE("generalised Pareto: heavy ties and tiny or huge units give finite fits") {
        std::vector<double> ties(300, 1);
        for (std::size_t i = 0; i < ties.size(); i += 10) {
            ties[i] = static_cast<double>(1 + i % 4);
        }
        for (const double unit : {1e-150, 1.0, 1e150}) {
            auto scaled = ties;
            for (double& excess : scaled) {
                excess *= unit;
            }
            const auto found = fit({scaled, {}});
            CHECK(std::isfinite(found.tail.shape));
            CHECK(found.tail.scale > 0);
            CHECK(std::isfinite(found.tail.scale));
            CHECK(found.tail.scale / unit ==
                  doctest::Approx(fit({ties, {}}).tail.scale).epsilon(1e-6));
        }
    }
}
