// A member of an ensemble whose push may throw.
#include <tocsin/detect/ensemble.hpp>

struct throwing_member {
    using scalar_type = float;
    struct stream_type {};
    stream_type make_stream() const { return {}; }
    int features() const noexcept { return 2; }
    tocsin::verdict push(stream_type&, tocsin::sample_view<float>, double) const { return {}; }
};

int main() {
    tocsin::ensemble<throwing_member> ensemble; // unsatisfied: ensemble_member
}
