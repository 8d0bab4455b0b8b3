#include "tocsin/models/autoencoder.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/training/batch_gradient.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <array>
#include <atomic>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin::index_t;
using model = tocsin::autoencoder<double>;
using tocsin::data_parallel;
using tocsin::mean_squared_error;

tocsin::sequence_set<double> noise(int windows) {
    tocsin::sequence_set<double> set;
    set.length = 6;
    set.values.resize(2, index_t{6} * windows);
    const auto values = tocsin_test::random_values<double>(set.values.size(), 3);
    std::copy(values.begin(), values.end(), set.values.data());
    return set;
}

/// Loss and gradient of a batch of `windows` windows.
tocsin::aligned_vector<double> evaluate(const data_parallel& execution, int windows) {
    const model shape = model::with_embedding(2, 3);
    const auto set = noise(windows);
    const auto parameters = tocsin_test::random_values<double>(shape.parameter_count(), 4, 0.5);
    std::vector<index_t> order(static_cast<std::size_t>(windows));
    std::iota(order.begin(), order.end(), index_t{0});
    tocsin::batch_gradient<model> gradient(shape, execution.shards(), windows, set.length);
    auto team = execution.start();
    tocsin::random_generator random(1);
    const double loss = gradient.compute(team, shape, parameters, set.windows(), order,
                                         {0, set.length}, mean_squared_error{}, random);
    tocsin::aligned_vector<double> result(gradient.gradients().begin(), gradient.gradients().end());
    result.push_back(loss);
    return result;
}

using parallel_trainer = tocsin::trainer<mean_squared_error, tocsin::adam, tocsin::constant_rate,
                                         tocsin::early_stopping, data_parallel>;

tocsin::aligned_vector<double> train(int threads) {
    parallel_trainer how;
    how.epochs = 3;
    how.batch_size = 7;
    how.execution.threads = threads;
    const model shape = model::with_embedding(2, 3, 0.3);
    const auto set = noise(20);
    auto run = tocsin::training_state<double>::fresh(shape, how.optimiser, 5);
    CHECK(how.fit(shape, set.windows(), {}, run).ok());
    return run.parameters;
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE("data_parallel: loss and gradient equal one thread's within rounding") {
        const auto expected = evaluate({1}, 11);
        for (const int threads : {2, 3, 4, 16}) { // 16: more than there are windows
            CAPTURE(threads);
            CHECK(tocsin_test::block_error(evaluate({threads}, 11), expected) <= 1e-14);
        }
        CHECK(tocsin_test::block_error(evaluate({3}, 1), evaluate({1}, 1)) <= 1e-14);
    }

    TEST_CASE("data_parallel: a number of threads gives the same bits in every run, with dropout") {
        const auto once = train(3);
        for (int repetition = 0; repetition < 5; ++repetition) {
            CHECK(train(3) == once);
        }
        CHECK(train(2) != once);
    }

    TEST_CASE("data_parallel: one thread gives the bits of serial execution") {
        tocsin::trainer<> serial;
        serial.epochs = 3;
        serial.batch_size = 7;
        const model shape = model::with_embedding(2, 3, 0.3);
        const auto set = noise(20);
        auto run = tocsin::training_state<double>::fresh(shape, serial.optimiser, 5);
        CHECK(serial.fit(shape, set.windows(), {}, run).ok());
        CHECK(train(1) == run.parameters);
    }

    TEST_CASE("data_parallel: a team runs every shard once in every round, and allocates nothing") {
        constexpr int size = 4;
        std::array<std::atomic<int>, size> runs{};
        auto team = data_parallel{size}.start();
        const auto work = [&](int shard) noexcept { ++runs[static_cast<std::size_t>(shard)]; };
        team.run(work); // a sanitizer allocates when a thread starts to run
        const long allocations = tocsin_test::allocations_during([&] {
            for (int round = 1; round < 2000; ++round) {
                team.run(work);
            }
        });
        CHECK(allocations == 0);
        for (const auto& count : runs) {
            CHECK(count == 2000);
        }
    }

    TEST_CASE("data_parallel: a number of threads that cannot be is refused by name") {
        CHECK(data_parallel{1}.check().ok());
        parallel_trainer how;
        how.execution.threads = 0;
        CHECK(std::string_view(how.check().message()) ==
              "data_parallel: 0 threads; must be from 1 to 256");
        CHECK_FALSE(data_parallel{257}.check().ok());
        CHECK(tocsin::execution_policy<data_parallel>);
        CHECK(tocsin::execution_policy<tocsin::serial_execution>);
        CHECK_FALSE(tocsin::execution_policy<int>);
        CHECK(std::string_view(data_parallel::kind) == "data_parallel");
        CHECK(std::string_view(tocsin::serial_execution::kind) == "serial");
    }
}
