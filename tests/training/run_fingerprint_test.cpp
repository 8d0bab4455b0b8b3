#include "tocsin/training/run_fingerprint.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

TEST_SUITE("training") {
    TEST_CASE("run_fingerprint: names the first difference") {
        tocsin::run_fingerprint before;
        CHECK(before.empty());
        before.add("scaler", "standard");
        before.add("loss", "mse");
        tocsin::run_fingerprint now;
        now.add("scaler", "standard");
        now.add("loss", "mse");
        CHECK(before.difference(now).empty());
        now.add("seed", "3");
        CHECK(before.difference(now) == "seed was not given, is '3'");
        CHECK(now.difference(before) == "seed was '3', is not given");
        tocsin::run_fingerprint other;
        other.add("scaler", "min_max");
        CHECK(before.difference(other) == "scaler was 'standard', is 'min_max'");
    }

    TEST_CASE("run_fingerprint: one changed sample, another window or order is another run") {
        tocsin::matrix<float> values = tocsin::matrix<float>::Random(2, 40);
        const auto text = [&](int length) {
            tocsin::run_fingerprint run;
            run.add("data", tocsin::make_windows(values, length).value());
            tocsin::run_fingerprint none;
            return none.difference(run);
        };
        const std::string first = text(8);
        CHECK(text(8) == first);
        CHECK(text(9) != first);
        values(1, 20) = std::nextafter(values(1, 20), 9.0F);
        CHECK(text(8) != first);
        values.col(3).swap(values.col(4));
        CHECK(text(8) != first);
    }
}
