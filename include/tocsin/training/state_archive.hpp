/// @file state_archive.hpp
/// @brief What the states of all training loops have in common.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

namespace tocsin::detail {

/// The state of a run before its first epoch, as far as all have it: draws the model's parameters from
/// the seed. Allocates.
template <class State, class Model>
State begun_state(const Model& model, std::uint64_t seed) {
    State state;
    state.random = random_generator{seed};
    state.parameters.resize(static_cast<std::size_t>(model.parameter_count()));
    model.initialise(state.parameters, state.random);
    state.best_parameters = state.parameters;
    return state;
}

/// Saves or loads a buffer, whose size must be that in the file.
template <class Archive, class Scalar>
void exchange_buffer(Archive& archive, std::string_view name, aligned_vector<Scalar>& values) {
    archive.tensor(name, std::span<Scalar>(values), {static_cast<index_t>(values.size())});
}

/// Saves or loads the state of a generator.
template <class Archive>
void exchange_random(Archive& archive, random_generator& random) {
    random_generator::state_type words = random.state();
    for (std::size_t k = 0; k < words.size(); ++k) {
        char name[24];
        std::snprintf(name, sizeof name, "random.%d", static_cast<int>(k));
        archive.integer(name, words[k]);
    }
    random.set_state(words);
    if (Archive::loading && words == random_generator::state_type{}) {
        archive.fail(status::error(error_code::format_error,
                                   "random: a state of zeros gives zeros for ever"));
    }
}

/// Saves or loads the records of epochs as a table, `[numbers x epochs]`. A failed load leaves none.
/// @param best_epoch  must be one of them, or negative
/// @param to_row      `std::array<double, n> to_row(record)`; the numbers must be finite
/// @param from_row    `record from_row(epoch, array)`
template <class Archive, class Record, class ToRow, class FromRow>
void exchange_history(Archive& archive, std::vector<Record>& history, int best_epoch,
                      const ToRow& to_row, const FromRow& from_row) {
    using row_type = decltype(to_row(Record{}));
    constexpr auto columns = static_cast<index_t>(std::tuple_size_v<row_type>);
    auto epochs = static_cast<std::int64_t>(history.size());
    archive.integer("epochs", epochs);
    if (epochs < 0 || epochs > 10'000'000) {
        archive.fail(status::error(error_code::format_error, "epochs: ", epochs,
                                   " is outside [0, 10000000]"));
        return;
    }
    // When loading, it takes the size that the file holds.
    matrix<double> table(columns, Archive::loading ? 0 : static_cast<index_t>(epochs));
    for (std::size_t k = 0; k < history.size() && !Archive::loading; ++k) {
        const row_type row = to_row(history[k]);
        std::copy(row.begin(), row.end(), table.col(static_cast<index_t>(k)).data());
    }
    if (epochs > 0) {
        archive.matrix("history", table);
    }
    if constexpr (Archive::loading) {
        history.clear();
        if (archive.outcome().ok() &&
            (table.cols() != static_cast<index_t>(epochs) || table.rows() != columns)) {
            archive.fail(status::error(error_code::format_error, "epochs: ", epochs,
                                       ", but the history holds ", table.cols()));
        }
        if (best_epoch >= epochs) {
            archive.fail(status::error(error_code::format_error, "best_epoch: ", best_epoch,
                                       " is none of the ", epochs, " epochs"));
        }
        if (!archive.outcome().ok()) {
            return;
        }
        for (std::int64_t k = 0; k < epochs; ++k) {
            row_type row{};
            std::copy_n(table.data() + columns * k, row.size(), row.begin());
            history.push_back(from_row(static_cast<int>(k), row));
        }
    }
}

} // namespace tocsin::detail
