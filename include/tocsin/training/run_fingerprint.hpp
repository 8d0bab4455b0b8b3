/// @file run_fingerprint.hpp
/// @brief What a training run was made with, so that it is not resumed with something else.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

/// A hash of samples as text, for telling recordings apart; not against forgery.
template <class Derived>
std::string fingerprint_of(const Eigen::MatrixBase<Derived>& samples) {
    std::uint64_t hash = 14695981039346656037U; // FNV-1a, over words
    for (index_t t = 0; t < samples.cols(); ++t) {
        for (index_t f = 0; f < samples.rows(); ++f) {
            const auto word = std::bit_cast<std::uint64_t>(static_cast<double>(samples(f, t)));
            hash = (hash ^ word ^ (word >> 32U)) * 1099511628211U;
        }
    }
    char text[80];
    std::snprintf(text, sizeof text, "%lld x %lld, %016llx", static_cast<long long>(samples.rows()),
                  static_cast<long long>(samples.cols()), static_cast<unsigned long long>(hash));
    return text;
}

/// Named settings of a run as text, in the order in which they were added: data, scaler, model, loss,
/// schedule and whatever else must be the same when training resumes.
class run_fingerprint {
  public:
    /// Whether it says nothing.
    bool empty() const noexcept { return names_.empty(); }

    /// Adds a fact about the run.
    void add(std::string name, std::string value) {
        names_.push_back(std::move(name));
        values_.push_back(std::move(value));
    }
    /// All facts of another one, after those that are there.
    void add(const run_fingerprint& others) {
        others.for_each(
            [this](const std::string& name, const std::string& value) { add(name, value); });
    }
    /// Calls `visit(name, value)` for each fact, in order.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::size_t k = 0; k < names_.size(); ++k) {
            visit(names_[k], values_[k]);
        }
    }
    /// Windows by their number, their length and a hash of their samples.
    template <class Scalar>
    void add(std::string name, const windows<Scalar>& data) {
        add(std::move(name), std::to_string(data.count()) + " windows of " +
                                 std::to_string(data.length()) + " steps over " +
                                 fingerprint_of(data.values()));
    }

    /// What differs first in another run: `scaler was 'standard', is 'min_max'`; empty where nothing
    /// does.
    std::string difference(const run_fingerprint& now) const {
        for (std::size_t k = 0; k < now.names_.size(); ++k) {
            std::string before = "not given";
            for (std::size_t j = 0; j < names_.size(); ++j) {
                before = names_[j] == now.names_[k] ? '\'' + values_[j] + '\'' : before;
            }
            if (before != '\'' + now.values_[k] + '\'') {
                return now.names_[k] + " was " + before + ", is '" + now.values_[k] + '\'';
            }
        }
        for (std::size_t k = 0; k < names_.size(); ++k) {
            if (std::find(now.names_.begin(), now.names_.end(), names_[k]) == now.names_.end()) {
                return names_[k] + " was '" + values_[k] + "', is not given";
            }
        }
        return {};
    }

    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.texts("names", names_);
        archive.texts("values", values_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && names_.size() != values_.size()) {
                archive.fail(status::error(error_code::format_error, "fingerprint: ", names_.size(),
                                           " names, ", values_.size(), " values"));
            }
        }
    }

  private:
    std::vector<std::string> names_;
    std::vector<std::string> values_;
};

} // namespace tocsin
