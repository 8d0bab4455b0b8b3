/// @file running_trial.hpp
/// @brief What an objective sees of its trial: values by name, and a place to report to.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/search/search_space.hpp"
#include "tocsin/search/search_trial.hpp"
#include "tocsin/search/successive_halving.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// A trial while it runs, in one thread. A name that the space does not have, or one of another kind,
/// is an error of the program: TOCSIN_FAIL says which.
class running_trial {
  public:
    /// @param space   the settings; must outlive the trial
    /// @param values  one per setting, of the space
    /// @param halving decides whether the trial continues
    /// @param others  whom it is compared with; must outlive the trial
    running_trial(const search_space& space, int number, std::vector<double> values,
                  successive_halving halving = {}, std::span<const search_trial> others = {})
        : space_{&space}, halving_{halving}, others_{others} {
        record_.number = number;
        record_.values = std::move(values);
    }

    /// Its place in the search, from 0.
    int number() const noexcept { return record_.number; }
    /// The settings.
    const search_space& space() const noexcept { return *space_; }
    /// One per setting, in order.
    const std::vector<double>& values() const noexcept { return record_.values; }

    /// A setting that is a number.
    double real(std::string_view name) const { return value_of(name, false); }
    /// A setting that is a whole number.
    int integer(std::string_view name) const {
        const double value = value_of(name, false);
        if (!space_->settings()[space_->find(name)].is_discrete()) {
            TOCSIN_FAIL(("search: setting '" + std::string(name) + "' is no whole number").c_str());
        }
        return static_cast<int>(value);
    }
    /// The name of what was chosen; valid as long as the space.
    std::string_view choice(std::string_view name) const {
        const auto chosen = static_cast<std::size_t>(value_of(name, true));
        return space_->settings()[space_->find(name)].choices[chosen];
    }

    /// Tells the value of the objective after a part of the work. False asks the objective to end: the
    /// trial is hopeless, and whatever the objective then returns is not looked at. A value that is
    /// not finite ends the trial as failed. Allocates.
    /// @param resource what has been spent so far, such as epochs: positive, more than before
    bool report(std::int64_t resource, double value) {
        if (stopped_) {
            return false;
        }
        if (!std::isfinite(value)) {
            fail_with("a reported value is not finite");
            return false;
        }
        const auto before = record_.reports.empty() ? 0 : record_.reports.back().resource;
        if (resource <= before) {
            fail_with("resource " + std::to_string(resource) + " was reported after " +
                      std::to_string(before));
            return false;
        }
        record_.reports.push_back({resource, value});
        stopped_ = !halving_.promotes(record_.reports, others_);
        return !stopped_;
    }
    /// Whether report() has asked the objective to end.
    bool is_stopped() const noexcept { return stopped_; }

    /// What is kept of the trial, given what the objective returned. Leaves nothing behind. Allocates.
    search_trial end(const result<double>& returned) {
        search_trial ended = std::move(record_);
        if (!reason_.empty()) {
            ended.reason = std::move(reason_);
        } else if (stopped_) {
            ended.outcome = trial_outcome::stopped;
            ended.value = std::numeric_limits<double>::infinity();
            for (const trial_report& report : ended.reports) {
                ended.value = std::min(ended.value, report.value);
            }
        } else if (!returned) {
            ended.reason = returned.error().message();
        } else if (!std::isfinite(*returned)) {
            ended.reason = "the value is not finite";
        } else {
            ended.outcome = trial_outcome::finished;
            ended.value = *returned;
        }
        return ended;
    }

  private:
    double value_of(std::string_view name, bool chosen) const {
        const std::size_t at = space_->find(name);
        if (at == space_->size()) {
            TOCSIN_FAIL(("search: there is no setting '" + std::string(name) + "'").c_str());
        }
        if ((space_->settings()[at].kind == setting_kind::choice) != chosen) {
            TOCSIN_FAIL(("search: setting '" + std::string(name) +
                         (chosen ? "' is a number" : "' is a choice"))
                            .c_str());
        }
        return record_.values[at];
    }
    void fail_with(std::string reason) {
        reason_ = std::move(reason);
        stopped_ = true;
    }

    const search_space* space_;
    successive_halving halving_;
    std::span<const search_trial> others_;
    search_trial record_;
    std::string reason_;
    bool stopped_ = false;
};

/// `objective(trial)` gives a value to be made small, or why there is none. With several trials at
/// once it is called from several threads. For a search that can be repeated it must depend on the
/// values and the number of the trial only.
template <class Objective>
concept search_objective = requires(Objective& objective, running_trial& trial) {
    { objective(trial) } -> std::convertible_to<result<double>>;
};

} // namespace tocsin
