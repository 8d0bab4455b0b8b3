// The other programs are wrong in one point each; this one has the same policies without the fault,
// so that their errors come from that point and not from the way the tests compile them.
#include <cstdint>
#include <span>
#include <tocsin/models/autoencoder.hpp>
#include <tocsin/training/callbacks.hpp>
#include <tocsin/training/fit.hpp>

namespace {

struct own_loss {
    double operator()(std::span<const float> predictions, std::span<const float> targets,
                      std::span<float> gradient) const noexcept {
        return tocsin::mean_squared_error{}(predictions, targets, gradient);
    }
};

/// For models of doubles only.
struct double_loss {
    double operator()(std::span<const double> predictions, std::span<const double> targets,
                      std::span<double> gradient) const noexcept {
        return tocsin::mean_squared_error{}(predictions, targets, gradient);
    }
};

struct own_optimiser {
    double learning_rate = 0.1;
    tocsin::status check() const noexcept { return {}; }
    tocsin::index_t state_size(tocsin::index_t) const noexcept { return 0; }
    template <class Scalar>
    void update(std::span<Scalar> parameters, std::span<const Scalar> gradients, std::span<Scalar>,
                std::int64_t, double factor) const noexcept {
        for (std::size_t k = 0; k < parameters.size(); ++k) {
            parameters[k] -= static_cast<Scalar>(learning_rate * factor) * gradients[k];
        }
    }
};

struct own_schedule {
    double operator()(int epoch) const noexcept { return 1.0 / (1 + epoch); }
};

struct own_stopping_rule {
    bool operator()(std::span<const tocsin::epoch_record> history) const noexcept {
        return history.size() > 3;
    }
};

} // namespace

int main() {
    const tocsin::matrix<float> values = tocsin::matrix<float>::Random(2, 100);
    const auto windows = tocsin::make_windows(values.leftCols(50), 8).value();
    const auto model = tocsin::autoencoder<float>::with_embedding(2, 3);
    const tocsin::trainer<own_loss, own_optimiser, own_schedule, own_stopping_rule> trainer;
    auto state = tocsin::training_state<float>::fresh(model, trainer.optimiser, trainer.seed);
    const tocsin::status trained =
        trainer.fit(model, windows, {}, state, tocsin::log_line{},
                    [](const tocsin::epoch_event<float>& event) { return event.state.step < 100; });
    const tocsin::trainer<double_loss> in_double;
    return trained.ok() && in_double.check().ok() ? 0 : 1;
}
