#include "tocsin/comparators/one_class_svm.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tocsin;

TEST_SUITE("comparators") {

    static_assert(sample_scorer<one_class_svm>);

    TEST_CASE("one_class_svm: decisions equal scikit-learn's, or it says that libsvm is missing") {
        // sklearn.svm.OneClassSVM(nu=0.2, gamma=0.5, tol=1e-8).fit(X).decision_function(Q)
        matrix<double> values(2, 10);
        for (index_t t = 0; t < 10; ++t) {
            values(0, t) = std::sin(static_cast<double>(t));
            values(1, t) = std::cos(3.0 * static_cast<double>(t));
        }
        one_class_svm machine({.nu = 0.2, .gamma = 0.5, .tolerance = 1e-8});
        const status fitted = machine.fit(values);
        const double queries[3][2] = {{0, 0}, {2, -1}, {0.5, 0.5}};
        if (!one_class_svm::available()) {
            MESSAGE("compiled without libsvm: decisions are skipped");
            CHECK(fitted.code() == error_code::not_ready);
            CHECK(std::isnan(machine.push(queries[0])));
            return;
        }
        REQUIRE(fitted.ok());
        const double expected[3] = {0.18148958882432542, -0.4094136333983946, 0.13361737415138897};
        for (int k = 0; k < 3; ++k) {
            CHECK(machine.push(queries[k]) == doctest::Approx(-expected[k]).epsilon(1e-5));
        }
        const double missing[2] = {0, std::numeric_limits<double>::quiet_NaN()};
        CHECK(std::isnan(machine.push(missing)));
        const one_class_svm copy = machine;
        CHECK(one_class_svm(copy).push(queries[0]) == machine.push(queries[0]));
        const auto off_constant = [](double constant) {
            one_class_svm scaled; // by the variance, of which a constant has none
            REQUIRE(scaled.fit(matrix<double>::Constant(2, 50, constant)).ok());
            const double sample[2] = {constant, constant + 0.5};
            return scaled.push(sample);
        };
        CHECK(off_constant(0.1) == doctest::Approx(off_constant(3)));
        CHECK(!one_class_svm({.nu = 0}).fit(values).ok());
        CHECK(!machine.fit(values.leftCols(1)).ok());
        CHECK(std::isnan(machine.push(queries[0])));
    }
}
