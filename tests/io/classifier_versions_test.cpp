#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/io/archive.hpp"
#include "tocsin/io/checksum.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/file_seal.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/classifiers.hpp"

#include <doctest/doctest.h>

#include "stream_checks.hpp"
#include "support/fixture_directory.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

// Files of classifiers of older versions are read; a file of each version is kept in
// tests/fixtures/files. With TOCSIN_WRITE_FILES=<folder> in the environment, the first test writes
// today's version there.

using tocsin_test::eventful_stream;
using tocsin_test::temporary_directory;

namespace {

auto small_network() {
    return tocsin::fully_convolutional_classifier<float>(
        3, 1, {.filters = {4, 5, 4}, .kernels = {4, 3, 3}});
}
using kept = tocsin::classifier_detector<decltype(small_network())>;

constexpr int saved_at = 125;
constexpr int scores_kept = 60;

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Scores of the samples after the one at which the stream was saved.
std::vector<double> next_scores(const kept& detector, kept::stream_type& stream) {
    eventful_stream source(3);
    std::vector<double> scores;
    for (int k = 0; k < saved_at + scores_kept; ++k) {
        const auto sample = source.next();
        if (k >= saved_at) {
            scores.push_back(detector.push(stream, sample).score);
        }
    }
    return scores;
}

kept loaded(const char* name) {
    auto detector = tocsin::load_detector<kept>(tocsin_test::fixture_directory() / "files" / name);
    REQUIRE_MESSAGE(detector.has_value(), detector.error().message());
    return *std::move(detector);
}

/// Writes the classifier of the first version with what it expects of false alarms, and a stream of it,
/// as today. The scores that belong to them are in classifier_scores.txt.
void write_files(const std::filesystem::path& folder) {
    kept detector = loaded("classifier_v1.safetensors");
    auto stream = detector.make_stream();
    eventful_stream live(3);
    for (int k = 0; k < saved_at; ++k) {
        detector.push(stream, live.next());
    }
    const auto bytes = tocsin_test::saved_bytes(detector, stream);
    std::ofstream(folder / "classifier_stream_v3.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    const auto normal = tocsin_test::slow_waves(300);
    const std::vector<std::uint8_t> labels(300, 0);
    REQUIRE(detector.fit_false_alarms({normal.data(), 3, 300}, labels).ok());
    REQUIRE(tocsin::save_detector(detector, folder / "classifier_v3.safetensors").ok());
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("classifier versions: files of today's version can be written for keeping") {
        const temporary_directory directory;
        const char* const folder = std::getenv("TOCSIN_WRITE_FILES");
        const std::filesystem::path target = folder == nullptr ? directory / "" : folder;
        write_files(target);
        CHECK(std::filesystem::file_size(target / "classifier_v3.safetensors") < 10'000);
        CHECK(std::filesystem::file_size(target / "classifier_stream_v3.bin") < 1'000);
    }

    TEST_CASE("classifier versions: a classifier and a stream that were kept give their scores") {
        const std::filesystem::path folder = tocsin_test::fixture_directory() / "files";
        const auto check = [&](const char* classifier, const char* stream_name, bool has_clock) {
            CAPTURE(classifier);
            CAPTURE(stream_name);
            const kept detector = loaded(classifier);
            CHECK(detector.trained());
            CHECK(detector.threshold() == 0.375);
            CHECK(detector.settings().window == 12);
            CHECK(detector.settings().longest_gap == tocsin::detector_settings{}.longest_gap);
            const std::string bytes = content_of(folder / stream_name);
            auto stream = tocsin::load_stream(detector, std::as_bytes(std::span(bytes)));
            REQUIRE_MESSAGE(stream.has_value(), stream.error().message());
            CHECK(stream->position() == saved_at);
            CHECK(std::isnan(stream->time()));
            const auto saved = tocsin_test::saved_bytes(detector, *stream);
            CHECK((saved.size() == bytes.size()) == has_clock);
            // As today, it gives the same scores.
            auto today = tocsin::load_stream(detector, saved);
            REQUIRE_MESSAGE(today.has_value(), today.error().message());
            std::ifstream file(folder / "classifier_scores.txt");
            const auto scores = next_scores(detector, *stream);
            CHECK(scores == next_scores(detector, *today));
            for (const double score : scores) {
                double expected = 0;
                file >> expected;
                REQUIRE(file.good());
                CHECK(score == doctest::Approx(expected).epsilon(1e-3));
            }
            CHECK(scores.size() == scores_kept);
        };
        check("classifier_v1.safetensors", "classifier_stream_v2.bin", false);
        check("classifier_v1.safetensors", "classifier_stream_v3.bin", true);
        check("classifier_v2.safetensors", "classifier_stream_v2.bin", false);
        check("classifier_v2.safetensors", "classifier_stream_v3.bin", true);
    }

    TEST_CASE("classifier versions: what one expects of false alarms is kept since version 3") {
        CHECK(!loaded("classifier_v1.safetensors").knows_false_alarms());
        CHECK(!loaded("classifier_v2.safetensors").knows_false_alarms());
        const kept detector = loaded("classifier_v3.safetensors");
        REQUIRE(detector.knows_false_alarms());
        CHECK(detector.false_alarms().threshold() == doctest::Approx(-8.97997).epsilon(1e-3));
        const temporary_directory directory;
        REQUIRE(tocsin::save_detector(detector, directory / "again").ok());
        const auto again = tocsin::load_detector<kept>(directory / "again");
        REQUIRE_MESSAGE(again.has_value(), again.error().message());
        CHECK(again->identity() == detector.identity());
        auto stream = detector.make_stream();
        auto twin = again->make_stream();
        eventful_stream source(3);
        for (int k = 0; k < 200; ++k) {
            const auto sample = source.next();
            CHECK(
                tocsin_test::equal_bits(detector.push(stream, sample), again->push(twin, sample)));
        }
    }

    TEST_CASE("classifier versions: an old stream that cannot have been is refused") {
        const std::filesystem::path folder = tocsin_test::fixture_directory() / "files";
        const kept detector = loaded("classifier_v1.safetensors");
        const std::string content = content_of(folder / "classifier_stream_v2.bin");
        const auto bytes = std::as_bytes(std::span(content));
        constexpr std::size_t next_at = 32; // after magic, identity, and the position twice
        constexpr std::size_t count_at = 40;
        const auto loads = [&](std::size_t at, unsigned value) {
            std::vector<std::byte> changed(bytes.begin(), bytes.end() - 4);
            changed[at] = static_cast<std::byte>(value);
            const std::uint32_t sum = tocsin::crc32(changed);
            for (unsigned k = 0; k < 4; ++k) {
                changed.push_back(static_cast<std::byte>(sum >> (8 * k)));
            }
            return tocsin::load_stream(detector, changed).has_value();
        };
        CHECK(loads(next_at, 3));
        CHECK(!loads(next_at, 12));
        CHECK(!loads(count_at, 13));
        CHECK(!loads(count_at, 4)); // the ring is not full, so the next sample would be number 4
    }

    TEST_CASE("classifier versions: every layer of a newer version is refused by its name") {
        const auto network = small_network();
        tocsin::archive_writer writer;
        writer.object("network", network);
        const auto content = writer.encode();
        REQUIRE_MESSAGE(content.has_value(), content.error().message());
        const auto load = [](const std::string& bytes) {
            auto reader = tocsin::archive_reader::from_bytes(std::as_bytes(std::span(bytes)));
            REQUIRE_MESSAGE(reader.has_value(), reader.error().message());
            auto loaded = small_network();
            reader->object("network", loaded);
            return std::string{reader->outcome().message()};
        };
        CHECK(load(*content).empty());
        const auto archive =
            tocsin::archive_reader::from_bytes(std::as_bytes(std::span(*content))).value();
        int versions = 0;
        for (const auto& [kind_name, kind] : archive.metadata()) {
            if (!kind_name.ends_with(".kind")) {
                continue;
            }
            CAPTURE(kind);
            const std::string name = kind_name.substr(0, kind_name.size() - 4) + "version";
            const std::string entry = '"' + name + "\":\"1\"";
            const auto at = content->find(entry);
            REQUIRE(at != std::string::npos);
            std::string newer = *content;
            newer[at + entry.size() - 2] = '2';
            std::uint64_t header = 0;
            std::memcpy(&header, newer.data(), sizeof header);
            REQUIRE(tocsin::detail::seal(newer, header + 8));
            CHECK(load(newer) ==
                  '\'' + name + "' is 2, written by a newer tocsin; this one reads up to 1");
            ++versions;
        }
        CHECK(versions == 1 + network.layers());
    }

    TEST_CASE("classifier versions: settings of streams and alarm control are kept") {
        using tocsin_test::says;
        const temporary_directory directory;
        using chain = tocsin::alarm_chain<tocsin::m_of_n, tocsin::suppression>;
        using alarming = tocsin::classifier_detector<decltype(small_network()),
                                                     tocsin::robust_scaler<float>, chain>;
        const alarming detector(small_network(),
                                {.window = 9,
                                 .missing = tocsin::missing_value::mean,
                                 .longest_gap = 3,
                                 .lost_after = 7,
                                 .longest_pause = 60,
                                 .clock_agreement = 2},
                                {}, chain{tocsin::m_of_n(2, 3), tocsin::suppression(5)});
        const auto path = directory / "settings";
        REQUIRE(tocsin::save_detector(detector, path).ok());
        const auto loaded = tocsin::load_detector<alarming>(
            path,
            alarming(small_network(), {}, {}, chain{tocsin::m_of_n(1, 1), tocsin::suppression(0)}));
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        CHECK(loaded->settings().window == 9);
        CHECK(loaded->settings().missing == tocsin::missing_value::mean);
        CHECK(loaded->settings().longest_gap == 3);
        CHECK(loaded->settings().lost_after == 7);
        CHECK(loaded->settings().longest_pause == 60);
        CHECK(loaded->settings().clock_agreement == 2);
        CHECK(loaded->identity() == detector.identity());
        CHECK(says(tocsin::load_detector<kept>(path).error(), "alarm"));
        // Each of them tells detectors, and their streams, apart.
        const auto identity = [](tocsin::classifier_detector_settings settings) {
            return kept(small_network(), settings).identity();
        };
        CHECK(identity({.longest_gap = 3}) != identity({}));
        CHECK(identity({.longest_pause = 3}) != identity({}));
        CHECK(identity({.missing = tocsin::missing_value::mean}) != identity({}));
    }
}
