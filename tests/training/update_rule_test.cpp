#include "tocsin/training/adam.hpp"
#include "tocsin/training/update_rule.hpp"

#include <doctest/doctest.h>

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
        CHECK(tocsin::update_rule<tocsin::adam, float>);
        CHECK(tocsin::update_rule<tocsin::adam, double>);
        CHECK_FALSE(tocsin::update_rule<rateless_rule>);
        CHECK_FALSE(tocsin::update_rule<throwing_rule>);
    }
}
