/// @file data_table.hpp
/// @brief Tables of the data sets in TOCSIN_DATA_DIR, for tests that skip without them.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tocsin_test {

/// The directory, or nothing when TOCSIN_DATA_DIR is not set or has no `probe` in it; the test then
/// says that it is skipped and returns.
inline std::optional<std::string> data_directory(const std::string& probe) {
    const char* const root = std::getenv("TOCSIN_DATA_DIR");
    if (root == nullptr) {
        MESSAGE("skipped: TOCSIN_DATA_DIR is not set");
        return std::nullopt;
    }
    std::string path = root;
    path.append("/");
    if (!std::ifstream(path + probe)) {
        MESSAGE("skipped: TOCSIN_DATA_DIR has no ", probe);
        return std::nullopt;
    }
    return path;
}

/// The columns of a file whose first line has their names. Fields in double quotes may contain
/// commas.
class data_table {
  public:
    explicit data_table(const std::string& path) {
        std::ifstream file(path);
        std::string line;
        std::vector<std::string> names;
        while (std::getline(file, line)) {
            const auto fields = split(line);
            if (names.empty()) {
                names = fields;
                continue;
            }
            REQUIRE_MESSAGE(fields.size() == names.size(), path << ": cut line " << line);
            for (std::size_t i = 0; i < names.size(); ++i) {
                columns_[names[i]].push_back(fields[i]);
            }
            ++rows_;
        }
        REQUIRE_MESSAGE(rows_ > 0, path << " has no rows");
    }

    std::size_t rows() const { return rows_; }

    const std::vector<std::string>& text(const std::string& name) const {
        const auto found = columns_.find(name);
        REQUIRE_MESSAGE(found != columns_.end(), "no column " << name);
        return found->second;
    }
    std::vector<double> numbers(const std::string& name) const {
        std::vector<double> values;
        values.reserve(rows_);
        for (const auto& field : text(name)) {
            values.push_back(std::strtod(field.c_str(), nullptr));
        }
        return values;
    }
    std::vector<std::uint8_t> flags(const std::string& name) const {
        std::vector<std::uint8_t> values;
        values.reserve(rows_);
        for (const auto& field : text(name)) {
            values.push_back(field == "1");
        }
        return values;
    }

  private:
    static std::vector<std::string> split(const std::string& line) {
        std::vector<std::string> fields(1);
        bool quoted = false;
        for (const char character : line) {
            if (character == '"') {
                quoted = !quoted;
            } else if (character == ',' && !quoted) {
                fields.emplace_back();
            } else if (character != '\r') {
                fields.back().push_back(character);
            }
        }
        return fields;
    }

    std::size_t rows_ = 0;
    std::map<std::string, std::vector<std::string>> columns_;
};

} // namespace tocsin_test
