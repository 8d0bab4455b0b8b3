// tocsin: activations of arrays, Adam.
#include "tocsin/math/activations.hpp"
#include "tocsin/math/elementwise.hpp"
#include "tocsin/math/rational_activations.hpp"
#include "tocsin/training/adam.hpp"

#include "tocsin_jobs.hpp"

namespace tocsin_bench {
namespace {

using namespace tocsin;

struct exponential {
    template <class Pack>
    Pack operator()(const Pack& x) const noexcept {
        return tocsin::detail::exp_of(x);
    }
};

template <class Function>
class activation_job final : public job {
  public:
    explicit activation_job(const activation_problem& problem)
        : problem_{problem}, results_(static_cast<std::size_t>(problem.count)) {}

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            for_each_pack<lanes_of<float>>(problem_.count, [&](auto pack) {
                pack.store(results_.data(), Function{}(pack.load(problem_.inputs)));
            });
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return {results_.begin(), results_.end()};
    }

  private:
    activation_problem problem_;
    aligned_vector<float> results_;
};

class adam_job final : public job {
  public:
    explicit adam_job(const adam_problem& problem) : problem_{problem} { start(); }

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            rule_.update(std::span<float>(parameters_), gradients(), std::span<float>(state_),
                         ++step_, 1);
        }
    }
    std::vector<double> outputs() override {
        start();
        run(3);
        return {parameters_.begin(), parameters_.end()};
    }

  private:
    void start() {
        parameters_.assign(problem_.parameters, problem_.parameters + problem_.count);
        state_.assign(static_cast<std::size_t>(rule_.state_size(problem_.count)), 0);
        step_ = 0;
    }
    std::span<const float> gradients() const {
        return {problem_.gradients, static_cast<std::size_t>(problem_.count)};
    }

    adam_problem problem_;
    adam rule_{.learning_rate = adam_problem::learning_rate};
    aligned_vector<float> parameters_;
    aligned_vector<float> state_;
    std::int64_t step_ = 0;
};

} // namespace

job_pointer tocsin_activation(const activation_problem& problem) {
    switch (problem.function) {
    case elementwise::exp:
        return std::make_unique<activation_job<exponential>>(problem);
    case elementwise::sigmoid:
        if (problem.exact) {
            return std::make_unique<activation_job<sigmoid_activation>>(problem);
        }
        return std::make_unique<activation_job<rational_sigmoid>>(problem);
    case elementwise::tanh:
        if (problem.exact) {
            return std::make_unique<activation_job<tanh_activation>>(problem);
        }
        return std::make_unique<activation_job<rational_tanh>>(problem);
    }
    return nullptr;
}

job_pointer tocsin_adam(const adam_problem& problem) {
    return std::make_unique<adam_job>(problem);
}

} // namespace tocsin_bench
