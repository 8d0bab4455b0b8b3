// Error statistics: accumulating errors of normal data, scoring new ones.
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/moments.hpp"

#include "measure.hpp"
#include <span>

namespace {

using namespace tocsin;
using namespace tocsin_bench;

constexpr index_t samples = 10'000;

matrix<double> errors_of(int dimension) {
    const auto values = random_values<double>(dimension * samples);
    return matrix_view<const double>(values.data(), dimension, samples);
}

void moments_add_batch(benchmark::State& state) {
    const auto errors = errors_of(argument(state, 0));
    moments<> seen(argument(state, 0));
    measure(state, samples, [&] { seen.add_batch(errors); });
}

void moments_add(benchmark::State& state) {
    const auto errors = errors_of(argument(state, 0));
    moments<> seen(argument(state, 0));
    measure(state, samples, [&] {
        for (index_t k = 0; k < samples; ++k) {
            seen.add(errors.col(k));
        }
    });
}

/// One error vector.
std::span<const double> sample_of(const matrix<double>& errors, index_t k) {
    return {errors.col(k).data(), static_cast<std::size_t>(errors.rows())};
}

template <class Statistic>
void score(benchmark::State& state) {
    const auto errors = errors_of(argument(state, 0));
    Statistic statistic(argument(state, 0));
    statistic.accumulate(errors);
    if (!statistic.fit().ok()) {
        state.SkipWithError("the statistic cannot be fitted");
        return;
    }
    double sum = 0;
    measure(state, samples, [&] {
        for (index_t k = 0; k < samples; ++k) {
            sum += statistic.score(sample_of(errors, k));
        }
    });
    benchmark::DoNotOptimize(sum);
}

template <class Statistic>
void adapt(benchmark::State& state) {
    const auto errors = errors_of(argument(state, 0));
    Statistic statistic(argument(state, 0));
    statistic.accumulate(errors);
    if (!statistic.fit().ok()) {
        state.SkipWithError("the statistic cannot be fitted");
        return;
    }
    measure(state, samples, [&] {
        for (index_t k = 0; k < samples; ++k) {
            statistic.adapt(sample_of(errors, k), 1e-3);
        }
    });
    benchmark::DoNotOptimize(statistic.density().log_determinant);
}

void mahalanobis_fit(benchmark::State& state) {
    mahalanobis<> statistic(argument(state, 0));
    statistic.accumulate(errors_of(argument(state, 0)));
    measure(state, 1, [&] { benchmark::DoNotOptimize(statistic.fit().ok()); });
}

void dimensions(benchmark::internal::Benchmark* bench) {
    bench->ArgName("dimension")->Unit(benchmark::kMicrosecond);
    bench->Arg(1)->Arg(8)->Arg(32)->Arg(128);
}

BENCHMARK(moments_add_batch)->Name("moments_add_batch/double")->Apply(dimensions);
BENCHMARK(moments_add)->Name("moments_add/double")->Apply(dimensions);
BENCHMARK(mahalanobis_fit)->Name("mahalanobis_fit/double")->Apply(dimensions);
BENCHMARK(score<mahalanobis<>>)->Name("mahalanobis/double")->Apply(dimensions);
BENCHMARK(score<mahalanobis<8>>)
    ->Name("mahalanobis_static/double")
    ->ArgName("dimension")
    ->Arg(8)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(score<diagonal_gaussian<>>)->Name("diagonal_gaussian/double")->Apply(dimensions);
BENCHMARK(adapt<mahalanobis<>>)->Name("mahalanobis_adapt/double")->Apply(dimensions);
BENCHMARK(adapt<diagonal_gaussian<>>)->Name("diagonal_gaussian_adapt/double")->Apply(dimensions);

} // namespace
