/// @file comparator_input.hpp
/// @brief Files and streams of the comparators that can be saved.
#pragma once

#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/comparators/simple_changes.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/io/archive_reader.hpp"
#include "tocsin/io/archive_writer.hpp"
#include "tocsin/io/stream_file.hpp"

#include "fuzz_input.hpp"
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace tocsin_fuzz {

inline tocsin::matrix<double> comparator_rows(tocsin::index_t count, std::uint64_t seed) {
    tocsin::random_generator random{seed};
    tocsin::matrix<double> rows(3, count);
    for (double& value : rows.reshaped()) {
        value = random.normal();
    }
    return rows;
}
template <class Scorer>
std::string comparator_file(Scorer scorer) {
    tocsin::scored_comparator<Scorer> made(std::move(scorer));
    require(made.fit(comparator_rows(60, 1), comparator_rows(120, 2)).ok(), "nothing to attack");
    tocsin::archive_writer archive;
    archive.object("comparator", made);
    return *archive.encode();
}

/// What a file gives judges with finite scores, and its streams can be saved and loaded.
template <class Scorer>
void load_comparator(const tocsin::archive_reader& file) {
    tocsin::archive_reader archive = file;
    tocsin::scored_comparator<Scorer> loaded;
    archive.object("comparator", loaded);
    if (!archive.outcome().ok()) {
        require(archive.outcome().message()[0] != '\0', "refused without a reason");
        return;
    }
    if (loaded.features() != 3) {
        return;
    }
    auto stream = loaded.make_stream();
    const tocsin::matrix<float> rows = comparator_rows(40, 3).cast<float>();
    for (tocsin::index_t t = 0; t < rows.cols(); ++t) {
        require(std::isfinite(loaded.push(stream, rows.col(t)).score), "a score is not finite");
    }
    const auto saved = tocsin::save_stream(loaded, stream);
    require(saved.has_value(), "a stream cannot be saved");
    require(tocsin::load_stream(loaded, *saved).has_value(), "a stream is refused");
    tocsin::archive_writer again;
    again.object("comparator", loaded);
    require(again.outcome().ok(), "a comparator that was loaded cannot be saved");
}

/// Files of comparators, as they are.
inline void comparators(input bytes) {
    const auto file = tocsin::archive_reader::from_bytes(std::as_bytes(bytes));
    if (!file) {
        require(file.error().message()[0] != '\0', "a file is refused without a reason");
        return;
    }
    load_comparator<tocsin::isolation_forest>(*file);
    load_comparator<tocsin::k_means>(*file);
    load_comparator<tocsin::lagged_value>(*file);
    load_comparator<tocsin::linear_autoregression>(*file);
    load_comparator<tocsin::moving_variance>(*file);
    load_comparator<tocsin::nearest_value_novelty>(*file);
    load_comparator<tocsin::pca_reconstruction>(*file);
    load_comparator<tocsin::smoothed_z_score>(*file);
    load_comparator<tocsin::squared_difference>(*file);
}
inline std::string comparator_seed(unsigned number) {
    switch (number % 9) {
    case 0:
        return comparator_file(tocsin::isolation_forest({.trees = 3, .samples = 16}));
    case 1:
        return comparator_file(tocsin::k_means({.clusters = 3}));
    case 2:
        return comparator_file(tocsin::lagged_value(3));
    case 3:
        return comparator_file(tocsin::linear_autoregression({.order = 2}));
    case 4:
        return comparator_file(tocsin::moving_variance(5));
    case 5:
        return comparator_file(tocsin::nearest_value_novelty(20));
    case 6:
        return comparator_file(tocsin::pca_reconstruction());
    case 7:
        return comparator_file(tocsin::smoothed_z_score(5));
    default:
        return comparator_file(tocsin::squared_difference());
    }
}
inline constexpr unsigned comparator_seeds = 9;

} // namespace tocsin_fuzz
