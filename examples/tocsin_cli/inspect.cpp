// inspect: shows the contents of a model file or a checkpoint.
#include "tocsin/io/archive.hpp"
#include "tocsin/training/training_state.hpp"

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "model_description.hpp"
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
    void describe_checkpoint(tocsin::archive_reader& archive, ordered_json& result) const;
};

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
        describe_model(load_model(path), result);
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
    add_command<inspect_command>(app, "inspect",
                                 "Show the contents of a model file or a checkpoint");
}

} // namespace tocsin_cli
