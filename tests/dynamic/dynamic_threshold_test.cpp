#include "tocsin/core/random.hpp"
#include "tocsin/dynamic/dynamic_threshold.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/memory_archive.hpp"
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

/// No smoothing, no warm-up, no buffer rows, so that the choice can be computed by hand.
tocsin::dynamic_threshold_settings plain() {
    tocsin::dynamic_threshold_settings settings;
    settings.batch = 10;
    settings.window = 4;
    settings.smoothing = 1.0 / 40; // a span of 1 row
    settings.buffer = 0;
    settings.warm_up = 0;
    return settings;
}

/// A signal between -1 and 1, errors of 0.1 or 0.12.
std::vector<double> signal(std::size_t rows) {
    std::vector<double> values(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        values[i] = i % 2 == 0 ? -1 : 1;
    }
    return values;
}
std::vector<double> quiet_errors(std::size_t rows) {
    std::vector<double> errors(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        errors[i] = i % 3 == 0 ? 0.12 : 0.1;
    }
    return errors;
}

/// Errors with bursts, to compare two computations.
std::vector<double> busy_errors(std::size_t rows) {
    tocsin::random_generator random(11);
    std::vector<double> errors(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        errors[i] = 0.05 * std::abs(random.normal()) + (i % 410 > 380 && i % 3 != 0 ? 1.0 : 0.0) +
                    (i % 1210 == 1000 ? 5 : 0);
    }
    return errors;
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("dynamic threshold: an isolated burst is found, with its score by hand") {
        auto errors = quiet_errors(40);
        errors[20] = errors[21] = 3;
        const auto found = tocsin::find_dynamic_events(errors, signal(40), plain());
        REQUIRE(found.has_value());
        for (std::size_t i = 0; i < errors.size(); ++i) { // a span of 1 smooths nothing
            CHECK(found->smoothed[i] == doctest::Approx(errors[i]).epsilon(1e-14));
        }
        CHECK(found->events == std::vector<tocsin::row_range>{{20, 22}});
        REQUIRE(found->pieces.size() == 1);
        double mean = 0;
        for (const double error : errors) {
            mean += error / 40;
        }
        double variance = 0;
        for (const double error : errors) {
            variance += (error - mean) * (error - mean) / 40;
        }
        const double deviation = std::sqrt(variance);
        // All z up to the burst separate the same rows; the largest wins. The mirrored errors have
        // no burst, so their z is 12.
        const double z = std::floor((3 - mean) / deviation * 2) / 2;
        CHECK(z == 4);
        const double upper = 3 - (mean + z * deviation);
        const double lower = mean + 12 * deviation - (2 * mean - 3);
        CHECK(found->pieces[0].score ==
              doctest::Approx(std::max(upper, lower) / (mean + deviation)).epsilon(1e-12));
    }

    TEST_CASE("dynamic threshold: rows around an anomalous error belong to it") {
        auto errors = quiet_errors(80);
        errors[50] = errors[55] = 3;
        auto settings = plain();
        settings.buffer = 2;
        settings.window = 8;
        settings.smoothing = 1.0 / 80;
        const auto found = tocsin::find_dynamic_events(errors, signal(80), settings);
        REQUIRE(found.has_value());
        CHECK(found->events == std::vector<tocsin::row_range>{{48, 58}});
    }

    TEST_CASE("dynamic threshold: peaks that hardly stand out are pruned") {
        auto errors = quiet_errors(200);
        auto settings = plain();
        settings.window = 20;
        settings.smoothing = 1.0 / 200;
        errors[60] = errors[61] = 3;
        errors[120] = errors[121] = 2.95;
        const auto both = tocsin::find_dynamic_events(errors, signal(200), settings);
        CHECK(both->events == std::vector<tocsin::row_range>{{60, 62}, {120, 122}});
        // The step from 3 to 2.95 is less than a tenth; the one from 2.95 to 0.12 is 0.959.
        settings.minimum_drop = 0.95;
        CHECK(tocsin::find_dynamic_events(errors, signal(200), settings)->events == both->events);
        settings.minimum_drop = 0.96;
        CHECK(tocsin::find_dynamic_events(errors, signal(200), settings)->events.empty());
        // After a large enough step, the small ones that follow no longer matter.
        errors[60] = errors[61] = 100;
        errors[120] = errors[121] = 3;
        errors[150] = errors[151] = 2.5;
        settings.minimum_drop = 0.96;
        const auto first = tocsin::find_dynamic_events(errors, signal(200), settings);
        CHECK(first->events == std::vector<tocsin::row_range>{{60, 62}});
    }

    TEST_CASE("dynamic threshold: small and constant errors are never anomalous") {
        auto errors = quiet_errors(40);
        errors[20] = errors[21] = 3;
        for (double& error : errors) {
            error *= 0.05 / 3; // the largest is 0.05
        }
        CHECK(tocsin::find_dynamic_events(errors, signal(40), plain())->events.empty());
        for (const double constant : {0.0, 0.7}) {
            const std::vector<double> same(100, constant);
            CHECK(tocsin::find_dynamic_events(same, same, plain())->pieces.empty());
        }
        const std::vector<double> one{4};
        CHECK(tocsin::find_dynamic_events(one, one)->pieces.empty());
    }

    TEST_CASE("dynamic threshold: no rows have no events, wrong numbers are named") {
        const auto none = tocsin::find_dynamic_events({}, {});
        REQUIRE(none.has_value());
        CHECK(none->events.empty());
        const auto values = signal(40);
        const auto errors = quiet_errors(40);
        CHECK(tocsin::find_dynamic_events(errors, signal(39)).error().code() ==
              tocsin::error_code::invalid_argument);
        for (const double bad : {not_a_number, infinity, -0.1}) {
            auto wrong = errors;
            wrong[7] = bad;
            const auto outcome = tocsin::find_dynamic_events(wrong, values);
            CHECK(outcome.error().code() == tocsin::error_code::invalid_data);
            CHECK(std::string_view{outcome.error().message()}.find("row 7 has") !=
                  std::string_view::npos);
        }
        auto wrong = values;
        wrong[39] = not_a_number;
        CHECK_FALSE(tocsin::find_dynamic_events(errors, wrong).has_value());
    }

    TEST_CASE("dynamic threshold: settings out of range are named") {
        const auto name_of_wrong = [](auto change) {
            tocsin::dynamic_threshold_settings settings;
            change(settings);
            return std::string(settings.check().message()).substr(19, 6);
        };
        CHECK(tocsin::dynamic_threshold_settings{}.check().ok());
        CHECK(name_of_wrong([](auto& s) { s.batch = 0; }) == "batch ");
        CHECK(name_of_wrong([](auto& s) { s.window = 0; }) == "window");
        CHECK(name_of_wrong([](auto& s) { s.window = 1 << 30; }) == "window");
        CHECK(name_of_wrong([](auto& s) { s.smoothing = 0; }) == "smooth");
        CHECK(name_of_wrong([](auto& s) { s.buffer = -1; }) == "buffer");
        CHECK(name_of_wrong([](auto& s) { s.minimum_drop = 1; }) == "minimu");
        CHECK(name_of_wrong([](auto& s) { s.minimum_drop = not_a_number; }) == "minimu");
        CHECK(name_of_wrong([](auto& s) { s.warm_up = -1; }) == "warm_u");
        CHECK(name_of_wrong([](auto& s) { s.look_ahead = 0; }) == "look_a");
    }

    TEST_CASE("dynamic threshold stream: finds what the recording's rows have") {
        const std::size_t rows = 4200; // 60 batches
        const auto errors = busy_errors(rows);
        const auto values = signal(rows);
        const auto recording = tocsin::find_dynamic_events(errors, values);
        REQUIRE(recording.has_value());
        REQUIRE(recording->events.size() > 2);

        auto stream = tocsin::dynamic_threshold_stream::make();
        REQUIRE(stream.has_value());
        CHECK(stream->threshold() == infinity);
        std::vector<std::uint8_t> flags(rows, 0);
        std::vector<double> scores;
        int warnings = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            if (stream->push(errors[i], values[i])) {
                const auto judged = stream->judged();
                CHECK(judged.end == static_cast<tocsin::index_t>(i) + 1);
                CHECK(static_cast<tocsin::index_t>(stream->flags().size()) == judged.size());
                std::copy(stream->flags().begin(), stream->flags().end(),
                          flags.begin() + judged.begin);
                for (const auto& piece : stream->pieces()) {
                    scores.push_back(piece.score);
                }
            }
            warnings += stream->above() ? 1 : 0;
        }
        CHECK(tocsin::runs_of(flags) == recording->events);
        REQUIRE(scores.size() == recording->pieces.size());
        for (std::size_t i = 0; i < scores.size(); ++i) {
            CHECK(scores[i] == recording->pieces[i].score);
        }
        CHECK(warnings > 0);
    }

    TEST_CASE("dynamic threshold stream: after loading it continues with the same bits") {
        const std::size_t rows = 3000;
        const auto errors = busy_errors(rows);
        const auto values = signal(rows);
        for (const std::size_t saved_at : {std::size_t{0}, std::size_t{100}, std::size_t{2400}}) {
            auto original = *tocsin::dynamic_threshold_stream::make();
            for (std::size_t i = 0; i < saved_at; ++i) {
                original.push(errors[i], values[i]);
            }
            tocsin::dynamic_threshold_settings other;
            other.batch = 3;
            auto loaded = *tocsin::dynamic_threshold_stream::make(other);
            REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
            CHECK(loaded.threshold() == original.threshold());
            for (std::size_t i = saved_at; i < rows; ++i) {
                const bool judged = original.push(errors[i], values[i]);
                CHECK(loaded.push(errors[i], values[i]) == judged);
                if (judged) {
                    CHECK(std::equal(loaded.flags().begin(), loaded.flags().end(),
                                     original.flags().begin(), original.flags().end()));
                }
            }
            CHECK(loaded.smoothed() == original.smoothed());
            auto broken = tocsin_test::save(original);
            broken["filled"] = {1e6};
            CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
            broken = tocsin_test::save(original);
            broken["batch"] = {0};
            CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        }
    }

    TEST_CASE("dynamic threshold stream: a copy allocates nothing, as the original") {
        const std::size_t rows = 3000;
        const auto errors = busy_errors(rows);
        const auto values = signal(rows);
        const auto original = *tocsin::dynamic_threshold_stream::make();
        auto copy = original;
        auto assigned = *tocsin::dynamic_threshold_stream::make(plain());
        assigned = original;
        CHECK(tocsin_test::allocations_during([&] {
                  for (std::size_t i = 0; i < rows; ++i) {
                      copy.push(errors[i], values[i]);
                      assigned.push(errors[i], values[i]);
                  }
              }) == 0);
        CHECK(copy.threshold() == assigned.threshold());
    }

    TEST_CASE("dynamic threshold stream: rows that are not finite are counted, not obeyed") {
        auto stream = *tocsin::dynamic_threshold_stream::make(plain());
        CHECK_FALSE(stream.push(not_a_number, 1));
        CHECK_FALSE(stream.push(0.1, infinity));
        CHECK_FALSE(stream.push(-1, 1));
        CHECK(stream.rejected() == 3);
        CHECK(stream.smoothed() == 0);
        for (int i = 0; i < 100; ++i) {
            stream.push(i % 7 == 0 ? infinity : 0.1, i % 2 == 0 ? -1 : 1);
        }
        CHECK(stream.smoothed() == doctest::Approx(0.1).epsilon(1e-12));
        CHECK(std::isfinite(stream.threshold()));
        tocsin::dynamic_threshold_settings ahead;
        ahead.look_ahead = 2;
        CHECK_FALSE(tocsin::dynamic_threshold_stream::make(ahead).has_value());
    }
}
