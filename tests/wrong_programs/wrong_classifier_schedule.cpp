// A schedule of a classifier that takes neither the epoch nor the history.
#include <tocsin/training/fit_classifier.hpp>

struct ageless {
    double operator()() const noexcept { return 1; }
};

int main() {
    using namespace tocsin;
    classifier_trainer<adam, ageless> training; // unsatisfied: classifier_schedule
}
