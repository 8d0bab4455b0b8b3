#include "tocsin/search/kernel_fit.hpp"

#include "methods.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace evaluate {
namespace {

using tocsin::column;
using tocsin::gaussian_process;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;

constexpr int look_back = 8;    ///< rows that a forecast sees
constexpr index_t points = 300; ///< training rows, evenly chosen: the cost is their cube

/// The values before each row as points of the unit cube: 0 and 1 are the extremes of the training
/// rows.
class past_values {
  public:
    explicit past_values(const scoring_task& task) : values_{task.values} {
        const matrix<double> training = task.training_values();
        lowest_ = training.rowwise().minCoeff();
        width_ = training.rowwise().maxCoeff() - lowest_;
        width_ = (width_.array() > 0).select(width_, 1);
    }
    /// The point of a row that has `look_back` rows before it, `[features * look_back]`.
    column<double> before(index_t row) const {
        column<double> point(values_.rows() * look_back);
        for (int k = 0; k < look_back; ++k) {
            point.segment(k * values_.rows(), values_.rows()) =
                (values_.col(row - 1 - k) - lowest_).array() / width_.array();
        }
        return point;
    }

  private:
    const matrix<double>& values_;
    column<double> lowest_;
    column<double> width_;
};

/// Rows to learn from that have all of their past in the same range of training rows.
std::vector<index_t> learned_rows(const scoring_task& task) {
    std::vector<index_t> all;
    for (const tocsin::row_range& range : task.training) {
        for (index_t t = range.begin + look_back; t < range.end; ++t) {
            all.push_back(t);
        }
    }
    const auto count = static_cast<index_t>(all.size());
    std::vector<index_t> chosen;
    for (index_t k = 0; k < std::min(points, count); ++k) {
        chosen.push_back(all[static_cast<std::size_t>(k * count / std::min(points, count))]);
    }
    return chosen;
}

/// The forecast quantity of a target: its change from the last row.
double change(const scoring_task& task, index_t target, index_t row) {
    return task.values(target, row) - task.values(target, row - 1);
}

/// Errors of the forecasts of a target in standard deviations, added to those of other targets.
tocsin::status add_errors(const scoring_task& task, index_t target,
                          const std::vector<index_t>& learned, const past_values& past,
                          std::vector<double>& errors) {
    const auto count = static_cast<index_t>(learned.size());
    matrix<double> inputs(task.values.rows() * look_back, count);
    column<double> changes(count);
    for (index_t k = 0; k < count; ++k) {
        const index_t row = learned[static_cast<std::size_t>(k)];
        inputs.col(k) = past.before(row);
        changes[k] = change(task, target, row);
    }
    const double mean = changes.mean();
    changes.array() -= mean;
    const double deviation = std::sqrt(changes.squaredNorm() / static_cast<double>(count));
    const double unit = deviation > 0 ? deviation : 1;
    changes /= unit;
    // One length scale: a forecast is as smooth in every value of the past.
    const std::vector<int> owners(static_cast<std::size_t>(inputs.rows()), 0);
    const auto process = tocsin::fit_kernel(inputs, changes, owners);
    if (!process) {
        return process.error();
    }
    for (index_t t = look_back; t < task.rows(); ++t) {
        const auto expected = process->predict(past.before(t));
        const double error = (change(task, target, t) - mean) / unit - expected.mean;
        const double spread =
            std::sqrt(expected.deviation * expected.deviation + process->kernel().noise);
        errors[static_cast<std::size_t>(t)] +=
            std::abs(error) / spread / static_cast<double>(task.targets);
    }
    return {};
}

result<std::vector<double>> errors(const scoring_task& task) {
    const std::vector<index_t> learned = learned_rows(task);
    if (learned.size() < 10) {
        return tocsin::status::error(tocsin::error_code::invalid_data, "only ", learned.size(),
                                     " rows to train on");
    }
    const past_values past(task);
    std::vector<double> found(static_cast<std::size_t>(task.rows()), 0);
    std::fill_n(found.begin(), std::min<index_t>(look_back, task.rows()),
                std::numeric_limits<double>::quiet_NaN());
    for (index_t target = 0; target < task.targets; ++target) {
        if (const auto added = add_errors(task, target, learned, past, found); !added) {
            return added;
        }
    }
    return found;
}

} // namespace

method gaussian_process_forecaster() {
    return {"Gaussian process",
            false,
            {{"kernel", "Matern 5/2, one length scale"},
             {"look_back", look_back},
             {"points", points},
             {"score", "error of the change to the next row / its standard deviation"}},
            errors};
}

} // namespace evaluate
