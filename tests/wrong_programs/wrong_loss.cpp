// A loss that gives no gradient.
#include <span>
#include <tocsin/training/fit.hpp>

struct value_only {
    double operator()(std::span<const float>, std::span<const float>) const noexcept { return 0; }
};

int main() {
    tocsin::trainer<value_only> trainer; // unsatisfied: loss_function
}
