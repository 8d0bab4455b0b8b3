#include "row_source.hpp"

#include "tocsin/io/csv_times.hpp"

#include "failure.hpp"
#include "moment.hpp"
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

/// Timestamps of the first rows.
std::vector<std::string> first_timestamps(tocsin::csv_row_reader& reader) {
    constexpr std::size_t most = 1000;
    std::vector<std::string> texts;
    std::vector<double> values(static_cast<std::size_t>(reader.layout().features()));
    tocsin::csv_notes notes;
    while (texts.size() < most) {
        const auto more = reader.next(std::span<double>{values}, notes);
        if (!more || !*more) { // a wrong row is reported when its turn comes
            break;
        }
        texts.push_back(notes.time());
    }
    return texts;
}

} // namespace

row_source::row_source(const input_data& data)
    : data_{&data}, sample_(static_cast<std::size_t>(data.features())) {}

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
    if (reader.layout().has_timestamp()) {
        const auto texts = first_timestamps(reader);
        facts.clock = tocsin::timestamp_reader::from_samples(
            texts, tocsin::serial_dates_of(reader.layout().columns(), options.csv(&model)));
        std::vector<double> times;
        for (const std::string& text : texts) {
            times.push_back(facts.clock.seconds(text));
        }
        facts.time = tocsin::study_times(times);
        if (facts.time.descending) {
            return std::nullopt;
        }
        reader = open_rows(path, options, model);
    }
    row_source rows{std::move(reader)};
    rows.path_ = path;
    rows.clock_ = facts.clock;
    rows.wall_ = tocsin::daylight_saving{facts.time.step};
    rows.offsets_ = model.offsets;
    rows.exact_.resize(static_cast<std::size_t>(model.features()));
    rows.sample_.resize(rows.exact_.size());
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
        if (++at_ >= data_->series.time()) {
            return false;
        }
        const auto at = static_cast<std::size_t>(at_);
        const auto sample = data_->series.values.col(at_);
        std::copy_n(sample.data(), sample.size(), sample_.begin());
        number_ = data_->row_number(at_);
        time_ = data_->time_of(at_);
        timestamp_ = is_on_grid()       ? moment(time_, data_->files.front().clock.kind())
                     : has_timestamps() ? data_->series.timestamps[at]
                                        : std::string{};
        anomalous_ = has_labels() && data_->series.labels[at] != 0;
        return true;
    }
    tocsin::csv_notes notes;
    if (!require(reader_->next(std::span<double>{exact_}, notes))) {
        if (number_ == 0) {
            fail(tocsin::error_code::format_error, path_, ": has a header but no rows");
        }
        return false;
    }
    ++number_;
    for (std::size_t f = 0; f < exact_.size(); ++f) {
        const double offset = offsets_.size() > 0 ? offsets_[static_cast<index_t>(f)] : 0;
        sample_[f] = static_cast<float>(exact_[f] - offset);
    }
    timestamp_ = notes.time();
    time_ = clock_.kind() == tocsin::timestamp_kind::unknown ? tocsin::unknown_time
                                                             : clock_.seconds(timestamp_);
    if (clock_.kind() == tocsin::timestamp_kind::local) {
        time_ = wall_.advance(time_);
    }
    anomalous_ = notes.label != 0;
    return true;
}

} // namespace tocsin_cli
