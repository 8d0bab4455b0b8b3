// tocsin: one training step of the LSTM encoder-decoder.
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/batch_gradient.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/losses.hpp"

#include "tocsin_jobs.hpp"
#include <numeric>
#include <vector>

namespace tocsin_bench {
namespace {

using namespace tocsin;

encoder_decoder<float> encoder_decoder_for(const training_problem& problem) {
    return {lstm_stack<float>{{problem.features, problem.hidden}},
            lstm_stack<float>{{problem.features, problem.hidden}},
            dense_head<float>{{problem.hidden, problem.features}}, false,
            problem.free_running ? decoder_training::free_running
                                 : decoder_training::teacher_forced};
}

/// Training steps, each a gradient and an update; the caller chooses how to compute the gradient.
class training_job : public job {
  public:
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            loss_ = compute_gradient();
            rule_.update(std::span<float>(parameters_), gradient(), std::span<float>(rule_state_),
                         ++step_, 1);
        }
    }
    /// The gradient of the first step, then the loss of the third.
    std::vector<double> outputs() override {
        start();
        run(1);
        std::vector<double> values(gradient().begin(), gradient().end());
        run(2);
        values.push_back(loss_);
        return values;
    }

  protected:
    explicit training_job(const training_problem& problem)
        : problem_{problem}, model_(encoder_decoder_for(problem)) {
        start();
    }

    /// Returns the loss.
    virtual double compute_gradient() = 0;
    virtual std::span<const float> gradient() = 0;

    void start() {
        parameters_.assign(problem_.parameters, problem_.parameters + problem_.parameter_count());
        rule_state_.assign(static_cast<std::size_t>(rule_.state_size(model_.parameter_count())), 0);
        step_ = 0;
    }

    training_problem problem_;
    encoder_decoder<float> model_;
    aligned_vector<float> parameters_;
    random_generator random_{1};

  private:
    adam rule_{.learning_rate = training_problem::learning_rate};
    aligned_vector<float> rule_state_;
    std::int64_t step_ = 0;
    double loss_ = 0;
};

/// On the caller's thread, with windows in the memory layout that the model reads.
class serial_training_job final : public training_job {
  public:
    explicit serial_training_job(const training_problem& problem)
        : training_job(problem),
          windows_(problem.windows, problem.features, problem.batch, problem.time),
          gradient_(problem.parameter_count()),
          work_(static_cast<std::size_t>(model_.training_work_size(problem.batch, problem.time))) {}

  private:
    double compute_gradient() override {
        const auto sums = zero(std::span<float>(gradient_));
        return model_.loss_and_gradient(parameters_, windows_, mean_squared_error{}, sums, random_,
                                        work_);
    }
    std::span<const float> gradient() override { return gradient_; }

    sequence_view<const float> windows_;
    aligned_vector<float> gradient_;
    aligned_vector<float> work_;
};

/// The same as in trainer with several threads, which gathers the batch first.
class parallel_training_job final : public training_job {
  public:
    explicit parallel_training_job(const training_problem& problem)
        : training_job(problem), samples_(problem.features, index_t{problem.batch} * problem.time),
          gradient_(model_, problem.threads, problem.batch, problem.time),
          order_(static_cast<std::size_t>(problem.batch)),
          team_(data_parallel{problem.threads}.start()) {
        const sequence_view<const float> given(problem.windows, problem.features, problem.batch,
                                               problem.time);
        std::vector<index_t> starts;
        for (int b = 0; b < problem.batch; ++b) {
            starts.push_back(index_t{b} * problem.time);
            for (int t = 0; t < problem.time; ++t) {
                samples_.col(starts.back() + t) = given.step(t).col(b);
            }
        }
        windows_ = {{samples_.data(), samples_.rows(), samples_.cols()}, starts, problem.time};
        std::iota(order_.begin(), order_.end(), index_t{0});
    }

  private:
    double compute_gradient() override {
        return gradient_.compute(team_, model_, parameters_, windows_, order_, {0, problem_.time},
                                 mean_squared_error{}, random_);
    }
    std::span<const float> gradient() override { return gradient_.gradients(); }

    matrix<float> samples_;
    windows<float> windows_;
    batch_gradient<encoder_decoder<float>> gradient_;
    std::vector<index_t> order_;
    tocsin::detail::thread_team team_;
};

} // namespace

job_pointer tocsin_training(const training_problem& problem) {
    if (problem.threads > 1) {
        return std::make_unique<parallel_training_job>(problem);
    }
    return std::make_unique<serial_training_job>(problem);
}

} // namespace tocsin_bench
