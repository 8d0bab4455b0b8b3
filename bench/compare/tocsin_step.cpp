// tocsin: one step of a stream, one dense layer, hidden states of windows.
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/lstm_stack.hpp"

#include "sizes.hpp"
#include "tocsin_jobs.hpp"
#include <utility>

namespace tocsin_bench {
namespace {

using namespace tocsin;

std::span<const float> parameters_at(const float* data, index_t count) {
    return {data, static_cast<std::size_t>(count)};
}

/// The packed weights of a layer or stack.
template <class Layer>
aligned_vector<float> packed_by(const Layer& layer, const float* parameters) {
    aligned_vector<float> packed(static_cast<std::size_t>(layer.packed_size()));
    layer.pack(parameters_at(parameters, layer.parameter_count()), std::span<float>(packed));
    return packed;
}

/// @tparam Stack with compile-time or run-time sizes; a single layer is a stack of one
template <class Stack>
class step_job final : public job {
  public:
    step_job(const Stack& stack, const step_problem& problem)
        : stack_{stack}, problem_{problem}, packed_(packed_by(stack, problem.parameters)),
          state_(static_cast<std::size_t>(stack.state_size(1))),
          work_(static_cast<std::size_t>(stack.step_work_size(1))) {}

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            const int sample = static_cast<int>(next_++ % problem_.sample_count);
            stack_.step({packed_},
                        matrix_view<const float>(problem_.samples + sample * problem_.inputs,
                                                 stack_.input_size(), 1),
                        std::span<float>(state_), std::span<float>(work_), order_of_step(sample));
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        zero(std::span<float>(state_));
        next_ = 0;
        run(checked_steps);
        const auto top = stack_.top_hidden(state_, 1);
        return {top.data(), top.data() + top.size()};
    }

  private:
    Stack stack_;
    step_problem problem_;
    aligned_vector<float> packed_;
    aligned_vector<float> state_;
    aligned_vector<float> work_;
    std::int64_t next_ = 0;
};

class window_job final : public job {
  public:
    explicit window_job(const window_problem& problem)
        : problem_{problem}, layer_{problem.inputs, problem.hidden},
          packed_(packed_by(layer_, problem.parameters)),
          state_(static_cast<std::size_t>(layer_.state_size(problem.batch))),
          work_(static_cast<std::size_t>(layer_.step_work_size(problem.batch))),
          hiddens_(static_cast<std::size_t>(problem.hidden * problem.batch * problem.time)) {}

    void run(std::int64_t repetitions) override {
        const sequence_view<const float> windows(problem_.windows, problem_.inputs, problem_.batch,
                                                 problem_.time);
        const sequence_view<float> hiddens(hiddens_.data(), problem_.hidden, problem_.batch,
                                           problem_.time);
        auto current = layer_.make_state(state_, problem_.batch);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            zero(std::span<float>(state_));
            for (int t = 0; t < problem_.time; ++t) {
                layer_.step({packed_}, windows.step(t), current, std::span<float>(work_),
                            order_of_step(t));
                hiddens.step(t) = current.hidden;
            }
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return {hiddens_.begin(), hiddens_.end()};
    }

  private:
    window_problem problem_;
    lstm<float> layer_;
    aligned_vector<float> packed_;
    aligned_vector<float> state_;
    aligned_vector<float> work_;
    aligned_vector<float> hiddens_;
};

template <int Inputs, int Outputs>
class dense_job final : public job {
  public:
    explicit dense_job(const dense_problem& problem)
        : problem_{problem}, packed_(packed_by(head_, problem.parameters)) {}

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            const float* const sample =
                problem_.samples + next_++ % problem_.sample_count * problem_.inputs;
            head_.apply({packed_}, matrix_view<const float>(sample, Inputs, 1),
                        matrix_view<float>(output_.data(), Outputs, 1), {});
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        next_ = 0;
        run(checked_steps);
        return {output_.data(), output_.data() + Outputs};
    }

  private:
    dense_head<float, Inputs, Outputs> head_;
    dense_problem problem_;
    aligned_vector<float> packed_;
    column<float, Outputs> output_;
    std::int64_t next_ = 0;
};

} // namespace

job_pointer tocsin_step(const step_problem& problem, sizes_known sizes) {
    if (sizes == sizes_known::at_run_time) {
        std::vector<int> chain{problem.inputs};
        chain.insert(chain.end(), problem.hidden.begin(), problem.hidden.end());
        const lstm_stack<float> stack{chain_sizes<>(chain)};
        return std::make_unique<step_job<lstm_stack<float>>>(stack, problem);
    }
    return with_step_sizes(problem.inputs, problem.hidden, [&]<int... Sizes>() -> job_pointer {
        using stack = lstm_stack<float, Sizes...>;
        return std::make_unique<step_job<stack>>(stack{}, problem);
    });
}

job_pointer tocsin_bfloat16_step(const step_problem& problem) {
    return with_step_sizes(problem.inputs, problem.hidden, [&]<int... Sizes>() -> job_pointer {
        using stack = basic_lstm_stack<float, bfloat16_precision, Sizes...>;
        return std::make_unique<step_job<stack>>(stack{}, problem);
    });
}

job_pointer tocsin_dense(const dense_problem& problem) {
    return with_dense_sizes(problem.inputs, problem.outputs,
                            [&]<int Inputs, int Outputs>() -> job_pointer {
                                return std::make_unique<dense_job<Inputs, Outputs>>(problem);
                            });
}

job_pointer tocsin_window(const window_problem& problem) {
    return std::make_unique<window_job>(problem);
}

} // namespace tocsin_bench
