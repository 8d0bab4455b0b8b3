// tocsin: one step of training the LSTM encoder-decoder.
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/losses.hpp"

#include "tocsin_jobs.hpp"

namespace tocsin_bench {
namespace {

using namespace tocsin;

class training_job final : public job {
  public:
    explicit training_job(const training_problem& problem)
        : problem_{problem}, model_{lstm_stack<float>{{problem.features, problem.hidden}},
                                    lstm_stack<float>{{problem.features, problem.hidden}},
                                    dense_head<float>{{problem.hidden, problem.features}}, false,
                                    problem.free_running ? decoder_training::free_running
                                                         : decoder_training::teacher_forced},
          windows_(problem.windows, problem.features, problem.batch, problem.time),
          gradients_(problem.parameter_count()),
          work_(static_cast<std::size_t>(model_.training_work_size(problem.batch, problem.time))) {
        start();
    }

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            const auto gradient = zero(std::span<float>(gradients_));
            loss_ = model_.loss_and_gradient(parameters_, windows_, mean_squared_error{}, gradient,
                                             random_, work_);
            rule_.update(std::span<float>(parameters_), std::span<const float>(gradients_),
                         std::span<float>(rule_state_), ++step_, 1);
        }
    }
    /// The gradient of the first step, then the loss of the third.
    std::vector<double> outputs() override {
        start();
        run(1);
        std::vector<double> values(gradients_.begin(), gradients_.end());
        run(2);
        values.push_back(loss_);
        return values;
    }

  private:
    void start() {
        parameters_.assign(problem_.parameters, problem_.parameters + problem_.parameter_count());
        rule_state_.assign(static_cast<std::size_t>(rule_.state_size(model_.parameter_count())), 0);
        step_ = 0;
    }

    training_problem problem_;
    encoder_decoder<float> model_;
    sequence_view<const float> windows_;
    adam rule_{.learning_rate = training_problem::learning_rate};
    aligned_vector<float> parameters_;
    aligned_vector<float> gradients_;
    aligned_vector<float> rule_state_;
    aligned_vector<float> work_;
    random_generator random_{1};
    std::int64_t step_ = 0;
    double loss_ = 0;
};

} // namespace

job_pointer tocsin_training(const training_problem& problem) {
    return problem.threads == 1 ? std::make_unique<training_job>(problem) : nullptr;
}

} // namespace tocsin_bench
