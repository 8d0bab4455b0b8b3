#include "tocsin/search/search_space.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

using tocsin::search_setting;
using tocsin::search_space;
using tocsin::setting_kind;

TEST_SUITE_BEGIN("search");

TEST_CASE(
    "search space: the unit interval covers a range, on a logarithmic scale where asked for") {
    const search_setting real{"r", setting_kind::real, -2, 6};
    CHECK(real.from_unit(0) == -2);
    CHECK(real.from_unit(1) == 6);
    CHECK(real.from_unit(0.25) == doctest::Approx(0));
    CHECK(real.to_unit(0) == doctest::Approx(0.25));
    const search_setting logarithmic{"l", setting_kind::log_real, 1e-4, 1e-2};
    CHECK(logarithmic.from_unit(0.5) == doctest::Approx(1e-3));
    CHECK(logarithmic.from_unit(0) == 1e-4);
    CHECK(logarithmic.from_unit(1) == 1e-2);
    CHECK(logarithmic.to_unit(1e-3) == doctest::Approx(0.5));
    for (const double outside : {-1.0, 2.0, std::numeric_limits<double>::quiet_NaN(),
                                 std::numeric_limits<double>::infinity()}) {
        CHECK(real.contains(real.from_unit(outside)));
        CHECK(logarithmic.contains(logarithmic.from_unit(outside)));
    }
}

TEST_CASE("search space: each whole number has an equal part of the unit interval") {
    const search_setting integer{"i", setting_kind::integer, 3, 7};
    std::vector<int> counts(8, 0);
    for (int k = 0; k < 1000; ++k) {
        ++counts[static_cast<std::size_t>(integer.from_unit((k + 0.5) / 1000))];
    }
    CHECK(counts == std::vector<int>{0, 0, 0, 200, 200, 200, 200, 200});
    const search_setting logarithmic{"l", setting_kind::log_integer, 1, 256};
    for (int value = 1; value <= 256; ++value) {
        CHECK(logarithmic.from_unit(logarithmic.to_unit(value)) == value);
    }
    CHECK(logarithmic.from_unit(0.5) < 20);
}

TEST_CASE("search space: a point has one coordinate per number and one per choice") {
    search_space space;
    space.add_choice("loss", {"mse", "l1", "huber"})
        .add_integer("hidden", 1, 4)
        .add_real("r", 0, 1);
    REQUIRE(space.check().ok());
    CHECK(space.coordinates() == 5);
    CHECK(space.owners() == std::vector<int>{0, 0, 0, 1, 2});
    tocsin::column<double> a(5);
    tocsin::column<double> b(5);
    space.encode(std::vector<double>{0, 2, 0.5}, a);
    space.encode(std::vector<double>{2, 2, 0.5}, b);
    CHECK((a - b).norm() == doctest::Approx(1));
    space.encode(std::vector<double>{0, 3, 0.5}, b);
    CHECK((a - b).norm() == doctest::Approx(0.25));
    CHECK(space.text(0, 1) == "l1");
    CHECK(space.text(1, 3) == "3");
    CHECK(space.contains(std::vector<double>{2, 4, 1}));
    for (const auto& values : {std::vector<double>{3, 4, 1}, {2, 4.5, 1}, {2, 4, 1.5}, {2, 4}}) {
        CHECK_FALSE(space.contains(values));
    }
}

TEST_CASE("search space: what is wrong with a setting is named") {
    const auto message = [](const search_space& space) {
        const tocsin::status outcome = space.check();
        CHECK_FALSE(outcome.ok());
        CHECK(outcome.code() == tocsin::error_code::invalid_argument);
        return std::string(outcome.message());
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(message(search_space{}) == "search: there are no settings");
    CHECK(message(search_space{}.add_real("", 0, 1)).find("no name") != std::string::npos);
    CHECK(message(search_space{}.add_real("a", 1, 1)).find("'a' goes from 1 to 1") !=
          std::string::npos);
    CHECK(message(search_space{}.add_real("a", nan, 1)).find("nan") != std::string::npos);
    CHECK(message(search_space{}.add_real("a", -1e308, 1e308)).find("1e+308") != std::string::npos);
    CHECK(message(search_space{}.add_log_real("a", 0, 1)).find("from 0; that must be positive") !=
          std::string::npos);
    CHECK(message(search_space{}.add_integer("a", 0.5, 2)).find("0.5") != std::string::npos);
    CHECK(message(search_space{}.add_log_integer("a", 0, 2)).find("positive") != std::string::npos);
    CHECK(message(search_space{}.add_choice("a", {})).find("no choices") != std::string::npos);
    CHECK(message(search_space{}.add_choice("a", {"x", "y", "x"})).find("'x' twice") !=
          std::string::npos);
    CHECK(message(search_space{}.add_real("a", 0, 1).add_integer("a", 0, 1))
              .find("two settings 'a'") != std::string::npos);
}

TEST_SUITE_END();
