/// @file competitor.hpp
/// @brief The measured problems, and the competitors that solve them.
///
/// All floats are laid out as in tocsin: matrices are column-major; an LSTM layer is one matrix
/// `[4H x (I + H + 1)]` with the columns `[W | U | b]` and the gates i, f, g, o; a dense layer is
/// `[outputs x (inputs + 1)]`; a sequence is `[features x (batch * time)]`. The data of a problem
/// outlives the jobs made from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tocsin_bench {

/// Work that can be repeated and whose results can be compared.
class job {
  public:
    job() = default;
    job(const job&) = delete;
    job& operator=(const job&) = delete;
    virtual ~job() = default;

    /// Does the work `repetitions` times, continuing where the last call stopped.
    virtual void run(std::int64_t repetitions) = 0;
    /// Does the work from a fresh start and returns the values on which all competitors must agree.
    virtual std::vector<double> outputs() = 0;
};
using job_pointer = std::unique_ptr<job>;

/// Stacked LSTM layers advance by one time step, with a batch of one and kept state.
struct step_problem {
    int inputs;
    std::vector<int> hidden; ///< of each layer
    const float* parameters; ///< of the layers, in order
    const float* samples;    ///< `[inputs x sample_count]`, read in turn, repeatedly
    int sample_count;        ///< power of two
};

/// One dense layer without activation is applied to one column.
struct dense_problem {
    int inputs;
    int outputs;
    const float* parameters;
    const float* samples; ///< `[inputs x sample_count]`, read in turn
    int sample_count;     ///< power of two
};

/// Hidden states of one LSTM layer over whole sequences from a zero state.
struct window_problem {
    int inputs;
    int hidden;
    int time;
    int batch;
    const float* parameters;
    const float* windows; ///< `[inputs x (batch * time)]`
};

/// One training step: encoder LSTM, its final (h, c) starts the decoder LSTM, dense head, mean
/// squared error against the windows, backward, Adam. The decoder's first input is zero.
struct training_problem {
    int features;
    int hidden;
    int time;
    int batch;
    bool free_running;       ///< the decoder reads its own predictions, else the true ones
    int threads;             ///< peers run with one
    const float* parameters; ///< encoder, decoder, head
    const float* windows;    ///< `[features x (batch * time)]`

    std::size_t lstm_size() const {
        return std::size_t(4) * std::size_t(hidden) * std::size_t(features + hidden + 1);
    }
    std::size_t head_size() const { return std::size_t(features) * std::size_t(hidden + 1); }
    std::size_t parameter_count() const { return 2 * lstm_size() + head_size(); }
    std::size_t sample_count() const {
        return std::size_t(features) * std::size_t(batch) * std::size_t(time);
    }
    static constexpr double learning_rate = 1e-4;
};

enum class elementwise { exp, sigmoid, tanh };

/// A function of every element of an array, written to another array.
struct activation_problem {
    elementwise function;
    const float* inputs;
    int count;
    bool exact; ///< tocsin: activations.hpp, else rational_activations.hpp, as in the layers
};

/// One Adam update with fixed gradients (rate 1e-6, beta 0.9 and 0.999, epsilon 1e-8).
struct adam_problem {
    const float* parameters;
    const float* gradients;
    int count;
    static constexpr double learning_rate = 1e-6;
};

/// Error vectors in double, `[dimension x count]`.
struct statistics_problem {
    int dimension;
    int count;
    const double* errors;
};

/// A library to compare with. A function returns null for what the peer cannot do.
class peer {
  public:
    peer() = default;
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;
    virtual ~peer() = default;

    virtual std::string name() const = 0;
    /// Peers of one family are different builds of the same library; the best one counts.
    virtual std::string family() const { return name(); }
    virtual std::string version() const = 0;

    virtual job_pointer step(const step_problem&) const { return nullptr; }
    virtual job_pointer dense(const dense_problem&) const { return nullptr; }
    virtual job_pointer window(const window_problem&) const { return nullptr; }
    virtual job_pointer training(const training_problem&) const { return nullptr; }
    virtual job_pointer activation(const activation_problem&) const { return nullptr; }
    virtual job_pointer adam(const adam_problem&) const { return nullptr; }
    /// Mean and sample covariance of all errors.
    virtual job_pointer moments(const statistics_problem&) const { return nullptr; }
    /// Squared Mahalanobis distance of each error from all of them.
    virtual job_pointer mahalanobis(const statistics_problem&) const { return nullptr; }
};

/// Ends a repetition: all memory counts as read, so the compiler cannot skip work whose results the
/// next repetition overwrites.
inline void results_are_read() {
#if defined(__GNUC__)
    asm volatile("" : : : "memory");
#endif
}

/// The outputs of a recurrent job are the state after this many steps.
inline constexpr int checked_steps = 50;

} // namespace tocsin_bench
