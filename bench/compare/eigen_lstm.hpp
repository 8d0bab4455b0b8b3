/// @file eigen_lstm.hpp
/// @brief LSTM layers as written by a careful Eigen user, without tocsin.
#pragma once

#include <Eigen/Dense>

namespace tocsin_bench {

/// Form of the products of a step; the fastest one depends on the sizes.
enum class gemv_form {
    fused,      ///< [W | U | b] [x; h; 1], Eigen's kernel for matrix times vector
    fused_lazy, ///< the same, unrolled by the compiler
    split,      ///< b + W x + U h, so that h is aligned
    split_lazy  ///< the same, unrolled by the compiler
};

/// One step at a time, fixed sizes. The gate rows are ordered i, f, o, g here, so that the three
/// sigmoids are one array expression.
template <int Inputs, int Hidden, gemv_form Form>
class eigen_step_lstm {
    static constexpr int columns = Inputs + Hidden + 1;
    static constexpr bool is_fused = Form == gemv_form::fused || Form == gemv_form::fused_lazy;
    using gate_vector = Eigen::Matrix<float, 4 * Hidden, 1>;
    using hidden_vector = Eigen::Matrix<float, Hidden, 1>;

  public:
    /// @param parameters `[4H x (I + H + 1)]`, gates i, f, g, o
    explicit eigen_step_lstm(const float* parameters) {
        const Eigen::Map<const Eigen::Matrix<float, 4 * Hidden, columns>> all(parameters);
        weights_.template topRows<2 * Hidden>() = all.template topRows<2 * Hidden>();
        weights_.template middleRows<Hidden>(2 * Hidden) = all.template bottomRows<Hidden>();
        weights_.template bottomRows<Hidden>() = all.template middleRows<Hidden>(2 * Hidden);
        reset();
    }
    void reset() {
        joined_.setZero();
        joined_(columns - 1) = 1;
        hidden_.setZero();
        cell_.setZero();
    }
    const float* hidden() const { return is_fused ? joined_.data() + Inputs : hidden_.data(); }
    void step(const float* sample) {
        const Eigen::Map<const Eigen::Matrix<float, Inputs, 1>> input(sample);
        if constexpr (is_fused) {
            joined_.template head<Inputs>() = input;
            if constexpr (Form == gemv_form::fused) {
                gates_.noalias() = weights_ * joined_;
            } else {
                gates_.noalias() = weights_.lazyProduct(joined_);
            }
        } else {
            const auto recurrent = weights_.template middleCols<Hidden>(Inputs);
            gates_ = weights_.template rightCols<1>();
            if constexpr (Inputs == 1) {
                gates_ += weights_.col(0) * input(0);
            } else {
                gates_.noalias() += weights_.template leftCols<Inputs>() * input;
            }
            if constexpr (Form == gemv_form::split) {
                gates_.noalias() += recurrent * hidden_;
            } else {
                gates_.noalias() += recurrent.lazyProduct(hidden_);
            }
        }
        auto sigmoids = gates_.template head<3 * Hidden>().array();
        auto candidate = gates_.template tail<Hidden>().array();
        sigmoids = sigmoids.logistic();
        candidate = candidate.tanh();
        const auto input_gate = gates_.template head<Hidden>().array();
        const auto forget_gate = gates_.template segment<Hidden>(Hidden).array();
        const auto output_gate = gates_.template segment<Hidden>(2 * Hidden).array();
        cell_.array() = forget_gate * cell_.array() + input_gate * candidate;
        hidden_.array() = output_gate * cell_.array().tanh();
        if constexpr (is_fused) {
            joined_.template segment<Hidden>(Inputs) = hidden_;
        }
    }

  private:
    Eigen::Matrix<float, 4 * Hidden, columns> weights_;
    Eigen::Matrix<float, columns, 1> joined_;
    gate_vector gates_;
    hidden_vector hidden_;
    hidden_vector cell_;
};

/// Whole sequences of batches, forward and backward, with large matrix products where possible.
class eigen_sequence_lstm {
    using matrix = Eigen::MatrixXf;
    using weights_view = Eigen::Map<const matrix>;

  public:
    eigen_sequence_lstm(int inputs, int hidden, int time, int batch)
        : inputs_{inputs}, hidden_{hidden}, time_{time}, batch_{batch},
          gates_(4 * hidden, time * batch), hiddens_(matrix::Zero(hidden, (time + 1) * batch)),
          cells_(matrix::Zero(hidden, (time + 1) * batch)), squashed_(hidden, time * batch) {}

    auto hidden_at(int step) { return hiddens_.middleCols(step * batch_, batch_); }
    auto cell_at(int step) { return cells_.middleCols(step * batch_, batch_); }
    auto gates_at(int step) { return gates_.middleCols(step * batch_, batch_); }
    /// h of all steps.
    auto outputs() { return hiddens_.rightCols(time_ * batch_); }

    /// Starts from the states in hidden_at(0) and cell_at(0).
    template <class Inputs>
    void forward(const float* parameters, const Inputs& inputs) {
        gates_.noalias() = input_weights(parameters) * inputs;
        gates_.colwise() += bias(parameters);
        for (int t = 0; t < time_; ++t) {
            auto gates = gates_at(t);
            gates.noalias() += recurrent_weights(parameters) * hidden_at(t);
            activate(t);
        }
    }
    template <class Input>
    void forward_step(const float* parameters, const Input& input, int t) {
        auto gates = gates_at(t);
        gates.noalias() = input_weights(parameters) * input;
        gates.noalias() += recurrent_weights(parameters) * hidden_at(t);
        gates.colwise() += bias(parameters);
        activate(t);
    }
    /// @param dh,dc in: of the new state, complete; out: of the old one. The gates become dL/dz.
    void backward_step(const float* parameters, int t, matrix& dh, matrix& dc) {
        auto i = gates_at(t).topRows(hidden_).array();
        auto f = gates_at(t).middleRows(hidden_, hidden_).array();
        auto g = gates_at(t).middleRows(2 * hidden_, hidden_).array();
        auto o = gates_at(t).bottomRows(hidden_).array();
        const auto squashed = squashed_.middleCols(t * batch_, batch_).array();
        dc.array() += dh.array() * o * (1 - squashed.square());
        o = dh.array() * squashed * o * (1 - o);
        keep_.array() = dc.array() * f;
        f = dc.array() * cell_at(t).array() * f * (1 - f);
        held_.array() = dc.array() * g * i * (1 - i);
        g = dc.array() * i * (1 - g.square());
        i = held_.array();
        dc.swap(keep_);
        dh.noalias() = recurrent_weights(parameters).transpose() * gates_at(t);
    }
    void begin_backward() {
        keep_.resize(hidden_, batch_);
        held_.resize(hidden_, batch_);
    }
    template <class Gradient>
    void input_gradient(const float* parameters, int t, Gradient& dx) {
        dx.noalias() = input_weights(parameters).transpose() * gates_at(t);
    }
    /// Overwrites `gradients`, after backward_step of all steps.
    template <class Inputs>
    void gradients(const Inputs& inputs, float* gradients) {
        const int rows = 4 * hidden_;
        Eigen::Map<matrix> input(gradients, rows, inputs_);
        Eigen::Map<matrix> recurrent(gradients + rows * inputs_, rows, hidden_);
        Eigen::Map<Eigen::VectorXf> bias(gradients + rows * (inputs_ + hidden_), rows);
        input.noalias() = gates_ * inputs.transpose();
        recurrent.noalias() = gates_ * hiddens_.leftCols(time_ * batch_).transpose();
        bias = gates_.rowwise().sum();
    }

  private:
    weights_view input_weights(const float* parameters) const {
        return {parameters, 4 * hidden_, inputs_};
    }
    weights_view recurrent_weights(const float* parameters) const {
        return {parameters + 4 * hidden_ * inputs_, 4 * hidden_, hidden_};
    }
    Eigen::Map<const Eigen::VectorXf> bias(const float* parameters) const {
        return {parameters + 4 * hidden_ * (inputs_ + hidden_), 4 * hidden_};
    }
    void activate(int t) {
        auto gates = gates_at(t);
        gates.topRows(2 * hidden_).array() = gates.topRows(2 * hidden_).array().logistic();
        auto candidate = gates.middleRows(2 * hidden_, hidden_).array();
        candidate = candidate.tanh();
        auto output = gates.bottomRows(hidden_).array();
        output = output.logistic();
        cell_at(t + 1).array() = gates.middleRows(hidden_, hidden_).array() * cell_at(t).array() +
                                 gates.topRows(hidden_).array() * candidate;
        auto squashed = squashed_.middleCols(t * batch_, batch_).array();
        squashed = cell_at(t + 1).array().tanh();
        hidden_at(t + 1).array() = output * squashed;
    }

    int inputs_;
    int hidden_;
    int time_;
    int batch_;
    matrix gates_;
    matrix hiddens_;
    matrix cells_;
    matrix squashed_; // tanh(c)
    matrix keep_;
    matrix held_;
};

} // namespace tocsin_bench
