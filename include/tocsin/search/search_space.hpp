/// @file search_space.hpp
/// @brief All settings that are searched, and trial values as points for a Gaussian process.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/search/search_setting.hpp"
#include "tocsin/training/run_fingerprint.hpp"

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// Named settings in the order in which they were added. The functions that add return the space,
/// so that calls can be chained; check() reports a wrong setting.
///
///     search_space space;
///     space.add_log_real("learning rate", 1e-4, 1e-1).add_integer("hidden", 8, 64);
class search_space {
  public:
    /// A number of [low, high]. Allocates, as all of these do.
    search_space& add_real(std::string name, double low, double high) {
        return add({std::move(name), setting_kind::real, low, high});
    }
    /// A positive number of [low, high] for which equal ratios are equal steps.
    search_space& add_log_real(std::string name, double low, double high) {
        return add({std::move(name), setting_kind::log_real, low, high});
    }
    /// A whole number of [low, high].
    search_space& add_integer(std::string name, double low, double high) {
        return add({std::move(name), setting_kind::integer, low, high});
    }
    /// A positive whole number of [low, high] for which equal ratios are equal steps.
    search_space& add_log_integer(std::string name, double low, double high) {
        return add({std::move(name), setting_kind::log_integer, low, high});
    }
    /// One of several names.
    search_space& add_choice(std::string name, std::vector<std::string> choices) {
        const double last = static_cast<double>(choices.size()) - 1;
        return add({std::move(name), setting_kind::choice, 0, last, std::move(choices)});
    }
    /// A setting of any kind.
    search_space& add(search_setting setting) {
        settings_.push_back(std::move(setting));
        return *this;
    }

    /// All settings, in order.
    const std::vector<search_setting>& settings() const noexcept { return settings_; }
    /// The number of settings, and of the values of a trial.
    std::size_t size() const noexcept { return settings_.size(); }
    /// The position of a setting; size() where there is none of this name.
    std::size_t find(std::string_view name) const noexcept {
        std::size_t k = 0;
        while (k < settings_.size() && settings_[k].name != name) {
            ++k;
        }
        return k;
    }

    /// Names the first setting that is out of range or whose name is not its own.
    status check() const noexcept {
        if (settings_.empty()) {
            return status::error(error_code::invalid_argument, "search: there are no settings");
        }
        for (std::size_t k = 0; k < settings_.size(); ++k) {
            if (const status usable = settings_[k].check(); !usable.ok()) {
                return usable;
            }
            if (find(settings_[k].name) != k) {
                return status::error(error_code::invalid_argument,
                                     "search: there are two settings '", settings_[k].name, "'");
            }
        }
        return {};
    }
    /// Whether values are one of each setting, in order.
    bool contains(std::span<const double> values) const noexcept {
        if (values.size() != size()) {
            return false;
        }
        for (std::size_t k = 0; k < size(); ++k) {
            if (!settings_[k].contains(values[k])) {
                return false;
            }
        }
        return true;
    }

    /// Values at a point of the unit cube, `[settings]`. Allocates.
    std::vector<double> from_unit(std::span<const double> unit) const {
        std::vector<double> values(size());
        for (std::size_t k = 0; k < size(); ++k) {
            values[k] = settings_[k].from_unit(unit[k]);
        }
        return values;
    }

    /// Coordinates of a point for a Gaussian process: one of a number, one per name of a choice.
    int coordinates() const noexcept {
        std::size_t count = 0;
        for (const search_setting& setting : settings_) {
            count += width(setting);
        }
        return static_cast<int>(count);
    }
    /// For each coordinate the setting to which it belongs: its coordinates share a length scale.
    /// Allocates.
    std::vector<int> owners() const {
        std::vector<int> owners;
        for (std::size_t k = 0; k < size(); ++k) {
            owners.insert(owners.end(), width(settings_[k]), static_cast<int>(k));
        }
        return owners;
    }
    /// Values as a point, `[coordinates]`, each in [0, 1]. A whole number is where it is, not where
    /// the point was that became it (Garrido-Merchan and Hernandez-Lobato, "Dealing with categorical
    /// and integer-valued variables in Bayesian optimization with Gaussian processes", 2020); two
    /// different choices have the distance 1. Never allocates.
    template <class Vector>
    void encode(std::span<const double> values, Vector&& point) const noexcept {
        index_t at = 0;
        for (std::size_t k = 0; k < size(); ++k) {
            if (settings_[k].kind != setting_kind::choice) {
                point[at++] = settings_[k].to_unit(values[k]);
                continue;
            }
            const auto chosen = static_cast<std::size_t>(values[k]);
            for (std::size_t c = 0; c < settings_[k].choices.size(); ++c) {
                point[at++] = c == chosen ? std::sqrt(0.5) : 0.0;
            }
        }
    }

    /// A value as text: the number in at most six digits, or the name of the choice. Allocates.
    std::string text(std::size_t setting, double value) const {
        const search_setting& which = settings_[setting];
        if (which.kind == setting_kind::choice) {
            return which.choices[static_cast<std::size_t>(value)];
        }
        char digits[32];
        std::snprintf(digits, sizeof digits, which.is_discrete() ? "%.0f" : "%.6g", value);
        return digits;
    }

    /// Each setting with its range, in order, for telling spaces apart. Allocates.
    void describe(run_fingerprint& facts) const {
        std::string names;
        for (const search_setting& setting : settings_) {
            std::string text = name_of(setting.kind);
            if (setting.kind == setting_kind::choice) {
                for (const std::string& choice : setting.choices) {
                    text += (&choice == setting.choices.data() ? " of " : ", ") + choice;
                }
            } else {
                number_text number{};
                text += " from ";
                text += format_number(setting.low, number);
                text += " to ";
                text += format_number(setting.high, number);
            }
            facts.add("setting '" + setting.name + "'", std::move(text));
            names += (names.empty() ? "" : ", ") + setting.name;
        }
        facts.add("order of settings", std::move(names));
    }

  private:
    static std::size_t width(const search_setting& setting) noexcept {
        return setting.kind == setting_kind::choice ? setting.choices.size() : 1;
    }

    std::vector<search_setting> settings_;
};

} // namespace tocsin
