#include "tocsin/dynamic/dynamic_threshold.hpp"

#include <doctest/doctest.h>

#include "support/data_table.hpp"
#include <cmath>
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

namespace {

/// `4730-4915;5000-5010`, both ends inclusive.
std::vector<tocsin::row_range> ranges_of(const std::string& text) {
    std::vector<tocsin::row_range> ranges;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ';');) {
        const auto dash = part.find('-');
        ranges.push_back({std::stol(part.substr(0, dash)), std::stol(part.substr(dash + 1)) + 1});
    }
    return ranges;
}

std::vector<double> scores_of(const std::string& text) {
    std::vector<double> scores;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ';');) {
        scores.push_back(std::stod(part));
    }
    return scores;
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("dynamic threshold: events and scores are telemanom's on 40 NASA channels") {
        const auto root = tocsin_test::data_directory("golden/telemanom/expected.csv");
        if (!root) {
            return;
        }
        std::string expected_path = *root;
        expected_path.append("golden/telemanom/expected.csv");
        const tocsin_test::data_table expected(expected_path);
        for (std::size_t k = 0; k < expected.rows(); ++k) {
            const std::string& channel = expected.text("channel")[k];
            CAPTURE(channel);
            std::string path = *root;
            path.append("nasa/test/").append(channel).append(".csv");
            const auto values = tocsin_test::data_table(path).numbers("value");

            // The surrogate predictor: the mean of the previous 5 values, from row 250 on.
            tocsin::dynamic_threshold_settings settings;
            settings.look_ahead = 10;
            constexpr std::size_t first = 250;
            const std::size_t rows = values.size() - first - 10;
            CHECK(static_cast<double>(rows) == expected.numbers("n_predictions")[k]);
            std::vector<double> errors;
            for (std::size_t i = first; i < first + rows; ++i) {
                double sum = 0;
                for (std::size_t j = i - 5; j < i; ++j) {
                    sum += values[j];
                }
                errors.push_back(std::abs(sum / 5 - values[i]));
            }
            const auto found = tocsin::find_dynamic_events(
                errors, std::span{values}.subspan(first, rows + 9), settings);
            REQUIRE(found.has_value());

            auto events = ranges_of(expected.text("E_seq_incl_in_test_row_index")[k]);
            CHECK(static_cast<double>(events.size()) == expected.numbers("n_seq")[k]);
            for (auto& event : events) {
                event.begin -= first;
                event.end -= first;
            }
            CHECK(found->events == events);
            const auto scores = scores_of(expected.text("per_window_scores")[k]);
            REQUIRE(found->pieces.size() == scores.size());
            for (std::size_t i = 0; i < scores.size(); ++i) {
                // six digits are printed
                CHECK(found->pieces[i].score ==
                      doctest::Approx(scores[i]).scale(0).epsilon(5.1e-6));
            }
        }
        CHECK(expected.rows() == 40);
    }
}
