#include "skab_data.hpp"

#include "tocsin/io/csv.hpp"
#include "tocsin/series/autocorrelation.hpp"

#include "suite.hpp"
#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using recording = tocsin::series<float>;

constexpr const char* label_column = "anomaly";
constexpr const char* change_point_column = "changepoint";

/// Positions of the features whose training rows can say what is normal; all where none can.
tocsin::result<std::vector<int>> usable_features(const recording& all) {
    const auto coefficients =
        tocsin::autocorrelations(all.values.leftCols(skab_training_rows), chosen_skab.window);
    if (!coefficients) {
        return coefficients.error();
    }
    std::vector<int> kept;
    for (int k = 0; k < all.features(); ++k) {
        if (!((*coefficients)[static_cast<std::size_t>(k)] > chosen_skab.largest_autocorrelation)) {
            kept.push_back(k);
        }
    }
    if (kept.empty()) {
        kept.resize(static_cast<std::size_t>(all.features()));
        std::iota(kept.begin(), kept.end(), 0);
    }
    return kept;
}

tocsin::result<recording> read(const fs::path& path) {
    auto all = tocsin::read_csv<float>(
        path, {.labels = std::vector<std::string>{label_column}, .ignore = {change_point_column}});
    if (all && all->time() <= skab_training_rows) {
        return tocsin::status::error(tocsin::error_code::invalid_data, "has ", all->time(),
                                     " rows, the protocol trains on ", skab_training_rows,
                                     " and tests on the rest");
    }
    return all;
}

} // namespace

std::vector<fs::path> find_skab_recordings(const fs::path& root) {
    std::vector<fs::path> found;
    for (const auto& entry : files_below(root)) {
        if (!entry.is_regular_file() || entry.path().extension() != ".csv") {
            continue;
        }
        const auto text = tocsin::read_file(entry.path());
        bool labelled = false;
        if (text) {
            tocsin::text_lines lines{*text, entry.path()};
            const auto header = tocsin::csv_layout::from_header(
                lines.next() ? lines.line() : std::string_view{},
                {.timestamp = "", .labels = std::vector<std::string>{}});
            labelled = header && std::any_of(header->columns().begin(), header->columns().end(),
                                             [](const tocsin::csv_column& column) {
                                                 return column.name == label_column;
                                             });
        }
        if (labelled) {
            found.push_back(entry.path());
        } else {
            progress::note("skipped: " + entry.path().string() + " has no column '" + label_column +
                           "'");
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

tocsin::result<skab_recording> read_skab_recording(const fs::path& path) {
    auto all = read(path);
    if (!all) {
        return all.error();
    }
    auto kept = usable_features(*all);
    if (!kept) {
        return kept.error();
    }
    skab_recording found{std::move(*all), std::move(*kept), {}};
    found.values.resize(static_cast<tocsin::index_t>(found.kept.size()), found.all.time());
    for (tocsin::index_t k = 0; k < found.values.rows(); ++k) {
        found.values.row(k) = found.all.values.row(found.kept[static_cast<std::size_t>(k)]);
    }
    return found;
}

} // namespace evaluate
