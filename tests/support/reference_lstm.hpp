/// @file reference_lstm.hpp
/// @brief The LSTM layer as its equations say, one scalar at a time: what lstm.hpp is compared with.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/lstm_state.hpp"
#include "tocsin/math/lstm_gate.hpp"

#include <cmath>
#include <span>

namespace tocsin_test {

/// One LSTM layer by the equations of docs/mathematics.md and the functions of the standard library;
/// parameters as in lstm.hpp. Sums are in double.
template <class Scalar>
class reference_lstm {
  public:
    using scalar_type = Scalar;
    using state = tocsin::lstm_state<Scalar>;
    using index_t = tocsin::index_t;
    template <class Element>
    using sequence = tocsin::sequence_view<Element>;

    struct tape_type {
        sequence<Scalar> gates;   ///< i, f, g, o of every step; then dL/dz
        sequence<Scalar> hiddens; ///< h of time + 1 steps; step 0 is the initial state
        sequence<Scalar> cells;   ///< c of time + 1 steps; step 0 is the initial state
    };

    reference_lstm(int inputs, int hidden) : inputs_{inputs}, hidden_{hidden} {}

    int input_size() const { return inputs_; }
    int hidden_size() const { return hidden_; }
    index_t parameter_count() const { return rows() * (index_t{inputs_} + hidden_ + 1); }
    state make_state(std::span<Scalar> area, int batch) const {
        return {{area.data(), hidden_, batch},
                {area.data() + index_t{hidden_} * batch, hidden_, batch}};
    }
    index_t tape_size(int batch, int time) const {
        return index_t{hidden_} * batch * (index_t{6} * time + 2);
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const {
        const index_t step = index_t{hidden_} * batch;
        Scalar* const hiddens = area.data() + 4 * step * time;
        return {{area.data(), 4 * hidden_, batch, time},
                {hiddens, hidden_, batch, time + 1},
                {hiddens + step * (time + 1), hidden_, batch, time + 1}};
    }
    sequence<Scalar> outputs(const tape_type& tape) const {
        return tape.hiddens.steps(1, tape.gates.time());
    }

    /// From the states that stand at step 0 of the tape.
    void forward(std::span<const Scalar> parameters, sequence<const Scalar> inputs,
                 const tape_type& tape) const {
        using gate = tocsin::lstm_gate;
        const auto weight = matrix_of(parameters);
        for (int t = 0; t < inputs.time(); ++t) {
            for (int b = 0; b < inputs.batch(); ++b) {
                const auto x = inputs.step(t).col(b);
                const auto h = tape.hiddens.step(t).col(b);
                auto z = tape.gates.step(t).col(b);
                for (index_t row = 0; row < rows(); ++row) { // z = W x + U h + b
                    double sum = weight(row, inputs_ + hidden_);
                    for (int k = 0; k < inputs_; ++k) {
                        sum += double{weight(row, k)} * double{x(k)};
                    }
                    for (int k = 0; k < hidden_; ++k) {
                        sum += double{weight(row, inputs_ + k)} * double{h(k)};
                    }
                    z(row) = static_cast<Scalar>(sum);
                }
                for (int unit = 0; unit < hidden_; ++unit) {
                    Scalar& i = z(gate::input * hidden_ + unit);
                    Scalar& f = z(gate::forget * hidden_ + unit);
                    Scalar& g = z(gate::candidate * hidden_ + unit);
                    Scalar& o = z(gate::output * hidden_ + unit);
                    i = sigmoid(i);
                    f = sigmoid(f);
                    g = std::tanh(g);
                    o = sigmoid(o);
                    const Scalar c = f * tape.cells.step(t)(unit, b) + i * g;
                    tape.cells.step(t + 1)(unit, b) = c;
                    tape.hiddens.step(t + 1)(unit, b) = o * std::tanh(c);
                }
            }
        }
    }

    /// Backpropagation through time. Adds to `gradients`, consumes the tape.
    /// @param output_gradient dL/dh of every step
    /// @param input_gradient  dL/dx of every step, overwritten
    /// @param gradient        in: dL/dh and dL/dc of the final state beyond `output_gradient`; out:
    ///                        of the initial state
    void backward(std::span<const Scalar> parameters, sequence<const Scalar> inputs,
                  const tape_type& tape, sequence<const Scalar> output_gradient,
                  std::span<Scalar> gradients, sequence<Scalar> input_gradient,
                  state& gradient) const {
        using gate = tocsin::lstm_gate;
        const auto weight = matrix_of(parameters);
        auto weight_gradient = matrix_of(gradients);
        for (int t = inputs.time() - 1; t >= 0; --t) {
            for (int b = 0; b < inputs.batch(); ++b) {
                auto dz = tape.gates.step(t).col(b);
                for (int unit = 0; unit < hidden_; ++unit) {
                    Scalar& z_i = dz(gate::input * hidden_ + unit);
                    Scalar& z_f = dz(gate::forget * hidden_ + unit);
                    Scalar& z_g = dz(gate::candidate * hidden_ + unit);
                    Scalar& z_o = dz(gate::output * hidden_ + unit);
                    const Scalar i = z_i;
                    const Scalar f = z_f;
                    const Scalar g = z_g;
                    const Scalar o = z_o;
                    const Scalar squashed = std::tanh(tape.cells.step(t + 1)(unit, b));
                    const Scalar dh = gradient.hidden(unit, b) + output_gradient.step(t)(unit, b);
                    const Scalar dc = gradient.cell(unit, b) + dh * o * (1 - squashed * squashed);
                    z_i = dc * g * i * (1 - i);
                    z_f = dc * tape.cells.step(t)(unit, b) * f * (1 - f);
                    z_g = dc * i * (1 - g * g);
                    z_o = dh * squashed * o * (1 - o);
                    gradient.cell(unit, b) = dc * f;
                }
                for (int k = 0; k < inputs_; ++k) { // dx = W^T dz, dW += dz x^T
                    input_gradient.step(t)(k, b) = column_product(weight, k, dz);
                    add_column(weight_gradient, k, dz, inputs.step(t)(k, b));
                }
                for (int k = 0; k < hidden_; ++k) { // dh = U^T dz, dU += dz h^T
                    gradient.hidden(k, b) = column_product(weight, inputs_ + k, dz);
                    add_column(weight_gradient, inputs_ + k, dz, tape.hiddens.step(t)(k, b));
                }
                add_column(weight_gradient, inputs_ + hidden_, dz, Scalar(1)); // db += dz
            }
        }
    }

  private:
    index_t rows() const { return index_t{tocsin::lstm_gate::count} * hidden_; }
    /// `[4H x (I + H + 1)]`, columns `[W | U | b]`.
    template <class Element>
    tocsin::matrix_view<Element> matrix_of(std::span<Element> parameters) const {
        return {parameters.data(), rows(), index_t{inputs_} + hidden_ + 1};
    }
    static Scalar sigmoid(Scalar z) { return 1 / (1 + std::exp(-z)); }
    template <class Matrix, class Column>
    Scalar column_product(const Matrix& weight, int column, const Column& dz) const {
        double sum = 0;
        for (index_t row = 0; row < rows(); ++row) {
            sum += double{weight(row, column)} * double{dz(row)};
        }
        return static_cast<Scalar>(sum);
    }
    template <class Matrix, class Column>
    void add_column(Matrix& gradient, int column, const Column& dz, Scalar value) const {
        for (index_t row = 0; row < rows(); ++row) {
            gradient(row, column) += dz(row) * value;
        }
    }

    int inputs_;
    int hidden_;
};

} // namespace tocsin_test
