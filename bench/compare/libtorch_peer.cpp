// libtorch on one thread.
#include "peers.hpp"
#include <dlfcn.h>
#include <torch/torch.h>
#include <vector>

namespace tocsin_bench {
namespace {

using torch::Tensor;

/// The caller's memory, row-major.
Tensor view_of(const float* data, std::vector<std::int64_t> shape) {
    return torch::from_blob(const_cast<float*>(data), shape, torch::kFloat32);
}
/// A column-major matrix as the row-major tensor that libtorch expects.
Tensor matrix_from(const float* data, std::int64_t rows, std::int64_t columns) {
    return view_of(data, {columns, rows}).t().contiguous();
}
std::vector<double> values_of(const Tensor& tensor) {
    const Tensor flat = tensor.detach().contiguous().to(torch::kFloat64);
    return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}
/// A gradient in tocsin's order.
void append_columns(std::vector<double>& values, const Tensor& matrix) {
    const auto columns = values_of(matrix.t());
    values.insert(values.end(), columns.begin(), columns.end());
}

/// One layer's weights; the second bias of libtorch is zero.
struct lstm_weights {
    lstm_weights(const float* parameters, std::int64_t inputs, std::int64_t hidden)
        : input(matrix_from(parameters, 4 * hidden, inputs)),
          recurrent(matrix_from(parameters + 4 * hidden * inputs, 4 * hidden, hidden)),
          bias(view_of(parameters + 4 * hidden * (inputs + hidden), {4 * hidden}).clone()),
          second_bias(torch::zeros({4 * hidden})) {}
    std::vector<Tensor> all() const { return {input, recurrent, bias, second_bias}; }
    static std::int64_t count(std::int64_t inputs, std::int64_t hidden) {
        return 4 * hidden * (inputs + hidden + 1);
    }

    Tensor input;
    Tensor recurrent;
    Tensor bias;
    Tensor second_bias;
};

class step_job final : public job {
  public:
    explicit step_job(const step_problem& problem)
        : weights_(problem.parameters, problem.inputs, problem.hidden[0]),
          start_(torch::zeros({1, problem.hidden[0]})) {
        for (int k = 0; k < problem.sample_count; ++k) {
            samples_.push_back(view_of(problem.samples + k * problem.inputs, {1, problem.inputs}));
        }
        reset();
    }
    void run(std::int64_t repetitions) override {
        const c10::InferenceMode no_gradients;
        for (std::int64_t k = 0; k < repetitions; ++k) {
            std::tie(hidden_, cell_) =
                at::lstm_cell(samples_[next_++ % samples_.size()], {hidden_, cell_}, weights_.input,
                              weights_.recurrent, weights_.bias, weights_.second_bias);
        }
    }
    std::vector<double> outputs() override {
        reset();
        run(checked_steps);
        return values_of(hidden_);
    }

  private:
    void reset() {
        hidden_ = start_;
        cell_ = start_;
        next_ = 0;
    }
    lstm_weights weights_;
    Tensor start_;
    std::vector<Tensor> samples_;
    Tensor hidden_;
    Tensor cell_;
    std::size_t next_ = 0;
};

class window_job final : public job {
  public:
    explicit window_job(const window_problem& problem)
        : weights_(problem.parameters, problem.inputs, problem.hidden),
          windows_(view_of(problem.windows, {problem.time, problem.batch, problem.inputs})),
          start_(torch::zeros({1, problem.batch, problem.hidden})) {}
    void run(std::int64_t repetitions) override {
        const c10::InferenceMode no_gradients;
        for (std::int64_t k = 0; k < repetitions; ++k) {
            hiddens_ = std::get<0>(at::lstm(windows_, {start_, start_}, weights_.all(), true, 1, 0,
                                            false, false, false));
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return values_of(hiddens_);
    }

  private:
    lstm_weights weights_;
    Tensor windows_;
    Tensor start_;
    Tensor hiddens_;
};

class training_job final : public job {
  public:
    explicit training_job(const training_problem& problem)
        : problem_{problem},
          windows_(view_of(problem.windows, {problem.time, problem.batch, problem.features})) {
        inputs_ = torch::cat({torch::zeros({1, problem.batch, problem.features}),
                              windows_.slice(0, 0, problem.time - 1)});
        start();
    }
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            optimiser_->zero_grad();
            const Tensor loss = torch::mse_loss(predictions(), windows_);
            loss.backward();
            optimiser_->step();
            loss_ = loss.item<double>();
        }
    }
    std::vector<double> outputs() override {
        start();
        run(1);
        std::vector<double> values;
        for (const auto& part : {encoder_, decoder_}) {
            append_columns(values, part[0].grad());
            append_columns(values, part[1].grad());
            const auto bias = values_of(part[2].grad());
            values.insert(values.end(), bias.begin(), bias.end());
        }
        append_columns(values, head_[0].grad());
        const auto bias = values_of(head_[1].grad());
        values.insert(values.end(), bias.begin(), bias.end());
        run(2);
        values.push_back(loss_);
        return values;
    }

  private:
    void start() {
        const std::int64_t size = lstm_weights::count(problem_.features, problem_.hidden);
        const float* const head = problem_.parameters + 2 * size;
        encoder_ = lstm_weights(problem_.parameters, problem_.features, problem_.hidden).all();
        decoder_ =
            lstm_weights(problem_.parameters + size, problem_.features, problem_.hidden).all();
        head_ = {matrix_from(head, problem_.features, problem_.hidden),
                 view_of(head + problem_.features * problem_.hidden, {problem_.features}).clone()};
        std::vector<Tensor> trained;
        for (auto* const part : {&encoder_, &decoder_}) {
            for (int k = 0; k < 3; ++k) { // the second biases stay zero
                trained.push_back((*part)[std::size_t(k)].requires_grad_());
            }
        }
        trained.push_back(head_[0].requires_grad_());
        trained.push_back(head_[1].requires_grad_());
        optimiser_ = std::make_unique<torch::optim::Adam>(
            trained, torch::optim::AdamOptions(training_problem::learning_rate));
    }
    Tensor predictions() const {
        const Tensor zero = torch::zeros({1, problem_.batch, problem_.hidden});
        const auto [unused, hidden, cell] =
            at::lstm(windows_, {zero, zero}, encoder_, true, 1, 0, true, false, false);
        if (!problem_.free_running) {
            const Tensor outputs = std::get<0>(
                at::lstm(inputs_, {hidden, cell}, decoder_, true, 1, 0, true, false, false));
            return at::linear(outputs, head_[0], head_[1]);
        }
        Tensor h = hidden[0];
        Tensor c = cell[0];
        Tensor input = torch::zeros({problem_.batch, problem_.features});
        std::vector<Tensor> steps;
        for (int t = 0; t < problem_.time; ++t) {
            std::tie(h, c) =
                at::lstm_cell(input, {h, c}, decoder_[0], decoder_[1], decoder_[2], decoder_[3]);
            input = at::linear(h, head_[0], head_[1]);
            steps.push_back(input);
        }
        return torch::stack(steps);
    }

    training_problem problem_;
    Tensor windows_;
    Tensor inputs_;
    std::vector<Tensor> encoder_;
    std::vector<Tensor> decoder_;
    std::vector<Tensor> head_;
    std::unique_ptr<torch::optim::Adam> optimiser_;
    double loss_ = 0;
};

class activation_job final : public job {
  public:
    explicit activation_job(const activation_problem& problem)
        : function_{problem.function}, inputs_(view_of(problem.inputs, {problem.count})),
          results_(torch::empty({problem.count})) {}
    void run(std::int64_t repetitions) override {
        const c10::InferenceMode no_gradients;
        for (std::int64_t k = 0; k < repetitions; ++k) {
            switch (function_) {
            case elementwise::exp:
                at::exp_out(results_, inputs_);
                break;
            case elementwise::sigmoid:
                at::sigmoid_out(results_, inputs_);
                break;
            case elementwise::tanh:
                at::tanh_out(results_, inputs_);
                break;
            }
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return values_of(results_);
    }

  private:
    elementwise function_;
    Tensor inputs_;
    Tensor results_;
};

class adam_job final : public job {
  public:
    explicit adam_job(const adam_problem& problem) : problem_{problem} { start(); }
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            optimiser_->step();
        }
    }
    std::vector<double> outputs() override {
        start();
        run(3);
        return values_of(parameters_);
    }

  private:
    void start() {
        parameters_ = view_of(problem_.parameters, {problem_.count}).clone().requires_grad_();
        parameters_.mutable_grad() = view_of(problem_.gradients, {problem_.count}).clone();
        optimiser_ = std::make_unique<torch::optim::Adam>(
            std::vector<Tensor>{parameters_},
            torch::optim::AdamOptions(adam_problem::learning_rate));
    }
    adam_problem problem_;
    Tensor parameters_;
    std::unique_ptr<torch::optim::Adam> optimiser_;
};

class libtorch_peer final : public peer {
  public:
    libtorch_peer() {
        torch::set_num_threads(1);
        // libtorch's matrix products may come from OpenBLAS, which has its own number of threads.
        if (void* const set = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
            reinterpret_cast<void (*)(int)>(set)(1);
        }
    }
    std::string name() const override { return "libtorch"; }
    std::string version() const override { return "libtorch " TORCH_VERSION; }
    job_pointer step(const step_problem& problem) const override {
        return problem.hidden.size() == 1 ? std::make_unique<step_job>(problem) : nullptr;
    }
    job_pointer window(const window_problem& problem) const override {
        return std::make_unique<window_job>(problem);
    }
    job_pointer training(const training_problem& problem) const override {
        return std::make_unique<training_job>(problem);
    }
    job_pointer activation(const activation_problem& problem) const override {
        return std::make_unique<activation_job>(problem);
    }
    job_pointer adam(const adam_problem& problem) const override {
        return std::make_unique<adam_job>(problem);
    }
};

} // namespace
} // namespace tocsin_bench

TOCSIN_DEFINE_PEER(tocsin_bench_libtorch, libtorch_peer)
