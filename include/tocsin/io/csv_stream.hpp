/// @file csv_stream.hpp
/// @brief Lines of CSV as they come: what each is, and the rows among them.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/csv_detection.hpp"
#include "tocsin/io/csv_hints.hpp"
#include "tocsin/io/csv_row.hpp"
#include "tocsin/io/text_lines.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// Reads CSV as it comes, with the features of a model: the header is the line that has all their
/// names, or there is none, and rows have the features in order, with a time before them or not. How
/// rows are written is found out from the first of them, and whether numbers have a decimal comma
/// from the first that has a comma or a point. Labels are left out, though the columns asked for must
/// be there: csv_notes::label stays 0.
class csv_stream {
  public:
    /// @param options `use` names the features, at least one
    explicit csv_stream(csv_options options) : options_{std::move(options)} {
        labels_ = std::exchange(options_.labels, std::vector<std::string>{})
                      .value_or(std::vector<std::string>{});
        options_.ignore.insert(options_.ignore.end(), labels_.begin(), labels_.end());
    }

    /// Says what a line is. `format_error` where it must be a header or a row and is neither; a
    /// later line may be one unless has_ended(). Allocates, though no longer once rows have begun.
    /// @param line in UTF-8, without its end
    result<csv_line> take(std::string_view line, const text_place& place) {
        if (place.line <= options_.skip_rows.value_or(0) || detail::trimmed(line).empty()) {
            return csv_line::nothing;
        }
        if (!known_ || (!valued_ && is_header(line))) {
            return begin(line, place);
        }
        if (const csv_line kind = layout_.kind_of(line); kind != csv_line::row) {
            return kind;
        }
        if (!rows_) {
            if (!header_.empty() && units_left_ > 0 && is_of_words(line)) {
                const bool units = detail::looks_like_units(line, layout_.delimiter());
                units_left_ -= units || logger_ ? 1 : 2;
                return csv_line::units;
            }
            rows_ = true;
            settle(line, place.name);
        }
        valued_ = valued_ || has_values(line);
        if (!decided_) {
            decide_decimal_mark(line);
        }
        return csv_line::row;
    }

    /// Whether take() has failed in a way that no later line mends: the header lacks names.
    bool has_ended() const noexcept { return ended_; }

    /// What the columns are; null before a header or a row has come.
    const csv_layout* layout() const noexcept { return known_ ? &layout_ : nullptr; }
    /// Whether the columns are all that will be: a header has come, or a row with a value.
    bool is_settled() const noexcept { return known_ && (valued_ || !header_.empty()); }
    /// How often layout() has changed: with the header, also below rows of missing values, and with
    /// the first row.
    int layout_changes() const noexcept { return layout_changes_; }

    /// Parses a row, see csv_layout::parse(). Only after take() has called the line one.
    template <std::floating_point Scalar>
    status parse(std::string_view line, std::span<Scalar> values, csv_notes& notes,
                 const text_place& place) const {
        TOCSIN_ASSERT(known_, "csv_stream: no row has come");
        return layout_.template parse<Scalar>(line, values, notes, place);
    }

    /// At the end: what is wrong where neither a header nor a row has come but other lines have.
    status outcome() const { return known_ ? status{} : refusal_.ok() ? empty_ : refusal_; }

  private:
    static constexpr index_t most_preamble = 100; ///< as many lines as detection looks at

    /// The first line that is not blank, and what follows until there is a header or a row.
    result<csv_line> begin(std::string_view line, const text_place& place) {
        if (const char* const format = detail::foreign_format(line);
            format != nullptr && before_ == 0) {
            ended_ = true;
            return place.error(1, format);
        }
        if (const char separator = detail::separator_of(line); separator != '\0' && before_ == 0) {
            separator_ = options_.delimiter == '\0' ? separator : options_.delimiter;
            return csv_line::nothing;
        }
        logger_ = logger_ || (before_ == 0 && detail::is_logger_title(line));
        csv_options options = options_;
        options.delimiter = separator_ != '\0' ? separator_ : options.delimiter;
        if (options.header.value_or(true) &&
            detail::has_only_empty_cells(line, delimiter_of(line, options))) {
            empty_ = before_++ == 0
                         ? place.error(1, "has only empty cells, and below it is neither "
                                          "a header nor a row")
                         : empty_;
            return csv_line::preamble;
        }
        const bool headed = options.header.value_or(false);
        const char delimiter =
            options.header.value_or(true) ? delimiter_of_names(line, options) : '\0';
        if (headed || delimiter != '\0') {
            options.delimiter = delimiter != '\0' ? delimiter : options.delimiter;
            auto read = csv_layout::from_header(line, options, place);
            if (!read) {
                ended_ = true;
                return read.error();
            }
            change(*std::move(read));
            if (const status found = find_labels(place); !found) {
                return found;
            }
            rows_ = decided_ = false; // those before had no values
            header_ = std::string{line};
            header_line_ = place.line;
            return csv_line::header;
        }
        if (!options.header && detail::looks_like_comment(line)) {
            return csv_line::nothing;
        }
        if (!options.header && before_ == 0 &&
            detail::are_repeated_units(line, delimiter_of(line, options))) {
            ++before_;
            empty_ = place.error(1, "has units alone, and below it is neither a header nor a row");
            return csv_line::units;
        }
        if (is_cut_header(line, options)) {
            refusal_ = looked_like_header_ ? refusal_ : place.error(1, csv_layout::cut_header);
            looked_like_header_ = true;
            ended_ = ++before_ > most_preamble;
            return ended_ ? result<csv_line>{refusal_} : result<csv_line>{csv_line::preamble};
        }
        bool words = false;
        auto read = csv_layout::from_first_line(line, options, words, place);
        if (read && !words && !looked_like_header_) {
            change(*std::move(read));
            rows_ = true;
            valued_ = has_values(line);
            if (const status found = valued_ ? find_labels(place) : status{}; !found) {
                return found;
            }
            decide_decimal_mark(line);
            return csv_line::row;
        }
        // A line with as many cells as there are features says best what is missing.
        const cell_counts cells = count_cells(line, detail::likely_delimiter(line));
        const bool wide = cells.all >= options.use.size();
        const bool like_row = !words || (wide && cells.others > cells.words);
        const bool like_header = wide && words && cells.words > cells.others;
        const status refused = like_row ? why_no_row(line, options, place)
                               : read   ? place.error(1, "is neither a header nor a row")
                                        : read.error();
        if (refusal_.ok() || (like_header && !looked_like_header_)) {
            refusal_ = refused;
        }
        looked_like_header_ = looked_like_header_ || like_header;
        if (like_row && !looked_like_header_) {
            return refused;
        }
        ended_ = like_row || ++before_ > most_preamble;
        if (ended_) {
            return refusal_;
        }
        return csv_line::preamble;
    }

    void change(csv_layout layout) {
        layout_ = std::move(layout);
        known_ = true;
        ++layout_changes_;
    }
    /// Ends the stream where a column of labels that is asked for is not there.
    status find_labels(const text_place& place) {
        const auto& columns = layout_.columns();
        for (const std::string& name : labels_) {
            if (std::none_of(columns.begin(), columns.end(),
                             [&](const csv_column& column) { return column.name == name; })) {
                ended_ = true;
                return place.error(1, "has no column named '", detail::shown_text(name), "', only ",
                                   detail::names_in_words(columns));
            }
        }
        return {};
    }

    static char delimiter_of(std::string_view line, const csv_options& options) noexcept {
        return options.delimiter != '\0' ? options.delimiter : detail::likely_delimiter(line);
    }
    /// Whether a line looks like a part of a header that is cut by a line break in double quotes.
    bool is_cut_header(std::string_view line, const csv_options& options) {
        const char between = delimiter_of(line, options);
        const bool inside = quotes_.take(line, between);
        return inside ? csv_cells::count(line, between) > 1
                      : quotes_.open() && count_cells(line, between).words > 0;
    }

    /// What is wrong with a line that is no header.
    status why_no_row(std::string_view line, csv_options options, const text_place& place) const {
        options.header = false;
        bool words = false;
        const auto layout = csv_layout::from_first_line(line, options, words, place);
        if (!layout) {
            return layout.error();
        }
        std::vector<double> values(static_cast<std::size_t>(layout->features()));
        csv_notes notes;
        const status parsed =
            layout->template parse<double>(line, std::span<double>{values}, notes, place);
        return parsed.ok() ? place.error(1, "is neither a header nor a row") : parsed;
    }

    /// The delimiter with which a line has the names of all features; NUL for none. Blanks are one
    /// only where no other is: they may surround others.
    static char delimiter_of_names(std::string_view line, const csv_options& options) {
        if (options.delimiter != '\0') {
            return detail::has_names(line, options.delimiter, options.use) ? options.delimiter
                                                                           : '\0';
        }
        char found = '\0';
        std::size_t most = 0;
        for (const char candidate : {',', ';', '\t', '|'}) { // the one with most cells
            const std::size_t cells = csv_cells::count(line, candidate);
            if (cells > most && detail::has_names(line, candidate, options.use)) {
                most = cells;
                found = candidate;
            }
        }
        return found == '\0' && detail::has_names(line, ' ', options.use) ? ' ' : found;
    }

    /// What the cells of a line are.
    struct cell_counts {
        std::size_t all = 0;
        std::size_t words = 0;
        std::size_t others = 0; // numbers, dates, switches; empty cells are neither
    };
    cell_counts count_cells(std::string_view line, char delimiter) const {
        cell_counts counts;
        for (csv_cells cells{line, delimiter}; cells.next(); ++counts.all) {
            double value = 0;
            const csv_content content = detail::content_of(cells.text(), layout_.numbers(), value);
            // Commas and points are not told apart yet.
            const bool number =
                content == csv_content::word && detail::is_number_with_any_mark(cells.text());
            counts.words += !number && content == csv_content::word ? 1 : 0;
            counts.others +=
                number || (content != csv_content::word && content != csv_content::empty) ? 1 : 0;
        }
        return counts;
    }
    bool has_values(std::string_view row) const {
        const cell_counts counts = count_cells(row, layout_.delimiter());
        return counts.words + counts.others > 0;
    }
    /// Whether a line is the header after rows of missing values.
    bool is_header(std::string_view line) const {
        return header_.empty() && options_.header.value_or(true) &&
               delimiter_of_names(line, options_) != '\0';
    }
    /// A line below the header without any number or date: units or descriptions.
    bool is_of_words(std::string_view line) const {
        const cell_counts counts = count_cells(line, layout_.delimiter());
        return counts.words > 0 && counts.others == 0;
    }

    /// With the first row, columns without a telling name can be recognised by what they hold.
    /// @param source for messages
    void settle(std::string_view row, std::string_view source) {
        if (header_.empty()) {
            return;
        }
        csv_options options = options_;
        options.delimiter = layout_.delimiter();
        options.header = true;
        options.skip_rows.reset();
        const std::string both = header_ + '\n' + std::string{row} + '\n';
        csv_dialect dialect = detect_csv_dialect(both, options);
        dialect.skipped = 0;
        if (auto read =
                csv_layout::from_dialect(dialect, header_, options, {source, header_line_})) {
            change(*std::move(read));
        }
    }

    void decide_decimal_mark(std::string_view row) {
        if (options_.decimal_comma || options_.groups) {
            decided_ = true;
            return;
        }
        bool comma = false;
        bool point = false;
        std::size_t at = 0;
        const auto& columns = layout_.columns();
        for (csv_cells cells{row, layout_.delimiter()}; cells.next(); ++at) {
            if (at >= columns.size() || columns[at].role != csv_role::feature) {
                continue;
            }
            comma = comma || detail::has_decimal_comma(cells.text(), layout_.delimiter());
            point = point || (cells.text().find('.') != std::string_view::npos &&
                              parse_number<double>(cells.text()));
        }
        decided_ = comma || point;
        layout_.set_decimal_comma(comma);
    }

    csv_options options_;
    std::vector<std::string> labels_; // columns, which must be there
    csv_layout layout_ = csv_layout::of_numbers(0);
    bool known_ = false; // the layout
    int layout_changes_ = 0;
    std::string header_; // empty without one
    index_t header_line_ = 0;
    status refusal_; // of the lines before
    status empty_;   // where a line without values is the first of them
    detail::quotes_over_lines quotes_;
    index_t before_ = 0;
    char separator_ = '\0';
    bool looked_like_header_ = false; // one of them did
    bool ended_ = false;
    int units_left_ = 2; // rows below the header; one that holds no units counts twice
    bool logger_ = false;
    bool rows_ = false;
    bool valued_ = false;  // a row has had more than missing values
    bool decided_ = false; // whether numbers have a decimal comma
};

} // namespace tocsin
