#include "tocsin/detect/verdict.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>
#include <type_traits>

using tocsin::sample_reason;
using tocsin::to_string;
using tocsin::verdict;
using tocsin::verdict_kind;

static_assert(std::is_trivially_copyable_v<verdict>);

TEST_SUITE("detect") {
    TEST_CASE("verdict: every kind has its name") {
        CHECK(std::string_view(to_string(verdict_kind::normal)) == "normal");
        CHECK(std::string_view(to_string(verdict_kind::anomaly)) == "anomaly");
        CHECK(std::string_view(to_string(verdict_kind::sensor_lost)) == "sensor_lost");
        CHECK(std::string_view(to_string(verdict_kind::warming_up)) == "warming_up");
        CHECK(std::string_view(to_string(verdict_kind::invalid_sample)) == "invalid_sample");
        CHECK(std::string_view(to_string(verdict_kind::not_ready)) == "not_ready");
        CHECK(std::string_view(to_string(static_cast<verdict_kind>(200))) == "unknown");
    }

    TEST_CASE("verdict: every reason has words of its own") {
        std::set<std::string> texts;
        for (const auto reason :
             {sample_reason::scored, sample_reason::warming_up, sample_reason::missing_value,
              sample_reason::not_finite, sample_reason::wrong_size, sample_reason::out_of_order,
              sample_reason::not_ready, static_cast<sample_reason>(200)}) {
            CHECK(texts.insert(to_string(reason)).second);
        }
        CHECK(texts.contains("values that the score needs are missing"));
        CHECK(texts.contains("unknown"));
    }

    TEST_CASE("verdict: only the kind anomaly is an anomaly, only the reason scored has a score") {
        for (const auto kind :
             {verdict_kind::normal, verdict_kind::sensor_lost, verdict_kind::warming_up,
              verdict_kind::invalid_sample, verdict_kind::not_ready}) {
            CHECK_FALSE(verdict{.kind = kind, .score = 9, .threshold = 1}.is_anomaly());
        }
        CHECK(verdict{.kind = verdict_kind::anomaly}.is_anomaly());
        CHECK_FALSE(verdict{.kind = verdict_kind::normal}.scored());
        CHECK(verdict{.kind = verdict_kind::normal, .reason = sample_reason::scored}.scored());
        CHECK(verdict{}.kind == verdict_kind::not_ready);
        CHECK(verdict{}.reason == sample_reason::not_ready);
    }
}
