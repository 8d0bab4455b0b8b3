#include "held_out_errors.hpp"

#include "tocsin/detect/held_out.hpp"

namespace evaluate {

using tocsin::index_t;
using tocsin::row_range;

std::vector<std::vector<double>> held_out_errors(const contender_set& set, const scoring_task& task,
                                                 int folds) {
    const row_range training = task.training.front();
    std::vector<std::vector<double>> errors(
        set.methods.size(), std::vector<double>(static_cast<std::size_t>(task.rows()), 0));
    for (const auto& part : tocsin::cross_fit{.folds = folds}.blocks(training.size())) {
        const row_range block{training.begin + part.begin, training.begin + part.end};
        scoring_task others = task;
        others.training.clear();
        for (const row_range& range :
             {row_range{training.begin, block.begin}, row_range{block.end, training.end}}) {
            if (range.size() > 0) {
                others.training.push_back(range);
            }
        }
        const auto found = errors_of(set, others);
        for (std::size_t m = 0; m < found.size(); ++m) {
            for (index_t t = 0; t < task.rows(); ++t) {
                const auto row = static_cast<std::size_t>(t);
                if (block.begin <= t && t < block.end) {
                    errors[m][row] = found[m][row];
                } else if (t < training.begin || t >= training.end) {
                    errors[m][row] += found[m][row] / folds;
                }
            }
        }
    }
    return errors;
}

} // namespace evaluate
