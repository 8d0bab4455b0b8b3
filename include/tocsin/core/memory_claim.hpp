/// @file memory_claim.hpp
/// @brief What an object that is being loaded says before it allocates.
#pragma once

#include "tocsin/core/checked_size.hpp"

namespace tocsin {

/// Tells an archive that an object is about to allocate memory because of sizes that it has just
/// loaded. An archive with a budget (io/archive_reader.hpp) fails where that is used up; the object
/// must then not allocate: look at `archive.outcome()`. Every other archive ignores it.
/// @param what  is named in the failure
/// @param bytes that it takes; not valid: more than there can be
template <class Archive>
void claim_memory(Archive& archive, const char* what, checked_size bytes) {
    if constexpr (requires { archive.claim(what, bytes); }) {
        archive.claim(what, bytes);
    }
}

} // namespace tocsin
