// A user's program: includes the installed tocsin and computes one thing with it.
#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"

#include <cstdio>

int main() {
    tocsin::random_generator random{1};
    tocsin::matrix<float> samples(3, 4);
    for (tocsin::index_t k = 0; k < samples.size(); ++k) {
        samples.data()[k] = static_cast<float>(random.uniform());
    }
    const bool inside = samples.minCoeff() >= 0 && samples.maxCoeff() < 1;
    std::printf("tocsin %s: %s\n", TOCSIN_VERSION_STRING, inside ? "works" : "is broken");
    return inside ? 0 : 1;
}
