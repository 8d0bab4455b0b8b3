#include "tocsin/search/search.hpp"
#include "tocsin/search/search_journal.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include <atomic>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

using tocsin::error_code;
using tocsin::result;
using tocsin::running_trial;
using tocsin::search_journal;
using tocsin::search_outcome;
using tocsin::search_settings;
using tocsin::search_space;

namespace {

search_space space_of_three() {
    search_space space;
    space.add_log_real("rate", 1e-4, 1)
        .add_integer("si\"ze\n", 1, 64)
        .add_choice("kind", {"a,b", "c\\d"});
    return space;
}

result<double> objective(running_trial& trial) {
    const double rate = std::log10(trial.real("rate")) + 2;
    const double value = rate * rate + trial.values()[1] / 64 + trial.values()[2];
    if (trial.number() % 6 == 5) {
        return tocsin::status::error(error_code::invalid_data, "\"odd\" number\t", trial.number());
    }
    for (int epoch = 1; epoch <= 4; ++epoch) {
        if (!trial.report(epoch, value + 0.1 / epoch)) {
            break;
        }
    }
    return value;
}

constexpr search_settings settings{
    .trials = 16, .parallel = 2, .seed = 3, .halving = {.first = 1, .factor = 3}};

search_journal journal_in(const std::filesystem::path& path, const search_space& space,
                          const search_settings& how = settings) {
    auto opened = search_journal::open(path, space, how);
    REQUIRE_MESSAGE(opened.has_value(), opened.error().message());
    return *std::move(opened);
}

search_outcome run(const std::filesystem::path& path, int& called) {
    const search_space space = space_of_three();
    std::atomic<int> count = 0;
    auto found = tocsin::search(
        space, settings,
        [&](running_trial& trial) {
            ++count;
            return objective(trial);
        },
        journal_in(path, space));
    REQUIRE_MESSAGE(found.has_value(), found.error().message());
    called = count;
    return *std::move(found);
}

void check_same(const search_outcome& a, const search_outcome& b) {
    REQUIRE(a.trials.size() == b.trials.size());
    CHECK(a.best == b.best);
    for (std::size_t k = 0; k < a.trials.size(); ++k) {
        CHECK(a.trials[k].number == b.trials[k].number);
        CHECK(a.trials[k].values == b.trials[k].values);
        CHECK(a.trials[k].outcome == b.trials[k].outcome);
        CHECK(a.trials[k].reason == b.trials[k].reason);
        REQUIRE(a.trials[k].reports.size() == b.trials[k].reports.size());
        for (std::size_t r = 0; r < a.trials[k].reports.size(); ++r) {
            CHECK(a.trials[k].reports[r].resource == b.trials[k].reports[r].resource);
            CHECK(a.trials[k].reports[r].value == b.trials[k].reports[r].value);
        }
        if (a.trials[k].outcome != tocsin::trial_outcome::failed) {
            CHECK(a.trials[k].value == b.trials[k].value);
        }
    }
}

std::string text_of(const std::filesystem::path& path) {
    const auto read = tocsin::read_file(path);
    REQUIRE(read.has_value());
    return *read;
}

} // namespace

TEST_SUITE_BEGIN("search");

TEST_CASE("search journal: a search that was killed anywhere resumes to the same result") {
    const tocsin_test::temporary_directory folder;
    int called = 0;
    const search_outcome whole = run(folder / "whole.jsonl", called);
    CHECK(called == settings.trials);
    check_same(whole, run(folder / "whole.jsonl", called));
    CHECK(called == 0);

    const std::string content = text_of(folder / "whole.jsonl");
    std::vector<std::size_t> cuts;
    for (std::size_t end = content.find('\n'); end != std::string::npos;
         end = content.find('\n', end + 1)) {
        cuts.insert(cuts.end(), {end, end + 1});
    }
    cuts.insert(cuts.end(), {0, 1, 20, content.size() - 3, content.size() / 2});
    for (const std::size_t cut : cuts) {
        INFO("cut after " << cut << " of " << content.size());
        REQUIRE(tocsin::write_file(folder / "cut.jsonl", content.substr(0, cut)).ok());
        check_same(whole, run(folder / "cut.jsonl", called));
        const std::string again = text_of(folder / "cut.jsonl");
        CHECK(again.substr(0, content.find('\n')) == content.substr(0, content.find('\n')));
        CHECK(std::count(again.begin(), again.end(), '\n') == settings.trials + 1);
    }
    CHECK(folder.count() == 2);
}

TEST_CASE("search journal: another search is refused, and what differs is named") {
    const tocsin_test::temporary_directory folder;
    const auto path = folder / "j.jsonl";
    tocsin::run_fingerprint about;
    about.add("data", "pump.csv");
    REQUIRE(search_journal::open(path, space_of_three(), settings, about).has_value());
    const auto message = [&](const search_space& space, const search_settings& how,
                             const tocsin::run_fingerprint& facts) {
        const auto opened = search_journal::open(path, space, how, facts);
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().code() == error_code::invalid_argument);
        const std::string text = opened.error().message();
        return text.substr(text.find("another search: ") + 16);
    };
    auto other = settings;
    other.seed = 4;
    CHECK(message(space_of_three(), other, about) == "seed was '3', is '4'");
    other = settings;
    other.parallel = 4;
    CHECK(message(space_of_three(), other, about) == "trials at once was '2', is '4'");
    other = settings;
    other.halving = {};
    CHECK(message(space_of_three(), other, about) == "halving was 'from 1 by 3', is 'none'");
    other = settings;
    other.trials = 99; // only how far it goes
    CHECK(search_journal::open(path, space_of_three(), other, about).has_value());

    CHECK(message(space_of_three().add_real("more", 0, 1), settings, about) ==
          "setting 'more' was not given, is 'real from 0 to 1'");
    search_space changed;
    changed.add_log_real("rate", 1e-3, 1)
        .add_integer("si\"ze\n", 1, 64)
        .add_choice("kind", {"a,b", "c\\d"});
    CHECK(message(changed, settings, about) ==
          "setting 'rate' was 'logarithmic real from 1e-04 to 1', is 'logarithmic real from "
          "0.001 to 1'");
    search_space fewer;
    fewer.add_log_real("rate", 1e-4, 1).add_choice("kind", {"a,b", "c\\d"});
    CHECK(message(fewer, settings, about).find("order of settings was 'rate, si\"ze\n, kind'") ==
          0);

    tocsin::run_fingerprint another;
    another.add("data", "fan.csv");
    CHECK(message(space_of_three(), settings, another) == "data was 'pump.csv', is 'fan.csv'");
    CHECK(message(space_of_three(), settings, {}) == "data was 'pump.csv', is not given");
}

TEST_CASE("search journal: damage before the last line is refused with its place") {
    const tocsin_test::temporary_directory folder;
    int called = 0;
    run(folder / "whole.jsonl", called);
    const std::string content = text_of(folder / "whole.jsonl");
    const auto message = [&](std::string_view text) {
        REQUIRE(tocsin::write_file(folder / "bad.jsonl", text).ok());
        const auto opened = search_journal::open(folder / "bad.jsonl", space_of_three(), settings);
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().code() == error_code::format_error);
        CHECK(text_of(folder / "bad.jsonl") == text); // nothing is lost
        const std::string found = opened.error().message();
        return found.substr(found.find("bad.jsonl"));
    };
    const std::size_t first = content.find('\n') + 1;
    const std::size_t second = content.find('\n', first) + 1;
    const std::string line = content.substr(first, second - first);
    std::string damaged = content;
    damaged[first + 3] = '#';
    CHECK(message(damaged).find("bad.jsonl:2: damaged: {\"t#ial\"") == 0);
    CHECK(message(content + line).find("trial 0 is there twice") != std::string::npos);
    CHECK(message("time,value\n1,2\n") == "bad.jsonl:1: this is not the journal of a search");
    CHECK(message("precious notes without an end").find("not the journal") != std::string::npos);

    // Any change of one byte of a line is harmless or found, never a crash.
    for (std::size_t k = 0; k < line.size(); ++k) {
        for (const char byte : {'\0', '"', '9', '\xFF', '}', ','}) {
            std::string other = line;
            other[k] = byte;
            const auto trial = tocsin::detail::trial_of(
                std::string_view(other).substr(0, other.size() - 1), space_of_three());
            CHECK((!trial || space_of_three().contains(trial->values)));
        }
    }
}

TEST_CASE("search journal: a folder that is not there is an error of the file") {
    const tocsin_test::temporary_directory folder;
    const auto opened = search_journal::open(folder / "no" / "j.jsonl", space_of_three(), settings);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == error_code::io_error);
    CHECK(search_journal::open(folder / "", space_of_three(), settings).error().code() ==
          error_code::io_error);
}

TEST_CASE("search journal: a line holds all bits of a trial") {
    const search_space space = space_of_three();
    tocsin::search_trial trial;
    trial.number = 12;
    trial.values = {0.1 + 1e-17 + 0.2, 7, 1};
    trial.outcome = tocsin::trial_outcome::stopped;
    trial.value = 1.0 / 3;
    trial.reports = {{1, -1e-300}, {30, 1.0 / 3}};
    trial.reason = "a \"b\" \\ \x01 \xC3\xA9";
    const auto read = tocsin::detail::trial_of(tocsin::detail::line_of(trial, space), space);
    REQUIRE(read.has_value());
    CHECK(read->values == trial.values);
    CHECK(read->value == trial.value);
    CHECK(read->reports[0].value == -1e-300);
    CHECK(read->reports[1].resource == 30);
    CHECK(read->reason == trial.reason);
}

TEST_SUITE_END();
