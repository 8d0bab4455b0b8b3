// Alarm control that answers with a number, and may throw.
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>

struct counting {
    int push(bool flag) { return count += flag ? 1 : 0; }
    int count = 0;
};

int main() {
    using model = tocsin::forecaster<float>;
    using scaler = tocsin::standard_scaler<float>;
    using statistic = tocsin::mahalanobis<>;
    using rule = tocsin::quantile_threshold;
    tocsin::detector<model, scaler, statistic, rule, counting> detector; // unsatisfied: alarm_piece
}
