#include "held_out_errors.hpp"

namespace evaluate {

using tocsin::index_t;

calibrated_errors errors_with_held_out(const contender_set& set, const scoring_task& task,
                                       int folds) {
    calibrated_errors errors{errors_of(set, task), {}};
    const tocsin::row_range training = task.training.front();
    errors.held_out.resize(errors.all.size());
    for (index_t fold = 0; fold < folds; ++fold) {
        const tocsin::row_range block{training.size() * fold / folds,
                                      training.size() * (fold + 1) / folds};
        scoring_task others = task;
        others.values = task.values.middleCols(training.begin, training.size());
        others.training.clear();
        for (const auto& range :
             {tocsin::row_range{0, block.begin}, tocsin::row_range{block.end, training.size()}}) {
            if (range.size() > 0) {
                others.training.push_back(range);
            }
        }
        const auto found = errors_of(set, others);
        for (std::size_t m = 0; m < found.size(); ++m) {
            errors.held_out[m].insert(errors.held_out[m].end(), found[m].begin() + block.begin,
                                      found[m].begin() + block.end);
        }
    }
    return errors;
}

} // namespace evaluate
