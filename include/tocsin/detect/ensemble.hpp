/// @file ensemble.hpp
/// @brief Several detectors that judge one stream together.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/check_alarm.hpp"
#include "tocsin/alarm/no_alarm_control.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/detect/combination.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/detect/verdict_by_expectation.hpp"
#include "tocsin/threshold/expectation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tocsin {

/// What an ensemble is made of: a detector whose rule is alarm_rate (or another that knows expected
/// false alarms), a classifier_detector after fit_false_alarms(), a scored_comparator, or a type of
/// your own with
/// - `stream_type`, `make_stream()`: what it remembers of one stream;
/// - `push(stream, sample, time)`: a verdict with expected_false_alarms, const and noexcept;
/// - `features()`;
/// - no `expects_false_alarms` that is false: with another rule, a detector would never count.
/// What it may have besides: `shares(stream, out)` and `stream_type::restart()`;
/// `knows_false_alarms()`, false while verdicts lack them (instead of it, `fitted()` or the `rule()`
/// of a detector is asked); for saving `identity()`, `exchange(archive)` and
/// `exchange_stream(archive, stream)`, as a detector has them.
template <class Member, class Scalar>
concept ensemble_member =
    std::copyable<Member> && !requires { requires !Member::expects_false_alarms; } &&
    requires(const Member& member, typename Member::stream_type stream, sample_view<Scalar> sample,
             double time) {
        { member.make_stream() } -> std::same_as<typename Member::stream_type>;
        { member.push(stream, sample, time) } noexcept -> std::same_as<verdict>;
        { member.features() } noexcept -> std::convertible_to<int>;
    };

/// Settings of an ensemble.
struct ensemble_settings {
    combination combine = combination::bonferroni; ///< of the members' verdicts
    double promised = 1; ///< false alarms per 10 000 rows; fewer expected ones are an anomaly

    status check() const noexcept { return detail::check_promised("ensemble", promised); }
    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("how", combine, combination::bonferroni, combination::mean_log);
        archive.number("promised", promised);
        detail::keep_if(archive, check());
    }
};

/// What an ensemble says: the verdict of all, and which member finds the sample least normal.
struct ensemble_verdict {
    /// `score` is -log10 of the false alarms expected in one row, at least 0 and 0 without one,
    /// `threshold` the same of the promised; `rate_exceeded` if alarm control of the ensemble or of a
    /// member says so.
    verdict combined;
    int member = -1;   ///< position of the member with the fewest expected false alarms; -1: none
    verdict of_member; ///< what that member says

    constexpr bool is_anomaly() const noexcept { return combined.is_anomaly(); }
};

namespace detail {
template <class... Members>
using scalar_of_first = typename std::tuple_element_t<0, std::tuple<Members...>>::scalar_type;

/// Whether the verdicts of a member have expected false alarms, as far as it tells: not before its
/// rule or its charts are fitted, nor with a threshold that was only set by hand.
template <class Member>
bool knows_false_alarms(const Member& member) noexcept {
    if constexpr (requires { member.knows_false_alarms(); }) {
        return member.knows_false_alarms();
    } else if constexpr (requires { member.fitted(); }) {
        return member.fitted();
    } else if constexpr (requires { member.rule().expected_false_alarms(0.0); }) {
        return !std::isnan(member.rule().expected_false_alarms(0.0));
    } else {
        return true;
    }
}
} // namespace detail

/// Detectors that judge the same samples, on the scale of expected false alarms. Like a detector, an
/// ensemble is const while it judges, streams remember, and both are saved (save_detector(),
/// save_stream()).
///
/// The first member decides about clock, missing and lost sensors: its reason stands where no member
/// has a score (not_ready where it has one without expected false alarms), no other member gets a
/// sample that is out of order for it, and the streams of the others restart where it takes over a new
/// time. A scored_comparator looks at no time: put a detector first if samples have times. While some
/// members warm up, the others judge.
/// @tparam Alarm   alarm control (concept alarm_piece) over the combined verdicts; every stream has a copy
/// @tparam Members concept ensemble_member; samples have the first one's scalar type
template <alarm_piece Alarm, class... Members>
    requires(... && ensemble_member<Members, detail::scalar_of_first<Members...>>)
class basic_ensemble {
  public:
    using scalar_type = detail::scalar_of_first<Members...>;
    static constexpr std::size_t size = sizeof...(Members); ///< members

    /// What a stream of each member remembers.
    class stream_type {
      public:
        /// Samples pushed so far.
        std::int64_t position() const noexcept { return position_; }
        /// The newest verdict.
        const ensemble_verdict& last() const noexcept { return last_; }
        /// The stream's copy of the alarm control over the combined verdicts.
        const Alarm& alarm_control() const noexcept { return alarm_; }
        /// Forgets the past, for a break that the caller knows of: restart() of each member's stream
        /// that has one. The position and alarm control stay.
        void restart() noexcept {
            std::apply([](auto&... part) { (restart_stream(part), ...); }, members_);
        }

      private:
        friend basic_ensemble;
        std::tuple<typename Members::stream_type...> members_;
        Alarm alarm_{};
        std::int64_t position_ = 0;
        ensemble_verdict last_{};
    };

    /// Waits to be loaded.
    basic_ensemble() = default;
    explicit basic_ensemble(const ensemble_settings& settings, Alarm alarm, Members... members)
        : settings_{settings}, alarm_{std::move(alarm)}, members_{std::move(members)...} {}

    /// Unusable settings or alarm control, members of unlike features, or a member that would never count, because it
    /// has not been fitted, or by a threshold alone. An ensemble like that judges by the others, and
    /// cannot be saved.
    status check() const noexcept {
        status usable = settings_.check();
        usable = usable.ok() ? detail::check_alarm(alarm_) : usable;
        const auto compare = [&](const auto& member) {
            if (usable.ok() && member.features() != features()) {
                usable =
                    status::error(error_code::invalid_argument, "ensemble: a member has ",
                                  member.features(), " features, another one has ", features());
            }
        };
        int number = 0;
        const auto ask = [&](const auto& member) {
            if (usable.ok() && !detail::knows_false_alarms(member)) {
                usable = status::error(error_code::not_ready, "ensemble: member ", number,
                                       " expects no false alarms yet, so it would never count");
            }
            ++number;
        };
        std::apply([&](const auto&... member) { (compare(member), ...); }, members_);
        std::apply([&](const auto&... member) { (ask(member), ...); }, members_);
        return usable;
    }
    const ensemble_settings& settings() const noexcept { return settings_; }
    int features() const noexcept { return std::get<0>(members_).features(); }
    /// One of the members, in order.
    template <std::size_t Index>
    const auto& member() const noexcept {
        return std::get<Index>(members_);
    }

    /// Allocates where a member does.
    stream_type make_stream() const {
        stream_type stream;
        stream.members_ = std::apply(
            [](const auto&... member) { return std::tuple(member.make_stream()...); }, members_);
        stream.alarm_ = alarm_;
        return stream;
    }

    /// Takes the newest sample of a stream and judges it; see detector::push(). Never allocates.
    ensemble_verdict
    push(stream_type& stream, sample_view<scalar_type> sample,
         double time = std::numeric_limits<double>::quiet_NaN()) const noexcept TOCSIN_NONBLOCKING {
        std::array<verdict, size> verdicts;
        push_each(stream, sample, time, verdicts, std::index_sequence_for<Members...>{});
        std::array<double, size> expected;
        ensemble_verdict found;
        for (std::size_t k = 0; k < size; ++k) {
            expected[k] = verdicts[k].expected_false_alarms;
            if (!std::isnan(expected[k]) &&
                (found.member < 0 ||
                 expected[k] < expected[static_cast<std::size_t>(found.member)])) {
                found.member = static_cast<int>(k);
            }
        }
        found.of_member = verdicts[static_cast<std::size_t>(std::max(found.member, 0))];
        verdict& combined = found.combined;
        combined = verdicts[0];
        detail::judge_by_expectation(combined, combined_false_alarms(expected, settings_.combine),
                                     settings_.promised, sample_reason::not_ready);
        // A sample that reaches no other member says nothing of their alarms.
        const bool exceeded_before =
            combined.reason == sample_reason::out_of_order && stream.last_.combined.rate_exceeded;
        detail::control_alarm(stream.alarm_, stream.last_.combined.alarm, combined);
        combined.rate_exceeded =
            combined.rate_exceeded || exceeded_before ||
            std::any_of(verdicts.begin(), verdicts.end(),
                        [](const verdict& each) { return each.rate_exceeded; });
        count_up(stream.position_);
        stream.last_ = found;
        return found;
    }

    /// What each feature accounts for in the last score of the member that finds it least normal;
    /// all 0 where there is none, or it does not say. Never allocates.
    /// @param out `[features]`
    void shares(const stream_type& stream, std::span<double> out) const noexcept {
        std::fill(out.begin(), out.end(), 0.0);
        shares_of_each(stream, out, std::index_sequence_for<Members...>{});
    }

    // ---- persistence ------------------------------------------------------------------------

    static constexpr int version = 1;
    /// A hash of all members: saved streams belong to the ensemble with the same.
    std::uint64_t identity() const noexcept {
        detail::hash_archive archive;
        archive.object("settings", settings_);
        archive.object("alarm", alarm_);
        std::apply(
            [&](const auto&... member) { (archive.expect("member", member.identity()), ...); },
            members_);
        return archive.value();
    }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("members", static_cast<int>(size));
        archive.object("settings", settings_);
        archive.object("alarm", alarm_);
        exchange_each(archive, std::index_sequence_for<Members...>{}, [&](auto index) {
            archive.object(name_of<index>().data(), std::get<index>(members_));
        });
        if constexpr (Archive::loading) {
            detail::keep_if(archive, check());
        } else { // it could not be loaded
            archive.fail(check());
        }
    }
    /// See io/stream_file.hpp. The last verdict is not kept: after loading it belongs to no sample.
    template <class Archive>
    void exchange_stream(Archive& archive, stream_type& stream) const {
        archive.integer("position", stream.position_, std::int64_t{0}, largest_count);
        // Two bits in one number: older streams have the first one.
        int alarms =
            (stream.last_.combined.alarm ? 1 : 0) + (stream.last_.combined.rate_exceeded ? 2 : 0);
        archive.integer("alarms", alarms, 0, 3);
        archive.object("alarm_control", stream.alarm_);
        exchange_each(archive, std::index_sequence_for<Members...>{}, [&](auto index) {
            std::get<index>(members_).exchange_stream(archive, std::get<index>(stream.members_));
        });
        if constexpr (Archive::loading) {
            stream.last_ = {};
            stream.last_.combined.alarm = alarms % 2 == 1;
            stream.last_.combined.rate_exceeded = alarms >= 2;
        }
    }

  private:
    static_assert(size >= 1 && size <= 10, "ensemble: 1 to 10 members");

    template <class Stream>
    static void restart_stream(Stream& stream) noexcept {
        if constexpr (requires { stream.restart(); }) {
            stream.restart();
        }
    }
    template <std::size_t Index>
    static constexpr std::array<char, 8> name_of() noexcept {
        return {'m', 'e', 'm', 'b', 'e', 'r', static_cast<char>('0' + Index), '\0'};
    }
    template <class Archive, std::size_t... Index, class Visit>
    static void exchange_each(Archive& archive, std::index_sequence<Index...>, Visit&& visit) {
        ((archive.outcome().ok() ? visit(std::integral_constant<std::size_t, Index>{}) : void()),
         ...);
    }
    /// The first member's clock is that of all: what it refuses reaches no other, and where it takes
    /// over a new time, the others start anew, or they would compare samples across it.
    template <std::size_t... Index>
    void push_each(stream_type& stream, sample_view<scalar_type> sample, double time,
                   std::array<verdict, size>& verdicts,
                   std::index_sequence<Index...>) const noexcept {
        const auto push_one = [&](auto index) {
            auto& part = std::get<index>(stream.members_);
            const verdict& first = verdicts[0];
            if constexpr (index > 0) {
                if (first.reason == sample_reason::out_of_order) {
                    return;
                }
                if (first.clock_reset) {
                    restart_stream(part);
                }
            }
            verdicts[index] = std::get<index>(members_).push(part, sample, time);
        };
        (push_one(std::integral_constant<std::size_t, Index>{}), ...);
    }
    template <std::size_t... Index>
    void shares_of_each(const stream_type& stream, std::span<double> out,
                        std::index_sequence<Index...>) const noexcept {
        const auto ask = [&](const auto& member, const auto& part) {
            if constexpr (requires { member.shares(part, out); }) {
                member.shares(part, out);
            }
        };
        ((stream.last_.member == static_cast<int>(Index)
              ? ask(std::get<Index>(members_), std::get<Index>(stream.members_))
              : void()),
         ...);
    }

    ensemble_settings settings_{};
    Alarm alarm_{};
    std::tuple<Members...> members_{};
};

/// An ensemble without alarm control of its own.
template <class... Members>
    requires(... && ensemble_member<Members, detail::scalar_of_first<Members...>>)
class ensemble : public basic_ensemble<no_alarm_control, Members...> {
  public:
    ensemble() = default;
    explicit ensemble(const ensemble_settings& settings, Members... members)
        : basic_ensemble<no_alarm_control, Members...>(settings, {}, std::move(members)...) {}
};

} // namespace tocsin
