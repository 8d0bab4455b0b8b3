/// @file training_watch.hpp
/// @brief Callback of training in the command line: progress, checkpoints, interruption.
#pragma once

#include "tocsin/io/checkpoint.hpp"
#include "tocsin/training/callbacks.hpp"
#include "tocsin/training/epoch_event.hpp"

#include "interrupt.hpp"
#include <optional>

namespace tocsin_cli {

/// Of a detector or a classifier.
class training_watch {
  public:
    /// @param writer of checkpoints, or none; must outlive this
    training_watch(bool bar, bool log, std::optional<tocsin::checkpoint_writer>& writer)
        : shows_bar_{bar}, log_{log}, writer_{writer} {}

    template <class Event>
    bool operator()(const Event& event) {
        if (shows_bar_) {
            bar_(event);
        }
        if (log_) {
            line_(event);
        }
        if (writer_) {
            (*writer_)(event);
        }
        return (!writer_ || writer_->outcome().ok()) && !interrupt_catcher::caught();
    }
    bool after_batch(const tocsin::batch_event& event) {
        if (shows_bar_) {
            bar_.within_epoch(event);
        }
        return !interrupt_catcher::caught();
    }
    void finish() { bar_.finish(); }

  private:
    bool shows_bar_;
    bool log_;
    std::optional<tocsin::checkpoint_writer>& writer_;
    tocsin::progress_bar bar_;
    tocsin::log_line line_;
};

} // namespace tocsin_cli
