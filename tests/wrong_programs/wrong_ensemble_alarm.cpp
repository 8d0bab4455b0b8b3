// Alarm control of an ensemble that is none.
#include <tocsin/detect/ensemble.hpp>

struct quiet_member {
    using scalar_type = float;
    struct stream_type {};
    stream_type make_stream() const { return {}; }
    int features() const noexcept { return 2; }
    tocsin::verdict push(stream_type&, tocsin::sample_view<float>, double) const noexcept {
        return {};
    }
};

int main() {
    tocsin::basic_ensemble<int, quiet_member> ensemble; // unsatisfied: alarm_piece
}
