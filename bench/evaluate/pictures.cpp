#include "pictures.hpp"

#include "tocsin/metrics/row_ranges.hpp"

#include "support/plot_panels.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <sstream>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::row_range;

/// Columns of a panel, which is 800 pixels wide; more make large files.
constexpr index_t most_columns = 550;
constexpr double narrowest = 4e-3; ///< part of the width below which runs would be invisible
constexpr double far_above = 20;   ///< thresholds; a higher score needs a logarithmic axis

/// The rows `[begin, end)` that share a column of pixels, for each column.
template <class Visit>
void for_each_column(index_t rows, Visit&& visit) {
    const index_t columns = std::min(rows, most_columns);
    for (index_t k = 0; k < columns; ++k) {
        visit(row_range{k * rows / columns, (k + 1) * rows / columns});
    }
}

/// Lines `row value`, those of the lowest and of the highest value of each column, in order of
/// rows. A column without a finite value is a gap.
void write_extremes(std::ostream& data, const std::vector<double>& values, index_t first) {
    const auto at = [&](index_t t) { return values[static_cast<std::size_t>(t)]; };
    for_each_column(static_cast<index_t>(values.size()), [&](const row_range& column) {
        index_t lowest = -1;
        index_t highest = -1;
        for (index_t t = column.begin; t < column.end; ++t) {
            if (std::isfinite(at(t))) {
                lowest = lowest < 0 || at(t) < at(lowest) ? t : lowest;
                highest = highest < 0 || at(t) > at(highest) ? t : highest;
            }
        }
        if (lowest < 0) {
            data << '\n';
            return;
        }
        data << first + std::min(lowest, highest) << ' ' << at(std::min(lowest, highest)) << '\n';
        if (lowest != highest) {
            data << first + std::max(lowest, highest) << ' ' << at(std::max(lowest, highest))
                 << '\n';
        }
    });
}

/// Runs of nonzero flags, wide enough to be seen.
std::vector<std::array<double, 2>> visible_runs(const std::vector<std::uint8_t>& flags,
                                                index_t first) {
    const auto size = static_cast<double>(flags.size());
    const auto begin = static_cast<double>(first);
    std::vector<std::array<double, 2>> runs;
    tocsin::for_each_run(flags, [&](const row_range& run) {
        const double middle = static_cast<double>(run.begin + run.end - 1) / 2;
        const double half = std::max(static_cast<double>(run.size()), narrowest * size) / 2;
        const double left = begin + std::max(middle - half, 0.0);
        const double right = begin + std::min(middle + half, size - 1);
        if (!runs.empty() && left <= runs.back()[1]) {
            runs.back()[1] = right;
        } else {
            runs.push_back({left, right});
        }
    });
    return runs;
}

struct extent {
    double lowest = std::numeric_limits<double>::infinity();
    double highest = -std::numeric_limits<double>::infinity();

    explicit extent(const std::vector<double>& values) {
        for (const double value : values) {
            lowest = std::isfinite(value) ? std::min(lowest, value) : lowest;
            highest = std::isfinite(value) ? std::max(highest, value) : highest;
        }
    }
};

/// Inside single quotes.
std::string quoted(const std::string& text) {
    std::string doubled;
    for (const char character : text) {
        doubled.append(character == '\'' ? 2 : 1, character);
    }
    return doubled;
}

/// A name at the left of a panel, at a fixed position. Nothing in the text is markup.
std::string side_label(int tag, const std::string& text, double height) {
    std::ostringstream script;
    script << "set label " << tag << " '" << quoted(text) << "' at screen 0.014," << height
           << " center rotate noenhanced\n";
    return script.str();
}

/// The y axis of a panel, even if all values are equal.
std::string linear_axis(double lowest, double highest) {
    if (!(lowest < highest)) {
        const double around = 0.5 * std::max(std::abs(lowest), 1.0);
        return linear_axis(lowest - around, lowest + around);
    }
    std::ostringstream script;
    script << "set ytics " << support::tic_step(Eigen::Vector2d(lowest, highest))
           << "\nset yrange [" << lowest << ':' << highest << "]\n";
    return script.str();
}

} // namespace

tocsin::result<pictures> pictures::create(const std::filesystem::path& path) {
    auto folder = support::plot_folder::create(path);
    if (!folder) {
        return folder.error();
    }
    if (!folder->draws()) {
        return tocsin::status::error(tocsin::error_code::io_error,
                                     "pictures need gnuplot, which is not installed");
    }
    return pictures{std::move(*folder)};
}

tocsin::status pictures::draw(const scored_rows& rows) const {
    const extent values(rows.values);
    const extent scores(rows.scores);
    if (!(values.lowest <= values.highest) || !(scores.lowest <= scores.highest)) {
        return {}; // not one number
    }
    const bool logarithmic = rows.threshold > 0 && scores.highest > far_above * rows.threshold;
    std::vector<double> shown = rows.scores;
    if (logarithmic) {
        for (double& score : shown) {
            score = std::max(score, 1e-2 * rows.threshold); // NaN stays
        }
    }
    const auto labelled = visible_runs(rows.labels, rows.first);
    const auto flagged = visible_runs(rows.flags, rows.first);

    std::ostringstream data;
    data << "# row, value\n";
    write_extremes(data, rows.values, rows.first);
    data << "\n\n# row, score\n";
    write_extremes(data, shown, rows.first);
    data << "\n\n# flagged rows\n";
    for (const auto& run : flagged) {
        data << run[0] << " 0.96\n" << run[1] << " 0.96\n\n";
    }

    std::string name = rows.file;
    std::replace(name.begin(), name.end(), '/', '_');
    std::replace(name.begin(), name.end(), '\'', '_');
    const auto last = rows.first + static_cast<index_t>(rows.values.size()) - 1;
    constexpr std::array<double, 2> heights{1, 1};
    const double margin = 0.05 * (values.highest - values.lowest);
    std::ostringstream script;
    script << "set multiplot\nset xrange [" << rows.first << ':' << last << "]\n";
    for (const auto& run : labelled) {
        script << "set object rectangle from " << run[0] << ",graph 0 to " << run[1]
               << ",graph 1 behind fc rgb shade fs solid 1 noborder\n";
    }
    // Long names would reach into the key.
    script << support::heading(quoted(rows.file)) << "set label 1 noenhanced font ',"
           << (rows.file.size() > 44 ? 12 : 16) << "'\n"
           << side_label(2, rows.feature, 0.725) << side_label(3, "score", 0.3)
           << support::panel(heights, 0)
           << linear_axis(values.lowest - margin, values.highest + margin) << "plot '" << name
           << ".dat' index 0 with lines lt 1 lw 1"
           << ", NaN with boxes fs solid 1 noborder lc rgb shade title 'labelled'"
              ", NaN with lines lw 5 lc rgb orange title 'flagged'"
              ", NaN with lines dt 2 lw 1.5 lc rgb grey title 'threshold'\n"
           << "unset label\n"
           << support::panel(heights, 1) << "set xlabel '" << quoted(rows.row)
           << "' noenhanced\nset y2range [0:1]\n";
    // Room for the flags above the scores.
    const double highest =
        std::isfinite(rows.threshold) ? std::max(scores.highest, rows.threshold) : scores.highest;
    const double lowest = extent(shown).lowest;
    if (logarithmic) {
        const double decades = std::log10(highest / std::min(lowest, 0.5 * rows.threshold));
        script << "set logscale y\nset format y '10^{%L}'\nset ytics " << (decades > 4 ? 100 : 10)
               << "\nset yrange [" << std::min(lowest, 0.5 * rows.threshold) << ':'
               << highest * std::pow(10, 0.15 * decades) << "]\n";
    } else {
        script << linear_axis(std::min(lowest, 0.0), 1.15 * highest);
    }
    script << "plot '" << name << ".dat' index 1 with lines lw 1 lc rgb '#000000'";
    if (!flagged.empty()) {
        script << ", '' index 2 axes x1y2 with lines lw 5 lc rgb orange";
    }
    if (std::isfinite(rows.threshold)) {
        script << ", " << support::number(rows.threshold) << " with lines dt 2 lw 1.5 lc rgb grey";
    }
    script << "\nunset multiplot\n";
    return folder_.draw(name, data.str(), script.str(), 440);
}

} // namespace evaluate
