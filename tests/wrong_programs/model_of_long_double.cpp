// Kernels and files know float and double.
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>

int main() {
    using model = tocsin::forecaster<long double>;
    using scaler = tocsin::standard_scaler<long double>;
    tocsin::detector<model, scaler> detector; // error: must be float or double
}
