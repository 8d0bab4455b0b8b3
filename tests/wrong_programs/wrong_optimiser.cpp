// An optimiser whose update may throw.
#include <cstdint>
#include <span>
#include <tocsin/training/fit.hpp>

struct throwing_descent {
    double learning_rate = 0.1;
    tocsin::status check() const { return {}; }
    tocsin::index_t state_size(tocsin::index_t) const { return 0; }
    template <class Scalar>
    void update(std::span<Scalar>, std::span<const Scalar>, std::span<Scalar>, std::int64_t,
                double) const {}
};

int main() {
    using loss = tocsin::mean_squared_error;
    tocsin::trainer<loss, throwing_descent> trainer; // unsatisfied: update_rule
}
