#include "gecco_data.hpp"

#include "tocsin/io/csv.hpp"
#include "tocsin/io/date_time.hpp"
#include "tocsin/series/calendar.hpp"
#include "tocsin/series/scalers/robust_scaler.hpp"
#include "tocsin/series/split.hpp"

#include "suite.hpp"
#include "text_table.hpp"
#include <algorithm>
#include <cmath>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::matrix;
using tocsin::status;

constexpr index_t rows_of_day = 24 * 60;

/// The dates at which the parts of a recording end.
struct split_dates {
    double ends[3] = {};
};

tocsin::result<split_dates> dates_of(const text_table& splits, std::size_t row) {
    split_dates read;
    constexpr const char* columns[] = {"train_end", "validation_end", "test_end"};
    for (std::size_t k = 0; k < 3; ++k) {
        const std::string& text = splits.text(row, columns[k]);
        const auto time = tocsin::parse_date_time(text);
        if (!time || !time->has_date) {
            return status::error(tocsin::error_code::format_error, "splits.csv: row ", row + 1,
                                 " has '", text, "' in column '", columns[k], "', expected a date");
        }
        read.ends[k] = time->seconds;
    }
    return read;
}

/// Missing values are replaced by those of the previous row, or by 0 (the median) if there is none.
void hold_and_squeeze(matrix<double>& values) {
    for (index_t t = 0; t < values.cols(); ++t) {
        for (index_t k = 0; k < values.rows(); ++k) {
            double& value = values(k, t);
            value = std::isfinite(value) ? std::asinh(value) : t > 0 ? values(k, t - 1) : 0.0;
        }
    }
}

/// Levels drift from week to week, so networks see the difference from the mean of the last day.
matrix<float> changes_of(const matrix<double>& values) {
    tocsin::column<double> sum = tocsin::column<double>::Zero(values.rows());
    matrix<float> changes(values.rows(), values.cols());
    for (index_t t = 0; t < values.cols(); ++t) {
        sum += values.col(t);
        if (t >= rows_of_day) {
            sum -= values.col(t - rows_of_day);
        }
        const auto count = static_cast<double>(std::min(t + 1, rows_of_day));
        changes.col(t) = (values.col(t) - sum / count).cast<float>();
    }
    return changes;
}

tocsin::result<gecco_series> read_series(const std::filesystem::path& file,
                                         const split_dates& dates) {
    auto text = tocsin::read_file(file);
    if (!text) {
        return text.error();
    }
    auto read = tocsin::parse_csv_recording<double>(*text, file);
    if (!read) {
        return read.error();
    }
    if (read->times.empty() || read->series.labels.empty()) {
        return status::error(tocsin::error_code::invalid_data, file.filename().string(),
                             ": needs timestamps and labels");
    }
    const auto ends = tocsin::rows_at_times(read->times, dates.ends);
    if (!ends) {
        return ends.error();
    }
    gecco_series made;
    made.name = file.filename().string();
    made.train_end = (*ends)[0];
    made.validation_end = (*ends)[1];
    made.test_end = (*ends)[2];
    const index_t least = 2 * gecco_window;
    if (made.train_end < least || made.validation_end - made.train_end < least ||
        made.test_end - made.validation_end < least) {
        return status::error(tocsin::error_code::invalid_data, made.name, ": parts end at rows ",
                             made.train_end, ", ", made.validation_end, " and ", made.test_end,
                             "; each needs ", least, " rows");
    }
    tocsin::robust_scaler<double> scaler;
    matrix<double>& values = read->series.values;
    if (const status fitted = scaler.fit(matrix<double>(values.leftCols(made.train_end)));
        !fitted) {
        return in_file(made.name, fitted);
    }
    scaler.transform(values);
    hold_and_squeeze(values);
    made.values = values.cast<float>();
    made.changes = changes_of(values);
    made.labels = std::move(read->series.labels);
    made.events = tocsin::runs_of(made.labels);
    const auto calendar =
        tocsin::with_calendar(matrix<float>(0, made.rows()), std::span<const double>(read->times));
    if (!calendar) {
        return calendar.error();
    }
    // A time that cannot be read becomes the centre of the circle.
    made.calendar = calendar->array().isFinite().select(*calendar, 0.0F);
    return made;
}

} // namespace

matrix<float> gecco_series::inputs(bool with_calendar) const {
    if (!with_calendar) {
        return changes;
    }
    matrix<float> both(changes.rows() + calendar.rows(), rows());
    both << changes, calendar;
    return both;
}

tocsin::result<std::vector<gecco_series>> read_gecco(const std::filesystem::path& directory) {
    const auto splits = text_table::read(directory / "splits.csv");
    if (!splits) {
        return splits.error();
    }
    if (const status usable = splits->require({"file", "train_end", "validation_end", "test_end"});
        !usable) {
        return usable;
    }
    std::vector<gecco_series> all;
    for (std::size_t row = 0; row < splits->rows(); ++row) {
        const auto dates = dates_of(*splits, row);
        if (!dates) {
            return dates.error();
        }
        auto read = read_series(directory / splits->text(row, "file"), *dates);
        if (!read) {
            return read.error();
        }
        if (splits->rows() > 1) {
            read->name += ", until " + splits->text(row, "test_end");
        }
        all.push_back(*std::move(read));
    }
    return all;
}

series_parts parts_by_series(const gecco_series& data, int most) {
    series_parts parts;
    std::vector<index_t> begins; // of series of events
    index_t last_end = 0;
    for (const tocsin::row_range& event : data.events) {
        if (event.end > data.train_end) {
            break;
        }
        if (begins.empty() || event.begin - last_end > rows_of_day) {
            // Halfway between two series.
            begins.push_back(begins.empty() ? 0 : (last_end + event.begin) / 2);
        }
        last_end = event.end;
    }
    parts.count = std::min(most, static_cast<int>(begins.size()));
    parts.of_row.resize(static_cast<std::size_t>(data.train_end), 0);
    for (std::size_t k = 1; k < begins.size() && parts.count > 1; ++k) {
        std::fill(parts.of_row.begin() + begins[k], parts.of_row.end(),
                  static_cast<int>(k) % parts.count);
    }
    return parts;
}

matrix<float> window_statistics(const matrix<float>& values, index_t begin, index_t end) {
    constexpr int kinds = 6;
    const index_t sensors = values.rows();
    const index_t count = std::max<index_t>(end - begin - gecco_window + 1, 0);
    matrix<float> all(kinds * sensors, count);
    std::vector<float> sorted(gecco_window);
    for (index_t k = 0; k < count; ++k) {
        for (index_t s = 0; s < sensors; ++s) {
            const auto window = values.row(s).segment(begin + k, gecco_window);
            const float mean = window.mean();
            const float last = window(gecco_window - 1);
            const float step = (window.tail(gecco_window - 1) - window.head(gecco_window - 1))
                                   .cwiseAbs()
                                   .maxCoeff();
            for (int t = 0; t < gecco_window; ++t) {
                sorted[static_cast<std::size_t>(t)] = window(t);
            }
            const auto middle = sorted.begin() + gecco_window / 2;
            std::nth_element(sorted.begin(), middle, sorted.end());
            const float median = (*middle + *std::max_element(sorted.begin(), middle)) / 2;
            all.col(k).segment(kinds * s, kinds) << mean,
                std::sqrt((window.array() - mean).square().mean()), window.minCoeff(),
                window.maxCoeff(), last - median, step;
        }
    }
    return all;
}

} // namespace evaluate
