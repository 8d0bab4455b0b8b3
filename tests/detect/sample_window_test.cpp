#include "tocsin/detect/sample_window.hpp"
#include "tocsin/io/byte_archive.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <deque>
#include <limits>
#include <string>

using tocsin::sample_window;

TEST_SUITE("detect") {
    TEST_CASE_TEMPLATE("sample window: holds the last samples in order wherever the ring wraps",
                       Scalar, float, double) {
        for (const int length : {1, 2, 3, 7, 16}) {
            for (const int features : {1, 3}) {
                CAPTURE(length);
                CAPTURE(features);
                sample_window<Scalar> window(features, length);
                std::deque<Scalar> expected;
                for (int t = 0; t < 4 * length + 3; ++t) {
                    CHECK(window.full() == (t >= length));
                    tocsin::column<Scalar> sample(features);
                    for (int f = 0; f < features; ++f) {
                        sample(f) = static_cast<Scalar>(100 * t + f);
                        expected.push_back(sample(f));
                    }
                    window.push(sample);
                    if (t + 1 < length) {
                        continue;
                    }
                    REQUIRE(window.full());
                    const auto view = window.view();
                    REQUIRE(view.rows() == features);
                    REQUIRE(view.cols() == length);
                    bool equal = true;
                    for (int k = 0; k < features * length; ++k) { // column-major: time order
                        equal = equal && view.data()[k] == expected[static_cast<std::size_t>(k)];
                    }
                    CHECK(equal);
                    for (int f = 0; f < features; ++f) {
                        expected.pop_front();
                    }
                }
            }
        }
    }

    TEST_CASE("sample window: is empty after clear() and fills up again") {
        sample_window<float> window(1, 2);
        tocsin::column<float> sample(1);
        for (const float value : {1.0F, 2.0F, 3.0F}) {
            sample(0) = value;
            window.push(sample);
        }
        window.clear();
        CHECK_FALSE(window.full());
        sample(0) = 4;
        window.push(sample);
        CHECK_FALSE(window.full());
        sample(0) = 5;
        window.push(sample);
        REQUIRE(window.full());
        CHECK(window.view()(0, 0) == 4);
        CHECK(window.view()(0, 1) == 5);
        CHECK(window.features() == 1);
        CHECK(window.length() == 2);
    }

    TEST_CASE("sample window: a copy goes its own way") {
        sample_window<double> original(1, 1);
        tocsin::column<double> sample(1);
        sample(0) = 1;
        original.push(sample);
        sample_window<double> copy = original;
        sample(0) = 2;
        copy.push(sample);
        CHECK(original.view()(0, 0) == 1);
        CHECK(copy.view()(0, 0) == 2);
        static_assert(noexcept(copy.push(sample)));
        static_assert(noexcept(copy.clear()));
    }

    TEST_CASE("sample window: samples that no model reads are refused with the value") {
        sample_window<float> window(1, 2);
        tocsin::column<float> sample(1);
        sample(0) = 1;
        window.push(sample);
        tocsin::byte_writer saved;
        window.exchange(saved);
        const auto load = [&](float newest) {
            auto bytes = saved.bytes();
            std::memcpy(bytes.data() + bytes.size() - sizeof newest, &newest, sizeof newest);
            tocsin::byte_reader archive(bytes);
            sample_window<float> loaded(1, 2);
            loaded.exchange(archive);
            return std::string(archive.outcome().message());
        };
        CHECK(load(-1e18F).empty());
        CHECK(load(std::numeric_limits<float>::quiet_NaN()).find("nan") != std::string::npos);
        CHECK(load(std::numeric_limits<float>::infinity()).find("inf") != std::string::npos);
        CHECK(load(-1.5e18F).find("-1.5e+18") != std::string::npos);
    }
}
