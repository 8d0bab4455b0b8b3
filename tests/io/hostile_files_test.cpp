// Files that declare more than they hold, allocations that fail, states that cannot be: each file
// is made here, from one that is right. Memory is measured as what malloc hands out.
#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include "failing_allocations.hpp"
#include "support/allocation_counter.hpp"
#include "support/edited_file.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

using tocsin::detector_settings;
using tocsin::error_code;
using tocsin_test::check_every_failure;
using tocsin_test::edited_file;
using tocsin_test::says;
using tocsin_test::temporary_directory;

namespace {

using window_detector =
    tocsin::detector<tocsin::encoder_decoder<float>, tocsin::standard_scaler<float>,
                     tocsin::mahalanobis<>, tocsin::spot_threshold,
                     tocsin::alarm_chain<tocsin::m_of_n, tocsin::suppression>>;
using forecast_detector =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                     tocsin::diagonal_gaussian<>, tocsin::quantile_threshold>;

/// With addresses of 32 bits the sizes of layers themselves are refused.
constexpr const char* too_large =
    sizeof(void*) > 4 ? "'detector.model' needs " : "too large for the memory";

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

tocsin::spot_settings small_spot() {
    tocsin::spot_settings settings;
    settings.q = 1e-3;
    settings.level = 0.9;
    settings.memory = 50;
    return settings;
}

window_detector new_window_detector() {
    return window_detector(tocsin_test::small_lstm<float>(2, 3), detector_settings{.window = 4}, {},
                           tocsin::spot_threshold{small_spot()},
                           tocsin::alarm_chain{tocsin::m_of_n{2, 3}, tocsin::suppression{5}});
}
const window_detector& tuned_window_detector() {
    static const window_detector made = [] {
        auto detector = new_window_detector();
        tocsin_test::run_all_phases(
            detector, tocsin_test::windows_over(tocsin_test::waves<float>(2, 600, 1), 4),
            tocsin_test::quick_trainer(1));
        return detector;
    }();
    return made;
}
forecast_detector new_forecast_detector() {
    return forecast_detector(tocsin_test::small_forecaster<float>(2, {3}));
}
const forecast_detector& tuned_forecast_detector() {
    static const forecast_detector made = [] {
        auto detector = new_forecast_detector();
        tocsin_test::learn_slow_waves(detector, 1);
        return detector;
    }();
    return made;
}

template <class Detector>
std::string file_of(const Detector& detector) {
    const temporary_directory directory;
    REQUIRE(tocsin::save_detector(detector, directory / "detector").ok());
    return bytes_of(directory / "detector");
}

/// Loads an edited file; what it took at once is bounded by the file, whether it is refused or not.
template <class Detector>
tocsin::result<Detector> load_bounded(const edited_file& file,
                                      const tocsin::load_options& options = {}) {
    const temporary_directory directory;
    const auto path = directory / "hostile.tocsin";
    const std::string bytes = file.bytes();
    write_bytes(path, bytes);
    Detector fresh;
    tocsin_test::set_allocation_faults({});
    auto loaded = tocsin::load_detector<Detector>(path, std::move(fresh), options);
    if (tocsin_test::allocations_can_fail()) {
        // The file itself twice, its header as text and as objects, and the budget.
        const long long budget = tocsin::load_budget(bytes.size(), options.memory_factor).left();
        CHECK(tocsin_test::peak_bytes() <= 40 * static_cast<long long>(bytes.size()) + budget);
        if (!loaded) {
            CHECK(tocsin_test::peak_bytes() <= 40 * static_cast<long long>(bytes.size()) + 200000);
        }
    }
    return loaded;
}
template <class Detector>
void check_refused(const edited_file& file, std::string_view reason) {
    CAPTURE(reason);
    const auto loaded = load_bounded<Detector>(file);
    REQUIRE_FALSE(loaded.has_value());
    CAPTURE(loaded.error().message());
    CHECK(loaded.error().code() == error_code::format_error);
    CHECK(says(loaded.error(), reason));
    CHECK(says(loaded.error(), "hostile.tocsin: "));
}

/// The same with less and less memory: every limit ends in success or `out_of_memory`.
template <class Load>
void check_every_limit(const Load& load) {
    if (!tocsin_test::allocations_can_fail()) {
        return;
    }
    tocsin_test::set_allocation_faults({});
    REQUIRE(load() == error_code::ok);
    const auto needed = static_cast<std::size_t>(tocsin_test::peak_bytes());
    int refused = 0;
    for (std::size_t limit = 100; limit < needed; limit += needed / 40) {
        CAPTURE(limit);
        tocsin_test::set_allocation_faults({.bytes = limit});
        const auto code = load();
        const bool failed = tocsin_test::allocation_failed();
        tocsin_test::set_allocation_faults({});
        CHECK((code == error_code::ok || (failed && code == error_code::out_of_memory)));
        refused += code == error_code::ok ? 0 : 1;
    }
    CHECK(refused > 20);
}

template <class Result>
error_code code_of(const Result& outcome) {
    return outcome.has_value() ? error_code::ok : outcome.error().code();
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("hostile files: the allocation counter can fail, and measures") {
        if (!tocsin_test::allocations_can_fail()) {
            MESSAGE("skipped: with a sanitizer allocations cannot be made to fail");
            return;
        }
        tocsin_test::set_allocation_faults({.nth = 2});
        void* volatile first = std::malloc(1000);
        void* volatile second = std::malloc(1000);
        void* volatile third = std::malloc(5000);
        const bool failed = tocsin_test::allocation_failed();
        std::free(first);
        std::free(third);
        const long long peak = tocsin_test::peak_bytes();
        const long long left = tocsin_test::live_bytes();
        tocsin_test::set_allocation_faults({});
        CHECK(first != nullptr);
        CHECK(second == nullptr);
        CHECK(third != nullptr);
        CHECK(failed);
        CHECK(peak >= 6000);
        CHECK(left == 0);
    }

    TEST_CASE("hostile files: an untrained model is no larger than the file bears out") {
        // 7 kB that asked for 4.4 GB (12 000) and for all memory (65 536).
        auto file = edited_file(file_of(new_window_detector()));
        for (const char* hidden : {"12000", "32768", "46341", "65535", "65536"}) {
            for (const char* part : {"encoder.size.1", "decoder.size.1", "head.size.0"}) {
                file.set(std::string("detector.model.") + part, hidden);
            }
            check_refused<window_detector>(file, too_large);
        }
        // 1.2 kB that asked for 2.2 GB.
        auto forecast = edited_file(file_of(new_forecast_detector()));
        forecast.set("detector.model.stack.size.1", "12000")
            .set("detector.model.head.size.0", "12000");
        check_refused<forecast_detector>(forecast, too_large);
        // A limit of the application's own lets it pass: nothing has been allocated yet.
        forecast.set("detector.model.stack.size.1", "2000")
            .set("detector.model.head.size.0", "2000");
        check_refused<forecast_detector>(forecast, "'detector.model' needs ");
        const auto allowed =
            load_bounded<forecast_detector>(forecast, {.memory_factor = 10'000'000});
        CHECK(allowed.has_value());
        // A model of ordinary size that nobody has trained is no attack.
        forecast.set("detector.model.stack.size.1", "512").set("detector.model.head.size.0", "512");
        const auto usual = load_bounded<forecast_detector>(forecast);
        CHECK(usual.has_value());
    }

    TEST_CASE("hostile files: a chart of many elements in 300 bytes") {
        // Took 8 GB for four matrices of 16 384 rows before it was refused.
        tocsin::archive_writer writer;
        tocsin::mahalanobis<> statistic(1);
        statistic.accumulate(std::vector<double>{1, -1, 2});
        REQUIRE(statistic.fit().ok());
        const tocsin::mewma small(statistic);
        writer.object("chart", small);
        auto file = edited_file(writer.encode().value());
        file.set("chart.dimension", "16384");
        const std::string content = file.bytes();
        auto reader = tocsin::archive_reader::from_bytes(std::as_bytes(std::span(content)));
        REQUIRE(reader.has_value());
        tocsin::mewma loaded;
        reader->object("chart", loaded);
        CHECK(std::string(reader->outcome().message()).find("'chart.statistic' needs ") !=
              std::string::npos);
        CHECK(loaded.dimension() == 0);
    }

    TEST_CASE("hostile files: forecasts of many steps ahead, which a stream keeps") {
        // 3.8 kB that took 23 GB: 20 000 forecasts of 40 000 values each.
        auto file = edited_file(file_of(new_forecast_detector()));
        file.set("detector.model.head.size.1", "40000");
        check_refused<forecast_detector>(file, sizeof(void*) > 4 ? "'detector.stream' needs "
                                                                 : too_large);
    }

    TEST_CASE("hostile files: windows longer than the statistics in the file") {
        // 9 kB that took 12 GB before they were refused.
        for (const char* window : {"20000", "1048576"}) {
            auto file = edited_file(file_of(tuned_window_detector()));
            file.set("detector.settings.window", window);
            check_refused<window_detector>(file, " needs ");
            auto untrained = edited_file(file_of(new_window_detector()));
            untrained.set("detector.settings.window", window);
            const auto loaded = load_bounded<window_detector>(untrained);
            if (loaded) { // a stream of it is as small as that
                CHECK(loaded->stream_size() <= std::size_t{16} << 20);
            }
        }
        auto file = edited_file(file_of(tuned_window_detector()));
        file.set("detector.settings.window", "5"); // small enough, but not what the file holds
        check_refused<window_detector>(file, "expected");
    }

    TEST_CASE("hostile files: counts and thresholds that no fit gives, without a checksum") {
        const std::string tuned = file_of(tuned_window_detector());
        const std::string rule = "detector.thresholds.per_step.rule.";
        for (const char* name : {"count", "ignored", "rejected", "next_learnt"}) {
            auto file = edited_file(tuned);
            file.set(rule + name, "9223372036854775807");
            check_refused<window_detector>(file, "9223372036854775807");
        }
        auto negative = edited_file(tuned);
        negative.fill(rule + "threshold", -1.0);
        check_refused<window_detector>(negative, "-1");
        auto unsealed = edited_file(tuned);
        unsealed.erase("crc32").fill("detector.scaler.scale", 1.5F);
        check_refused<window_detector>(unsealed, "no checksum");
        auto without = edited_file(tuned);
        without.erase("crc32").erase("sha256");
        check_refused<window_detector>(without, "no checksum");
    }

    TEST_CASE("hostile files: weights of 3e38 load, and every verdict can be used") {
        auto file = edited_file(file_of(tuned_forecast_detector()));
        file.fill("detector.parameters.stack.lstm.0", 3e38F)
            .fill("detector.parameters.head.dense.0", 3e38F);
        const auto detector = load_bounded<forecast_detector>(file);
        REQUIRE(detector.has_value());
        auto stream = detector->make_stream();
        const auto values = tocsin_test::slow_waves<float>(50);
        for (tocsin::index_t t = 0; t < values.cols(); ++t) {
            const auto verdict = detector->push(stream, values.col(t));
            CHECK_FALSE(std::isnan(verdict.score));
            CHECK_FALSE(std::isinf(verdict.score));
        }
    }

    TEST_CASE("hostile files: a checkpoint of ten million epochs in three kilobytes") {
        const temporary_directory directory;
        const auto path = directory / "checkpoint";
        const auto model = tocsin_test::small_lstm<float>(2, 3);
        auto state = tocsin::training_state<float>::fresh(model, tocsin::adam{}, 1);
        state.history.resize(2);
        REQUIRE(tocsin::save_checkpoint(state, path).ok());
        auto file = edited_file(bytes_of(path));
        file.set("training.epochs", "10000000");
        write_bytes(path, file.bytes());
        auto fresh = tocsin::training_state<float>::fresh(model, tocsin::adam{}, 1);
        tocsin_test::set_allocation_faults({});
        const auto loaded = tocsin::load_checkpoint(path, std::move(fresh));
        if (tocsin_test::allocations_can_fail()) {
            CHECK(tocsin_test::peak_bytes() < 200000);
        }
        REQUIRE_FALSE(loaded.has_value());
        CHECK(says(loaded.error(), "10000000, but the history holds 2"));
    }

    TEST_CASE("hostile files: whichever allocation fails, loading says so") {
        const temporary_directory directory;
        const auto path = directory / "file";
        {
            const auto& detector = tuned_window_detector();
            REQUIRE(tocsin::save_detector(detector, path).ok());
            const auto load = [&] { return code_of(tocsin::load_detector<window_detector>(path)); };
            check_every_failure(load);
            check_every_limit(load);
            auto stream = detector.make_stream();
            const double never = std::numeric_limits<double>::infinity();
            REQUIRE(detector.enable_learning(stream, {.half_life = never, .rule = true}).ok());
            const auto bytes = *tocsin::save_stream(detector, stream);
            check_every_failure([&] { return code_of(tocsin::load_stream(detector, bytes)); });
            check_every_failure([&] { return code_of(tocsin::save_stream(detector, stream)); });
        }
        {
            const auto& detector = tuned_forecast_detector();
            REQUIRE(tocsin::save_detector(detector, path).ok());
            const auto load = [&] {
                return code_of(tocsin::load_detector<forecast_detector>(path));
            };
            check_every_failure(load);
            check_every_limit(load);
            auto stream = detector.make_stream();
            REQUIRE(detector
                        .enable_learning(
                            stream, {.half_life = 100, .model = tocsin::online_training_settings{}})
                        .ok());
            const auto bytes = *tocsin::save_stream(detector, stream);
            check_every_failure([&] { return code_of(tocsin::load_stream(detector, bytes)); });
        }
        {
            const auto model = tocsin_test::small_lstm<float>(2, 3);
            auto state = tocsin::training_state<float>::fresh(model, tocsin::adam{}, 1);
            state.history.resize(3);
            REQUIRE(tocsin::save_checkpoint(state, path).ok());
            check_every_failure(
                [&](tocsin::training_state<float> fresh) {
                    return code_of(tocsin::load_checkpoint(path, std::move(fresh)));
                },
                [&] { return tocsin::training_state<float>::fresh(model, tocsin::adam{}, 2); });
            check_every_failure([&] { return code_of(tocsin::safetensors_reader::open(path)); });
            check_every_failure([&] { return code_of(tocsin::archive_reader::open(path)); });
        }
    }
}
