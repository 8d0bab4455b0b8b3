#include "row_alarm.hpp"

#include "options.hpp"
#include <algorithm>
#include <string>
#include <tuple>

namespace tocsin_cli {

void alarm_options::add_to(CLI::App& command) {
    constexpr const char* group = "Alarms (of rows; in this order)";
    CLI::Option* const hysteresis =
        with_default(add_number(command, "--hysteresis", hysteresis_,
                                "An alarm lasts until the score falls below this share of the "
                                "threshold",
                                0, 1, true),
                     hysteresis_);
    CLI::Option* const m_of_n =
        command
            .add_option_function<std::string>(
                "--m-of-n",
                [this](const std::string& given) {
                    const auto pieces = split_at_commas(given);
                    if (pieces.size() != 2) {
                        throw CLI::ValidationError("--m-of-n", "'" + given + "' is not M,N");
                    }
                    n_ = parse_integer<int>("--m-of-n", pieces[1], 1, 64);
                    m_ = parse_integer<int>("--m-of-n", pieces[0], 1, n_);
                },
                "An alarm needs M anomalies among the last N rows, N at most 64")
            ->type_name("M,N")
            ->default_str("1,1");
    CLI::Option* const duration = add_integer<std::int64_t>(
        command, "--minimum-duration", duration_,
        "An alarm needs this many anomalies in consecutive rows", 1, tocsin::detail::most_rows);
    CLI::Option* const silence = add_integer<std::int64_t>(
        command, "--suppress", silence_, "No new alarm for this many rows after one", 0,
        tocsin::detail::most_rows);
    options_ = {hysteresis, m_of_n, duration, silence};
    for (CLI::Option* option : options_) {
        option->group(group);
    }
}

bool alarm_options::given() const {
    return std::any_of(options_.begin(), options_.end(),
                       [](const CLI::Option* option) { return option->count() > 0; });
}

alarm_pieces alarm_options::pieces() const noexcept {
    return alarm_pieces{tocsin::m_of_n{m_, n_}, tocsin::minimum_duration{duration_},
                        tocsin::suppression{silence_}};
}

namespace {

// The input of hysteresis: whether the score is above the threshold, or only above the share of it
// where an alarm ends. Both move with a threshold that adapts.
constexpr double above = 2;
constexpr double between = 1;
constexpr double below = 0;

} // namespace

row_alarm::row_alarm(const alarm_options& options) noexcept
    : end_of_alarm_{options.end_of_alarm()},
      hysteresis_{1.5, options.end_of_alarm() < 1 ? 0.5 : 1.5}, chain_{options.pieces()} {}

void row_alarm::reset() noexcept {
    hysteresis_.reset();
    chain_.reset();
}

bool row_alarm::has_settings_of(const row_alarm& other) const noexcept {
    const auto settings = [](const row_alarm& one) {
        const auto& [count, duration, silence] = one.chain_.pieces();
        return std::tuple{one.end_of_alarm_, count.m(), count.n(), duration.rows(), silence.rows()};
    };
    return settings(*this) == settings(other);
}

/// A row without a score raises none unless a sensor is lost, but it does not end one that
/// hysteresis holds.
bool row_alarm::is_flagged(const tocsin::verdict& verdict) noexcept {
    if (verdict.lost > 0) {
        return hysteresis_.push(above);
    }
    if (!verdict.scored()) {
        return end_of_alarm_ < 1 && hysteresis_.active();
    }
    return hysteresis_.push(verdict.is_anomaly()                                 ? above
                            : verdict.score >= end_of_alarm_ * verdict.threshold ? between
                                                                                 : below);
}

} // namespace tocsin_cli
