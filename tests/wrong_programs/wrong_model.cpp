// A model without a kind, which files need.
#include <span>
#include <tocsin/detect/detector.hpp>

struct nameless_model {
    using scalar_type = float;
    tocsin::status check() const noexcept { return {}; }
    int features() const noexcept { return 1; }
    tocsin::index_t parameter_count() const noexcept { return 0; }
    tocsin::index_t predict_work_size(int, int) const noexcept { return 0; }
    tocsin::index_t training_work_size(int, int) const noexcept { return 0; }
    void initialise(std::span<float>, tocsin::random_generator&) const noexcept {}
    template <class Visit>
    void for_each_parameter_block(Visit&&) const {}
    void predict(std::span<const float>, tocsin::sequence_view<const float>,
                 tocsin::sequence_view<float>, std::span<float>) const noexcept {}
    template <class Loss>
    double loss_and_gradient(std::span<const float>, tocsin::sequence_view<const float>,
                             const Loss&, std::span<float>, tocsin::random_generator&,
                             std::span<float>) const noexcept {
        return 0;
    }
};
static_assert(tocsin::sequence_model<nameless_model>);

int main() {
    tocsin::detector<nameless_model> detector; // unsatisfied: detector_model
}
