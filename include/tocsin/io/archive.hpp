/// @file archive.hpp
/// @brief Saving or loading of objects that describe themselves once for both.
///
/// An object that can be saved has one member template:
///
///     static constexpr const char* kind = "my_rule"; // checked on loading
///     static constexpr int version = 2;              // a newer one is refused
///     template <class Archive>
///     void exchange(Archive& archive) {
///         archive.expect("features", 3);            // written; refused on loading if it differs
///         archive.integer("count", count_);         // metadata
///         archive.number("threshold", threshold_);  // tensor of one F64
///         archive.matrix("mean", mean_);            // tensor
///         archive.object("scaler", scaler_);        // another such object, names prefixed "scaler."
///         if (archive.version() >= 2) {             // what files of version 1 do not have
///             archive.number("margin", margin_);
///         }
///         if constexpr (Archive::loading) {
///             archive.fail(check());
///         }
///     }
///
/// An object that is stored without a version is of version 1, so a class can be given one later.
///
/// Both archives have the same functions. The first failure sticks: later calls do nothing and
/// leave values untouched. Values loaded before it have changed, so load into a fresh object.
#pragma once

#include "tocsin/io/archive_reader.hpp"
#include "tocsin/io/archive_writer.hpp"
