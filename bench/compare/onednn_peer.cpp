// oneDNN on one thread. It has neither decoder head nor optimiser, so only the two LSTMs of a
// training step are timed, with weights already in the order of its kernels.
#include "peers.hpp"
#include <algorithm>
#include <cmath>
#include <dnnl.hpp>
#include <omp.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tocsin_bench {
namespace {

using dnnl::memory;
using dnnl::prop_kind;
using arguments = std::unordered_map<int, memory>;

constexpr auto f32 = memory::data_type::f32;

const dnnl::engine& engine() {
    static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
    return cpu;
}
dnnl::stream& stream() {
    static dnnl::stream all(engine());
    return all;
}
memory::desc description(const memory::dims& sizes, memory::format_tag tag) {
    return {sizes, f32, tag};
}
float* data_of(const memory& from) {
    return static_cast<float*>(from.get_data_handle());
}
/// The caller's memory with a memory description.
memory view_of(const float* data, const memory::dims& sizes, memory::format_tag tag) {
    return {description(sizes, tag), engine(), const_cast<float*>(data)};
}
memory zeros(const memory::desc& wanted) {
    memory result(wanted, engine());
    std::fill_n(static_cast<char*>(result.get_data_handle()), wanted.get_size(), char{0});
    return result;
}
memory reordered(const memory& from, const memory::desc& wanted) {
    memory result(wanted, engine());
    memory source = from;
    dnnl::reorder(source, result).execute(stream(), source, result);
    stream().wait();
    return result;
}

struct lstm_shape {
    memory::dim inputs;
    memory::dim hidden;
    memory::dim time;
    memory::dim batch;

    memory::dims source() const { return {time, batch, inputs}; }
    memory::dims destination() const { return {time, batch, hidden}; }
    memory::dims state() const { return {1, 1, batch, hidden}; }
    memory::dims input_weights() const { return {1, 1, inputs, 4, hidden}; }
    memory::dims recurrent_weights() const { return {1, 1, hidden, 4, hidden}; }
    memory::dims bias() const { return {1, 1, 4, hidden}; }

    // tocsin's [W | U | b] has the layouts that oneDNN calls ldigo, ldigo, ldgo.
    memory given_input_weights(const float* parameters) const {
        return view_of(parameters, input_weights(), memory::format_tag::ldigo);
    }
    memory given_recurrent_weights(const float* parameters) const {
        return view_of(parameters + 4 * hidden * inputs, recurrent_weights(),
                       memory::format_tag::ldigo);
    }
    memory given_bias(const float* parameters) const {
        return view_of(parameters + 4 * hidden * (inputs + hidden), bias(),
                       memory::format_tag::ldgo);
    }
};

/// Forward pass of one layer.
class lstm_forward {
  public:
    lstm_forward(const lstm_shape& shape, prop_kind kind, const float* parameters,
                 const float* source)
        : shape_{shape}, kind_{kind}, primitive_(describe(shape, kind)), layer_(primitive_) {
        using tag = memory::format_tag;
        arguments_ = {{DNNL_ARG_SRC_LAYER, view_of(source, shape.source(), tag::tnc)},
                      {DNNL_ARG_SRC_ITER, zeros(primitive_.src_iter_desc())},
                      {DNNL_ARG_SRC_ITER_C, zeros(primitive_.src_iter_c_desc())},
                      {DNNL_ARG_WEIGHTS_LAYER, reordered(shape.given_input_weights(parameters),
                                                         primitive_.weights_layer_desc())},
                      {DNNL_ARG_WEIGHTS_ITER, reordered(shape.given_recurrent_weights(parameters),
                                                        primitive_.weights_iter_desc())},
                      {DNNL_ARG_BIAS, shape.given_bias(parameters)},
                      {DNNL_ARG_DST_LAYER, zeros(primitive_.dst_layer_desc())},
                      {DNNL_ARG_DST_ITER, zeros(primitive_.dst_iter_desc())},
                      {DNNL_ARG_DST_ITER_C, zeros(primitive_.dst_iter_c_desc())}};
        if (kind == prop_kind::forward_training) {
            arguments_.emplace(DNNL_ARG_WORKSPACE, zeros(primitive_.workspace_desc()));
        }
    }
    void run() { layer_.execute(stream(), arguments_); }
    const lstm_shape& shape() const { return shape_; }
    memory& argument(int which) { return arguments_.at(which); }
    const dnnl::lstm_forward::primitive_desc& primitive() const { return primitive_; }

  private:
    static dnnl::lstm_forward::primitive_desc describe(const lstm_shape& shape, prop_kind kind) {
        using tag = memory::format_tag;
        const dnnl::lstm_forward::desc wanted(
            kind, dnnl::rnn_direction::unidirectional_left2right,
            description(shape.source(), tag::tnc), description(shape.state(), tag::ldnc),
            description(shape.state(), tag::ldnc), description(shape.input_weights(), tag::any),
            description(shape.recurrent_weights(), tag::any), description(shape.bias(), tag::ldgo),
            description(shape.destination(), tag::tnc), description(shape.state(), tag::ldnc),
            description(shape.state(), tag::ldnc));
        return {wanted, engine()};
    }
    lstm_shape shape_;
    prop_kind kind_;
    dnnl::lstm_forward::primitive_desc primitive_;
    dnnl::lstm_forward layer_;
    arguments arguments_;
};

/// Backward pass of one layer; reads the results of its forward pass.
class lstm_backward {
  public:
    lstm_backward(lstm_forward& forward, const float* parameters)
        : shape_{forward.shape()}, primitive_(describe(forward)), layer_(primitive_) {
        for (const int which :
             {DNNL_ARG_SRC_LAYER, DNNL_ARG_SRC_ITER, DNNL_ARG_SRC_ITER_C, DNNL_ARG_BIAS,
              DNNL_ARG_DST_LAYER, DNNL_ARG_DST_ITER, DNNL_ARG_DST_ITER_C, DNNL_ARG_WORKSPACE}) {
            arguments_.emplace(which, forward.argument(which));
        }
        arguments_.emplace(DNNL_ARG_WEIGHTS_LAYER, reordered(shape_.given_input_weights(parameters),
                                                             primitive_.weights_layer_desc()));
        arguments_.emplace(
            DNNL_ARG_WEIGHTS_ITER,
            reordered(shape_.given_recurrent_weights(parameters), primitive_.weights_iter_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_SRC_LAYER, zeros(primitive_.diff_src_layer_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_SRC_ITER, zeros(primitive_.diff_src_iter_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_SRC_ITER_C, zeros(primitive_.diff_src_iter_c_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_WEIGHTS_LAYER,
                           zeros(primitive_.diff_weights_layer_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_WEIGHTS_ITER, zeros(primitive_.diff_weights_iter_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_BIAS, zeros(primitive_.diff_bias_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_DST_LAYER, zeros(primitive_.diff_dst_layer_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_DST_ITER, zeros(primitive_.diff_dst_iter_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_DST_ITER_C, zeros(primitive_.diff_dst_iter_c_desc()));
    }
    /// oneDNN adds to gradients, so they are zeroed first.
    void run() {
        for (const int which :
             {DNNL_ARG_DIFF_WEIGHTS_LAYER, DNNL_ARG_DIFF_WEIGHTS_ITER, DNNL_ARG_DIFF_BIAS}) {
            memory& gradient = argument(which);
            std::fill_n(static_cast<char*>(gradient.get_data_handle()),
                        gradient.get_desc().get_size(), char{0});
        }
        layer_.execute(stream(), arguments_);
    }
    memory& argument(int which) { return arguments_.at(which); }
    /// [dW | dU | db] in tocsin's order.
    void append_gradients(std::vector<double>& values) {
        using tag = memory::format_tag;
        append(values, DNNL_ARG_DIFF_WEIGHTS_LAYER,
               description(shape_.input_weights(), tag::ldigo));
        append(values, DNNL_ARG_DIFF_WEIGHTS_ITER,
               description(shape_.recurrent_weights(), tag::ldigo));
        append(values, DNNL_ARG_DIFF_BIAS, description(shape_.bias(), tag::ldgo));
    }

  private:
    void append(std::vector<double>& values, int which, const memory::desc& plain) {
        const memory result = reordered(argument(which), plain);
        values.insert(values.end(), data_of(result),
                      data_of(result) + plain.get_size() / sizeof(float));
    }
    static dnnl::lstm_backward::primitive_desc describe(const lstm_forward& forward) {
        using tag = memory::format_tag;
        const lstm_shape& shape = forward.shape();
        const auto source = description(shape.source(), tag::tnc);
        const auto state = description(shape.state(), tag::ldnc);
        const auto input_weights = description(shape.input_weights(), tag::any);
        const auto recurrent_weights = description(shape.recurrent_weights(), tag::any);
        const auto bias = description(shape.bias(), tag::ldgo);
        const auto destination = description(shape.destination(), tag::tnc);
        const dnnl::lstm_backward::desc wanted(
            prop_kind::backward, dnnl::rnn_direction::unidirectional_left2right, source, state,
            state, input_weights, recurrent_weights, bias, destination, state, state, source, state,
            state, input_weights, recurrent_weights, bias, destination, state, state);
        return {wanted, engine(), forward.primitive()};
    }
    lstm_shape shape_;
    dnnl::lstm_backward::primitive_desc primitive_;
    dnnl::lstm_backward layer_;
    arguments arguments_;
};

class step_job final : public job {
  public:
    explicit step_job(const step_problem& problem)
        : problem_{problem},
          layer_({problem.inputs, problem.hidden[0], 1, 1}, prop_kind::forward_inference,
                 problem.parameters, problem.samples) {
        reset();
    }
    void run(std::int64_t repetitions) override {
        memory& source = layer_.argument(DNNL_ARG_SRC_LAYER);
        memory& old_hidden = layer_.argument(DNNL_ARG_SRC_ITER);
        memory& new_hidden = layer_.argument(DNNL_ARG_DST_ITER);
        memory& old_cell = layer_.argument(DNNL_ARG_SRC_ITER_C);
        memory& new_cell = layer_.argument(DNNL_ARG_DST_ITER_C);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            source.set_data_handle(const_cast<float*>(problem_.samples) +
                                   next_ % problem_.sample_count * problem_.inputs);
            // The new state is the next step's old state.
            auto& from = states_[std::size_t(next_ % 2)];
            auto& to = states_[std::size_t((next_ + 1) % 2)];
            ++next_;
            old_hidden.set_data_handle(from.hidden.data());
            old_cell.set_data_handle(from.cell.data());
            new_hidden.set_data_handle(to.hidden.data());
            new_cell.set_data_handle(to.cell.data());
            layer_.run();
        }
        stream().wait();
    }
    std::vector<double> outputs() override {
        reset();
        run(checked_steps);
        const auto& hidden = states_[std::size_t(next_ % 2)].hidden;
        return {hidden.begin(), hidden.end()};
    }

  private:
    struct state {
        std::vector<float> hidden;
        std::vector<float> cell;
    };
    void reset() {
        const std::vector<float> zero(std::size_t(problem_.hidden[0]));
        states_[0] = states_[1] = {zero, zero};
        next_ = 0;
    }
    step_problem problem_;
    state states_[2];
    lstm_forward layer_;
    std::int64_t next_ = 0;
};

class window_job final : public job {
  public:
    explicit window_job(const window_problem& problem)
        : layer_({problem.inputs, problem.hidden, problem.time, problem.batch},
                 prop_kind::forward_inference, problem.parameters, problem.windows) {}
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            layer_.run();
        }
        stream().wait();
    }
    std::vector<double> outputs() override {
        run(1);
        const memory& hidden = layer_.argument(DNNL_ARG_DST_LAYER);
        return {data_of(hidden), data_of(hidden) + hidden.get_desc().get_size() / sizeof(float)};
    }

  private:
    lstm_forward layer_;
};

/// Teacher-forced. outputs() adds the head, the loss and Adam with plain loops, to show that the
/// timed part belongs to the same computation.
class training_job final : public job {
  public:
    explicit training_job(const training_problem& problem)
        : problem_{problem},
          parameters_(problem.parameters, problem.parameters + problem.parameter_count()),
          decoder_inputs_(problem.sample_count()) {
        std::copy_n(problem.windows,
                    problem.sample_count() - std::size_t(problem.features * problem.batch),
                    decoder_inputs_.begin() + problem.features * problem.batch);
        build();
        run(1);
        slopes_of_head();
    }
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            encoder_->run();
            copy(encoder_->argument(DNNL_ARG_DST_ITER), decoder_->argument(DNNL_ARG_SRC_ITER));
            copy(encoder_->argument(DNNL_ARG_DST_ITER_C), decoder_->argument(DNNL_ARG_SRC_ITER_C));
            decoder_->run();
            decoder_backward_->run();
            copy(decoder_backward_->argument(DNNL_ARG_DIFF_SRC_ITER),
                 encoder_backward_->argument(DNNL_ARG_DIFF_DST_ITER));
            copy(decoder_backward_->argument(DNNL_ARG_DIFF_SRC_ITER_C),
                 encoder_backward_->argument(DNNL_ARG_DIFF_DST_ITER_C));
            encoder_backward_->run();
        }
        stream().wait();
    }
    std::vector<double> outputs() override {
        std::vector<double> first(problem_.parameter_count(), 0);
        std::vector<double> second = first;
        std::vector<double> values;
        double loss = 0;
        for (int step = 1; step <= 3; ++step) {
            build(); // weights are copied into the kernels' order
            run(1);
            loss = slopes_of_head();
            run(1);
            std::vector<double> gradient;
            encoder_backward_->append_gradients(gradient);
            decoder_backward_->append_gradients(gradient);
            gradient.insert(gradient.end(), head_gradient_.begin(), head_gradient_.end());
            if (step == 1) {
                values = gradient;
            }
            for (std::size_t k = 0; k < gradient.size(); ++k) {
                first[k] = 0.9 * first[k] + 0.1 * gradient[k];
                second[k] = 0.999 * second[k] + 0.001 * gradient[k] * gradient[k];
                parameters_[k] -= static_cast<float>(
                    training_problem::learning_rate / (1 - std::pow(0.9, step)) * first[k] /
                    (std::sqrt(second[k] / (1 - std::pow(0.999, step))) + 1e-8));
            }
        }
        parameters_.assign(problem_.parameters, problem_.parameters + problem_.parameter_count());
        values.push_back(loss);
        return values;
    }

  private:
    static void copy(const memory& from, const memory& to) {
        std::copy_n(data_of(from), from.get_desc().get_size() / sizeof(float), data_of(to));
    }
    void build() {
        const lstm_shape shape{problem_.features, problem_.hidden, problem_.time, problem_.batch};
        const float* const decoder = parameters_.data() + problem_.lstm_size();
        constexpr auto kind = prop_kind::forward_training;
        encoder_ =
            std::make_unique<lstm_forward>(shape, kind, parameters_.data(), problem_.windows);
        decoder_ = std::make_unique<lstm_forward>(shape, kind, decoder, decoder_inputs_.data());
        encoder_backward_ = std::make_unique<lstm_backward>(*encoder_, parameters_.data());
        decoder_backward_ = std::make_unique<lstm_backward>(*decoder_, decoder);
    }
    /// Loss of the head's predictions, dL/dh for the decoder, dL/d(head).
    double slopes_of_head() {
        const auto features = std::size_t(problem_.features);
        const auto hidden = std::size_t(problem_.hidden);
        const auto columns = std::size_t(problem_.batch) * std::size_t(problem_.time);
        const float* const head = parameters_.data() + 2 * problem_.lstm_size();
        const float* const h = data_of(decoder_->argument(DNNL_ARG_DST_LAYER));
        float* const dh = data_of(decoder_backward_->argument(DNNL_ARG_DIFF_DST_LAYER));
        std::fill_n(dh, hidden * columns, 0.0F);
        head_gradient_.assign(problem_.head_size(), 0);
        double loss = 0;
        for (std::size_t c = 0; c < columns; ++c) {
            for (std::size_t f = 0; f < features; ++f) {
                double prediction = head[features * hidden + f];
                for (std::size_t k = 0; k < hidden; ++k) {
                    prediction += double(head[k * features + f]) * double(h[c * hidden + k]);
                }
                const double difference = prediction - double(problem_.windows[c * features + f]);
                const double slope = 2 * difference / double(columns * features);
                loss += difference * difference / double(columns * features);
                for (std::size_t k = 0; k < hidden; ++k) {
                    dh[c * hidden + k] += float(slope * double(head[k * features + f]));
                    head_gradient_[k * features + f] += slope * double(h[c * hidden + k]);
                }
                head_gradient_[features * hidden + f] += slope;
            }
        }
        return loss;
    }

    training_problem problem_;
    std::vector<float> parameters_;
    std::vector<float> decoder_inputs_;
    std::vector<double> head_gradient_;
    std::unique_ptr<lstm_forward> encoder_;
    std::unique_ptr<lstm_forward> decoder_;
    std::unique_ptr<lstm_backward> encoder_backward_;
    std::unique_ptr<lstm_backward> decoder_backward_;
};

class activation_job final : public job {
  public:
    explicit activation_job(const activation_problem& problem)
        : primitive_(describe(problem)), function_(primitive_),
          inputs_(view_of(problem.inputs, {problem.count}, memory::format_tag::a)),
          results_(zeros(primitive_.dst_desc())),
          arguments_{{DNNL_ARG_SRC, inputs_}, {DNNL_ARG_DST, results_}} {}
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            function_.execute(stream(), arguments_);
        }
        stream().wait();
    }
    std::vector<double> outputs() override {
        run(1);
        return {data_of(results_),
                data_of(results_) + results_.get_desc().get_size() / sizeof(float)};
    }

  private:
    static dnnl::eltwise_forward::primitive_desc describe(const activation_problem& problem) {
        const auto function = problem.function == elementwise::exp ? dnnl::algorithm::eltwise_exp
                              : problem.function == elementwise::sigmoid
                                  ? dnnl::algorithm::eltwise_logistic
                                  : dnnl::algorithm::eltwise_tanh;
        const dnnl::eltwise_forward::desc wanted(
            prop_kind::forward_inference, function,
            description({problem.count}, memory::format_tag::a), 0, 0);
        return {wanted, engine()};
    }
    dnnl::eltwise_forward::primitive_desc primitive_;
    dnnl::eltwise_forward function_;
    memory inputs_;
    memory results_;
    arguments arguments_;
};

class onednn_peer final : public peer {
  public:
    onednn_peer() { omp_set_num_threads(1); }
    std::string name() const override { return "onednn"; }
    std::string version() const override {
        const dnnl_version_t* const version = dnnl_version();
        return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) +
               "." + std::to_string(version->patch);
    }
    job_pointer step(const step_problem& problem) const override {
        return problem.hidden.size() == 1 ? std::make_unique<step_job>(problem) : nullptr;
    }
    job_pointer window(const window_problem& problem) const override {
        return std::make_unique<window_job>(problem);
    }
    job_pointer training(const training_problem& problem) const override {
        return problem.free_running ? nullptr : std::make_unique<training_job>(problem);
    }
    job_pointer activation(const activation_problem& problem) const override {
        return std::make_unique<activation_job>(problem);
    }
};

} // namespace
} // namespace tocsin_bench

TOCSIN_DEFINE_PEER(tocsin_bench_onednn, onednn_peer)
