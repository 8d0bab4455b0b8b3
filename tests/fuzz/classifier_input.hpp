/// @file classifier_input.hpp
/// @brief Detectors that classify windows: their files and saved streams from any bytes.
#pragma once

#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include "detector_input.hpp"
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace tocsin_fuzz {

using bidirectional_classifier =
    tocsin::classifier_detector<decltype(tocsin::bidirectional_lstm_classifier<float>(
        2, 1, {.hidden = 2, .dense = 3}))>;
using convolutional_classifier =
    tocsin::classifier_detector<decltype(tocsin::fully_convolutional_classifier<float>(
        2, 1, {.filters = {3, 2, 3}, .kernels = {3, 2, 3}}))>;

template <class Detector>
Detector trained_classifier(Detector detector) {
    auto values = ordinary_samples(200, 1);
    std::vector<std::uint8_t> labels(200);
    for (tocsin::index_t t = 0; t < values.cols(); ++t) {
        labels[static_cast<std::size_t>(t)] = t % 40 >= 30 ? 1 : 0;
        values(1, t) += t % 40 >= 30 ? 4.0F : 0.0F;
    }
    const tocsin::matrix_view<const float> view(values.data(), values.rows(), values.cols());
    tocsin::classifier_trainer<> how;
    how.epochs = 2;
    require(detector.train(view, labels, view, labels, how).ok() &&
                detector.set_threshold(0.375).ok(),
            "no classifier to attack");
    return detector;
}
inline const bidirectional_classifier& attacked_bidirectional_classifier() {
    static const auto made = trained_classifier(bidirectional_classifier(
        tocsin::bidirectional_lstm_classifier<float>(2, 1, {.hidden = 2, .dense = 3}),
        {.window = 5, .stride = 2}));
    return made;
}
inline const convolutional_classifier& attacked_convolutional_classifier() {
    static const auto made = trained_classifier(
        convolutional_classifier(tocsin::fully_convolutional_classifier<float>(
                                     2, 1, {.filters = {3, 2, 3}, .kernels = {3, 2, 3}}),
                                 {.window = 6, .stride = 3}));
    return made;
}

/// What a classifier says is a probability.
inline void check_probability(const tocsin::verdict& said) {
    check_verdict(said);
    require(!said.scored() || said.score <= 1, "a probability above 1");
}
template <class Detector>
void use_classifier(const Detector& detector, typename Detector::stream_type& stream) {
    if (detector.features() == 2 && detector.trained()) {
        const auto ordinary = ordinary_samples(12, 3);
        for (tocsin::index_t t = 0; t < ordinary.cols(); ++t) {
            check_probability(detector.push(stream, ordinary.col(t)));
        }
    }
}

template <class Detector>
void load_classifier(const tocsin::archive_reader& file, std::size_t size) {
    tocsin::archive_reader archive = file;
    Detector detector;
    archive.object("detector", detector);
    if (!archive.outcome().ok()) {
        require(archive.outcome().message()[0] != '\0', "a classifier is refused without a reason");
        require(!detector.trained(), "half a classifier");
        return;
    }
    const auto budget = static_cast<std::size_t>(tocsin::load_budget(size).left());
    require(static_cast<std::size_t>(detector.features()) *
                    static_cast<std::size_t>(detector.settings().window) * sizeof(float) <=
                budget,
            "a window takes more than the file bears out");
    if (detector.trained()) {
        auto stream = detector.make_stream();
        use_classifier(detector, stream);
    }
    tocsin::archive_writer again;
    again.object("detector", detector);
    require(again.outcome().ok(), "a classifier that was loaded cannot be saved");
}

template <class Detector>
void load_classifier_stream(std::span<const std::byte> bytes, const Detector& detector) {
    auto loaded = tocsin::load_stream(detector, bytes);
    if (!loaded) {
        require(loaded.error().message()[0] != '\0', "a stream is refused without a reason");
        return;
    }
    require(loaded->position() >= 0, "a stream begins before its start");
    use_classifier(detector, *loaded);
    const auto again = tocsin::save_stream(detector, *loaded);
    require(again.has_value() && tocsin::load_stream(detector, *again).has_value(),
            "a stream that was loaded cannot be saved and loaded");
}

/// Whether bytes begin as a saved stream does; anything else is taken for a file.
inline bool is_stream(input bytes) {
    return bytes.size() >= sizeof tocsin::detail::stream_magic &&
           std::memcmp(bytes.data(), &tocsin::detail::stream_magic,
                       sizeof tocsin::detail::stream_magic) == 0;
}

/// Files and streams, each as they are; streams with identity and checksum put right as well.
inline void classifiers(input bytes) {
    if (is_stream(bytes)) {
        const auto both = [&](const auto& detector) {
            load_classifier_stream(std::as_bytes(bytes), detector);
            load_classifier_stream(as_stream(bytes, detector), detector);
        };
        both(attacked_bidirectional_classifier());
        both(attacked_convolutional_classifier());
        return;
    }
    const auto file = tocsin::archive_reader::from_bytes(std::as_bytes(bytes));
    if (!file) {
        require(file.error().message()[0] != '\0', "a file is refused without a reason");
        return;
    }
    load_classifier<bidirectional_classifier>(*file, bytes.size());
    load_classifier<convolutional_classifier>(*file, bytes.size());
}

/// Two files, then a fresh and a used stream of each.
inline std::string classifier_seed(unsigned number) {
    const auto made = [&](const auto& detector) {
        if (number % 6 < 2) {
            tocsin::archive_writer archive;
            archive.object("detector", detector);
            return *archive.encode();
        }
        auto stream = detector.make_stream();
        const auto values = ordinary_samples(number % 6 < 4 ? 0 : 20, 4);
        for (tocsin::index_t t = 0; t < values.cols(); ++t) {
            check_probability(detector.push(stream, values.col(t)));
        }
        const auto bytes = *tocsin::save_stream(detector, stream);
        return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    return number % 2 == 0 ? made(attacked_bidirectional_classifier())
                           : made(attacked_convolutional_classifier());
}
inline constexpr unsigned classifier_seeds = 6;

} // namespace tocsin_fuzz
