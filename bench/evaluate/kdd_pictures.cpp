#include "kdd_pictures.hpp"

#include "tocsin/io/atomic_file.hpp"
#include "tocsin/metrics/roc.hpp"

#include "report.hpp"
#include "support/plot_panels.hpp"
#include "support/plots.hpp"
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <numeric>
#include <sstream>

namespace evaluate {
namespace {

/// The part of a file name for a model.
std::string file_name(const std::string& model) {
    std::string name;
    for (const char character : model) {
        const bool kept = std::isalnum(static_cast<unsigned char>(character)) != 0;
        if (kept || (!name.empty() && name.back() != '_')) {
            name += kept ? character : '_';
        }
    }
    return name;
}

/// Lines `false positive rate, true positive rate` from (0, 0) to (1, 1), one per distinct score;
/// only the last of several steps within a pixel.
std::string curve_of(const std::vector<double>& scores, const std::vector<std::uint8_t>& labels) {
    constexpr double pixel = 1.0 / 700;
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    const auto normal = static_cast<double>(std::count(labels.begin(), labels.end(), 0));
    const auto anomalous = static_cast<double>(labels.size()) - normal;
    std::ostringstream lines;
    lines << "0 0\n";
    double drawn[2] = {0, 0};
    double counts[2] = {0, 0};
    for (std::size_t k = 0; k < order.size(); ++k) {
        counts[labels[order[k]] != 0 ? 1 : 0] += 1;
        const bool last = k + 1 == order.size();
        if (!last && scores[order[k + 1]] == scores[order[k]]) {
            continue;
        }
        const double at[2] = {counts[0] / normal, counts[1] / anomalous};
        if (last || at[0] - drawn[0] > pixel || at[1] - drawn[1] > pixel) {
            lines << at[0] << ' ' << at[1] << '\n';
            std::copy_n(at, 2, drawn);
        }
    }
    return lines.str();
}

std::string rounded(double value) {
    char text[16];
    std::snprintf(text, sizeof text, "%.3f", value);
    return text;
}

} // namespace

tocsin::status draw_score_histograms(const support::plot_folder& folder,
                                     const std::vector<kdd_scores>& models,
                                     const std::vector<std::uint8_t>& labels) {
    for (const kdd_scores& each : models) {
        support::score_words words;
        words.name = "scores_" + file_name(each.model);
        words.title = each.model + ": scores of normal rows and of attacks";
        words.axis = "score (dimensionless)";
        words.items = "rows";
        words.lowest = 1e-5;
        if (const auto drawn =
                support::plot_scores(folder, each.scores, labels, each.threshold, words);
            !drawn) {
            return drawn;
        }
    }
    return {};
}

tocsin::status draw_roc_curves(const support::plot_folder& folder,
                               const std::vector<kdd_scores>& models,
                               const std::vector<std::uint8_t>& labels) {
    std::ostringstream data;
    std::ostringstream script;
    script << "set title 'ROC curves of all models'\nset size square\nset xrange [0:1]\n"
              "set yrange [0:1]\nset xlabel 'rate of false alarms'\nset ylabel 'share of attacks "
              "found'\nset key outside right center vertical Left reverse\nplot ";
    for (std::size_t k = 0; k < models.size(); ++k) {
        const auto area = tocsin::auc_roc(models[k].scores, labels);
        if (!area) {
            return area.error();
        }
        data << (k > 0 ? "\n\n" : "") << "# " << models[k].model
             << ": false alarms, attacks found\n"
             << curve_of(models[k].scores, labels);
        script << "'roc.dat' index " << k << " with lines lt " << k % 6 + 1 << " dt " << k / 6 + 1
               << " title '" << models[k].model << ", " << rounded(*area) << "', ";
    }
    script << "x with lines dt 3 lw 1 lc rgb grey title 'by chance, 0.500'\n";
    return folder.draw("roc", data.str(), script.str(), 520);
}

tocsin::status draw_model_bars(const support::plot_folder& folder,
                               const std::vector<method_result>& methods) {
    std::ostringstream data;
    data << "# model, AUC-ROC, average precision, F1\n";
    for (const method_result& each : methods) {
        data << '"' << each.name << '"';
        for (const auto value : {each.totals.auc_roc, each.totals.auc_pr, each.totals.f1}) {
            data << ' ' << (value ? support::number(*value) : "NaN");
        }
        data << '\n';
    }
    const std::string script =
        "set title 'All models, at the threshold with the highest accuracy'\n"
        "set style data histograms\nset style histogram clustered gap 1\n"
        "set style fill solid 0.85 noborder\nset boxwidth 0.9\nset yrange [0:1]\n"
        "set xtics rotate by -25 nomirror font ',12'\n"
        "set key outside top right horizontal\n"
        "plot 'models.dat' using 2:xtic(1) lc rgb blue title 'AUC-ROC', '' using 3 lc rgb orange "
        "title 'average precision', '' using 4 lc rgb green title 'F1'\n";
    return folder.draw("models", data.str(), script, 460);
}

tocsin::status write_metrics(const support::plot_folder& folder,
                             const std::vector<method_result>& methods) {
    auto all = nlohmann::ordered_json::object();
    for (const method_result& each : methods) {
        auto& of_model = all[each.name];
        of_model["highest accuracy"] = to_json(each.totals);
        for (const group_result& group : each.groups) {
            of_model[group.name] = to_json(group.values);
        }
    }
    return tocsin::write_file(folder.path() / "metrics.json", all.dump(2) + '\n');
}

} // namespace evaluate
