#include "tocsin/training/adam.hpp"
#include "tocsin/training/update_rule.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace {

/// Plain gradient descent, the smallest rule.
struct gradient_descent {
    double learning_rate = 0.1;
    tocsin::status check() const { return {}; }
    tocsin::index_t state_size(tocsin::index_t) const { return 0; }
    template <class Scalar>
    void update(std::span<Scalar> parameters, std::span<const Scalar> gradients, std::span<Scalar>,
                std::int64_t, double factor) const noexcept {
        for (std::size_t k = 0; k < parameters.size(); ++k) {
            parameters[k] -= static_cast<Scalar>(learning_rate * factor) * gradients[k];
        }
    }
};

/// For models of doubles only.
struct descent_in_double {
    double learning_rate = 0.1;
    tocsin::status check() const { return {}; }
    tocsin::index_t state_size(tocsin::index_t) const { return 0; }
    void update(std::span<double>, std::span<const double>, std::span<double>, std::int64_t,
                double) const noexcept {}
};

struct rateless_rule {
    tocsin::status check() const { return {}; }
    tocsin::index_t state_size(tocsin::index_t) const { return 0; }
    void update(std::span<float>, std::span<const float>, std::span<float>, std::int64_t,
                double) const noexcept {}
};

struct throwing_rule : rateless_rule {
    double learning_rate = 0.1;
    void update(std::span<float>, std::span<const float>, std::span<float>, std::int64_t,
                double) const {}
};

} // namespace

TEST_SUITE("training") {

    TEST_CASE(
        "update_rule: gradient descent passes; without a rate or with a throwing update, not") {
        CHECK(tocsin::update_rule<gradient_descent>);
        CHECK(tocsin::update_rule<gradient_descent, double>);
        CHECK_FALSE(tocsin::update_rule<descent_in_double, float>);
        CHECK(tocsin::update_rule<descent_in_double, double>);
        CHECK(tocsin::update_rule<descent_in_double>);
        CHECK(tocsin::update_rule<tocsin::adam, float>);
        CHECK(tocsin::update_rule<tocsin::adam, double>);
        CHECK_FALSE(tocsin::update_rule<rateless_rule>);
        CHECK_FALSE(tocsin::update_rule<throwing_rule>);
    }

    TEST_CASE("update_rule: adam has a kind") {
        CHECK(std::string_view(tocsin::adam::kind) == "adam");
    }
}
