/// @file lstm_gate.hpp
/// @brief The order of the gates of an LSTM.
#pragma once

namespace tocsin {

/// Order of the four gates within every `[4 * hidden]` block, the order of PyTorch. This is the one
/// place that fixes it.
struct lstm_gate {
    static constexpr int input = 0;     ///< position of the input gate
    static constexpr int forget = 1;    ///< position of the forget gate
    static constexpr int candidate = 2; ///< position of the candidate
    static constexpr int output = 3;    ///< position of the output gate
    static constexpr int count = 4;     ///< gates of a unit
};

} // namespace tocsin
