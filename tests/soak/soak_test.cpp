// Years of samples, in seconds or hours: TOCSIN_SOAK_SAMPLES in the environment says how many (preset
// soak: 1e9). What sums is compared with long double, memory must not grow, latencies are printed.
#include "tocsin/core/checked_size.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/series/smoothing.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include "long_run.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <deque>
#include <span>
#include <string>
#include <vector>

using tocsin_test::check_close;
using tocsin_test::flat_memory;
using tocsin_test::sample_count;
using tocsin_test::sensor;

namespace {

/// Processor time of a call of push() in nanoseconds, in classes of an eighth of an octave.
class latencies {
  public:
    template <class Function>
    void measure(Function&& function) {
        const std::int64_t begin = now();
        function();
        const std::int64_t taken = now() - begin - overhead_;
        largest_ = std::max(largest_, taken);
        ++count_;
        ++classes_[class_of(std::max<std::int64_t>(taken, 1))];
    }
    void print(const char* what) const {
        MESSAGE(std::string{what}, ": processor time of a push over ", count_, " calls: 50 % ",
                quantile(0.5), " ns, 99 % ", quantile(0.99), " ns, 99.99 % ", quantile(0.9999),
                " ns, most ", largest_, " ns");
    }

  private:
    static std::int64_t now() {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    }
    static std::int64_t cost_of_the_clock() {
        std::int64_t least = 1'000'000;
        for (int k = 0; k < 1000; ++k) {
            const std::int64_t begin = now();
            least = std::min(least, now() - begin);
        }
        return least;
    }
    static std::size_t class_of(std::int64_t taken) {
        const auto octave = std::bit_width(static_cast<std::uint64_t>(taken)) - 1;
        const double within = std::log2(static_cast<double>(taken)) - static_cast<double>(octave);
        return static_cast<std::size_t>(octave) * 8 +
               std::min<std::size_t>(static_cast<std::size_t>(std::max(within, 0.0) * 8), 7);
    }
    std::int64_t quantile(double q) const {
        std::int64_t seen = 0;
        for (std::size_t k = 0; k < classes_.size(); ++k) {
            seen += classes_[k];
            if (static_cast<double>(seen) >= q * static_cast<double>(count_)) {
                return std::llround(std::exp2(static_cast<double>(k + 1) / 8));
            }
        }
        return largest_;
    }

    std::int64_t overhead_ = cost_of_the_clock();
    std::int64_t largest_ = 0;
    std::int64_t count_ = 0;
    std::array<std::int64_t, 512> classes_{};
};

} // namespace

TEST_SUITE("soak") {
    TEST_CASE("soak: mean, variance, smoothing, windows compared with long double") {
        const std::int64_t all = sample_count();
        flat_memory memory;
        sensor values;
        tocsin::moments<> moments(1);
        tocsin::moving_window window(100);
        tocsin::ewma smoother(0.001);
        tocsin::diagonal_gaussian<1> adapting(1);
        {
            sensor normal;
            for (int k = 0; k < 1000; ++k) {
                const double error = normal.next();
                adapting.accumulate(std::span(&error, 1));
            }
            REQUIRE(adapting.fit().ok());
        }
        const double weight = 1 - std::exp2(-1 / 10000.0);
        long double adapted_mean = adapting.mean()[0];
        long double adapted_variance = adapting.variance()[0];
        long double sum = 0; // of values minus 1000: exact enough in 64 bits
        long double squares = 0;
        long double smooth = 0;
        std::array<double, 100> last{};
        double worst_window = 0;
        for (std::int64_t k = 0; k < all; ++k) {
            memory.at(k, all);
            const double value = values.next();
            tocsin::column<double, 1> sample(value);
            moments.add(sample);
            window.push(value);
            smoother.push(value);
            adapting.adapt(std::span(&value, 1), weight);

            const long double shifted = static_cast<long double>(value) - 1000;
            sum += shifted;
            squares += shifted * shifted;
            smooth = k == 0 ? value : smooth + 0.001L * (value - smooth);
            const long double difference = value - adapted_mean;
            adapted_mean += weight * difference;
            adapted_variance = (1 - static_cast<long double>(weight)) *
                               (adapted_variance + weight * difference * difference);
            last[static_cast<std::size_t>(k % 100)] = value;
            if (k % 9973 == 0 && k > 100) {
                long double mean = 0;
                for (const double one : last) {
                    mean += one;
                }
                mean /= 100;
                long double scatter = 0;
                for (const double one : last) {
                    scatter += (one - mean) * (one - mean);
                }
                worst_window = std::max(
                    {worst_window, static_cast<double>(std::abs(window.mean() - mean) / mean),
                     static_cast<double>(std::abs(window.variance() - scatter / 99) /
                                         (scatter / 99))});
            }
        }
        const auto count = static_cast<long double>(all);
        check_close(moments.mean()[0], 1000 + sum / count);
        check_close(moments.covariance()(0, 0), (squares - sum * sum / count) / (count - 1));
        check_close(smoother.value(), smooth);
        check_close(adapting.mean()[0], adapted_mean);
        check_close(adapting.variance()[0], adapted_variance);
        CHECK(worst_window <= 1e-6);
        MESSAGE(all, " samples; window off by at most ", worst_window);
    }

    TEST_CASE("soak: thresholds and quantiles at their rates") {
        const std::int64_t all = sample_count(4);
        flat_memory memory;
        tocsin::spot_settings settings;
        settings.q = 1e-3;
        settings.level = 0.98;
        settings.memory = 1000;
        tocsin::spot_threshold spot{settings};
        tocsin::quantile_sketch sketch(200, 3);
        tocsin::random_generator random{3};
        {
            std::vector<double> scores(5000);
            for (double& score : scores) {
                score = std::abs(random.normal());
            }
            REQUIRE(spot.fit(scores, {}).ok());
        }
        std::int64_t alarms = 0;
        for (std::int64_t k = 0; k < all; ++k) {
            memory.at(k, all);
            const double score = std::abs(random.normal());
            alarms += score > spot.threshold() ? 1 : 0;
            spot.push(score);
            sketch.push(score);
        }
        const double rate = static_cast<double>(alarms) / static_cast<double>(all);
        MESSAGE(all, " scores: share of alarms ", rate, " for q ", settings.q);
        CHECK(rate > 0.4e-3);
        CHECK(rate < 2.5e-3);
        CHECK(spot.valid().ok());
        for (const double q : {0.1, 0.5, 0.9, 0.99}) {
            CAPTURE(q);
            const double below = std::erf(sketch.quantile(q) / std::sqrt(2.0)); // its true rank
            CHECK(std::abs(below - q) < 0.02);
        }
        CHECK(sketch.count() == all);
    }

    TEST_CASE("soak: a small detector that learns") {
        const std::int64_t all = sample_count(20);
        using namespace tocsin;
        spot_settings rule;
        rule.q = 1e-3;
        rule.level = 0.9;
        rule.memory = 200;
        detector<forecaster<float>, standard_scaler<float>, diagonal_gaussian<>, spot_threshold>
            tested(tocsin_test::small_forecaster(1, {4}), {}, {}, spot_threshold{rule});
        tocsin_test::learn_slow_waves(tested, 10);
        auto stream = tested.make_stream();
        REQUIRE(
            tested
                .enable_learning(
                    stream, {.half_life = 10000, .rule = true, .model = online_training_settings{}})
                .ok());
        const auto values = tocsin_test::slow_waves(6283, 8); // about 100 periods
        {
            flat_memory memory;
            latencies latency;
            std::int64_t scored = 0;
            for (std::int64_t k = 0; k < all; ++k) {
                memory.at(k, all);
                auto sample = values.col(static_cast<index_t>(k % values.cols())).eval();
                if (k % 5003 == 0) {
                    sample[0] = std::numeric_limits<float>::quiet_NaN();
                }
                verdict said;
                if (k % 10 == 0) {
                    latency.measure([&] { said = tested.push(stream, sample); });
                } else {
                    said = tested.push(stream, sample);
                }
                tested.learn(stream);
                scored += said.scored() ? 1 : 0;
            }
            CHECK(scored > all * 99 / 100);
            latency.print("small forecaster");
        }
        CHECK(stream.position() == all);
        const auto report = stream.learning();
        MESSAGE(all, " samples: ", report.updates, " updates of the model, share of anomalies ",
                static_cast<double>(report.anomalies) / static_cast<double>(report.scored),
                ", of late ", report.recent_rate);
        CHECK(report.updates > all / 200);
        CHECK(static_cast<double>(report.anomalies) < 0.05 * static_cast<double>(report.scored));
        CHECK(std::isfinite(tested.push(stream, values.col(0)).score));
    }
}
