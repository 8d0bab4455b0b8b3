#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/sequential.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

using namespace tocsin;

namespace {

/// As if work went on in other processes, too, one of which ends it after so many questions.
struct outvoted {
    int* left = nullptr;

    struct team {
        int* left;
        template <class Work>
        void run(const Work& work) const noexcept {
            work(0);
        }
        bool all(bool here) const noexcept { return here && --*left > 0; }
    };
    static status check() noexcept { return {}; }
    static constexpr int shards() noexcept { return 1; }
    team start() const noexcept { return {left}; }
};
static_assert(shared_memory_execution<outvoted>);

} // namespace

TEST_SUITE("training") {
    TEST_CASE("execution: training ends after the batch or epoch in which one process ends it") {
        const matrix<float> samples = matrix<float>::Random(2, 60);
        const auto data = make_windows(samples, 10, 10).value(); // 6 windows: 3 batches an epoch
        const auto model = forecaster<float>::with_layers(2, 2, {3});
        const labelled_windows<float> labelled{data, {0, 1, 0, 1, 0, 1}, {}};
        const sequential network(global_max_pooling<float>(2), dense<float>(2, 1));
        struct ending {
            int questions, epochs;
        };
        // Within an epoch, which does not count; after its last batch; after the epoch.
        for (const ending& at : {ending{6, 1}, ending{7, 1}, ending{8, 2}}) {
            CAPTURE(at.questions);
            int left = at.questions;
            trainer<mean_squared_error, adam, constant_rate, early_stopping, outvoted> how;
            how.batch_size = 2;
            how.execution = {&left};
            auto state = training_state<float>::fresh(model, how.optimiser, 1);
            REQUIRE(how.fit(model, data, {}, state).ok());
            CHECK(state.finished_epochs() == at.epochs);
            CHECK(left == 0);

            left = at.questions;
            classifier_trainer<adam, constant_rate, train_all_epochs, outvoted> classifying;
            classifying.batch_size = 2;
            classifying.best_by = classification_metric::training_loss;
            classifying.execution = {&left};
            auto learned = classifier_state<float>::fresh(network, classifying.optimiser, 1);
            const status done = classifying.fit(network, labelled, {}, learned);
            REQUIRE_MESSAGE(done.ok(), done.message());
            CHECK(learned.finished_epochs() == at.epochs);
            CHECK(left == 0);
        }
    }
}
