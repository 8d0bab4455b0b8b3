#include "tocsin/detect/model_weights.hpp"
#include "tocsin/detect/window_errors.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/random_values.hpp"
#include "support/small_detectors.hpp"
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <vector>

using tocsin::error_view;
using tocsin::index_t;
using tocsin::missing_value;
using tocsin::scored_steps;
using tocsin::detail::window_cut;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("window cut: vectors of features for each step, or of steps for each feature") {
        // Observed minus predicted is 10 t + f, with alternating sign.
        const int features = 2;
        const int window = 3;
        std::array<float, 6> observed{};
        const std::array<float, 6> prediction{};
        for (int t = 0; t < window; ++t) {
            for (int f = 0; f < features; ++f) {
                observed[static_cast<std::size_t>(t * features + f)] =
                    static_cast<float>((10 * t + f) * (f == 0 ? 1 : -1));
            }
        }
        const auto errors_of = [&](scored_steps scored, error_view view) {
            const window_cut cut{features, window, scored, view};
            std::vector<double> errors(static_cast<std::size_t>(cut.vectors() * cut.vector_size()));
            cut.write(observed.data(), prediction.data(), errors.data());
            return errors;
        };
        using list = std::vector<double>;
        CHECK(errors_of(scored_steps::all, error_view::per_step) == list{0, 1, 10, 11, 20, 21});
        CHECK(errors_of(scored_steps::newest, error_view::per_step) == list{20, 21});
        const list by_feature{0, 10, 20, 1, 11, 21};
        CHECK(errors_of(scored_steps::all, error_view::per_feature) == by_feature);
        CHECK(errors_of(scored_steps::newest, error_view::per_feature) == by_feature);
        observed[5] = not_a_number;
        CHECK(std::isnan(errors_of(scored_steps::newest, error_view::per_step)[1]));
        CHECK(std::isnan(errors_of(scored_steps::all, error_view::per_feature)[5]));
    }

    TEST_CASE("window errors: the window that ends with a sample, wherever the ring wraps") {
        using model = tocsin_test::window_mean<double>;
        for (const int window : {1, 2, 3, 7}) {
            CAPTURE(window);
            const model shape(2);
            tocsin::model_weights<model> weights;
            const std::array<double, 2> constant{0, 0};
            weights.own(shape, constant);
            const tocsin::detail::error_source<model> source(
                shape, {.window = window, .scored = scored_steps::newest});
            CHECK(source.shortest_warm_up() == window - 1);
            std::vector<double> state(static_cast<std::size_t>(source.state_size()));
            std::vector<double> work(static_cast<std::size_t>(source.work_size()));
            std::array<double, 2> errors{};
            std::deque<double> last;
            for (int t = 0; t < 4 * window + 3; ++t) {
                CAPTURE(t);
                const std::array<double, 2> values{static_cast<double>(t * t), 5};
                last.push_back(values[0]);
                if (static_cast<int>(last.size()) > window) {
                    last.pop_front();
                }
                const tocsin::detail::source_sample<double> sample{
                    state, t, values.data(), values.data(), constant.data(), errors.data()};
                const bool complete = source.prepare(sample);
                CHECK(complete == (t + 1 >= window));
                CHECK(source.advances(complete) == complete);
                if (!complete) {
                    continue;
                }
                source.advance(shape, weights, sample, work);
                double mean = 0;
                for (const double value : last) {
                    mean += value / window;
                }
                CHECK(errors[0] == doctest::Approx(values[0] - mean));
                CHECK(errors[1] == doctest::Approx(0));
            }
        }
    }
}
