// A stopping rule that looks at the last error instead of the history.
#include <tocsin/training/fit.hpp>

struct good_enough {
    bool operator()(double rmse) const noexcept { return rmse < 0.1; }
};

int main() {
    using namespace tocsin;
    using loss = mean_squared_error;
    trainer<loss, adam, constant_rate, good_enough> training; // unsatisfied: stopping_rule
}
