// A scaler of doubles before a model of floats.
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>

int main() {
    using scaler = tocsin::standard_scaler<double>;
    tocsin::detector<tocsin::forecaster<float>, scaler> detector; // error: the same scalar_type
}
