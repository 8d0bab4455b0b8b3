#include "cases.hpp"

#include "tocsin/core/random.hpp"
#include "tocsin/core/storage.hpp"

#include "bounds.hpp"
#include "sizes.hpp"
#include "tocsin_jobs.hpp"
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <span>

namespace tocsin_bench {
namespace {

using tocsin::aligned_vector;

template <class Scalar>
aligned_vector<Scalar> uniform_values(std::size_t count, double radius, std::uint64_t seed) {
    tocsin::random_generator random{seed};
    aligned_vector<Scalar> values(count);
    for (auto& value : values) {
        value = static_cast<Scalar>(random.uniform(-radius, radius));
    }
    return values;
}

/// Weights of the magnitude that PyTorch draws.
aligned_vector<float> lstm_parameters(int inputs, int hidden, std::uint64_t seed) {
    return uniform_values<float>(std::size_t(4 * hidden) * std::size_t(inputs + hidden + 1),
                                 1 / std::sqrt(hidden), seed);
}

double lstm_flops(int inputs, int hidden) {
    return 2.0 * 4 * hidden * (inputs + hidden);
}

constexpr double agreement = 1e-5;

/// Asks every peer for its job.
template <class Make>
void invite(competition& all, const std::vector<const peer*>& peers, Make&& make) {
    for (const peer* const one : peers) {
        if (job_pointer work = make(*one)) {
            all.others.push_back({one->name(), one->family(), std::move(work)});
        }
    }
}

std::string sizes_in_name(int inputs, const std::vector<int>& hidden) {
    std::string text("/in:");
    text.append(std::to_string(inputs));
    for (const int size : hidden) {
        text.append("/hidden:").append(std::to_string(size));
    }
    return text;
}

struct step_data {
    aligned_vector<float> parameters;
    aligned_vector<float> samples;
    step_problem problem{};
};

enum class step_kind { at_compile_time, at_run_time, bfloat16 };

bench_case step_case(const std::string& name, int inputs, const std::vector<int>& hidden,
                     step_kind kind) {
    double flops = 0;
    std::size_t bytes = 0;
    for (std::size_t k = 0; k < hidden.size(); ++k) {
        const int below = k == 0 ? inputs : hidden[k - 1];
        flops += lstm_flops(below, hidden[k]);
        bytes += std::size_t(kind == step_kind::bfloat16 ? 2 : 4) *
                 std::size_t(4 * hidden[k] * (below + hidden[k] + 1));
    }
    // bfloat16 has 8 bits; the peers use the full weights.
    const double tolerance = kind == step_kind::bfloat16 ? 1e-2 : agreement;
    return {name + sizes_in_name(inputs, hidden), flops, "GFLOP/s", tolerance,
            [=](const std::vector<const peer*>& peers) {
                constexpr int sample_count = 64;
                auto data = std::make_shared<step_data>();
                for (std::size_t k = 0; k < hidden.size(); ++k) {
                    const auto layer =
                        lstm_parameters(k == 0 ? inputs : hidden[k - 1], hidden[k], k + 1);
                    data->parameters.insert(data->parameters.end(), layer.begin(), layer.end());
                }
                data->samples = uniform_values<float>(std::size_t(inputs * sample_count), 1, 99);
                data->problem = {inputs, hidden, data->parameters.data(), data->samples.data(),
                                 sample_count};
                competition all{data, nullptr, load_bound(bytes), {}};
                if (kind == step_kind::bfloat16) {
                    all.ours = tocsin_bfloat16_step(data->problem);
                } else {
                    all.ours = tocsin_step(data->problem, kind == step_kind::at_run_time
                                                              ? sizes_known::at_run_time
                                                              : sizes_known::at_compile_time);
                }
                if (kind != step_kind::at_run_time) { // else as with static sizes
                    invite(all, peers, [&](const peer& one) { return one.step(data->problem); });
                }
                return all;
            }};
}

bench_case dense_case(int inputs, int outputs) {
    struct data_type {
        aligned_vector<float> parameters;
        aligned_vector<float> samples;
        dense_problem problem{};
    };
    const std::size_t count = std::size_t(outputs) * std::size_t(inputs + 1);
    std::string name("dense_head/float/in:");
    name.append(std::to_string(inputs)).append("/out:").append(std::to_string(outputs));
    return {name, 2.0 * inputs * outputs, "GFLOP/s", agreement,
            [=](const std::vector<const peer*>& peers) {
                constexpr int sample_count = 64;
                auto data = std::make_shared<data_type>();
                data->parameters = uniform_values<float>(count, 1 / std::sqrt(inputs), 1);
                data->samples = uniform_values<float>(std::size_t(inputs * sample_count), 1, 99);
                data->problem = {inputs, outputs, data->parameters.data(), data->samples.data(),
                                 sample_count};
                competition all{
                    data, tocsin_dense(data->problem), load_bound(sizeof(float) * count), {}};
                invite(all, peers, [&](const peer& one) { return one.dense(data->problem); });
                return all;
            }};
}

struct window_data {
    aligned_vector<float> parameters;
    aligned_vector<float> windows;
    window_problem problem{};
};

std::shared_ptr<window_data> windows_of(int inputs, int hidden, int time, int batch) {
    auto data = std::make_shared<window_data>();
    data->parameters = lstm_parameters(inputs, hidden, 1);
    data->windows = uniform_values<float>(std::size_t(inputs * time * batch), 1, 99);
    data->problem = {inputs, hidden, time, batch, data->parameters.data(), data->windows.data()};
    return data;
}

bench_case window_case(int inputs, int hidden, int time, int batch) {
    const std::size_t bytes = sizeof(float) * std::size_t(4 * hidden * (inputs + hidden + 1));
    const double flops = lstm_flops(inputs, hidden) * time * batch;
    std::string name("window/float");
    name.append(sizes_in_name(inputs, {hidden})).append("/time:").append(std::to_string(time));
    name.append("/batch:").append(std::to_string(batch));
    return {name, flops, "GFLOP/s", agreement, [=](const std::vector<const peer*>& peers) {
                auto data = windows_of(inputs, hidden, time, batch);
                // One sequence loads the weights in every step; a batch shares them.
                competition all{data,
                                tocsin_window(data->problem),
                                batch == 1 ? load_bound(bytes, time) : fma_bound(flops),
                                {}};
                invite(all, peers, [&](const peer& one) { return one.window(data->problem); });
                return all;
            }};
}

/// Multiply-adds of the matrix products: forward, gradients of weights and of the layer below.
/// Biases and elementwise work are not counted.
double training_flops(const training_problem& problem) {
    const double columns = double(problem.batch) * problem.time;
    const double forward = lstm_flops(problem.features, problem.hidden);
    const double recurrent = lstm_flops(0, problem.hidden);
    const double input = problem.free_running ? lstm_flops(problem.features, problem.hidden) -
                                                    lstm_flops(0, problem.hidden)
                                              : 0;
    const double head = 2.0 * problem.features * problem.hidden;
    return columns * (2 * (2 * forward + recurrent) + input + 3 * head);
}

struct training_data {
    aligned_vector<float> parameters;
    aligned_vector<float> windows;
    training_problem problem{};
};

std::shared_ptr<training_data> training_of(const training_problem& shape) {
    auto data = std::make_shared<training_data>();
    for (const std::uint64_t seed : {1U, 2U}) {
        const auto layer = lstm_parameters(shape.features, shape.hidden, seed);
        data->parameters.insert(data->parameters.end(), layer.begin(), layer.end());
    }
    const auto head = uniform_values<float>(shape.head_size(), 1 / std::sqrt(shape.hidden), 3);
    data->parameters.insert(data->parameters.end(), head.begin(), head.end());
    data->windows = uniform_values<float>(shape.sample_count(), 1, 99);
    data->problem = shape;
    data->problem.parameters = data->parameters.data();
    data->problem.windows = data->windows.data();
    return data;
}

bench_case training_case(int features, int hidden, int time, int batch, bool free_running,
                         int threads) {
    training_problem shape{features, hidden, time, batch, free_running, threads, nullptr, nullptr};
    std::string name(free_running ? "train_free_running" : "train");
    name.append(sizes_in_name(features, {hidden})).append("/time:").append(std::to_string(time));
    name.append("/batch:").append(std::to_string(batch));
    if (threads != 1) {
        name.append("/threads:").append(std::to_string(threads));
    }
    const double flops = training_flops(shape);
    return {
        name, flops, "GFLOP/s", agreement, [=](const std::vector<const peer*>& peers) {
            auto data = training_of(shape);
            // The bound of a run on several threads is that of as many cores.
            competition all{data, tocsin_training(data->problem), fma_bound(flops / threads), {}};
            invite(all, peers, [&](const peer& one) { return one.training(data->problem); });
            if (threads != 1) {
                all.clock = clock_kind::wall;
                auto alone = data->problem;
                alone.threads = 1;
                all.others.push_back({"one_thread", "one_thread", tocsin_training(alone), false});
            }
            return all;
        }};
}

bench_case activation_case(elementwise function, const std::string& name, bool exact) {
    constexpr int count = 4096;
    struct data_type {
        aligned_vector<float> inputs;
        activation_problem problem{};
    };
    return {"activation/" + name + "/" + std::to_string(count), 2.0 * sizeof(float) * count, "GB/s",
            agreement, [=](const std::vector<const peer*>& peers) {
                auto data = std::make_shared<data_type>();
                data->inputs = uniform_values<float>(count, 8, 99);
                data->problem = {function, data->inputs.data(), count, exact};
                competition all{
                    data, tocsin_activation(data->problem), copy_bound(sizeof(float) * count), {}};
                invite(all, peers, [&](const peer& one) { return one.activation(data->problem); });
                return all;
            }};
}

bench_case adam_case(int count) {
    struct data_type {
        aligned_vector<float> parameters;
        aligned_vector<float> gradients;
        adam_problem problem{};
    };
    // Parameters and both moments are read and written, gradients read.
    const double bytes = 7.0 * sizeof(float) * count;
    return {"adam/" + std::to_string(count), bytes, "GB/s", agreement,
            [=](const std::vector<const peer*>& peers) {
                auto data = std::make_shared<data_type>();
                data->parameters = uniform_values<float>(std::size_t(count), 1, 1);
                data->gradients = uniform_values<float>(std::size_t(count), 1, 2);
                data->problem = {data->parameters.data(), data->gradients.data(), count};
                competition all{data, tocsin_adam(data->problem), update_bound(count), {}};
                all.others.push_back(
                    {"copy", "copy", copy_bound(static_cast<std::size_t>(bytes / 2)), false});
                invite(all, peers, [&](const peer& one) { return one.adam(data->problem); });
                return all;
            }};
}

struct statistics_data {
    aligned_vector<double> errors;
    statistics_problem problem{};
};

/// Errors whose elements are correlated.
std::shared_ptr<statistics_data> statistics_of(int dimension, int count) {
    auto data = std::make_shared<statistics_data>();
    const auto size = static_cast<std::size_t>(dimension);
    data->errors = uniform_values<double>(size * std::size_t(count), 1, 99);
    for (std::size_t first = 0; first < data->errors.size(); first += size) {
        for (std::size_t k = 1; k < size; ++k) {
            data->errors[first + k] += 0.5 * data->errors[first + k - 1];
        }
    }
    data->problem = {dimension, count, data->errors.data()};
    return data;
}

constexpr int million = 1'000'000;
constexpr int csv_rows = 100'000;

bench_case moments_case(int dimension, int count) {
    const double bytes = double(sizeof(double)) * dimension * count;
    return {"moments/" + std::to_string(dimension), bytes, "GB/s", agreement,
            [=](const std::vector<const peer*>& peers) {
                auto data = statistics_of(dimension, count);
                competition all{data,
                                tocsin_moments(data->problem),
                                load_bound(static_cast<std::size_t>(bytes)),
                                {}};
                invite(all, peers, [&](const peer& one) { return one.moments(data->problem); });
                return all;
            }};
}

/// Short vectors wait for their loads, long ones for the multiply-adds of the triangle.
job_pointer mahalanobis_bound(int dimension, int count) {
    if (dimension < 128) {
        return load_bound(sizeof(double) * std::size_t(dimension + 1) * std::size_t(count));
    }
    constexpr double floats_per_double = 2; // in a register
    return fma_bound(floats_per_double * dimension * (dimension + 1.0) * count);
}

bench_case mahalanobis_case(int dimension, int count) {
    const double bytes = double(sizeof(double)) * (dimension + 1) * count;
    return {"mahalanobis/" + std::to_string(dimension), bytes, "GB/s", agreement,
            [=](const std::vector<const peer*>& peers) {
                auto data = statistics_of(dimension, count);
                competition all{data,
                                tocsin_mahalanobis(data->problem),
                                mahalanobis_bound(dimension, count),
                                {}};
                invite(all, peers, [&](const peer& one) { return one.mahalanobis(data->problem); });
                return all;
            }};
}

/// Six significant digits for each of ten sensors.
std::shared_ptr<std::string> csv_text(int rows) {
    constexpr int sensors = 10;
    auto text = std::make_shared<std::string>("s0,s1,s2,s3,s4,s5,s6,s7,s8,s9\n");
    const auto values = uniform_values<double>(std::size_t(sensors) * std::size_t(rows), 100, 3);
    char number[32];
    for (std::size_t k = 0; k < values.size(); ++k) {
        const int length = std::snprintf(number, sizeof number, "%.6g%c", values[k],
                                         (k + 1) % sensors == 0 ? '\n' : ',');
        text->append(number, static_cast<std::size_t>(length));
    }
    return text;
}

bench_case csv_case(int rows) {
    return {"csv/columns:10/rows:" + std::to_string(rows), 10.0 * rows, "Gcells/s", agreement,
            [=](const std::vector<const peer*>&) {
                const auto text = csv_text(rows);
                return competition{text, tocsin_csv({text.get()}), nullptr, {}};
            }};
}

struct scores_data {
    std::vector<double> scores;
    std::vector<std::uint8_t> labels;
    scores_problem problem{};
};

/// Exponential scores; one in ten is anomalous, with a larger mean.
std::shared_ptr<scores_data> scores_of(int count) {
    auto data = std::make_shared<scores_data>();
    tocsin::random_generator random{1};
    for (int k = 0; k < count; ++k) {
        data->labels.push_back(random.below(10) == 0);
        data->scores.push_back(-std::log(1 - random.uniform()) *
                               (data->labels.back() != 0 ? 5 : 1));
    }
    data->problem = {data->scores.data(), data->labels.data(), count};
    return data;
}

bench_case sweep_case(int count) {
    return {"f_beta_sweep/" + std::to_string(count), 9.0 * count, "GB/s", agreement,
            [=](const std::vector<const peer*>&) {
                auto data = scores_of(count);
                return competition{data, tocsin_f_beta_sweep(data->problem), nullptr, {}};
            }};
}

bench_case grid_case(int count, int thresholds) {
    std::string name("f_beta_grid/");
    name.append(std::to_string(count)).append("/thresholds:").append(std::to_string(thresholds));
    return {name, 9.0 * count, "GB/s", agreement, [=](const std::vector<const peer*>&) {
                auto data = scores_of(count);
                return competition{
                    data, tocsin_f_beta_grid(data->problem, thresholds), nullptr, {}};
            }};
}

bench_case push_case(int features, int hidden, int window) {
    std::string name("detector_push/float");
    name.append(sizes_in_name(features, {hidden})).append("/window:");
    name.append(std::to_string(window));
    // Each push reconstructs the window: encoder, decoder and head once per sample of it.
    const std::size_t weights =
        std::size_t(8 * hidden * (features + hidden + 1)) + std::size_t(features * (hidden + 1));
    const double flops = (2 * lstm_flops(features, hidden) + 2.0 * features * hidden) * window;
    return {name, flops, "GFLOP/s", agreement, [=](const std::vector<const peer*>&) {
                return competition{nullptr,
                                   tocsin_detector_push({features, hidden, window}),
                                   load_bound(sizeof(float) * weights, window),
                                   {}};
            }};
}

/// The sizes of the training cases.
constexpr std::array<training_problem, 3> training_sizes{
    {{8, 64, 64, 64, false, 1, nullptr, nullptr},
     {1, 32, 50, 32, false, 1, nullptr, nullptr},
     {38, 128, 100, 64, false, 1, nullptr, nullptr}}};
constexpr std::array window_batches{1, 32};

template <class T>
bool write(const std::string& path, std::span<const T> values) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size_bytes()));
    return static_cast<bool>(file.flush());
}

/// Parameters, windows and results of the recurrent cases, one file after the other.
bool export_recurrent(const std::string& folder) {
    bool written = true;
    const auto add = [&](const std::string& name, std::span<const float> parameters,
                         std::span<const float> windows, job& ours) {
        const std::string start = folder + '/' + name;
        written = written && write<float>(start + ".parameters.f32", parameters) &&
                  write<float>(start + ".windows.f32", windows) &&
                  write<double>(start + ".results.f64", ours.outputs());
    };
    for (const int batch : window_batches) {
        const auto data = windows_of(8, 64, 100, batch);
        add("window" + std::to_string(batch), data->parameters, data->windows,
            *tocsin_window(data->problem));
    }
    for (const training_problem& shape : training_sizes) {
        const auto data = training_of(shape);
        add("train" + std::to_string(shape.hidden), data->parameters, data->windows,
            *tocsin_training(data->problem));
    }
    return written;
}

} // namespace

std::vector<bench_case> all_cases() {
    std::vector<bench_case> all;
    for (const auto [inputs, hidden] : step_sizes) {
        all.push_back(step_case("step/float", inputs, {hidden}, step_kind::at_compile_time));
    }
    for (const auto [inputs, hidden] : step_sizes) {
        all.push_back(step_case("step/bfloat16", inputs, {hidden}, step_kind::bfloat16));
    }
    for (const auto [inputs, hidden] : step_sizes) {
        all.push_back(step_case("step_runtime/float", inputs, {hidden}, step_kind::at_run_time));
    }
    for (const auto [inputs, first, second] : stack_sizes) {
        all.push_back(
            step_case("stack_step/float", inputs, {first, second}, step_kind::at_compile_time));
    }
    for (const auto [inputs, outputs] : dense_sizes) {
        all.push_back(dense_case(inputs, outputs));
    }
    all.push_back(push_case(1, 16, 10));
    all.push_back(push_case(8, 32, 30));
    all.push_back(push_case(8, 64, 100));
    for (const int batch : window_batches) {
        all.push_back(window_case(8, 64, 100, batch));
    }
    for (const bool free_running : {false, true}) {
        for (const int threads : {1, 2}) {
            for (const training_problem& shape : training_sizes) {
                all.push_back(training_case(shape.features, shape.hidden, shape.time, shape.batch,
                                            free_running, threads));
            }
        }
    }
    all.push_back(activation_case(elementwise::exp, "exp", true));
    all.push_back(activation_case(elementwise::sigmoid, "sigmoid", false));
    all.push_back(activation_case(elementwise::tanh, "tanh", false));
    all.push_back(activation_case(elementwise::sigmoid, "exact_sigmoid", true));
    all.push_back(activation_case(elementwise::tanh, "exact_tanh", true));
    all.push_back(adam_case(100'000));
    all.push_back(adam_case(million));
    all.push_back(moments_case(1, million));
    all.push_back(moments_case(8, million));
    all.push_back(moments_case(32, million / 4));
    all.push_back(moments_case(128, million / 16));
    all.push_back(mahalanobis_case(1, million));
    all.push_back(mahalanobis_case(8, million));
    all.push_back(mahalanobis_case(32, million / 4));
    all.push_back(mahalanobis_case(128, million / 16));
    all.push_back(mahalanobis_case(256, million / 64));
    all.push_back(mahalanobis_case(512, million / 256));
    all.push_back(csv_case(csv_rows));
    all.push_back(sweep_case(million));
    all.push_back(grid_case(million, 100));
    all.push_back(grid_case(million, 10'000));
    return all;
}

bool export_for_python(const std::string& folder) {
    const auto errors = statistics_of(8, million);
    const auto distances = tocsin_mahalanobis(errors->problem)->outputs();
    const auto moments = tocsin_moments(errors->problem)->outputs();
    const auto scores = scores_of(million);
    const auto best = tocsin_f_beta_sweep(scores->problem)->outputs();
    return write<double>(folder + "/errors.f64", errors->errors) &&
           write<double>(folder + "/distances.f64", distances) &&
           write<double>(folder + "/moments.f64", moments) &&
           write<double>(folder + "/scores.f64", scores->scores) &&
           write<std::uint8_t>(folder + "/labels.u8", scores->labels) &&
           write<double>(folder + "/best.f64", best) &&
           write<char>(folder + "/recording.csv", *csv_text(csv_rows)) && export_recurrent(folder);
}

} // namespace tocsin_bench
