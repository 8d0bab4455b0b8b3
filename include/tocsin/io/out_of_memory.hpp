/// @file out_of_memory.hpp
/// @brief A refused allocation as a status.
#pragma once

#include "tocsin/core/status.hpp"

#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace tocsin::detail {

/// Calls a function that returns a status or a result; an allocation that fails in it, or is larger
/// than a container can be, becomes `out_of_memory`. Other exceptions, such as a caller's
/// own callback, pass. Without exceptions such a failure ends the program as it always does then.
/// @param what starts the message
template <class Function>
std::invoke_result_t<Function> memory_as_status(const char* what, Function&& function) {
#if defined(__cpp_exceptions)
    try {
        return std::forward<Function>(function)();
    } catch (const std::bad_alloc&) {
        return status::error(error_code::out_of_memory, what, ": not enough memory");
    } catch (const std::length_error&) {
        return status::error(error_code::out_of_memory, what, ": not enough memory");
    }
#else
    static_cast<void>(what);
    return std::forward<Function>(function)();
#endif
}

} // namespace tocsin::detail
