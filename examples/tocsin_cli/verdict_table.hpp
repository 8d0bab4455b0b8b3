/// @file verdict_table.hpp
/// @brief Verdicts as a table for people or as CSV.
#pragma once

#include "tocsin/io/csv.hpp"

#include "console.hpp"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tocsin_cli {

enum class output_kind : std::uint8_t { table, csv };

/// Lines of cells below a line of names.
class verdict_table {
  public:
    verdict_table(output_kind kind, std::vector<std::string> names, std::vector<int> widths)
        : csv_{kind == output_kind::csv}, widths_{std::move(widths)} {
        add(names);
    }

    void add(const std::vector<std::string>& cells) {
        for (std::size_t k = 0; k < cells.size(); ++k) {
            if (csv_) {
                text_ += (k > 0 ? "," : "") + tocsin::detail::quoted(cells[k], ',');
            } else {
                const auto width = static_cast<std::size_t>(widths_[k]);
                text_.append(cells[k].size() < width ? width - cells[k].size() : 0, ' ');
                text_ += printable(cells[k]) + (k + 1 < cells.size() ? "  " : "");
            }
        }
        text_ += '\n';
    }
    const std::string& text() const noexcept { return text_; }
    /// The lines since the last call.
    std::string take() { return std::exchange(text_, {}); }

  private:
    bool csv_;
    std::vector<int> widths_;
    std::string text_;
};

} // namespace tocsin_cli
