// Programs for mpirun; tests.cmake says how they are called. What several processes share without
// training one model together: statistics, seeds, a search.
//     statistics            shards that are merged, against one pass
//     seeds                 trainings from several seeds, against one process
//     folds                 models of held-out data, against one process
//     search                trials in processes, against trials in threads
//     search_killed  FILE   one process dies in trial 9; FILE keeps the trials that ended
//     search_resumed FILE   the search continues, with the trials of an uninterrupted one
#include "tocsin/core/random.hpp"
#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/mpi_folds.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/io/mpi_statistics.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/mean_of_models.hpp"
#include "tocsin/search/mpi_search.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/training/fit.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin::index_t;

/// Says what is wrong, and counts it.
int check(bool good, const char* what) {
    if (!good) {
        std::printf("wrong: %s\n", what);
    }
    return good ? 0 : 1;
}

tocsin::matrix<double> random_samples(int dimension, index_t count) {
    tocsin::matrix<double> samples(dimension, count);
    tocsin::random_generator random(5);
    std::generate_n(samples.data(), samples.size(), [&] { return 3 + 0.01 * random.normal(); });
    return samples;
}

template <class Statistic>
std::vector<std::byte> bytes_of(const Statistic& statistic) {
    Statistic copy = statistic;
    tocsin::byte_writer writer;
    copy.exchange(writer);
    return writer.bytes();
}

int statistics() {
    constexpr int dimension = 5;
    constexpr int shards = 7; // no multiple of the processes
    constexpr index_t count = 1001;
    auto samples = random_samples(dimension, count);
    samples(2, 400) = std::numeric_limits<double>::quiet_NaN();
    const auto fill = [&](int shard, tocsin::moments<>& part) {
        const index_t first = count * shard / shards;
        part.add_batch(samples.middleCols(first, count * (shard + 1) / shards - first));
    };
    tocsin::moments<> merged(dimension);
    for (int shard = 0; shard < shards; ++shard) {
        tocsin::moments<> part(dimension);
        fill(shard, part);
        if (!merged.merge(part).ok()) {
            return 1;
        }
    }
    const auto shared = tocsin::mpi_statistics(shards, tocsin::moments<>(dimension), fill);
    if (!shared) {
        return check(false, shared.error().message());
    }
    int wrong = check(bytes_of(*shared) == bytes_of(merged), "other bits than one process");
    tocsin::moments<> once(dimension);
    once.add_batch(samples);
    wrong += check(shared->agrees(once) && shared->rejected() == 1, "not the samples of one pass");
    // The distances are those of one pass, too.
    tocsin::mahalanobis<> from_shards(dimension);
    tocsin::mahalanobis<> from_one_pass(dimension);
    if (!from_shards.fit(*shared).ok() || !from_one_pass.fit(once).ok()) {
        return 1;
    }
    for (index_t c = 0; c < 20; ++c) {
        const std::span<const double> sample(samples.col(c).data(), dimension);
        const double one = from_one_pass.score(sample);
        wrong += check(std::abs(from_shards.score(sample) - one) <= 1e-9 * one, "other distances");
    }

    const auto scores = random_samples(1, count);
    const auto add_scores = [&](int shard, tocsin::quantile_sketch& part) {
        part = tocsin::quantile_sketch(200, static_cast<std::uint64_t>(shard));
        for (index_t k = shard; k < count; k += shards) {
            part.push(scores(0, k));
        }
    };
    const tocsin::quantile_sketch none(200, 99);
    const auto sketch = tocsin::mpi_statistics(shards, none, add_scores);
    tocsin::quantile_sketch sketch_of_one = none;
    for (int shard = 0; shard < shards; ++shard) {
        auto part = none;
        add_scores(shard, part);
        wrong += check(sketch_of_one.merge(part).ok(), "sketches do not merge");
    }
    wrong += check(sketch && bytes_of(*sketch) == bytes_of(sketch_of_one), "another sketch");

    const auto too_large =
        tocsin::mpi_statistics(3, tocsin::moments<>(1), [](int shard, tocsin::moments<>& part) {
            part.add_batch(tocsin::matrix<double>{{1.0, shard == 1 ? 1e200 : 2.0}});
        });
    wrong += check(too_large && too_large->count() == 5 && too_large->rejected() == 1,
                   "a value beyond all sums was taken");
    wrong += check(!tocsin::mpi_statistics(0, none, add_scores), "no shards were taken");
    return wrong;
}

/// The weights that a small model learns from a seed.
std::vector<double> weights_of(int seed) {
    const auto model = tocsin::autoencoder<float>::with_embedding(2, 3, 0.2);
    const tocsin::matrix<float> values = random_samples(2, 160).cast<float>();
    const auto data = tocsin::make_windows(values, 8, 8).value();
    tocsin::trainer<> how;
    how.epochs = 2;
    auto state = tocsin::training_state<float>::fresh(model, tocsin::adam{},
                                                      static_cast<std::uint64_t>(seed));
    if (!how.fit(model, data, {}, state).ok()) {
        return {};
    }
    return {state.parameters.begin(), state.parameters.end()};
}

/// Two sinusoids with a little noise.
tocsin::matrix<float> waves(index_t count) {
    tocsin::random_generator random(8);
    tocsin::matrix<float> values(2, count);
    for (index_t t = 0; t < count; ++t) {
        const double time = static_cast<double>(t);
        values(0, t) = static_cast<float>(std::sin(0.2 * time) + 0.05 * random.normal());
        values(1, t) = static_cast<float>(std::cos(0.1 * time) + 0.05 * random.normal());
    }
    return values;
}

/// Fits a detector with a plan in this process, and in all of them.
/// @param epochs receives how many were seen here in the latter case, and in the former
template <class Detector, class Plan>
int fold(const char* what, const Detector& untrained, const Plan& plan, int (&epochs)[2]) {
    const auto values = waves(900);
    const auto data = tocsin::make_windows(values, 30, 10).value();
    tocsin::trainer<> how;
    how.epochs = 2;
    how.seed = 3;
    Detector alone = untrained;
    Detector together = untrained;
    const auto one = alone.fit(data, how, plan, [&](const auto&) { ++epochs[1]; });
    const auto all =
        together.fit(data, how, tocsin::mpi_folds{plan}, [&](const auto&) { ++epochs[0]; });
    if (!one.ok() || !all.ok()) {
        return check(false, one.ok() ? all.message() : one.message());
    }
    int wrong = check(alone.identity() == together.identity() && alone.identity() != 0, what);
    auto stream_alone = alone.make_stream();
    auto stream_together = together.make_stream();
    int scored = 0;
    for (index_t t = 0; t < 200; ++t) {
        const auto said = alone.push(stream_alone, values.col(t));
        const auto also = together.push(stream_together, values.col(t));
        wrong += check(std::memcmp(&said.score, &also.score, sizeof said.score) == 0 &&
                           std::memcmp(&said.threshold, &also.threshold, sizeof said.score) == 0,
                       "another verdict");
        scored += said.scored() ? 1 : 0;
    }
    return wrong + check(scored > 100, "nothing was judged");
}

/// The guard leaves nothing to learn from for the block in the middle, and windows for the two others.
template <class Detector>
int one_fold_fails(const Detector& untrained, const char* what) {
    const auto values = waves(250);
    const auto data = tocsin::make_windows(values, 30, 10).value();
    const tocsin::cross_fit guarded{.folds = 3, .guard = 60};
    int epochs = 0;
    const auto fitted_by = [&](const auto& plan) {
        tocsin::trainer<> how;
        how.epochs = 1;
        epochs = 0;
        auto detector = untrained;
        return detector.fit(data, how, plan, [&](const auto&) { ++epochs; });
    };
    const auto alone = fitted_by(guarded);
    int wrong = check(!alone.ok() && epochs == 2, "not the block in the middle failed");
    const auto together = fitted_by(tocsin::mpi_folds{guarded});
    return wrong +
           check(!together.ok() && std::string_view(together.message()) == alone.message(), what);
}

#if defined(__cpp_exceptions)
/// A callback throws in the last process, in each epoch that it sees; the others end with a failure, and
/// the processes are in step afterwards.
template <class Detector>
int one_process_throws(const Detector& untrained, const char* what) {
    int rank = 0;
    int size = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const auto values = waves(900);
    const auto data = tocsin::make_windows(values, 30, 10).value();
    tocsin::trainer<> how;
    how.epochs = 1;
    const tocsin::mpi_folds plan{tocsin::cross_fit{.folds = 5}};
    int wrong = 0;
    for (const int good :
         {0, 1}) { // epochs that go well before: a detector of charts trains its own
        auto detector = untrained;
        int left = good;
        bool thrown = false;
        tocsin::status said;
        try {
            said = detector.fit(data, how, plan, [&](const auto&) {
                if (rank == size - 1 && left-- == 0) {
                    throw std::runtime_error("the display is gone");
                }
            });
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        // With one model for each process, a second epoch may be none of the last one.
        int any = thrown ? 1 : 0;
        MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
        wrong += check(any == 1 || good > 0, "nobody has thrown");
        wrong += check(thrown == (any == 1 && rank == size - 1), "another process has thrown");
        const bool told =
            std::string_view(said.message()).find("display") != std::string_view::npos;
        wrong += check(thrown || (any == 1 ? !said.ok() && told : said.ok()), what);
    }
    auto detector = untrained;
    return wrong + check(detector.fit(data, how, plan).ok(), "no fit after an exception");
}
#else
template <class Detector>
int one_process_throws(const Detector& /*untrained*/, const char* /*what*/) {
    return 0;
}
#endif

int folds() {
    int rank = 0;
    int size = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const auto model = tocsin::forecaster<float>::with_layers(2, 2, {4});
    using forecasting = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                         tocsin::mahalanobis<>>;
    const tocsin::cross_fit five{.folds = 5};
    int seen[2] = {};
    int wrong = fold("cross_fit: another detector", forecasting(model), five, seen);
    // Of six models, process k has trained every one whose number is k modulo that of processes.
    const int trained = (6 - rank + size - 1) / size;
    wrong += check(seen[1] == 12 && seen[0] == 2 * trained, "models of another process");
    int ignored[2] = {};
    wrong += fold("rolling_origin: another detector", forecasting(model), tocsin::rolling_origin{},
                  ignored);
    using windowed = tocsin::detector<tocsin::autoencoder<float>>;
    wrong += fold("windows: another detector",
                  windowed(tocsin::autoencoder<float>::with_embedding(2, 3), {.window = 30}), five,
                  ignored);
    using mean = tocsin::mean_of_models<tocsin::forecaster<float>>;
    wrong += fold("mean_of_models: another detector", tocsin::detector<mean>(mean(model, 5)), five,
                  ignored);
    using charted = tocsin::charted_detector<forecasting>;
    wrong += fold("charts: another detector", charted(forecasting(model)), five, ignored);

    // A model that fails in one process fails in all, with the words of one process.
    const tocsin::matrix<float> few = waves(150);
    const auto data = tocsin::make_windows(few, 30, 10).value();
    const auto refused_for = [&](const auto& plan) {
        tocsin::trainer<> how;
        how.epochs = 1;
        auto detector = forecasting(model);
        return detector.fit(data, how, plan);
    };
    const tocsin::cross_fit guarded{.folds = 3, .guard = 40};
    const auto said = refused_for(tocsin::mpi_folds{guarded});
    wrong += check(!said.ok() && std::string_view(said.message()) == refused_for(guarded).message(),
                   said.message());
    wrong += one_fold_fails(forecasting(model), "detector");
    wrong += one_fold_fails(charted(forecasting(model)), "charts");
    wrong += one_process_throws(forecasting(model), "detector");
    wrong += one_process_throws(tocsin::detector<mean>(mean(model, 5)), "mean_of_models");
    wrong += one_process_throws(charted(forecasting(model)), "charts");
    const auto bad = refused_for(tocsin::mpi_folds{tocsin::cross_fit{.folds = 1}});
    wrong += check(bad.code() == tocsin::error_code::invalid_argument, "one fold was taken");
    tocsin::trainer<tocsin::mean_squared_error, tocsin::adam, tocsin::constant_rate,
                    tocsin::early_stopping, tocsin::mpi_execution>
        distributed;
    distributed.epochs = 1;
    if (size > 1) {
        auto detector = forecasting(model);
        const auto waiting = detector.fit(data, distributed, tocsin::mpi_folds{five});
        wrong += check(waiting.code() == tocsin::error_code::invalid_argument,
                       "a trainer of all processes was taken");
    }
    return wrong;
}

int seeds() {
    constexpr int count = 5;
    const auto trained = tocsin::mpi_for_each(count, weights_of);
    int wrong = check(trained.size() == count, "another number of results");
    for (int k = 0; k < count; ++k) {
        const auto& weights = trained[static_cast<std::size_t>(k)];
        wrong += check(!weights.empty() && weights == weights_of(k), "other weights");
    }
    const auto lengths = tocsin::mpi_for_each(4, [](int k) {
        return std::vector<double>(static_cast<std::size_t>(k), 1.0); // also none at all
    });
    for (int k = 0; k < 4; ++k) {
        wrong += check(lengths[static_cast<std::size_t>(k)].size() == static_cast<std::size_t>(k),
                       "another length");
    }
    return wrong;
}

constexpr int trials = 22; // no multiple of those at once
constexpr int killed_in = 9;
tocsin::search_space bowl() {
    tocsin::search_space space;
    space.add_real("x", -2, 2).add_real("y", -1, 3).add_choice("kind", {"good", "bad"});
    return space;
}
tocsin::search_settings how_to_search() {
    tocsin::search_settings settings;
    settings.trials = trials;
    settings.parallel = 4;
    settings.initial = 6;
    settings.seed = 3;
    settings.halving = {.first = 1, .factor = 2};
    return settings;
}
/// Reports on its way, and fails in a corner.
tocsin::result<double> depth(tocsin::running_trial& trial) {
    const double x = trial.real("x");
    const double y = trial.real("y");
    const double end = x * x + (y - 1) * (y - 1) + (trial.choice("kind") == "good" ? 0 : 1);
    for (int step = 1; step <= 4; ++step) {
        if (!trial.report(step, end + 1.0 / step)) {
            return end;
        }
    }
    if (x > 1.5) {
        return tocsin::status::error(tocsin::error_code::invalid_data, "x is \"large\"");
    }
    return end;
}
std::vector<std::string> lines_of(const std::vector<tocsin::search_trial>& found) {
    std::vector<std::string> lines;
    for (const auto& trial : found) {
        lines.push_back(tocsin::detail::line_of(trial, bowl()));
    }
    return lines;
}

/// Runs the search.
/// @param before trials that need not run
int search_with(const std::string& journal, int before) {
    int calls = 0;
    const auto found = tocsin::mpi_search(
        bowl(), how_to_search(),
        [&](tocsin::running_trial& trial) {
            ++calls;
            return depth(trial);
        },
        journal);
    if (!found) {
        return check(false, found.error().message());
    }
    const auto in_threads = tocsin::search(bowl(), how_to_search(), depth);
    int wrong = check(in_threads && lines_of(found->trials) == lines_of(in_threads->trials),
                      "other trials than in threads");
    MPI_Allreduce(MPI_IN_PLACE, &calls, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    wrong += check(calls == trials - before, "a trial ran twice, or not at all");
    return wrong;
}

int search() {
    int wrong = search_with("", 0);
    auto settings = how_to_search();
    settings.trials = 0;
    wrong += check(!tocsin::mpi_search(bowl(), settings, depth), "no trials were taken");
    const auto nowhere = tocsin::mpi_search(bowl(), how_to_search(), depth, "no/such/folder/file");
    wrong += check(!nowhere && nowhere.error().code() == tocsin::error_code::io_error,
                   "a journal that cannot be written was taken");
    return wrong;
}

void search_killed(const char* file) {
    const auto found = tocsin::mpi_search(
        bowl(), how_to_search(),
        [](tocsin::running_trial& trial) {
            if (trial.number() == killed_in) {
                std::raise(SIGKILL);
            }
            return depth(trial);
        },
        file);
    std::printf("the search went on: %s\n", found ? "to its end" : found.error().message());
}

/// The number of trials that a journal holds: the first process reads it, all know it.
int trials_in(const char* file) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    int kept = 0;
    if (rank == 0) {
        const auto journal = tocsin::search_journal::open(file, bowl(), how_to_search());
        kept = journal ? static_cast<int>(journal->trials().size()) : -1;
    }
    MPI_Bcast(&kept, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return kept;
}

int search_resumed(const char* file) {
    // Whole rounds are kept. Of the round in which a process died, the first process may have kept
    // its own trial before the end reached it.
    const int rounds = killed_in / how_to_search().parallel * how_to_search().parallel;
    const int before = trials_in(file);
    const int wrong = check(before >= rounds && before <= rounds + 1, "other trials were kept");
    return wrong + search_with(file, before);
}

/// What communicates refuses with a reason what would end the process.
int refused(MPI_Comm processes, const char* reason) {
    const auto says = [&](const tocsin::status& outcome) {
        return outcome.code() == tocsin::error_code::invalid_argument &&
               std::string_view(outcome.message()).find(reason) != std::string_view::npos;
    };
    const auto merged =
        tocsin::mpi_statistics(2, tocsin::moments<>(1), [](int, tocsin::moments<>&) {}, processes);
    const auto found = tocsin::mpi_search(bowl(), how_to_search(), depth, {}, {}, processes);
    auto detector = tocsin::detector<tocsin::forecaster<float>>(
        tocsin::forecaster<float>::with_layers(2, 2, {3}));
    const auto values = waves(100);
    const auto fitted = detector.fit(tocsin::make_windows(values, 10).value(), tocsin::trainer<>{},
                                     tocsin::mpi_folds{tocsin::cross_fit{}, processes});
    return check(!merged && says(merged.error()), "statistics without processes were taken") +
           check(says(fitted), "folds without processes were taken") +
           check(!found && says(found.error()), "a search without processes was taken");
}

} // namespace

int main(int argc, char** argv) {
    if (refused(MPI_COMM_WORLD, "MPI is not running") != 0) {
        return 1;
    }
    MPI_Init(&argc, &argv);
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    int wrong = 2;
    if (wanted == "statistics") {
        wrong = statistics() + refused(MPI_COMM_NULL, "MPI_COMM_NULL");
    } else if (wanted == "seeds") {
        wrong = seeds();
    } else if (wanted == "folds") {
        wrong = folds();
    } else if (wanted == "search") {
        wrong = search();
    } else if (wanted == "search_killed" && argc > 2) {
        search_killed(argv[2]);
        wrong = 0; // which the test takes as a failure
    } else if (wanted == "search_resumed" && argc > 2) {
        wrong = search_resumed(argv[2]);
    }
    MPI_Finalize();
    return wrong == 0 ? 0 : 1;
}
