/// @file archive.hpp
/// @brief Saving or loading of objects that describe themselves once for both.
///
/// An object that can be saved has one member template:
///
///     template <class Archive>
///     void exchange(Archive& archive) {
///         archive.expect("features", 3);            // written; refused on loading if it differs
///         archive.integer("count", count_);         // metadata
///         archive.number("threshold", threshold_);  // tensor of one F64
///         archive.matrix("mean", mean_);            // tensor
///         archive.object("scaler", scaler_);        // another one, names prefixed "scaler."
///         if constexpr (Archive::loading) {
///             archive.fail(check());
///         }
///     }
///
/// Both archives have the same functions. The first failure sticks: later calls do nothing and
/// leave values untouched. Values loaded before it have changed, so load into a fresh object.
#pragma once

#include "tocsin/io/archive_reader.hpp"
#include "tocsin/io/archive_writer.hpp"
