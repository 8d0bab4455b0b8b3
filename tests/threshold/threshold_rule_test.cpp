#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

/// The smallest rule: everything positive is anomalous.
struct positive {
    static constexpr const char* kind = "positive";
    tocsin::status fit(std::span<const double>, std::span<const std::uint8_t>) { return {}; }
    double threshold() const noexcept { return 0; }
};

// Almost the same, each without one thing that is required.
struct without_kind {
    tocsin::status fit(std::span<const double>, std::span<const std::uint8_t>) { return {}; }
    double threshold() const noexcept { return 0; }
};
struct kind_is_a_number : positive {
    static constexpr int kind = 1;
};
struct cannot_be_copied : positive {
    std::unique_ptr<int> memory;
};
struct fit_says_nothing : positive {
    void fit(std::span<const double>, std::span<const std::uint8_t>) {}
};
struct fit_without_labels : positive {
    tocsin::status fit(std::span<const double>) { return {}; }
};
struct threshold_may_throw : positive {
    double threshold() const { return 0; }
};
struct threshold_is_not_const : positive {
    double threshold() noexcept { return 0; }
};
struct threshold_is_a_float : positive {
    float threshold() const noexcept { return 0; }
};

static_assert(tocsin::threshold_rule<positive>);
static_assert(!tocsin::threshold_rule<without_kind>);
static_assert(!tocsin::threshold_rule<kind_is_a_number>);
static_assert(!tocsin::threshold_rule<cannot_be_copied>);
static_assert(!tocsin::threshold_rule<fit_says_nothing>);
static_assert(!tocsin::threshold_rule<fit_without_labels>);
static_assert(!tocsin::threshold_rule<threshold_may_throw>);
static_assert(!tocsin::threshold_rule<threshold_is_not_const>);
static_assert(!tocsin::threshold_rule<threshold_is_a_float>);
static_assert(!tocsin::threshold_rule<double>);
static_assert(tocsin::threshold_rule<tocsin::f_beta_threshold>);
static_assert(tocsin::threshold_rule<tocsin::manual_threshold>);
static_assert(tocsin::threshold_rule<tocsin::quantile_threshold>);
static_assert(tocsin::threshold_rule<tocsin::sigma_threshold>);
static_assert(tocsin::threshold_rule<tocsin::epsilon_threshold>);
static_assert(tocsin::threshold_rule<tocsin::spot_threshold>);
static_assert(tocsin::threshold_rule<tocsin::drift_spot_threshold>);

struct learns_from_a_stream : positive {
    void push(double) noexcept {}
};
struct learning_may_throw : positive {
    void push(double) {}
};
struct no_rule_but_learns {
    void push(double) noexcept {}
};
static_assert(tocsin::adapting_rule<learns_from_a_stream>);
static_assert(!tocsin::adapting_rule<positive>);
static_assert(!tocsin::adapting_rule<learning_may_throw>);
static_assert(!tocsin::adapting_rule<no_rule_but_learns>);
static_assert(!tocsin::adapting_rule<tocsin::f_beta_threshold>);
static_assert(!tocsin::adapting_rule<tocsin::manual_threshold>);
static_assert(!tocsin::adapting_rule<tocsin::quantile_threshold>);
static_assert(!tocsin::adapting_rule<tocsin::sigma_threshold>);
static_assert(!tocsin::adapting_rule<tocsin::epsilon_threshold>);
static_assert(tocsin::adapting_rule<tocsin::spot_threshold>);
static_assert(tocsin::adapting_rule<tocsin::drift_spot_threshold>);

const std::vector<double> some_scores{0.5, 1, 2, 30};
const std::vector<std::uint8_t> some_labels{0, 0, 0, 1};

/// What a detector does with a rule.
template <tocsin::threshold_rule Rule>
bool flags(Rule rule, double score) {
    REQUIRE(rule.fit(some_scores, some_labels).ok());
    const Rule& fitted = rule;
    return score > fitted.threshold();
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE_TEMPLATE("threshold rule: every rule serves the same caller", Rule,
                       tocsin::f_beta_threshold, tocsin::quantile_threshold,
                       tocsin::sigma_threshold, tocsin::epsilon_threshold, positive) {
        CHECK(flags(Rule{}, 1e6));
        CHECK_FALSE(flags(Rule{}, -1));
    }

    TEST_CASE_TEMPLATE("threshold rule: fitted rules decide strictly above their threshold", Rule,
                       tocsin::f_beta_threshold, tocsin::quantile_threshold,
                       tocsin::sigma_threshold) {
        Rule rule;
        CHECK(rule.threshold() == infinity);
        CHECK_FALSE(rule.exceeds(1e300));
        REQUIRE(rule.fit(some_scores, some_labels).ok());
        const double threshold = rule.threshold();
        CHECK(threshold < 30);
        CHECK(rule.exceeds(30));
        CHECK(rule.exceeds(std::nextafter(threshold, infinity)));
        CHECK_FALSE(rule.exceeds(threshold));
        CHECK_FALSE(rule.exceeds(not_a_number));
        CHECK(rule.exceeds(infinity));
    }

    TEST_CASE_TEMPLATE("threshold rule: unusable scores are refused and leave no threshold", Rule,
                       tocsin::f_beta_threshold, tocsin::quantile_threshold,
                       tocsin::sigma_threshold) {
        Rule rule;
        REQUIRE(rule.fit(some_scores, some_labels).ok());
        CHECK(rule.fit({}, {}).code() == tocsin::error_code::invalid_data);
        CHECK_FALSE(rule.fitted());
        CHECK(rule.threshold() == infinity);

        REQUIRE(rule.fit(some_scores, some_labels).ok());
        for (const double bad : {not_a_number, infinity, -infinity}) {
            const std::vector<double> scores{0.5, 1, bad, 30};
            const tocsin::status outcome = rule.fit(scores, some_labels);
            CHECK(outcome.code() == tocsin::error_code::invalid_data);
            CHECK(std::string_view{outcome.message()}.find(": score 2 is ") !=
                  std::string_view::npos);
            CHECK_FALSE(rule.exceeds(1e300));
        }
        const std::vector<std::uint8_t> too_few{0, 1};
        const tocsin::status outcome = rule.fit(some_scores, too_few);
        CHECK(outcome.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string_view{outcome.message()}.ends_with(": 4 scores but 2 labels"));
    }

    TEST_CASE_TEMPLATE("threshold rule: loading restores threshold and settings", Rule,
                       tocsin::f_beta_threshold, tocsin::quantile_threshold,
                       tocsin::sigma_threshold) {
        Rule original(0.7);
        Rule loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK_FALSE(loaded.fitted());
        REQUIRE(original.fit(some_scores, some_labels).ok());
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK(loaded.threshold() == original.threshold());
        REQUIRE(loaded.fit(some_scores, some_labels).ok()); // with the loaded settings
        CHECK(loaded.threshold() == original.threshold());

        auto broken = tocsin_test::save(original);
        broken["threshold"] = {not_a_number};
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        CHECK_FALSE(loaded.exceeds(1e300));
    }
}
