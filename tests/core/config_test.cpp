#include "tocsin/core/config.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("core") {
    TEST_CASE("config: the version string is made of the three version numbers") {
        const std::string version = std::to_string(TOCSIN_VERSION_MAJOR) + "." +
                                    std::to_string(TOCSIN_VERSION_MINOR) + "." +
                                    std::to_string(TOCSIN_VERSION_PATCH);
        CHECK(version == TOCSIN_VERSION_STRING);
    }

    TEST_CASE("config: an assertion that holds does nothing") {
        TOCSIN_ASSERT(1 + 1 == 2, "arithmetic is broken");
        CHECK(true);
    }
}
