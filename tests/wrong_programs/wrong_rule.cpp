// A threshold rule that knows no labels.
#include <span>
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>

struct rule_without_labels {
    static constexpr const char* kind = "without_labels";
    tocsin::status fit(std::span<const double>) { return {}; }
    double threshold() const noexcept { return 1; }
};

int main() {
    using model = tocsin::forecaster<float>;
    using scaler = tocsin::standard_scaler<float>;
    using statistic = tocsin::mahalanobis<>;
    using rule = rule_without_labels;
    tocsin::detector<model, scaler, statistic, rule> detector; // unsatisfied: threshold_rule
}
