// Comparators saved and loaded: what they learned, and what they remember of a stream.
#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/one_class_svm.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/comparators/simple_changes.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/io/byte_archive.hpp"

#include <doctest/doctest.h>

#include "robustness/changed_states.hpp"
#include "support/memory_archive.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

using tocsin_test::check_any_change;
using tocsin_test::check_refused;

namespace {

static_assert(tocsin::savable_scorer<tocsin::isolation_forest>);
static_assert(tocsin::savable_scorer<tocsin::k_means>);
static_assert(tocsin::savable_scorer<tocsin::lagged_value>);
static_assert(tocsin::savable_scorer<tocsin::linear_autoregression>);
static_assert(tocsin::savable_scorer<tocsin::moving_variance>);
static_assert(tocsin::savable_scorer<tocsin::nearest_value_novelty>);
static_assert(tocsin::savable_scorer<tocsin::pca_reconstruction>);
static_assert(tocsin::savable_scorer<tocsin::smoothed_z_score>);
static_assert(tocsin::savable_scorer<tocsin::squared_difference>);

// libsvm's model stays in memory: it judges, but nothing pretends to save it.
template <class Member>
concept exchanges =
    requires(Member member, tocsin::byte_writer archive, typename Member::stream_type stream) {
        member.exchange(archive);
        member.exchange_stream(archive, stream);
        member.identity();
    };
static_assert(!tocsin::savable_scorer<tocsin::one_class_svm>);
static_assert(!exchanges<tocsin::scored_comparator<tocsin::one_class_svm>>);
static_assert(exchanges<tocsin::scored_comparator<tocsin::smoothed_z_score>>);

tocsin::matrix<double> training() {
    return tocsin_test::waves<double>(3, 300, 1);
}
template <class Scorer>
Scorer fitted(Scorer scorer) {
    const auto outcome = scorer.fit(training());
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    return scorer;
}

/// Samples with gaps and jumps, the same for every generator of a seed.
class samples {
  public:
    explicit samples(std::uint64_t seed) : random_(seed) {}
    std::span<const double> next() {
        for (std::size_t k = 0; k < values_.size(); ++k) {
            values_[k] = 10 * static_cast<double>(k) + 2 * random_.normal();
            const bool newest_is_missing = count_ == 0 && k == 1; // what came before it counts
            if (random_.uniform() < 0.02 || newest_is_missing) {
                values_[k] = std::numeric_limits<double>::quiet_NaN();
            } else if (random_.uniform() < 0.01) {
                values_[k] = 1e300 * random_.normal();
            }
        }
        ++count_;
        return values_;
    }

  private:
    tocsin::random_generator random_;
    int count_ = 0;
    std::array<double, 3> values_{};
};

template <class Scorer>
std::vector<double> next_scores(Scorer& scorer, samples source, int count) {
    std::vector<double> scores;
    for (int t = 0; t < count; ++t) {
        scores.push_back(scorer.push(source.next()));
    }
    return scores;
}
template <class Scorer>
std::vector<std::byte> history_of(Scorer& scorer) {
    tocsin::byte_writer archive;
    scorer.exchange_history(archive);
    REQUIRE_MESSAGE(archive.outcome().ok(), archive.outcome().message());
    return archive.bytes();
}
template <class Scorer>
tocsin::status load_history(Scorer& scorer, std::span<const std::byte> bytes) {
    tocsin::byte_reader archive(bytes);
    scorer.exchange_history(archive);
    if (archive.outcome().ok() && archive.remaining() != 0) {
        return tocsin::status::error(tocsin::error_code::format_error, "bytes are left over");
    }
    return archive.outcome();
}

/// What was learned and the history, by way of archives, give the same bits; anything else does not.
/// @param other of other settings, which loading replaces
template <class Scorer>
void check_saved(Scorer scorer, const Scorer& other) {
    CAPTURE(std::string(Scorer::kind));
    scorer = fitted(std::move(scorer));
    Scorer before = scorer;
    next_scores(scorer, samples(7), 500);

    const auto content = tocsin_test::save(scorer);
    for (Scorer loaded : {other, fitted(other)}) {
        const auto outcome = tocsin_test::load(loaded, content);
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
        CHECK(loaded.features() == 3);
        CHECK(tocsin_test::save(loaded) == content);
        Scorer anew = scorer;
        anew.reset();
        CHECK(history_of(loaded) == history_of(before));
        const auto expected = next_scores(anew, samples(8), 1000);
        CHECK(std::count_if(expected.begin(), expected.end(),
                            [](double score) { return std::isfinite(score) && score > 0; }) > 800);
        CHECK(tocsin_test::same_bits(next_scores(loaded, samples(8), 1000), expected));
        loaded.reset();
        CHECK(tocsin_test::same_bits(next_scores(loaded, samples(8), 1000), expected));
    }

    Scorer loaded = other;
    REQUIRE(tocsin_test::load(loaded, content).ok());
    const auto history = history_of(scorer);
    const auto outcome = load_history(loaded, history);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    CHECK(history_of(loaded) == history);
    Scorer here = scorer;
    CHECK(tocsin_test::same_bits(next_scores(loaded, samples(9), 1000),
                                 next_scores(here, samples(9), 1000)));
    int accepted = 0;
    for (std::size_t size = 0; size < history.size(); ++size) {
        Scorer cut = scorer;
        accepted += load_history(cut, std::span(history).first(size)).ok() ? 1 : 0;
    }
    CHECK(accepted == 0);
    for (std::size_t at = 0; at < history.size(); ++at) {
        for (const int mask : {0x01, 0x80, 0xFF}) {
            auto changed = history;
            changed[at] ^= static_cast<std::byte>(mask);
            Scorer attacked = scorer;
            if (load_history(attacked, changed).ok()) {
                next_scores(attacked, samples(10), 3);
            }
        }
    }

    check_any_change(scorer, other, [](Scorer& changed) {
        next_scores(changed, samples(11), 3);
        CHECK((changed.features() >= 0));
    });

    Scorer unfitted = other;
    Scorer replaced = scorer;
    REQUIRE(tocsin_test::load(replaced, tocsin_test::save(unfitted)).ok());
    CHECK(replaced.features() == 0);
    CHECK(std::isnan(replaced.push(samples(1).next())));
}

} // namespace

TEST_SUITE("comparators") {

    TEST_CASE("savable_scorer: lagged_value") {
        check_saved(tocsin::lagged_value(5), tocsin::lagged_value(2));
        auto scorer = fitted(tocsin::lagged_value(5));
        check_refused(scorer, tocsin::lagged_value{},
                      {{"lag", 0},
                       {"lag", -1},
                       {"lag", 16777217},
                       {"features", -1},
                       {"features", 16777217},
                       {"features", 2},
                       {"scale", 0},
                       {"scale", -1},
                       {"scale", std::nan("")},
                       {"mean", std::nan("")},
                       {"mean", 1e308 * 10}});
    }

    TEST_CASE("savable_scorer: linear_autoregression") {
        check_saved(tocsin::linear_autoregression({.order = 4}),
                    tocsin::linear_autoregression({.order = 2, .targets = 1}));
        check_saved(tocsin::linear_autoregression({.order = 3, .targets = 2}),
                    tocsin::linear_autoregression{});
        auto scorer = fitted(tocsin::linear_autoregression({.order = 4, .targets = 2}));
        check_refused(scorer, tocsin::linear_autoregression{},
                      {{"order", 0},
                       {"order", 16777217},
                       {"targets", -1},
                       {"targets", 4},
                       {"relative_ridge", 0},
                       {"relative_ridge", -2},
                       {"features", -1},
                       {"features", 4},
                       {"mean", std::nan("")},
                       {"scale", 0},
                       {"error_scale", -1},
                       {"weights", std::nan("")},
                       {"weights", 1e308}});      // two of them make NaN of a complete sample
        auto content = tocsin_test::save(scorer); // more targets than features, in every number
        content["targets"] = {4};
        content["error_scale"].resize(4, 1.0);
        content["weights"].resize(std::size_t{4} * (3 * 4 + 1), 0.5);
        tocsin::linear_autoregression loaded;
        CHECK(std::string(tocsin_test::load(loaded, content).message()) ==
              "linear_autoregression: targets 4 of 3 features");
    }

    TEST_CASE("savable_scorer: squared_difference, moving_variance") {
        check_saved(tocsin::squared_difference{}, tocsin::squared_difference{});
        check_saved(tocsin::moving_variance(7), tocsin::moving_variance(3));
        auto scorer = fitted(tocsin::moving_variance(7));
        check_refused(scorer, tocsin::moving_variance{},
                      {{"window", 0},
                       {"window", 16777217},
                       {"features", -1},
                       {"features", 4},
                       {"scale", 0},
                       {"scale", std::nan("")}});
    }

    TEST_CASE("savable_scorer: smoothed_z_score") {
        check_saved(tocsin::smoothed_z_score(9), tocsin::smoothed_z_score(2));
        auto scorer = fitted(tocsin::smoothed_z_score(9));
        check_refused(scorer, tocsin::smoothed_z_score{},
                      {{"rows", 0},
                       {"rows", 16777217},
                       {"features", -1},
                       {"features", 2},
                       {"mean", std::nan("")},
                       {"scale", 0}});
        auto other = fitted(tocsin::smoothed_z_score(8)); // of another length
        const auto refused = load_history(other, history_of(scorer));
        CHECK(tocsin_test::says(refused, "history of 9 rows, expected 8"));
    }

    TEST_CASE("savable_scorer: pca_reconstruction") {
        check_saved(tocsin::pca_reconstruction({.explained_variance = 0.6}),
                    tocsin::pca_reconstruction({.scale = false}));
        // All components: no residual, and its limit is infinite.
        check_saved(tocsin::pca_reconstruction({.explained_variance = 1}),
                    tocsin::pca_reconstruction{});
        auto scorer = fitted(tocsin::pca_reconstruction({.explained_variance = 0.6}));
        check_refused(scorer, tocsin::pca_reconstruction{},
                      {{"features", -1},
                       {"features", 2},
                       {"varying", 0},
                       {"varying", 4},
                       {"components", 4},
                       {"components", -1},
                       {"mean", std::nan("")},
                       {"factor", -1},
                       {"variances", 0, 0},
                       {"variances", -1, 0},
                       {"axes", std::nan("")},
                       {"t_squared_limit", 0},
                       {"q_limit", -1}});
    }

    TEST_CASE("savable_scorer: k_means") {
        check_saved(tocsin::k_means({.clusters = 6, .seed = 3}), tocsin::k_means({.clusters = 2}));
        auto scorer = fitted(tocsin::k_means({.clusters = 6}));
        check_refused(scorer, tocsin::k_means{},
                      {{"clusters", 0},
                       {"clusters", 5},
                       {"iterations", 0},
                       {"features", -1},
                       {"centres_found", 0},
                       {"centres_found", 7},
                       {"mean_squared_distance", -1},
                       {"centres", std::nan("")}});
    }

    TEST_CASE("savable_scorer: isolation_forest") {
        check_saved(tocsin::isolation_forest({.trees = 5, .samples = 16, .seed = 2}),
                    tocsin::isolation_forest({.trees = 2}));
        auto scorer = fitted(tocsin::isolation_forest({.trees = 2, .samples = 8}));
        // Numbers of the first node, which has children: feature, left, right, cut.
        check_refused(scorer, tocsin::isolation_forest{},
                      {{"trees", 0},
                       {"samples", 1},
                       {"features", -1},
                       {"features", 16777217},
                       {"normal_length", 0},
                       {"nodes", 0},
                       {"roots", -1},
                       {"roots", 0.5},
                       {"roots", 1000},
                       {"forest", 3, 0},
                       {"forest", -2, 0},
                       {"forest", 0.5, 0},
                       {"forest", 0, 1}, // a path without an end
                       {"forest", 1000, 2},
                       {"forest", 1.5, 2},
                       {"forest", std::nan(""), 3},
                       {"normal_length", 100}});
        // Paths longer than the samples allow, by nodes that share children: a chain from both roots.
        tocsin_test::archive_content chain = tocsin_test::save(scorer);
        constexpr int nodes = 1001;
        chain["nodes"] = {nodes};
        chain["forest"].clear();
        for (int k = 0; k + 1 < nodes; ++k) {
            chain["forest"].insert(chain["forest"].end(), {0, k + 1.0, k + 1.0, 0.5});
        }
        chain["forest"].insert(chain["forest"].end(), {-1, -1, -1, 0});
        chain["roots"] = {0, 0};
        tocsin::isolation_forest loaded;
        CHECK(tocsin_test::says(tocsin_test::load(loaded, chain), "no tree has"));
        chain["roots"] = {0, 1000};
        CHECK(tocsin_test::says(tocsin_test::load(loaded, chain), "no tree has"));
    }

    TEST_CASE("savable_scorer: nearest_value_novelty") {
        check_saved(tocsin::nearest_value_novelty(20), tocsin::nearest_value_novelty(5));
        auto scorer = fitted(tocsin::nearest_value_novelty(20));
        check_refused(scorer, tocsin::nearest_value_novelty{},
                      {{"memory", 1},
                       {"memory", 19},
                       {"memory", 16777217},
                       {"features", -1},
                       {"samples", 1},
                       {"samples", 21},
                       {"learned", 1e101},
                       {"learned", std::nan("")}});
        auto other = fitted(tocsin::nearest_value_novelty(21));
        const auto refused = load_history(other, history_of(scorer));
        CHECK(tocsin_test::says(refused, "history of 20 values, expected 21"));
    }

    TEST_CASE("savable_scorer: settings that cannot be loaded are not saved") {
        tocsin::lagged_value scorer(0);
        tocsin::byte_writer archive;
        archive.object("scorer", scorer);
        CHECK(std::string(archive.outcome().message()) ==
              "lagged_value: lag 0 must lie in [1, 16777216]");
    }

    TEST_CASE("scored_comparator: more features than push() has room for are not judged") {
        const int features = 2000;
        tocsin::random_generator random{1};
        tocsin::matrix<double> rows(features, 60);
        for (double& value : rows.reshaped()) {
            value = random.normal();
        }
        tocsin::squared_difference scorer;
        REQUIRE(scorer.fit(rows).ok());
        tocsin::alarm_rate rule;
        std::vector<double> scores(2000);
        for (double& score : scores) {
            score = -std::log1p(-random.uniform());
        }
        REQUIRE(rule.fit(scores, {}).ok());
        const tocsin::scored_comparator<tocsin::squared_difference, double> comparator(scorer,
                                                                                       rule);
        auto stream = comparator.make_stream();
        const auto verdict = comparator.push(stream, rows.col(0));
        CHECK(verdict.kind == tocsin::verdict_kind::not_ready);
    }
}
