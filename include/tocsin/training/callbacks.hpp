/// @file callbacks.hpp
/// @brief Callbacks of training that show what goes on.
#pragma once

#include "tocsin/training/history.hpp"

#include <chrono>
#include <cstdio>

namespace tocsin {

/// Draws one line that is overwritten after each epoch: a bar, the errors, the time left. For a
/// terminal; programs write log_line to files.
class progress_bar {
  public:
    explicit progress_bar(std::FILE* out = stderr) noexcept : out_{out} {}

    template <class Event>
    void operator()(const Event& event) noexcept {
        constexpr int width = 30;
        const int done = event.record.epoch + 1;
        if (first_epoch_ < 0) {
            first_epoch_ = event.record.epoch; // not 0 when training goes on from a checkpoint
        }
        const int filled = width * done / event.planned_epochs;
        const double elapsed =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
        const double left = elapsed / (done - first_epoch_) * (event.planned_epochs - done);
        std::fprintf(out_,
                     "\r[%.*s%.*s] epoch %d/%d  loss %.4f  validation RMSE %.4f  %3.0f s left ",
                     filled, "##############################", width - filled,
                     "..............................", done, event.planned_epochs,
                     event.record.training_loss, event.record.validation_rmse, left);
        std::fflush(out_);
        drawn_ = true;
    }
    /// Ends the line, so that what is printed next starts on a fresh one.
    void finish() noexcept {
        if (drawn_) {
            std::fputc('\n', out_);
            drawn_ = false;
        }
    }

  private:
    std::FILE* out_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    int first_epoch_ = -1;
    bool drawn_ = false;
};

/// Writes one line of `key=value` pairs per epoch.
class log_line {
  public:
    explicit log_line(std::FILE* out = stderr) noexcept : out_{out} {}

    template <class Event>
    void operator()(const Event& event) const noexcept {
        const epoch_record& record = event.record;
        std::fprintf(out_,
                     "epoch=%d training_loss=%.6g validation_rmse=%.6g validation_mae=%.6g "
                     "learning_rate=%.6g gradient_norm=%.6g\n",
                     record.epoch + 1, record.training_loss, record.validation_rmse,
                     record.validation_mae, record.learning_rate, record.gradient_norm);
    }

  private:
    std::FILE* out_;
};

} // namespace tocsin
