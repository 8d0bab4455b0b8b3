#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using tocsin::detector_phase;
using tocsin::detector_settings;
using tocsin::error_code;
using tocsin::error_view;
using tocsin::load_detector;
using tocsin::save_detector;
using tocsin_test::same_bits;
using tocsin_test::says;
using tocsin_test::static_lstm;
using tocsin_test::temporary_directory;
using tocsin_test::waves;
using tocsin_test::window_mean;
using tocsin_test::windows_over;

namespace {

constexpr int window_length = 5;
const double infinity = std::numeric_limits<double>::infinity();

template <class Scalar>
using lstm_detector = tocsin::detector<tocsin::encoder_decoder<Scalar>>;

template <class Scalar>
lstm_detector<Scalar> new_detector() {
    return lstm_detector<Scalar>(tocsin_test::small_lstm<Scalar>(2),
                                 detector_settings{.window = window_length});
}

/// The phases one after the other, then one threshold by hand.
constexpr int step_count = 4;
template <class Detector>
void take_step(Detector& detector, int step,
               const tocsin::windows<typename Detector::scalar_type>& windows) {
    tocsin::status outcome;
    switch (step) {
    case 0:
        outcome = detector.train(windows, {}, tocsin_test::quick_trainer(2));
        break;
    case 1:
        outcome = detector.fit_errors(windows);
        break;
    case 2:
        outcome = detector.tune(windows);
        break;
    default:
        detector.override_thresholds(2.5, std::nullopt);
    }
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
}

/// Every number that can be seen of a detector as far as it has come.
template <class Detector>
std::vector<double> visible(Detector detector,
                            const tocsin::windows<typename Detector::scalar_type>& windows) {
    std::vector<double> all{static_cast<double>(detector.phase()),
                            detector.threshold(error_view::per_step),
                            detector.threshold(error_view::per_feature)};
    if (detector.phase() >= detector_phase::trained) {
        all.insert(all.end(), detector.parameters().begin(), detector.parameters().end());
    }
    if (detector.phase() < detector_phase::errors_fitted) {
        return all;
    }
    const auto scores = tocsin_test::all_scores(detector, windows);
    all.insert(all.end(), scores.begin(), scores.end());
    auto workspace = detector.make_workspace();
    for (tocsin::index_t k = 0; k < windows.count(); ++k) {
        const auto verdict = detector.score(windows.window(k), workspace);
        all.push_back(verdict.step_score);
        all.push_back(verdict.flagged_by_step ? 1 : 0);
        all.push_back(verdict.flagged_by_feature ? 1 : 0);
        const auto& reconstruction = workspace.reconstruction();
        all.insert(all.end(), reconstruction.data(), reconstruction.data() + reconstruction.size());
    }
    auto stream = detector.make_stream();
    std::vector<double> shares(2);
    for (tocsin::index_t t = 0; t < 20; ++t) {
        all.push_back(detector.push(stream, windows.values().col(t)).score);
        detector.shares(stream, shares);
        all.insert(all.end(), shares.begin(), shares.end());
    }
    return all;
}

/// A detector after all steps in one process.
template <class Scalar>
lstm_detector<Scalar> ready_detector(const tocsin::windows<Scalar>& windows) {
    auto detector = new_detector<Scalar>();
    for (int step = 0; step < step_count; ++step) {
        take_step(detector, step, windows);
    }
    return detector;
}

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// Refused, for this reason, with the name of the file.
template <class Loaded>
void check_refused(const tocsin::result<Loaded>& loaded, const char* reason) {
    CAPTURE(reason);
    REQUIRE_FALSE(loaded.has_value());
    CAPTURE(loaded.error().message());
    CHECK(loaded.error().code() == error_code::format_error);
    CHECK(says(loaded.error(), reason));
    CHECK(says(loaded.error(), ".tocsin: "));
}

/// Saves another threshold than it has, or none, under the name of quantile_threshold.
struct forged_rule {
    static constexpr const char* kind = "quantile_threshold";
    static constexpr int version = 1;
    std::optional<double> forged;

    static tocsin::status fit(std::span<const double> /*scores*/,
                              std::span<const std::uint8_t> /*labels*/) noexcept {
        return {};
    }
    static double threshold() noexcept { return 1; }
    template <class Archive>
    void exchange(Archive& archive) {
        const double usual = 0.99;
        const double factor = 1;
        archive.number("quantile", usual);
        archive.number("factor", factor);
        archive.integer("fitted", forged.has_value());
        if (forged) {
            archive.number("threshold", *forged);
        }
    }
};

/// A quantile of scores that were smoothed first, under the name of quantile_threshold.
struct smoothed_rule : tocsin::quantile_threshold {
    smoothed_rule() : tocsin::quantile_threshold() {}
    template <class Archive>
    void exchange(Archive& archive) {
        tocsin::quantile_threshold::exchange(archive);
        int rows = 10;
        archive.integer("smoothing", rows);
    }
};

/// Writes what a hostile file might say about a detector that has not been trained.
struct declared_detector {
    std::int64_t window = window_length;
    std::int64_t batch_size = 64;
    std::int64_t hidden = 4;
    int phase = 0;

    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("scalar_type", "float");
        {
            const auto scope = archive.scope("settings");
            archive.expect("version", 1);
            archive.integer("window", window);
            archive.integer("scored", 0);
            archive.integer("view", 0);
            archive.integer("batch_size", batch_size);
            archive.integer("warm_up", -1);
            archive.integer("missing", 0);
            archive.integer("longest_gap", 10);
            archive.integer("lost_after", 50);
            archive.integer("clock_agreement", 3);
            archive.integer("pause", 0);
            const double pause = 1;
            archive.number("longest_pause", pause);
        }
        {
            const auto scope = archive.scope("model");
            archive.expect("kind", "encoder_decoder");
            archive.expect("version", 1);
            for (const char* part : {"encoder", "decoder", "head"}) {
                const auto part_scope = archive.scope(part);
                const bool is_head = std::string(part) == "head";
                archive.integer("layers", 1);
                archive.integer("size.0", is_head ? hidden : std::int64_t{2});
                archive.integer("size.1", is_head ? std::int64_t{2} : hidden);
                const double dropout = 0;
                archive.number("dropout_rate", dropout);
            }
            archive.integer("reversed", true);
            archive.integer("training", 0);
        }
        archive.integer("phase", phase);
    }
};

tocsin::status write_declared(const declared_detector& declared,
                              const std::filesystem::path& path) {
    tocsin::archive_writer archive;
    archive.expect("content", "detector");
    archive.object("detector", declared);
    return archive.write(path);
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("detector file: what is loaded is bit-equal, after every phase", Scalar,
                       float, double) {
        const temporary_directory directory;
        const auto values = waves<Scalar>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = new_detector<Scalar>();
        for (int step = 0; step <= step_count; ++step) {
            CAPTURE(step);
            const auto path = directory / "detector.tocsin";
            REQUIRE(save_detector(detector, path).ok());
            auto loaded = load_detector<lstm_detector<Scalar>>(path);
            REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
            CHECK(loaded->phase() == detector.phase());
            CHECK(loaded->settings().window == window_length);
            CHECK(loaded->features() == 2);
            CHECK(same_bits(visible(*loaded, windows), visible(detector, windows)));
            // Saved again, it is the same file.
            const auto again = directory / "again.tocsin";
            REQUIRE(save_detector(*loaded, again).ok());
            CHECK(bytes_of(again) == bytes_of(path));
            if (step < step_count) {
                take_step(detector, step, windows);
            }
        }
        CHECK(directory.count() == 2); // no temporary files are left over
    }

    TEST_CASE_TEMPLATE(
        "detector file: each phase from the file of the one before equals one process", Scalar,
        float, double) {
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = waves<Scalar>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        REQUIRE(save_detector(new_detector<Scalar>(), path).ok());
        for (int step = 0; step < step_count; ++step) {
            auto loaded = load_detector<lstm_detector<Scalar>>(path);
            REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
            take_step(*loaded, step, windows);
            REQUIRE(save_detector(*loaded, path).ok());
        }
        auto loaded = load_detector<lstm_detector<Scalar>>(path);
        REQUIRE(loaded.has_value());
        CHECK(same_bits(visible(*loaded, windows), visible(ready_detector(windows), windows)));
    }

    TEST_CASE("detector file: settings, rules and thresholds of the caller are kept") {
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = waves<float>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        using chosen = tocsin::detector<window_mean<float>, tocsin::robust_scaler<float>,
                                        tocsin::diagonal_gaussian<>, tocsin::sigma_threshold>;
        chosen detector(
            window_mean<float>(2),
            {.window = window_length, .scored = tocsin::scored_steps::newest, .batch_size = 3}, {},
            tocsin::sigma_threshold(4.5));
        tocsin_test::run_all_phases(detector, windows);
        for (const auto& [step, feature] :
             {std::pair<std::optional<double>, std::optional<double>>{std::nullopt, std::nullopt},
              {1.5, std::nullopt},
              {infinity, 2},
              {std::nullopt, infinity}}) {
            detector.override_thresholds(step, feature);
            REQUIRE(save_detector(detector, path).ok());
            auto loaded = load_detector<chosen>(path);
            REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
            CHECK(loaded->settings().scored == tocsin::scored_steps::newest);
            CHECK(loaded->settings().batch_size == 3);
            for (const auto view : {error_view::per_step, error_view::per_feature}) {
                CHECK(loaded->rule(view).k() == 4.5);
                CHECK(loaded->threshold(view) == detector.threshold(view));
            }
            CHECK(same_bits(visible(*loaded, windows), visible(detector, windows)));
            // The tuned thresholds are below the caller's.
            loaded->override_thresholds(std::nullopt, std::nullopt);
            auto tuned = detector;
            tuned.override_thresholds(std::nullopt, std::nullopt);
            for (const auto view : {error_view::per_step, error_view::per_feature}) {
                CHECK(loaded->threshold(view) == tuned.threshold(view));
                CHECK(std::isfinite(loaded->threshold(view)));
            }
        }
    }

    TEST_CASE("detector file: own policies are saved like the library's") {
        const temporary_directory directory;
        const auto path = directory / "own.tocsin";
        const auto values = waves<double>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        using own = tocsin::detector<window_mean<double>, tocsin_test::halving_scaler<double>,
                                     tocsin_test::largest_error, tocsin_test::twice_the_largest>;
        own detector(window_mean<double>(2), {.window = window_length});
        tocsin_test::run_all_phases(detector, windows);
        REQUIRE(save_detector(detector, path).ok());
        auto loaded = load_detector<own>(path);
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        CHECK(same_bits(visible(*loaded, windows), visible(detector, windows)));
    }

    TEST_CASE("detector file: sizes at run time are read by the same sizes at compile time") {
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = waves<float>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        REQUIRE(save_detector(detector, path).ok());
        auto fixed = load_detector<tocsin::detector<static_lstm<float, 2, 4>>>(path);
        REQUIRE_MESSAGE(fixed.has_value(), fixed.error().message());
        const auto scores = tocsin_test::all_scores(detector, windows);
        const auto theirs = tocsin_test::all_scores(*fixed, windows);
        CHECK(theirs[3] == doctest::Approx(scores[3]).epsilon(1e-3));
        CHECK(fixed->threshold() == detector.threshold());

        check_refused(load_detector<tocsin::detector<static_lstm<float, 2, 5>>>(path),
                      "'detector.model.encoder.size.1' is '4', expected '5'");
        check_refused(load_detector<tocsin::detector<static_lstm<float, 3, 4>>>(path),
                      "'detector.model.encoder.size.0' is '2', expected '3'");
    }

    TEST_CASE("detector file: another scalar type or another model is refused in every phase") {
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = waves<float>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = new_detector<float>();
        for (int step = 0; step <= step_count; ++step) {
            CAPTURE(step);
            REQUIRE(save_detector(detector, path).ok());
            check_refused(load_detector<tocsin::detector<tocsin::autoencoder<float>>>(path),
                          "'detector.model.kind' is 'encoder_decoder', expected 'autoencoder'");
            check_refused(load_detector<lstm_detector<double>>(path),
                          "'detector.scalar_type' is 'float', expected 'double'");
            if (step < step_count) {
                take_step(detector, step, windows);
            }
        }
    }

    TEST_CASE("detector file: another scaler, statistic or rule is refused") {
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = waves<float>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        tocsin::detector<window_mean<float>> detector(window_mean<float>(2),
                                                      {.window = window_length});
        tocsin_test::run_all_phases(detector, windows);
        REQUIRE(save_detector(detector, path).ok());
        using tocsin::standard_scaler;
        check_refused(
            load_detector<tocsin::detector<window_mean<float>, tocsin::min_max_scaler<float>>>(
                path),
            "'detector.scaler.kind' is 'standard', expected 'min_max'");
        check_refused(load_detector<tocsin::detector<window_mean<float>, standard_scaler<float>,
                                                     tocsin::diagonal_gaussian<>>>(path),
                      "'detector.errors.per_step.kind' is 'mahalanobis', expected "
                      "'diagonal_gaussian'");
        check_refused(
            load_detector<tocsin::detector<window_mean<float>, standard_scaler<float>,
                                           tocsin::mahalanobis<>, tocsin::sigma_threshold>>(path),
            "'detector.thresholds.per_step.rule.kind' is 'quantile_threshold', expected "
            "'sigma_threshold'");
        check_refused(
            load_detector<
                tocsin::detector<window_mean<float>, standard_scaler<float>, tocsin::mahalanobis<>,
                                 tocsin::quantile_threshold, tocsin::alarm_chain<tocsin::m_of_n>>>(
                path),
            "'detector.alarm.kind' is 'none', expected 'alarm_chain'");
        check_refused(
            load_detector<tocsin::detector<window_mean<float>, standard_scaler<float, 3>>>(path),
            "has shape [2], expected [3]");
    }

    TEST_CASE("detector file: a threshold that no fit gives is refused") {
        const temporary_directory directory;
        const auto path = directory / "forged.tocsin";
        const auto values = waves<float>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        const auto forge = [&](std::optional<double> threshold) {
            tocsin::detector<window_mean<float>, tocsin::standard_scaler<float>,
                             tocsin::mahalanobis<>, forged_rule>
                detector(window_mean<float>(2), {.window = window_length}, {},
                         forged_rule{threshold});
            tocsin_test::run_all_phases(detector, windows);
            REQUIRE(save_detector(detector, path).ok());
            return load_detector<tocsin::detector<window_mean<float>>>(path);
        };
        CHECK(forge(2.5).has_value());
        check_refused(forge(-1), "a threshold of -1, which every score exceeds");
        check_refused(forge(1e308), "a threshold of 1e+308, which no score exceeds");
        check_refused(forge({}), "thresholds are tuned, but there is none");
    }

    TEST_CASE("detector file: a file that ends early is refused wherever it ends") {
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto cut = directory / "cut.tocsin";
        const auto values = waves<float>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        REQUIRE(save_detector(ready_detector(windows), path).ok());
        const std::string bytes = bytes_of(path);
        REQUIRE(bytes.size() > 1000);
        for (std::size_t size = 0; size < bytes.size();
             size += size < 64 || size + 64 > bytes.size() ? 1 : 97) {
            CAPTURE(size);
            write_bytes(cut, bytes.substr(0, size));
            const auto loaded = load_detector<lstm_detector<float>>(cut);
            REQUIRE_FALSE(loaded.has_value());
            CHECK(loaded.error().code() == error_code::format_error);
            CHECK(says(loaded.error(), "cut.tocsin"));
        }
    }

    TEST_CASE("detector file: nothing is loaded by half") {
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = waves<float>(2, 50, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        const auto expected = visible(detector, windows);
        REQUIRE(write_declared({.window = 9, .phase = 3}, path).ok()); // says "tuned", has nothing
        check_refused(load_detector(path, detector), "is missing");
        CHECK(same_bits(visible(detector, windows), expected));
        // What was loaded by hand, against the advice, has come no further than its settings.
        auto archive = tocsin::archive_reader::open(path);
        REQUIRE(archive.has_value());
        archive->object("detector", detector);
        CHECK_FALSE(archive->outcome().ok());
        CHECK(detector.phase() == detector_phase::created);
        auto stream = detector.make_stream();
        CHECK(detector.push(stream, values.col(0)).kind == tocsin::verdict_kind::not_ready);
    }

    TEST_CASE("detector file: what the type of the detector does not know is refused by name") {
        using smoothing =
            tocsin::detector<tocsin::encoder_decoder<float>, tocsin::standard_scaler<float>,
                             tocsin::mahalanobis<>, smoothed_rule>;
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        smoothing saved(tocsin_test::small_lstm<float>(2), {.window = window_length});
        REQUIRE(save_detector(saved, path).ok());
        CHECK(load_detector<smoothing>(path).has_value());
        check_refused(
            load_detector<lstm_detector<float>>(path),
            "'detector.thresholds.per_feature.rule.smoothing' is unknown to what loads it");

        // What stands beside the detector is for others, as notes are, but for the place where the command
        // line once put what it subtracts from samples.
        for (const bool inside : {false, true}) {
            tocsin::archive_writer archive;
            archive.expect("content", "detector");
            archive.object("detector", new_detector<float>());
            archive.text("detectors", "what only begins like its name");
            archive.number(inside ? "detector.offset" : "offset", 1.7e9);
            REQUIRE(archive.write(path).ok());
            const auto loaded = load_detector<lstm_detector<float>>(path);
            CHECK(loaded.has_value() == !inside);
            if (inside) {
                check_refused(loaded, "'detector.offset' is unknown");
            }
            archive.number("value_offsets", 1.7e9);
            REQUIRE(archive.write(path).ok());
            check_refused(load_detector<lstm_detector<float>>(path),
                          inside ? "'detector.offset' is unknown" : "'value_offsets' is unknown");
        }
    }

    TEST_CASE("detector file: what a file declares is checked before it is believed") {
        const temporary_directory directory;
        const auto path = directory / "declared.tocsin";
        const auto load = [&](const declared_detector& declared) {
            REQUIRE(write_declared(declared, path).ok());
            return load_detector<lstm_detector<float>>(path);
        };
        check_refused(load({.window = 0}), "'detector.settings.window' is '0'");
        check_refused(load({.window = -3}), "'detector.settings.window' is '-3'");
        check_refused(load({.window = 2'000'000'000}), "'detector.settings.window'");
        check_refused(load({.window = 99'999'999'999}), "'detector.settings.window'");
        check_refused(load({.hidden = 0}), "size.1' is '0'");
        check_refused(load({.hidden = -4}), "size.1' is '-4'");
        check_refused(load({.hidden = 2'000'000'000}), "size.1' is '2000000000'");
        check_refused(load({.phase = 4}), "'detector.phase' is '4'");
        check_refused(load({.phase = -1}), "'detector.phase' is '-1'");
        // Larger than its file could back up: refused, not allocated.
        check_refused(load({.hidden = 60'000, .phase = 1}), "'detector.model' needs ");
        check_refused(load({.window = 1 << 20, .phase = 1}), "is missing");
    }

    TEST_CASE("detector file: other files are refused with their reason") {
        const temporary_directory directory;
        const auto missing = load_detector<lstm_detector<float>>(directory / "none.tocsin");
        REQUIRE_FALSE(missing.has_value());
        CHECK(missing.error().code() == error_code::io_error);
        CHECK(says(missing.error(), "none.tocsin"));

        const auto path = directory / "checkpoint.tocsin";
        const auto state = tocsin::training_state<float>::fresh(tocsin_test::small_lstm<float>(2),
                                                                tocsin::adam{}, 1);
        REQUIRE(tocsin::save_checkpoint(state, path).ok());
        check_refused(load_detector<lstm_detector<float>>(path),
                      "'content' is 'checkpoint', expected 'detector'");
        // A CSV opened as a model, short and long.
        write_bytes(path, "time,sensor\n1,2\n");
        check_refused(load_detector<lstm_detector<float>>(path), "not a safetensors file");
        write_bytes(path, "time,sensor\n" + std::string(100'000, '7'));
        check_refused(load_detector<lstm_detector<float>>(path), "not a safetensors file");
    }

    TEST_CASE_TEMPLATE(
        "detector file: a detector with any rule is loaded without naming one", Rule,
        tocsin::quantile_threshold, tocsin::sigma_threshold, tocsin::manual_threshold,
        tocsin::f_beta_threshold, tocsin::epsilon_threshold, tocsin::spot_threshold,
        tocsin::spot_threshold_by_moments, tocsin::drift_spot_threshold, tocsin::alarm_rate) {
        using chosen = tocsin::detector<window_mean<float>, tocsin::standard_scaler<float>,
                                        tocsin::mahalanobis<>, Rule>;
        const temporary_directory directory;
        const auto path = directory / "rule.tocsin";
        const auto values = waves<float>(2, 1500, 1);
        const auto windows = windows_over(values, window_length);
        Rule rule;
        if constexpr (std::is_same_v<Rule, tocsin::manual_threshold>) {
            rule = Rule(3.5);
        }
        chosen detector(window_mean<float>(2), {.window = window_length}, {}, rule);
        REQUIRE(detector.train(windows, {}, tocsin_test::quick_trainer(1)).ok());
        REQUIRE(detector.fit_errors(windows).ok());
        std::vector<std::uint8_t> labels(static_cast<std::size_t>(windows.count()));
        labels[7] = 1;
        const auto tuned = detector.tune(windows, labels);
        REQUIRE_MESSAGE(tuned.ok(), tuned.message());
        REQUIRE(std::isfinite(detector.threshold()));
        REQUIRE(save_detector(detector, path).ok());
        const auto loaded = load_detector<chosen>(path);
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        CHECK(loaded->threshold() == detector.threshold());
        CHECK(loaded->threshold(error_view::per_feature) ==
              detector.threshold(error_view::per_feature));
        CHECK(loaded->identity() == detector.identity());
    }

    TEST_CASE("detector file: a forecaster scores the same bits after loading, in every phase") {
        using forecasting = tocsin::detector<tocsin::forecaster<float>>;
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto values = waves<float>(2, 200, 1);
        const auto windows = windows_over(values, 50, 10);
        forecasting detector(tocsin::forecaster<float>::with_layers(2, 1, {6, 4}, 3),
                             {.warm_up = 4,
                              .missing = tocsin::missing_value::mean,
                              .longest_gap = 7,
                              .lost_after = 9,
                              .longest_pause = 60,
                              .clock_agreement = 5});
        for (int phase = 0; phase <= 3; ++phase) {
            CAPTURE(phase);
            const auto how = tocsin_test::quick_trainer(2);
            REQUIRE((phase != 1 || detector.train(windows, {}, how).ok()));
            REQUIRE((phase != 2 || detector.fit_errors(windows).ok()));
            REQUIRE((phase != 3 || detector.tune(windows).ok()));
            REQUIRE(save_detector(detector, path).ok());
            const auto loaded = load_detector<forecasting>(path);
            REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
            CHECK(loaded->phase() == detector.phase());
            CHECK(loaded->identity() == detector.identity());
            CHECK(loaded->threshold() == detector.threshold());
            CHECK(loaded->warm_up() == detector.warm_up());
            CHECK(loaded->settings().warm_up == 4);
            CHECK(loaded->settings().missing == tocsin::missing_value::mean);
            CHECK(loaded->settings().longest_gap == 7);
            CHECK(loaded->settings().lost_after == 9);
            CHECK(loaded->settings().longest_pause == 60);
            CHECK(loaded->settings().clock_agreement == 5);
            auto ours = detector.make_stream();
            auto theirs = loaded->make_stream();
            for (int t = 0; t < 50; ++t) {
                const auto a = detector.push(ours, values.col(t));
                const auto b = loaded->push(theirs, values.col(t));
                CHECK(a.kind == b.kind);
                CHECK(a.score == b.score);
                CHECK((phase < 2 || t < 10 || a.scored()));
            }
        }
    }

    TEST_CASE("detector file: a pause that is learned, or never, is kept") {
        using forecasting = tocsin::detector<tocsin::forecaster<float>>;
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        for (const double pause : {std::numeric_limits<double>::quiet_NaN(), infinity, 2.5}) {
            const forecasting detector(tocsin::forecaster<float>::with_layers(2, 1, {4}),
                                       {.longest_pause = pause});
            REQUIRE(save_detector(detector, path).ok());
            const auto loaded = load_detector<forecasting>(path);
            REQUIRE(loaded.has_value());
            CHECK(same_bits(std::vector{loaded->settings().longest_pause}, std::vector{pause}));
        }
    }

    TEST_CASE("detector file: a forecaster is not loaded as another detector") {
        using forecasting = tocsin::detector<tocsin::forecaster<float>>;
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const forecasting detector(tocsin::forecaster<float>::with_layers(2, 1, {6}, 3));
        REQUIRE(save_detector(detector, path).ok());
        CHECK(load_detector<forecasting>(path).has_value());
        check_refused(load_detector<tocsin::detector<tocsin::forecaster<double>>>(path),
                      "'detector.scalar_type' is 'float', expected 'double'");
        check_refused(load_detector<lstm_detector<float>>(path),
                      "'detector.model.kind' is 'forecaster', expected 'encoder_decoder'");
        using fixed = tocsin::forecaster<float, tocsin::lstm_stack<float, 2, 7>,
                                         tocsin::dense_head<float, 7, 3>>;
        check_refused(load_detector<tocsin::detector<fixed>>(path),
                      "'detector.model.stack.size.1' is '6', expected '7'");
    }

    TEST_CASE("detector file: saving changes nothing of the detector, which may be in use") {
        tocsin::threshold_pair<tocsin::quantile_threshold> thresholds;
        thresholds.override_with(error_view::per_step, -std::numeric_limits<double>::infinity());
        const double before = thresholds.threshold(error_view::per_step);
        tocsin::archive_writer archive;
        archive.object("thresholds", thresholds);
        REQUIRE(archive.outcome().ok());
        CHECK(thresholds.threshold(error_view::per_step) == before); // not infinity, as once loaded
        CHECK(before < -1e300);
    }

    TEST_CASE("detector file: a folder that is not there is an error, not a crash") {
        const temporary_directory directory;
        const auto outcome = save_detector(new_detector<float>(), directory / "no" / "such.tocsin");
        CHECK(outcome.code() == error_code::io_error);
        CHECK(says(outcome, "such.tocsin"));
        CHECK(directory.count() == 0);
    }
}
