/// @file delimited_sequences.hpp
/// @brief Text files with one labelled sequence per line.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/io/text_lines.hpp"
#include "tocsin/series/series.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// Whether the last field of a line is the label of its sequence.
enum class label_field : std::uint8_t {
    automatic, ///< present when the last field of the first line has one value, the others more
    present,
    absent
};

/// Layout of sequences in a line: `1,2,3;4,5,6;0` is two features over three time steps, then the
/// label 0 (normal; 1 is anomalous).
struct sequence_format {
    char feature_delimiter = ';'; ///< between two features
    char step_delimiter = ',';    ///< between two time steps
    /// Only for reading. Automatic detection cannot see a label next to sequences of one time step;
    /// set it explicitly then.
    label_field label = label_field::automatic;
};

namespace detail {

inline status check(const sequence_format& format) noexcept {
    constexpr std::string_view reserved = "0123456789+-.eEnNaAiIfFtTyY \t\r\n\"";
    for (const char delimiter : {format.feature_delimiter, format.step_delimiter}) {
        if (delimiter == '\0' || reserved.find(delimiter) != std::string_view::npos) {
            return status::error(error_code::invalid_argument, "sequence_format: '", delimiter,
                                 "' cannot be a delimiter, it can stand in a number");
        }
    }
    if (format.feature_delimiter == format.step_delimiter) {
        return status::error(error_code::invalid_argument, "sequence_format: '",
                             format.step_delimiter, "' cannot delimit both features and steps");
    }
    return {};
}

inline index_t count_of(std::string_view text, char character) noexcept {
    return static_cast<index_t>(std::count(text.begin(), text.end(), character));
}

/// Parses the lines of a text into sequences of the shape of the first line.
template <class Scalar>
class sequence_parser {
  public:
    sequence_parser(text_lines& lines, const sequence_format& format) noexcept
        : lines_{lines}, format_{format} {}

    result<sequence_set<Scalar>> parse() {
        while (lines_.next()) {
            if (trimmed(lines_.line()).empty()) {
                continue;
            }
            if (features_ == 0) {
                take_shape(lines_.line());
            }
            if (auto outcome = parse_line(lines_.line()); !outcome) {
                return outcome;
            }
        }
        if (features_ == 0) {
            return status::error(error_code::format_error, lines_.name(), ": holds no sequence (",
                                 lines_.number(), " lines)");
        }
        sequence_set<Scalar> set;
        set.length = static_cast<int>(length_);
        set.labels = std::move(labels_);
        set.values = matrix_view<const Scalar>(values_.data(), features_,
                                               static_cast<index_t>(values_.size()) / features_);
        return set;
    }

  private:
    void take_shape(std::string_view line) noexcept {
        const char delimiter = format_.feature_delimiter;
        const std::string_view first = line.substr(0, line.find(delimiter));
        const auto before_last = line.find_last_of(delimiter);
        const std::string_view last =
            before_last == std::string_view::npos ? line : line.substr(before_last + 1);
        features_ = count_of(line, delimiter) + 1;
        length_ = count_of(first, format_.step_delimiter) + 1;
        has_label_ = format_.label == label_field::present ||
                     (format_.label == label_field::automatic && features_ > 1 && length_ > 1 &&
                      count_of(last, format_.step_delimiter) == 0);
        if (has_label_) {
            --features_; // 0 when the line has only a label: parse_line() reports it
        }
    }

    status parse_line(std::string_view line) {
        const index_t expected = features_ + (has_label_ ? 1 : 0);
        const index_t fields = count_of(line, format_.feature_delimiter) + 1;
        if (fields != expected || features_ == 0) {
            return lines_.error(1, "has ", fields, " fields delimited by '",
                                format_.feature_delimiter, "', expected ",
                                std::max<index_t>(features_, 1), " features",
                                has_label_ ? " then a label" : "");
        }
        // All fields are counted before anything is allocated: what their first one promises, the
        // others need not hold.
        std::size_t position = 0;
        for (index_t feature = 0; feature < features_; ++feature) {
            const std::size_t end =
                std::min(line.find(format_.feature_delimiter, position), line.size());
            const index_t steps =
                count_of(line.substr(position, end - position), format_.step_delimiter) + 1;
            if (steps != length_) {
                return lines_.error(position + 1, "feature ", feature, " has ", steps,
                                    " time steps, expected ", length_);
            }
            position = end + 1;
        }
        const auto size = checked_size{features_} * length_;
        if (!size.is_at_most(line.size() + 1)) { // cannot be, after the count
            return lines_.error(1, "is too long");
        }
        const std::size_t base = values_.size();
        if (base == 0) {
            // A number and its delimiter are two bytes at least.
            const auto all = size * (count_of(lines_.rest(), '\n') + 2);
            values_.reserve(static_cast<std::size_t>(std::min<index_t>(
                all.value(), static_cast<index_t>((line.size() + lines_.rest().size()) / 2 + 1))));
        }
        values_.resize(base + static_cast<std::size_t>(size.value()));
        position = 0;
        for (index_t feature = 0; feature < features_; ++feature) {
            const std::size_t end =
                std::min(line.find(format_.feature_delimiter, position), line.size());
            for (index_t step = 0; step < length_; ++step) {
                const std::size_t stop = std::min(line.find(format_.step_delimiter, position), end);
                const std::string_view text = line.substr(position, stop - position);
                const auto number = parse_number<Scalar>(text);
                if (!number) {
                    return lines_.error(position + 1, "expected a number, found '",
                                        shown_text(text), '\'');
                }
                values_[base + static_cast<std::size_t>(step * features_ + feature)] = *number;
                position = stop + 1;
            }
            position = end + 1;
        }
        if (has_label_) {
            const std::string_view text = line.substr(position);
            const auto number = parse_number<double>(text);
            if (!number || (*number != 0 && *number != 1)) {
                return lines_.error(position + 1, "expected a label, 0 or 1, found '",
                                    shown_text(text), '\'');
            }
            labels_.push_back(*number == 1 ? 1 : 0);
        }
        return {};
    }

    text_lines& lines_;
    sequence_format format_;
    index_t features_ = 0;
    index_t length_ = 0;
    bool has_label_ = false;
    std::vector<Scalar> values_; // [features x (length * count)]
    std::vector<std::uint8_t> labels_;
};

} // namespace detail

/// Reads sequences from text, one a line; lines of spaces only are skipped. Spaces around numbers,
/// `nan` and `inf` are accepted. A malformed line, or one of another shape than the first, is a
/// `format_error` that starts with `name:line:column: `. Allocates at most 10 bytes for each byte of
/// the text.
template <class Scalar>
result<sequence_set<Scalar>> parse_sequences(std::string_view text,
                                             const std::filesystem::path& name,
                                             const sequence_format& format = {}) {
    if (auto outcome = detail::check(format); !outcome) {
        return outcome;
    }
    text_lines lines{text, name};
    return detail::sequence_parser<Scalar>{lines, format}.parse();
}

/// Reads a file of sequences: parse_sequences() on its content.
/// @param largest_file bytes; a larger file is refused, see read_file()
template <class Scalar>
result<sequence_set<Scalar>> read_sequences(const std::filesystem::path& path,
                                            const sequence_format& format = {},
                                            std::uint64_t largest_file = default_file_limit) {
    const auto text = read_file(path, largest_file);
    if (!text) {
        return text.error();
    }
    return parse_sequences<Scalar>(*text, path, format);
}

/// Writes sequences, with their labels if there are any, replacing the file completely or not at
/// all. Reading the file again gives the same bits. `invalid_argument` for unusable delimiters or
/// when the numbers of labels and sequences differ; `io_error` when the file cannot be written.
template <class Scalar>
status write_sequences(const std::filesystem::path& path, const sequence_set<Scalar>& set,
                       const sequence_format& format = {}) {
    if (auto outcome = detail::check(format); !outcome) {
        return outcome;
    }
    if (set.features() == 0 && set.count() > 0) {
        return status::error(error_code::invalid_argument, "write_sequences: ", set.count(),
                             " sequences of 0 features");
    }
    if (!set.labels.empty() && static_cast<index_t>(set.labels.size()) != set.count()) {
        return status::error(error_code::invalid_argument, "write_sequences: ", set.labels.size(),
                             " labels for ", set.count(), " sequences");
    }
    auto file = atomic_file::create(path);
    if (!file) {
        return file.error();
    }
    std::string line;
    number_text buffer{};
    for (index_t k = 0; k < set.count(); ++k) {
        const auto sequence = set.sequence(k);
        line.clear();
        for (index_t feature = 0; feature < sequence.rows(); ++feature) {
            for (index_t step = 0; step < sequence.cols(); ++step) {
                line += format_number(sequence(feature, step), buffer);
                line +=
                    step + 1 < sequence.cols() ? format.step_delimiter : format.feature_delimiter;
            }
        }
        line.pop_back();
        if (!set.labels.empty()) {
            line += format.feature_delimiter;
            line += set.labels[static_cast<std::size_t>(k)] != 0 ? '1' : '0';
        }
        line += '\n';
        file->write(line);
    }
    return file->commit();
}

} // namespace tocsin
