/// @file every_layer.hpp
/// @brief A network with every kind of layer.
#pragma once

#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/penalised.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/sequential.hpp"

namespace tocsin_test {

/// Every kind of layer in one network.
template <class Scalar>
auto everything() {
    using namespace tocsin;
    return sequential(conv1d<Scalar>(2, 4, {.kernel = 3, .padding = padding::valid, .dilation = 2}),
                      batch_norm<Scalar>(4), activation_layer<Scalar, tanh_activation>(4),
                      bidirectional_lstm<Scalar>(4, 3), dropout_layer<Scalar>(6, 0.3),
                      lstm<Scalar>(6, 4), pooling<Scalar, last_step>(4),
                      penalised(dense<Scalar, sigmoid_activation>(4, 5), {.l1 = 0.001, .l2 = 0.01}),
                      dense<Scalar>(5, 2));
}

} // namespace tocsin_test
