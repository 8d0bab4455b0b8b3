/// @file lstm_state.hpp
/// @brief The state that an LSTM layer carries from one time step to the next.
#pragma once

#include "tocsin/core/views.hpp"

namespace tocsin {

/// Hidden state h and cell state c of a layer, each `[hidden x batch]`; also holds dL/dh and dL/dc.
template <class Scalar, int Hidden = dynamic>
struct lstm_state {
    matrix_view<Scalar, Hidden> hidden; ///< `[hidden x batch]`
    matrix_view<Scalar, Hidden> cell;   ///< `[hidden x batch]`
};

} // namespace tocsin
