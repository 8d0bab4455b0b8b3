// tocsin: one step of a stream, one dense layer, hidden states of windows.
#include "tocsin/layers/dense.hpp"
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

/// What step() reads: the weights in the order of its kernel.
template <class Stack>
aligned_vector<float> packed_by(const Stack& stack, std::span<const float> parameters) {
    if constexpr (requires { stack.packed_size(); }) {
        aligned_vector<float> packed(static_cast<std::size_t>(stack.packed_size()));
        stack.pack(parameters, std::span<float>(packed));
        return packed;
    } else {
        return {parameters.begin(), parameters.end()};
    }
}

/// @tparam Stack with sizes of either kind; a single layer is a stack of one
template <class Stack>
class step_job final : public job {
  public:
    step_job(const Stack& stack, const step_problem& problem)
        : stack_{stack}, problem_{problem},
          parameters_{parameters_at(problem.parameters, stack.parameter_count())},
          packed_(packed_by(stack, parameters_)),
          state_(static_cast<std::size_t>(stack.state_size(1))),
          work_(static_cast<std::size_t>(stack.step_work_size(1))) {}

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            const float* const sample =
                problem_.samples + next_++ % problem_.sample_count * problem_.inputs;
            stack_.step({packed_}, matrix_view<const float>(sample, stack_.input_size(), 1),
                        std::span<float>(state_), std::span<float>(work_));
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
    std::span<const float> parameters_;
    aligned_vector<float> packed_;
    aligned_vector<float> state_;
    aligned_vector<float> work_;
    std::int64_t next_ = 0;
};

class window_job final : public job {
  public:
    explicit window_job(const window_problem& problem)
        : layer_{problem.inputs, problem.hidden},
          parameters_{parameters_at(problem.parameters, layer_.parameter_count())},
          windows_(problem.windows, problem.inputs, problem.batch, problem.time),
          area_(static_cast<std::size_t>(layer_.tape_size(problem.batch, problem.time))),
          tape_(layer_.make_tape(area_, problem.batch, problem.time)) {}

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            layer_.reset(tape_);
            layer_.forward(parameters_, windows_, tape_);
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        run(1);
        const auto hidden = layer_.outputs(tape_);
        return {hidden.data(), hidden.data() + hidden.size()};
    }

  private:
    lstm<float> layer_;
    std::span<const float> parameters_;
    sequence_view<const float> windows_;
    aligned_vector<float> area_;
    lstm<float>::tape_type tape_;
};

template <int Inputs, int Outputs>
class dense_job final : public job {
  public:
    explicit dense_job(const dense_problem& problem)
        : problem_{problem},
          parameters_{parameters_at(problem.parameters, layer_.parameter_count())} {}

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            const float* const sample =
                problem_.samples + next_++ % problem_.sample_count * problem_.inputs;
            layer_.apply(parameters_, matrix_view<const float, Inputs>(sample, Inputs, 1), output_);
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        next_ = 0;
        run(checked_steps);
        return {output_.data(), output_.data() + Outputs};
    }

  private:
    dense<float, identity_activation, Inputs, Outputs> layer_;
    dense_problem problem_;
    std::span<const float> parameters_;
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
