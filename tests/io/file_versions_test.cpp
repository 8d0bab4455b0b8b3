#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/file_seal.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/forecaster.hpp"

#include <doctest/doctest.h>

#include "stream_checks.hpp"
#include "support/fixture_directory.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Files of older versions are read, files of newer ones are refused by name. A file of each version
// is kept in tests/fixtures/files. With TOCSIN_WRITE_FILES=<folder> in the environment, the first
// test writes today's versions there: a detector, and a stream of the detector that is kept.

using tocsin_test::eventful_stream;
using tocsin_test::says;
using tocsin_test::temporary_directory;
using tocsin_test::waves;
using tocsin_test::windows_over;

namespace {

using alarm = tocsin::alarm_chain<tocsin::m_of_n, tocsin::suppression>;
using kept = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                              tocsin::mahalanobis<>, tocsin::quantile_threshold, alarm>;

constexpr int saved_at = 400;
constexpr int scores_kept = 60;

/// A rule with a margin, which files of version 1 do not have.
template <int Version>
struct rule_with_history {
    static constexpr const char* kind = "rule_with_history";
    static constexpr int version = Version;

    double largest = 0;
    double margin = 2; ///< what version 1 meant

    tocsin::status fit(std::span<const double> scores, std::span<const std::uint8_t>) {
        largest = scores.empty() ? 0 : *std::max_element(scores.begin(), scores.end());
        return {};
    }
    double threshold() const noexcept { return margin * largest; }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("largest", largest);
        if (archive.version() >= 2) {
            archive.number("margin", margin);
        }
    }
};
template <int Version>
using with_history = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                      tocsin::mahalanobis<>, rule_with_history<Version>>;

/// Remembers the version that it was asked for.
struct version_seen {
    int seen = 0;
    template <class Archive>
    void exchange(Archive& archive) {
        seen = archive.version();
    }
};
struct nested_versions {
    static constexpr int version = 5;
    version_seen before;
    rule_with_history<2> rule;
    version_seen after;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.object("before", before);
        archive.object("rule", rule);
        archive.object("after", after);
    }
};

template <class Detector>
void run_phases(Detector& detector) {
    const auto values = waves<float>(2, 400, 1);
    const auto windows = windows_over(values, 50, 25);
    REQUIRE(detector.train(windows, {}, tocsin_test::quick_trainer(3)).ok());
    REQUIRE(detector.fit_errors(windows).ok());
    REQUIRE(detector.tune(windows).ok());
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Scores of the samples after the one at which the stream was saved.
std::vector<double> next_scores(const kept& detector, kept::stream_type& stream) {
    eventful_stream source(2);
    std::vector<double> scores;
    for (int k = 0; k < saved_at + scores_kept; ++k) {
        const auto sample = source.next();
        if (k >= saved_at) {
            const auto said = tocsin_test::push_and_learn(detector, stream, sample, source.time());
            scores.push_back(said.score);
        }
    }
    return scores;
}

void write_detector(const std::filesystem::path& path) {
    kept detector(tocsin::forecaster<float>::with_layers(2, 2, {4}), {.lost_after = 20}, {},
                  tocsin::quantile_threshold(0.98),
                  alarm{tocsin::m_of_n(2, 3), tocsin::suppression(5)});
    run_phases(detector);
    REQUIRE(tocsin::save_detector(detector, path).ok());
}

kept kept_detector() {
    auto detector = tocsin::load_detector<kept>(tocsin_test::fixture_directory() /
                                                "files/detector_v2.safetensors");
    REQUIRE_MESSAGE(detector.has_value(), detector.error().message());
    return *std::move(detector);
}

/// The scores that belong to it are in scores_v2.txt.
void write_stream(const std::filesystem::path& path) {
    const kept detector = kept_detector();
    auto stream = detector.make_stream();
    REQUIRE(detector.enable_learning(stream, {.half_life = 500}).ok());
    eventful_stream source(2);
    for (int k = 0; k < saved_at; ++k) {
        const auto sample = source.next();
        tocsin_test::push_and_learn(detector, stream, sample, source.time());
    }
    const auto bytes = tocsin_test::saved_bytes(detector, stream);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("file versions: files of today's version can be written for keeping") {
        const temporary_directory directory;
        const char* const folder = std::getenv("TOCSIN_WRITE_FILES");
        const std::filesystem::path target = folder == nullptr ? directory / "" : folder;
        write_detector(target / "detector_v2.safetensors");
        write_stream(target / "stream_v3.bin");
        CHECK(std::filesystem::file_size(target / "detector_v2.safetensors") < 20'000);
        CHECK(std::filesystem::file_size(target / "stream_v3.bin") < 2'000);
    }

    TEST_CASE("file versions: a detector and a stream that were kept give their scores") {
        const std::filesystem::path folder = tocsin_test::fixture_directory() / "files";
        const kept detector = kept_detector();
        CHECK(detector.phase() == tocsin::detector_phase::tuned);
        CHECK(detector.settings().lost_after == 20);
        CHECK(detector.rule().quantile() == 0.98);
        for (const std::string_view name : {"stream_v1.bin", "stream_v2.bin", "stream_v3.bin"}) {
            CAPTURE(std::string(name));
            const bool counted = name != "stream_v1.bin";
            const std::string bytes = content_of(folder / name);
            auto stream = tocsin::load_stream(detector, std::as_bytes(std::span(bytes)));
            REQUIRE_MESSAGE(stream.has_value(), stream.error().message());
            CHECK(stream->position() == saved_at);
            CHECK(stream->learns());
            CHECK(stream->learning().scored == (name == "stream_v3.bin" ? 393 : 0));
            const auto today = tocsin::save_stream(detector, *stream);
            REQUIRE(today.has_value());
            CHECK(today->size() == bytes.size() + (counted ? 0 : 5 * 8)); // what it counts now
            stream = tocsin::load_stream(detector, *today);
            REQUIRE_MESSAGE(stream.has_value(), stream.error().message());
            std::ifstream file(folder / "scores_v2.txt");
            int compared = 0;
            int scored = 0;
            double expected = 0;
            for (const double score : next_scores(detector, *stream)) {
                file >> expected;
                REQUIRE(file.good());
                CHECK(score == doctest::Approx(expected).epsilon(1e-3));
                ++compared;
                scored += score > 0 ? 1 : 0;
            }
            CHECK(compared == scores_kept);
            CHECK(scored > scores_kept / 2);
        }
    }

    TEST_CASE("file versions: every object of a newer version is refused by its name") {
        const temporary_directory directory;
        const auto path = directory / "newer.tocsin";
        // With the checksums of the changed content, which otherwise are what is refused.
        const auto write_sealed = [&](std::string changed) {
            std::uint64_t header = 0;
            std::memcpy(&header, changed.data(), sizeof header);
            REQUIRE(tocsin::detail::seal(changed, header + 8));
            std::ofstream(path, std::ios::binary) << changed;
        };
        std::string content =
            content_of(tocsin_test::fixture_directory() / "files/detector_v2.safetensors");
        REQUIRE(content.size() > 1000);
        const auto archive = tocsin::archive_reader::from_bytes(std::as_bytes(std::span(content)));
        REQUIRE(archive.has_value());
        std::vector<std::string> versioned;
        for (const auto& [name, value] : archive->metadata()) {
            if (name.ends_with(".version")) {
                versioned.push_back(name);
                const std::string old_entry = '"' + name + "\":\"1\"";
                const auto at = content.find(old_entry);
                REQUIRE(at != std::string::npos);
                std::string newer = content;
                newer[at + old_entry.size() - 2] = '2';
                write_sealed(newer);
                const auto loaded = tocsin::load_detector<kept>(path);
                REQUIRE_FALSE(loaded.has_value());
                CHECK(loaded.error().code() == tocsin::error_code::format_error);
                CAPTURE(loaded.error().message());
                CHECK(says(loaded.error(), '\'' + name +
                                               "' is 2, written by a newer tocsin; this "
                                               "one reads up to 1"));
                CHECK(says(loaded.error(), "newer.tocsin"));
                newer[at + old_entry.size() - 2] = '0';
                write_sealed(newer);
                CHECK_FALSE(tocsin::load_detector<kept>(path).has_value());
            }
        }
        // Everything that has a kind has a version.
        for (const char* name :
             {"detector.version", "detector.settings.version", "detector.model.version",
              "detector.scaler.version", "detector.errors.per_step.version",
              "detector.thresholds.per_step.rule.version", "detector.alarm.version"}) {
            CAPTURE(name);
            CHECK(std::find(versioned.begin(), versioned.end(), name) != versioned.end());
        }
        std::ofstream(path, std::ios::binary) << content; // as it was
        CHECK(tocsin::load_detector<kept>(path).has_value());
    }

    TEST_CASE("file versions: a newer tocsin reads the rule of an older one, not the other way") {
        const temporary_directory directory;
        const auto path = directory / "rule.tocsin";
        const tocsin::forecaster<float> model = tocsin::forecaster<float>::with_layers(2, 2, {4});
        with_history<1> older(model);
        run_phases(older);
        REQUIRE(tocsin::save_detector(older, path).ok());
        const auto read = tocsin::load_detector<with_history<2>>(path);
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->threshold() == older.threshold());
        CHECK(read->rule().margin == 2);

        with_history<2> newer(model, {}, {}, rule_with_history<2>{.margin = 3});
        run_phases(newer);
        REQUIRE(tocsin::save_detector(newer, path).ok());
        const auto same = tocsin::load_detector<with_history<2>>(path);
        REQUIRE_MESSAGE(same.has_value(), same.error().message());
        CHECK(same->rule().margin == 3);
        CHECK(same->threshold() == newer.threshold());
        const auto refused = tocsin::load_detector<with_history<1>>(path);
        REQUIRE_FALSE(refused.has_value());
        CHECK(says(refused.error(), "'detector.thresholds.per_step.rule.version' is 2, written by "
                                    "a newer tocsin; this one reads up to 1"));
        // A stream holds all of the rule, whatever its version.
        auto stream = newer.make_stream();
        REQUIRE(newer.enable_learning(stream, {.rule = true}).ok());
        eventful_stream source(2);
        for (int k = 0; k < 100; ++k) {
            const auto sample = source.next();
            tocsin_test::push_and_learn(newer, stream, sample, source.time());
        }
        auto loaded = tocsin::load_stream(*same, tocsin_test::saved_bytes(newer, stream));
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        const auto sample = source.next();
        CHECK(tocsin_test::equal_bits(newer.push(stream, sample), same->push(*loaded, sample)));
        CHECK(stream.last().threshold == newer.threshold());
    }

    TEST_CASE("file versions: an object from before its class had a version is of version 1") {
        tocsin::archive_writer writer;
        writer.expect("rule.kind", "rule_with_history");
        writer.number("rule.largest", 3.0);
        const auto file = writer.encode();
        REQUIRE_MESSAGE(file.has_value(), file.error().message());
        auto reader = tocsin::archive_reader::from_bytes(std::as_bytes(std::span(*file)));
        REQUIRE(reader.has_value());
        rule_with_history<2> rule{.margin = 5};
        reader->object("rule", rule);
        REQUIRE_MESSAGE(reader->outcome().ok(), reader->outcome().message());
        CHECK(rule.largest == 3);
        CHECK(rule.margin == 5); // not asked for
    }

    TEST_CASE("file versions: version() belongs to the innermost object that has one") {
        tocsin::archive_writer writer;
        nested_versions saved;
        writer.object("object", saved);
        const auto file = writer.encode();
        REQUIRE_MESSAGE(file.has_value(), file.error().message());
        CHECK(saved.before.seen == 5);
        CHECK(saved.after.seen == 5); // not 2, of the object between them
        auto reader = tocsin::archive_reader::from_bytes(std::as_bytes(std::span(*file)));
        REQUIRE(reader.has_value());
        nested_versions loaded;
        reader->object("object", loaded);
        REQUIRE_MESSAGE(reader->outcome().ok(), reader->outcome().message());
        CHECK(loaded.before.seen == 5);
        CHECK(loaded.after.seen == 5);
        CHECK(reader->version() == 0);
    }
}
