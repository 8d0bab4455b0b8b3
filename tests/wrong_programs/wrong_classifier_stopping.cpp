// A stopping rule of forecasters, given to a classifier.
#include <tocsin/training/fit_classifier.hpp>
#include <tocsin/training/stopping.hpp>

using stop = tocsin::early_stopping;

int main() {
    using namespace tocsin;
    classifier_trainer<adam, constant_rate, stop> training; // unsatisfied: classifier_stopping_rule
}
