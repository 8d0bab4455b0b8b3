/// @file row_input.hpp
/// @brief Rows of CSV as they come, with any options: compared with reading the whole text.
#pragma once

#include "tocsin/io/csv.hpp"
#include "tocsin/io/csv_row_reader.hpp"
#include "tocsin/io/csv_stream.hpp"

#include "fuzz_input.hpp"
#include "scratch_file.hpp"
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_fuzz {

/// Options from the first bytes of an input.
inline tocsin::csv_options csv_options_from(reader& bytes) {
    tocsin::csv_options options;
    const auto maybe = [](unsigned bits) {
        return bits % 4 == 0   ? std::optional(true)
               : bits % 4 == 1 ? std::optional(false)
                               : std::nullopt;
    };
    const unsigned first = bytes.byte();
    options.delimiter = std::array{'\0', '\0', '\0', ',', ';', '\t', ' ', '"'}[first % 8];
    options.header = maybe(first / 8);
    options.decimal_comma = maybe(first / 32);
    const unsigned second = bytes.byte();
    options.groups = maybe(second);
    if ((second & 4U) != 0) {
        options.skip_rows = second / 8 % 4;
    }
    const unsigned third = bytes.byte();
    if ((third & 1U) != 0) {
        options.missing = {"-1", "x"};
    }
    if ((third & 2U) != 0) {
        options.ignore = {"a"};
    }
    if ((third & 4U) != 0) {
        options.timestamp = (third & 8U) != 0 ? "" : "t";
    }
    if ((third & 16U) != 0) {
        options.labels = std::vector<std::string>{"l"};
        options.label_values = {{"up", false}, {"*", true}};
    }
    if ((third & 32U) != 0) {
        options.use = {"b", "a"};
    }
    return options;
}

inline bool same_numbers(const double* a, const double* b, std::size_t count) {
    return count == 0 || std::memcmp(a, b, count * sizeof *a) == 0;
}

/// Row by row as from the whole text.
inline void compare_rows(std::string_view text, const tocsin::csv_options& options) {
    static const scratch_file scratch("rows");
    scratch.write(text);
    constexpr std::string_view mark{"\xEF\xBB\xBF"};
    if (text.starts_with(mark)) {
        text.remove_prefix(mark.size());
    }
    const auto whole = tocsin::parse_csv<double>(text, scratch.path(), options);
    auto rows = tocsin::csv_row_reader::open(scratch.path(), options);
    if (!rows) {
        require(rows.error().message()[0] != '\0', "rows: refused without a reason");
        require(!whole.has_value(), "rows: refused, but the whole text is read");
        return;
    }
    std::vector<double> values(static_cast<std::size_t>(rows->layout().features()));
    require(!values.empty(), "rows: without features");
    tocsin::csv_notes notes;
    tocsin::index_t count = 0;
    for (;;) {
        const auto more = rows->next(std::span<double>{values}, notes);
        if (!more) {
            require(more.error().message()[0] != '\0', "rows: refused without a reason");
            require(!whole.has_value(), "rows: one is refused, but the whole text is read");
            return;
        }
        if (!*more) {
            break;
        }
        if (whole) {
            require(count < whole->time() &&
                        static_cast<tocsin::index_t>(values.size()) == whole->features() &&
                        same_numbers(values.data(), whole->values.col(count).data(), values.size()),
                    "rows: one differs from the whole text");
            require(whole->timestamps.empty() ||
                        whole->timestamps[static_cast<std::size_t>(count)] == notes.time(),
                    "rows: a time differs from the whole text");
            require(whole->labels.empty() ||
                        whole->labels[static_cast<std::size_t>(count)] == notes.label,
                    "rows: a label differs from the whole text");
        }
        ++count;
    }
    // Only the whole text shows that no order of day, month and year fits all dates.
    const bool dates_contradict =
        !whole && std::string_view{whole.error().message()}.find("leaves the others without") !=
                      std::string_view::npos;
    require(whole ? count == whole->time() : count == 0 || dates_contradict,
            "rows: another number than the whole text");
}

/// Lines as from a device: whatever they are, the stream says so and reads on.
inline void take_lines(std::string_view text, tocsin::csv_options options) {
    if (options.use.empty()) {
        options.use = {"a", "b"};
    }
    tocsin::csv_stream stream(options);
    std::array<double, 2> values{};
    tocsin::csv_notes notes;
    tocsin::text_lines lines{text, "f"};
    while (lines.next()) {
        const auto kind = stream.take(lines.line(), lines.place());
        if (!kind) {
            require(kind.error().message()[0] != '\0', "line: refused without a reason");
            if (stream.has_ended()) {
                break;
            }
            continue;
        }
        if (*kind != tocsin::csv_line::row) {
            continue;
        }
        require(stream.layout() != nullptr &&
                    stream.layout()->features() == static_cast<int>(values.size()),
                "line: a row without a layout");
        const auto parsed =
            stream.parse<double>(lines.line(), std::span<double>{values}, notes, lines.place());
        require(parsed.ok() || parsed.message()[0] != '\0', "line: refused without a reason");
    }
    require(stream.outcome().ok() || stream.layout() == nullptr, "line: a failure with a layout");
}

inline void rows(input bytes) {
    reader first{bytes};
    const auto options = csv_options_from(first);
    const auto text = text_of(bytes.subspan(std::min<std::size_t>(bytes.size(), 3)));
    compare_rows(text, options);
    take_lines(text, options);
}

} // namespace tocsin_fuzz
