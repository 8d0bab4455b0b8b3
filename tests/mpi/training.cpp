// Programs for mpirun; tests.cmake says how they are called.
//     equal            any number of processes gives the bits of data_parallel
//     killed  FILE     one process dies after the second epoch; FILE keeps a checkpoint
//     resumed FILE     training continues from it, to the bits of an uninterrupted run
//     stopped          a callback of one process ends the training of all
//     scaling          no test: time of one process and of all, in turn
//     steps            no test: time of a step of the models in docs/scale.md
#include "tocsin/core/random.hpp"
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/mpi_execution.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// Processor time that waiting for others and sending has cost; MPI waits busily.
double seconds_in_mpi = 0;
double processor_seconds() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

} // namespace

/// MPI's own interface for profiling: this one is called instead, and PMPI_Bcast does the work.
extern "C" int MPI_Bcast(void* buffer, int count, MPI_Datatype type, int root, MPI_Comm processes) {
    const double start = processor_seconds();
    const int code = PMPI_Bcast(buffer, count, type, root, processes);
    seconds_in_mpi += processor_seconds() - start;
    return code;
}

namespace {

using model_type = tocsin::autoencoder<float>;
template <class Execution>
using trainer_with = tocsin::trainer<tocsin::mean_squared_error, tocsin::adam,
                                     tocsin::constant_rate, tocsin::early_stopping, Execution>;
constexpr int shards = 4;
constexpr int features = 2;
constexpr int length = 8;
constexpr int windows = 45; // no multiple of the batch, so that the last one is smaller
constexpr int killed_after = 2;

model_type network() {
    return model_type::with_embedding(features, 5, 0.2); // dropout draws random numbers
}

tocsin::matrix<float> recording() {
    tocsin::matrix<float> values(features, tocsin::index_t{windows} * length);
    tocsin::random_generator random(3);
    std::generate_n(values.data(), values.size(),
                    [&] { return static_cast<float>(random.normal()); });
    return values;
}

/// The weights and errors of all epochs.
std::vector<double> visible(const tocsin::training_state<float>& state) {
    std::vector<double> all(state.parameters.begin(), state.parameters.end());
    all.insert(all.end(), state.best_parameters.begin(), state.best_parameters.end());
    for (const auto& record : state.history) {
        all.insert(all.end(), {record.training_loss, record.validation_rmse, record.gradient_norm});
    }
    return all;
}

template <class Execution, class... Callbacks>
bool train(const Execution& execution, tocsin::training_state<float>& state,
           Callbacks&&... callbacks) {
    trainer_with<Execution> how;
    how.epochs = 6;
    how.batch_size = 14;
    how.execution = execution;
    const auto values = recording();
    const auto data = tocsin::make_windows(values, length, length).value();
    const auto outcome = how.fit(network(), data, {}, state, callbacks...);
    if (!outcome.ok()) {
        std::printf("%s\n", outcome.message());
    }
    return outcome.ok();
}
tocsin::training_state<float> fresh() {
    return tocsin::training_state<float>::fresh(network(), tocsin::adam{}, 7);
}
std::vector<double> expected() {
    auto state = fresh();
    return train(tocsin::data_parallel{.threads = shards}, state) ? visible(state)
                                                                  : std::vector<double>{};
}

int equal(int rank) {
    auto state = fresh();
    if (!train(tocsin::mpi_execution{.number_of_shards = shards}, state)) {
        return 1;
    }
    const auto wanted = expected();
    if (wanted.empty() || visible(state) != wanted) {
        std::printf("process %d: other weights than data_parallel\n", rank);
        return 1;
    }
    const auto squares = tocsin::mpi_for_each(7, [](int k) { return 1.0 * k * k; });
    if (squares != std::vector<double>{0, 1, 4, 9, 16, 25, 36} ||
        !tocsin::mpi_for_each(0, [](int) { return 1.0; }).empty()) {
        return 1;
    }
    // A run goes on in as many shards, by threads or by any number of processes.
    auto begun = fresh();
    begun.shards = shards + 1;
    if (train(tocsin::mpi_execution{.number_of_shards = shards}, begun)) {
        return 1;
    }
    begun.shards = 0;
    bool goes_on = true;
    const auto one_epoch = [](const tocsin::epoch_event<float>&) { return false; };
    for (int epoch = 0; epoch < 3; ++epoch) {
        goes_on = train(tocsin::data_parallel{.threads = shards}, begun, one_epoch) && goes_on;
        goes_on =
            train(tocsin::mpi_execution{.number_of_shards = shards}, begun, one_epoch) && goes_on;
    }
    if (!goes_on || visible(begun) != wanted) {
        std::printf("process %d: other weights, in turn with data_parallel\n", rank);
        return 1;
    }
    for (const int wrong : {0, 1, 257}) {
        if (tocsin::mpi_execution{.number_of_shards = wrong}.check().ok()) {
            return 1;
        }
    }
    return tocsin::mpi_execution{.processes = MPI_COMM_NULL}.check().ok() ? 1 : 0;
}

int killed(int rank, int processes, const char* file) {
    auto state = fresh();
    tocsin::checkpoint_writer writer(file);
    const auto after_epoch = [&](const tocsin::epoch_event<float>& event) {
        if (rank == 0) {
            writer(event);
        }
        MPI_Barrier(MPI_COMM_WORLD); // the checkpoint is on the disk
        if (rank == processes - 1 && event.record.epoch + 1 == killed_after) {
            std::raise(SIGKILL);
        }
    };
    train(tocsin::mpi_execution{.number_of_shards = shards}, state, after_epoch);
    return 0; // which the test takes as a failure
}

int resumed(int rank, const char* file) {
    auto state = tocsin::load_checkpoint(file, fresh());
    if (!state || state->finished_epochs() != killed_after) {
        std::printf("process %d: no checkpoint of %d epochs: %s\n", rank, killed_after,
                    state.error().message());
        return 1;
    }
    if (!train(tocsin::mpi_execution{.number_of_shards = shards}, *state)) {
        return 1;
    }
    const auto wanted = expected();
    const bool same = !wanted.empty() && visible(*state) == wanted;
    std::printf("process %d: %s\n", rank, same ? "the bits of an uninterrupted run" : "other bits");
    return same ? 0 : 1;
}

/// Ends training after two epochs and in the middle of the third, or lets it go on.
struct ends_training {
    bool after_epochs = false;
    bool in_the_third = false;

    bool operator()(const tocsin::epoch_event<float>& event) const {
        return !after_epochs || event.record.epoch + 1 < 2;
    }
    bool after_batch(const tocsin::batch_event& event) const {
        return !in_the_third || event.epoch < 2;
    }
};

/// Whether every process has the weights and epochs of the first one, two of them.
bool all_ended_after_two(const tocsin::training_state<float>& state) {
    auto first = visible(state);
    tocsin::detail::mpi_share_content(first, 0, MPI_COMM_WORLD);
    return state.finished_epochs() == 2 && visible(state) == first;
}

int stopped(int rank, int processes) {
    const tocsin::mpi_execution execution{.number_of_shards = shards};
    for (const int one : {0, processes - 1}) {
        for (const bool in_the_third : {false, true}) {
            auto state = fresh();
            const bool mine = rank == one;
            if (!train(execution, state,
                       ends_training{mine && !in_the_third, mine && in_the_third}) ||
                !all_ended_after_two(state)) {
                std::printf("process %d: %d epochs, ended by %d\n", rank, state.finished_epochs(),
                            one);
                return 1;
            }
        }
        auto state = fresh(); // the others have no callback at all
        const bool trained = rank == one ? train(execution, state, ends_training{false, true})
                                         : train(execution, state);
        if (!trained || !all_ended_after_two(state)) {
            std::printf("process %d: %d epochs, others without a callback\n", rank,
                        state.finished_epochs());
            return 1;
        }
    }
    return 0;
}

/// Waits without using a processor, unlike MPI_Barrier.
void sleep_until_all_are_here() {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    for (int done = 0; done == 0;) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
}

/// What an epoch takes: on the clock, and of a processor without waiting and sending.
struct epoch_cost {
    double seconds = 0;
    double computing = 0;
};

/// An epoch of 4 batches of 64 windows of 30 samples, 8 shards.
epoch_cost cost_of_epoch(int hidden, MPI_Comm processes) {
    constexpr int sensors = 8;
    const auto model = model_type::with_embedding(sensors, hidden);
    tocsin::matrix<float> values(sensors, 4 * 64 * 30);
    tocsin::random_generator random(3);
    std::generate_n(values.data(), values.size(),
                    [&] { return static_cast<float>(random.normal()); });
    const auto data = tocsin::make_windows(values, 30, 30).value();
    trainer_with<tocsin::mpi_execution> how;
    how.epochs = 1;
    how.batch_size = 64;
    how.execution = {.number_of_shards = 8, .processes = processes};
    auto state = tocsin::training_state<float>::fresh(model, tocsin::adam{}, 7);
    seconds_in_mpi = 0;
    const double before = processor_seconds();
    const auto start = std::chrono::steady_clock::now();
    if (!how.fit(model, data, {}, state).ok()) {
        return {};
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    return {spent.count(), processor_seconds() - before - seconds_in_mpi};
}

int scaling(int rank, int processes) {
    constexpr int repeats = 5;
    for (const int hidden : {16, 64, 128}) {
        epoch_cost alone{HUGE_VAL, HUGE_VAL}; // the least of all repeats
        epoch_cost together = alone;
        const auto keep_less = [](epoch_cost& least, const epoch_cost& one) {
            least.seconds = std::min(least.seconds, one.seconds);
            least.computing = std::min(least.computing, one.computing);
        };
        for (int k = 0; k < repeats; ++k) { // in turn, so that both see the same machine
            if (rank == 0) {
                keep_less(alone, cost_of_epoch(hidden, MPI_COMM_SELF));
            }
            sleep_until_all_are_here();
            epoch_cost one = cost_of_epoch(hidden, MPI_COMM_WORLD);
            MPI_Allreduce(MPI_IN_PLACE, &one.computing, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
            keep_less(together, one);
            sleep_until_all_are_here();
        }
        if (rank == 0) {
            std::printf("(8, %d), 1 and %d processes: %.1f and %.1f ms an epoch, ratio %.2f; "
                        "computing %.1f and %.1f ms of a processor, ratio %.2f\n",
                        hidden, processes, 1e3 * alone.seconds, 1e3 * together.seconds,
                        alone.seconds / together.seconds, 1e3 * alone.computing,
                        1e3 * together.computing, alone.computing / together.computing);
        }
    }
    return 0;
}

/// Processor time of a step of 64 windows of 30 samples, nothing of which is communication.
int steps() {
    constexpr int repeats = 7;
    constexpr int in_epoch = 2;
    for (const auto& [sensors, hidden] : {std::pair{8, 64}, {38, 128}, {38, 256}}) {
        const auto model = tocsin::encoder_decoder<float>::with_layers(sensors, {hidden});
        tocsin::matrix<float> values(sensors, in_epoch * 64 * 30);
        tocsin::random_generator random(3);
        std::generate_n(values.data(), values.size(),
                        [&] { return static_cast<float>(random.normal()); });
        const auto data = tocsin::make_windows(values, 30, 30).value();
        const auto judged = data.slice(0, 1); // a window, whose prediction costs little
        trainer_with<tocsin::serial_execution> how;
        how.epochs = 1;
        how.batch_size = 64;
        double least = HUGE_VAL;
        for (int k = 0; k < repeats; ++k) {
            auto state = tocsin::training_state<float>::fresh(model, tocsin::adam{}, 7);
            const double before = processor_seconds();
            if (!how.fit(model, data, judged, state).ok()) {
                return 1;
            }
            least = std::min(least, (processor_seconds() - before) / in_epoch);
        }
        std::printf("(%d, %d): %lld parameters, %.1f ms of a processor for a step of 64 windows\n",
                    sensors, hidden, static_cast<long long>(model.parameter_count()), 1e3 * least);
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (tocsin::mpi_execution{}.check().ok()) {
        return 1; // MPI has not been started
    }
    MPI_Init(&argc, &argv);
    int rank = 0;
    int processes = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &processes);
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    int code = 2;
    if (wanted == "equal") {
        code = equal(rank);
    } else if (wanted == "killed" && argc > 2) {
        code = killed(rank, processes, argv[2]);
    } else if (wanted == "resumed" && argc > 2) {
        code = resumed(rank, argv[2]);
    } else if (wanted == "stopped") {
        code = stopped(rank, processes);
    } else if (wanted == "scaling") {
        code = scaling(rank, processes);
    } else if (wanted == "steps") {
        code = steps();
    }
    MPI_Finalize();
    return code;
}
