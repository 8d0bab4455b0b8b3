#include "tocsin/detect/detector_settings.hpp"

#include <doctest/doctest.h>

#include <string_view>

using tocsin::detector_settings;

TEST_SUITE("detect") {
    TEST_CASE("detector settings: the defaults and the smallest values pass") {
        CHECK(detector_settings{}.check().ok());
        CHECK(detector_settings{.window = 1, .batch_size = 1}.check().ok());
    }

    TEST_CASE("detector settings: a window or batch size below 1 is refused with its value") {
        for (const int bad : {0, -7}) {
            const auto window = detector_settings{.window = bad}.check();
            CHECK(window.code() == tocsin::error_code::invalid_argument);
            CHECK(std::string_view(window.message()).find(bad == 0 ? "window 0" : "window -7") !=
                  std::string_view::npos);
            const auto batch = detector_settings{.batch_size = bad}.check();
            CHECK(batch.code() == tocsin::error_code::invalid_argument);
            CHECK(std::string_view(batch.message())
                      .find(bad == 0 ? "batch size 0" : "batch size -7") != std::string_view::npos);
        }
    }
}
