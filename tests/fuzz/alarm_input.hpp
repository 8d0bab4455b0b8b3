/// @file alarm_input.hpp
/// @brief Every piece of alarm control compared with its definition, written plainly, on any rows.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/alarm/refractory_period.hpp"
#include "tocsin/alarm/run_declustering.hpp"
#include "tocsin/tail/declustering.hpp"

#include "fuzz_input.hpp"
#include "support/memory_archive.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tocsin_fuzz {

/// What alarm control says, from all rows so far.
struct plain_alarms {
    std::vector<bool> flags;

    /// Flags among the last n rows, at least m?
    bool m_of_n(int m, int n) const {
        int count = 0;
        for (std::size_t back = 0; back < static_cast<std::size_t>(n) && back < flags.size();
             ++back) {
            count += flags[flags.size() - 1 - back] ? 1 : 0;
        }
        return count >= m;
    }
    /// Have the last `rows` rows all been flagged?
    bool duration(std::int64_t rows) const {
        std::int64_t run = 0;
        for (std::size_t k = flags.size(); k > 0 && flags[k - 1]; --k) {
            ++run;
        }
        return run >= rows && run > 0;
    }
    /// Where runs of flags begin.
    std::int64_t alarms() const {
        std::int64_t count = 0;
        for (std::size_t k = 0; k < flags.size(); ++k) {
            count += flags[k] && (k == 0 || !flags[k - 1]) ? 1 : 0;
        }
        return count;
    }
};

template <class Piece>
void reload_piece(Piece& piece, Piece fresh) {
    const auto saved = tocsin_test::save(piece);
    require(tocsin_test::load(fresh, saved).ok(), "alarm control refuses its own state");
    require(tocsin_test::save(fresh) == saved, "alarm control changes when it is saved");
    piece = fresh;
}

inline void alarms(input bytes) {
    reader rows{bytes};
    const int n = 1 + rows.byte() % 64;
    const int m = 1 + rows.byte() % n;
    const std::int64_t duration = 1 + rows.byte() % 9;
    const std::int64_t silence = rows.byte() % 9;
    const double on = rows.number();
    const double off = rows.number();
    const bool usable = std::isfinite(on) && std::isfinite(off) && off <= on;
    tocsin::m_of_n counted{m, n};
    tocsin::minimum_duration lasting{duration};
    tocsin::suppression rare{silence};
    tocsin::refractory_period once{silence};
    const std::int64_t gap = 1 + silence;
    tocsin::run_declustering declustered{gap};
    std::vector<double> peaks; // 2 for a flag, 1 for a high row, 0
    std::size_t clusters = 0;
    tocsin::rate_monitor monitor{static_cast<double>(m), 1.0 + static_cast<double>(silence)};
    tocsin::hysteresis levels{on, off};
    const tocsin::minimum_deviation deviation{std::abs(on), tocsin::direction::above};
    tocsin::alarm_chain chain{tocsin::m_of_n{m, n}, tocsin::minimum_duration{duration},
                              tocsin::suppression{silence}};
    tocsin::m_of_n chained_count{m, n};
    tocsin::minimum_duration chained_duration{duration};
    tocsin::suppression chained_silence{silence};
    tocsin::anomaly_likelihood_settings settings{n + 2, 1 + m % (n + 1), 2, 1e-6};
    auto likelihood = *tocsin::anomaly_likelihood::make(settings);
    require(levels.check().ok() == usable, "hysteresis: check");

    plain_alarms all;
    bool active = false;
    bool was_passing = false;
    std::int64_t quiet = silence; // rows since an alarm ended
    std::int64_t refractory = 0;  // rows in which no other alarm begins
    for (int step = 0; !rows.empty() && step < 4000; ++step) {
        const std::uint8_t operation = rows.byte();
        if (operation >= 250) {
            reload_piece(counted, tocsin::m_of_n{1, 1});
            reload_piece(lasting, tocsin::minimum_duration{});
            reload_piece(rare, tocsin::suppression{});
            reload_piece(once, tocsin::refractory_period{});
            reload_piece(declustered, tocsin::run_declustering{});
            reload_piece(monitor, tocsin::rate_monitor{});
            reload_piece(chain, decltype(chain){});
            reload_piece(likelihood, *tocsin::anomaly_likelihood::make());
            if (usable) {
                reload_piece(levels, tocsin::hysteresis{1, 0});
            }
            continue;
        }
        const bool flag = operation % 2 != 0;
        all.flags.push_back(flag);
        require(counted.push(flag) == all.m_of_n(m, n), "m_of_n");
        require(lasting.push(flag) == all.duration(duration), "minimum_duration");

        // An alarm passes while it lasts; after it, nothing does for `silence` rows.
        if (was_passing && !flag) {
            quiet = 0;
        }
        const bool passes = flag && (was_passing || quiet >= silence);
        require(rare.push(flag) == passes, "suppression");
        was_passing = passes;
        quiet += quiet < silence ? 1 : 0;

        const bool begins = flag && refractory == 0;
        require(once.push(flag) == begins, "refractory_period");
        refractory = begins ? silence : refractory > 0 ? refractory - 1 : 0;

        const bool high = operation % 4 != 0;
        peaks.push_back(flag ? 2 : high ? 1 : 0);
        clusters += declustered.push(flag, high) ? 1 : 0;
        if (step % 64 == 0) {
            const auto found = tocsin::find_clusters(peaks, 0.5, gap).peaks;
            require(static_cast<std::size_t>(std::count(found.begin(), found.end(), 2.0)) ==
                        clusters,
                    "run_declustering");
        }
        require(monitor.push(flag) == flag, "rate_monitor changes a flag");
        require(monitor.rows() == static_cast<std::int64_t>(all.flags.size()) &&
                    (step % 64 != 0 || monitor.alarms() == all.alarms()) &&
                    monitor.realised() >= 0 && monitor.realised() <= 10000,
                "rate_monitor");

        require(chain.push(flag) ==
                    chained_silence.push(chained_duration.push(chained_count.push(flag))),
                "alarm_chain");

        const double score = rows.number();
        if (active ? score < off : score > on && usable) {
            active = !active;
        }
        require(levels.push(score) == active, "hysteresis");
        require(deviation.push(flag, score) == (flag && std::isfinite(on) && score >= std::abs(on)),
                "minimum_deviation");
        const double probability = likelihood.push(score);
        require(std::isnan(probability) || (probability >= 0 && probability <= 1),
                "anomaly_likelihood");
    }
}

} // namespace tocsin_fuzz
