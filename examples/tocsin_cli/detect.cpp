// detect: judges the sequences or rows of a file, with metrics where it has labels.
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/metrics/regression.hpp"

#include "commands.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "metrics.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "report.hpp"
#include "row_judge.hpp"
#include "verdict_json.hpp"
#include "verdict_table.hpp"
#include <cmath>
#include <optional>

namespace tocsin_cli {
namespace {

using nlohmann::ordered_json;
using tocsin::index_t;

enum class view_kind : std::uint8_t { step, feature, any };

struct detect_command {
    console out;
    std::string model_path;
    std::string data_path;
    std::string output;
    std::string report_path;
    input_options input;
    row_options rows;
    int stride = 0;
    view_kind view = view_kind::step;
    output_kind kind = output_kind::table;

    void add_to(CLI::App& command);
    void run();
    void judge_rows(model_file& model, const input_data& data);
    void judge_windows(model_file& model, const input_data& data);
    std::string number(double value) const;
    void finish(const model_file& model, const verdict_table& table, ordered_json verdicts,
                ordered_json counts, const ordered_json& metrics,
                const std::vector<std::string>& summary) const;
};

void detect_command::add_to(CLI::App& command) {
    command.add_option("MODEL", model_path, "Model file, tuned")->required();
    command.add_option("DATA", data_path, "Sequences, or CSV of which each row is judged")
        ->required();
    add_integer(command, "--stride", stride,
                "CSV: judge whole windows, one every so many rows, instead of each row", 1)
        ->default_str("each row")
        ->group("Reading data");
    add_choice(
        command, "--view", view,
        {{"step", view_kind::step}, {"feature", view_kind::feature}, {"any", view_kind::any}},
        "Windows: which distances decide, those per time step, per feature, or either. Rows "
        "are judged per time step");
    add_choice(command, "--table", kind, {{"text", output_kind::table}, {"csv", output_kind::csv}},
               "How the verdicts are written without --json");
    command.add_option("-o,--output", output, "File for the verdicts; default: standard output")
        ->type_name("FILE");
    command
        .add_option("--report", report_path,
                    "Rows of CSV: an HTML page to look at, which needs no network: the recording, "
                    "score, threshold and alarms, which sensors carry each, and what was expected")
        ->type_name("FILE");
    rows.add_to(command);
    input.add_to(command);
}

/// All digits in CSV, for people six.
std::string detect_command::number(double value) const {
    tocsin::number_text buffer{};
    return kind == output_kind::csv ? std::string{tocsin::format_number(value, buffer)}
                                    : shown(value);
}

void detect_command::run() {
    model_file model = load_model(model_path);
    require_phase(model, model_path, tocsin::detector_phase::tuned);
    const input_data data = read_input(data_path, input, &model);
    if (data.is_series && stride == 0) {
        if (view != view_kind::step) {
            fail(tocsin::error_code::invalid_argument,
                 "--view: rows are judged per time step; --stride judges windows");
        }
        judge_rows(model, data);
    } else {
        if (!report_path.empty()) {
            fail(tocsin::error_code::invalid_argument,
                 "--report: is for rows of CSV without --stride");
        }
        const int smoothing = model.detector.rule().smoothing();
        if (smoothing > 1) {
            fail(tocsin::error_code::invalid_argument, model_path, ": was tuned with --smooth ",
                 smoothing, ", for rows of CSV without --stride");
        }
        if (const std::string given = rows.first_given(); !given.empty()) {
            fail(tocsin::error_code::invalid_argument, given,
                 ": is for rows of CSV without --stride");
        }
        judge_windows(model, data);
    }
}

void detect_command::judge_rows(model_file& model, const input_data& data) {
    const auto& series = data.series;
    const auto names = model.shown_names();
    std::vector<std::string> header{"row", "verdict", "score", "threshold", "largest_share"};
    std::vector<int> widths{6, 14, 12, 12, 16};
    if (!series.timestamps.empty()) {
        header.insert(header.begin() + 1, "timestamp");
        widths.insert(widths.begin() + 1, 19);
    }
    row_judge judge{model.detector, rows, model_path};
    const bool alarms = judge.has_alarms();
    if (alarms) {
        header.emplace_back("alarm");
        widths.push_back(5);
    }
    if (data.has_labels()) {
        header.emplace_back("label");
        widths.push_back(5);
    }
    verdict_table table{kind, header, widths};
    ordered_json verdicts = ordered_json::array();
    ordered_json counts;
    for (const char* name : {"normal", "anomaly", "sensor_lost", "warming_up", "invalid_sample"}) {
        counts[name] = 0;
    }
    scored_decisions decisions;
    scored_decisions alarm_decisions;
    std::optional<detection_report> report;
    if (!report_path.empty()) {
        report.emplace(model, model_path, data_path);
    }
    for (index_t t = 0; t < series.time(); ++t) {
        const auto sample = series.values.col(t);
        const row_verdict judged = judge.push(
            std::span<const float>(sample.data(), static_cast<std::size_t>(sample.size())));
        const tocsin::verdict& verdict = judged.verdict;
        const auto at = static_cast<std::size_t>(t);
        const std::string timestamp =
            series.timestamps.empty() ? std::string{} : series.timestamps[at];
        const bool scored = verdict.scored();
        if (report) {
            report->add({sample.data(), static_cast<std::size_t>(sample.size())}, timestamp,
                        data.has_labels() && series.labels[at] != 0, judged);
        }
        counts[to_string(verdict.kind)] = counts[to_string(verdict.kind)].get<index_t>() + 1;
        if (scored && data.has_labels()) {
            decisions.add(verdict.score, verdict.is_anomaly(), series.labels[at] != 0);
            alarm_decisions.add(verdict.score, judged.alarm, series.labels[at] != 0);
        }
        if (out.json()) {
            verdicts.push_back(verdict_json(t + 1, timestamp, judged, alarms, names));
            if (data.has_labels()) {
                verdicts.back()["label"] = series.labels[at];
            }
            continue;
        }
        const auto worst = std::max_element(judged.shares.begin(), judged.shares.end());
        std::vector<std::string> cells{
            std::to_string(t + 1), to_string(verdict.kind), scored ? number(verdict.score) : "",
            number(verdict.threshold),
            scored ? names[static_cast<std::size_t>(worst - judged.shares.begin())] : ""};
        if (!series.timestamps.empty()) {
            cells.insert(cells.begin() + 1, timestamp);
        }
        if (alarms) {
            cells.emplace_back(judged.alarm ? "1" : "0");
        }
        if (data.has_labels()) {
            cells.emplace_back(series.labels[at] != 0 ? "1" : "0");
        }
        table.add(cells);
    }
    std::vector<std::string> summary{
        std::to_string(series.time()) + " rows: " + counts["anomaly"].dump() + " anomalies, " +
        counts["normal"].dump() + " normal, " + counts["warming_up"].dump() + " warming up, " +
        counts["invalid_sample"].dump() + " invalid"};
    if (counts["sensor_lost"] > 0) {
        summary[0] += ", " + counts["sensor_lost"].dump() + " with a lost sensor";
    }
    if (alarms) {
        counts["alarm_rows"] = judge.alarm_rows();
        counts["alarms"] = judge.alarms();
        summary.push_back("alarms: " + std::to_string(judge.alarms()) +
                          ", rows in them: " + std::to_string(judge.alarm_rows()));
    }
    ordered_json metrics;
    if (data.has_labels()) {
        metrics["step"] = decisions.json();
        summary.push_back("against the labels of the rows with a score: " + decisions.text());
        if (alarms) {
            metrics["alarm"] = alarm_decisions.json();
            summary.push_back("alarms against these labels:                 " +
                              alarm_decisions.text());
        }
    }
    if (report) {
        report->write(report_path);
        summary.push_back("report: " + report_path);
    }
    finish(model, table, std::move(verdicts), std::move(counts), metrics, summary);
}

void detect_command::judge_windows(model_file& model, const input_data& data) {
    const any_detector& detector = model.detector;
    auto workspace = detector.make_workspace();
    const int length = detector.settings().window;
    const auto cut = cut_windows(data, length, std::max(stride, 1), detector.settings().scored);
    const bool labelled = !cut.labels.empty();
    const std::string first_name = data.is_series ? "first_row" : "sequence";
    std::vector<std::string> header{first_name,      "verdict",         "step_score",
                                    "feature_score", "flagged_by_step", "flagged_by_feature"};
    std::vector<int> widths{9, 14, 13, 13, 15, 18};
    if (labelled) {
        header.emplace_back("label");
        widths.push_back(5);
    }
    verdict_table table{kind, header, widths};
    ordered_json verdicts = ordered_json::array();
    scored_decisions step_view;
    scored_decisions feature_view;
    tocsin::regression_errors errors;
    index_t anomalies = 0;
    index_t invalid = 0;
    for (index_t k = 0; k < cut.windows.count(); ++k) {
        const auto window = cut.windows.window(k);
        const auto verdict = detector.score(window, workspace);
        const bool flagged = (view != view_kind::feature && verdict.flagged_by_step) ||
                             (view != view_kind::step && verdict.flagged_by_feature);
        const char* const word = !verdict.valid ? "invalid_window" : flagged ? "anomaly" : "normal";
        anomalies += flagged ? 1 : 0;
        invalid += verdict.valid ? 0 : 1;
        const bool anomalous = labelled && cut.labels[static_cast<std::size_t>(k)] != 0;
        if (!std::isnan(verdict.step_score) && verdict.valid && labelled) {
            step_view.add(verdict.step_score, verdict.flagged_by_step, anomalous);
        }
        if (!std::isnan(verdict.feature_score) && verdict.valid && labelled) {
            feature_view.add(verdict.feature_score, verdict.flagged_by_feature, anomalous);
        }
        if (verdict.valid && !anomalous) {
            errors.add(window, workspace.reconstruction());
        }
        const index_t first = data.is_series ? cut.windows.first_column(k) + 1 : k + 1;
        if (out.json()) {
            ordered_json line{{first_name, first}, {"verdict", word}};
            if (verdict.valid) {
                line["step_score"] = verdict.step_score;
                line["feature_score"] = verdict.feature_score;
                line["flagged_by_step"] = verdict.flagged_by_step;
                line["flagged_by_feature"] = verdict.flagged_by_feature;
            }
            if (labelled) {
                line["label"] = anomalous ? 1 : 0;
            }
            verdicts.push_back(std::move(line));
            continue;
        }
        const bool valid = verdict.valid;
        std::vector<std::string> cells{std::to_string(first),
                                       word,
                                       valid ? number(verdict.step_score) : "",
                                       valid ? number(verdict.feature_score) : "",
                                       verdict.flagged_by_step ? "1" : "0",
                                       verdict.flagged_by_feature ? "1" : "0"};
        if (labelled) {
            cells.emplace_back(anomalous ? "1" : "0");
        }
        table.add(cells);
    }
    const index_t count = cut.windows.count();
    ordered_json counts{{"normal", count - anomalies - invalid},
                        {"anomaly", anomalies},
                        {"invalid_window", invalid}};
    std::vector<std::string> summary{
        std::to_string(count) + " windows: " + std::to_string(anomalies) + " anomalies, " +
        counts["normal"].dump() + " normal, " + std::to_string(invalid) + " invalid"};
    ordered_json metrics;
    if (errors.count() > 0) {
        metrics["rmse"] = errors.rmse();
        metrics["mae"] = errors.mae();
        summary.push_back("reconstruction of " + std::string{labelled ? "normal" : "all"} +
                          " windows: RMSE " + shown(errors.rmse()) + ", MAE " +
                          shown(errors.mae()));
    }
    if (labelled) {
        metrics["step"] = step_view.json();
        metrics["feature"] = feature_view.json();
        summary.push_back("against the labels, per step:    " + step_view.text());
        summary.push_back("against the labels, per feature: " + feature_view.text());
    }
    finish(model, table, std::move(verdicts), std::move(counts), metrics, summary);
}

void detect_command::finish(const model_file& model, const verdict_table& table,
                            ordered_json verdicts, ordered_json counts, const ordered_json& metrics,
                            const std::vector<std::string>& summary) const {
    std::string text = table.text();
    if (out.json()) {
        const ordered_json result{
            {"command", "detect"},
            {"model", model_path},
            {"data", data_path},
            {"step_threshold", model.detector.threshold()},
            {"feature_threshold", model.detector.threshold(tocsin::error_view::per_feature)},
            {"counts", std::move(counts)},
            {"metrics", metrics},
            {"verdicts", std::move(verdicts)}};
        text = json_text(result, 1) + '\n';
    }
    if (!output.empty()) {
        require(tocsin::write_file(output, text));
    } else {
        std::fwrite(text.data(), 1, text.size(), stdout);
    }
    // Beside verdicts on standard output the summary is a message, so that CSV stays CSV.
    for (const std::string& line : summary) {
        if (output.empty()) {
            std::fflush(stdout);
            out.note(line);
        } else {
            out.say(line);
        }
    }
}

} // namespace

void add_detect(CLI::App& app) {
    add_command<detect_command>(
        app, "detect", "Judge the sequences or rows of a file; metrics where it has labels");
}

} // namespace tocsin_cli
