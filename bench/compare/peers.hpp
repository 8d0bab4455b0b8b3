/// @file peers.hpp
/// @brief How the program finds its peers.
///
/// Each peer is its own shared library with hidden symbols, so two builds of one library do not mix
/// their templates.
#pragma once

#include "competitor.hpp"

/// Defines the only function that a peer's library exports; use it outside any namespace.
#define TOCSIN_DEFINE_PEER(function, type)                                                         \
    extern "C" [[gnu::visibility("default")]] const tocsin_bench::peer* function();                \
    const tocsin_bench::peer* function() {                                                         \
        static const tocsin_bench::type instance;                                                  \
        return &instance;                                                                          \
    }
