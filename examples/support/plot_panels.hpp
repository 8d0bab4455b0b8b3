/// @file plot_panels.hpp
/// @brief Pieces of gnuplot scripts that several pictures share.
#pragma once

#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <sstream>
#include <string>

namespace support {

/// A number as gnuplot reads it; numbers that are not finite are gaps.
inline std::string number(double value) {
    std::ostringstream text;
    text << value;
    return std::isfinite(value) ? text.str() : "NaN";
}

/// Shades the runs of nonzero labels behind the plots.
/// @param trail samples after each run that get a lighter shade
inline std::string shaded(std::span<const std::uint8_t> labels, int trail = 0) {
    std::ostringstream script;
    const auto rectangle = [&](std::size_t begin, std::size_t end, const char* colour) {
        script << "set object rectangle from " << static_cast<double>(begin) - 0.5 << ",graph 0 to "
               << static_cast<double>(std::min(end, labels.size())) - 0.5
               << ",graph 1 behind fc rgb " << colour << " fs solid 1 noborder\n";
    };
    for (std::size_t begin = 0; begin < labels.size();) {
        std::size_t end = begin;
        while (end < labels.size() && labels[end] != 0) {
            ++end;
        }
        if (end > begin) {
            rectangle(begin, end, "shade");
        }
        if (end > begin && trail > 0 && end < labels.size()) {
            rectangle(end, end + static_cast<std::size_t>(trail), "light_shade");
        }
        begin = std::max(end, begin + 1);
    }
    return script.str();
}

/// The title, on one line with the key, above all panels.
inline std::string heading(const std::string& text) {
    return "set label 1 '" + text + "' at screen 0.105,0.955 left font ',16'\n" +
           "set key at screen 0.985,0.965 right top horizontal\n";
}

/// Places panel `k` of several that share the x axis, from top to bottom; `weights` are heights.
inline std::string panel(std::span<const double> weights, std::size_t k) {
    constexpr double top = 0.91;
    constexpr double bottom = 0.14;
    constexpr double gap = 0.035;
    const auto gaps = static_cast<double>(weights.size() - 1) * gap;
    double sum = 0;
    double above = 0;
    for (std::size_t j = 0; j < weights.size(); ++j) {
        sum += weights[j];
        above += j < k ? weights[j] : 0;
    }
    const double unit = (top - bottom - gaps) / sum;
    const double high = top - above * unit - static_cast<double>(k) * gap;
    std::ostringstream script;
    script << "set tmargin at screen " << high << "\nset bmargin at screen "
           << high - weights[k] * unit << "\nset lmargin at screen 0.105\n"
           << "set rmargin at screen 0.975\n";
    script << (k + 1 == weights.size() ? "set format x '%g'\n" : "set format x ''\n");
    return script.str();
}

/// Steps of 1, 2 or 5 times a power of ten, so that about three fit into the range of the values.
template <class Values>
double tic_step(const Eigen::DenseBase<Values>& values) {
    const double range = std::max(static_cast<double>(values.maxCoeff() - values.minCoeff()), 1e-9);
    const double power = std::pow(10, std::floor(std::log10(range / 2)));
    const double multiple = range / 2 / power;
    return power * (multiple < 2 ? 1 : multiple < 5 ? 2 : 5);
}

/// More features than this make panels too small to read; the data files hold all.
inline constexpr tocsin::index_t most_panels = 6;

} // namespace support
