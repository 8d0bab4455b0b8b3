/// @file stream_answers.hpp
/// @brief What can be asked of a stream after a verdict: shares of features, forecasts.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/push.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace tocsin::detail {

/// See detector::shares(). An element k of an error vector belongs to feature `k % targets`.
template <class Learned, class Stream>
void feature_shares(const Learned& learned, const Stream& stream, std::span<double> out) noexcept {
    std::fill(out.begin(), out.end(), 0.0);
    if (!can_judge(learned, stream) || !stream.last.scored() ||
        static_cast<int>(out.size()) != learned.features()) {
        return;
    }
    const std::span<const double> errors = stream.errors();
    if (learned.view() == error_view::per_feature) {
        shares_by_magnitude(errors, out); // these are scores of features already
        return;
    }
    const auto targets = static_cast<std::size_t>(learned.source.targets());
    visit_statistic(learned, stream.learning.get(), [&](const auto& statistic) {
        if (targets == out.size() && errors.size() == out.size()) {
            shares_of(statistic, errors, out);
            return;
        }
        // Several steps ahead: more errors than features, in blocks that fit on the stack.
        constexpr std::size_t most = 2048;
        if (errors.size() > most) {
            return;
        }
        std::array<double, most> each;
        const std::span<double> shares = std::span<double>(each).first(errors.size());
        shares_of(statistic, errors, shares);
        for (std::size_t k = 0; k < shares.size(); ++k) {
            out[k % targets] += shares[k];
        }
    });
}

/// See detector::forecast().
template <class Learned, class Stream>
matrix<typename Learned::scalar_type> newest_forecast(const Learned& learned,
                                                      const Stream& stream) {
    using scalar = typename Learned::scalar_type;
    const int targets = learned.model.targets();
    const int ahead = learned.model.look_ahead();
    matrix<scalar> values = matrix<scalar>::Zero(learned.features(), ahead);
    if (!stream.made_by.fits(learned.tag) || stream.seen == 0) {
        return matrix<scalar>::Constant(targets, ahead, std::numeric_limits<scalar>::quiet_NaN());
    }
    const auto newest = learned.source.forecast(stream.state(), stream.seen);
    values.topRows(targets) = matrix_view<const scalar>(newest.data(), targets, ahead);
    learned.scaler.inverse(values);
    return values.topRows(targets);
}

} // namespace tocsin::detail
