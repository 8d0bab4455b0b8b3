#include "tocsin/core/random.hpp"
#include "tocsin/math/adam_kernel.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using tocsin::index_t;

/// The arrays of one step.
template <class Scalar>
struct step_arrays {
    std::vector<Scalar> parameters, gradients, first, second, largest;

    explicit step_arrays(index_t count) {
        tocsin::random_generator random(3);
        for (index_t k = 0; k < count; ++k) {
            parameters.push_back(static_cast<Scalar>(random.uniform(-1, 1)));
            gradients.push_back(static_cast<Scalar>(random.uniform(-1, 1)));
            first.push_back(static_cast<Scalar>(random.uniform(-1, 1)));
            second.push_back(static_cast<Scalar>(random.uniform(0, 1)));
            largest.push_back(static_cast<Scalar>(random.uniform(0, 1)));
        }
    }
    /// Steps over `count` elements from `offset` on.
    template <int Width>
    void step(index_t offset, index_t count, bool amsgrad) {
        const tocsin::adam_factors<Scalar> factors{.keep1 = Scalar(0.9),
                                                   .take1 = Scalar(0.1),
                                                   .keep2 = Scalar(0.99),
                                                   .take2 = Scalar(0.01),
                                                   .decay = Scalar(0.999),
                                                   .step_size = Scalar(0.05),
                                                   .root_correction = Scalar(1.5),
                                                   .epsilon = Scalar(1e-6)};
        tocsin::adam_update<Width>(factors, count, parameters.data() + offset,
                                   gradients.data() + offset, first.data() + offset,
                                   second.data() + offset,
                                   amsgrad ? largest.data() + offset : nullptr);
    }
};

template <class Scalar>
void check_close(const std::vector<Scalar>& values, const std::vector<Scalar>& expected) {
    for (std::size_t k = 0; k < values.size(); ++k) {
        REQUIRE(std::abs(values[k] - expected[k]) <= 4 * std::numeric_limits<Scalar>::epsilon());
    }
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("adam kernel: wide registers and single scalars agree for every number of "
                       "elements, aligned or not",
                       Scalar, float, double) {
        for (const bool amsgrad : {false, true}) {
            for (index_t count = 0; count <= 67; ++count) {
                for (index_t offset = 0; offset < 3; ++offset) {
                    step_arrays<Scalar> vector(72);
                    step_arrays<Scalar> scalar(72);
                    vector.template step<tocsin::widest_register>(offset, count, amsgrad);
                    scalar.template step<1>(offset, count, amsgrad);
                    check_close(vector.parameters, scalar.parameters);
                    check_close(vector.first, scalar.first);
                    check_close(vector.second, scalar.second);
                    check_close(vector.largest, scalar.largest);
                }
            }
        }
    }

    TEST_CASE_TEMPLATE("adam kernel: single scalars follow the equations", Scalar, float, double) {
        step_arrays<Scalar> arrays(5);
        const step_arrays<Scalar> before(5);
        arrays.template step<1>(0, 5, true);
        for (std::size_t k = 0; k < 5; ++k) {
            const auto g = static_cast<double>(before.gradients[k]);
            const double m = 0.9 * static_cast<double>(before.first[k]) + 0.1 * g;
            const double v = 0.99 * static_cast<double>(before.second[k]) + 0.01 * g * g;
            const double most = std::max(v, static_cast<double>(before.largest[k]));
            const double p = 0.999 * static_cast<double>(before.parameters[k]) -
                             0.05 * m / (std::sqrt(most) * 1.5 + 1e-6);
            CHECK(arrays.first[k] == doctest::Approx(m).epsilon(1e-6));
            CHECK(arrays.second[k] == doctest::Approx(v).epsilon(1e-6));
            CHECK(arrays.largest[k] == doctest::Approx(most).epsilon(1e-6));
            CHECK(arrays.parameters[k] == doctest::Approx(p).epsilon(1e-6));
        }
    }

    TEST_CASE_TEMPLATE("adam kernel: an element's result does not depend on where it stands",
                       Scalar, float, double) {
        step_arrays<Scalar> together(67);
        step_arrays<Scalar> apart(67);
        together.template step<tocsin::widest_register>(0, 67, true);
        for (index_t k = 0; k < 67; ++k) {
            apart.template step<tocsin::widest_register>(k, 1, true);
        }
        CHECK(together.parameters == apart.parameters);
        CHECK(together.first == apart.first);
        CHECK(together.second == apart.second);
        CHECK(together.largest == apart.largest);
    }

    TEST_CASE_TEMPLATE("adam kernel: a gradient that is not a number spoils its parameter alone",
                       Scalar, float, double) {
        for (const bool amsgrad : {false, true}) {
            step_arrays<Scalar> arrays(23);
            arrays.gradients[9] = std::numeric_limits<Scalar>::quiet_NaN();
            arrays.template step<tocsin::widest_register>(0, 23, amsgrad);
            for (std::size_t k = 0; k < 23; ++k) {
                CHECK(std::isnan(arrays.parameters[k]) == (k == 9));
            }
        }
    }
}
