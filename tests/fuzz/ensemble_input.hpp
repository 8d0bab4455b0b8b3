/// @file ensemble_input.hpp
/// @brief Files and streams of an ensemble: a mean of models, a charted detector, a comparator.
#pragma once

#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/ensemble.hpp"
#include "tocsin/models/mean_of_models.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include "detector_input.hpp"
#include <string>
#include <utility>

namespace tocsin_fuzz {

using averaging_detector =
    tocsin::detector<tocsin::mean_of_models<tocsin::forecaster<float>>,
                     tocsin::standard_scaler<float>, tocsin::diagonal_gaussian<>,
                     tocsin::alarm_rate, tocsin::alarm_chain<tocsin::rate_monitor>>;
using charted_forecaster = tocsin::charted_detector<tocsin::detector<tocsin::forecaster<float>>>;
using attacked_ensemble =
    tocsin::ensemble<averaging_detector, charted_forecaster,
                     tocsin::scored_comparator<tocsin::nearest_value_novelty>>;

inline const attacked_ensemble& ensemble_under_attack() {
    static const attacked_ensemble made = [] {
        using forecaster = tocsin::forecaster<float>;
        const auto shape = forecaster::with_layers(2, 2, {2}, 1);
        auto averaging =
            tuned(averaging_detector(tocsin::mean_of_models<forecaster>(shape, 2),
                                     {.warm_up = 2, .longest_gap = 3}, {}, tocsin::alarm_rate{},
                                     tocsin::alarm_chain{tocsin::rate_monitor{10}}),
                  60);
        charted_forecaster charted(tuned(tocsin::detector<forecaster>(shape, {.warm_up = 2}), 60));
        require(charted.fit(ordinary_samples(300, 5)).ok(), "no charts to attack");
        tocsin::scored_comparator<tocsin::nearest_value_novelty> compared(
            tocsin::nearest_value_novelty(20));
        require(compared
                    .fit(ordinary_samples(100, 6).cast<double>(),
                         ordinary_samples(100, 7).cast<double>())
                    .ok(),
                "no comparator to attack");
        return attacked_ensemble({}, std::move(averaging), std::move(charted), std::move(compared));
    }();
    return made;
}

inline void push_ordinary(const attacked_ensemble& judges, attacked_ensemble::stream_type& stream) {
    const auto ordinary = ordinary_samples(12, 3);
    std::array<double, 2> shares{};
    for (tocsin::index_t t = 0; t < ordinary.cols(); ++t) {
        const auto said = judges.push(stream, ordinary.col(t), static_cast<double>(t));
        require(!std::isnan(said.combined.score), "a score is NaN");
        judges.shares(stream, shares);
    }
}

/// A stream of the ensemble, as it is and behind a right beginning; without those, a file of one.
inline void ensembles(input bytes) {
    const auto& judges = ensemble_under_attack();
    const auto load = [&](std::span<const std::byte> saved) {
        auto loaded = tocsin::load_stream(judges, saved);
        require(loaded || loaded.error().message()[0] != '\0', "refused without a reason");
        if (loaded) {
            push_ordinary(judges, *loaded);
            static_cast<void>(reloaded(judges, *loaded));
        }
    };
    const auto file = tocsin::archive_reader::from_bytes(std::as_bytes(bytes));
    if (!file) {
        require(file.error().message()[0] != '\0', "a file is refused without a reason");
        load(std::as_bytes(bytes));
        load(as_stream(bytes, judges));
        return;
    }
    tocsin::archive_reader archive = *file;
    attacked_ensemble loaded;
    archive.object("ensemble", loaded);
    require(archive.outcome().ok() || archive.outcome().message()[0] != '\0',
            "an ensemble is refused without a reason");
    if (archive.outcome().ok() && loaded.features() == 2) {
        auto stream = loaded.make_stream();
        push_ordinary(loaded, stream);
        tocsin::archive_writer again;
        again.object("ensemble", loaded);
        require(again.outcome().ok(), "an ensemble that was loaded cannot be saved");
    }
}
/// The file, then streams: fresh, used.
inline std::string ensemble_seed(unsigned number) {
    const auto& judges = ensemble_under_attack();
    if (number % 3 == 0) {
        tocsin::archive_writer archive;
        archive.object("ensemble", judges);
        return *archive.encode();
    }
    auto stream = judges.make_stream();
    const auto values = ordinary_samples(number % 3 == 1 ? 0 : 30, 4);
    for (tocsin::index_t t = 0; t < values.cols(); ++t) {
        static_cast<void>(judges.push(stream, values.col(t), static_cast<double>(t)));
    }
    const auto bytes = *tocsin::save_stream(judges, stream);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline constexpr unsigned ensemble_seeds = 3;

} // namespace tocsin_fuzz
