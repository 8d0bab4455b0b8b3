// A rule that cannot be loaded: it has no exchange().
#include <span>
#include <tocsin/detect/detector.hpp>
#include <tocsin/io/detector_file.hpp>
#include <tocsin/models/forecaster.hpp>

struct forgetful_rule {
    static constexpr const char* kind = "forgetful";
    tocsin::status fit(std::span<const double>, std::span<const std::uint8_t>) { return {}; }
    double threshold() const noexcept { return 1; }
};

int main() {
    using model = tocsin::forecaster<float>;
    using scaler = tocsin::standard_scaler<float>;
    using statistic = tocsin::mahalanobis<>;
    using detector = tocsin::detector<model, scaler, statistic, forgetful_rule>;
    return tocsin::load_detector<detector>("file").ok() ? 0 : 1; // error: needs exchange(archive)
}
