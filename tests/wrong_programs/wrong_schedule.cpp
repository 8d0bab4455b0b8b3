// A schedule that takes no epoch.
#include <tocsin/training/fit.hpp>

struct ageless {
    double operator()() const noexcept { return 1; }
};

int main() {
    using namespace tocsin;
    trainer<mean_squared_error, adam, ageless> training; // unsatisfied: learning_rate_schedule
}
