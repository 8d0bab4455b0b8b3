// A scaler without a way back.
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>

struct one_way_scaler {
    using scalar_type = float;
    tocsin::status fit(const tocsin::windows<float>&) { return {}; }
    void transform(Eigen::Ref<tocsin::matrix<float>>) const noexcept {}
};

int main() {
    tocsin::detector<tocsin::forecaster<float>, one_way_scaler> detector; // unsatisfied: scaler
}
