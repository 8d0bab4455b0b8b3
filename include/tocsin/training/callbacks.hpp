/// @file callbacks.hpp
/// @brief Training callbacks that report progress.
#pragma once

#include "tocsin/training/epoch_event.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>

namespace tocsin {

namespace detail {

/// Seconds of a clock that only goes forward, where there is one. Not <chrono>, which is a tenth of what
/// Eigen costs to compile.
inline double steady_seconds() noexcept {
    std::timespec now{};
#if defined(CLOCK_MONOTONIC)
    clock_gettime(CLOCK_MONOTONIC, &now);
#else
    std::timespec_get(&now, TIME_UTC);
#endif
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// A classification_event, whose header is not needed to train other models.
template <class Event>
concept event_of_classifier = requires(const Event& event) { event.record.validation.auc; };

} // namespace detail

/// Draws one line that is overwritten after each epoch: a bar, the loss, the validation RMSE with its
/// lowest value so far, or the validation loss and AUC of a classifier, and the time left. It fits a
/// terminal of 80 columns; for files, use log_line.
class progress_bar {
  public:
    /// @param out a terminal
    explicit progress_bar(std::FILE* out = stderr) noexcept : out_{out} {}

    /// Draws the line anew after an epoch.
    template <class Scalar>
    void operator()(const epoch_event<Scalar>& event) noexcept {
        const epoch_record& record = event.record;
        begin_line(record.epoch, event.planned_epochs);
        std::fprintf(out_, "loss %.4f  RMSE %.4f (best %.4f)  ", record.training_loss,
                     record.validation_rmse, event.state.best_rmse);
        end_line(record.epoch, event.planned_epochs);
    }
    /// The same after a classification_event; without validation windows, with the training loss
    /// alone.
    template <detail::event_of_classifier Event>
    void operator()(const Event& event) noexcept {
        const auto& record = event.record;
        begin_line(record.epoch, event.planned_epochs);
        std::fprintf(out_, "loss %.4f  ", record.training_loss);
        if (!std::isnan(record.validation_loss)) {
            std::fprintf(out_, "validation %.4f  AUC %.2f  ", record.validation_loss,
                         record.validation.auc);
        }
        end_line(record.epoch, event.planned_epochs);
    }
    /// The same within an epoch, at most four times a second.
    void within_epoch(const batch_event& event) noexcept {
        const double now = detail::steady_seconds();
        if (now - drawn_at_ < 0.25) {
            return;
        }
        drawn_at_ = now;
        std::fprintf(out_, "\repoch %d/%d  %lld of %lld windows  loss %.4f\x1b[K", event.epoch + 1,
                     event.planned_epochs, static_cast<long long>(event.windows),
                     static_cast<long long>(event.in_epoch), event.loss);
        std::fflush(out_);
        drawn_ = true;
    }
    /// Ends the line, so that later output starts on a new one.
    void finish() noexcept {
        if (drawn_) {
            std::fputc('\n', out_);
            drawn_ = false;
        }
    }

  private:
    void begin_line(int epoch, int planned) noexcept {
        constexpr int width = 16;
        if (first_epoch_ < 0) {
            first_epoch_ = epoch; // not 0 when training resumes from a checkpoint
        }
        const int done = epoch + 1;
        const int filled = static_cast<int>(std::int64_t{width} * done / planned);
        std::fprintf(out_, "\r[%.*s%.*s] %d/%d  ", filled, "################", width - filled,
                     "................", done, planned);
    }
    void end_line(int epoch, int planned) noexcept {
        const int done = epoch + 1;
        const double elapsed = detail::steady_seconds() - start_;
        print_time(elapsed / (done - first_epoch_) * static_cast<double>(planned - done));
        // Carriage return, then "erase to the end of the line", so that a shorter line leaves
        // nothing behind.
        std::fputs(" left\x1b[K", out_);
        std::fflush(out_);
        drawn_ = true;
    }
    /// Minutes and seconds, or hours and minutes.
    void print_time(double seconds) const noexcept {
        const long long whole = std::llround(seconds);
        const bool long_time = whole >= 3600;
        std::fprintf(out_, long_time ? "%d h %02d" : "%d:%02d",
                     static_cast<int>(whole / (long_time ? 3600 : 60)),
                     static_cast<int>(long_time ? whole / 60 % 60 : whole % 60));
    }

    std::FILE* out_;
    double start_ = detail::steady_seconds();
    double drawn_at_ = start_;
    int first_epoch_ = -1;
    bool drawn_ = false;
};

/// Writes one line of `key=value` pairs per epoch.
class log_line {
  public:
    /// @param out where lines go
    explicit log_line(std::FILE* out = stderr) noexcept : out_{out} {}

    /// Writes a line after an epoch.
    template <class Scalar>
    void operator()(const epoch_event<Scalar>& event) const noexcept {
        const epoch_record& record = event.record;
        std::fprintf(out_,
                     "epoch=%d training_loss=%.6g validation_rmse=%.6g validation_mae=%.6g "
                     "learning_rate=%.6g gradient_norm=%.6g\n",
                     record.epoch + 1, record.training_loss, record.validation_rmse,
                     record.validation_mae, record.learning_rate, record.gradient_norm);
    }
    /// The same after a classification_event; what was not measured is `nan`.
    template <detail::event_of_classifier Event>
    void operator()(const Event& event) const noexcept {
        const auto& record = event.record;
        std::fprintf(out_,
                     "epoch=%d training_loss=%.6g validation_loss=%.6g validation_f1=%.6g "
                     "validation_auc=%.6g learning_rate=%.6g gradient_norm=%.6g\n",
                     record.epoch + 1, record.training_loss, record.validation_loss,
                     record.validation.f1, record.validation.auc, record.learning_rate,
                     record.gradient_norm);
    }

  private:
    std::FILE* out_;
};

} // namespace tocsin
