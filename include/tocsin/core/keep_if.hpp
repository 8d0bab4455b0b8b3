/// @file keep_if.hpp
/// @brief Values that were loaded are kept if they are usable.
#pragma once

#include "tocsin/core/status.hpp"

namespace tocsin::detail {

/// For exchange(): fails the archive when a loaded value is out of range.
template <class Archive>
void keep_if(Archive& archive, const status& usable) {
    if constexpr (Archive::loading) {
        if (archive.outcome().ok()) {
            archive.fail(usable);
        }
    }
}

} // namespace tocsin::detail
