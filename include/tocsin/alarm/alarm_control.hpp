/// @file alarm_control.hpp
/// @brief Small filters between a flag per row and an alarm that somebody responds to.
///
/// Each is a few numbers with `push(...) noexcept -> bool`, row after row. A piece may stand alone,
/// or in an alarm_chain after others that pass flags on. NaN never raises an alarm. A score of any
/// size counts as one that is above or below, no more: there is nothing to recover from but what
/// the settings say.
#pragma once

#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/status.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

namespace tocsin {
namespace detail {

inline status check_rows(std::string_view caller, std::string_view name, std::int64_t value,
                         std::int64_t low, std::int64_t high) noexcept {
    if (value < low || value > high) {
        return status::error(error_code::invalid_argument, caller, ": ", name, ' ', value,
                             " must lie in [", low, ", ", high, "]");
    }
    return {};
}

inline constexpr std::int64_t most_rows = std::int64_t{1} << 53;

} // namespace detail

/// A score must rise above `on` to raise an alarm, which lasts until a score falls below `off`, so
/// that a score fluctuating around one threshold is one alarm. NaN changes nothing.
class hysteresis {
  public:
    /// @param off at most `on`; otherwise check() reports it and there is never an alarm
    hysteresis(double on, double off) noexcept : on_{on}, off_{off} {}

    status check() const noexcept {
        if (!(off_ <= on_) || !std::isfinite(on_) || !std::isfinite(off_)) {
            return status::error(error_code::invalid_argument, "hysteresis: off ", off_,
                                 " must be at most on ", on_, ", both finite");
        }
        return {};
    }
    /// Takes the next score.
    /// @return whether it belongs to an alarm; NaN ends none and begins none
    bool push(double score) noexcept {
        active_ = active_ ? !(score < off_) : score > on_ && off_ <= on_;
        return active_;
    }
    /// Judges scores, so it is no piece of an alarm_chain, which passes flags.
    template <std::same_as<bool> Flag>
    bool push(Flag flag) = delete;
    /// Whether an alarm stands.
    bool active() const noexcept { return active_; }
    void reset() noexcept { active_ = false; }

    static constexpr const char* kind = "hysteresis";
    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("on", on_);
        archive.number("off", off_);
        archive.integer("active", active_);
        detail::keep_if(archive, check());
    }

  private:
    double on_;
    double off_;
    bool active_ = false;
};

/// Side of the expected value on which a deviation is an anomaly.
enum class direction : std::uint8_t { both, above, below };

/// Passes a flag only when the signal is far enough from the expected value, on the given side: a
/// score says that a deviation is unusual, not that it matters.
class minimum_deviation {
  public:
    /// @param least in units of the signal, at least 0; otherwise check() reports it and nothing
    ///              passes
    explicit minimum_deviation(double least, direction side = direction::both) noexcept
        : least_{least}, side_{side} {}

    status check() const noexcept {
        if (!(least_ >= 0) || !std::isfinite(least_) || side_ > direction::below) {
            return status::error(error_code::invalid_argument, "minimum_deviation: ", least_,
                                 " must be finite and at least 0, on a known side");
        }
        return {};
    }
    /// @param deviation observed minus expected value
    bool push(bool flag, double deviation) const noexcept {
        const double size = side_ == direction::both    ? std::abs(deviation)
                            : side_ == direction::above ? deviation
                                                        : -deviation;
        return flag && size >= least_ && least_ >= 0;
    }

    static constexpr const char* kind = "minimum_deviation";
    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("least", least_);
        archive.integer("side", side_);
        detail::keep_if(archive, check());
    }

  private:
    double least_;
    direction side_;
};

/// At least m flags among the last n rows.
class m_of_n {
  public:
    static constexpr const char* kind = "m_of_n";
    static constexpr int version = 1;

    /// Passes every flag on: one of one.
    m_of_n() noexcept : m_of_n(1, 1) {}
    /// @param m 1 to n
    /// @param n at most 64; otherwise check() reports it and there is never an alarm
    m_of_n(int m, int n) noexcept : m_{m}, n_{n} {}

    int m() const noexcept { return m_; } ///< flags that must be set
    int n() const noexcept { return n_; } ///< of so many rows
    status check() const noexcept {
        if (status usable = detail::check_rows("m_of_n", "n", n_, 1, 64); !usable) {
            return usable;
        }
        return detail::check_rows("m_of_n", "m", m_, 1, n_);
    }
    /// Takes the next flag.
    /// @return whether at least m of the last n were set
    bool push(bool flag) noexcept {
        if (!check().ok()) {
            return false;
        }
        last_ = (last_ << 1U | (flag ? 1U : 0U)) & ~std::uint64_t{0} >> (64 - n_);
        return std::popcount(last_) >= m_;
    }
    void reset() noexcept { last_ = 0; }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("m", m_);
        archive.integer("n", n_);
        auto low = static_cast<std::uint32_t>(last_);
        auto high = static_cast<std::uint32_t>(last_ >> 32U);
        archive.integer("last_low", low);
        archive.integer("last_high", high);
        if constexpr (Archive::loading) {
            last_ = std::uint64_t{high} << 32U | low;
        }
        detail::keep_if(archive, check());
        if (check().ok() && (last_ & ~(~std::uint64_t{0} >> (64 - n_))) != 0) {
            detail::keep_if(archive, status::error(error_code::format_error, "m_of_n: flags ",
                                                   last_, " of more than ", n_, " rows"));
        }
    }

  private:
    int m_;
    int n_;
    std::uint64_t last_ = 0; // flags, the newest in bit 0
};

/// A flag must last for `rows` consecutive rows: the first rows - 1 of each run are held back.
class minimum_duration {
  public:
    static constexpr const char* kind = "minimum_duration";
    static constexpr int version = 1;

    /// @param rows at least 1; otherwise check() reports it and all flags pass
    explicit minimum_duration(std::int64_t rows = 1) noexcept : rows_{rows} {}

    std::int64_t rows() const noexcept { return rows_; } ///< that flags must last
    status check() const noexcept {
        return detail::check_rows("minimum_duration", "rows", rows_, 1, detail::most_rows);
    }
    /// Takes the next flag.
    /// @return whether it and enough before it were set without a break
    bool push(bool flag) noexcept {
        run_ = flag ? std::min(run_ + 1, std::max<std::int64_t>(rows_, 1)) : 0;
        return flag && run_ >= rows_;
    }
    void reset() noexcept { run_ = 0; }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("rows", rows_);
        archive.integer("run", run_);
        detail::keep_if(archive, check());
        detail::keep_if(archive, detail::check_rows("minimum_duration", "run", run_, 0, rows_));
    }

  private:
    std::int64_t rows_;
    std::int64_t run_ = 0;
};

/// Suppresses alarms for `rows` rows after an alarm. A run of flags is one alarm and passes as a
/// whole; a run that begins during the silence passes from the end of the silence on.
class suppression {
  public:
    static constexpr const char* kind = "suppression";
    static constexpr int version = 1;

    /// @param rows at least 0; otherwise check() reports it and all flags pass
    explicit suppression(std::int64_t rows = 0) noexcept : rows_{rows} {}

    std::int64_t rows() const noexcept { return rows_; } ///< of silence after an alarm
    status check() const noexcept {
        return detail::check_rows("suppression", "rows", rows_, 0, detail::most_rows);
    }
    /// Takes the next flag.
    /// @return whether it belongs to an alarm that is not suppressed
    bool push(bool flag) noexcept {
        if (active_ && !flag) {
            silence_ = rows_; // this row is the first of them
        }
        active_ = flag && silence_ <= 0;
        silence_ = active_ ? 0 : std::max<std::int64_t>(silence_ - 1, 0);
        return active_;
    }
    void reset() noexcept {
        silence_ = 0;
        active_ = false;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("rows", rows_);
        archive.integer("silence", silence_);
        archive.integer("active", active_);
        detail::keep_if(archive, check());
        detail::keep_if(archive, detail::check_rows("suppression", "silence", silence_, 0, rows_));
    }

  private:
    std::int64_t rows_;
    std::int64_t silence_ = 0; // remaining rows of it
    bool active_ = false;
};

/// The pieces of an alarm_chain, and alarm control: they pass a flag or hold it back.
template <class Piece>
concept alarm_piece = std::copyable<Piece> && requires(Piece piece, bool flag) {
    { piece.push(flag) } noexcept -> std::same_as<bool>;
};

namespace detail {
/// What alarm_chain::reset() starts afresh.
template <class Piece>
concept restartable = requires(Piece& piece) { piece.reset(); };
} // namespace detail

/// Pieces in sequence: each sees the flags that the previous one passed.
///
///     alarm_chain chain{m_of_n(3, 5), minimum_duration(2), suppression(60)};
///     const bool alarm = chain.push(score > threshold);
template <alarm_piece... Pieces>
class alarm_chain {
  public:
    /// Of pieces by their default constructors: a detector loads others into them.
    alarm_chain() noexcept
        requires(sizeof...(Pieces) > 0 && (std::default_initializable<Pieces> && ...))
    = default;
    /// Pieces in the order in which flags pass them.
    explicit alarm_chain(Pieces... pieces) noexcept : pieces_{std::move(pieces)...} {}

    /// In the order in which flags pass them.
    const std::tuple<Pieces...>& pieces() const noexcept { return pieces_; }
    /// Takes the next flag through all pieces.
    /// @return what the last one says
    bool push(bool flag) noexcept {
        std::apply([&](auto&... piece) { ((flag = piece.push(flag)), ...); }, pieces_);
        return flag;
    }
    /// Starts every piece afresh.
    void reset() noexcept
        requires(detail::restartable<Pieces> && ...)
    {
        std::apply([](auto&... piece) { (piece.reset(), ...); }, pieces_);
    }
    /// The error of the first invalid piece.
    status check() const noexcept {
        status first;
        const auto look = [&](const auto& piece) {
            if constexpr (requires { piece.check(); }) {
                if (first.ok()) {
                    first = piece.check();
                }
            }
        };
        std::apply([&](const auto&... piece) { (look(piece), ...); }, pieces_);
        return first;
    }

    /// Whether a piece that counts alarms (rate_monitor) sees far more of them than promised.
    bool rate_exceeded() const noexcept {
        const auto exceeded = [](const auto& piece) {
            if constexpr (requires { piece.rate_exceeded(); }) {
                return piece.rate_exceeded();
            } else {
                return false;
            }
        };
        return std::apply([&](const auto&... piece) { return (exceeded(piece) || ...); }, pieces_);
    }

    static constexpr const char* kind = "alarm_chain";
    static constexpr int version = 1;
    /// Each piece under its position in the chain: "0", "1", ...
    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("pieces", static_cast<int>(sizeof...(Pieces)));
        exchange_each(archive, std::index_sequence_for<Pieces...>{});
    }

  private:
    template <class Archive, std::size_t... Index>
    void exchange_each(Archive& archive, std::index_sequence<Index...>) {
        const auto one = [&](auto& piece, std::size_t index) {
            static_assert(sizeof...(Pieces) <= 10, "alarm_chain: names have one digit");
            const char name[] = {static_cast<char>('0' + index), '\0'};
            archive.object(name, piece);
        };
        (one(std::get<Index>(pieces_), Index), ...);
    }

    std::tuple<Pieces...> pieces_;
};

} // namespace tocsin
