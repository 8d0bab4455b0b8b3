#include "streams.hpp"

#include "tocsin/alarm/refractory_period.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/feed_forward.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/training/fit.hpp"

#include "network.hpp"
#include "scoring_task.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::status;

constexpr index_t memory = 4000;      ///< rows that models and scales remember
constexpr index_t scale_every = 25;   ///< rows after which scales are recomputed
constexpr index_t fewest_errors = 50; ///< before anything is judged
constexpr double quantile = 0.99;

constexpr int order = 10;
constexpr index_t refit_every = 200; ///< rows, autoregression

struct forecaster_settings {
    int hidden = 24;
    int window = 48;
    int stride = 12;
    int warm_up = 8;
    int epochs = 30;
    int batch_size = 16;
    double learning_rate = 5e-3;
};
constexpr forecaster_settings chosen;
constexpr int look_back = 16; ///< rows that the feed-forward network sees

/// The first fit is in the middle of the probationary period, so that its second half gives
/// held-out errors.
index_t first_fit(const stream_task& task) {
    return std::max<index_t>(task.probation / 2, 3 * order);
}

/// Calls `fit(begin, end)` before the rows `[end, next)` are scored by `score(end, next)`, where
/// the rows `[begin, end)` are the last that are remembered.
template <class Next, class Fit, class Score>
status walk(const stream_task& task, Next&& next_of, Fit&& fit, Score&& score) {
    index_t end = first_fit(task);
    while (end < task.rows()) {
        const index_t next = std::min(next_of(end), task.rows());
        if (status fitted = fit(std::max<index_t>(end - memory, 0), end); !fitted) {
            return fitted;
        }
        if (status scored = score(end, next); !scored) {
            return scored;
        }
        end = next;
    }
    return {};
}

result<std::vector<double>> last_value(const stream_task& task) {
    std::vector<double> errors(task.values.size(), 0);
    for (std::size_t t = 1; t < errors.size(); ++t) {
        errors[t] = task.values[t] - task.values[t - 1];
    }
    return errors;
}

/// Distance from the mean of the last rows.
result<std::vector<double>> level(const stream_task& task) {
    std::vector<double> errors(task.values.size(), 0);
    tocsin::moving_window window(static_cast<int>(memory / 2));
    for (std::size_t t = 0; t < errors.size(); ++t) {
        errors[t] = t == 0 ? 0 : task.values[t] - window.mean();
        window.push(task.values[t]);
    }
    return errors;
}

result<std::vector<double>> autoregression(const stream_task& task) {
    std::vector<double> errors(task.values.size(), 0);
    const tocsin::matrix_view<const double> values(task.values.data(), 1, task.rows());
    tocsin::linear_autoregression model({.order = order, .targets = 1, .relative_ridge = 1e-2});
    const status done = walk(
        task, [](index_t end) { return end + refit_every; },
        [&](index_t begin, index_t end) {
            return model.fit(values.middleCols(begin, end - begin));
        },
        [&](index_t end, index_t next) {
            for (index_t t = end - order; t < next; ++t) {
                model.push({task.values.data() + t, 1});
                if (t >= end) {
                    errors[static_cast<std::size_t>(t)] = model.errors()[0];
                }
            }
            return status{};
        });
    return done ? result<std::vector<double>>(std::move(errors)) : done;
}

/// Changes from row to row, which are forecast, above the values.
matrix<float> changes_and_values(const stream_task& task) {
    matrix<float> both(2, task.rows());
    for (index_t t = 0; t < task.rows(); ++t) {
        const auto row = static_cast<std::size_t>(t);
        both(0, t) = t == 0 ? 0.0F : static_cast<float>(task.values[row] - task.values[row - 1]);
        both(1, t) = static_cast<float>(task.values[row]);
    }
    return both;
}

/// The row at which a network learns next: after twice the rows, so that half of them are new;
/// later, when the memory has been replaced.
index_t next_training(index_t end) {
    return end + std::min(end, memory);
}

tocsin::windows<float> training_windows(const matrix<float>& values, index_t begin, index_t end) {
    const int window = static_cast<int>(std::min<index_t>(chosen.window, end - begin));
    return {{values.data(), values.rows(), values.cols()},
            starts_within({{begin, end}}, window, chosen.stride),
            window};
}

auto trainer_of(const stream_task& task) {
    return make_trainer(chosen, task.seed, task.epochs.value_or(chosen.epochs));
}

result<std::vector<double>> lstm(const stream_task& task) {
    using model_type = tocsin::forecaster<float>;
    std::vector<double> errors(task.values.size(), 0);
    const matrix<float> values = changes_and_values(task);
    tocsin::detector<model_type, tocsin::standard_scaler<float>, tocsin::diagonal_gaussian<>>
        detector;
    const status done = walk(
        task, next_training,
        [&](index_t begin, index_t end) {
            const auto training = training_windows(values, begin, end);
            // The errors are measured here, so it needs no scores.
            detector = decltype(detector)(
                model_type::with_layers(2, 1, {chosen.hidden}, 1, 0,
                                        std::min(chosen.warm_up, training.length() / 4)),
                {.warm_up = 0});
            status trained = detector.train(training, {}, trainer_of(task));
            return trained ? detector.fit_errors(training) : trained;
        },
        [&](index_t end, index_t next) {
            auto stream = detector.make_stream();
            float forecast = 0;
            for (index_t t = std::max<index_t>(end - 2 * chosen.window, 0); t < next; ++t) {
                if (t >= end) {
                    errors[static_cast<std::size_t>(t)] = double{values(0, t)} - double{forecast};
                }
                detector.push(stream, values.col(t));
                forecast = detector.forecast(stream)(0, 0);
            }
            return status{};
        });
    return done ? result<std::vector<double>>(std::move(errors)) : done;
}

result<std::vector<double>> feed_forward(const stream_task& task) {
    using model_type = tocsin::feed_forward<float>;
    std::vector<double> errors(task.values.size(), 0);
    const matrix<float> values = changes_and_values(task);
    tocsin::detector<model_type, tocsin::standard_scaler<float>> detector;
    const status done = walk(
        task, next_training,
        [&](index_t begin, index_t end) {
            const auto training = training_windows(values, begin, end);
            detector = decltype(detector)(
                model_type::with_layers(2, 1, std::min(look_back, training.length() / 2),
                                        {chosen.hidden, chosen.hidden}),
                {.window = training.length()});
            return detector.train(training, {}, trainer_of(task));
        },
        [&](index_t end, index_t next) {
            const int window = detector.settings().window;
            const int past = detector.model().look_back();
            auto starts = starts_within({{end - past, next}}, window, window - past);
            if (starts.empty() || starts.back() + window < next) {
                starts.push_back(next - window);
            }
            const tocsin::windows<float> rows({values.data(), 2, task.rows()}, std::move(starts),
                                              window);
            const auto compare = [&](index_t k, const auto& measured, const auto& forecast) {
                const index_t first = rows.first_column(k);
                for (index_t t = std::max<index_t>(past, end - first); t < window; ++t) {
                    errors[static_cast<std::size_t>(first + t)] =
                        double{measured(0, t)} - double{forecast(0, t)};
                }
            };
            return detector.reconstruct(rows, compare);
        });
    return done ? result<std::vector<double>>(std::move(errors)) : done;
}

nlohmann::ordered_json network_settings(nlohmann::ordered_json settings) {
    settings.update({{"inputs", "change, value"},
                     {"target", "next change"},
                     {"window", chosen.window},
                     {"stride", chosen.stride},
                     {"epochs", chosen.epochs},
                     {"batch_size", chosen.batch_size},
                     {"learning_rate", chosen.learning_rate},
                     {"refit", "whenever the rows have doubled, later every 4000 rows"}});
    return settings;
}

} // namespace

std::vector<stream_method> stream_methods() {
    return {
        {"LSTM forecaster", true,
         network_settings({{"model", tocsin::forecaster<float>::kind},
                           {"hidden", chosen.hidden},
                           {"warm_up", chosen.warm_up}}),
         lstm},
        {"feed-forward network", true,
         network_settings({{"model", tocsin::feed_forward<float>::kind},
                           {"hidden", {chosen.hidden, chosen.hidden}},
                           {"look_back", look_back}}),
         feed_forward},
        {"linear autoregression",
         false,
         {{"order", order}, {"relative_ridge", 1e-2}, {"refit_every", refit_every}},
         autoregression},
        {"last value", false, {}, last_value},
        {"trailing mean", false, {{"rows", memory / 2}}, level},
    };
}

const char* name_of(surprise_scale scale) noexcept {
    switch (scale) {
    case surprise_scale::quantile:
        return "quantile";
    case surprise_scale::root_mean_square:
        return "root mean square";
    case surprise_scale::both:
        break;
    }
    return "geometric mean of quantile and root mean square";
}

nlohmann::ordered_json alarm_rule::settings() const {
    return {{"scale_of_errors", name_of(scale)},
            {"quantile", quantile},
            {"memory", memory},
            {"quiet_days_after_a_higher_score", quiet_days},
            {"fixed_threshold", threshold}};
}

std::vector<double> surprises(std::span<const double> errors, const stream_task& task,
                              surprise_scale scale_kind) {
    const auto rows = static_cast<index_t>(errors.size());
    const auto at = [&](index_t t) { return std::abs(errors[static_cast<std::size_t>(t)]); };
    std::vector<double> scores(errors.size(), 0);
    const index_t start = first_fit(task);
    std::vector<double> past;
    double scale = 0;
    for (index_t t = start + fewest_errors; t < rows; ++t) {
        if ((t - start) % scale_every == 0 || scale == 0) {
            past.clear();
            double squares = 0;
            double sum = 0;
            for (index_t k = std::max(start, t - memory); k < t; ++k) {
                past.push_back(at(k));
                squares += at(k) * at(k);
                sum += at(k);
            }
            const auto count = static_cast<double>(past.size());
            const auto place = past.begin() + static_cast<std::ptrdiff_t>(quantile * (count - 1));
            std::nth_element(past.begin(), place, past.end());
            const double high = *place + 0.1 * sum / count; // a quantile may be 0
            const double root_mean_square = std::sqrt(squares / count);
            scale = scale_kind == surprise_scale::quantile ? high
                    : scale_kind == surprise_scale::root_mean_square
                        ? root_mean_square
                        : std::sqrt(high * root_mean_square);
        }
        // If no value has ever changed, any change is the largest surprise.
        constexpr double most = 1e6;
        scores[static_cast<std::size_t>(t)] =
            scale > 0 ? std::min(at(t) / scale, most) : (at(t) > 0 ? most : 0.0);
    }
    return scores;
}

std::vector<double> new_heights(std::span<const double> scores, index_t rows) {
    std::vector<double> kept(scores.size(), 0);
    std::deque<index_t> peaks; // falling scores of the rows before
    const auto at = [&](index_t t) { return scores[static_cast<std::size_t>(t)]; };
    for (index_t t = 0; t < static_cast<index_t>(scores.size()); ++t) {
        while (!peaks.empty() && peaks.front() < t - rows) {
            peaks.pop_front();
        }
        if (peaks.empty() || at(t) > at(peaks.front())) {
            kept[static_cast<std::size_t>(t)] = at(t);
        }
        while (!peaks.empty() && at(peaks.back()) <= at(t)) {
            peaks.pop_back();
        }
        peaks.push_back(t);
    }
    return kept;
}

std::vector<double> alarm_scores(const alarm_rule& rule,
                                 const std::vector<std::vector<double>>& surprises,
                                 std::span<const std::size_t> parts, index_t day) {
    std::vector<double> largest(surprises[parts.front()].size(), 0);
    for (const std::size_t part : parts) {
        for (std::size_t t = 0; t < largest.size(); ++t) {
            largest[t] = std::max(largest[t], surprises[part][t]);
        }
    }
    return new_heights(
        largest,
        std::max<index_t>(static_cast<index_t>(rule.quiet_days * static_cast<double>(day)), 1));
}

nlohmann::ordered_json novelty_rule::settings() const {
    return {{"method", tocsin::nearest_value::kind},
            {"memory", memory},
            {"fixed_threshold", threshold},
            {"refractory_period", "a fifth of the probation"}};
}

std::vector<double> novelty_scores(const novelty_rule& rule, const stream_task& task) {
    tocsin::nearest_value novelty(rule.memory);
    std::vector<double> scores;
    scores.reserve(task.values.size());
    for (const double value : task.values) {
        const double score = novelty.push(value);
        scores.push_back(std::isnan(score) ? 0 : score);
    }
    return scores;
}

std::vector<double> first_alarms(const novelty_rule& rule, std::span<const double> scores,
                                 index_t probation) {
    auto period = tocsin::refractory_period::of_probation(probation);
    std::vector<double> kept(scores.size(), 0);
    for (std::size_t t = 0; t < scores.size(); ++t) {
        kept[t] = period.push(scores[t] >= rule.threshold) ? scores[t] : 0;
    }
    return kept;
}

} // namespace evaluate
