#include "bounds.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace tocsin_bench {
namespace {

#if defined(__AVX512F__)
constexpr std::size_t vector_bytes = 64;
#elif defined(__AVX__)
constexpr std::size_t vector_bytes = 32;
#else
constexpr std::size_t vector_bytes = 16;
#endif

using int_vector [[gnu::vector_size(vector_bytes)]] = std::int32_t;
using float_vector [[gnu::vector_size(vector_bytes)]] = float;
constexpr std::size_t lanes = vector_bytes / sizeof(float);

/// Memory that begins at a page boundary.
class buffer {
  public:
    explicit buffer(std::size_t bytes)
        : bytes_{bytes}, data_{static_cast<std::byte*>(::operator new(bytes, alignment))} {
        std::memset(data_, 1, bytes);
    }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() { ::operator delete(data_, alignment); }
    std::byte* data() const { return data_; }
    std::size_t size() const { return bytes_; }
    std::int64_t count() const { return static_cast<std::int64_t>(bytes_); }

  private:
    static constexpr std::align_val_t alignment{4096};
    std::size_t bytes_;
    std::byte* data_;
};

/// The best of several attempts, to choose between ways to do the same.
double best_seconds(job& work, std::int64_t repetitions) {
    double best = std::numeric_limits<double>::infinity();
    for (int attempt = 0; attempt < 5; ++attempt) {
        const auto begin = std::chrono::steady_clock::now();
        work.run(repetitions);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        best = std::min(best, took.count());
    }
    return best;
}

/// Keeps a value and hides it from the compiler.
template <class T>
void keep(T& value) {
#if defined(__AVX512F__)
    asm volatile("" : "+v"(value)); // any of the 32 registers
#elif defined(__x86_64__)
    asm volatile("" : "+x"(value));
#elif defined(__aarch64__)
    asm volatile("" : "+w"(value));
#else
    asm volatile("" : "+m"(value));
#endif
}

/// Loads all of a buffer, `Unroll` vectors at a time; the sum of the bits needs one instruction
/// with a memory operand per load.
template <int Unroll>
void load_all(const std::byte* data, std::size_t bytes) {
    int_vector sums[Unroll] = {};
    const std::size_t vectors = bytes / vector_bytes;
    const auto* const begin = reinterpret_cast<const int_vector*>(data);
    std::size_t k = 0;
    for (; k + Unroll <= vectors; k += Unroll) {
        for (std::size_t u = 0; u < Unroll; ++u) {
            sums[u] ^= begin[k + u];
        }
    }
    for (; k < vectors; ++k) {
        sums[0] ^= begin[k];
    }
    for (auto& sum : sums) {
        keep(sum);
    }
    for (std::size_t at = vectors * vector_bytes; at < bytes; at += sizeof(std::int32_t)) {
        std::int32_t word;
        std::memcpy(&word, data + at, sizeof word);
        asm volatile("" : : "r"(word));
    }
}

class load_job final : public job {
  public:
    load_job(std::size_t bytes, int passes) : memory_(bytes), passes_{passes} {
        double best = std::numeric_limits<double>::infinity();
        load_function chosen = nullptr;
        for (const auto candidate : {load_all<4>, load_all<8>, load_all<16>}) {
            load_ = candidate;
            const double took =
                best_seconds(*this, std::max<std::int64_t>(1, 2'000'000 / memory_.count()));
            if (took < best) {
                best = took;
                chosen = candidate;
            }
        }
        load_ = chosen;
    }
    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions * passes_; ++k) {
            load_(memory_.data(), memory_.size());
            results_are_read();
        }
    }
    std::vector<double> outputs() override { return {}; }

  private:
    using load_function = void (*)(const std::byte*, std::size_t);
    buffer memory_;
    int passes_;
    load_function load_ = nullptr;
};

class fma_job final : public job {
  public:
    explicit fma_job(double flops)
        : blocks_{std::max<std::int64_t>(1, static_cast<std::int64_t>(flops / block_flops + 0.5))} {
    }
    void run(std::int64_t repetitions) override {
        float_vector sums[chains];
        for (int c = 0; c < chains; ++c) {
            sums[c] = float_vector{} + static_cast<float>(c);
        }
        float_vector factor = float_vector{} + 0.5F;
        float_vector addend = float_vector{} + 1.0F;
        keep(factor);
        keep(addend);
        for (std::int64_t block = 0; block < repetitions * blocks_; ++block) {
            for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 32 // otherwise the sums would be in memory
                for (auto& sum : sums) {
                    sum = sum * factor + addend; // contracted: see CMakeLists.txt
                }
            }
#pragma GCC unroll 32
            for (auto& sum : sums) {
                keep(sum);
            }
        }
    }
    std::vector<double> outputs() override { return {}; }

  private:
    // With a latency of 4 and two per cycle, at least 8 chains are needed, and one more for each
    // cycle that the scheduler is late: as many as fit into 32 or 16 registers with two constants.
#if defined(__AVX512F__) || defined(__aarch64__)
    static constexpr int chains = 20;
#else
    static constexpr int chains = 12;
#endif
    static constexpr int rounds = 64;
    static constexpr double block_flops = 2.0 * chains * rounds * lanes;
    std::int64_t blocks_;
};

/// memcpy, or a loop over vectors if that is faster.
class copy_job final : public job {
  public:
    explicit copy_job(std::size_t bytes) : from_(bytes), to_(bytes) {
        double times[2];
        for (const bool loop : {false, true}) {
            loop_ = loop;
            times[loop] = best_seconds(*this, std::max<std::int64_t>(1, 2'000'000 / from_.count()));
        }
        loop_ = times[1] < times[0];
    }
    void run(std::int64_t repetitions) override {
        const std::size_t vectors = from_.size() / vector_bytes;
        auto* const to = reinterpret_cast<int_vector*>(to_.data());
        const auto* const from = reinterpret_cast<const int_vector*>(from_.data());
        for (std::int64_t k = 0; k < repetitions; ++k) {
            if (loop_) {
                for (std::size_t v = 0; v < vectors; ++v) {
                    int_vector value = from[v];
                    keep(value); // otherwise the compiler turns the loop into a call of memcpy
                    to[v] = value;
                }
            } else {
                std::memcpy(to_.data(), from_.data(), from_.size());
            }
            results_are_read();
        }
    }
    std::vector<double> outputs() override { return {}; }

  private:
    buffer from_;
    buffer to_;
    bool loop_ = false;
};

class update_job final : public job {
  public:
    explicit update_job(int count)
        : read_(bytes_of(count)), first_(bytes_of(count)), second_(bytes_of(count)),
          third_(bytes_of(count)) {}
    void run(std::int64_t repetitions) override {
        const auto* const read = reinterpret_cast<const int_vector*>(read_.data());
        auto* const first = reinterpret_cast<int_vector*>(first_.data());
        auto* const second = reinterpret_cast<int_vector*>(second_.data());
        auto* const third = reinterpret_cast<int_vector*>(third_.data());
        const std::size_t vectors = read_.size() / vector_bytes;
        for (std::int64_t k = 0; k < repetitions; ++k) {
            for (std::size_t v = 0; v < vectors; ++v) {
                const int_vector change = read[v];
                first[v] ^= change;
                second[v] ^= change;
                third[v] ^= change;
            }
            results_are_read();
        }
    }
    std::vector<double> outputs() override { return {}; }

  private:
    static std::size_t bytes_of(int count) { return sizeof(float) * std::size_t(count); }
    buffer read_;
    buffer first_;
    buffer second_;
    buffer third_;
};

} // namespace

job_pointer load_bound(std::size_t bytes, int passes) {
    return std::make_unique<load_job>(bytes, passes);
}
job_pointer fma_bound(double flops) {
    return std::make_unique<fma_job>(flops);
}
job_pointer update_bound(int count) {
    return std::make_unique<update_job>(count);
}
job_pointer copy_bound(std::size_t bytes) {
    return std::make_unique<copy_job>(bytes);
}

} // namespace tocsin_bench
