// RTNeural, layers with compile-time sizes; built once per backend (RTNEURAL_USE_EIGEN or
// RTNEURAL_USE_XSIMD) and vector width.
#include "peers.hpp"
#include "sizes.hpp"
#if RTNEURAL_USE_XSIMD
#include <xsimd/xsimd.hpp>
#if XSIMD_VERSION_MAJOR < 9
namespace xsimd { // RTNeural uses a name that xsimd 9 introduced
template <class T, class Arch>
T reduce_add(const batch<T, Arch>& x) {
    return hadd(x);
}
} // namespace xsimd
#endif
#endif

#include <RTNeural/RTNeural.h>
#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace tocsin_bench {
namespace {

namespace rt = RTNEURAL_NAMESPACE;

#if RTNEURAL_USE_XSIMD
using pack = xsimd::simd_type<float>;
constexpr int pack_size = static_cast<int>(pack::size);

/// A sample in the form that the layers expect, as in ModelT::forward, but for samples of any size.
template <int Inputs>
struct loaded {
    explicit loaded(const float* sample) {
        if constexpr (Inputs == 1) {
            packs[0] = pack(sample[0]);
        } else {
            constexpr int whole = Inputs / pack_size;
            for (int k = 0; k < whole; ++k) {
                packs[k] = xsimd::load_unaligned(sample + k * pack_size);
            }
            if constexpr (Inputs % pack_size != 0) {
                alignas(64) float rest[pack_size] = {};
                std::copy(sample + whole * pack_size, sample + Inputs, rest);
                packs[whole] = xsimd::load_aligned(rest);
            }
        }
    }
    pack packs[rt::ceil_div(Inputs, pack_size)];
};
template <int Inputs, class Layer>
void forward(Layer& layer, const float* sample) {
    layer.forward(loaded<Inputs>(sample).packs);
}
template <class Layer, class Below>
void forward_from(Layer& layer, Below& below) {
    layer.forward(below.outs);
}
template <class Layer>
std::vector<double> outputs_of(const Layer& layer) {
    std::vector<float> padded(sizeof layer.outs / sizeof(float));
    std::memcpy(padded.data(), layer.outs, sizeof layer.outs);
    return {padded.begin(), padded.begin() + Layer::out_size};
}
#else
template <int Inputs, class Layer>
void forward(Layer& layer, const float* sample) {
    layer.forward(Eigen::Map<const Eigen::Matrix<float, Inputs, 1>>(sample));
}
template <class Layer, class Below>
void forward_from(Layer& layer, Below& below) {
    layer.forward(below.outs);
}
template <class Layer>
std::vector<double> outputs_of(const Layer& layer) {
    return {layer.outs.data(), layer.outs.data() + Layer::out_size};
}
#endif

/// In zeroed memory: with the widest vectors, the xsimd backend reads memory that it has not
/// written and multiplies it by zero.
template <class Layer>
class zeroed {
  public:
    zeroed() : memory_(::operator new(sizeof(Layer), alignment)) {
        std::memset(memory_, 0, sizeof(Layer));
        layer_ = new (memory_) Layer;
    }
    zeroed(const zeroed&) = delete;
    zeroed& operator=(const zeroed&) = delete;
    ~zeroed() {
        layer_->~Layer();
        ::operator delete(memory_, alignment);
    }
    Layer& operator*() const { return *layer_; }
    Layer* operator->() const { return layer_; }

  private:
    static constexpr std::align_val_t alignment{64};
    void* memory_;
    Layer* layer_;
};

using table = std::vector<std::vector<float>>;

/// The columns of a column-major matrix.
table columns_of(const float* data, int rows, int columns) {
    table result;
    for (int c = 0; c < columns; ++c) {
        result.emplace_back(data + c * rows, data + (c + 1) * rows);
    }
    return result;
}

template <int Inputs, int Hidden>
class lstm {
  public:
    explicit lstm(const float* parameters) {
        const float* const recurrent = parameters + 4 * Hidden * Inputs;
        const float* const bias = recurrent + 4 * Hidden * Hidden;
        layer->setWVals(columns_of(parameters, 4 * Hidden, Inputs));
        layer->setUVals(columns_of(recurrent, 4 * Hidden, Hidden));
        layer->setBVals(std::vector<float>(bias, bias + 4 * Hidden));
        layer->reset();
    }
    static constexpr int parameter_count = 4 * Hidden * (Inputs + Hidden + 1);
    zeroed<rt::LSTMLayerT<float, Inputs, Hidden>> layer;
};

template <int Inputs, int Hidden>
class step_job final : public job {
  public:
    explicit step_job(const step_problem& problem) : problem_{problem}, lstm_(problem.parameters) {}
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            forward<Inputs>(*lstm_.layer,
                            problem_.samples + next_++ % problem_.sample_count * Inputs);
        }
    }
    std::vector<double> outputs() override {
        lstm_.layer->reset();
        next_ = 0;
        run(checked_steps);
        return outputs_of(*lstm_.layer);
    }

  private:
    step_problem problem_;
    lstm<Inputs, Hidden> lstm_;
    std::int64_t next_ = 0;
};

template <int Inputs, int First, int Second>
class stack_job final : public job {
  public:
    explicit stack_job(const step_problem& problem)
        : problem_{problem}, first_(problem.parameters),
          second_(problem.parameters + lstm<Inputs, First>::parameter_count) {}
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            forward<Inputs>(*first_.layer,
                            problem_.samples + next_++ % problem_.sample_count * Inputs);
            forward_from(*second_.layer, *first_.layer);
        }
    }
    std::vector<double> outputs() override {
        first_.layer->reset();
        second_.layer->reset();
        next_ = 0;
        run(checked_steps);
        return outputs_of(*second_.layer);
    }

  private:
    step_problem problem_;
    lstm<Inputs, First> first_;
    lstm<First, Second> second_;
    std::int64_t next_ = 0;
};

template <int Inputs, int Outputs>
class dense_job final : public job {
  public:
    explicit dense_job(const dense_problem& problem) : problem_{problem} {
        table rows(Outputs, std::vector<float>(Inputs));
        for (int in = 0; in < Inputs; ++in) {
            for (int out = 0; out < Outputs; ++out) {
                rows[std::size_t(out)][std::size_t(in)] = problem.parameters[in * Outputs + out];
            }
        }
        layer_->setWeights(rows);
        layer_->setBias(problem.parameters + Inputs * Outputs);
    }
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            forward<Inputs>(*layer_, problem_.samples + next_++ % problem_.sample_count * Inputs);
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        next_ = 0;
        run(checked_steps);
        return outputs_of(*layer_);
    }

  private:
    dense_problem problem_;
    zeroed<rt::DenseT<float, Inputs, Outputs>> layer_;
    std::int64_t next_ = 0;
};

template <int Inputs, int Hidden>
class window_job final : public job {
  public:
    explicit window_job(const window_problem& problem)
        : problem_{problem}, lstm_(problem.parameters),
          hiddens_(std::size_t(Hidden) * std::size_t(problem.time)) {}
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            lstm_.layer->reset();
            for (int t = 0; t < problem_.time; ++t) {
                forward<Inputs>(*lstm_.layer, problem_.windows + t * Inputs);
                std::memcpy(hiddens_.data() + t * Hidden, &lstm_.layer->outs[0],
                            Hidden * sizeof(float));
            }
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return {hiddens_.begin(), hiddens_.end()};
    }

  private:
    window_problem problem_;
    lstm<Inputs, Hidden> lstm_;
    std::vector<float> hiddens_;
};

class rtneural_peer final : public peer {
  public:
    std::string name() const override { return "rtneural_" TOCSIN_PEER_VARIANT; }
    std::string family() const override { return "rtneural"; }
    std::string version() const override { return "RTNeural " TOCSIN_PEER_VERSION; }
    job_pointer step(const step_problem& problem) const override {
        return with_step_sizes(problem.inputs, problem.hidden, [&]<int... Sizes>() -> job_pointer {
            if constexpr (sizeof...(Sizes) == 2) {
                return std::make_unique<step_job<Sizes...>>(problem);
            } else {
                return std::make_unique<stack_job<Sizes...>>(problem);
            }
        });
    }
    job_pointer dense(const dense_problem& problem) const override {
        return with_dense_sizes(problem.inputs, problem.outputs,
                                [&]<int Inputs, int Outputs>() -> job_pointer {
                                    return std::make_unique<dense_job<Inputs, Outputs>>(problem);
                                });
    }
    job_pointer window(const window_problem& problem) const override {
        if (problem.batch == 1 && problem.inputs == 8 && problem.hidden == 64) {
            return std::make_unique<window_job<8, 64>>(problem);
        }
        return nullptr; // it has no batches
    }
};

} // namespace
} // namespace tocsin_bench

TOCSIN_DEFINE_PEER(TOCSIN_PEER_FUNCTION, rtneural_peer)
