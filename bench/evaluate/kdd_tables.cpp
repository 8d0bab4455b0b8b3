#include "kdd_tables.hpp"

#include "tocsin/io/csv.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"

#include <utility>

namespace evaluate {
namespace {

namespace fs = std::filesystem;

/// Beginnings of the names of files with the rows to learn from, and the rows that choose a
/// threshold.
constexpr const char* training_name = "fit_";
constexpr const char* choice_name = "devtest";

/// Puts the columns of a table into the order of others, by their names.
tocsin::status order_like(const kdd_table& training, kdd_table& table) {
    const auto refuse = [&](const std::string& what, const kdd_table& without) {
        return tocsin::status::error(tocsin::error_code::invalid_data, without.name,
                                     ": has no column '", what, "', ",
                                     (&without == &table ? training : table).name, " has it");
    };
    const auto find = [](const std::vector<std::string>& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) - names.begin();
    };
    for (const std::string& name : table.columns) {
        if (find(training.columns, name) == std::ssize(training.columns)) {
            return refuse(name, training);
        }
    }
    tocsin::matrix<double> ordered(training.values.rows(), table.values.cols());
    for (std::size_t k = 0; k < training.columns.size(); ++k) {
        const auto at = find(table.columns, training.columns[k]);
        if (at == std::ssize(table.columns)) {
            return refuse(training.columns[k], table);
        }
        ordered.row(static_cast<tocsin::index_t>(k)) = table.values.row(at);
    }
    table.values = std::move(ordered);
    table.columns = training.columns;
    return {};
}

bool begins_with(const std::string& name, const char* start) {
    return name.rfind(start, 0) == 0;
}

} // namespace

tocsin::result<kdd_data> read_kdd_tables(const fs::path& directory) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (entry.path().extension() == ".csv" && !begins_with(name, "ref_")) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    kdd_data all;
    bool found = false;
    for (const fs::path& file : files) {
        auto read = tocsin::read_csv<double>(file, {.labels = std::vector<std::string>{"target"}});
        if (!read) {
            return read.error();
        }
        kdd_table table{file.filename().string(), std::move(read->values), std::move(read->names),
                        std::move(read->labels)};
        if (!table.values.allFinite()) {
            return tocsin::status::error(tocsin::error_code::invalid_data, table.name,
                                         ": has missing values");
        }
        const auto refuse_second = [&](const kdd_table& first) {
            return tocsin::status::error(tocsin::error_code::invalid_data, directory.string(),
                                         ": both ", first.name, " and ", table.name,
                                         " stand for one part; move one away");
        };
        const bool chooses = !all.judged.empty() && begins_with(all.judged[0].name, choice_name);
        if (begins_with(table.name, training_name)) {
            if (found) {
                return refuse_second(all.training);
            }
            all.training = std::move(table);
            found = true;
        } else if (begins_with(table.name, choice_name)) {
            if (chooses) {
                return refuse_second(all.judged[0]);
            }
            all.judged.insert(all.judged.begin(), std::move(table));
        } else {
            all.judged.push_back(std::move(table));
        }
    }
    if (!found || all.judged.empty() || !begins_with(all.judged.front().name, choice_name) ||
        !all.judged.front().both_classes()) {
        return tocsin::status::error(tocsin::error_code::invalid_data, directory.string(),
                                     ": needs a table ", training_name, "*.csv and a labelled ",
                                     choice_name, "*.csv");
    }
    tocsin::min_max_scaler<double> scaler;
    if (const tocsin::status fitted = scaler.fit(all.training.values); !fitted) {
        return fitted;
    }
    scaler.transform(all.training.values);
    for (kdd_table& table : all.judged) {
        if (const tocsin::status ordered = order_like(all.training, table); !ordered) {
            return ordered;
        }
        scaler.transform(table.values);
    }
    return all;
}

} // namespace evaluate
