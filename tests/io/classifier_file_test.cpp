#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

#include "stream_checks.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

using namespace tocsin;
using tocsin_test::temporary_directory;

namespace {

bool says(const status& outcome, std::string_view part) {
    return !outcome.ok() &&
           std::string_view(outcome.message()).find(part) != std::string_view::npos;
}
std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

auto small_convolutions(int features = 3) {
    return fully_convolutional_classifier<float>(features, 1,
                                                 {.filters = {4, 5, 4}, .kernels = {4, 3, 3}});
}
auto small_stack() {
    return stacked_lstm_classifier<float>(3, 1, {.first = 3, .second = 4});
}
auto small_bidirectional() {
    return bidirectional_lstm_classifier<double>(3, 2, {.hidden = 3, .dropout = 0.25, .dense = 4});
}

/// Three sensors of which the second jumps every 40 rows.
template <class Scalar>
struct recording {
    explicit recording(int rows) : values(3, rows), labels(static_cast<std::size_t>(rows)) {
        random_generator random(7);
        for (int t = 0; t < rows; ++t) {
            for (int k = 0; k < 3; ++k) {
                values(k, t) = static_cast<Scalar>(10 * k + random.normal());
            }
            labels[static_cast<std::size_t>(t)] = t % 40 >= 35 ? 1 : 0;
            values(1, t) += t % 40 >= 35 ? Scalar(6) : Scalar(0);
        }
    }
    matrix_view<const Scalar> view() const { return {values.data(), values.rows(), values.cols()}; }

    matrix<Scalar> values;
    std::vector<std::uint8_t> labels;
};

template <class Network>
using detector_of = classifier_detector<Network>;

template <class Network>
detector_of<Network> trained(const Network& network) {
    const recording<typename Network::scalar_type> data(240);
    detector_of<Network> detector(network, {.window = 12, .stride = 3});
    classifier_trainer<> trainer;
    trainer.epochs = 3;
    trainer.optimiser.learning_rate = 0.01;
    const status done = detector.train(data.view(), data.labels, data.view(), data.labels, trainer);
    REQUIRE_MESSAGE(done.ok(), done.message());
    REQUIRE(detector.set_threshold(0.375).ok());
    return detector;
}

/// Saves and loads, then compares all that can be seen.
template <class Network>
void check_round_trip(const Network& network, const std::filesystem::path& file) {
    using scalar = typename Network::scalar_type;
    const auto detector = trained(network);
    const status saved = save_detector(detector, file);
    REQUIRE_MESSAGE(saved.ok(), saved.message());
    const auto loaded = load_detector<detector_of<Network>>(file);
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
    CHECK(loaded->trained());
    CHECK(loaded->threshold() == 0.375);
    CHECK(loaded->settings().window == 12);
    CHECK(loaded->settings().stride == 3);
    CHECK(loaded->identity() == detector.identity());
    CHECK(std::equal(loaded->parameters().begin(), loaded->parameters().end(),
                     detector.parameters().begin(), detector.parameters().end()));
    const recording<scalar> data(90);
    const auto expected = detector.probabilities(data.view()).value();
    const auto found = loaded->probabilities(data.view()).value();
    int scored = 0;
    for (std::size_t t = 0; t < expected.size(); ++t) {
        CHECK(tocsin_test::bits(found[t]) == tocsin_test::bits(expected[t]));
        scored += std::isnan(expected[t]) ? 0 : 1;
    }
    CHECK(scored == 79);
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("classifier file: a loaded classifier says the same bits, whatever the network") {
        const temporary_directory directory;
        check_round_trip(small_convolutions(), directory / "fcn");
        check_round_trip(small_stack(), directory / "stack");
        check_round_trip(small_bidirectional(), directory / "both");
        check_round_trip(lstm_classifier<float>(3, 1, 5), directory / "lstm");
    }

    TEST_CASE("classifier file: one that is not trained keeps its settings") {
        const temporary_directory directory;
        const auto file = directory / "fresh";
        using detector_type = detector_of<decltype(small_convolutions())>;
        detector_type fresh(small_convolutions(),
                            {.window = 9, .stride = 2, .label = window_label::next_row});
        REQUIRE(save_detector(fresh, file).ok());
        const auto loaded = load_detector<detector_type>(file);
        REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
        CHECK(!loaded->trained());
        CHECK(loaded->settings().window == 9);
        CHECK(loaded->settings().label == window_label::next_row);
        CHECK(loaded->network().parameter_count() == fresh.network().parameter_count());
        auto stream = loaded->make_stream();
        const float sample[3] = {1, 2, 3};
        CHECK(loaded->push(stream, sample).kind == verdict_kind::not_ready);
    }

    TEST_CASE("classifier file: another network, scaler or scalar type is refused by name") {
        const temporary_directory directory;
        const auto file = directory / "stack";
        REQUIRE(save_detector(trained(small_stack()), file).ok());
        CHECK(says(load_detector<detector_of<decltype(small_convolutions())>>(file).error(),
                   "'detector.network.layers' is '6', expected '11'"));
        CHECK(says(
            load_detector<detector_of<decltype(stacked_lstm_classifier<double>(3))>>(file).error(),
            "'detector.scalar_type' is 'float', expected 'double'"));
        using other_scaler = classifier_detector<decltype(small_stack()), standard_scaler<float>>;
        CHECK(says(load_detector<other_scaler>(file).error(), "'detector.scaler.kind'"));
        using soft_gates =
            decltype(sequential(penalised(lstm<float>(3, 3), {}), batch_norm<float>(3),
                                penalised(lstm<float>(3, 4), {}), pooling<float, last_step>(4),
                                batch_norm<float>(4), dense<float>(4, 1)));
        CHECK(says(load_detector<detector_of<soft_gates>>(file).error(),
                   "arithmetic' is 'hard_sigmoid', expected 'rational'"));
    }

    TEST_CASE("classifier file: shorter by any length or with any bit flipped, it is refused") {
        const temporary_directory directory;
        const auto file = directory / "whole";
        const auto broken = directory / "broken";
        using detector_type = detector_of<decltype(small_convolutions())>;
        REQUIRE(save_detector(trained(small_convolutions()), file).ok());
        const std::string whole = bytes_of(file);
        REQUIRE(whole.size() > 1000);
        int accepted = 0;
        for (std::size_t length = 0; length < whole.size(); length += 97) {
            write_bytes(broken, whole.substr(0, length));
            accepted += load_detector<detector_type>(broken).ok() ? 1 : 0;
        }
        for (std::size_t at = 0; at < whole.size(); at += 61) {
            std::string flipped = whole;
            flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
            write_bytes(broken, flipped);
            accepted += load_detector<detector_type>(broken).ok() ? 1 : 0;
        }
        CHECK(accepted == 0);
    }

    TEST_CASE("classifier stream: continues from its bytes with the same bits") {
        const temporary_directory directory;
        const auto detector = trained(small_convolutions());
        REQUIRE(save_detector(detector, directory / "file").ok());
        const auto twin =
            load_detector<detector_of<decltype(small_convolutions())>>(directory / "file").value();
        tocsin_test::eventful_stream source(3);
        for (const int before : {0, 5, 40, 613}) {
            auto stream = detector.make_stream();
            for (int k = 0; k < before; ++k) {
                const auto sample = source.next();
                detector.push(stream, sample, source.time());
            }
            CHECK(stream.position() == before);
            const auto bytes = save_stream(detector, stream).value();
            auto loaded = load_stream(twin, bytes);
            REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
            CHECK(loaded->position() == before);
            CHECK(save_stream(twin, *loaded).value() == bytes);
            double shares[2][3] = {};
            CHECK(tocsin_test::bits(loaded->time()) == tocsin_test::bits(stream.time()));
            CHECK(tocsin_test::equal_bits(loaded->last(), stream.last()));
            int refused = 0;
            int different = 0;
            for (int k = 0; k < (before == 613 ? tocsin_test::compared : 700); ++k) {
                const auto sample = source.next();
                const verdict expected = detector.push(stream, sample, source.time());
                const verdict found = twin.push(*loaded, sample, source.time());
                different += tocsin_test::equal_bits(found, expected) ? 0 : 1;
                refused += expected.reason == sample_reason::out_of_order ? 1 : 0;
            }
            CHECK(different == 0);
            CHECK(refused > 0);
            detector.explain(stream, shares[0]);
            twin.explain(*loaded, shares[1]);
            CHECK(std::equal(shares[0], shares[0] + 3, shares[1]));
        }
    }

    TEST_CASE("classifier stream: bytes of another detector, cut off or changed, are refused") {
        auto detector = trained(small_convolutions());
        auto stream = detector.make_stream();
        const float sample[3] = {1, 2, 3};
        for (int k = 0; k < 20; ++k) {
            detector.push(stream, sample);
        }
        const auto bytes = save_stream(detector, stream).value();
        int accepted = 0;
        for (std::size_t k = 0; k < bytes.size(); ++k) {
            accepted += load_stream(detector, std::span(bytes).first(k)).ok() ? 1 : 0;
            auto flipped = bytes;
            flipped[k] ^= std::byte{16};
            accepted += load_stream(detector, flipped).ok() ? 1 : 0;
        }
        CHECK(accepted == 0);
        REQUIRE(detector.set_threshold(0.75).ok());
        CHECK(says(load_stream(detector, bytes).error(), "belongs to another detector"));
    }
}
