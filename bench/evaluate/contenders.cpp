#include "contenders.hpp"

#include "tocsin/metrics/roc.hpp"
#include "tocsin/metrics/volume_under_surface.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <algorithm>
#include <cmath>

namespace evaluate {
namespace {

/// The same for all suites. At this level, 200 rows have the ten excesses that a fit needs.
constexpr tocsin::spot_settings peaks{.q = 1e-3, .level = 0.95};

} // namespace

contender_set::contender_set(bool seeded_only, std::vector<method> more)
    : methods{lstm_forecaster(), lstm_encoder_decoder(), feed_forward_network()} {
    for (method& other : more) {
        methods.push_back(std::move(other));
    }
    for (method& simple : comparators()) {
        methods.push_back(std::move(simple));
    }
    const auto named = [&](const char* name) {
        return static_cast<std::size_t>(
            std::find_if(methods.begin(), methods.end(),
                         [&](const method& each) { return each.name == name; }) -
            methods.begin());
    };
    contenders = {{own_name, {0, 1, named(autoregression_name), named(window_pca_name)}, true},
                  {"LSTM forecaster + encoder-decoder", {0, 1}, true}};
    if (!seeded_only) {
        contenders.push_back(
            {"linear models", {named(autoregression_name), named(window_pca_name)}, false});
    }
    for (std::size_t k = 0; k < methods.size(); ++k) {
        if (methods[k].seeded || !seeded_only) {
            contenders.push_back({methods[k].name, {k}, methods[k].seeded});
        }
    }
}

std::vector<method_result> contender_set::frames() const {
    std::vector<method_result> frames;
    for (const contender& each : contenders) {
        nlohmann::ordered_json settings;
        for (const std::size_t part : each.parts) {
            settings[methods[part].name] = methods[part].settings;
        }
        frames.push_back({each.name, settings, {}, {}, {}, each.seeded});
    }
    return frames;
}

std::vector<std::vector<double>> residuals_of(std::span<const method> methods,
                                              const scoring_task& task) {
    std::vector<std::vector<double>> all;
    for (const method& each : methods) {
        auto errors = each.errors(task);
        if (!errors) {
            progress::note(each.name + " is replaced by the z-score: " + errors.error().message());
            errors = comparators().back().errors(task);
        }
        all.push_back(errors ? std::move(*errors)
                             : std::vector<double>(static_cast<std::size_t>(task.rows()), 0));
    }
    return all;
}

std::vector<std::vector<double>> errors_of(const contender_set& set, const scoring_task& task) {
    auto all = residuals_of(set.methods, task);
    for (auto& errors : all) {
        for (double& error : errors) {
            error = std::abs(error);
        }
    }
    return all;
}

std::vector<double> scores_of(const contender& which,
                              const std::vector<std::vector<double>>& errors,
                              const scoring_task& task, int rows) {
    std::vector<double> scores(static_cast<std::size_t>(task.rows()), 0);
    for (const std::size_t part : which.parts) {
        const auto smooth = smoothed(errors[part], rows);
        double mean = 0;
        for (const double error : smooth) {
            mean += error / static_cast<double>(smooth.size());
        }
        std::vector<double> normal;
        for (const auto& range : task.training) {
            normal.insert(normal.end(), smooth.begin() + range.begin, smooth.begin() + range.end);
        }
        double unit = 0;
        if (!normal.empty()) {
            const auto place = normal.begin() + static_cast<std::ptrdiff_t>(
                                                    0.99 * static_cast<double>(normal.size() - 1));
            std::nth_element(normal.begin(), place, normal.end());
            unit = *place;
        }
        unit += 0.05 * mean; // training rows without any error
        for (std::size_t t = 0; t < scores.size(); ++t) {
            scores[t] +=
                unit > 0 ? smooth[t] / unit / static_cast<double>(which.parts.size()) : 0.0;
        }
    }
    return scores;
}

tocsin::result<double> threshold_of_peaks(std::span<const double> normal) {
    tocsin::spot_threshold rule(peaks);
    const tocsin::status fitted = rule.fit(normal, {});
    return fitted ? tocsin::result<double>(rule.threshold()) : tocsin::result<double>(fitted);
}

nlohmann::ordered_json peaks_settings() {
    return {{"q", peaks.q}, {"level", peaks.level}};
}

metrics score_metrics(std::span<const double> scores, std::span<const std::uint8_t> labels,
                      int window) {
    metrics values;
    if (const auto volume = tocsin::vus(scores, labels, {.window = window})) {
        values.vus_pr = volume->pr;
        values.vus_roc = volume->roc;
    }
    if (const auto area = tocsin::auc_roc(scores, labels)) {
        values.auc_roc = *area;
    }
    if (const auto area = tocsin::average_precision(scores, labels)) {
        values.auc_pr = *area;
    }
    return values;
}

} // namespace evaluate
