#include "tocsin/detect/detector.hpp"
#include "tocsin/io/checksum.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/forecaster.hpp"

#include <doctest/doctest.h>

#include "stream_checks.hpp"
#include "stream_detectors.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using tocsin::error_code;
using tocsin::learning_settings;
using tocsin::load_stream;
using tocsin::saved_position;
using tocsin_test::check_continues;
using tocsin_test::eventful_stream;
using tocsin_test::new_window_detector;
using tocsin_test::on_line_training;
using tocsin_test::push_and_learn;
using tocsin_test::saved_bytes;
using tocsin_test::temporary_directory;
using tocsin_test::two_of_three;
using tocsin_test::watching;
using tocsin_test::waves;
using tocsin_test::windows_over;
using tocsin_test::with_twin;

namespace {

using forecasting = watching<tocsin::forecaster<float>, tocsin::mahalanobis<>>;

forecasting new_forecaster(std::initializer_list<int> hidden = {4}, int look_ahead = 1) {
    return forecasting(tocsin::forecaster<float>::with_layers(2, 2, hidden, look_ahead),
                       {.lost_after = 20, .clock_agreement = 2}, {},
                       tocsin::quantile_threshold(0.98), two_of_three());
}
forecasting ready_forecaster(std::uint64_t seed = 1) {
    return with_twin(new_forecaster(), 60, tocsin_test::quick_trainer(3, seed)).first;
}

/// A stream with everything in it, in the middle.
forecasting::stream_type busy_stream(const forecasting& detector) {
    auto stream = detector.make_stream();
    REQUIRE(
        detector
            .enable_learning(stream, {.half_life = 200, .rule = true, .model = on_line_training})
            .ok());
    eventful_stream source(2);
    for (int k = 0; k < 500; ++k) {
        const auto sample = source.next();
        push_and_learn(detector, stream, sample, source.time());
    }
    return stream;
}

/// Refused with a message.
template <class Loaded>
bool is_refused(const tocsin::result<Loaded>& loaded) {
    return !loaded.has_value() && loaded.error().code() == error_code::format_error &&
           std::string_view(loaded.error().message()).starts_with("stream: ");
}

/// Puts the checksum at the end that belongs to the bytes before.
void mend_checksum(std::vector<std::byte>& bytes) {
    const auto content = std::span<const std::byte>(bytes).first(bytes.size() - 4);
    const std::uint32_t checksum = tocsin::crc32(content);
    for (std::size_t k = 0; k < 4; ++k) {
        bytes[content.size() + k] = static_cast<std::byte>(checksum >> (8 * k));
    }
}

/// What a stream says of the next samples, three numbers for each.
template <class Detector>
std::vector<double> next_verdicts(const Detector& detector, typename Detector::stream_type& stream,
                                  int before, int after) {
    eventful_stream source(2);
    std::vector<double> said;
    for (int k = 0; k < before + after; ++k) {
        const auto sample = source.next();
        if (k >= before) {
            const auto verdict = push_and_learn(detector, stream, sample, source.time());
            said.insert(said.end(),
                        {verdict.score, verdict.threshold,
                         static_cast<double>(verdict.kind) + (verdict.alarm ? 100 : 0)});
        }
    }
    return said;
}

/// The bytes of an object as they lie in memory.
template <class Range>
void write_bytes(const std::filesystem::path& path, const Range& values) {
    const auto bytes = std::as_bytes(std::span(values));
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}
std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Saves a detector and a stream, and compares what another process makes of the two files with
/// what happens here.
template <class Detector>
void check_other_process(const Detector& detector, const learning_settings& learning) {
    const temporary_directory directory;
    const auto detector_path = directory / "detector.tocsin";
    const auto stream_path = directory / "stream";
    const auto answer_path = directory / "answer";
    constexpr int before = 900;
    constexpr int after = tocsin_test::compared;
    auto stream = detector.make_stream();
    REQUIRE(detector.enable_learning(stream, learning).ok());
    eventful_stream source(2);
    for (int k = 0; k < before; ++k) {
        const auto sample = source.next();
        push_and_learn(detector, stream, sample, source.time());
    }
    REQUIRE(tocsin::save_detector(detector, detector_path).ok());
    write_bytes(stream_path, saved_bytes(detector, stream));
    const auto expected = next_verdicts(detector, stream, before, after);

    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) { // sees the two files alone, and says what comes of them in another
        const auto loaded = tocsin::load_detector<Detector>(detector_path);
        if (!loaded) {
            ::_exit(2);
        }
        const std::string content = content_of(stream_path);
        auto continued = load_stream(*loaded, std::as_bytes(std::span(content)));
        if (!continued) {
            ::_exit(3);
        }
        write_bytes(answer_path, next_verdicts(*loaded, *continued, before, after));
        ::_exit(0);
    }
    int outcome = 0;
    REQUIRE(::waitpid(child, &outcome, 0) == child);
    REQUIRE(WIFEXITED(outcome));
    REQUIRE(WEXITSTATUS(outcome) == 0);
    const std::string answer = content_of(answer_path);
    std::vector<double> found(expected.size());
    REQUIRE(answer.size() == found.size() * sizeof(double));
    std::memcpy(found.data(), answer.data(), answer.size());
    CHECK(tocsin_test::same_bits(found, expected));
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("stream file: forecasters of any depth and reach continue with the same bits") {
        for (const int look_ahead : {1, 3}) {
            for (const bool deep : {false, true}) {
                CAPTURE(look_ahead);
                CAPTURE(deep);
                const auto [detector, twin] = with_twin(deep ? new_forecaster({5, 4}, look_ahead)
                                                             : new_forecaster({4}, look_ahead),
                                                        60);
                check_continues(detector, twin, std::nullopt, tocsin_test::compared);
                check_continues(
                    detector, twin,
                    learning_settings{.half_life = 2000, .rule = true, .model = on_line_training},
                    tocsin_test::compared);
            }
        }
    }

    TEST_CASE("stream file: a stream before its first sample is one, too") {
        const auto [detector, twin] = with_twin(new_forecaster(), 60);
        const auto found = tocsin_test::continue_from_bytes(detector, twin, std::nullopt, 0, 1000);
        CHECK(found.different == 0);
        CHECK(found.scored > 500);
    }

    TEST_CASE("stream file: another process continues with the same bits") {
        const learning_settings learning{
            .half_life = 2000, .rule = true, .model = on_line_training};
        check_other_process(ready_forecaster(), learning);
        check_other_process(
            tocsin_test::learned(new_window_detector(tocsin_test::small_lstm<float>(2, 4)), 8,
                                 tocsin_test::quick_trainer()),
            learning);
    }

    TEST_CASE("stream file: bytes that are cut off, longer or none are refused") {
        const auto detector = ready_forecaster();
        const auto bytes = saved_bytes(detector, busy_stream(detector));
        REQUIRE(load_stream(detector, bytes).has_value());
        int accepted = 0;
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto cut = std::span(bytes).first(size);
            accepted += is_refused(load_stream(detector, cut)) ? 0 : 1;
            accepted += is_refused(saved_position(cut)) ? 0 : 1;
        }
        CHECK(accepted == 0);
        auto longer = bytes;
        longer.push_back(std::byte{0});
        CHECK(is_refused(load_stream(detector, longer)));
        mend_checksum(longer); // moved by one byte, it is right again: a byte is left over
        CHECK(is_refused(load_stream(detector, longer)));
        CHECK(is_refused(load_stream(detector, {})));
        CHECK(is_refused(load_stream(detector, std::vector<std::byte>(5000))));
    }

    TEST_CASE("stream file: with any byte changed the bytes are refused") {
        const auto detector = ready_forecaster();
        const auto bytes = saved_bytes(detector, busy_stream(detector));
        int accepted = 0;
        auto changed = bytes;
        for (std::size_t position = 0; position < bytes.size(); ++position) {
            for (int bit = 0; bit < 8; ++bit) {
                changed[position] = bytes[position] ^ static_cast<std::byte>(1 << bit);
                accepted += is_refused(load_stream(detector, changed)) ? 0 : 1;
            }
            changed[position] = ~bytes[position];
            accepted += is_refused(load_stream(detector, changed)) ? 0 : 1;
            changed[position] = bytes[position];
        }
        CHECK(accepted == 0);
        CHECK(load_stream(detector, changed).has_value());
    }

    TEST_CASE("stream file: a forged checksum loads or is refused, and pushes continue") {
        const auto detector = ready_forecaster();
        const auto bytes = saved_bytes(detector, busy_stream(detector));
        auto stream = detector.make_stream();
        const auto small_bytes = saved_bytes(detector, stream);
        for (const auto& whole : {bytes, small_bytes}) {
            for (std::size_t position = 0; position + 4 < whole.size(); ++position) {
                for (const int mask : {0x01, 0x80, 0xFF}) {
                    auto changed = whole;
                    changed[position] ^= static_cast<std::byte>(mask);
                    mend_checksum(changed);
                    auto loaded = load_stream(detector, changed);
                    if (loaded) {
                        eventful_stream source(2);
                        for (int k = 0; k < 3; ++k) {
                            push_and_learn(detector, *loaded, source.next(), source.time());
                        }
                        CHECK(saved_position(changed).has_value());
                    } else {
                        CHECK_FALSE(std::string_view(loaded.error().message()).empty());
                    }
                }
            }
        }
    }

    TEST_CASE("stream file: a stream of another detector is refused") {
        auto detector = ready_forecaster();
        const auto bytes = saved_bytes(detector, busy_stream(detector));
        const auto refused = [&](const forecasting& other) {
            const auto loaded = load_stream(other, bytes);
            return is_refused(loaded) &&
                   tocsin_test::says(loaded.error(), "belongs to another detector");
        };
        CHECK_FALSE(refused(detector));
        CHECK(refused(ready_forecaster(2))); // the same shape, other weights
        CHECK(refused(new_forecaster()));
        CHECK(refused(new_forecaster({5})));
        auto tuned_anew = detector;
        tuned_anew.override_thresholds(1e9);
        CHECK(refused(tuned_anew));
        auto fitted_anew = detector;
        const auto values = waves<float>(2, 300, 9);
        REQUIRE(fitted_anew.fit_errors(windows_over(values, 100, 100)).ok());
        CHECK(refused(fitted_anew));
        auto copy = detector;
        CHECK_FALSE(refused(copy));
        // Neither can it be saved as a stream of another one.
        const auto saved = save_stream(ready_forecaster(2), busy_stream(detector));
        CHECK(saved.error().code() == tocsin::error_code::invalid_argument);
        CHECK(tocsin_test::says(saved.error(), "another detector made it"));
        // A stream of one detector cannot be loaded as one of another kind.
        const auto [windows, twin] =
            with_twin(new_window_detector(tocsin_test::small_lstm<float>(2, 4)), 8);
        CHECK(is_refused(load_stream(windows, bytes)));
    }

    TEST_CASE("stream file: the position is read without a detector") {
        const auto detector = ready_forecaster();
        auto stream = detector.make_stream();
        CHECK(saved_position(saved_bytes(detector, stream)).value() == 0);
        for (int k = 1; k <= 300; ++k) {
            // Also samples that have no verdict count.
            detector.push(stream, k % 3 == 0 ? std::vector<float>{1} : std::vector<float>{1, 2});
            if (k % 100 == 0) {
                CHECK(stream.position() == k);
                CHECK(saved_position(saved_bytes(detector, stream)).value() == k);
            }
        }
        const auto none = saved_position({});
        REQUIRE_FALSE(none.has_value());
        CHECK(std::string_view(none.error().message()) == "stream: 0 bytes are too few");
    }

    TEST_CASE("stream file: a stream of a newer version is refused with its version") {
        const auto detector = ready_forecaster();
        const auto stream = detector.make_stream();
        const auto refusal = [&](std::size_t position, char character) {
            auto bytes = saved_bytes(detector, stream);
            bytes[position] = static_cast<std::byte>(character);
            CHECK(is_refused(load_stream(detector, bytes))); // whatever its checksum
            mend_checksum(bytes);
            CHECK(is_refused(load_stream(detector, bytes)));
            const auto read = saved_position(bytes);
            REQUIRE_FALSE(read.has_value());
            CHECK(read.error().code() == error_code::format_error);
            return std::string{read.error().message()};
        };
        constexpr std::size_t version_at = 7;
        CHECK(refusal(version_at, '4') == "stream: version 4, this program reads versions 1 to 3");
        CHECK(refusal(version_at, '9') == "stream: version 9, this program reads versions 1 to 3");
        for (const char character : {'0', ':', 'x', '\0', '\xFF'}) {
            CHECK(refusal(version_at, character) == "stream: these bytes are no stream");
        }
        CHECK(refusal(0, 'X') == "stream: these bytes are no stream");
        CHECK(refusal(version_at - 1, 'X') == "stream: these bytes are no stream");
    }

    TEST_CASE("stream file: the layout is what the docs say") {
        const auto detector = ready_forecaster();
        auto stream = detector.make_stream();
        for (int k = 0; k < 258; ++k) {
            detector.push(stream, {1.0F, 2.0F});
        }
        const auto bytes = saved_bytes(detector, stream);
        std::string magic;
        std::uint64_t identity = 0;
        std::uint64_t position = 0;
        for (std::size_t k = 0; k < 8; ++k) {
            magic += static_cast<char>(bytes[k]);
            identity |= std::to_integer<std::uint64_t>(bytes[8 + k]) << (8 * k);
            position |= std::to_integer<std::uint64_t>(bytes[16 + k]) << (8 * k);
        }
        CHECK(magic == "TOCSTRM3");
        CHECK(identity == detector.identity());
        CHECK(position == 258);
        CHECK(bytes.size() < 1024); // small
    }
}
