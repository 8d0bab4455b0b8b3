// A model in place of a detector.
#include <tocsin/io/detector_file.hpp>
#include <tocsin/models/forecaster.hpp>

int main() {
    using model = tocsin::forecaster<float>;
    return tocsin::load_detector<model>("file") ? 0 : 1; // error: load_detector
}
