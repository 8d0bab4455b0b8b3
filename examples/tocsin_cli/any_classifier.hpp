/// @file any_classifier.hpp
/// @brief Classifier of windows whose network is chosen at run time.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/io/archive.hpp"
#include "tocsin/series/calendar.hpp"
#include "tocsin/series/labelled_windows.hpp"
#include "tocsin/training/classification_history.hpp"
#include "tocsin/training/classifier_state.hpp"
#include "tocsin/training/epoch_event.hpp"

#include "any_scaler.hpp"
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace tocsin_cli {

enum class network_kind : std::uint8_t { convolutions, lstm, bidirectional_lstm, stacked_lstm };

/// What a classifier is made of and how it is trained.
struct classifier_settings {
    network_kind network = network_kind::convolutions;
    int window = 60;
    int stride = 1;
    int units = 16; ///< filters of each convolution, units of each LSTM or of each direction
    tocsin::window_label label = tocsin::window_label::any_row; ///< when a window is anomalous
    int label_gap = 0; ///< rows between two anomalous ones that count as anomalous, at most
    scaler_kind scaler = scaler_kind::robust;
    int epochs = 20;
    int batch_size = 32;
    double learning_rate = 3e-3;
    double clip_norm = 1;
    int patience = 0; ///< epochs without a lower validation loss; 0: all epochs
    std::uint64_t seed = 0;
    int threads = 1;
    bool balanced = false; ///< whether the windows of both classes have the same weight
    /// Seconds between two rows of one recording, at most; NaN: by the usual interval.
    double longest_pause = std::numeric_limits<double>::quiet_NaN();
    /// Calendar features in addition to the sensors, as sine and cosine; none: sensors alone.
    std::vector<tocsin::calendar_part> calendar = {};
};

/// Rows with labels, `[features x samples]`.
struct labelled_rows {
    tocsin::matrix_view<const float> values;
    std::span<const std::uint8_t> labels;
    std::span<const double> times = {}; ///< one per sample in seconds; needed for the calendar
    /// Rows of each recording, in order; no window contains rows of two. None: all are one.
    std::vector<tocsin::index_t> recordings = {};
};

/// What is told of the training of a classifier.
class classifier_watch {
  public:
    virtual ~classifier_watch() = default;
    /// Before the first epoch. May put the state of a checkpoint in place of the fresh one.
    virtual void begin(tocsin::classifier_state<float>& state) = 0;
    /// False ends training.
    virtual bool after_epoch(const tocsin::classification_event<float>& event) = 0;
    /// False ends training within the epoch.
    virtual bool after_batch(const tocsin::batch_event& event) = 0;
};

/// A tocsin::classifier_detector with one of a few networks. Its file is that of the detector
/// inside, so a program with that network compiled in can load it. Copies share what was learned.
class any_classifier {
  public:
    /// What is remembered of one stream.
    class stream {
      public:
        /// One for the classifier that made it, which must outlive this.
        virtual ~stream() = default;
        /// @param time in seconds since 1970; NaN: not known
        virtual tocsin::verdict push(std::span<const float> sample, double time) noexcept = 0;
        /// Shares of the sensors in the last score, by occlusion. The share of the calendar is
        /// missing from the sum.
        virtual void explain(std::span<double> shares) noexcept = 0;
    };
    struct learned;

    /// One that has learned nothing.
    static any_classifier untrained(const classifier_settings& settings, int features);
    /// `invalid_data` where all windows of validation rows are of one class, so that no threshold can
    /// be chosen by them.
    static tocsin::status check_validation(const classifier_settings& settings,
                                           const labelled_rows& validation);
    /// Trains on labelled rows and chooses the threshold with the highest F1 on those of
    /// `validation`; where there are none, on the training rows.
    static tocsin::result<any_classifier> train(const classifier_settings& settings,
                                                const labelled_rows& training,
                                                const labelled_rows& validation,
                                                classifier_watch& watch);

    /// Whether a file holds a classifier.
    static bool is_in(const tocsin::archive_reader& archive);
    static tocsin::result<any_classifier> load(tocsin::archive_reader& archive);
    void save(tocsin::archive_writer& archive) const;

    const char* network() const noexcept;
    int features() const noexcept; ///< sensors
    /// Parts of the time of each row that it reads; empty: none.
    const std::vector<tocsin::calendar_part>& calendar() const noexcept;
    int window() const noexcept;
    double longest_pause() const noexcept; ///< see classifier_settings
    double threshold() const noexcept;
    tocsin::index_t parameter_count() const noexcept;
    const any_scaler& data_scaler() const noexcept;
    /// Of training; empty for one from a file.
    const std::vector<tocsin::classification_record>& history() const noexcept;
    std::unique_ptr<stream> make_stream() const;

  private:
    explicit any_classifier(std::shared_ptr<learned> inside) : inside_{std::move(inside)} {}

    std::shared_ptr<learned> inside_;
};

} // namespace tocsin_cli
