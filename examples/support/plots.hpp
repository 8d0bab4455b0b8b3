/// @file plots.hpp
/// @brief The pictures of a detector: training, reconstruction, scores, detection.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/training/history.hpp"

#include "plot_folder.hpp"
#include "plot_panels.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace support {

/// The verdict on each sample of a stream.
struct stream_record {
    tocsin::matrix<float> samples;         ///< `[features x time]`
    std::vector<double> scores = {};       ///< NaN if there was none
    std::vector<std::uint8_t> alarms = {}; ///< 1 = anomaly
    std::vector<std::uint8_t> labels = {}; ///< 1 = truly anomalous
    double threshold = 0;
    int window = 0; ///< samples that each score covers, if all of them are scored

    bool in_alarm() const { return !alarms.empty() && alarms.back() != 0; }
    /// Appends the verdict on the next sample.
    void add(const tocsin::verdict& verdict, std::uint8_t label) {
        scores.push_back(verdict.scored() ? verdict.score
                                          : std::numeric_limits<double>::quiet_NaN());
        alarms.push_back(verdict.is_anomaly());
        labels.push_back(label);
        threshold = verdict.threshold;
    }
};

/// `losses`: training loss and validation errors by epoch.
inline tocsin::status plot_losses(const plot_folder& folder,
                                  std::span<const tocsin::epoch_record> history) {
    std::ostringstream data;
    data << "# epoch  training_loss  validation_RMSE  validation_MAE  learning_rate\n";
    const tocsin::epoch_record* best = nullptr;
    for (const auto& record : history) {
        data << record.epoch + 1 << ' ' << record.training_loss << ' ' << record.validation_rmse
             << ' ' << record.validation_mae << ' ' << record.learning_rate << '\n';
        if (best == nullptr || record.validation_rmse < best->validation_rmse) {
            best = &record;
        }
    }
    std::ostringstream script;
    script << "set multiplot layout 1,2\nset logscale y\nset xlabel 'epoch'\n"
              "set key at graph 0.75,0.98 right top vertical\nset title 'Training loss'\nset "
              "ylabel 'mean squared "
              "error (scaled units)'\n"
              "plot 'losses.dat' using 1:2 with linespoints lt 1 pt 7 ps 0.4\n"
              "set title 'Validation error'\nset ylabel 'error (scaled units)'\n";
    if (best != nullptr) {
        script << "set arrow from " << best->epoch + 1 << ",graph 0 to " << best->epoch + 1
               << ",graph 1 nohead dt 2 lw 1.5 lc rgb grey front\n";
    }
    script << "plot 'losses.dat' using 1:3 with linespoints lt 1 pt 7 ps 0.4 title 'RMSE', "
              "'' using 1:4 with linespoints lt 2 pt 7 ps 0.4 title 'MAE', "
              "NaN with lines dt 2 lc rgb grey title 'best weights'\n"
              "unset multiplot\n";
    return folder.draw("losses", data.str(), script.str(), 380);
}

/// `reconstruction`: each feature of a window with its reconstruction.
/// @param original       `[features x time]`
/// @param reconstruction the same shape
/// @param labels         one per time step, nonzero = anomalous; may be empty
template <class Original, class Reconstruction>
tocsin::status plot_reconstruction(const plot_folder& folder,
                                   const Eigen::MatrixBase<Original>& original,
                                   const Eigen::MatrixBase<Reconstruction>& reconstruction,
                                   std::span<const std::uint8_t> labels) {
    std::ostringstream data;
    data << "# time, then for each feature: original  reconstruction\n";
    for (tocsin::index_t t = 0; t < original.cols(); ++t) {
        data << t;
        for (tocsin::index_t f = 0; f < original.rows(); ++f) {
            data << ' ' << original(f, t) << ' ' << reconstruction(f, t);
        }
        data << '\n';
    }
    const auto panels = std::min(original.rows(), most_panels);
    const std::vector<double> weights(static_cast<std::size_t>(panels), 1.0);
    std::ostringstream script;
    script << "set multiplot\nset xrange [-0.5:" << original.cols() - 1 << ".5]\n"
           << shaded(labels) << "set offsets 0,0,graph 0.15,graph 0.08\n"
           << heading("A window with a fault, reconstructed");
    for (tocsin::index_t f = 0; f < panels; ++f) {
        script << panel(weights, static_cast<std::size_t>(f)) << "set ylabel \"sensor " << f + 1
               << "\\n(a.u.)\"\nset ytics " << tic_step(original.row(f)) << '\n';
        if (f + 1 == panels) {
            script << "set xlabel 'time in the window (samples)'\n";
        }
        script << "plot 'reconstruction.dat' using 1:" << 2 * f + 2
               << " with linespoints lt 1 pt 7 ps 0.35" << (f == 0 ? " title 'measured'" : "")
               << ", '' using 1:" << 2 * f + 3 << " with lines dt 2 lw 2 lc rgb orange"
               << (f == 0 ? " title 'reconstructed', NaN with boxes fs solid 1 noborder lc rgb "
                            "shade title 'fault'"
                          : "")
               << "\nunset label 1\n";
    }
    script << "unset multiplot\n";
    return folder.draw("reconstruction", data.str(), script.str(), 480);
}

/// The texts of a picture of scores.
struct score_words {
    std::string name = "scores"; ///< of the picture
    std::string title = "Scores of normal and anomalous windows";
    std::string axis = "score: squared Mahalanobis distance (dimensionless)";
    std::string items = "windows";
    double lowest = 1e-3; ///< smaller scores are drawn as if they were this large
};

/// `scores`: the distributions of the scores of normal and anomalous windows.
/// @param labels one per score, nonzero = anomalous, or empty: all normal
inline tocsin::status plot_scores(const plot_folder& folder, std::span<const double> scores,
                                  std::span<const std::uint8_t> labels, double threshold,
                                  const score_words& words = {}) {
    constexpr int bins_per_decade = 12;
    const auto bin_of = [&](double score) {
        return static_cast<int>(
            std::floor(bins_per_decade * std::log10(std::max(score, words.lowest))));
    };
    // An infinite threshold (nothing tuned yet) has no place on the axis.
    int first = bin_of(std::isfinite(threshold) ? threshold : 1);
    int last = first;
    for (const double score : scores) {
        if (std::isfinite(score)) {
            first = std::min(first, bin_of(score));
            last = std::max(last, bin_of(score));
        }
    }
    const auto size = static_cast<std::size_t>(last - first) + 3; // an empty bin on either side
    std::vector<double> counts[2] = {std::vector<double>(size), std::vector<double>(size)};
    double totals[2] = {0, 0};
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (std::isfinite(scores[i])) {
            const std::size_t kind = !labels.empty() && labels[i] != 0 ? 1 : 0;
            counts[kind][static_cast<std::size_t>(bin_of(scores[i]) - first + 1)] += 1;
            totals[kind] += 1;
        }
    }
    std::ostringstream data;
    data << "# lower edge of the bin  normal " << words.items << " (%)  anomalous " << words.items
         << " (%)\n";
    for (std::size_t bin = 0; bin < size; ++bin) {
        data << std::pow(10, (first - 1 + static_cast<double>(bin)) / bins_per_decade);
        for (const int kind : {0, 1}) {
            data << ' ' << 100 * counts[kind][bin] / std::max(totals[kind], 1.0);
        }
        data << '\n';
    }
    std::ostringstream script;
    script << heading(words.title) << "set logscale x\n"
           << "set xlabel '" << words.axis << "'\n"
           << "set ylabel '" << words.items << " of each kind (%)'\nset yrange [0:*]\n"
           << "set format x '10^{%L}'\n"
           << "set lmargin at screen 0.105; set rmargin at screen 0.975\n"
              "set tmargin at screen 0.88\n"
           << "threshold = " << number(threshold) << "\n"
           << "if (threshold == threshold) set arrow from threshold,graph 0 to threshold,graph 1 "
              "nohead dt 2 lw 1.5 lc rgb "
              "grey front\n"
           << "plot '" << words.name
           << ".dat' using 1:2 with fillsteps fs transparent solid 0.45 noborder "
              "lc rgb blue title 'normal', '' using 1:2 with steps lt 1, "
              "'' using 1:3 with fillsteps fs transparent solid 0.45 noborder lc rgb orange "
              "title 'anomalous', '' using 1:3 with steps lw 1.5 lc rgb orange, "
              "NaN with lines dt 2 lw 1.5 lc rgb grey title 'threshold'\n";
    return folder.draw(words.name, data.str(), script.str(), 400);
}

/// `detection`: the sensors of a stream above the score with its threshold.
inline tocsin::status plot_detection(const plot_folder& folder, const stream_record& stream) {
    const tocsin::index_t features = stream.samples.rows();
    std::ostringstream data;
    data << "# time, " << features << " features, score, threshold, alarm, label\n";
    for (tocsin::index_t t = 0; t < stream.samples.cols(); ++t) {
        const auto k = static_cast<std::size_t>(t);
        data << t << ' ' << stream.samples.col(t).transpose() << ' ';
        data << number(stream.scores[k]) << ' ' << stream.threshold << ' ' << int{stream.alarms[k]}
             << ' ' << int{stream.labels[k]} << '\n';
    }
    const auto panels = std::min(features, most_panels);
    std::vector<double> weights(static_cast<std::size_t>(panels), 1.0);
    weights.push_back(1.8);
    std::string key = ", NaN with boxes fs solid 1 noborder lc rgb shade title 'fault'";
    if (stream.window > 1) {
        key +=
            ", NaN with boxes fs solid 1 noborder lc rgb light_shade title 'still in the window'";
    }
    std::ostringstream script;
    script << "set multiplot\nset xrange [0:" << stream.samples.cols() - 1 << "]\n"
           << shaded(stream.labels, stream.window - 1)
           << heading("A fault in a stream of sensor readings");
    for (tocsin::index_t f = 0; f < panels; ++f) {
        script << panel(weights, static_cast<std::size_t>(f)) << "set ylabel \"sensor " << f + 1
               << "\\n(a.u.)\"\nset ytics " << tic_step(stream.samples.row(f))
               << "\nplot 'detection.dat' using 1:" << f + 2 << " with lines lt " << f % 6 + 1
               << (f == 0 ? key : "") << "\nunset label 1\n";
    }
    const auto score = features + 2;
    script << panel(weights, weights.size() - 1)
           << "set logscale y; set ytics 100; set format y '10^{%L}'\n"
              "set ylabel \"score\\n(dimensionless)\"\nset xlabel 'time (samples)'\n"
              "set offsets 0,0,graph 0.35,0\nset key at graph 0.995,0.98 right top horizontal\n"
           << "plot 'detection.dat' using 1:" << score
           << " with lines lc rgb '#000000' title 'score'"
           << ", '' using 1:(column(" << score + 2 << ") > 0 ? column(" << score
           << ") : NaN) with linespoints lw 3 pt 7 ps 0.3 lc rgb orange title 'alarm', '' using 1:"
           << score + 1
           << " with lines dt 2 lw 1.5 lc rgb grey title 'threshold'\n"
              "unset multiplot\n";
    return folder.draw("detection", data.str(), script.str(), 520);
}

} // namespace support
