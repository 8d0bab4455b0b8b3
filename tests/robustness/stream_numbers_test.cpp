// Any double, at any time, at everything that takes in a stream: what comes out makes sense, and
// after as many ordinary values as the class states it is as if nothing had been.
#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/dynamic/dynamic_threshold.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/series/resampling.hpp"
#include "tocsin/series/smoothing.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include "hostile_numbers.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

using tocsin::random_generator;
using tocsin_test::hostile_number;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// `rows` pushes, of which about one in five is hostile; the last ones of a burst may all be.
template <class Push>
void attack(random_generator& random, int rows, Push&& push) {
    for (int i = 0; i < rows; ++i) {
        const bool burst = i / 40 % 5 == 4;
        push(burst || random() % 10 == 0 ? hostile_number(random) : random.normal());
    }
}

std::vector<double> finite_scores(random_generator& random, int count, int one_in) {
    std::vector<double> scores;
    while (static_cast<int>(scores.size()) < count) {
        const double score = random() % static_cast<unsigned>(one_in) == 0 ? hostile_number(random)
                                                                           : random.normal();
        if (std::isfinite(score)) {
            scores.push_back(score);
        }
    }
    return scores;
}

std::vector<double> normal_scores(random_generator& random, std::size_t count) {
    std::vector<double> scores(count);
    std::generate(scores.begin(), scores.end(), [&] { return random.normal(); });
    return scores;
}

} // namespace

TEST_SUITE("robustness") {
    TEST_CASE("ewma: is finite after any doubles and right 300 / alpha values later") {
        for (const double alpha : {1.0, 0.5, 0.05, 0.01}) {
            for (std::uint64_t seed = 0; seed < 20; ++seed) {
                random_generator random{seed};
                tocsin::ewma attacked{alpha};
                attack(random, 400, [&](double value) {
                    const double smoothed = attacked.push(value);
                    CHECK(std::isfinite(smoothed) == std::isfinite(value));
                    CHECK(attacked.valid().ok());
                });
                tocsin::ewma clean{alpha};
                for (int i = 0; i < 300 / alpha; ++i) {
                    const double value = random.normal();
                    attacked.push(value);
                    clean.push(value);
                }
                CHECK(attacked.value() == doctest::Approx(clean.value()).scale(1).epsilon(1e-9));
            }
        }
    }

    TEST_CASE("moving window: is finite after any doubles and right 2 * rows values later") {
        for (const int rows : {1, 2, 7, 100}) {
            for (std::uint64_t seed = 0; seed < 20; ++seed) {
                random_generator random{seed};
                tocsin::moving_window window(rows);
                attack(random, 400 + static_cast<int>(seed), [&](double value) {
                    const double mean = window.push(value);
                    CHECK(std::isfinite(mean) == std::isfinite(value));
                    CHECK((window.count() < 2 ||
                           (window.variance() >= 0 && std::isfinite(window.variance()))));
                    const auto possible = window.valid();
                    CHECK_MESSAGE(possible.ok(), possible.message());
                });
                const auto values = normal_scores(random, static_cast<std::size_t>(2 * rows));
                for (const double value : values) {
                    window.push(value);
                }
                double mean = 0;
                for (int i = rows; i < 2 * rows; ++i) {
                    mean += values[static_cast<std::size_t>(i)] / rows;
                }
                double scatter = 0;
                for (int i = rows; i < 2 * rows; ++i) {
                    scatter += std::pow(values[static_cast<std::size_t>(i)] - mean, 2);
                }
                CHECK(window.mean() == doctest::Approx(mean).scale(1).epsilon(1e-11));
                if (rows > 1) {
                    CHECK(window.variance() ==
                          doctest::Approx(scatter / (rows - 1)).scale(1).epsilon(1e-11));
                }
            }
        }
    }

    TEST_CASE("centred moving mean: rows without a hostile value in their window are exact") {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            random_generator random{seed};
            std::vector<double> values;
            attack(random, 700, [&](double value) { values.push_back(value); });
            std::vector<double> out(values.size());
            for (const int rows : {1, 2, 5, 8, 64, 699, 2000}) {
                REQUIRE(tocsin::centred_moving_mean(values, rows, out).ok());
                for (int i = 0; i < 700; ++i) {
                    double sum = 0;
                    double largest = 0;
                    int count = 0;
                    for (int k = std::max(i - rows / 2, 0);
                         k <= std::min(i + rows - 1 - rows / 2, 699); ++k) {
                        const double value = values[static_cast<std::size_t>(k)];
                        sum += std::isfinite(value) ? tocsin::bounded(value) : 0;
                        largest = std::isfinite(value)
                                      ? std::max(largest, std::abs(tocsin::bounded(value)))
                                      : largest;
                        count += std::isfinite(value) ? 1 : 0;
                    }
                    const double mean = out[static_cast<std::size_t>(i)];
                    CHECK((count == 0 ? std::isnan(mean)
                                      : std::abs(mean - sum / count) <= 1e-13 * largest));
                }
            }
        }
    }

    TEST_CASE("dynamic threshold stream: is sane after any doubles and right as soon as stated") {
        tocsin::dynamic_threshold_settings settings;
        settings.batch = 20;
        settings.window = 10;
        settings.warm_up = 30;
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            random_generator random{seed};
            auto attacked = *tocsin::dynamic_threshold_stream::make(settings);
            auto clean = attacked;
            const auto look = [&] {
                CHECK(std::isfinite(attacked.smoothed()));
                CHECK(attacked.threshold() >= 0); // not NaN
                for (const auto& piece : attacked.pieces()) {
                    CHECK(std::isfinite(piece.score));
                }
            };
            attack(random, 1500, [&](double value) {
                const double error = random() % 2 == 0 ? std::abs(value) : value;
                const double signal = random() % 2 == 0 ? value : 0.1;
                if (attacked.push(error, signal)) {
                    look();
                    const auto possible = attacked.valid();
                    CHECK_MESSAGE(possible.ok(), possible.message());
                }
                clean.push(0.1, 0.1);
            });
            const int wait = static_cast<int>(20 * (settings.span() + 1)) + 200 + 2 * 20;
            for (int i = 0; i < wait; ++i) {
                const double error = 0.1 * std::abs(random.normal());
                const double signal = std::sin(0.1 * i);
                attacked.push(error, signal);
                clean.push(error, signal);
            }
            look();
            CHECK(attacked.smoothed() == doctest::Approx(clean.smoothed()).epsilon(1e-8));
            CHECK(attacked.threshold() == doctest::Approx(clean.threshold()).epsilon(1e-8));
        }
    }

    TEST_CASE("dynamic threshold: one error of 1e308 costs no more than the rows stated") {
        auto stream = *tocsin::dynamic_threshold_stream::make();
        const auto push = [&](int i) {
            stream.push(0.1 * std::abs(std::sin(7.0 * i)), std::sin(0.1 * i));
        };
        for (int i = 0; i < 4200; ++i) {
            push(i);
        }
        const double before = stream.threshold();
        stream.push(1e308, 0);
        const int wait = static_cast<int>(20 * (stream.settings().span() + 1)) + 2100 + 70;
        for (int i = 0; i < wait; ++i) {
            push(i);
        }
        CHECK(wait < 4400);
        CHECK(stream.threshold() == doctest::Approx(before).epsilon(0.1));
        CHECK(stream.smoothed() < stream.threshold());
    }

    TEST_CASE("dynamic threshold: recordings with any finite errors have finite scores") {
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            random_generator random{seed};
            auto errors = finite_scores(random, 3000, 50);
            const auto values = finite_scores(random, 3000, 50);
            std::transform(errors.begin(), errors.end(), errors.begin(),
                           [](double error) { return std::abs(error); });
            const auto found = tocsin::find_dynamic_events(errors, values);
            REQUIRE(found.has_value());
            for (const auto& piece : found->pieces) {
                CHECK(std::isfinite(piece.score));
            }
            CHECK(*std::max_element(found->smoothed.begin(), found->smoothed.end()) <= 1.001e6);
        }
    }

    TEST_CASE("rules: a fit to any finite scores has a usable threshold, or is refused") {
        int fitted = 0;
        int refused = 0;
        const auto look = [&](auto rule, const std::vector<double>& scores) {
            const auto outcome = rule.fit(scores, {});
            if (outcome.ok()) {
                ++fitted;
                CHECK(std::isfinite(rule.threshold()));
                const auto possible = rule.valid();
                CHECK_MESSAGE(possible.ok(), possible.message());
            } else {
                ++refused;
                CHECK(rule.threshold() == infinity);
                CHECK_FALSE(rule.exceeds(1e308));
            }
        };
        for (std::uint64_t seed = 0; seed < 300; ++seed) {
            random_generator random{seed};
            for (const int one_in : {1, 2, 20, 500}) {
                const auto scores = finite_scores(random, 600, one_in);
                tocsin::spot_settings settings;
                settings.level = 0.9;
                settings.memory = 50;
                for (const double q : {1e-3, 1e-300, 5e-324}) {
                    settings.q = q;
                    look(tocsin::spot_threshold(settings), scores);
                    look(tocsin::drift_spot_threshold(settings, 20), scores);
                }
                look(tocsin::epsilon_threshold{}, scores);
            }
        }
        CHECK(fitted > 1000);
        CHECK(refused > 100);
    }

    TEST_CASE("spot: a fit whose threshold is beyond all numbers is refused, not 0") {
        std::vector<double> scores;
        random_generator random{1};
        for (int i = 0; i < 2000; ++i) {
            scores.push_back(std::pow(1 - random.uniform(), -8.0)); // a very long tail
        }
        tocsin::spot_settings settings;
        settings.q = 1e-300;
        settings.level = 0.9;
        settings.memory = 200;
        tocsin::spot_threshold rule{settings};
        CHECK(rule.fit(scores, {}).code() == tocsin::error_code::invalid_data);
        CHECK_FALSE(rule.exceeds(0.5));
        std::vector<double> exponential;
        for (int i = 0; i < 2000; ++i) {
            exponential.push_back(-std::log(1 - random.uniform()));
        }
        REQUIRE(rule.fit(exponential, {}).ok());
        CHECK_FALSE(rule.fit(scores, {}).ok()); // keeps nothing of the first fit
        CHECK(rule.threshold() == infinity);
    }

    TEST_CASE("spot: no stream of doubles moves the threshold out of reach") {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            random_generator random{seed};
            tocsin::spot_settings settings;
            settings.q = 1e-3;
            settings.level = 0.98;
            settings.memory = 100;
            tocsin::spot_threshold rule{settings};
            REQUIRE(rule.fit(normal_scores(random, 2000), {}).ok());
            const double before = rule.threshold();
            attack(random, 4000, [&](double score) {
                const bool above = rule.exceeds(score);
                const auto outcome = rule.push(score);
                CHECK((outcome == tocsin::push_outcome::alarm) == above);
                CHECK((outcome == tocsin::push_outcome::rejected) == std::isnan(score));
                const double tail = rule.tail_probability(score);
                CHECK((std::isnan(score) || (tail >= 0 && tail <= 1)));
                CHECK(rule.threshold() < 20 * before);
                CHECK(rule.threshold() > 1);
            });
            CHECK(rule.tail_probability(infinity) == 0);
            CHECK(std::isnan(rule.tail_probability(std::nan(""))));
            for (int i = 0; i < 1.2 * settings.memory / (1 - settings.level); ++i) {
                rule.push(random.normal());
            }
            CHECK(rule.threshold() < 1.5 * before);
            const auto possible = rule.valid();
            CHECK_MESSAGE(possible.ok(), possible.message());
        }
    }

    TEST_CASE("drift spot: no stream of doubles moves level or threshold out of reach") {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            random_generator random{seed};
            tocsin::spot_settings settings;
            settings.q = 1e-3;
            settings.level = 0.98;
            settings.memory = 100;
            tocsin::drift_spot_threshold rule{settings, 100};
            REQUIRE(rule.fit(normal_scores(random, 2000), {}).ok());
            const double before = rule.differences().threshold();
            attack(random, 10000, [&](double score) {
                rule.push(score);
                CHECK(std::abs(rule.level()) < 10);
                CHECK(rule.threshold() < 40 * before);
                CHECK(rule.threshold() > 0);
            });
            for (int i = 0; i < 1.2 * settings.memory / (1 - settings.level); ++i) {
                rule.push(random.normal());
            }
            CHECK(std::abs(rule.level()) < 0.5);
            CHECK(rule.threshold() < 1.5 * before);
            const auto possible = rule.valid();
            CHECK_MESSAGE(possible.ok(), possible.message());
        }
    }

    TEST_CASE("anomaly likelihood: is a probability, and right 2 * long_rows scores later") {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            random_generator random{seed};
            tocsin::anomaly_likelihood_settings settings;
            settings.long_rows = 100;
            settings.short_rows = 7;
            settings.warm_up = 20;
            settings.least_deviation = seed % 2 == 0 ? 1e-6 : 5e-324;
            auto attacked = *tocsin::anomaly_likelihood::make(settings);
            int rows = 0;
            attack(random, 1000, [&](double score) {
                const double likelihood = attacked.push(score);
                rows += std::isfinite(score) ? 1 : 0;
                CHECK((std::isnan(likelihood) ? std::isnan(score) || rows < settings.warm_up
                                              : likelihood >= 0 && likelihood <= 1));
                CHECK(attacked.valid().ok());
            });
            auto clean = *tocsin::anomaly_likelihood::make(settings);
            for (int i = 0; i < 2 * settings.long_rows; ++i) {
                const double score = random.normal();
                attacked.push(score);
                clean.push(score);
            }
            CHECK(attacked.z() == doctest::Approx(clean.z()).scale(1).epsilon(1e-9));
        }
    }

    TEST_CASE("quantile sketch: hostile scores move ranks by their share and no more") {
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            random_generator random{seed};
            tocsin::quantile_sketch sketch{100, seed + 1};
            int hostile = 0;
            for (int i = 0; i < 20000; ++i) {
                const bool bad = i % 50 == 3;
                hostile += bad ? 1 : 0;
                const double score = bad ? hostile_number(random) : random.normal();
                CHECK(sketch.push(score) == !std::isnan(score));
            }
            const double slack = hostile / 20000.0 + sketch.rank_error(1e-6);
            CHECK(std::abs(sketch.rank(0) - 0.5) < slack);
            CHECK(std::abs(sketch.rank(1) - 0.8413) < slack);
            double before = -infinity;
            for (const double q : {0.0, 0.001, 0.1, 0.5, 0.9, 0.999, 1.0}) {
                const double quantile = sketch.quantile(q);
                CHECK(std::isfinite(quantile));
                CHECK(quantile >= before);
                before = quantile;
            }
            CHECK(sketch.valid().ok());
        }
    }

    TEST_CASE("alarm control: any doubles give flags, and leave nothing but the settings say") {
        random_generator random{3};
        tocsin::hysteresis hysteresis(3, 2);
        const tocsin::minimum_deviation deviation(1);
        tocsin::alarm_chain chain{tocsin::m_of_n(3, 5), tocsin::minimum_duration(2),
                                  tocsin::suppression(10)};
        attack(random, 20000, [&](double value) {
            const bool before = hysteresis.active();
            const bool active = hysteresis.push(value);
            CHECK(active == (std::isnan(value) ? before : before ? value >= 2 : value > 3));
            CHECK(deviation.push(true, value) == (std::abs(value) >= 1));
            chain.push(active);
        });
        for (int i = 0; i < 5 + 2 + 10; ++i) {
            CHECK_FALSE(hysteresis.push(0));
            chain.push(false);
        }
        for (int i = 0; i < 5; ++i) {
            CHECK(chain.push(true) == (i >= 3));
        }
    }

    TEST_CASE("resampling: ends with any times and values, and its steps lie on the grid") {
        constexpr int longest = 100; // steps of a gap
        for (const double step : {1.0, 1e-7, 1e10, 1e-300, 1e300}) {
            for (std::uint64_t seed = 0; seed < 20; ++seed) {
                random_generator random{seed};
                tocsin::stream_resampler<double> steps(1, step, tocsin::resampling::mean,
                                                       longest * step);
                REQUIRE(steps.check().ok());
                double last = -infinity;
                int emitted = 0;
                const auto look = [&](std::span<const double> sample, double time) {
                    ++emitted;
                    CHECK(std::isfinite(time));
                    CHECK(time > last);
                    CHECK((std::isnan(sample[0]) || std::abs(sample[0]) <= 1.001e100));
                    last = time;
                };
                for (int k = 0; k < 300; ++k) {
                    const double value = std::isfinite(hostile_number(random)) ? 1.7e308 : 0;
                    const double time = hostile_number(random) * (k % 3 == 0 ? 1 : step);
                    emitted = 0;
                    const auto outcome = steps.push(std::span(&value, 1), time, look);
                    CHECK(emitted <= longest + 1);
                    CHECK((outcome.ok() || emitted == 0));
                    if (k % 20 == 19) {
                        steps.finish(look);
                        last = -infinity;
                    }
                }
            }
        }
    }
}
