/// @file row_model_input.hpp
/// @brief Files of detectors whose models judge rows: autoencoder, variational one, BiGAN.
#pragma once

#include "tocsin/models/bigan.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/variational_autoencoder.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"

#include "detector_input.hpp"
#include <string>
#include <utility>

namespace tocsin_fuzz {

inline constexpr tocsin::row_model_sizes attacked_row_sizes{.outer = 3, .inner = 2, .latent = 1};

template <class Model>
using row_detector = tocsin::detector<Model, tocsin::min_max_scaler<float>>;
using row_autoencoder_detector =
    row_detector<decltype(tocsin::make_row_autoencoder<float>(2, attacked_row_sizes))>;
using variational_detector =
    row_detector<decltype(tocsin::make_variational_autoencoder<float>(2, attacked_row_sizes))>;
using bigan_detector = row_detector<decltype(tocsin::make_bigan<float>(2, attacked_row_sizes))>;

/// Files of detectors, as they are.
inline void row_models(input bytes) {
    const auto file = tocsin::archive_reader::from_bytes(std::as_bytes(bytes));
    if (!file) {
        require(file.error().message()[0] != '\0', "a file is refused without a reason");
        return;
    }
    load_file<row_autoencoder_detector>(*file, bytes.size());
    load_file<variational_detector>(*file, bytes.size());
    load_file<bigan_detector>(*file, bytes.size());
}
inline std::string row_model_seed(unsigned number) {
    const auto saved = [](auto model) {
        const auto detector =
            tuned(row_detector<decltype(model)>(std::move(model), {.window = 1}), 1);
        tocsin::archive_writer archive;
        archive.object("detector", detector);
        return *archive.encode();
    };
    switch (number % 3) {
    case 0:
        return saved(tocsin::make_row_autoencoder<float>(2, attacked_row_sizes));
    case 1:
        return saved(tocsin::make_variational_autoencoder<float>(2, attacked_row_sizes));
    default:
        return saved(tocsin::make_bigan<float>(2, attacked_row_sizes));
    }
}
inline constexpr unsigned row_model_seeds = 3;

} // namespace tocsin_fuzz
