// A member of an ensemble whose rule knows no expected number of false alarms.
#include <tocsin/detect/detector.hpp>
#include <tocsin/detect/ensemble.hpp>
#include <tocsin/models/forecaster.hpp>

using by_quantile = tocsin::detector<tocsin::forecaster<float>>;

int main() {
    tocsin::ensemble<by_quantile> ensemble; // unsatisfied: ensemble_member
}
