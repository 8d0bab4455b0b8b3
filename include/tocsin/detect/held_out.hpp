/// @file held_out.hpp
/// @brief Which parts of recorded data a model is judged on, having learned from others.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// One judgement: the model learns from the units (rows or windows in order of time) outside
/// `[begin, end)`, or, with `only_before`, from those before it.
struct held_out_block {
    index_t begin = 0;        ///< the first unit that is judged
    index_t end = 0;          ///< one after the last
    bool only_before = false; ///< whether the model learns only from units before these
};

/// Contiguous blocks, each judged by a model that has learned from all others: every row is judged,
/// and by a model of almost all data (k-fold cross-validation; Barber, Candes, Ramdas and
/// Tibshirani, "Predictive inference with the jackknife+", Annals of Statistics 49, 2021). The
/// choice where the data does not drift.
struct cross_fit {
    int folds = 5;  ///< 2 to 1000
    int guard = -1; ///< rows next to a block that are not learned from; -1: as many as a window has

    status check() const noexcept {
        if (folds < 2 || folds > 1000 || guard < -1) {
            return status::error(error_code::invalid_argument, "cross_fit: ", folds,
                                 " folds must lie in [2, 1000], guard ", guard,
                                 " must be at least -1");
        }
        return {};
    }
    /// Blocks of `count` units; fewer where there are fewer units than folds.
    std::vector<held_out_block> blocks(index_t count) const {
        std::vector<held_out_block> made;
        for (index_t fold = 0; fold < folds; ++fold) {
            const held_out_block block{count * fold / folds, count * (fold + 1) / folds};
            if (block.end > block.begin) {
                made.push_back(block);
            }
        }
        return made;
    }
};

/// The past judges the future: a model learns from the first part and is judged by what follows, up
/// to the next share (rolling origin; Tashman, "Out-of-sample tests of forecasting accuracy",
/// International Journal of Forecasting 16, 2000). The choice where data drifts: what the
/// statistics learn contains how far a model is off after a while. The rows before the first share
/// are not judged.
struct rolling_origin {
    std::array<double, 3> shares = {0.4, 0.6, 0.8}; ///< rising, in (0, 1)
    int guard = -1;                                 ///< see cross_fit

    status check() const noexcept {
        double last = 0;
        for (const double share : shares) {
            if (!(share > last && share < 1)) {
                return status::error(error_code::invalid_argument, "rolling_origin: share ", share,
                                     " must lie between ", last, " and 1");
            }
            last = share;
        }
        if (guard < -1) {
            return status::error(error_code::invalid_argument, "rolling_origin: guard ", guard,
                                 " must be at least -1");
        }
        return {};
    }
    /// The blocks of `count` units, in order. Allocates.
    std::vector<held_out_block> blocks(index_t count) const {
        std::vector<held_out_block> made;
        for (std::size_t k = 0; k < shares.size(); ++k) {
            const auto at = [&](double share) {
                return static_cast<index_t>(std::floor(share * static_cast<double>(count)));
            };
            const held_out_block block{at(shares[k]),
                                       k + 1 < shares.size() ? at(shares[k + 1]) : count, true};
            if (block.end > block.begin && block.begin > 0) {
                made.push_back(block);
            }
        }
        return made;
    }
};

/// A plan of which data is held out: `check()`, `guard`, and `blocks(count)` as above. The errors of all
/// blocks make the statistics; the threshold is fitted to scores of each block by those of the others.
/// A plan may also say which process trains which model (detect/mpi_folds.hpp).
template <class Plan>
concept held_out_plan = std::copyable<Plan> && requires(const Plan& plan, index_t count) {
    { plan.check() } -> std::same_as<status>;
    { plan.guard } -> std::convertible_to<int>;
    { plan.blocks(count) } -> std::same_as<std::vector<held_out_block>>;
};

namespace detail {

/// A process that trains all models of a plan itself.
struct no_team {
    template <class Trainer>
    static status check(const Trainer& /*trainer*/) noexcept {
        return {};
    }
    static bool trains(std::size_t /*job*/) noexcept { return true; }
    template <class Work>
    static status run(Work&& work) {
        std::forward<Work>(work)();
        return {};
    }
    static status share(std::size_t /*job*/, const status& outcome) noexcept { return outcome; }
    template <class Value>
    static void share(std::size_t /*job*/, std::span<Value> /*values*/) noexcept {}
};
/// Who trains the models of a plan.
template <class Plan>
auto team_of(const Plan& plan) noexcept {
    if constexpr (requires { plan.team(); }) {
        return plan.team();
    } else {
        return no_team{};
    }
}
/// Checks a plan, then that its processes can use a trainer.
template <class Plan, class Trainer>
status check_plan(const Plan& plan, const Trainer& trainer) {
    const status usable = plan.check();
    return usable.ok() ? team_of(plan).check(trainer) : usable;
}

} // namespace detail

/// The data of all phases: what models learn from, and what they are judged on.
template <class Scalar>
struct held_out_data {
    /// Learned from, where they lie outside a judged block; those with an anomalous sample are left
    /// out. Fewer than those judged, such as every tenth, make the training shorter.
    windows<Scalar> training;
    /// Their errors give the statistics, where all samples are normal, and their scores the
    /// thresholds. Over the same samples as `training`.
    windows<Scalar> judged;
    /// One per sample of the matrix that the windows view, nonzero = anomalous; empty: all are normal.
    std::span<const std::uint8_t> labels{};

    /// Normal windows, all for both.
    held_out_data(const windows<Scalar>& normal) // NOLINT(google-explicit-constructor)
        : training{normal}, judged{normal} {}
    /// See the members.
    held_out_data(windows<Scalar> learned, windows<Scalar> seen,
                  std::span<const std::uint8_t> anomalous = {})
        : training{std::move(learned)}, judged{std::move(seen)}, labels{anomalous} {}

    /// `invalid_argument` for windows over two matrices, or another number of labels than samples.
    status check() const noexcept {
        const auto all = judged.values();
        const auto learned = training.values();
        if (learned.data() != all.data() || learned.cols() != all.cols()) {
            return status::error(error_code::invalid_argument,
                                 "fit: the windows to learn from and those to judge are not of the "
                                 "same samples");
        }
        if (!labels.empty() && static_cast<index_t>(labels.size()) != all.cols()) {
            return status::error(error_code::invalid_argument, "fit: ", labels.size(),
                                 " labels for ", all.cols(), " samples");
        }
        return {};
    }
};

} // namespace tocsin
