// The threshold per feature of a model that has no such view.
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>

int main() {
    tocsin::detector<tocsin::forecaster<float>> detector;
    detector.override_thresholds(7);
    detector.override_thresholds(7, 8); // error: override_thresholds
}
