/// @file fixed_stream.hpp
/// @brief What a stream keeps for a forecaster in integers: h and c.
#pragma once

#include "tocsin/firmware/fixed_layers.hpp"

namespace tocsin::firmware {

/// What a stream keeps for a forecaster in integers: h and c of each layer.
/// @tparam Model a generated model whose numbers are integers
template <class Model>
class fixed_stream : public detail::fixed_numbers<Model> {
  public:
    /// Samples after a start without a forecast.
    static constexpr int shortest_warm_up = Model::look_ahead;
    /// Whether read() expects replacements for missing values.
    static constexpr bool reads_replacements = true;
    /// Whether the newest sample read is judged, not the one that comes next.
    static constexpr bool judges_what_it_read = false;

    /// Forgets the stream.
    void restart() noexcept { layers_ = {}; }

    /// Reads a sample, `[features]`, scaled.
    void read(const int32_t* inputs) noexcept { layers_.read(inputs); }
    /// Forecasts after the samples so far, `[targets * look_ahead]`, plus the mean error.
    void forecast(int32_t* result) const noexcept { layers_.head(result); }
    /// The error of a forecast.
    static TOCSIN_FIRMWARE_INLINE int32_t deviation(int /*element*/, int32_t observed,
                                                    int32_t forecast) noexcept {
        return observed - forecast;
    }

  private:
    detail::fixed_layers<Model> layers_{};
};

} // namespace tocsin::firmware
