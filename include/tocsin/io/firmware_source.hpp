/// @file firmware_source.hpp
/// @brief What firmware needs of a trained detector, or why it cannot have it.
#pragma once

#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/factorisation.hpp"
#include "tocsin/io/firmware_feed_forward.hpp"
#include "tocsin/io/firmware_model.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace tocsin {
namespace detail {

/// A model that is chosen at run time holds a variant of models; others are themselves.
template <class Model, class Visit>
status visit_inner_model(const Model& model, Visit&& visit) {
    if constexpr (requires { std::visit(visit, model.model()); }) {
        return std::visit(visit, model.model());
    } else {
        return visit(model);
    }
}

/// Targets compute sigmoid and tanh with the weights of the training. Another precision has other
/// forecasts than they.
template <class Stack>
status check_precision(const Stack& /*of this type*/) {
    if constexpr (requires { typename Stack::precision_type; }) {
        using precision = typename Stack::precision_type;
        using arithmetic = typename precision::arithmetic;
        constexpr const char* supported =
            " are not supported; those of standard_precision and exact_precision are";
        if (precision::streaming_weights != weight_format::full) {
            return refuse("LSTM layers of bfloat16_precision", supported);
        }
        if (!std::is_same_v<arithmetic, rational_arithmetic> &&
            !std::is_same_v<arithmetic, exact_arithmetic>) {
            return refuse("LSTM layers with the arithmetic '", arithmetic::name, '\'', supported);
        }
        return {};
    } else {
        return refuse("LSTM layers of another type than basic_lstm_stack are not supported");
    }
}

/// Layers of a forecaster or an encoder-decoder. Their blocks follow one another as the layers do.
template <class Model, class Scalar>
status take_layers(const Model& model, std::span<const Scalar> parameters, firmware_model& to) {
    const auto take = [&](std::size_t encoder_layers, std::size_t lstm_layers) {
        model.for_each_parameter_block(
            [&](const auto& /*name*/, index_t offset, index_t rows, index_t columns) {
                const auto block = parameters.subspan(static_cast<std::size_t>(offset),
                                                      static_cast<std::size_t>(rows * columns));
                auto& layers = to.encoder.size() < encoder_layers ? to.encoder
                               : to.lstm.size() < lstm_layers     ? to.lstm
                                                                  : to.head;
                layers.push_back({static_cast<int>(rows), static_cast<int>(columns) - 1,
                                  std::vector<double>(block.begin(), block.end())});
            });
    };
    constexpr std::string_view kind = Model::kind;
    if constexpr (kind == "forecaster") {
        to.features = model.features();
        to.targets = model.targets();
        to.look_ahead = model.look_ahead();
        take(0, static_cast<std::size_t>(model.stack().layers()));
        return check_precision(model.stack());
    } else if constexpr (kind == "encoder_decoder") {
        if (model.has_bridge()) {
            return refuse("a decoder of ", model.decoder().hidden_size(0),
                          " units after an encoder of ", model.encoder().output_size(),
                          " is not supported; both must have as many");
        }
        to.features = model.features();
        to.targets = model.features();
        to.reversed = model.reversed();
        take(static_cast<std::size_t>(model.encoder().layers()),
             static_cast<std::size_t>(model.decoder().layers()));
        const status precision = check_precision(model.encoder());
        return precision.ok() ? check_precision(model.decoder()) : precision;
    } else if constexpr (kind == "row_autoencoder") {
        return take_sequential(model.network(), parameters, to);
    } else if constexpr (kind == "feed_forward") {
        return take_feed_forward(model, model.look_back(), model.look_back(), parameters, to);
    } else if constexpr (kind == "linear_forecaster") {
        return take_feed_forward(model, model.order(), 1, parameters, to);
    } else {
        return refuse("model '", Model::kind,
                      "' is not supported; forecaster, linear_forecaster, encoder_decoder, "
                      "row_autoencoder and feed_forward are");
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
        return refuse("scaler '", Scaler::kind,
                      "' is not supported; those by offset and scale are");
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
        to.relative_ridge = statistic.relative_ridge();
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

/// What differs where the detector judges the newest step of windows.
inline status take_window(const detector_settings& settings, firmware_model& to) {
    if ((settings.scored != scored_steps::newest && settings.window > 1) ||
        settings.view != error_view::per_step) {
        return refuse("of windows, the newest step can be judged, by all features");
    }
    if (to.targets != to.features) {
        return refuse("a window of ", to.features, " features of which ", to.targets,
                      " are forecast is not supported; all must be");
    }
    if (settings.window < (to.network.empty() ? 2 : to.first_step + 1)) {
        return refuse("window ", settings.window, " is too short, it must be at least ",
                      to.network.empty() ? 2 : to.first_step + 1);
    }
    to.window = settings.window;
    if (!to.network.empty()) {
        return {};
    }
    // The forecast of the next sample alone is judged.
    firmware_layer& last = to.head.back();
    firmware_layer next{to.targets, last.columns, {}};
    for (int column = 0; column <= last.columns; ++column) {
        for (int row = 0; row < next.rows; ++row) {
            next.weights.push_back(last.weight(row, column));
        }
    }
    last = next;
    to.look_ahead = 1;
    return {};
}

/// What differs where a stream carries the samples that a linear model forecasts from.
inline void take_past(firmware_model& to) {
    if (!to.network.empty()) {
        to.order = to.network.front().shape.kernel;
        to.head = {to.network.front().matrix};
        to.network.clear();
    }
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

} // namespace detail

/// Takes what firmware needs out of a detector.
/// @param missing_values whether sensors may be missing, as the detector's settings say
/// @return `not_ready` for a detector without a threshold, `invalid_argument` naming what firmware
///         cannot express: another model, statistic or alarm control.
///         Allocates.
template <class Model, class Scaler, class Statistic, class Rule, class Alarm, int Window>
result<firmware_model>
make_firmware_model(const detector<Model, Scaler, Statistic, Rule, Alarm, Window>& source,
                    bool missing_values = true) {
    if (source.phase() < detector_phase::tuned) {
        return status::error(error_code::not_ready,
                             "firmware: the detector has no threshold yet: tune() it first");
    }
    constexpr bool windows = detector<Model, Scaler, Statistic, Rule, Alarm, Window>::reconstructs;
    firmware_model model;
    status outcome = detail::visit_inner_model(source.model(), [&](const auto& inner) {
        return detail::take_layers(inner, source.parameters(), model);
    });
    if (outcome.ok()) {
        if constexpr (windows) {
            outcome = detail::take_window(source.settings(), model);
        } else {
            detail::take_past(model);
        }
    }
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
    model.warm_up = std::max(source.warm_up(), windows ? model.window - 1 : model.look_ahead);
    model.missing =
        missing_values ? detail::policy_of(settings.missing) : firmware::missing_policy::none;
    model.longest_gap = settings.longest_gap;
    model.lost_after = settings.lost_after;
    model.longest_pause = settings.longest_pause;
    model.clock_agreement = settings.clock_agreement;
    if constexpr (!std::is_same_v<Alarm, no_alarm_control>) {
        auto alarm = firmware_alarm_of(source.alarm_control());
        if (!alarm) {
            return alarm.error();
        }
        model.alarm = *std::move(alarm);
    }
    outcome = detail::check_numbers(model);
    if (!outcome.ok()) {
        return outcome;
    }
    return model;
}

} // namespace tocsin
