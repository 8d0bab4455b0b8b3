// An error statistic whose score may throw.
#include <span>
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>

struct throwing_statistic {
    static constexpr const char* kind = "throwing";
    explicit throwing_statistic(int) {}
    int dimension() const noexcept { return 1; }
    void accumulate(std::span<const double>) {}
    tocsin::status fit() { return {}; }
    double score(std::span<const double> error) const { return error[0]; }
};

int main() {
    using model = tocsin::forecaster<float>;
    using scaler = tocsin::standard_scaler<float>;
    tocsin::detector<model, scaler, throwing_statistic> detector; // unsatisfied: error_statistic
}
