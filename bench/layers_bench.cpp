// An LSTM layer: a step of a stream, and a batch of sequences forward and backward.
#include "tocsin/layers/lstm.hpp"

#include "measure.hpp"

namespace {

using namespace tocsin;
using namespace tocsin_bench;

/// @param layer with compile-time or run-time sizes
template <class Layer>
void step(benchmark::State& state, const Layer& layer) {
    using scalar = typename Layer::scalar_type;
    aligned_vector<scalar> parameters(static_cast<std::size_t>(layer.parameter_count()));
    random_generator random{1};
    layer.initialise(parameters, random);
    auto memory = random_values<scalar>(layer.state_size(1));
    aligned_vector<scalar> work(static_cast<std::size_t>(layer.step_work_size(1)));
    const auto input = random_values<scalar>(layer.input_size());
    auto current = layer.make_state(memory, 1);
    aligned_vector<scalar> packed(static_cast<std::size_t>(layer.packed_size()));
    layer.pack(parameters, packed);
    const matrix_view<const scalar> sample(input.data(), layer.input_size(), 1);
    int t = 0;
    measure(state, 1, [&] {
        layer.step({packed}, sample, current, std::span<scalar>(work), order_of_step(t++));
    });
    state.counters["parameter_bytes"] = static_cast<double>(sizeof(scalar) * parameters.size());
}

template <class Scalar>
void lstm_step(benchmark::State& state) {
    step(state, lstm<Scalar>{argument(state, 0), argument(state, 1)});
}
template <class Scalar, int Inputs, int Hidden>
void lstm_step_static(benchmark::State& state) {
    step(state, lstm<Scalar, Inputs, Hidden>{});
}

/// Buffers of a batch of sequences.
template <class Scalar>
struct sequences {
    explicit sequences(const benchmark::State& state)
        : layer{argument(state, 0), argument(state, 1)}, time{argument(state, 2)},
          batch{argument(state, 3)}, parameters(static_cast<std::size_t>(layer.parameter_count())),
          values(random_values<Scalar>(index_t{layer.input_size()} * batch * time)),
          inputs(values.data(), layer.input_size(), batch, time),
          area(static_cast<std::size_t>(layer.tape_size(batch, time))),
          tape(layer.make_tape(area, batch, time)) {
        random_generator random{1};
        layer.initialise(parameters, random);
        layer.reset(tape);
    }
    std::int64_t steps() const { return std::int64_t{time} * batch; }

    lstm<Scalar> layer;
    int time;
    int batch;
    aligned_vector<Scalar> parameters;
    aligned_vector<Scalar> values;
    sequence_view<const Scalar> inputs;
    aligned_vector<Scalar> area;
    typename lstm<Scalar>::tape_type tape;
};

template <class Scalar>
void lstm_forward(benchmark::State& state) {
    sequences<Scalar> run(state);
    measure(state, run.steps(), [&] { run.layer.forward(run.parameters, run.inputs, run.tape); });
}

// The backward pass consumes the tape, so it cannot be repeated alone.
template <class Scalar>
void lstm_forward_backward(benchmark::State& state) {
    sequences<Scalar> run(state);
    aligned_vector<Scalar> gradients(run.parameters.size());
    const auto slopes = random_values<Scalar>(index_t{run.layer.hidden_size()} * run.steps());
    const sequence_view<const Scalar> output_gradient(slopes.data(), run.layer.hidden_size(),
                                                      run.batch, run.time);
    aligned_vector<Scalar> input_slopes(run.values.size());
    const sequence_view<Scalar> input_gradient(input_slopes.data(), run.layer.input_size(),
                                               run.batch, run.time);
    aligned_vector<Scalar> work(
        static_cast<std::size_t>(run.layer.backward_work_size(run.batch, run.time)));
    measure(state, run.steps(), [&] {
        zero(std::span<Scalar>(gradients)); // backward adds to them
        run.layer.forward(run.parameters, run.inputs, run.tape);
        run.layer.backward(run.parameters, run.inputs, run.tape, output_gradient,
                           std::span<Scalar>(gradients), input_gradient, std::span<Scalar>(work));
    });
}

void streaming_sizes(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"in", "hidden"});
    bench->Args({1, 8})->Args({1, 16})->Args({1, 32})->Args({8, 32})->Args({8, 64});
    bench->Args({38, 64})->Args({38, 128})->Args({1, 128});
}
void sequence_sizes(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"in", "hidden", "time", "batch"})->Unit(benchmark::kMicrosecond);
    bench->Args({8, 64, 100, 1})->Args({8, 64, 100, 32})->Args({38, 128, 100, 64});
}

BENCHMARK(lstm_step<float>)->Name("lstm_step/float")->Apply(streaming_sizes);
BENCHMARK(lstm_step<double>)->Name("lstm_step/double")->ArgNames({"in", "hidden"})->Args({8, 32});
BENCHMARK(lstm_step_static<float, 1, 8>)->Name("lstm_step_static/float/in:1/hidden:8");
BENCHMARK(lstm_step_static<float, 1, 16>)->Name("lstm_step_static/float/in:1/hidden:16");
BENCHMARK(lstm_step_static<float, 1, 32>)->Name("lstm_step_static/float/in:1/hidden:32");
BENCHMARK(lstm_step_static<float, 8, 32>)->Name("lstm_step_static/float/in:8/hidden:32");
BENCHMARK(lstm_step_static<float, 8, 64>)->Name("lstm_step_static/float/in:8/hidden:64");
BENCHMARK(lstm_forward<float>)->Name("lstm_forward/float")->Apply(sequence_sizes);
BENCHMARK(lstm_forward_backward<float>)->Name("lstm_forward_backward/float")->Apply(sequence_sizes);

} // namespace
