/// @file lstm_gate.hpp
/// @brief The order of the gates of an LSTM.
#pragma once

namespace tocsin {

/// Order of the four gates within every `[4 * hidden]` block, the order of PyTorch. This is the one
/// place that fixes it.
struct lstm_gate {
    static constexpr int input = 0;
    static constexpr int forget = 1;
    static constexpr int candidate = 2;
    static constexpr int output = 3;
    static constexpr int count = 4;
};

} // namespace tocsin
