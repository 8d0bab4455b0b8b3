#include "tocsin/training/schedules.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string_view>

namespace {

struct smallest_schedule {
    double operator()(int) const noexcept { return 1; }
};
struct throwing_schedule {
    double operator()(int) const { return 1; }
};
struct mutable_schedule {
    double operator()(int) noexcept { return 1; }
};

} // namespace

TEST_SUITE("training") {

    TEST_CASE("schedules: a pure noexcept function of the epoch passes, others do not") {
        CHECK(tocsin::learning_rate_schedule<smallest_schedule>);
        CHECK_FALSE(tocsin::learning_rate_schedule<throwing_schedule>);
        CHECK_FALSE(tocsin::learning_rate_schedule<mutable_schedule>);
        CHECK(tocsin::learning_rate_schedule<tocsin::constant_rate>);
        CHECK(tocsin::learning_rate_schedule<tocsin::step_decay>);
        CHECK(tocsin::learning_rate_schedule<tocsin::exponential_decay>);
        CHECK(tocsin::learning_rate_schedule<tocsin::cosine_decay>);
    }

    TEST_CASE("schedules: constant, step, exponential by hand") {
        CHECK(tocsin::constant_rate{}(1000) == 1);
        const tocsin::step_decay step{0.5, 10};
        CHECK(step(0) == 1);
        CHECK(step(9) == 1);
        CHECK(step(10) == 0.5);
        CHECK(step(35) == 0.125);
        const tocsin::exponential_decay exponential{0.9};
        CHECK(exponential(0) == 1);
        CHECK(exponential(3) == doctest::Approx(0.729));
    }

    TEST_CASE("schedules: settings out of range are named") {
        CHECK(tocsin::step_decay{}.check().ok());
        CHECK(std::string_view(tocsin::step_decay{0.5, 0}.check().message()) ==
              "step_decay: factor 0.5 and every 0 must be in (0, 1] and at least 1");
        CHECK_FALSE(tocsin::step_decay{std::nan(""), 1}.check().ok());
        CHECK(tocsin::exponential_decay{}.check().ok());
        CHECK(std::string_view(tocsin::exponential_decay{1.5}.check().message()) ==
              "exponential_decay: factor 1.5 must be in (0, 1]");
        CHECK(tocsin::cosine_decay{}.check().ok());
        CHECK_FALSE(tocsin::cosine_decay{10, 10, 0}.check().ok());
        CHECK_FALSE(tocsin::cosine_decay{0, 0, 0}.check().ok());
        CHECK_FALSE(tocsin::cosine_decay{10, 0, -0.1}.check().ok());
    }

    TEST_CASE("schedules: cosine warms up, falls to the final factor, stays there") {
        const tocsin::cosine_decay cosine{104, 4, 0.1};
        CHECK(cosine(0) == doctest::Approx(0.2));
        CHECK(cosine(3) == doctest::Approx(0.8));
        CHECK(cosine(4) == doctest::Approx(1));
        CHECK(cosine(54) == doctest::Approx(0.55));
        CHECK(cosine(104) == doctest::Approx(0.1));
        CHECK(cosine(1000) == doctest::Approx(0.1));
        for (int epoch = 4; epoch < 104; ++epoch) {
            CHECK(cosine(epoch + 1) < cosine(epoch));
        }
    }

    TEST_CASE("schedules: each has a kind") {
        CHECK(std::string_view(tocsin::constant_rate::kind) == "constant");
        CHECK(std::string_view(tocsin::step_decay::kind) == "step");
        CHECK(std::string_view(tocsin::exponential_decay::kind) == "exponential");
        CHECK(std::string_view(tocsin::cosine_decay::kind) == "cosine");
    }
}
