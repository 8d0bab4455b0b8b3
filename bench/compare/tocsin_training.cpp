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

/// Training steps as trainer makes them: gather the batch, compute its gradient, update.
template <class Execution>
class training_job final : public job {
  public:
    training_job(const training_problem& problem, const Execution& execution)
        : problem_{problem}, model_(encoder_decoder_for(problem)),
          samples_(problem.features, index_t{problem.batch} * problem.time),
          gradient_(model_, execution.shards(), problem.batch, problem.time),
          order_(static_cast<std::size_t>(problem.batch)), team_(execution.start()) {
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
        start();
    }
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            loss_ = gradient_.compute(team_, model_, parameters_, windows_, order_,
                                      {0, problem_.time}, mean_squared_error{}, random_);
            rule_.update(std::span<float>(parameters_),
                         std::span<const float>(gradient_.gradients()),
                         std::span<float>(rule_state_), ++step_, 1);
        }
    }
    /// The gradient of the first step, then the loss of the third.
    std::vector<double> outputs() override {
        start();
        run(1);
        std::vector<double> values(gradient_.gradients().begin(), gradient_.gradients().end());
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
    matrix<float> samples_;
    windows<float> windows_;
    batch_gradient<encoder_decoder<float>> gradient_;
    std::vector<index_t> order_;
    decltype(Execution{}.start()) team_;
    aligned_vector<float> parameters_;
    adam rule_{.learning_rate = training_problem::learning_rate};
    aligned_vector<float> rule_state_;
    random_generator random_{1};
    std::int64_t step_ = 0;
    double loss_ = 0;
};

} // namespace

job_pointer tocsin_training(const training_problem& problem) {
    if (problem.threads > 1) {
        return std::make_unique<training_job<data_parallel>>(problem,
                                                             data_parallel{problem.threads});
    }
    return std::make_unique<training_job<serial_execution>>(problem, serial_execution{});
}

} // namespace tocsin_bench
