#include "tocsin/training/classification_history.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace tocsin;

namespace {

std::vector<classification_record> losses(const std::vector<double>& values) {
    std::vector<classification_record> history;
    for (const double value : values) {
        classification_record record;
        record.epoch = static_cast<int>(history.size());
        record.training_loss = value;
        record.validation_loss = value;
        record.validation.f1 = 1 - value;
        history.push_back(record);
    }
    return history;
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE("stop_on_metric: stops when any metric has not improved for the patience") {
        const stop_on_metric loss{.patience = 2};
        CHECK(!loss(losses({})));
        CHECK(!loss(losses({0.5, 0.4, 0.4})));
        CHECK(loss(losses({0.5, 0.4, 0.4, 0.45})));
        CHECK(!loss(losses({0.5, 0.4, 0.4, 0.3})));
        const stop_on_metric f1{.metric = classification_metric::f1, .patience = 2};
        CHECK(!f1(losses({0.5, 0.4, 0.3})));
        CHECK(f1(losses({0.5, 0.6, 0.7})));
        // Epochs in which a metric was not measured do not count.
        CHECK(!stop_on_metric{.metric = classification_metric::auc,
                              .patience = 3}(losses({0.3, 0.2, 0.1})));
        CHECK(!stop_on_metric{.patience = 0}.check().ok());
        CHECK(!stop_on_metric{.minimum_change = -1}.check().ok());
    }

    TEST_CASE(
        "plateau_decay: halves after the patience, starts to count again, stops at the lowest") {
        const plateau_decay rate{.patience = 2, .lowest = 0.2};
        CHECK(rate(losses({})) == 1);
        CHECK(rate(losses({1, 2})) == 1);
        CHECK(rate(losses({1, 2, 2})) == 0.5);
        CHECK(rate(losses({1, 2, 2, 2})) == 0.5);
        CHECK(rate(losses({1, 2, 2, 2, 2})) == 0.25);
        CHECK(rate(losses({1, 2, 2, 2, 2, 2, 2})) == 0.2);
        CHECK(rate(losses({1, 2, 2, 0.5, 2})) == 0.5);
        CHECK(!plateau_decay{.factor = 1}.check().ok());
        CHECK(!plateau_decay{.lowest = std::numeric_limits<double>::quiet_NaN()}.check().ok());
    }
}
