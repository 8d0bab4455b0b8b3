/// @file expectation.hpp
/// @brief What to expect of a tuned model, measured on normal rows that it has never seen.
#pragma once

#include "tocsin/core/views.hpp"

#include "model_file.hpp"
#include <string>
#include <vector>

namespace tocsin_cli {

/// Consecutive rows of normal data, `[begin, end)`.
struct row_run {
    tocsin::index_t begin = 0;
    tocsin::index_t end = 0;

    tocsin::index_t size() const noexcept { return end - begin; }
};

/// False alarms on normal rows; consecutive rows are one alarm.
struct false_alarms {
    tocsin::index_t rows = 0; ///< with a score
    tocsin::index_t alarm_rows = 0;
    tocsin::index_t alarms = 0;

    /// Alarms to expect in so many rows.
    double in_rows(double count) const noexcept;
    /// Upper limit of the alarms in so many rows with 95 % confidence, if alarms are independent
    /// (Poisson; Wilson and Hilferty 1931).
    double most_in_rows(double count) const noexcept;
};

/// Judges each run as a stream of its own.
false_alarms count_false_alarms(const model_file& model, const std::string& path,
                                const tocsin::matrix<float>& values,
                                const std::vector<row_run>& runs);

/// The smallest shift of one sensor that a model finds.
struct found_shift {
    double size = 0;       ///< in the unit of the sensor; infinite where none was found
    double deviations = 0; ///< the same in standard deviations of the sensor
    double delay = 0;      ///< rows from its start to the alarm, median over the hits
    double hits = 0;       ///< share of the places where it was found
};

/// How shifts are inserted.
struct shift_settings {
    int places = 20;     ///< tried per size, half of them upwards
    int rows = 30;       ///< that the shift lasts, the time in which it must be found
    double needed = 0.8; ///< share of the places where it must be found
    double largest = 64; ///< that is tried, in standard deviations
    int halvings = 7;    ///< of the range of sizes, on a logarithmic scale, from 1/64 deviation
};

/// Adds constants to one sensor in the middle of normal runs, and looks for the smallest that
/// raises an alarm. Only places without a false alarm count.
/// @param values    `[features x rows]`
/// @param deviation of the sensor; for a constant one the unit that is given in its place
found_shift smallest_shift(const model_file& model, const std::string& path,
                           const tocsin::matrix<float>& values, const std::vector<row_run>& runs,
                           int feature, double deviation, const shift_settings& settings = {});

/// How artificial anomalies are inserted into normal rows.
struct insertion_settings {
    int places = 120;           ///< spread evenly over the rows
    tocsin::index_t before = 0; ///< rows that a stream sees before an anomaly
    int rows = 30;              ///< that an anomaly lasts, the time in which it must be found
};

/// Which anomalies a model finds without a false alarm: one element per place, whether it raises an
/// alarm in the anomaly, and none in the same rows without it. A third are shifts of one sensor by
/// 1/8 to 8 standard deviations, a third sensors that freeze, the others tocsin::fake_anomalies() of
/// standardised rows, of which a share of 1/32 to 1 is mixed with the normal rows. The same settings
/// give the same anomalies. Empty where no run is long enough.
/// @param values `[features x rows]`
std::vector<bool> finds_inserted(const model_file& model, const std::string& path,
                                 const tocsin::matrix<float>& values,
                                 const std::vector<row_run>& runs,
                                 const insertion_settings& settings);

/// What is taken as the standard deviation of a sensor in normal rows: for a constant one a
/// hundredth of its value, or 1.
struct sensor_spread {
    double mean = 0;
    double unit = 1;
    bool constant = false;
};
sensor_spread spread_of(const tocsin::matrix<float>& values, const std::vector<row_run>& runs,
                        tocsin::index_t feature);

} // namespace tocsin_cli
