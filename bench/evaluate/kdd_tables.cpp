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
        kdd_table table{file.filename().string(), std::move(read->values), std::move(read->labels)};
        if (!table.values.allFinite()) {
            return tocsin::status::error(tocsin::error_code::invalid_data, table.name,
                                         ": has missing values");
        }
        if (begins_with(table.name, training_name)) {
            all.training = std::move(table);
            found = true;
        } else if (begins_with(table.name, choice_name)) {
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
        if (table.values.rows() != all.training.values.rows()) {
            return tocsin::status::error(tocsin::error_code::invalid_data, table.name, ": has ",
                                         table.values.rows(), " columns, the training rows ",
                                         all.training.values.rows());
        }
        scaler.transform(table.values);
    }
    return all;
}

} // namespace evaluate
