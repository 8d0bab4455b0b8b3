// Careful code with Eigen only; always built.
#include "eigen_lstm.hpp"
#include "peers.hpp"
#include "sizes.hpp"
#include <chrono>
#include <tuple>
#include <utility>

namespace tocsin_bench {
namespace {

using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXf;

std::vector<double> values_of(const float* data, Eigen::Index count) {
    return {data, data + count};
}

/// The fastest candidate, since a careful engineer would measure which form is best.
job_pointer fastest(std::vector<job_pointer> candidates) {
    constexpr int repetitions = 400;
    double best = 0;
    job_pointer chosen;
    for (auto& candidate : candidates) {
        double took = 0;
        for (int attempt = 0; attempt < 6; ++attempt) {
            const auto begin = std::chrono::steady_clock::now();
            candidate->run(repetitions);
            const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
            took = attempt == 0 ? time.count() : std::min(took, time.count());
        }
        if (!chosen || took < best) {
            best = took;
            chosen = std::move(candidate);
        }
    }
    return chosen;
}

/// The layers of a stack, each reading the h of the one below.
template <gemv_form Form, int Inputs, int Hidden, int... Above>
class layer_chain {
  public:
    explicit layer_chain(const float* parameters)
        : layer_(parameters), above_(parameters + 4 * Hidden * (Inputs + Hidden + 1)) {}
    void reset() {
        layer_.reset();
        above_.reset();
    }
    void step(const float* sample) {
        layer_.step(sample);
        above_.step(layer_.hidden());
    }
    const float* top() const { return above_.top(); }

  private:
    eigen_step_lstm<Inputs, Hidden, Form> layer_;
    layer_chain<Form, Hidden, Above...> above_;
};
template <gemv_form Form, int Inputs, int Hidden>
class layer_chain<Form, Inputs, Hidden> {
  public:
    explicit layer_chain(const float* parameters) : layer_(parameters) {}
    void reset() { layer_.reset(); }
    void step(const float* sample) { layer_.step(sample); }
    const float* top() const { return layer_.hidden(); }

  private:
    eigen_step_lstm<Inputs, Hidden, Form> layer_;
};

template <gemv_form Form, int... Sizes>
class step_job final : public job {
  public:
    explicit step_job(const step_problem& problem)
        : problem_{problem}, layers_(problem.parameters) {}
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            layers_.step(problem_.samples + next_++ % problem_.sample_count * problem_.inputs);
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        layers_.reset();
        next_ = 0;
        run(checked_steps);
        return values_of(layers_.top(), problem_.hidden.back());
    }

  private:
    step_problem problem_;
    layer_chain<Form, Sizes...> layers_;
    std::int64_t next_ = 0;
};

/// @tparam Lazy unrolled by the compiler instead of Eigen's kernel for matrix times vector
template <int Inputs, int Outputs, bool Lazy>
class dense_job final : public job {
  public:
    explicit dense_job(const dense_problem& problem)
        : problem_{problem}, weights_(Map<const weights>(problem.parameters)),
          bias_(Map<const column>(problem.parameters + Inputs * Outputs)) {}
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            const Map<const Eigen::Matrix<float, Inputs, 1>> sample(
                problem_.samples + next_++ % problem_.sample_count * Inputs);
            if constexpr (Lazy) {
                output_.noalias() = bias_ + weights_.lazyProduct(sample);
            } else {
                output_ = bias_;
                output_.noalias() += weights_ * sample;
            }
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        next_ = 0;
        run(checked_steps);
        return values_of(output_.data(), Outputs);
    }

  private:
    using weights = Eigen::Matrix<float, Outputs, Inputs, Outputs == 1 ? Eigen::RowMajor : 0>;
    using column = Eigen::Matrix<float, Outputs, 1>;
    dense_problem problem_;
    weights weights_;
    column bias_;
    column output_;
    std::int64_t next_ = 0;
};

/// A batch of one: fixed sizes, step by step.
template <gemv_form Form, int Inputs, int Hidden>
class window_step_job final : public job {
  public:
    explicit window_step_job(const window_problem& problem)
        : problem_{problem}, layer_(problem.parameters), hiddens_(Hidden, problem.time) {}
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            layer_.reset();
            for (int t = 0; t < problem_.time; ++t) {
                layer_.step(problem_.windows + t * Inputs);
                hiddens_.col(t) = Map<const Eigen::Matrix<float, Hidden, 1>>(layer_.hidden());
            }
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return values_of(hiddens_.data(), hiddens_.size());
    }

  private:
    window_problem problem_;
    eigen_step_lstm<Inputs, Hidden, Form> layer_;
    Eigen::Matrix<float, Hidden, Eigen::Dynamic> hiddens_;
};

class window_batch_job final : public job {
  public:
    explicit window_batch_job(const window_problem& problem)
        : problem_{problem}, layer_(problem.inputs, problem.hidden, problem.time, problem.batch) {}
    void run(std::int64_t repetitions) override {
        const Map<const MatrixXf> windows(problem_.windows, problem_.inputs,
                                          problem_.batch * problem_.time);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            layer_.forward(problem_.parameters, windows);
        }
    }
    std::vector<double> outputs() override {
        run(1);
        const MatrixXf hidden = layer_.outputs();
        return values_of(hidden.data(), hidden.size());
    }

  private:
    window_problem problem_;
    eigen_sequence_lstm layer_;
};

/// Adam as one array expression per moment and one for the parameters.
class adam_state {
  public:
    explicit adam_state(Eigen::Index count)
        : first_(VectorXf::Zero(count)), second_(VectorXf::Zero(count)) {}
    void update(VectorXf& parameters, const Eigen::Ref<const VectorXf>& gradient, double rate) {
        ++step_;
        const auto step_size = static_cast<float>(rate / (1 - std::pow(0.9, step_)));
        const auto root = static_cast<float>(1 / std::sqrt(1 - std::pow(0.999, step_)));
        first_.array() = 0.9F * first_.array() + 0.1F * gradient.array();
        second_.array() = 0.999F * second_.array() + 0.001F * gradient.array().square();
        parameters.array() -= step_size * first_.array() / (second_.array().sqrt() * root + 1e-8F);
    }

  private:
    VectorXf first_;
    VectorXf second_;
    int step_ = 0;
};

class adam_job final : public job {
  public:
    explicit adam_job(const adam_problem& problem)
        : problem_{problem}, state_(problem.count),
          parameters_(Map<const VectorXf>(problem.parameters, problem.count)) {}
    void run(std::int64_t repetitions) override {
        const Map<const VectorXf> gradient(problem_.gradients, problem_.count);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            state_.update(parameters_, gradient, adam_problem::learning_rate);
        }
    }
    std::vector<double> outputs() override {
        state_ = adam_state(problem_.count);
        parameters_ = Map<const VectorXf>(problem_.parameters, problem_.count);
        run(3);
        return values_of(parameters_.data(), parameters_.size());
    }

  private:
    adam_problem problem_;
    adam_state state_;
    VectorXf parameters_;
};

class training_job final : public job {
  public:
    explicit training_job(const training_problem& problem)
        : problem_{problem}, count_{static_cast<Eigen::Index>(problem.parameter_count())},
          lstm_size_{static_cast<Eigen::Index>(problem.lstm_size())},
          encoder_(problem.features, problem.hidden, problem.time, problem.batch),
          decoder_(problem.features, problem.hidden, problem.time, problem.batch),
          windows_(Map<const MatrixXf>(problem.windows, problem.features, columns())),
          inputs_(MatrixXf::Zero(problem.features, columns())),
          predictions_(problem.features, columns()), gradient_(count_), state_(count_) {
        inputs_.rightCols(columns() - problem.batch) = windows_.leftCols(columns() - problem.batch);
        start();
    }
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            forward();
            backward();
            state_.update(parameters_, gradient_, training_problem::learning_rate);
        }
    }
    std::vector<double> outputs() override {
        start();
        run(1);
        std::vector<double> values = values_of(gradient_.data(), count_);
        run(2);
        values.push_back(loss_);
        return values;
    }

  private:
    Eigen::Index columns() const { return Eigen::Index(problem_.batch) * problem_.time; }
    const float* decoder() const { return parameters_.data() + lstm_size_; }
    Map<const MatrixXf> head() const {
        return {decoder() + lstm_size_, problem_.features, problem_.hidden};
    }
    Map<const VectorXf> head_bias() const {
        return {head().data() + head().size(), problem_.features};
    }
    auto step(MatrixXf& sequence, int t) const {
        return sequence.middleCols(t * problem_.batch, problem_.batch);
    }

    void start() {
        parameters_ = Map<const VectorXf>(problem_.parameters, count_);
        state_ = adam_state(count_);
    }
    void forward() {
        encoder_.forward(parameters_.data(), windows_);
        decoder_.hidden_at(0) = encoder_.hidden_at(problem_.time);
        decoder_.cell_at(0) = encoder_.cell_at(problem_.time);
        if (problem_.free_running) {
            for (int t = 0; t < problem_.time; ++t) {
                if (t > 0) {
                    step(inputs_, t) = step(predictions_, t - 1);
                }
                decoder_.forward_step(decoder(), step(inputs_, t), t);
                auto prediction = step(predictions_, t);
                prediction.noalias() = head() * decoder_.hidden_at(t + 1);
                prediction.colwise() += head_bias();
            }
        } else {
            decoder_.forward(decoder(), inputs_);
            predictions_.noalias() = head() * decoder_.outputs();
            predictions_.colwise() += head_bias();
        }
    }
    void backward() {
        slopes_ = predictions_ - windows_;
        const auto size = static_cast<float>(slopes_.size());
        loss_ = static_cast<double>(slopes_.squaredNorm()) / static_cast<double>(size);
        slopes_ *= 2 / size;
        dh_.setZero(problem_.hidden, problem_.batch);
        dc_.setZero(problem_.hidden, problem_.batch);
        decoder_.begin_backward();
        encoder_.begin_backward();
        if (!problem_.free_running) {
            output_slopes_.noalias() = head().transpose() * slopes_;
        }
        MatrixXf dx(problem_.features, problem_.batch);
        for (int t = problem_.time - 1; t >= 0; --t) {
            if (problem_.free_running) {
                if (t + 1 < problem_.time) {
                    step(slopes_, t) += dx;
                }
                dh_.noalias() += head().transpose() * step(slopes_, t);
            } else {
                dh_ += step(output_slopes_, t);
            }
            decoder_.backward_step(decoder(), t, dh_, dc_);
            if (problem_.free_running && t > 0) {
                decoder_.input_gradient(decoder(), t, dx);
            }
        }
        for (int t = problem_.time - 1; t >= 0; --t) {
            encoder_.backward_step(parameters_.data(), t, dh_, dc_);
        }
        encoder_.gradients(windows_, gradient_.data());
        decoder_.gradients(inputs_, gradient_.data() + lstm_size_);
        float* const head_gradient = gradient_.data() + 2 * lstm_size_;
        Map<MatrixXf>(head_gradient, problem_.features, problem_.hidden).noalias() =
            slopes_ * decoder_.outputs().transpose();
        Map<VectorXf>(head_gradient + head().size(), problem_.features) = slopes_.rowwise().sum();
    }

    training_problem problem_;
    Eigen::Index count_;
    Eigen::Index lstm_size_;
    eigen_sequence_lstm encoder_;
    eigen_sequence_lstm decoder_;
    MatrixXf windows_;
    MatrixXf inputs_;
    MatrixXf predictions_;
    MatrixXf slopes_;
    MatrixXf output_slopes_;
    MatrixXf dh_;
    MatrixXf dc_;
    VectorXf parameters_;
    VectorXf gradient_;
    adam_state state_;
    double loss_ = 0;
};

class activation_job final : public job {
  public:
    explicit activation_job(const activation_problem& problem)
        : problem_{problem}, results_(problem.count) {}
    void run(std::int64_t repetitions) override {
        const Map<const Eigen::ArrayXf> inputs(problem_.inputs, problem_.count);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            switch (problem_.function) {
            case elementwise::exp:
                results_ = inputs.exp();
                break;
            case elementwise::sigmoid:
                results_ = inputs.logistic();
                break;
            case elementwise::tanh:
                results_ = inputs.tanh();
                break;
            }
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return values_of(results_.data(), results_.size());
    }

  private:
    activation_problem problem_;
    Eigen::ArrayXf results_;
};

/// Two passes over blocks that fit in the cache.
class moments_job final : public job {
  public:
    explicit moments_job(const statistics_problem& problem) : problem_{problem} {}
    void run(std::int64_t repetitions) override {
        const Map<const MatrixXd> errors(problem_.errors, problem_.dimension, problem_.count);
        constexpr Eigen::Index block = 512;
        MatrixXd centred(problem_.dimension, block);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            mean_ = errors.rowwise().mean();
            covariance_.setZero(problem_.dimension, problem_.dimension);
            for (Eigen::Index first = 0; first < errors.cols(); first += block) {
                const Eigen::Index count = std::min(block, errors.cols() - first);
                centred.leftCols(count) = errors.middleCols(first, count).colwise() - mean_;
                covariance_.noalias() +=
                    centred.leftCols(count) * centred.leftCols(count).transpose();
            }
            covariance_ /= static_cast<double>(errors.cols() - 1);
        }
    }
    std::vector<double> outputs() override {
        run(1);
        std::vector<double> values(mean_.data(), mean_.data() + mean_.size());
        values.insert(values.end(), covariance_.data(), covariance_.data() + covariance_.size());
        return values;
    }
    const Eigen::VectorXd& mean() const { return mean_; }
    const MatrixXd& covariance() const { return covariance_; }

  private:
    statistics_problem problem_;
    Eigen::VectorXd mean_;
    MatrixXd covariance_;
};

/// A triangular solve for a block of vectors at a time.
class mahalanobis_job final : public job {
  public:
    explicit mahalanobis_job(const statistics_problem& problem)
        : problem_{problem}, distances_(problem.count) {
        moments_job moments(problem);
        moments.run(1);
        mean_ = moments.mean();
        factor_.compute(moments.covariance());
    }
    void run(std::int64_t repetitions) override {
        const Map<const MatrixXd> errors(problem_.errors, problem_.dimension, problem_.count);
        constexpr Eigen::Index block = 512;
        MatrixXd whitened(problem_.dimension, block);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            for (Eigen::Index first = 0; first < errors.cols(); first += block) {
                const Eigen::Index count = std::min(block, errors.cols() - first);
                whitened.leftCols(count) = errors.middleCols(first, count).colwise() - mean_;
                auto part = whitened.leftCols(count);
                factor_.matrixL().solveInPlace(part);
                distances_.segment(first, count) = part.colwise().squaredNorm().transpose();
            }
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return {distances_.data(), distances_.data() + distances_.size()};
    }

  private:
    statistics_problem problem_;
    Eigen::VectorXd mean_;
    Eigen::LLT<MatrixXd> factor_;
    Eigen::VectorXd distances_;
};

class eigen_peer final : public peer {
  public:
    std::string name() const override { return "eigen" TOCSIN_PEER_VARIANT; }
    std::string family() const override { return "eigen"; }
    std::string version() const override {
        return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." +
               std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION);
    }
    job_pointer step(const step_problem& problem) const override {
        return with_step_sizes(problem.inputs, problem.hidden, [&]<int... Sizes>() {
            std::vector<job_pointer> forms;
            forms.push_back(std::make_unique<step_job<gemv_form::fused, Sizes...>>(problem));
            forms.push_back(std::make_unique<step_job<gemv_form::split, Sizes...>>(problem));
            if constexpr (std::max({Sizes...}) <= 32) {
                forms.push_back(
                    std::make_unique<step_job<gemv_form::fused_lazy, Sizes...>>(problem));
                forms.push_back(
                    std::make_unique<step_job<gemv_form::split_lazy, Sizes...>>(problem));
            }
            return fastest(std::move(forms));
        });
    }
    job_pointer dense(const dense_problem& problem) const override {
        return with_dense_sizes(problem.inputs, problem.outputs, [&]<int Inputs, int Outputs>() {
            std::vector<job_pointer> forms;
            forms.push_back(std::make_unique<dense_job<Inputs, Outputs, true>>(problem));
            forms.push_back(std::make_unique<dense_job<Inputs, Outputs, false>>(problem));
            return fastest(std::move(forms));
        });
    }
    job_pointer window(const window_problem& problem) const override {
        if (problem.batch == 1 && problem.inputs == 8 && problem.hidden == 64) {
            return std::make_unique<window_step_job<gemv_form::fused, 8, 64>>(problem);
        }
        return std::make_unique<window_batch_job>(problem);
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
    job_pointer moments(const statistics_problem& problem) const override {
        return std::make_unique<moments_job>(problem);
    }
    job_pointer mahalanobis(const statistics_problem& problem) const override {
        return std::make_unique<mahalanobis_job>(problem);
    }
};

} // namespace
} // namespace tocsin_bench

TOCSIN_DEFINE_PEER(TOCSIN_PEER_FUNCTION, eigen_peer)
