/// @file csv_columns.hpp
/// @brief Which column of a CSV file means what.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/csv_dialect.hpp"
#include "tocsin/io/csv_names.hpp"
#include "tocsin/io/csv_number.hpp"
#include "tocsin/io/csv_options.hpp"
#include "tocsin/io/csv_time_columns.hpp"
#include "tocsin/io/text_encoding.hpp"
#include "tocsin/io/text_lines.hpp"
#include "tocsin/io/timestamps.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// What a column is read as.
enum class csv_role : std::uint8_t { feature, timestamp, time_of_day, label, left_out };

/// One column of a file.
struct csv_column {
    std::string name;                   ///< as in the header
    csv_role role = csv_role::left_out; ///< what it is taken for
    int feature = -1;                   ///< position among the features
    const char* reason = "";            ///< why it is left out
    bool optional = false;              ///< rows may end before it: trailing delimiters

    /// Whether it was taken for the trace of a trailing delimiter, so that a value in it is a surprise.
    bool seemed_empty() const noexcept { return optional && std::string_view(reason) == no_values; }
    /// The reason for which such a column is left out.
    static constexpr const char* no_values = "no name, no values in the first lines";
};

namespace detail {

/// The names of columns for a message, each once, no more than 20 of them.
inline std::string names_in_words(const std::vector<csv_column>& columns) {
    constexpr std::size_t most = 20;
    std::vector<std::string_view> names;
    std::string words;
    for (const csv_column& column : columns) {
        if (std::find(names.begin(), names.end(), column.name) != names.end()) {
            continue;
        }
        if (names.size() == most) {
            return words + ", ...";
        }
        words += (names.empty() ? "" : ", ") + shown_text(in_list(column.name));
        names.emplace_back(column.name);
    }
    return words;
}

/// Gives every column of a file its role.
class column_assignment {
  public:
    column_assignment(const csv_dialect& dialect, const csv_options& options,
                      const text_place& place)
        : dialect_{dialect}, options_{options}, place_{place} {}

    /// @param names of all columns; none for a file without a header
    status assign(std::vector<std::string> names, std::size_t count) {
        columns_.resize(count);
        for (std::size_t k = 0; k < count; ++k) {
            const bool named = k < names.size() && !names[k].empty();
            columns_[k].name = named ? std::move(names[k]) : "column" + std::to_string(k + 1);
            unnamed_.push_back(!named);
        }
        // What delimiters at the end of lines make; in a line of nothing else, its last column.
        const bool named = std::find(unnamed_.begin(), unnamed_.end(), false) != unnamed_.end();
        const std::size_t least = named ? 1 : std::max<std::size_t>(count, 2) - 1;
        for (std::size_t k = count;
             !names.empty() && k > least && unnamed_[k - 1] && content(k - 1) == csv_content::empty;
             --k) {
            columns_[k - 1].optional = true;
        }
        return assign_all(!names.empty());
    }

    std::vector<csv_column>& columns() noexcept { return columns_; }
    /// Names of the features in their order.
    std::vector<std::string>& features() noexcept { return features_; }

  private:
    static constexpr const char* unassigned = nullptr;

    csv_content content(std::size_t k) const noexcept {
        return k < dialect_.columns.size() ? dialect_.columns[k].content : csv_content::empty;
    }
    static bool contains(const std::vector<std::string>& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    }
    bool is_free(std::size_t k) const noexcept { return columns_[k].reason == unassigned; }
    void give(std::size_t k, csv_role role, const char* reason = "") noexcept {
        columns_[k].role = role;
        columns_[k].reason = reason;
    }

    status assign_all(bool has_header) {
        const bool by_position =
            !has_header && !options_.use.empty() &&
            !std::all_of(options_.use.begin(), options_.use.end(),
                         [&](const std::string& name) { return is_sensor(name); });
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            columns_[k].reason = unassigned;
            if (contains(options_.ignore, columns_[k].name)) {
                give(k, csv_role::left_out, "asked for");
            }
        }
        if (options_.timestamp && !options_.timestamp->empty()) {
            if (const status found = give_asked(*options_.timestamp, csv_role::timestamp); !found) {
                return found;
            }
        }
        for (const std::string& name : options_.labels.value_or(std::vector<std::string>{})) {
            if (const status found = give_asked(name, csv_role::label); !found) {
                return found;
            }
        }
        recognise(by_position);
        if (const status used = by_position ? use_by_position() : use_by_name(); !used) {
            return used;
        }
        bool trailing = true; // one that is asked for must be there, and all before it
        for (std::size_t k = columns_.size(); k-- > 0;) {
            trailing = trailing && columns_[k].optional && columns_[k].role == csv_role::left_out;
            columns_[k].optional = trailing;
        }
        return check_names();
    }

    /// Whether there is a column with this name, and it does not hold dates.
    bool is_sensor(const std::string& name) const {
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            if (columns_[k].name == name) {
                return content(k) != csv_content::date;
            }
        }
        return false;
    }

    /// Position of a requested name.
    result<std::size_t> find(const std::string& name) const {
        const auto is_it = [&](const csv_column& column) { return column.name == name; };
        const auto found = std::find_if(columns_.begin(), columns_.end(), is_it);
        if (found == columns_.end()) {
            return place_.error(1, "has no column named '", shown_text(name), "', only ",
                                names_in_words(columns_));
        }
        if (std::find_if(found + 1, columns_.end(), is_it) != columns_.end()) {
            return place_.error(1, "has more than one column named '", shown_text(name),
                                "'; rename one, or give --no-header with --skip-rows to call them "
                                "column1, column2, ...");
        }
        return static_cast<std::size_t>(found - columns_.begin());
    }
    status give_asked(const std::string& name, csv_role role) {
        const auto position = find(name);
        if (!position) {
            return position.error();
        }
        give(*position, role);
        return {};
    }

    /// Finds time, labels and what is no sensor by names and contents.
    void recognise(bool by_position) {
        const auto wanted = [&](std::size_t k) { // a feature that was asked for by name
            return !by_position && contains(options_.use, columns_[k].name);
        };
        if (!options_.timestamp) {
            recognise_time(wanted);
        }
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            if (!is_free(k) || wanted(k)) {
                continue;
            }
            const bool label = is_label_name(plain_name(columns_[k].name));
            if (label && !options_.labels) {
                give(k, csv_role::label);
            } else if (label && options_.labels->empty()) { // what is known is no sensor either
                give(k, csv_role::left_out, "labels, which are not read");
            } else if (columns_[k].optional) {
                give(k, csv_role::left_out, csv_column::no_values);
            } else if (counts_rows(k) && k == 0 && has_name_of_index(k)) {
                give(k, csv_role::left_out, "no name, counts the rows");
            } else if (counts_rows(k) && is_row_name(plain_name(columns_[k].name))) {
                give(k, csv_role::left_out, "counts the rows");
            }
        }
    }
    bool counts_rows(std::size_t k) const noexcept {
        const bool counts = k < dialect_.columns.size() && dialect_.columns[k].counts;
        return counts && dialect_.has_header && columns_.size() > 1;
    }
    /// As data frames write it: no name, or `Unnamed: 0`.
    bool has_name_of_index(std::size_t k) const noexcept {
        return unnamed_[k] || columns_[k].name.starts_with("Unnamed:");
    }

    template <class Wanted>
    void recognise_time(const Wanted& wanted) {
        std::vector<time_candidate> candidates;
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            if (is_free(k) && !wanted(k)) {
                const bool sampled = k < dialect_.columns.size();
                candidates.push_back({k, unnamed_[k] ? std::string{} : plain_name(columns_[k].name),
                                      sampled,
                                      sampled ? dialect_.columns[k] : csv_column_sample{}});
            }
        }
        const time_columns found = find_time_columns(candidates, columns_.size());
        if (found.time != time_columns::none) {
            give(found.time, csv_role::timestamp);
        }
        if (found.time_of_day != time_columns::none) {
            give(found.time_of_day, csv_role::time_of_day);
        }
    }

    status use_by_name() {
        for (const std::string& name : options_.use) {
            const auto position = find(name);
            if (!position) {
                return position.error();
            }
            if (!is_free(*position)) {
                return place_.error(1, "column '", shown_text(name), "' is asked for ",
                                    columns_[*position].role == csv_role::feature
                                        ? "twice"
                                        : "as a feature, but has another meaning too");
            }
            give(*position, csv_role::feature);
            columns_[*position].feature = static_cast<int>(features_.size());
            features_.push_back(name);
        }
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            if (!is_free(k)) {
                continue;
            }
            if (!options_.use.empty()) {
                give(k, csv_role::left_out, "not among the features");
                continue;
            }
            give(k, csv_role::feature);
            columns_[k].feature = static_cast<int>(features_.size());
            features_.push_back(columns_[k].name);
        }
        if (features_.empty()) {
            return place_.error(1, "has no column left to use as a feature");
        }
        return {};
    }
    /// Whether the first free column can be a time: it holds no numbers, or some that rise.
    bool may_be_time() const noexcept {
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            if (is_free(k)) {
                return k >= dialect_.columns.size() || content(k) != csv_content::number ||
                       dialect_.columns[k].rises ||
                       (columns_.size() >= 2 && dialect_.columns[k].is_clock());
            }
        }
        return false;
    }
    /// The names are for the columns of a file without a header.
    status use_by_position() {
        const auto free = static_cast<std::size_t>(
            std::count_if(columns_.begin(), columns_.end(),
                          [](const csv_column& column) { return column.reason == unassigned; }));
        // One column more than features: the first one is a time that was not recognised.
        std::size_t surplus = 0;
        if (free == options_.use.size() + 1 && !options_.timestamp &&
            std::none_of(columns_.begin(), columns_.end(), [](const csv_column& column) {
                return column.role == csv_role::timestamp && column.reason != unassigned;
            })) {
            surplus = may_be_time() ? 1 : 0;
        }
        if (free != options_.use.size() + surplus) {
            return place_.error(1, "has no header, and ", free, " columns for ",
                                options_.use.size(), " features",
                                free > options_.use.size()
                                    ? "; --timestamp, --labels and --ignore say what the others "
                                      "are (column1, column2, ...)"
                                    : "");
        }
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            if (!is_free(k)) {
                continue;
            }
            if (surplus > 0) {
                give(k, csv_role::timestamp);
                surplus = 0;
                continue;
            }
            give(k, csv_role::feature);
            columns_[k].feature = static_cast<int>(features_.size());
            features_.push_back(options_.use[features_.size()]);
        }
        return {};
    }

    /// Names that would not come back from a model file as they are.
    status check_names() const {
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            if (columns_[k].role == csv_role::left_out) {
                continue;
            }
            if (!is_utf8(columns_[k].name)) {
                return place_.error(1, "the name of column ", k + 1,
                                    " is not UTF-8; --encoding latin-1 reads it");
            }
        }
        std::vector<std::string_view> sorted;
        sorted.reserve(dialect_.has_header ? features_.size() : 0);
        for (std::size_t k = 0; dialect_.has_header && k < features_.size(); ++k) {
            sorted.emplace_back(features_[k]);
        }
        std::sort(sorted.begin(), sorted.end());
        if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
            twice != sorted.end()) {
            return find(std::string{*twice}).error();
        }
        return {};
    }

    const csv_dialect& dialect_;
    const csv_options& options_;
    const text_place& place_;
    std::vector<csv_column> columns_;
    std::vector<bool> unnamed_;
    std::vector<std::string> features_;
};

} // namespace detail
} // namespace tocsin
