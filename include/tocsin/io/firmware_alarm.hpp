/// @file firmware_alarm.hpp
/// @brief Alarm control in the form that firmware is generated from.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/refractory_period.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/firmware_text.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace tocsin {

/// Alarm control of a watcher; firmware_alarm_of() makes it of the library's pieces.
struct firmware_alarm {
    /// Types of firmware/alarm_control.hpp in the order in which flags pass them, such as
    /// "m_of_n<3, 5>".
    std::vector<std::string> pieces{};
    std::size_t words = 0; ///< of 4 bytes that the pieces keep
    /// Share of the threshold below which an alarm ends, in (0, 1]: hysteresis of scores before all
    /// pieces; 1: none.
    double end_of_alarm = 1;
    /// Whether samples without a score are samples without a flag, as in the command line; otherwise
    /// they leave the alarm as it is, as in a detector. See firmware::unscored_samples.
    bool counts_unscored = false;
};

namespace detail {

inline status add_piece(firmware_alarm& to, std::string_view type, std::int64_t rows, bool passes) {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max() - 1;
    if (rows > most) {
        return status::error(error_code::invalid_argument, "firmware: ", type, " of ", rows,
                             " samples must be at most ", most);
    }
    if (!passes) { // what passes everything on is left out
        to.pieces.push_back(std::string(type) + '<' + literal(static_cast<std::uint32_t>(rows)) +
                            '>');
        ++to.words;
    }
    return {};
}
inline status take_piece(const m_of_n& piece, firmware_alarm& to) {
    if (piece.n() > 1) {
        to.pieces.push_back("m_of_n<" + literal(piece.m()) + ", " + literal(piece.n()) + '>');
        to.words += piece.n() > 32 ? 2U : 1U;
    }
    return {};
}
inline status take_piece(const minimum_duration& piece, firmware_alarm& to) {
    return add_piece(to, "minimum_duration", piece.rows(), piece.rows() == 1);
}
inline status take_piece(const suppression& piece, firmware_alarm& to) {
    return add_piece(to, "suppression", piece.rows(), piece.rows() == 0);
}
inline status take_piece(const refractory_period& piece, firmware_alarm& to) {
    return add_piece(to, "refractory_period", piece.rows(), piece.rows() == 0);
}
template <class Piece>
status take_piece(const Piece& /*piece*/, firmware_alarm& /*to*/) {
    std::string_view name = "of your own";
    if constexpr (requires { Piece::kind; }) {
        name = Piece::kind;
    }
    return status::error(error_code::invalid_argument, "firmware: alarm control '", name,
                         "' is not supported; m_of_n, minimum_duration, suppression, "
                         "refractory_period and chains of them are");
}
template <class... Pieces>
status take_piece(const alarm_chain<Pieces...>& chain, firmware_alarm& to) {
    status outcome;
    std::apply(
        [&](const auto&... piece) {
            ((outcome = outcome.ok() ? take_piece(piece, to) : outcome), ...);
        },
        chain.pieces());
    return outcome;
}

/// The score below which an alarm ends.
inline float alarm_ends_below(const firmware_alarm& alarm, double threshold) noexcept {
    return alarm.end_of_alarm < 1 ? static_cast<float>(alarm.end_of_alarm * threshold)
                                  : std::numeric_limits<float>::infinity();
}

/// What a header says of it.
inline std::string alarm_text(const firmware_alarm& alarm, double threshold) {
    std::string text = "    using alarm_control = tocsin::firmware::alarm_chain<";
    for (std::size_t k = 0; k < alarm.pieces.size(); ++k) {
        text += (k == 0 ? "tocsin::firmware::" : ",\n        tocsin::firmware::") + alarm.pieces[k];
    }
    text += ">;\n    static constexpr auto unscored = tocsin::firmware::unscored_samples::";
    text += alarm.counts_unscored ? "count;\n" : "hold;\n";
    text += "    static constexpr float alarm_ends_below = ";
    const float end = alarm_ends_below(alarm, threshold);
    text += std::isfinite(end) ? literal(end) : "__builtin_inff()";
    return text + ";\n";
}

} // namespace detail

/// Takes pieces that the library has, alone or in chains.
/// @return the error of a piece's check(), or `invalid_argument` naming a piece that firmware does
///         not have. Allocates.
template <alarm_piece Alarm>
result<firmware_alarm> firmware_alarm_of(const Alarm& alarm) {
    if constexpr (requires { alarm.check(); }) {
        if (const status usable = alarm.check(); !usable.ok()) {
            return usable;
        }
    }
    firmware_alarm taken;
    if (const status outcome = detail::take_piece(alarm, taken); !outcome.ok()) {
        return outcome;
    }
    return taken;
}

} // namespace tocsin
