// A rule for an affine scaler that files could not tell from others.
#include <span>
#include <tocsin/series/scaler.hpp>

struct nameless {
    template <class Scalar>
    static tocsin::offset_and_scale estimate(std::span<Scalar>) noexcept {
        return {};
    }
};

int main() {
    tocsin::affine_scaler<float, 2, nameless> scaler; // unsatisfied: scaling_rule
}
