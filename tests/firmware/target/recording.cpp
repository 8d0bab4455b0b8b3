// Runs a model over the recording that was exported with it and prints the rows that are anomalies and
// those that belong to an alarm.
#include MODEL_HEADER

#include "recorded_samples.hpp"
#include "semihosting.hpp"

static constinit tocsin::firmware::watcher<MODEL::model> watch;

int main() {
    uint32_t row = 0;
    for (const auto& sample : samples) {
        if (watch.push(sample).is_anomaly()) {
            put_line("anomaly", row);
        }
        if (watch.alarm()) {
            put_line("alarm", row);
        }
        ++row;
    }
    leave(0);
}
