// A number of threads instead of a policy.
#include <tocsin/training/fit.hpp>

int main() {
    using namespace tocsin;
    using loss = mean_squared_error;
    trainer<loss, adam, constant_rate, never_stop, int> training; // unsatisfied: execution_policy
}
