// inspect: says what a model file or a checkpoint holds.
#include "tocsin/io/archive.hpp"
#include "tocsin/training/training_state.hpp"

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "model_file.hpp"
#include <cstdio>

namespace tocsin_cli {
namespace {

using nlohmann::ordered_json;

struct inspect_command {
    console out;
    std::string path;
    bool tensors = false;

    void add_to(CLI::App& command) {
        command.add_option("FILE", path, "Model file or checkpoint")->required();
        command.add_flag("--tensors", tensors, "List the tensors too (always with --json)");
    }
    void run();
    void describe_model(ordered_json& result) const;
    void describe_checkpoint(tocsin::archive_reader& archive, ordered_json& result) const;
};

ordered_json sizes_of(const auto& part) {
    ordered_json sizes = ordered_json::array();
    if constexpr (requires { part.hidden_size(0); }) {
        for (int k = 0; k < part.layers(); ++k) {
            sizes.push_back(part.hidden_size(k));
        }
    }
    return sizes;
}

void inspect_command::describe_model(ordered_json& result) const {
    const model_file model = load_model(path);
    const any_detector& detector = model.detector;
    const auto phase = detector.phase();
    result["phase"] = phase_name(phase);
    result["model"] = detector.model().name();
    std::visit(
        [&](const auto& inner) {
            if constexpr (requires { inner.stack(); }) {
                result["layers"] = sizes_of(inner.stack());
                result["dropout"] = inner.stack().dropout_rate();
                result["targets"] = inner.targets();
                result["look_ahead"] = inner.look_ahead();
            } else {
                result["encoder"] = sizes_of(inner.encoder());
                result["decoder"] = sizes_of(inner.decoder());
                result["dropout"] = inner.encoder().dropout_rate();
            }
            result["head_layers"] = inner.head().layers();
            if constexpr (requires { inner.reversed(); }) {
                result["target_order"] = inner.reversed() ? "reversed" : "forward";
                result["decoder_training"] =
                    inner.training() == tocsin::decoder_training::free_running ? "free-running"
                                                                               : "teacher-forced";
            }
        },
        detector.model().model());
    result["parameters"] = detector.model().parameter_count();
    result["window"] = detector.settings().window;
    result["scored"] = detector.settings().scored == tocsin::scored_steps::all ? "all" : "newest";
    result["features"] = model.shown_names();
    if (phase >= tocsin::detector_phase::trained) {
        result["scaler"] = detector.data_scaler().name();
        detector.data_scaler().visit_coefficients([&](const auto& offset, const auto& scale) {
            result["scaler_offset"] =
                std::vector<double>(offset.data(), offset.data() + offset.size());
            result["scaler_scale"] = std::vector<double>(scale.data(), scale.data() + scale.size());
        });
    }
    if (phase >= tocsin::detector_phase::tuned) {
        result["rule"] = detector.rule().name();
        result["smoothing"] = detector.rule().smoothing();
        result["step_threshold"] = detector.threshold();
        result["feature_threshold"] = detector.threshold(tocsin::error_view::per_feature);
    }
}

void inspect_command::describe_checkpoint(tocsin::archive_reader& archive,
                                          ordered_json& result) const {
    tocsin::training_state<float> state;
    for (const tocsin::tensor_entry& tensor : archive.tensors()) {
        const auto count = static_cast<std::size_t>(tensor.count());
        if (tensor.name == "training.parameters") {
            state.parameters.resize(count);
        } else if (tensor.name == "training.best_parameters") {
            state.best_parameters.resize(count);
        } else if (tensor.name == "training.rule_state") {
            state.rule_state.resize(count);
        }
    }
    archive.object("training", state);
    require(archive.outcome());
    result["parameters"] = state.parameters.size();
    result["updates"] = state.step;
    result["epochs"] = state.finished_epochs();
    if (!state.history.empty()) {
        result["best_epoch"] = state.best_epoch + 1;
        result["best_rmse"] = state.best_rmse;
        result["last_rmse"] = state.history.back().validation_rmse;
        result["last_loss"] = state.history.back().training_loss;
        result["learning_rate"] = state.history.back().learning_rate;
    }
}

void inspect_command::run() {
    auto archive = require(tocsin::archive_reader::open(path));
    const auto content = archive.metadata().find("content");
    ordered_json result{{"command", "inspect"}, {"file", path}};
    result["content"] = content == archive.metadata().end() ? "unknown" : content->second;
    result["format_version"] = tocsin::archive_format_version;
    if (result["content"] == "checkpoint") {
        describe_checkpoint(archive, result);
    } else {
        describe_model(result);
    }
    ordered_json list = ordered_json::array();
    for (const tocsin::tensor_entry& tensor : archive.tensors()) {
        list.push_back({{"name", tensor.name},
                        {"type", tocsin::name_of(tensor.type)},
                        {"shape", tensor.shape}});
    }
    if (!out.json()) {
        for (auto item = std::next(result.begin()); item != result.end(); ++item) {
            const std::string value = item->is_string()         ? item->get<std::string>()
                                      : item->is_number_float() ? shown(item->get<double>())
                                                                : json_text(*item);
            std::printf("%-18s %s\n", item.key().c_str(), value.c_str());
        }
        std::printf("%-18s %zu\n", "tensors", list.size());
        for (const auto& tensor : tensors ? list : ordered_json::array()) {
            std::printf("  %s %s %s\n", tensor["name"].get<std::string>().c_str(),
                        tensor["type"].get<std::string>().c_str(), tensor["shape"].dump().c_str());
        }
    }
    result["tensors"] = std::move(list);
    out.report(result);
}

} // namespace

void add_inspect(CLI::App& app) {
    add_command<inspect_command>(app, "inspect", "Say what a model file or a checkpoint holds");
}

} // namespace tocsin_cli
