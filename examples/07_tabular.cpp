// Rows without labels and without an order in time: an autoencoder learns what normal rows of a
// table look like, a threshold follows from their errors, and an anomalous row is reported with the
// columns that account for it. Rows are generated, like those of a log of pumps.
//     07_tabular
#include "tocsin/detect/detector.hpp"
#include "tocsin/math/piecewise_activations.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include "support/require.hpp"
#include <algorithm>
#include <cstdio>
#include <string_view>
#include <type_traits>

using namespace tocsin;

namespace {

constexpr int columns = 5;
constexpr std::string_view names[columns] = {"speed", "flow", "pressure", "power", "temperature"};

/// One row: whatever the speed, the other columns follow from it.
column<float> normal_row(random_generator& random) {
    const double speed = random.uniform(600, 1800);
    const double flow = 0.02 * speed;
    const double pressure = 2e-6 * speed * speed;
    column<float> row(columns);
    const double exact[columns] = {speed, flow, pressure, 0.1 * flow * pressure + 1,
                                   20 + 0.01 * speed};
    for (int k = 0; k < columns; ++k) {
        row(k) = static_cast<float>(exact[k] * (1 + 0.01 * random.normal()));
    }
    return row;
}
matrix<float> normal_rows(int count, std::uint64_t seed) {
    random_generator random(seed);
    matrix<float> rows(columns, count);
    for (int t = 0; t < count; ++t) {
        rows.col(t) = normal_row(random);
    }
    return rows;
}

} // namespace

int main() {
    const auto training = normal_rows(3000, 1);
    const auto held_out = normal_rows(1000, 2);

    // A row is a window of one sample, so detector, scaler and threshold are the same as for
    // sequences.
    const auto model = make_row_autoencoder<float, leaky_relu_activation>(columns, {12, 6, 2});
    detector<std::remove_const_t<decltype(model)>, min_max_scaler<float>, mahalanobis<>,
             quantile_threshold>
        monitor(model, {.window = 1}, {}, quantile_threshold(0.995));
    const trainer<> trainer{.epochs = 60, .optimiser = {.learning_rate = 5e-3}};
    support::require(monitor.train(make_windows(training, 1).value(), {}, trainer));
    support::require(monitor.fit_errors(make_windows(held_out, 1).value()));
    support::require(monitor.tune(make_windows(held_out, 1).value()));

    // New rows: every tenth has a pressure that does not belong to its speed.
    auto rows = normal_rows(500, 3);
    int found = 0;
    int false_alarms = 0;
    auto stream = monitor.make_stream();
    for (index_t t = 0; t < rows.cols(); ++t) {
        const bool odd = t % 10 == 9;
        rows(2, t) *= odd ? 1.5F : 1.0F;
        const auto verdict = monitor.push(stream, rows.col(t));
        found += odd && verdict.is_anomaly() ? 1 : 0;
        false_alarms += !odd && verdict.is_anomaly() ? 1 : 0;
        if (t == 9) {
            double shares[columns] = {};
            monitor.shares(stream, shares);
            const auto most = std::max_element(shares, shares + columns) - shares;
            std::printf("row 9: score %.0f (threshold %.0f), most of it from %s\n", verdict.score,
                        verdict.threshold, names[most].data());
        }
    }
    std::printf("%d of 50 odd rows found, %d false alarms in 450 normal rows\n", found,
                false_alarms);
    return found > 40 && false_alarms < 20 ? 0 : 1;
}
