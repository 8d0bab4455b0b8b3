/// @file replay.hpp
/// @brief Runs a harness without a fuzzer: the corpus, seeds, and simple mutants of them.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/io/read_file.hpp"

#include <doctest/doctest.h>

#include "fuzz_input.hpp"
#include "support/fixture_directory.hpp"
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace tocsin_fuzz {

/// @param name of the harness; its corpus is in the folder of this name, if there is one
/// @param mutants of each file and seed
/// @param seeds   further inputs to start from
template <class Harness>
void replay(const char* name, int mutants, Harness&& harness,
            const std::vector<std::string>& seeds = {}) {
    tocsin::random_generator random{17};
    const auto run = [&](const std::string& text) {
        harness(input{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
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
    for (const std::string& seed : seeds) {
        attack(seed);
    }
    const auto folder = tocsin_test::fixture_directory().parent_path() / "fuzz" / "corpus" / name;
    std::error_code reason;
    for (const auto& entry : std::filesystem::directory_iterator{folder, reason}) {
        attack(tocsin::read_file(entry.path()).value());
    }
    CHECK(files > 0);
}

/// Any bytes of this length: for harnesses that give a meaning to every byte.
inline std::vector<std::string> random_inputs(int count, std::size_t length) {
    tocsin::random_generator random{23};
    std::vector<std::string> all(static_cast<std::size_t>(count), std::string(length, '\0'));
    for (std::string& one : all) {
        for (char& byte : one) {
            byte = static_cast<char>(random());
        }
    }
    return all;
}

} // namespace tocsin_fuzz
