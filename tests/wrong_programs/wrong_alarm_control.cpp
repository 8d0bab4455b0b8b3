// Alarm control that a stream cannot start afresh.
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>

struct endless {
    bool push(bool flag) noexcept { return flag; }
};

int main() {
    using model = tocsin::forecaster<float>;
    using scaler = tocsin::standard_scaler<float>;
    using statistic = tocsin::mahalanobis<>;
    using rule = tocsin::quantile_threshold;
    tocsin::detector<model, scaler, statistic, rule, endless> detector; // unsatisfied: alarm_piece
}
