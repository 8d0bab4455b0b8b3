// The wrong policies of a detector without their fault, and samples from all that holds them.
#include <array>
#include <limits>
#include <span>
#include <tocsin/detect/detector.hpp>
#include <vector>

namespace {

struct own_model {
    using scalar_type = float;
    static constexpr const char* kind = "own";
    tocsin::status check() const noexcept { return {}; }
    int features() const noexcept { return 3; }
    tocsin::index_t parameter_count() const noexcept { return 0; }
    tocsin::index_t predict_work_size(int, int) const noexcept { return 0; }
    tocsin::index_t training_work_size(int, int) const noexcept { return 0; }
    void initialise(std::span<float>, tocsin::random_generator&) const noexcept {}
    template <class Visit>
    void for_each_parameter_block(Visit&&) const {}
    void predict(std::span<const float>, tocsin::sequence_view<const float> windows,
                 tocsin::sequence_view<float> predictions, std::span<float>) const noexcept {
        predictions.flat() = windows.flat();
    }
    template <class Loss>
    double loss_and_gradient(std::span<const float>, tocsin::sequence_view<const float>,
                             const Loss&, std::span<float>, tocsin::random_generator&,
                             std::span<float>) const noexcept {
        return 0;
    }
};

struct own_scaler {
    using scalar_type = float;
    tocsin::status fit(const tocsin::windows<float>&) { return {}; }
    void transform(Eigen::Ref<tocsin::matrix<float>>) const noexcept {}
    void inverse(Eigen::Ref<tocsin::matrix<float>>) const noexcept {}
};

struct own_statistic {
    static constexpr const char* kind = "own";
    explicit own_statistic(int = 0) {}
    int dimension() const noexcept { return 3; }
    void accumulate(std::span<const double>) {}
    tocsin::status fit() { return {}; }
    double score(std::span<const double> error) const noexcept { return error[0]; }
};

struct own_rule {
    static constexpr const char* kind = "own";
    tocsin::status fit(std::span<const double>, std::span<const std::uint8_t>) { return {}; }
    double threshold() const noexcept { return 1; }
};

} // namespace

int main() {
    const tocsin::detector<own_model, own_scaler, own_statistic, own_rule> detector;
    auto stream = detector.make_stream();
    const tocsin::matrix<float> values = tocsin::matrix<float>::Zero(3, 2);
    const std::vector<float> vector(3);
    const std::array<float, 3> array{};
    detector.push(stream, values.col(1), 60.0);
    detector.push(stream, {1.0f, 2.0f, 3.0f});
    detector.push(stream, vector);
    detector.push(stream, array);
    detector.push(stream, std::span<const float>(vector), std::numeric_limits<double>::quiet_NaN());
    return stream.position() == 5 ? 0 : 1;
}
