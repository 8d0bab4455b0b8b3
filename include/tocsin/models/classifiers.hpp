/// @file classifiers.hpp
/// @brief Networks that tell normal from anomalous windows, with the settings they are known by.
#pragma once

#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/layers/hard_sigmoid_precision.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/penalised.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/sequential.hpp"

namespace tocsin {

/// Settings of bidirectional_lstm_classifier().
struct bidirectional_lstm_settings {
    int hidden = 100;     ///< units of each direction
    double dropout = 0.5; ///< of the outputs of the LSTM
    int dense = 100;      ///< units of the ReLU layer
};

/// Bidirectional LSTM, dropout, a dense ReLU layer, logits.
/// @param outputs 1 for two classes, else the number of classes
template <class Scalar>
auto bidirectional_lstm_classifier(int features, int outputs = 1,
                                   const bidirectional_lstm_settings& settings = {}) noexcept {
    const int both = 2 * settings.hidden;
    return sequential(bidirectional_lstm<Scalar>(features, settings.hidden),
                      pooling<Scalar, last_step_of_both_directions>(both),
                      dropout_layer<Scalar>(both, settings.dropout),
                      dense<Scalar, relu_activation>(both, settings.dense),
                      dense<Scalar>(settings.dense, outputs));
}

/// Settings of stacked_lstm_classifier().
struct stacked_lstm_settings {
    int first = 8;                    ///< units of the first layer
    int second = 8;                   ///< units of the second one
    weight_penalty penalty{0, 0.001}; ///< on the input weights of both
    batch_norm_settings normalisation = batch_norm_settings::keras(); ///< of all layers
};

/// Two small LSTM layers whose gates are hard sigmoids (slope 0.2), with a penalty on their input
/// weights and a batch normalisation behind each, then logits.
template <class Scalar>
auto stacked_lstm_classifier(int features, int outputs = 1,
                             const stacked_lstm_settings& settings = {}) noexcept {
    using layer = lstm<Scalar, dynamic, dynamic, hard_sigmoid_precision<5>>;
    return sequential(penalised(layer(features, settings.first), settings.penalty),
                      batch_norm<Scalar>(settings.first, settings.normalisation),
                      penalised(layer(settings.first, settings.second), settings.penalty),
                      pooling<Scalar, last_step>(settings.second),
                      batch_norm<Scalar>(settings.second, settings.normalisation),
                      dense<Scalar>(settings.second, outputs));
}

/// One LSTM layer and logits.
template <class Scalar>
auto lstm_classifier(int features, int outputs = 1, int hidden = 256) noexcept {
    return sequential(lstm<Scalar>(features, hidden), pooling<Scalar, last_step>(hidden),
                      dense<Scalar>(hidden, outputs));
}

/// Settings of fully_convolutional_classifier().
struct fully_convolutional_settings {
    int filters[3] = {128, 256, 128}; ///< outputs of each convolution
    int kernels[3] = {8, 5, 3};       ///< length of each convolution
    batch_norm_settings normalisation = batch_norm_settings::keras(); ///< of all layers
};

/// Fully convolutional network (Wang, Yan and Oates, IJCNN 2017): three times a convolution of equal
/// length, batch normalisation and ReLU; then the mean over time and logits.
template <class Scalar>
auto fully_convolutional_classifier(int features, int outputs = 1,
                                    const fully_convolutional_settings& settings = {}) noexcept {
    const int* const filters = settings.filters;
    const auto convolution = [&](int inputs, int k) {
        return conv1d<Scalar>(inputs, filters[k], {.kernel = settings.kernels[k]});
    };
    const auto normalised = [&](int k) {
        return batch_norm<Scalar>(filters[k], settings.normalisation);
    };
    using relu = activation_layer<Scalar, relu_activation>;
    return sequential(convolution(features, 0), normalised(0), relu(filters[0]),
                      convolution(filters[0], 1), normalised(1), relu(filters[1]),
                      convolution(filters[1], 2), normalised(2), relu(filters[2]),
                      global_average_pooling<Scalar>(filters[2]),
                      dense<Scalar>(filters[2], outputs));
}

} // namespace tocsin
