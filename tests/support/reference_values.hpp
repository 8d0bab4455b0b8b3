/// @file reference_values.hpp
/// @brief Reads the reference values in tests/fixtures (docs/testing.md says how they are made).
#pragma once

#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"
#include "support/random_values.hpp"
#include <fstream>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace tocsin_test {

/// Largest block_error() allowed against a reference that was computed in double.
template <class Scalar>
inline constexpr double reference_tolerance = std::is_same_v<Scalar, float> ? 1e-5 : 1e-10;

/// The blocks of one file: lines of comment (#), else "name count" followed by the numbers.
class reference_values {
  public:
    explicit reference_values(const std::string& name) {
        const std::string path = (fixture_directory() / (name + ".txt")).string();
        std::ifstream file(path);
        std::string word;
        while (file >> word) {
            if (word[0] == '#') {
                std::getline(file, word);
                continue;
            }
            std::size_t count = 0;
            file >> count;
            std::vector<double>& block = blocks_[word];
            for (double number = 0; block.size() < count && file >> number;) {
                block.push_back(number);
            }
            REQUIRE_MESSAGE(block.size() == count, path << ": block " << word << " is cut");
        }
        REQUIRE_MESSAGE(!blocks_.empty(), path << " cannot be read");
    }

    /// A block as in the file.
    const std::vector<double>& operator[](const std::string& name) const {
        const auto found = blocks_.find(name);
        REQUIRE_MESSAGE(found != blocks_.end(), "no block " << name << " in the reference values");
        return found->second;
    }
    double number(const std::string& name) const { return (*this)[name].at(0); }

    /// A block rounded to another scalar.
    template <class Scalar>
    tocsin::aligned_vector<Scalar> as(const std::string& name) const {
        const std::vector<double>& block = (*this)[name];
        tocsin::aligned_vector<Scalar> values;
        for (const double number : block) {
            values.push_back(static_cast<Scalar>(number));
        }
        return values;
    }

  private:
    std::map<std::string, std::vector<double>> blocks_;
};

} // namespace tocsin_test
