#include "scoring_task.hpp"

#include "tocsin/series/period.hpp"
#include "tocsin/series/smoothing.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace evaluate {

using tocsin::column;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::row_range;

matrix<double> scoring_task::training_values() const {
    index_t count = 0;
    for (const auto& range : training) {
        count += range.size();
    }
    matrix<double> joined(values.rows(), count);
    count = 0;
    for (const auto& range : training) {
        joined.middleCols(count, range.size()) = values.middleCols(range.begin, range.size());
        count += range.size();
    }
    return joined;
}

column<double> scoring_task::target_scale() const {
    const auto deviation = [this](const matrix<double>& of) -> column<double> {
        const matrix<double> rows = of.topRows(targets);
        const column<double> mean = rows.rowwise().mean();
        return ((rows.colwise() - mean).rowwise().squaredNorm() /
                static_cast<double>(std::max<index_t>(rows.cols(), 1)))
            .cwiseSqrt();
    };
    column<double> scale = deviation(training_values());
    const column<double> everywhere = deviation(values);
    for (index_t k = 0; k < scale.size(); ++k) {
        if (!(scale[k] > 1e-6 * everywhere[k])) {
            scale[k] = everywhere[k] > 0 ? everywhere[k] : 1.0;
        }
    }
    return scale;
}

matrix<double> scoring_task::target_values() const {
    return values.topRows(targets);
}

matrix<double> changes_and_values(const scoring_task& task) {
    matrix<double> both = matrix<double>::Zero(task.targets + task.values.rows(), task.rows());
    both.bottomRows(task.values.rows()) = task.values;
    const index_t steps = task.rows() - 1;
    both.topRightCorner(task.targets, steps) = task.values.topRightCorner(task.targets, steps) -
                                               task.values.topLeftCorner(task.targets, steps);
    return both;
}

std::vector<index_t> window_starts(const scoring_task& task, const std::vector<row_range>& ranges,
                                   int length, index_t group) {
    std::vector<index_t> starts;
    for (const auto& range : ranges) {
        for (index_t first = range.begin; first + length <= range.end; ++first) {
            if (task.units.empty() || std::find(task.units.begin(), task.units.end(),
                                                first * group) != task.units.end()) {
                starts.push_back(first);
            }
        }
    }
    return starts;
}

std::vector<index_t> starts_within(const std::vector<row_range>& ranges, int length, int stride) {
    std::vector<index_t> starts;
    for (const auto& range : ranges) {
        for (index_t first = range.begin; first + length <= range.end; first += stride) {
            starts.push_back(first);
        }
    }
    return starts;
}

index_t longest_of(const std::vector<row_range>& ranges) {
    index_t longest = 0;
    for (const auto& range : ranges) {
        longest = std::max(longest, range.size());
    }
    return longest;
}

int period_of(const matrix<double>& values) {
    constexpr index_t most = 20000;
    const auto found =
        tocsin::dominant_period(values.topRows(1).leftCols(std::min(values.cols(), most)));
    return found && *found > 3 && *found <= 300 ? *found : 125;
}

std::vector<double> smoothed(std::span<const double> errors, int rows) {
    double sum = 0;
    double count = 0;
    for (const double error : errors) {
        if (std::isfinite(error)) {
            sum += error;
            ++count;
        }
    }
    std::vector<double> complete(errors.begin(), errors.end());
    for (double& error : complete) {
        if (!std::isfinite(error)) {
            error = count > 0 ? sum / count : 0;
        }
    }
    std::vector<double> means(complete.size());
    if (!tocsin::centred_moving_mean(complete, std::max(rows, 1), means)) {
        return complete;
    }
    return means;
}

tocsin::matrix<double> filled(tocsin::matrix<double> values) {
    for (tocsin::index_t k = 0; k < values.rows(); ++k) {
        double last = 0;
        for (tocsin::index_t t = 0; t < values.cols(); ++t) {
            last = std::isfinite(values(k, t)) ? values(k, t) : last;
            values(k, t) = last;
        }
    }
    return values;
}

} // namespace evaluate
