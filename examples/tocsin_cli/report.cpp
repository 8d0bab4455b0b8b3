#include "report.hpp"

#include "tocsin/core/config.hpp"
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/series/windows.hpp"

#include <nlohmann/json.hpp>

#include "console.hpp"
#include "failure.hpp"
#include "model_description.hpp"
#include "report_page.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

namespace tocsin_cli {
namespace {

using nlohmann::ordered_json;
using tocsin::index_t;

constexpr index_t most_expected =
    20'000; ///< rows with expected values, for which the model runs again
constexpr std::size_t most_alarms = 10'000; ///< listed in the page
constexpr index_t most_values = 6'000'000;  ///< that the page holds, 5.3 bytes each

constexpr float none = std::numeric_limits<float>::quiet_NaN();

/// A number, or null if JSON cannot represent it.
ordered_json number(double value) {
    return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}

/// The smallest and the largest of every `size` rows, in the order in which they occur.
template <class Value>
std::vector<float> extremes(index_t rows, index_t size, Value&& value) {
    std::vector<float> points;
    for (index_t begin = 0; begin < rows; begin += size) {
        index_t least = -1;
        index_t most = -1;
        for (index_t row = begin; row < std::min(begin + size, rows); ++row) {
            const float here = value(row);
            if (!std::isnan(here)) {
                least = least < 0 || here < value(least) ? row : least;
                most = most < 0 || here > value(most) ? row : most;
            }
        }
        points.push_back(least < 0 ? none : value(std::min(least, most)));
        points.push_back(least < 0 ? none : value(std::max(least, most)));
    }
    return points;
}

std::string text_of(const ordered_json& value) {
    return value.is_string()         ? value.get<std::string>()
           : value.is_number_float() ? shown(value.get<double>())
                                     : json_text(value);
}

/// Whether times count from 1970.
bool is_date(tocsin::timestamp_kind clock) {
    return clock != tocsin::timestamp_kind::unknown && clock != tocsin::timestamp_kind::plain &&
           clock != tocsin::timestamp_kind::time_of_day;
}

/// Features that the model predicts; it only reads the others. A classifier predicts none.
int predicted_features(const model_file& file) {
    const any_detector& detector = file.detector;
    return !file.has_detector() ? 0
                                : std::visit(
                                      [&](const auto& model) {
                                          if constexpr (requires { model.targets(); }) {
                                              return model.targets();
                                          } else {
                                              return detector.features();
                                          }
                                      },
                                      detector.model().model());
}

} // namespace

detection_report::detection_report(const model_file& model, std::string model_path,
                                   std::string data_path, tocsin::timestamp_kind clock)
    : model_{model}, model_path_{std::move(model_path)}, data_path_{std::move(data_path)},
      clock_{clock}, names_{model.shown_names()} {}

void detection_report::add(std::span<const float> sample, std::string_view timestamp, double time,
                           bool label, const row_verdict& judged) {
    const index_t row = rows();
    const tocsin::verdict& verdict = judged.verdict;
    values_.insert(values_.end(), sample.begin(), sample.end());
    score_.push_back(verdict.scored() ? static_cast<float>(verdict.score) : none);
    threshold_.push_back(static_cast<float>(verdict.threshold));
    labels_.push_back(label ? 1 : 0);
    if (!timestamp.empty() || !times_.empty()) {
        times_.resize(score_.size() - 1, std::numeric_limits<double>::quiet_NaN());
        times_.push_back(time);
    }
    unscored_ += verdict.scored() ? 0 : 1;
    largest_ = verdict.scored() ? std::max(largest_, verdict.score) : largest_;
    if (judged.alarm) {
        add_to_alarm(row, timestamp, sample, judged);
    }
    alarm_before_ = judged.alarm;
}

void detection_report::add_to_alarm(index_t row, std::string_view timestamp,
                                    std::span<const float> sample, const row_verdict& judged) {
    ++alarm_rows_;
    alarm_count_ += alarm_before_ ? 0 : 1;
    if (!alarm_before_) {
        alarms_.push_back({.begin = row, .end = row, .shares = std::vector<double>(names_.size())});
        alarms_.back().missing.resize(names_.size());
    }
    reported_alarm& alarm = alarms_.back();
    const std::string when =
        timestamp.empty() ? "row " + std::to_string(row + 1) : std::string{timestamp};
    alarm.times[0] = alarm.begin == row ? when : alarm.times[0];
    alarm.times[1] = when;
    alarm.end = row + 1;
    const tocsin::verdict& verdict = judged.verdict;
    if (verdict.scored()) {
        if (alarm.peak < 0 || verdict.score > alarm.score) {
            alarm.peak = row;
            alarm.score = verdict.score;
            alarm.threshold = verdict.threshold;
            alarm.times[2] = when;
        }
        for (std::size_t k = 0; k < names_.size(); ++k) {
            alarm.shares[k] += verdict.score * judged.shares[k];
        }
    }
    for (std::size_t k = 0; k < names_.size() && verdict.lost > 0; ++k) {
        alarm.missing[k] = std::isfinite(sample[k]) ? alarm.missing[k] : 1;
    }
}

std::vector<std::array<index_t, 2>> detection_report::expected_runs() const {
    if (rows() <= most_expected) {
        return {{0, rows()}};
    }
    const index_t context = std::max(2 * model_.window(), 120);
    std::vector<std::array<index_t, 2>> runs;
    index_t total = 0;
    for (const reported_alarm& alarm : alarms_) {
        index_t begin = std::max<index_t>(alarm.begin - context, 0);
        const index_t end = std::min({alarm.end + context, rows(), begin + most_expected});
        if (!runs.empty() && begin <= runs.back()[1]) {
            begin = runs.back()[1];
            runs.back()[1] = std::max(end, begin);
        } else {
            runs.push_back({begin, end});
        }
        total += std::max<index_t>(end - begin, 0);
        if (total > most_expected) {
            break;
        }
    }
    return runs;
}

/// The newest step of the reconstruction of the window that ends with each row. Missing values are
/// replaced by the last one, as in a stream.
void detection_report::find_expected() {
    const auto features = static_cast<index_t>(names_.size());
    const int window = model_.detector.settings().window;
    const int predicted = predicted_features(model_);
    const Eigen::Map<const tocsin::matrix<float>> values(values_.data(), features, rows());
    if (!model_.has_detector()) {
        return; // there are no expected values
    }
    runs_ = expected_runs();
    for (const auto& run : runs_) {
        const index_t begin = run[0];
        const index_t end = run[1];
        const index_t first = std::max<index_t>(begin - window + 1, 0);
        tocsin::matrix<float> expected =
            tocsin::matrix<float>::Constant(features, end - begin, none);
        if (end - first >= window) {
            tocsin::matrix<float> filled = values.middleCols(first, end - first);
            for (index_t f = 0; f < features; ++f) {
                float last = 0;
                for (index_t t = 0; t < filled.cols(); ++t) {
                    last = std::isfinite(filled(f, t)) ? filled(f, t) : last;
                    filled(f, t) = last;
                }
            }
            const auto windows = require(tocsin::make_windows(filled, window), data_path_);
            require(model_.detector.reconstruct(
                        windows,
                        [&](index_t k, const auto& /*seen*/, const auto& reconstruction) {
                            const index_t row = first + k + window - 1;
                            if (row >= begin &&
                                !std::isnan(score_[static_cast<std::size_t>(row)])) {
                                expected.col(row - begin).head(predicted) =
                                    reconstruction.col(window - 1).head(predicted);
                            }
                        }),
                    model_path_);
        }
        expected_.insert(expected_.end(), expected.data(), expected.data() + expected.size());
    }
}

ordered_json detection_report::described_alarms(const time_axis& axis) const {
    const auto features = names_.size();
    const auto expected_at = [&](index_t row, std::size_t feature) -> double {
        index_t before = 0;
        for (const auto& [begin, end] : runs_) {
            if (row >= begin && row < end) {
                return expected_[static_cast<std::size_t>(before + row - begin) * features +
                                 feature];
            }
            before += end - begin;
        }
        return none;
    };
    const auto place = [&](index_t row) { return axis.at[static_cast<std::size_t>(row)]; };
    ordered_json alarms = ordered_json::array();
    for (std::size_t a = 0; a < std::min(alarms_.size(), most_alarms); ++a) {
        const reported_alarm& alarm = alarms_[a];
        const double sum = std::accumulate(alarm.shares.begin(), alarm.shares.end(), 0.0);
        std::vector<std::size_t> order(features);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
            return alarm.shares[x] > alarm.shares[y];
        });
        ordered_json sensors = ordered_json::array();
        for (const std::size_t k : order) {
            if (alarm.peak < 0 || sensors.size() == 20) {
                break;
            }
            const double seen = values_[static_cast<std::size_t>(alarm.peak) * features + k];
            sensors.push_back({{"feature", k},
                               {"share", sum > 0 ? alarm.shares[k] / sum : 0},
                               {"seen", number(seen)},
                               {"expected", number(expected_at(alarm.peak, k))}});
        }
        ordered_json lost = ordered_json::array();
        for (std::size_t k = 0; k < features; ++k) {
            if (alarm.missing[k] != 0) {
                lost.push_back(k);
            }
        }
        const index_t peak = alarm.peak < 0 ? alarm.begin : alarm.peak;
        alarms.push_back({{"x", {place(alarm.begin), place(alarm.end - 1), place(peak)}},
                          {"from", alarm.times[0]},
                          {"to", alarm.times[1]},
                          {"peak", alarm.times[2]},
                          {"rows", alarm.end - alarm.begin},
                          {"score", alarm.peak < 0 ? ordered_json(nullptr) : number(alarm.score)},
                          {"threshold", number(alarm.threshold)},
                          {"lost", std::move(lost)},
                          {"sensors", std::move(sensors)}});
    }
    return alarms;
}

ordered_json detection_report::description(const time_axis& axis, index_t rows_per_bucket,
                                           index_t points) const {
    constexpr const char* kinds[] = {"row", "number", "time"};
    ordered_json result{
        {"version", TOCSIN_VERSION_STRING},
        {"model", std::filesystem::path{model_path_}.filename().string()},
        {"data", std::filesystem::path{data_path_}.filename().string()},
        {"names", names_},
        {"rows", rows()},
        {"points", points},
        {"rows_per_point", rows_per_bucket > 1 ? static_cast<double>(rows_per_bucket) / 2 : 1.0}};
    result["axis"] = {
        {"kind", kinds[static_cast<int>(axis.kind)]},
        {"start", axis.at.empty() ? 0 : axis.at.front()},
        {"step", axis.usual_step},
        {"usual_step", axis.usual_step},
        {"zone", is_date(clock_) && clock_ != tocsin::timestamp_kind::local ? "UTC" : ""},
        {"note", axis.note}};
    // What was subtracted from the values before they became floats.
    ordered_json offsets = ordered_json::array();
    for (std::size_t k = 0; k < names_.size(); ++k) {
        offsets.push_back(model_.offsets.size() > 0 ? model_.offsets[static_cast<index_t>(k)] : 0);
    }
    result["offsets"] = std::move(offsets);
    const double threshold = model_.threshold();
    result["threshold"] = number(threshold);
    result["threshold_floor"] = std::isfinite(threshold) ? threshold : 0;
    const any_threshold& rule = model_.detector.rule();
    result["rule"] = model_.classifier ? "the highest F1 on labelled rows"
                     : model_.judge    ? shown(model_.judge->promised()) +
                                          " false alarms in 10000 rows, by " + model_.judge->judge()
                     : threshold == rule.threshold() ? "rule '" + std::string{rule.name()} + '\''
                                                     : "set by hand";
    result["score_is_logarithm"] = model_.judge && model_.judge->forecasts();
    result["largest"] = largest_;
    result["unscored"] = unscored_;
    result["alarm_count"] = alarm_count_;
    result["alarm_rows"] = alarm_rows_;
    result["alarms"] = described_alarms(axis);
    ordered_json labels = ordered_json::array();
    for (std::size_t row = 0; row < labels_.size();) {
        std::size_t end = row;
        while (end < labels_.size() && labels_[end] != 0) {
            ++end;
        }
        if (end > row) {
            labels.push_back({axis.at[row], axis.at[end - 1]});
        }
        row = end + 1;
    }
    result["labels"] = std::move(labels);
    ordered_json runs = ordered_json::array();
    for (const auto& [begin, end] : runs_) {
        runs.push_back({begin, end - begin});
    }
    result["expected_runs"] = rows_per_bucket > 1 ? ordered_json::array() : std::move(runs);
    result["expected_note"] =
        model_.classifier
            ? "A classifier gives the probability of an anomaly, but no expected values."
        : !model_.has_detector() ? "The distance from the nearest value has no expected values."
        : rows_per_bucket > 1    ? "Expected values are only in the table."
        : rows() > most_expected
            ? "Expected values are drawn only around the alarms, for the first " +
                  std::to_string(most_expected) + " rows of them."
            : "";

    ordered_json described;
    describe_model(model_, described);
    ordered_json settings = ordered_json::array();
    for (const auto& [name, value] : described.items()) {
        if (name != "features" && name != "scaler_offset" && name != "scaler_scale") {
            std::string words = name;
            std::replace(words.begin(), words.end(), '_', ' ');
            settings.push_back({std::move(words), text_of(value)});
        }
    }
    const int warm_up = model_.has_detector() ? model_.detector.warm_up() : model_.window() - 1;
    settings.push_back({"warm-up", std::to_string(warm_up) + " rows"});
    result["settings"] = std::move(settings);

    ordered_json loss = ordered_json::array();
    ordered_json rmse = ordered_json::array();
    int best = 0;
    for (const tocsin::epoch_record& epoch : model_.history) {
        loss.push_back(number(epoch.training_loss));
        rmse.push_back(number(epoch.validation_rmse));
        const auto& best_so_far = model_.history[static_cast<std::size_t>(best)];
        best = epoch.validation_rmse < best_so_far.validation_rmse ? epoch.epoch : best;
    }
    result["training"] = {{"loss", std::move(loss)}, {"rmse", std::move(rmse)}, {"best", best + 1}};
    return result;
}

std::string detection_report::blocks(const time_axis& axis, index_t rows_per_bucket) const {
    const auto features = static_cast<index_t>(names_.size());
    const bool whole = rows_per_bucket == 1;
    const auto put = [&](const std::string& name, auto&& value) {
        std::vector<float> points;
        if (whole) {
            points.reserve(score_.size());
            for (index_t row = 0; row < rows(); ++row) {
                points.push_back(value(row));
            }
        } else {
            points = extremes(rows(), rows_per_bucket, value);
        }
        return page_block(name, base64(std::span<const float>{points}));
    };
    const auto of = [](const std::vector<float>& column) {
        return [&column](index_t row) { return column[static_cast<std::size_t>(row)]; };
    };
    std::string text = put("score", of(score_));
    const bool adapts = std::any_of(threshold_.begin(), threshold_.end(), [&](float threshold) {
        return threshold != threshold_.front();
    });
    if (adapts) {
        text += put("threshold", of(threshold_));
    }
    for (index_t f = 0; f < features; ++f) {
        text += put("seen-" + std::to_string(f), [&](index_t row) {
            return values_[static_cast<std::size_t>(row * features + f)];
        });
        if (whole && f < predicted_features(model_)) {
            std::vector<float> expected;
            for (auto k = static_cast<std::size_t>(f); k < expected_.size(); k += names_.size()) {
                expected.push_back(expected_[k]);
            }
            text += page_block("expected-" + std::to_string(f),
                               base64(std::span<const float>{expected}));
        }
    }
    if (!whole || !axis.is_regular) {
        std::vector<double> at;
        for (index_t begin = 0; begin < rows(); begin += rows_per_bucket) {
            at.push_back(axis.at[static_cast<std::size_t>(begin)]);
            if (!whole) {
                const index_t middle = std::min(begin + rows_per_bucket / 2, rows() - 1);
                at.push_back(axis.at[static_cast<std::size_t>(middle)]);
            }
        }
        text += page_block("x", base64(std::span<const double>{at}));
    }
    return text;
}

void detection_report::write(const std::string& path) {
    find_expected();
    const auto features = static_cast<index_t>(names_.size());
    index_t rows_per_bucket = 1;
    if (rows() * (features + 1) > most_values) {
        const index_t needed = (2 * rows() * (features + 1) + most_values - 1) / most_values;
        rows_per_bucket = std::max<index_t>(needed + needed % 2, 2);
    }
    const index_t points =
        rows_per_bucket == 1 ? rows() : 2 * ((rows() + rows_per_bucket - 1) / rows_per_bucket);
    const time_axis axis = make_axis(times_, rows(), is_date(clock_));
    const ordered_json described = description(axis, rows_per_bucket, points);
    require(tocsin::write_file(path, page("Anomalies in " + described["data"].get<std::string>(),
                                          json_text(described), blocks(axis, rows_per_bucket))));
}

} // namespace tocsin_cli
