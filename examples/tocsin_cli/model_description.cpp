#include "model_description.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace tocsin_cli {
namespace {

using nlohmann::ordered_json;

ordered_json sizes_of(const auto& part) {
    ordered_json sizes = ordered_json::array();
    if constexpr (requires { part.hidden_size(0); }) {
        for (int k = 0; k < part.layers(); ++k) {
            sizes.push_back(part.hidden_size(k));
        }
    }
    return sizes;
}

void describe_lstm(const auto& model, ordered_json& result) {
    if constexpr (requires { model.stack(); }) {
        result["layers"] = sizes_of(model.stack());
        result["dropout"] = model.stack().dropout_rate();
        result["targets"] = model.targets();
        result["look_ahead"] = model.look_ahead();
    } else {
        result["encoder"] = sizes_of(model.encoder());
        result["decoder"] = sizes_of(model.decoder());
        result["dropout"] = model.encoder().dropout_rate();
    }
    result["head_layers"] = model.head().layers();
    if constexpr (requires { model.reversed(); }) {
        result["target_order"] = model.reversed() ? "reversed" : "forward";
        result["decoder_training"] = model.training() == tocsin::decoder_training::free_running
                                         ? "free-running"
                                         : "teacher-forced";
    }
}

void describe_scaler(const any_scaler& scaler, ordered_json& result) {
    result["scaler"] = scaler.name();
    scaler.visit_coefficients([&](const auto& offset, const auto& scale) {
        result["scaler_offset"] = std::vector<double>(offset.data(), offset.data() + offset.size());
        result["scaler_scale"] = std::vector<double>(scale.data(), scale.data() + scale.size());
    });
}

void describe_classifier(const model_file& model, ordered_json& result) {
    const any_classifier& classifier = *model.classifier;
    result["phase"] = phase_name(tocsin::detector_phase::tuned);
    result["model"] = "classifier";
    result["network"] = classifier.network();
    result["parameters"] = classifier.parameter_count();
    result["window"] = classifier.window();
    result["features"] = model.shown_names();
    describe_scaler(classifier.data_scaler(), result);
    result["threshold"] = classifier.threshold();
}

/// What judges in place of a detector's rule.
void describe_judge(const promised_model& judge, ordered_json& result) {
    result["rule"] = judge.judge();
    result["promised_rate"] = judge.promised();
    result["threshold"] = judge.threshold();
    if (judge.kind() == promised_kind::ensemble) {
        result["combination"] = judge.combine() == tocsin::combination::second_smallest
                                    ? "second-smallest"
                                    : "bonferroni";
    }
    if (judge.memory() > 0) {
        result["memory"] = judge.memory();
    }
}

void describe_values(const model_file& model, ordered_json& result) {
    result["phase"] = phase_name(tocsin::detector_phase::tuned);
    result["model"] = model.judge->name();
    result["features"] = model.shown_names();
    describe_judge(*model.judge, result);
}

void describe_detector(const model_file& model, ordered_json& result) {
    const any_detector& detector = model.detector;
    const auto phase = detector.phase();
    result["phase"] = phase_name(phase);
    result["model"] = detector.model().name();
    std::visit(
        [&](const auto& inner) {
            if constexpr (requires { inner.order(); }) {
                result["order"] = inner.order();
                result["targets"] = inner.targets();
            } else {
                describe_lstm(inner, result);
            }
        },
        detector.model().model());
    result["parameters"] = detector.model().parameter_count();
    result["window"] = detector.settings().window;
    result["scored"] = detector.settings().scored == tocsin::scored_steps::all ? "all" : "newest";
    result["features"] = model.shown_names();
    if (phase >= tocsin::detector_phase::trained) {
        describe_scaler(detector.data_scaler(), result);
    }
    if (phase >= tocsin::detector_phase::tuned) {
        result["rule"] = detector.rule().name();
        result["smoothing"] = detector.rule().smoothing();
        result["step_threshold"] = detector.threshold();
        result["feature_threshold"] = detector.threshold(tocsin::error_view::per_feature);
    }
    if (model.judge) {
        for (const char* const of_detector :
             {"rule", "smoothing", "step_threshold", "feature_threshold"}) {
            result.erase(of_detector);
        }
        describe_judge(*model.judge, result);
    }
}

} // namespace

void describe_model(const model_file& model, ordered_json& result) {
    if (model.classifier) {
        describe_classifier(model, result);
    } else if (!model.has_detector()) {
        describe_values(model, result);
    } else {
        describe_detector(model, result);
    }
    if (model.offsets.size() > 0) {
        result["value_offsets"] =
            std::vector<double>(model.offsets.data(), model.offsets.data() + model.offsets.size());
    }
}

} // namespace tocsin_cli
