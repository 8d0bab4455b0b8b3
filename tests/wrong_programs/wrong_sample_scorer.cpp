// A comparator whose push may throw.
#include <span>
#include <tocsin/comparators/scored_comparator.hpp>

struct throwing_scorer {
    double push(std::span<const double> sample) { return sample[0]; }
    void reset() noexcept {}
    int features() const noexcept { return 1; }
};

int main() {
    tocsin::scored_comparator<float, throwing_scorer> comparator; // unsatisfied: sample_scorer
}
