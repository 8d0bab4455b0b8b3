#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"

std::filesystem::path tocsin_test::fixture_directory() {
    return TOCSIN_FIXTURE_DIR;
}
