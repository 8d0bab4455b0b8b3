// detect: judges the sequences or rows of a file, with metrics where it has labels.
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/metrics/regression.hpp"

#include "command_files.hpp"
#include "commands.hpp"
#include "echo.hpp"
#include "failure.hpp"
#include "input.hpp"
#include "metrics.hpp"
#include "model_file.hpp"
#include "options.hpp"
#include "report.hpp"
#include "row_judge.hpp"
#include "row_source.hpp"
#include "verdict_json.hpp"
#include "verdict_table.hpp"
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

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
    void judge_rows(model_file& model, row_source source);
    void judge_windows(model_file& model, const input_data& data);
    std::string number(double value) const;
    void finish(const model_file& model, const verdict_table& table, ordered_json verdicts,
                ordered_json counts, const ordered_json& metrics,
                const std::vector<std::string>& summary) const;
    ordered_json heading(const model_file& model) const;
    void summarise(const std::vector<std::string>& summary) const;
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
               "Format of the verdicts without --json");
    command.add_option("-o,--output", output, "File for the verdicts; default: standard output")
        ->type_name("FILE");
    command
        .add_option(
            "--report", report_path,
            "Rows of CSV: an HTML page, which needs no network: the recording with expected "
            "values, score, threshold, and alarms with the sensors that contribute most")
        ->type_name("FILE");
    rows.add_to(command);
    input.add_to(command);
    input.add_resampling_to(command);
}

/// All digits in CSV, for people six.
std::string detect_command::number(double value) const {
    tocsin::number_text buffer{};
    return kind == output_kind::csv ? std::string{tocsin::format_number(value, buffer)}
                                    : shown(value);
}

void detect_command::run() {
    refuse_overwriting({{"MODEL", model_path}, {"DATA", data_path}},
                       {{"--output", output}, {"--report", report_path}});
    model_file model = load_model(model_path);
    require_phase(model, model_path, tocsin::detector_phase::tuned);
    const auto check_view = [&] {
        if (view != view_kind::step) {
            fail(tocsin::error_code::invalid_argument,
                 "--view: rows are judged per time step; --stride judges windows");
        }
    };
    const bool on_grid = input.resample > 0;
    if (on_grid && stride > 0) {
        fail(tocsin::error_code::invalid_argument,
             "--resample: is for rows of CSV without --stride");
    }
    if (stride == 0 && !on_grid) {
        if (auto source = row_source::of_file(data_path, input, model, out)) {
            check_view();
            judge_rows(model, *std::move(source));
            return;
        }
    }
    const input_data data = on_grid ? read_recordings({data_path}, input, &model)
                                    : read_input(data_path, input, &model);
    warn_of_step(data, model, out, stride == 0);
    for (const file_facts& file : data.files) {
        if (file.time.disordered()) {
            out.note("warning: " + disorder_note(file.path, file.time));
        }
    }
    if (on_grid && !data.is_series) {
        fail(tocsin::error_code::invalid_argument, data_path, ": --resample is for rows of CSV");
    }
    if (model.classifier && (!data.is_series || stride > 0)) {
        fail(tocsin::error_code::invalid_argument, model_path,
             ": is a classifier, which judges rows of CSV without --stride");
    }
    if (stride > 0 || !data.is_series) {
        refuse_judge(model, model_path, "they judge rows of CSV without --stride");
    }
    if (data.is_series && stride == 0) {
        check_view();
        judge_rows(model, row_source{data});
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

/// Text that goes to a file, which is replaced completely or not at all, or to standard output.
class text_sink {
  public:
    explicit text_sink(const std::string& path) {
        if (!path.empty()) {
            file_.emplace(require(tocsin::atomic_file::create(path)));
        }
    }
    void write(std::string_view text) {
        if (file_) {
            file_->write(text);
        } else {
            std::fwrite(text.data(), 1, text.size(), stdout);
        }
    }
    void commit() {
        if (file_) {
            require(file_->commit());
        }
    }

  private:
    std::optional<tocsin::atomic_file> file_;
};

/// Rows are written as they are judged, so that memory does not grow with the file.
void detect_command::judge_rows(model_file& model, row_source source) {
    const auto names = model.shown_names();
    std::vector<std::string> header{"row", "verdict", "score", "threshold", "largest_share"};
    std::vector<int> widths{6, 14, 12, 12, 16};
    if (source.has_timestamps()) {
        header.insert(header.begin() + 1, "timestamp");
        widths.insert(widths.begin() + 1, 19);
    }
    require_calendar(model, data_path, source.clock());
    row_judge judge{model, rows, model_path};
    const bool alarms = judge.has_alarms();
    if (alarms) {
        header.emplace_back("alarm");
        widths.push_back(5);
    }
    const bool labelled = source.has_labels();
    if (labelled) {
        header.emplace_back("label");
        widths.push_back(5);
    }
    verdict_table table{kind, header, widths};
    text_sink sink{output};
    if (out.json()) {
        std::string beginning = json_text(heading(model), 1);
        beginning.resize(beginning.rfind('\n'));
        sink.write(beginning + ",\n \"verdicts\": [");
    }
    const char* between = "\n  ";
    ordered_json counts;
    for (const char* name : {"normal", "anomaly", "sensor_lost", "warming_up", "invalid_sample"}) {
        counts[name] = 0;
    }
    scored_decisions decisions;
    scored_decisions alarm_decisions;
    std::optional<detection_report> report;
    if (!report_path.empty()) {
        report.emplace(model, model_path, data_path, source.clock());
    }
    index_t rows_judged = 0;
    const auto next_row = [&] {
        try {
            return source.next();
        } catch (const command_failure& failure) {
            if (out.json()) { // what has been written is JSON all the same
                sink.write("\n ],\n \"error\": " + json_text(failure.reason.message()) + "\n}\n");
            }
            throw;
        }
    };
    for (; next_row(); ++rows_judged) {
        const row_verdict judged = judge.push(source.sample(), source.time());
        const tocsin::verdict& verdict = judged.verdict;
        const bool scored = verdict.scored();
        if (report) {
            report->add(source.sample(), source.timestamp(), source.time(),
                        labelled && source.anomalous(), judged);
        }
        counts[to_string(verdict.kind)] = counts[to_string(verdict.kind)].get<index_t>() + 1;
        if (scored && labelled) {
            decisions.add(verdict.score, verdict.is_anomaly(), source.anomalous());
            if (alarms) {
                alarm_decisions.add(verdict.score, judged.alarm, source.anomalous());
            }
        }
        if (out.json()) {
            ordered_json line =
                verdict_json(source.number(), source.timestamp(), judged, alarms, names);
            if (labelled) {
                line["label"] = source.anomalous() ? 1 : 0;
            }
            sink.write(std::exchange(between, ",\n  ") + json_text(line));
            continue;
        }
        const auto worst = std::max_element(judged.shares.begin(), judged.shares.end());
        std::vector<std::string> cells{
            std::to_string(source.number()), to_string(verdict.kind),
            scored ? number(verdict.score) : "", number(verdict.threshold),
            scored ? names[static_cast<std::size_t>(worst - judged.shares.begin())] : ""};
        if (source.has_timestamps()) {
            cells.insert(cells.begin() + 1, source.timestamp());
        }
        if (alarms) {
            cells.emplace_back(judged.alarm ? "1" : "0");
        }
        if (labelled) {
            cells.emplace_back(source.anomalous() ? "1" : "0");
        }
        table.add(cells);
        sink.write(table.take());
    }
    std::vector<std::string> summary{
        std::to_string(rows_judged) + " rows: " + counts["anomaly"].dump() + " anomalies, " +
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
    if (const tocsin::rate_monitor* promise = judge.promise()) {
        const double realised = promise->rows() > 0
                                    ? 10000.0 * static_cast<double>(promise->alarms()) /
                                          static_cast<double>(promise->rows())
                                    : 0.0;
        counts["clusters"] = promise->alarms();
        counts["promised_rate"] = promise->promised();
        counts["realised_rate"] = realised;
        summary.push_back("clusters of anomalies: " + std::to_string(promise->alarms()) + ", " +
                          shown(realised) +
                          " in 10000 rows; false alarms promised: " + shown(promise->promised()));
    }
    ordered_json metrics;
    if (labelled) {
        metrics["step"] = decisions.json();
        summary.push_back("against the labels of the rows with a score: " + decisions.text());
        if (alarms) {
            metrics["alarm"] = alarm_decisions.json();
            summary.push_back("alarms against these labels:                 " +
                              alarm_decisions.text());
        }
    }
    if (out.json()) {
        std::string end = json_text({{"counts", std::move(counts)}, {"metrics", metrics}}, 1);
        end.erase(0, 1);
        sink.write((rows_judged > 0 ? "\n ]," : "],") + end + '\n');
    } else {
        sink.write(table.take()); // the names alone where there is no row
    }
    sink.commit();
    if (report) {
        report->write(report_path);
        summary.push_back("report: " + report_path);
    }
    summarise(summary);
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
        const char* const word = !verdict.scored() ? "invalid_window"
                                 : flagged         ? "anomaly"
                                                   : "normal";
        anomalies += flagged ? 1 : 0;
        invalid += verdict.scored() ? 0 : 1;
        const bool anomalous = labelled && cut.labels[static_cast<std::size_t>(k)] != 0;
        if (!std::isnan(verdict.step_score) && verdict.scored() && labelled) {
            step_view.add(verdict.step_score, verdict.flagged_by_step, anomalous);
        }
        if (!std::isnan(verdict.feature_score) && verdict.scored() && labelled) {
            feature_view.add(verdict.feature_score, verdict.flagged_by_feature, anomalous);
        }
        if (verdict.scored() && !anomalous) {
            errors.add(window, workspace.reconstruction());
        }
        const index_t first = data.is_series ? data.row_number(cut.windows.first_column(k)) : k + 1;
        if (out.json()) {
            ordered_json line{{first_name, first}, {"verdict", word}};
            if (verdict.scored()) {
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
        const bool valid = verdict.scored();
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
        ordered_json result = heading(model);
        result["counts"] = std::move(counts);
        result["metrics"] = metrics;
        result["verdicts"] = std::move(verdicts);
        text = json_text(result, 1) + '\n';
    }
    text_sink sink{output};
    sink.write(text);
    sink.commit();
    summarise(summary);
}

ordered_json detect_command::heading(const model_file& model) const {
    return {{"command", "detect"},
            {"model", model_path},
            {"data", data_path},
            {"step_threshold", model.threshold()},
            {"feature_threshold", model.classifier || model.judge
                                      ? model.threshold()
                                      : model.detector.threshold(tocsin::error_view::per_feature)}};
}

void detect_command::summarise(const std::vector<std::string>& summary) const {
    // With verdicts on standard output, the summary is a message, so that CSV stays CSV.
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
