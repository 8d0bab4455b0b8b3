// A share of the data instead of a plan of what is held out.
#include <tocsin/detect/detector.hpp>
#include <tocsin/models/forecaster.hpp>
#include <tocsin/training/fit.hpp>

tocsin::status fit(tocsin::detector<tocsin::forecaster<float>>& detector,
                   const tocsin::windows<float>& normal) {
    const tocsin::trainer<> trainer;
    return detector.fit(normal, trainer, 0.2); // unsatisfied: held_out_plan
}
