#include "row_source.hpp"

#include "tocsin/io/csv_times.hpp"

#include "echo.hpp"
#include "failure.hpp"
#include "moment.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

namespace tocsin_cli {

using tocsin::index_t;

namespace {

tocsin::csv_row_reader open_rows(const std::string& path, const input_options& options,
                                 const model_file& model) {
    auto reader = require(tocsin::csv_row_reader::open(path, options.csv(&model)));
    if (reader.layout().features() != model.features()) {
        fail(tocsin::error_code::invalid_data, path, ": has ", reader.layout().features(),
             reader.layout().features() == 1 ? " feature" : " features", ", the model has ",
             model.features());
    }
    return reader;
}

/// Reads the timestamps of the first rows, and of more until the order of dates is sure.
/// @return those of the first rows
std::vector<std::string> study_timestamps(tocsin::csv_row_reader& reader,
                                          const tocsin::csv_options& options,
                                          tocsin::timestamp_reader& clock) {
    constexpr std::size_t most = 1000;
    std::vector<std::string> texts;
    std::vector<double> values(static_cast<std::size_t>(reader.layout().features()));
    tocsin::csv_notes notes;
    const auto next = [&] { // a wrong row is reported when its turn comes
        const auto more = reader.next(std::span<double>{values}, notes);
        return more.has_value() && *more;
    };
    while (texts.size() < most && next()) {
        texts.push_back(notes.time());
    }
    clock = tocsin::timestamp_reader::from_samples(
        texts, tocsin::serial_dates_of(reader.layout().columns(), options), options.dates,
        tocsin::time_unit_of(reader.layout().columns(), options), options.digit_dates);
    // More rows where dates leave the order open: of years with two digits, few do not.
    constexpr int most_further = 100'000;
    for (int k = 0;
         k < most_further && clock.order().depends() && !clock.order().is_sure() && next(); ++k) {
        clock.learn(notes.time());
    }
    return texts;
}

} // namespace

row_source::row_source(const input_data& data) : data_{&data} {
    row_.sample.resize(static_cast<std::size_t>(data.features()));
}

std::optional<row_source> row_source::of_file(const std::string& path, const input_options& options,
                                              const model_file& model, const console& out) {
    std::error_code failure;
    if (options.encoding != tocsin::text_encoding::automatic &&
        options.encoding != tocsin::text_encoding::utf8) {
        return std::nullopt;
    }
    if (!std::filesystem::is_regular_file(path, failure)) {
        return std::nullopt;
    }
    std::string beginning(1 << 16, '\0');
    std::ifstream file{path, std::ios::binary};
    file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    beginning.resize(static_cast<std::size_t>(file.gcount()));
    if (tocsin::looks_like_utf16(beginning) || !is_csv(path, beginning, options)) {
        return std::nullopt;
    }
    file_facts facts;
    facts.path = path;
    auto reader = open_rows(path, options, model);
    refuse_unknown_ignored(options.ignore, reader.layout().columns(), path);
    if (reader.dialect().may_have_names) {
        out.note("warning: " + numeric_names_note(path, reader.dialect()));
    }
    if (reader.layout().has_timestamp()) {
        const auto texts = study_timestamps(reader, options.csv(&model), facts.clock);
        if (facts.clock.ambiguous()) {
            out.note("warning: " + ambiguity_note(path, facts.clock.order()));
        }
        std::vector<double> times;
        for (const std::string& text : texts) {
            times.push_back(facts.clock.seconds(text));
        }
        facts.time = tocsin::study_times(times);
        if (facts.clock.kind() == tocsin::timestamp_kind::time_of_day && !facts.time.descending) {
            tocsin::times_of_day day;
            std::for_each(times.begin(), times.end(),
                          [&](double& time) { time = day.advance(time); });
            facts.time = tocsin::study_times(times);
        }
        if (facts.time.descending) {
            return std::nullopt;
        }
        if (facts.time.disordered()) {
            out.note("warning: " + disorder_note(path, facts.time));
        }
        reader = open_rows(path, options, model);
    }
    row_source rows{std::move(reader), out};
    rows.path_ = path;
    rows.clock_ = facts.clock;
    rows.asked_order_ = options.dates.has_value();
    rows.wall_ = tocsin::daylight_saving{facts.time.step};
    rows.offsets_ = model.offsets;
    rows.exact_.resize(static_cast<std::size_t>(model.features()));
    input_data data;
    data.files.push_back(std::move(facts));
    warn_of_step(data, model, out, true);
    return rows;
}

bool row_source::has_timestamps() const noexcept {
    return data_ != nullptr ? !data_->series.timestamps.empty() || is_on_grid()
                            : reader_->layout().has_timestamp();
}
bool row_source::is_on_grid() const noexcept {
    return data_ != nullptr && !data_->files.empty() && data_->files.front().resampled > 0;
}
bool row_source::has_labels() const noexcept {
    return data_ != nullptr ? data_->has_labels() : reader_->layout().has_label();
}

tocsin::timestamp_kind row_source::clock() const noexcept {
    return data_ == nullptr       ? clock_.kind()
           : data_->files.empty() ? tocsin::timestamp_kind::unknown
                                  : data_->files.front().clock.kind();
}

bool row_source::next() {
    if (data_ != nullptr) {
        return next_in_memory();
    }
    constexpr std::size_t longest_footer = 100; // rows; more are data with unreadable times
    source_row row;
    const bool had_ended = ended_;
    while (!ended_ && (held_.empty() || (holds_ && may_be_footer(held_.back())))) {
        ended_ = !read_row(row);
        if (!ended_) {
            holds_ = may_be_footer(row) ? holds_ && held_.size() < longest_footer : true;
            held_.push_back(std::move(row));
        }
    }
    // As leave_out_footer() does where the file is in memory.
    if (ended_ && !had_ended && holds_ && !held_.empty() && may_be_footer(held_.back()) &&
        rows_read_ >= static_cast<index_t>(11 * held_.size())) {
        out_->note("warning: " + footer_note(path_, held_.front().timestamp));
        held_.clear();
    }
    if (held_.empty()) {
        if (rows_read_ == 0) {
            fail(tocsin::error_code::format_error, path_, ": has a header but no rows");
        }
        return false;
    }
    row_ = std::move(held_.front());
    held_.pop_front();
    return true;
}

bool row_source::next_in_memory() {
    if (++at_ >= data_->series.time()) {
        return false;
    }
    const auto at = static_cast<std::size_t>(at_);
    const auto sample = data_->series.values.col(at_);
    std::copy_n(sample.data(), sample.size(), row_.sample.begin());
    row_.number = data_->row_number(at_);
    row_.time = data_->time_of(at_);
    row_.timestamp = is_on_grid()       ? moment(row_.time, data_->files.front().clock.kind())
                     : has_timestamps() ? data_->series.timestamps[at]
                                        : std::string{};
    row_.anomalous = has_labels() && data_->series.labels[at] != 0;
    return true;
}

bool row_source::may_be_footer(const source_row& row) const noexcept {
    return clock_.kind() != tocsin::timestamp_kind::unknown && std::isnan(row.time) &&
           !tocsin::detail::is_usual_missing(row.timestamp);
}

/// Once the order of dates is known, one of another order is refused, unless the order was asked for.
void row_source::refuse_other_order(const source_row& row) const {
    if (asked_order_ || !clock_.order().depends() || !std::isnan(clock_.seconds(row.timestamp))) {
        return;
    }
    const auto time = tocsin::parse_date_time(row.timestamp);
    if (!time || !clock_.order().refuses(*time)) {
        return;
    }
    const tocsin::date_orders others{clock_.order().order()};
    tocsin::date_orders all = time->orders;
    all.add(clock_.order().order());
    fail(tocsin::error_code::format_error, path_, ": the date '",
         tocsin::detail::shown_text(row.timestamp), "' of row ", row.number, " can only be ",
         tocsin::in_words(time->orders), ", others ", tocsin::in_words(others), "; ",
         tocsin::options_of(all), " leaves the others without a time");
}

bool row_source::read_row(source_row& row) {
    tocsin::csv_notes notes;
    if (!require(reader_->next(std::span<double>{exact_}, notes))) {
        return false;
    }
    if (cut_.take(notes, reader_->line_number())) {
        out_->note("warning: " + warning_of(cut_, path_));
    }
    if (unread_.take(notes, reader_->line_number())) {
        out_->note("warning: " + warning_of(unread_, path_));
    }
    if (switches_.take(reader_->layout(), reader_->line(), std::span<const double>{exact_}, notes,
                       reader_->line_number())) {
        for (const tocsin::csv_switch_words& words : switches_.newly_found()) {
            out_->note(
                "warning: " +
                warning_of(words,
                           reader_->layout().names()[static_cast<std::size_t>(words.feature)],
                           path_));
        }
    }
    row.number = ++rows_read_;
    row.sample.resize(exact_.size());
    for (std::size_t f = 0; f < exact_.size(); ++f) {
        const double offset = offsets_.size() > 0 ? offsets_[static_cast<index_t>(f)] : 0;
        row.sample[f] = static_cast<float>(exact_[f] - offset);
    }
    row.timestamp = notes.time();
    refuse_other_order(row);
    row.time = clock_.kind() == tocsin::timestamp_kind::unknown ? tocsin::unknown_time
                                                                : clock_.seconds(row.timestamp);
    if (clock_.kind() == tocsin::timestamp_kind::local) {
        row.time = wall_.advance(row.time);
    } else if (clock_.kind() == tocsin::timestamp_kind::time_of_day) {
        row.time = day_.advance(row.time);
    }
    row.anomalous = notes.label != 0;
    return true;
}

} // namespace tocsin_cli
