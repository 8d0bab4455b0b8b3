// The corpus of the fuzzers, and simple mutants of it, run by every build.
#include "tocsin/core/random.hpp"
#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "model_input.hpp"
#include "stream_input.hpp"
#include "text_input.hpp"
#include <filesystem>
#include <string>

namespace {

template <class Harness>
void replay(const char* name, int mutants, Harness&& harness, const std::string& seed = {}) {
    tocsin::random_generator random{17};
    const auto run = [&](const std::string& text) {
        harness(
            tocsin_fuzz::input{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    };
    int files = 0;
    const auto attack = [&](const std::string& file) {
        ++files;
        run(file);
        for (int k = 0; k < mutants && !file.empty(); ++k) {
            std::string mutant = file;
            for (std::uint64_t changes = random() % 4 + 1; changes > 0 && !mutant.empty();
                 --changes) {
                const auto at = static_cast<std::size_t>(random() % mutant.size());
                switch (random() % 4) {
                case 0:
                    mutant[at] = static_cast<char>(random());
                    break;
                case 1:
                    mutant.erase(at, static_cast<std::size_t>(random() % 9));
                    break;
                case 2:
                    mutant.insert(at,
                                  mutant.substr(static_cast<std::size_t>(random() % mutant.size()),
                                                static_cast<std::size_t>(random() % 20)));
                    break;
                default:
                    mutant[at] = static_cast<char>(mutant[at] ^ 1 << (random() % 8));
                }
            }
            run(mutant);
        }
    };
    if (!seed.empty()) {
        attack(seed);
    }
    const auto folder =
        std::filesystem::path{TOCSIN_FIXTURE_DIR}.parent_path() / "fuzz" / "corpus" / name;
    std::error_code reason;
    for (const auto& entry : std::filesystem::directory_iterator{folder, reason}) {
        attack(tocsin::read_file(entry.path()).value());
    }
    CHECK(files > 0);
}

} // namespace

TEST_SUITE("fuzz") {
    TEST_CASE("fuzz: CSV, any bytes") {
        replay("csv", 3000, tocsin_fuzz::csv);
    }
    TEST_CASE("fuzz: delimited sequences, any bytes") {
        replay("sequences", 3000, tocsin_fuzz::sequences);
    }
    TEST_CASE("fuzz: threshold rules, any order of operations") {
        replay("thresholds", 300, tocsin_fuzz::thresholds);
    }
    TEST_CASE("fuzz: windows, sketch, likelihood, alarm control, any numbers") {
        replay("streams", 300, tocsin_fuzz::streams);
    }
    TEST_CASE("fuzz: model files, any bytes and right checksums") {
        const std::string seed = tocsin_fuzz::model_seed();
        const auto fixed = tocsin_fuzz::repaired(seed);
        CHECK(tocsin::archive_reader::from_bytes(std::as_bytes(std::span{fixed})).has_value());
        replay("model", 2000, tocsin_fuzz::model, seed);
    }
}
