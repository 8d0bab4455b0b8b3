#include "report.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace evaluate {
namespace {

constexpr int column_width = 9;

nlohmann::ordered_json to_json(const metrics& values) {
    auto object = nlohmann::ordered_json::object();
    for (const metric_format& format : metric_formats) {
        const auto value = values.*format.value;
        if (value && format.count) {
            object[format.name] = static_cast<std::int64_t>(*value);
        } else if (value) {
            object[format.name] = *value;
        }
    }
    return object;
}

std::string padded(const std::string& text, std::size_t width) {
    return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

} // namespace

std::string table(const suite& which, const suite_result& outcome) {
    std::vector<named_metrics> lines;
    for (const file_result& file : outcome.files) {
        lines.push_back({file.file, file.values});
        for (const named_metrics& other : file.published) {
            lines.push_back({"  " + other.name, other.values});
        }
    }
    const std::size_t total = lines.size();
    lines.push_back({"total", outcome.totals});
    for (const named_metrics& other : outcome.published) {
        lines.push_back({"  " + other.name, other.values});
    }

    std::size_t width = 0;
    for (const named_metrics& line : lines) {
        width = std::max(width, line.name.size());
    }
    std::vector<metric_format> columns;
    for (const metric_format& format : metric_formats) {
        if (std::any_of(lines.begin(), lines.end(), [&](const named_metrics& line) {
                return (line.values.*format.value).has_value();
            })) {
            columns.push_back(format);
        }
    }

    std::string text = padded(which.name, width);
    char cell[32];
    for (const metric_format& column : columns) {
        std::snprintf(cell, sizeof cell, "%*s", column_width, column.column);
        text += cell;
    }
    text += '\n';
    for (std::size_t k = 0; k < lines.size(); ++k) {
        if (k == total) {
            text += std::string(width + column_width * columns.size(), '-') + '\n';
        }
        text += padded(lines[k].name, width);
        for (const metric_format& column : columns) {
            const auto value = lines[k].values.*column.value;
            if (value) {
                std::snprintf(cell, sizeof cell, "%*.*f", column_width, column.digits,
                              *value * column.factor);
            } else {
                std::snprintf(cell, sizeof cell, "%*s", column_width, "-");
            }
            text += cell;
        }
        text += '\n';
    }
    return text;
}

nlohmann::ordered_json to_json(const suite& which, const suite_result& outcome, std::uint64_t seed,
                               double seconds) {
    auto files = nlohmann::ordered_json::array();
    for (const file_result& file : outcome.files) {
        nlohmann::ordered_json entry{{"file", file.file}};
        entry.update(to_json(file.values));
        files.push_back(std::move(entry));
    }
    return {{"suite", which.name},          {"seed", seed},
            {"settings", outcome.settings}, {"seconds", seconds},
            {"files", std::move(files)},    {"totals", to_json(outcome.totals)}};
}

} // namespace evaluate
