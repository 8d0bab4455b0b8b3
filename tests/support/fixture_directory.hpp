/// @file fixture_directory.hpp
/// @brief Where the reference values of tests are.
#pragma once

#include <filesystem>

namespace tocsin_test {

/// The folder tests/fixtures of the checkout; defined in tests/main.cpp.
std::filesystem::path fixture_directory();

} // namespace tocsin_test
