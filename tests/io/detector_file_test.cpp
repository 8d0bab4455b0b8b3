#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using tocsin::detector_phase;
using tocsin::detector_settings;
using tocsin::error_code;
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
    std::vector<double> all{static_cast<double>(detector.phase()), detector.step_threshold(),
                            detector.feature_threshold()};
    if (detector.phase() >= detector_phase::trained) {
        all.insert(all.end(), detector.parameters().begin(), detector.parameters().end());
    }
    if (detector.phase() < detector_phase::errors_fitted) {
        return all;
    }
    const auto scores = tocsin_test::all_scores(detector, windows);
    all.insert(all.end(), scores.begin(), scores.end());
    for (tocsin::index_t k = 0; k < windows.count(); ++k) {
        const auto verdict = detector.score(windows.window(k));
        all.push_back(verdict.step_score);
        all.push_back(verdict.flagged_by_step ? 1 : 0);
        all.push_back(verdict.flagged_by_feature ? 1 : 0);
        for (tocsin::index_t f = 0; f < verdict.reconstruction.size(); ++f) {
            all.push_back(verdict.reconstruction.data()[f]);
        }
    }
    for (tocsin::index_t t = 0; t < 20; ++t) {
        const auto verdict = detector.push({windows.values().data() + 2 * t, 2});
        all.push_back(verdict.score);
        all.insert(all.end(), verdict.shares.begin(), verdict.shares.end());
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

/// Writes what a hostile file might say about a detector that has not been trained.
struct declared_detector {
    std::int64_t window = window_length;
    std::int64_t batch_size = 64;
    std::int64_t hidden = 4;
    int phase = 0;

    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("model_kind", "encoder_decoder");
        archive.expect("scalar_type", "float");
        {
            const auto scope = archive.scope("settings");
            archive.integer("window", window);
            archive.integer("scored", 0);
            archive.integer("batch_size", batch_size);
        }
        {
            const auto scope = archive.scope("model");
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
            CHECK(loaded->step_rule().k() == 4.5);
            CHECK(loaded->step_threshold() == detector.step_threshold());
            CHECK(loaded->feature_threshold() == detector.feature_threshold());
            CHECK(same_bits(visible(*loaded, windows), visible(detector, windows)));
            // The tuned thresholds are below the caller's.
            loaded->override_thresholds(std::nullopt, std::nullopt);
            auto tuned = detector;
            tuned.override_thresholds(std::nullopt, std::nullopt);
            CHECK(loaded->step_threshold() == tuned.step_threshold());
            CHECK(loaded->feature_threshold() == tuned.feature_threshold());
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
        const auto score = detector.score(windows.window(3));
        CHECK(fixed->score(windows.window(3)).step_score ==
              doctest::Approx(score.step_score).epsilon(1e-3));
        CHECK(fixed->step_threshold() == detector.step_threshold());

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
                          "'detector.model_kind' is 'encoder_decoder', expected 'autoencoder'");
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
                      "is missing");
        check_refused(
            load_detector<tocsin::detector<window_mean<float>, standard_scaler<float>,
                                           tocsin::mahalanobis<>, tocsin::sigma_threshold>>(path),
            "is missing");
        check_refused(
            load_detector<tocsin::detector<window_mean<float>, standard_scaler<float, 3>>>(path),
            "has shape [2], expected [3]");
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
        check_refused(load({.hidden = 60'000, .phase = 1}), "is missing");
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
        write_bytes(path, "time,sensor\n1,2\n");
        check_refused(load_detector<lstm_detector<float>>(path), "");
    }

    TEST_CASE("detector file: a folder that is not there is an error, not a crash") {
        const temporary_directory directory;
        const auto outcome = save_detector(new_detector<float>(), directory / "no" / "such.tocsin");
        CHECK(outcome.code() == error_code::io_error);
        CHECK(says(outcome, "such.tocsin"));
        CHECK(directory.count() == 0);
    }
}
