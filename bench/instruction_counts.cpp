// Work of fixed size whose instructions callgrind counts; instruction_counts.cmake compares the
// counts with those in instruction_counts.json. Nothing here depends on time.
#include "instruction_counts.hpp"

#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/losses.hpp"

#include <cstdio>

namespace {

using namespace tocsin_bench;

/// The weights that step() reads, in the order of its kernel.
template <class Stack>
aligned_vector<float> packed_by(const Stack& stack, std::span<const float> parameters) {
    aligned_vector<float> packed(static_cast<std::size_t>(stack.packed_size()));
    stack.pack(parameters, std::span<float>(packed));
    return packed;
}

/// 100 time steps of one sequence.
void step(int inputs, int hidden) {
    const lstm_stack<float> stack{{inputs, hidden}};
    const auto parameters = random_values(stack.parameter_count(), 0.1);
    const auto packed = packed_by(stack, parameters);
    const auto samples = random_values(index_t{inputs} * 100, 1);
    aligned_vector<float> state(static_cast<std::size_t>(stack.state_size(1)));
    aligned_vector<float> work(static_cast<std::size_t>(stack.step_work_size(1)));
    count(name_of("step", inputs, hidden), [&] {
        for (int t = 0; t < 100; ++t) {
            stack.step({packed}, matrix_view<const float>(samples.data() + t * inputs, inputs, 1),
                       std::span<float>(state), std::span<float>(work), order_of_step(t));
        }
    });
}

/// Loss, gradient and update for one batch.
void train(int features, int hidden, int time, int batch, decoder_training training,
           const char* kind) {
    const encoder_decoder<float> model{lstm_stack<float>{{features, hidden}},
                                       lstm_stack<float>{{features, hidden}},
                                       dense_head<float>{{hidden, features}}, false, training};
    auto parameters = random_values(model.parameter_count(), 0.1);
    const auto values = random_values(index_t{features} * time * batch, 1);
    const sequence_view<const float> windows(values.data(), features, batch, time);
    aligned_vector<float> gradients(parameters.size());
    aligned_vector<float> work(static_cast<std::size_t>(model.training_work_size(batch, time)));
    const adam rule{.learning_rate = 1e-4};
    aligned_vector<float> rule_state(
        static_cast<std::size_t>(rule.state_size(model.parameter_count())));
    random_generator random{1};
    std::int64_t steps = 0;
    count(name_of(kind, features, hidden), [&] {
        const auto gradient = zero(std::span<float>(gradients));
        model.loss_and_gradient(parameters, windows, mean_squared_error{}, gradient, random, work);
        rule.update(std::span<float>(parameters), std::span<const float>(gradients),
                    std::span<float>(rule_state), ++steps, 1);
    });
}

} // namespace

int main() {
    if (RUNNING_ON_VALGRIND == 0) {
        std::puts("run this with valgrind --tool=callgrind: see instruction_counts.cmake");
    }
    step(1, 8);
    step(1, 16);
    step(8, 32);
    step(8, 64);
    step(38, 128);
    step(3, 21); // not a multiple of a vector
    count_pushes();
    train(1, 32, 20, 32, decoder_training::teacher_forced, "train");
    train(8, 64, 8, 64, decoder_training::teacher_forced, "train");
    train(8, 64, 8, 64, decoder_training::free_running, "train_free_running");
    train(3, 21, 8, 5, decoder_training::teacher_forced, "train");
}
