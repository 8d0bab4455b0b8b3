/// @file firmware_model.hpp
/// @brief What firmware needs of a trained detector, or why it cannot have it.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/errors/factorisation.hpp"
#include "tocsin/firmware/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin {

/// One layer of a network for firmware: a column-major matrix `[rows x (columns + 1)]`, the last
/// column the bias.
struct firmware_layer {
    int rows = 0;
    int columns = 0;
    std::vector<double> weights;

    double weight(int row, int column) const {
        return weights[static_cast<std::size_t>(column) * static_cast<std::size_t>(rows) +
                       static_cast<std::size_t>(row)];
    }
    double bias(int row) const { return weight(row, columns); }
};

/// A forecasting detector with its scaler, statistic and threshold, in the order of computation.
struct firmware_model {
    int features = 0;
    int targets = 0;
    int look_ahead = 1;
    int warm_up = 1;
    std::vector<firmware_layer> lstm; ///< rows by gate as lstm_gate; columns: inputs, then h
    std::vector<firmware_layer> head; ///< the last one linear, the others with max(x, 0)
    std::vector<float> offset;        ///< scaled = (x - offset) * factor
    std::vector<float> factor;
    std::vector<float> mean; ///< of the training data, scaled
    firmware::statistic_kind statistic = firmware::statistic_kind::diagonal;
    std::vector<double> error_mean;
    std::vector<double> inverse_variance; ///< of a diagonal statistic
    std::vector<double> whitening; ///< of a full one: the lower triangle W, row by row
    double threshold = 0;
    firmware::missing_policy missing = firmware::missing_policy::forecast;
    int longest_gap = 10;
    int lost_after = 50;

    int outputs() const noexcept { return targets * look_ahead; }
    int hidden(std::size_t layer) const noexcept { return lstm[layer].rows / 4; }
    /// Numbers of all layers.
    std::size_t weight_count() const noexcept {
        std::size_t count = 0;
        for (const auto* layers : {&lstm, &head}) {
            for (const firmware_layer& layer : *layers) {
                count += layer.weights.size();
            }
        }
        return count;
    }
    /// Multiplications of weights for one sample.
    std::size_t multiply_adds() const noexcept {
        std::size_t count = 0;
        for (const auto* layers : {&lstm, &head}) {
            for (const firmware_layer& layer : *layers) {
                count += static_cast<std::size_t>(layer.rows) * static_cast<std::size_t>(layer.columns);
            }
        }
        return count;
    }
};

namespace detail {

inline status refuse(const auto&... parts) {
    return status::error(error_code::invalid_argument, "firmware: ", parts...);
}

/// Layers of a forecaster: the blocks of its stack, then those of its head.
template <class Model, class Scalar>
status take_layers(const Model& model, std::span<const Scalar> parameters, firmware_model& to) {
    if constexpr (requires {
                      model.stack().hidden_size(0);
                      model.head().layers();
                      model.look_ahead();
                  }) {
        to.features = model.features();
        to.targets = model.targets();
        to.look_ahead = model.look_ahead();
        const auto lstm_layers = static_cast<std::size_t>(model.stack().layers());
        model.for_each_parameter_block(
            [&](const auto& /*name*/, index_t offset, index_t rows, index_t columns) {
                const auto block = parameters.subspan(static_cast<std::size_t>(offset),
                                                      static_cast<std::size_t>(rows * columns));
                auto& layers = to.lstm.size() < lstm_layers ? to.lstm : to.head;
                layers.push_back({static_cast<int>(rows), static_cast<int>(columns) - 1,
                                  std::vector<double>(block.begin(), block.end())});
            });
        return {};
    } else {
        return refuse("model '", Model::kind, "' is not supported; a forecaster is");
    }
}

template <class Scaler>
status take_scaler(const Scaler& scaler, firmware_model& to) {
    const auto features = static_cast<std::size_t>(to.features);
    to.offset.assign(features, 0.0F);
    to.factor.assign(features, 1.0F);
    const auto take = [&](const auto& offset, const auto& scale) {
        for (std::size_t f = 0; f < features; ++f) {
            const auto at = static_cast<index_t>(f);
            to.offset[f] = static_cast<float>(offset[at]);
            to.factor[f] = 1.0F / static_cast<float>(scale[at]);
        }
    };
    if constexpr (requires { scaler.visit_coefficients(take); }) {
        scaler.visit_coefficients(take);
    } else if constexpr (requires { take(scaler.offset(), scaler.scale()); }) {
        take(scaler.offset(), scaler.scale());
    } else if (std::string_view(Scaler::kind) != "identity") {
        return refuse("scaler '", Scaler::kind, "' is not supported; those by offset and scale are");
    }
    return {};
}

template <class Statistic>
status take_statistic(const Statistic& statistic, firmware_model& to) {
    const auto outputs = static_cast<std::size_t>(to.outputs());
    if (static_cast<std::size_t>(statistic.dimension()) != outputs) {
        return refuse("the statistic is of ", statistic.dimension(), " errors, forecast are ",
                      outputs);
    }
    if constexpr (requires { statistic.variance(); }) {
        to.statistic = firmware::statistic_kind::diagonal;
        for (index_t k = 0; k < static_cast<index_t>(outputs); ++k) {
            to.error_mean.push_back(statistic.mean()[k]);
            to.inverse_variance.push_back(1 / statistic.variance()[k]);
        }
    } else if constexpr (requires { statistic.covariance(); }) {
        to.statistic = firmware::statistic_kind::full;
        matrix<double> root = statistic.covariance();
        matrix<double> inverse = matrix<double>::Zero(root.rows(), root.cols());
        if (!cholesky_in_place(root)) {
            return refuse("the covariance of the errors cannot be factorised");
        }
        invert_lower(root, inverse);
        for (index_t row = 0; row < inverse.rows(); ++row) {
            to.error_mean.push_back(statistic.mean()[row]);
            for (index_t col = 0; col <= row; ++col) {
                to.whitening.push_back(inverse(row, col));
            }
        }
    } else {
        return refuse("statistic '", Statistic::kind,
                      "' is not supported; diagonal_gaussian and mahalanobis are");
    }
    return {};
}

inline firmware::missing_policy policy_of(missing_value policy) noexcept {
    switch (policy) {
    case missing_value::hold:
        return firmware::missing_policy::hold;
    case missing_value::forecast:
        return firmware::missing_policy::forecast;
    case missing_value::mean:
        return firmware::missing_policy::mean;
    }
    return firmware::missing_policy::none;
}

/// Whether every number is one of float's, neither too large nor NaN.
inline bool all_fit_float(const auto& values) noexcept {
    return std::all_of(values.begin(), values.end(), [](double value) {
        return std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max());
    });
}
inline status check_numbers(const firmware_model& model) {
    for (const auto* layers : {&model.lstm, &model.head}) {
        for (const firmware_layer& layer : *layers) {
            if (!all_fit_float(layer.weights)) {
                return refuse("a weight is not a finite float");
            }
        }
    }
    if (!all_fit_float(model.offset) || !all_fit_float(model.factor) ||
        !all_fit_float(model.error_mean) || !all_fit_float(model.inverse_variance) ||
        !all_fit_float(model.whitening)) {
        return refuse("a number of the scaler or the statistic is not a finite float");
    }
    if (!all_fit_float(std::span(&model.threshold, 1))) {
        return refuse("the threshold ", model.threshold, " is not a finite float");
    }
    constexpr int most_elements = 32; // squared, in floats, is what their distance takes of stack
    if (model.statistic == firmware::statistic_kind::full &&
        model.missing != firmware::missing_policy::none && model.outputs() > most_elements) {
        return refuse("missing values with the whole covariance of ", model.outputs(),
                      " errors; at most ", most_elements, " are supported");
    }
    constexpr int most_samples = 65'000; // counted in 16 bits
    for (const auto& [name, samples] :
         {std::pair{"warm_up", model.warm_up}, std::pair{"look_ahead", model.look_ahead},
          std::pair{"longest_gap", model.longest_gap}, std::pair{"lost_after", model.lost_after}}) {
        if (samples > most_samples) {
            return refuse(name, ' ', samples, " must be at most ", most_samples);
        }
    }
    return {};
}

} // namespace detail

/// Takes what firmware needs out of a detector.
/// @param missing_values whether sensors may be missing, as the detector's settings say
/// @return `not_ready` for a detector without a threshold, `invalid_argument` naming what firmware
///         cannot express: a model that does not forecast, alarm control, an unknown statistic.
///         Allocates.
template <class Model, class Scaler, class Statistic, class Rule, class Alarm, int Window>
result<firmware_model>
make_firmware_model(const detector<Model, Scaler, Statistic, Rule, Alarm, Window>& source,
                    bool missing_values = true) {
    if (source.phase() < detector_phase::tuned) {
        return status::error(error_code::not_ready,
                             "firmware: the detector has no threshold yet: tune() it first");
    }
    if constexpr (!std::is_same_v<Alarm, no_alarm_control>) {
        return detail::refuse("alarm control is not supported");
    } else if constexpr (detector<Model, Scaler, Statistic, Rule, Alarm, Window>::reconstructs) {
        return detail::refuse("models of windows are not supported; a forecaster is");
    } else {
        firmware_model model;
        status outcome = detail::take_layers(source.model(), source.parameters(), model);
        outcome = outcome.ok() ? detail::take_scaler(source.data_scaler(), model) : outcome;
        outcome = outcome.ok() ? detail::take_statistic(source.step_statistic(), model) : outcome;
        if (!outcome.ok()) {
            return outcome;
        }
        for (int f = 0; f < model.features; ++f) {
            model.mean.push_back(static_cast<float>(source.training_mean()[f]));
        }
        const detector_settings& settings = source.settings();
        model.threshold = source.threshold();
        model.warm_up = std::max(source.warm_up(), model.look_ahead);
        model.missing = missing_values ? detail::policy_of(settings.missing)
                                       : firmware::missing_policy::none;
        model.longest_gap = settings.longest_gap;
        model.lost_after = settings.lost_after;
        outcome = detail::check_numbers(model);
        if (!outcome.ok()) {
            return outcome;
        }
        return model;
    }
}

} // namespace tocsin
