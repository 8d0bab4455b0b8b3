/// @file peers.hpp
/// @brief How the program finds its peers.
///
/// Each peer is a shared library of its own with hidden symbols, so that one library built in two
/// ways does not mix its templates.
#pragma once

#include "competitor.hpp"

/// Defines the one function that a peer's library exports; outside of any namespace.
#define TOCSIN_DEFINE_PEER(function, type)                                                         \
    extern "C" [[gnu::visibility("default")]] const tocsin_bench::peer* function();                \
    const tocsin_bench::peer* function() {                                                         \
        static const tocsin_bench::type instance;                                                  \
        return &instance;                                                                          \
    }
