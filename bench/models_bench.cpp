// The LSTM encoder-decoder: a training step, and the reconstruction of windows.
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/predictor.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/clipping.hpp"
#include "tocsin/training/losses.hpp"

#include "measure.hpp"

namespace {

using namespace tocsin;
using namespace tocsin_bench;

/// One layer on each side, a batch of windows, parameters.
struct setup {
    explicit setup(const benchmark::State& state)
        : features{argument(state, 0)}, hidden{argument(state, 1)}, time{argument(state, 2)},
          batch{argument(state, 3)},
          model{lstm_stack<float>{{features, hidden}}, lstm_stack<float>{{features, hidden}},
                dense_head<float>{{hidden, features}}},
          parameters(static_cast<std::size_t>(model.parameter_count())),
          values(random_values<float>(index_t{features} * time * batch)),
          windows(values.data(), features, batch, time) {
        random_generator random{1};
        model.initialise(parameters, random);
    }
    std::int64_t steps() const { return std::int64_t{time} * batch; }

    int features;
    int hidden;
    int time;
    int batch;
    encoder_decoder<float> model;
    aligned_vector<float> parameters;
    aligned_vector<float> values;
    sequence_view<const float> windows;
};

// Forward, loss, backward, clipping, Adam: everything that the fit loop does with a batch.
void encoder_decoder_training_step(benchmark::State& state) {
    setup run(state);
    const adam rule{.learning_rate = 1e-6};
    aligned_vector<float> gradients(run.parameters.size());
    aligned_vector<float> rule_state(
        static_cast<std::size_t>(rule.state_size(run.model.parameter_count())));
    aligned_vector<float> work(
        static_cast<std::size_t>(run.model.training_work_size(run.batch, run.time)));
    random_generator random{1};
    std::int64_t step = 0;
    measure(state, run.steps(), [&] {
        const auto gradient = zero(std::span<float>(gradients));
        run.model.loss_and_gradient(run.parameters, run.windows, mean_squared_error{}, gradient,
                                    random, work);
        clip_by_global_norm(gradient, 1);
        rule.update(std::span<float>(run.parameters), std::span<const float>(gradients),
                    std::span<float>(rule_state), ++step, 1);
    });
}

void encoder_decoder_predict(benchmark::State& state) {
    setup run(state);
    aligned_vector<float> outputs(run.values.size());
    const sequence_view<float> predictions(outputs.data(), run.features, run.batch, run.time);
    predictor<encoder_decoder<float>> predicting(run.model, run.batch, run.time);
    predicting.prepare(run.model, run.parameters);
    measure(state, run.steps(),
            [&] { predicting.predict(run.model, run.parameters, run.windows, predictions); });
}

BENCHMARK(encoder_decoder_training_step)
    ->Name("encoder_decoder_training_step/float")
    ->ArgNames({"in", "hidden", "time", "batch"})
    ->Args({8, 64, 64, 64})
    ->Args({1, 32, 50, 32})
    ->Args({38, 128, 100, 64})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(encoder_decoder_predict)
    ->Name("encoder_decoder_predict/float")
    ->ArgNames({"in", "hidden", "time", "batch"})
    ->Args({8, 64, 100, 1})
    ->Args({8, 64, 100, 32})
    ->Unit(benchmark::kMicrosecond);

} // namespace
