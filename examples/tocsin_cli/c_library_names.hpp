/// @file c_library_names.hpp
/// @brief Names that C headers give to functions, types and macros in every C++ program.
#pragma once

#include <string_view>

namespace tocsin_cli {

/// Whether a namespace of this name could clash with a header of C or POSIX: `NULL`, `size_t`,
/// `time`.
bool is_c_library_name(std::string_view name);

/// Whether a file of this name would hide a header of C, such as `time.h`.
bool is_c_header(std::string_view file_name);

} // namespace tocsin_cli
