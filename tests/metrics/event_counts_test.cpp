#include "tocsin/metrics/event_counts.hpp"

#include <doctest/doctest.h>

#include "support/data_table.hpp"
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using tocsin::confusion_counts;
using tocsin::event_credit;
using tocsin::row_range;

namespace {

/// In the file, both ends of each pair are inclusive: "[(2130, 2349), (3540, 3679)]".
std::vector<row_range> pairs_in(const std::string& text) {
    std::vector<tocsin::index_t> numbers;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (std::isdigit(static_cast<unsigned char>(text[i])) != 0) {
            numbers.push_back(0);
            for (; i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0; ++i) {
                numbers.back() = 10 * numbers.back() + (text[i] - '0');
            }
        }
    }
    std::vector<row_range> ranges;
    for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) {
        ranges.push_back({numbers[i], numbers[i + 1] + 1});
    }
    return ranges;
}

} // namespace

TEST_SUITE("metrics") {

    TEST_CASE("event counts: an event is detected once, however many overlap it") {
        const std::vector<row_range> truth{{10, 20}, {30, 40}, {50, 60}};
        const std::vector<row_range> predicted{{12, 13}, {15, 25}, {25, 30}, {59, 70}, {80, 81}};
        const auto counts = tocsin::count_events(predicted, truth);
        REQUIRE(counts.has_value());
        CHECK(*counts == confusion_counts{2, 2, 1, 0});
        CHECK(counts->precision() == 0.5);
        CHECK(counts->f_beta(0.5) == doctest::Approx(1.25 * 2 / (1.25 * 2 + 0.25 + 2)));
    }

    TEST_CASE("event counts: one predicted event over several true ones detects the first or all") {
        const std::vector<row_range> truth{{10, 20}, {30, 40}, {50, 60}};
        const std::vector<row_range> all{{0, 100}};
        CHECK(*tocsin::count_events(all, truth) == confusion_counts{1, 0, 2, 0});
        CHECK(*tocsin::count_events(all, truth, event_credit::every) ==
              confusion_counts{3, 0, 0, 0});
        // The second overlaps the same first event, so it is neither a hit nor a false alarm.
        const std::vector<row_range> two{{0, 35}, {12, 60}};
        CHECK(*tocsin::count_events(two, truth) == confusion_counts{1, 0, 2, 0});
        CHECK(*tocsin::count_events(two, truth, event_credit::every) ==
              confusion_counts{3, 0, 0, 0});
    }

    TEST_CASE("event counts: predicted events may come in any order and overlap") {
        const std::vector<row_range> truth{{10, 20}, {30, 40}};
        const std::vector<row_range> predicted{{35, 36}, {0, 5}, {19, 22}, {3, 6}};
        CHECK(*tocsin::count_events(predicted, truth) == confusion_counts{2, 2, 0, 0});
    }

    TEST_CASE("event counts: an event that ends where another begins is not touched") {
        const std::vector<row_range> truth{{10, 20}, {22, 30}};
        const std::vector<row_range> predicted{{20, 25}, {30, 31}};
        CHECK(*tocsin::count_events(predicted, truth) == confusion_counts{1, 1, 1, 0});
    }

    TEST_CASE("event counts: none predicted, none true, neither") {
        const std::vector<row_range> some{{1, 2}, {4, 6}};
        CHECK(*tocsin::count_events({}, some) == confusion_counts{0, 0, 2, 0});
        CHECK(*tocsin::count_events(some, {}) == confusion_counts{0, 2, 0, 0});
        CHECK(*tocsin::count_events({}, {}) == confusion_counts{});
        CHECK(tocsin::count_events({}, some)->f_beta(0.5) == 0);
    }

    TEST_CASE("event counts: empty and unordered events are refused") {
        const std::vector<row_range> good{{1, 2}};
        const std::vector<row_range> empty{{2, 2}};
        const std::vector<row_range> unordered{{5, 7}, {1, 2}};
        CHECK(tocsin::count_events(empty, good).error().code() ==
              tocsin::error_code::invalid_argument);
        CHECK(tocsin::count_events(good, unordered).error().code() ==
              tocsin::error_code::invalid_argument);
        CHECK(tocsin::count_events(unordered, good).has_value());
    }

    TEST_CASE("event counts: the stored run of telemanom, channel by channel") {
        const auto root = tocsin_test::data_directory("nasa/ref/telemanom_per_channel.csv");
        if (!root) {
            return;
        }
        const tocsin_test::data_table run(*root + "nasa/ref/telemanom_per_channel.csv");
        const auto tp = run.numbers("true_positives");
        const auto fp = run.numbers("false_positives");
        const auto fn = run.numbers("false_negatives");
        confusion_counts smap;
        confusion_counts msl;
        for (std::size_t i = 0; i < run.rows(); ++i) {
            CAPTURE(run.text("chan_id")[i]);
            auto predicted = pairs_in(run.text("tp_sequences")[i]);
            for (const row_range& range : pairs_in(run.text("fp_sequences")[i])) {
                predicted.push_back(range);
            }
            auto truth = pairs_in(run.text("anomaly_sequences")[i]);
            std::sort(truth.begin(), truth.end(),
                      [](const auto& a, const auto& b) { return a.begin < b.begin; });
            const auto counts = tocsin::count_events(predicted, truth);
            REQUIRE_MESSAGE(counts.has_value(), counts.error().message());
            CHECK(static_cast<double>(counts->true_positives) == tp[i]);
            CHECK(static_cast<double>(counts->false_positives) == fp[i]);
            CHECK(static_cast<double>(counts->false_negatives) == fn[i]);
            (run.text("spacecraft")[i] == "SMAP" ? smap : msl) += *counts;
        }
        CHECK(smap == confusion_counts{30, 6, 5, 0});
        CHECK(msl == confusion_counts{13, 1, 6, 0});
    }
}
