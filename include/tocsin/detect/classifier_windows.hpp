/// @file classifier_windows.hpp
/// @brief The windows of recorded samples that a classifier learns from and judges: those that a
/// stream sees.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/classifier_learned.hpp"
#include "tocsin/detect/classifier_settings.hpp"
#include "tocsin/detect/push.hpp"
#include "tocsin/detect/stream_clock.hpp"
#include "tocsin/models/logits.hpp"
#include "tocsin/series/labelled_windows.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Samples with a label each: one recording, or several, one after the other. No window contains
/// samples of two.
template <class Scalar>
struct labelled_samples {
    matrix_view<const Scalar> values{nullptr, 0, 0}; ///< `[features x samples]`; NaN where missing
    std::span<const std::uint8_t> labels{};          ///< one per sample, nonzero = anomalous
    /// Samples of each recording, in order; none: all samples are one recording.
    std::span<const index_t> recordings{};

    /// Names what does not fit; `invalid_data` without samples.
    status check(int features) const noexcept {
        if (values.rows() != features) {
            return status::error(error_code::invalid_argument, "classifier_detector: samples have ",
                                 values.rows(), " features, the network has ", features);
        }
        if (values.cols() == 0) {
            return status::error(error_code::invalid_data,
                                 "classifier_detector: there are no samples");
        }
        if (static_cast<index_t>(labels.size()) != values.cols()) {
            return status::error(error_code::invalid_argument,
                                 "classifier_detector: ", labels.size(), " labels for ",
                                 values.cols(), " samples");
        }
        index_t rest = values.cols();
        for (const index_t samples : recordings) {
            if (samples < 0 || samples > rest) {
                return status::error(error_code::invalid_argument,
                                     "classifier_detector: a recording of ", samples,
                                     " samples where ", rest, " are left");
            }
            rest -= samples;
        }
        if (!recordings.empty() && rest != 0) {
            return status::error(error_code::invalid_argument, "classifier_detector: ", rest,
                                 " samples belong to none of ", recordings.size(), " recordings");
        }
        return {};
    }
};

namespace detail {

/// The windows of a recording that a stream would judge.
template <class Scalar>
struct judged_windows {
    matrix<Scalar> inputs;              ///< what the network reads, `[features x samples it took]`
    std::vector<index_t> first_columns; ///< of the windows in `inputs`
    std::vector<index_t> last_rows;     ///< the samples of the recording with which they end

    /// A view of them, of no longer life than this.
    windows<Scalar> view(int length) const {
        return {{inputs.data(), inputs.rows(), inputs.cols()}, first_columns, length};
    }
};

/// Passes recorded samples through a stream, without the model. Allocates.
/// @param learned    with a fitted scaler
/// @param recordings samples of each recording; the stream restarts with each. None: one
/// @param times      of the samples, or none
/// @param stride     samples from one window to the next, counted from each start of the stream
template <class Learned>
judged_windows<typename Learned::scalar_type>
windows_of_stream(const Learned& learned, matrix_view<const typename Learned::scalar_type> values,
                  std::span<const index_t> recordings, std::span<const double> times, int stride) {
    using scalar = typename Learned::scalar_type;
    const index_t features = learned.features();
    const int window = learned.given.window;
    auto stream = learned.make_stream();
    std::vector<scalar> observed(static_cast<std::size_t>(features));
    judged_windows<scalar> found;
    found.inputs.resize(features, values.cols());
    std::size_t next_recording = 0;
    index_t next_start = 0;
    index_t column = 0;
    for (index_t row = 0; row < values.cols(); ++row) {
        while (row == next_start && next_recording < recordings.size()) {
            stream.restart();
            next_start += recordings[next_recording++];
        }
        pending_sample<scalar> pending;
        begin_push<false>(learned, stream, sample_view<scalar>(values.col(row)),
                          times.empty() ? unknown_time : times[static_cast<std::size_t>(row)],
                          observed.data(), nullptr, pending);
        if (pending.source.inputs == nullptr) {
            continue; // the stream did not take it
        }
        std::copy_n(pending.source.inputs, features, found.inputs.col(column).data());
        ++column;
        if (pending.scored && (stream.seen - window) % stride == 0) {
            found.first_columns.push_back(column - window);
            found.last_rows.push_back(row);
        }
    }
    return found;
}

/// Those of labelled samples, with their classes.
template <class Scalar>
struct labelled_judged_windows {
    judged_windows<Scalar> windows;
    std::vector<int> classes; ///< one per window
};

/// Leaves out windows that end with the last sample of a recording: no label of theirs is known
/// where the next sample decides.
/// @param rows samples of all recordings
template <class Scalar>
void keep_followed_windows(judged_windows<Scalar>& judged, std::span<const index_t> recordings,
                           index_t rows) {
    std::size_t kept = 0;
    std::size_t next_recording = 0;
    index_t end = recordings.empty() ? rows : 0;
    for (std::size_t k = 0; k < judged.last_rows.size(); ++k) {
        const index_t row = judged.last_rows[k];
        while (row >= end) {
            end += recordings[next_recording++];
        }
        if (row + 1 < end) {
            judged.last_rows[kept] = row;
            judged.first_columns[kept] = judged.first_columns[k];
            ++kept;
        }
    }
    judged.last_rows.resize(kept);
    judged.first_columns.resize(kept);
}

/// The windows of labelled samples with their classes; see windows_of_stream(). Windows whose class
/// is not known are left out. Allocates.
/// @return `invalid_argument` where sizes do not fit, `invalid_data` where there is no window
template <class Learned>
result<labelled_judged_windows<typename Learned::scalar_type>>
labelled_windows_of_stream(const Learned& learned,
                           const labelled_samples<typename Learned::scalar_type>& samples,
                           int stride) {
    using scalar = typename Learned::scalar_type;
    if (const status usable = samples.check(learned.features()); !usable.ok()) {
        return usable;
    }
    labelled_judged_windows<scalar> found{
        windows_of_stream(learned, samples.values, samples.recordings, {}, stride), {}};
    const int window = learned.given.window;
    const bool ahead = learned.given.label == window_label::next_row;
    if (ahead) {
        keep_followed_windows(found.windows, samples.recordings, samples.values.cols());
    }
    if (found.windows.last_rows.empty()) {
        return status::error(error_code::invalid_data, "classifier_detector: no window of ", window,
                             " samples", ahead ? " with one after it" : "", " in ",
                             samples.values.cols(), " samples of ",
                             std::max<std::size_t>(samples.recordings.size(), 1), " recordings");
    }
    std::vector<index_t> first_rows = found.windows.last_rows;
    for (index_t& row : first_rows) {
        row -= window - 1;
    }
    const windows<scalar> by_row(samples.values, std::move(first_rows), window);
    auto classes = classes_of_windows(by_row, samples.labels, learned.given.label);
    if (!classes.ok()) {
        return classes.error();
    }
    found.classes = *std::move(classes);
    return found;
}

/// Calls `visit(k, probability)` for each window, in order. Allocates.
template <class Learned, class Visit>
void for_each_probability(const Learned& learned,
                          const judged_windows<typename Learned::scalar_type>& judged,
                          Visit&& visit) {
    using scalar = typename Learned::scalar_type;
    constexpr int batch = 64;
    predict_logits(learned.model, std::span<const scalar>(learned.weights),
                   judged.view(learned.given.window), batch,
                   [&](index_t k, std::span<const scalar> logits) {
                       visit(static_cast<std::size_t>(k), anomaly_probability(logits));
                   });
}

/// See classifier_detector::fit_false_alarms(). A failure leaves what is expected as it was.
template <class Learned>
status fit_false_alarms(Learned& learned,
                        const labelled_samples<typename Learned::scalar_type>& samples,
                        alarm_rate rule) {
    const auto judged = labelled_windows_of_stream(learned, samples, 1);
    if (!judged.ok()) {
        return judged.error();
    }
    // One per row, so that rows without a score or with an anomaly end clusters, too.
    std::vector<double> scores(samples.labels.size(), 0.0);
    std::vector<std::uint8_t> left_out(scores.size(), 1);
    for_each_probability(learned, judged->windows, [&](std::size_t k, double score) {
        const auto row = static_cast<std::size_t>(judged->windows.last_rows[k]);
        if (!std::isnan(score) && judged->classes[k] == 0) {
            scores[row] = log_odds_of(score);
            left_out[row] = 0;
        }
    });
    const status fitted = rule.fit(scores, left_out);
    if (fitted.ok()) {
        learned.false_alarms = std::move(rule);
    }
    return fitted;
}

/// The windows themselves, or `invalid_data` where all are of one class: nothing tells them apart.
template <class Scalar>
result<labelled_judged_windows<Scalar>>
of_both_classes(result<labelled_judged_windows<Scalar>> found) {
    if (found.ok() && std::all_of(found->classes.begin(), found->classes.end(),
                                  [&](int each) { return each == found->classes.front(); })) {
        return status::error(error_code::invalid_data, "classifier_detector: all ",
                             found->classes.size(), " windows to learn from are ",
                             found->classes.front() == 0 ? "normal" : "anomalous",
                             "; both kinds are needed");
    }
    return found;
}

} // namespace detail
} // namespace tocsin
