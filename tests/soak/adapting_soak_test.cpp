// As soak_test.cpp: what follows a stream, compared with long double or with its definition.
#include "tocsin/charts/cusum.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"

#include <doctest/doctest.h>

#include "long_run.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

using tocsin_test::check_close;
using tocsin_test::flat_memory;
using tocsin_test::sample_count;

namespace {

constexpr std::size_t dimension = 3;
using vector = std::array<double, dimension>;
using long_vector = std::array<long double, dimension>;
using long_matrix = std::array<long_vector, dimension>;

/// Correlated errors around means that are large beside their deviations, one of which is small.
class correlated_errors {
  public:
    vector next() {
        const double common = random_.normal();
        return {100 + common + random_.normal(), -50 + 0.5 * common + random_.normal(),
                0.01 * (common - random_.normal())};
    }

  private:
    tocsin::random_generator random_{23};
};

template <class Statistic>
Statistic fitted_statistic() {
    Statistic statistic(dimension);
    correlated_errors errors;
    for (int k = 0; k < 1000; ++k) {
        const vector error = errors.next();
        statistic.accumulate(std::span<const double>(error));
    }
    REQUIRE(statistic.fit().ok());
    return statistic;
}

/// x^T C^-1 x by elimination.
long double squared_distance(long_matrix c, long_vector x) {
    long_vector y = x;
    for (std::size_t k = 0; k < dimension; ++k) {
        for (std::size_t row = k + 1; row < dimension; ++row) {
            const long double factor = c[row][k] / c[k][k];
            for (std::size_t col = k; col < dimension; ++col) {
                c[row][col] -= factor * c[k][col];
            }
            y[row] -= factor * y[k];
        }
    }
    long double sum = 0;
    for (std::size_t k = 0; k < dimension; ++k) {
        sum += y[k] * y[k] / c[k][k];
    }
    return sum;
}

/// mahalanobis::adapt() as its equations say, with the ridge on one element after the other.
class adapted_reference {
  public:
    explicit adapted_reference(const tocsin::mahalanobis<>& statistic)
        : ridge_{statistic.relative_ridge() / (1 + statistic.relative_ridge())} {
        for (std::size_t row = 0; row < dimension; ++row) {
            mean_[row] = statistic.mean()[static_cast<tocsin::index_t>(row)];
            for (std::size_t col = 0; col < dimension; ++col) {
                covariance_[row][col] = statistic.covariance()(static_cast<tocsin::index_t>(row),
                                                               static_cast<tocsin::index_t>(col));
            }
        }
        least_ = newest_ridge();
    }
    void adapt(const vector& error, long double weight) {
        long_vector deviation{};
        for (std::size_t k = 0; k < dimension; ++k) {
            deviation[k] = error[k] - mean_[k];
            mean_[k] += weight * deviation[k];
        }
        for (std::size_t row = 0; row < dimension; ++row) {
            for (std::size_t col = 0; col < dimension; ++col) {
                covariance_[row][col] = (1 - weight) * (covariance_[row][col] +
                                                        weight * deviation[row] * deviation[col]);
            }
        }
        covariance_[next_][next_] += weight * dimension * std::max(newest_ridge(), least_);
        next_ = (next_ + 1) % dimension;
    }
    const long_vector& mean() const { return mean_; }
    const long_matrix& covariance() const { return covariance_; }
    long double score(const vector& error) const {
        long_vector deviation{};
        for (std::size_t k = 0; k < dimension; ++k) {
            deviation[k] = error[k] - mean_[k];
        }
        return squared_distance(covariance_, deviation);
    }

  private:
    long double newest_ridge() const {
        long double trace = 0;
        for (std::size_t k = 0; k < dimension; ++k) {
            trace += covariance_[k][k];
        }
        return ridge_ * trace / dimension;
    }

    long double ridge_;
    long double least_ = 0;
    long_vector mean_{};
    long_matrix covariance_{};
    std::size_t next_ = 0;
};

double standard_deviation(const std::deque<double>& values) {
    long double mean = 0;
    for (const double value : values) {
        mean += value;
    }
    mean /= static_cast<long double>(values.size());
    long double scatter = 0;
    for (const double value : values) {
        scatter += (value - mean) * (value - mean);
    }
    return static_cast<double>(std::sqrt(scatter / static_cast<long double>(values.size() - 1)));
}

} // namespace

TEST_SUITE("soak") {
    TEST_CASE("soak: a covariance that adapts, its factor and its distances") {
        const std::int64_t all = sample_count(4);
        flat_memory memory;
        auto statistic = fitted_statistic<tocsin::mahalanobis<>>();
        adapted_reference reference(statistic);
        correlated_errors errors;
        const double weight = 1 - std::exp2(-1 / 10000.0);
        for (std::int64_t k = 0; k < all; ++k) {
            memory.at(k, all);
            const vector error = errors.next();
            statistic.adapt(error, weight);
            reference.adapt(error, weight);
        }
        for (std::size_t row = 0; row < dimension; ++row) {
            const auto at = static_cast<tocsin::index_t>(row);
            const long double deviation = std::sqrt(reference.covariance()[row][row]);
            check_close(statistic.mean()[at], reference.mean()[row], deviation);
            for (std::size_t col = 0; col < dimension; ++col) {
                check_close(statistic.covariance()(at, static_cast<tocsin::index_t>(col)),
                            reference.covariance()[row][col],
                            deviation * std::sqrt(reference.covariance()[col][col]));
            }
        }
        for (int k = 0; k < 20; ++k) {
            const vector error = errors.next();
            check_close(statistic.score(std::span<const double>(error)), reference.score(error), 1);
        }
    }

    TEST_CASE("soak: a threshold that follows a drifting level at its rate") {
        const std::int64_t all = sample_count(8);
        flat_memory memory;
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.level = 0.98;
        settings.memory = 1000;
        tocsin::drift_spot_threshold rule{settings, 50};
        tocsin::random_generator random{3};
        {
            std::vector<double> scores(5000);
            for (double& score : scores) {
                score = 10 + std::abs(random.normal());
            }
            REQUIRE(rule.fit(scores, {}).ok());
        }
        std::int64_t alarms = 0;
        for (std::int64_t k = 0; k < all; ++k) {
            memory.at(k, all);
            const double day = 2 * std::numbers::pi * static_cast<double>(k % 86400) / 86400;
            const double score = 10 + 8 * std::sin(day) + std::abs(random.normal());
            alarms += score > rule.threshold() ? 1 : 0;
            rule.push(score);
        }
        const double rate = static_cast<double>(alarms) / static_cast<double>(all);
        MESSAGE(all, " scores: share of alarms ", rate, " for q ", settings.q);
        CHECK(rate > 0.4e-3);
        CHECK(rate < 2.5e-3);
        CHECK(rule.valid().ok());
    }

    TEST_CASE("soak: smoothed errors of a dynamic threshold, which stays at their size") {
        const std::int64_t all = sample_count(8);
        flat_memory memory;
        tocsin::dynamic_threshold_settings settings;
        settings.batch = 50;
        settings.window = 20;
        settings.warm_up = 100;
        auto made = tocsin::dynamic_threshold_stream::make(settings);
        REQUIRE(made.has_value());
        auto& dynamic = *made;
        const long double span = std::max(1.0, std::floor(static_cast<double>(settings.batch) *
                                                          settings.window * settings.smoothing));
        const long double alpha = 2 / (span + 1);
        tocsin::random_generator random{12};
        long double smooth = 0;
        long double total = 0;
        double largest = 0;
        std::int64_t flagged = 0;
        for (std::int64_t k = 0; k < all; ++k) {
            memory.at(k, all);
            const double error = std::abs(random.normal());
            if (dynamic.push(error, std::sin(0.01 * static_cast<double>(k % 628)))) {
                for (const std::uint8_t flag : dynamic.flags()) {
                    flagged += flag;
                }
                largest = std::max(largest, dynamic.threshold());
            }
            total = 1 + (1 - alpha) * total;
            smooth += (error - smooth) / total;
        }
        check_close(dynamic.smoothed(), smooth);
        CHECK(dynamic.valid().ok());
        CHECK(dynamic.rows() == all);
        CHECK(largest < 3); // errors are 0.8 on average, smoothed ones deviate by 0.1
        CHECK(static_cast<double>(flagged) < 0.01 * static_cast<double>(all));
        MESSAGE(all, " rows: ", flagged, " flagged, largest threshold ", largest);
    }

    TEST_CASE("soak: charts equal their definitions") {
        const std::int64_t all = sample_count(8);
        flat_memory memory;
        tocsin::random_generator random{9};
        tocsin::residual_chart chart;
        tocsin::cusum sums;
        tocsin::mewma average(fitted_statistic<tocsin::mahalanobis<>>());
        const auto statistic = fitted_statistic<tocsin::mahalanobis<>>();
        const adapted_reference law(statistic); // never adapted: mean and covariance of the fit
        correlated_errors errors;
        std::deque<double> last;
        long double above = 0;
        long double below = 0;
        long_vector smooth = law.mean();
        vector error{};
        for (std::int64_t k = 0; k < all; ++k) {
            memory.at(k, all);
            const double residual = k % 1009 == 0 ? 100 : random.normal();
            chart.push(residual);
            last.push_back(residual);
            if (last.size() > static_cast<std::size_t>(tocsin::residual_chart::longest)) {
                last.pop_front();
            }
            const long double z =
                std::clamp(residual, -tocsin::largest_deviation, tocsin::largest_deviation);
            sums.push(residual);
            above = std::max(0.0L, above + z - 0.5L);
            below = std::max(0.0L, below - z - 0.5L);
            error = errors.next();
            average.push(error);
            for (std::size_t j = 0; j < dimension; ++j) {
                smooth[j] += static_cast<long double>(0.1) * (error[j] - smooth[j]);
            }
        }
        check_close(sums.above(), above, 1);
        check_close(sums.below(), below, 1);
        long_vector deviation{};
        for (std::size_t j = 0; j < dimension; ++j) {
            deviation[j] = smooth[j] - law.mean()[j];
        }
        check_close(average.score(),
                    (2 - static_cast<long double>(0.1)) / static_cast<long double>(0.1) *
                        squared_distance(law.covariance(), deviation),
                    1);
        for (std::size_t k = 0; k < tocsin::level_chart_rows.size(); ++k) {
            const int rows = tocsin::level_chart_rows[k];
            long double sum = 0;
            for (int back = 1; back <= rows; ++back) {
                sum += std::clamp(last[last.size() - static_cast<std::size_t>(back)], -4.0, 4.0);
            }
            // Residuals are kept as multiples of 2^-20.
            CHECK(std::abs(chart.level(k) - static_cast<double>(sum) / std::sqrt(rows)) <
                  1e-6 * std::sqrt(rows));
        }
        for (std::size_t k = 0; k < tocsin::variance_chart_rows.size(); ++k) {
            const int rows = tocsin::variance_chart_rows[k];
            long double sum = 0;
            for (int back = 1; back <= rows; ++back) {
                const double residual =
                    std::clamp(last[last.size() - static_cast<std::size_t>(back)], -64.0, 64.0);
                sum += residual * residual;
            }
            CHECK(std::abs(chart.log_variance(k) - static_cast<double>(std::log(sum / rows))) <
                  1e-5);
        }
    }

    TEST_CASE("soak: the distance to the nearest of the last values") {
        const std::int64_t all = sample_count(16);
        flat_memory memory;
        constexpr int rows = 500;
        tocsin::nearest_value novelty(rows);
        tocsin::random_generator random{31};
        std::deque<double> last;
        double worst = 0;
        std::int64_t compared = 0;
        for (std::int64_t k = 0; k < all; ++k) {
            memory.at(k, all);
            // Large beside their deviation, so that differences lose digits.
            const double value = 1000 + random.normal();
            if (k % 4999 == 0 && last.size() == rows) {
                double nearest = std::numeric_limits<double>::infinity();
                for (const double known : last) {
                    nearest = std::min(nearest, std::abs(known - value));
                }
                const double expected = nearest / standard_deviation(last);
                worst = std::max(worst, std::abs(novelty.score(value) - expected) /
                                            std::max(expected, 1e-6));
                ++compared;
            }
            novelty.push(value);
            last.push_back(value);
            if (last.size() > rows) {
                last.pop_front();
            }
        }
        MESSAGE(all, " values: off by at most ", worst, " in ", compared, " comparisons");
        CHECK(compared >= 3);
        CHECK(worst <= 1e-6);
        CHECK(novelty.count() == rows);
    }
}
