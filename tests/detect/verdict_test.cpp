#include "tocsin/detect/verdict.hpp"

#include <doctest/doctest.h>

#include <string_view>

using tocsin::to_string;
using tocsin::verdict;
using tocsin::verdict_kind;

TEST_SUITE("detect") {
    TEST_CASE("verdict: every kind has its name") {
        CHECK(std::string_view(to_string(verdict_kind::normal)) == "normal");
        CHECK(std::string_view(to_string(verdict_kind::anomaly)) == "anomaly");
        CHECK(std::string_view(to_string(verdict_kind::warming_up)) == "warming_up");
        CHECK(std::string_view(to_string(verdict_kind::invalid_sample)) == "invalid_sample");
        CHECK(std::string_view(to_string(verdict_kind::not_ready)) == "not_ready");
        CHECK(std::string_view(to_string(static_cast<verdict_kind>(200))) == "unknown");
    }

    TEST_CASE("verdict: only the kind anomaly is an anomaly") {
        for (const auto kind : {verdict_kind::normal, verdict_kind::warming_up,
                                verdict_kind::invalid_sample, verdict_kind::not_ready}) {
            CHECK_FALSE(
                verdict{.kind = kind, .score = 9, .threshold = 1, .shares = {}}.is_anomaly());
        }
        CHECK(verdict{.kind = verdict_kind::anomaly, .score = 0, .threshold = 0, .shares = {}}
                  .is_anomaly());
        CHECK(verdict{}.kind == verdict_kind::not_ready);
    }
}
