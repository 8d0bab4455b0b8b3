/// @file checkpoint.hpp
/// @brief Training checkpoints: saved by a callback, loaded to resume.
#pragma once

#include "tocsin/io/archive.hpp"
#include "tocsin/training/training_state.hpp"

#include <filesystem>
#include <utility>

namespace tocsin {

/// Writes the state of a training run; the file is replaced completely or not at all.
template <class Scalar>
status save_checkpoint(const training_state<Scalar>& state, const std::filesystem::path& path) {
    return detail::memory_as_status(detail::name_without_memory(path), [&] {
        archive_writer archive;
        archive.expect("content", "checkpoint");
        archive.object("training", state);
        return archive.write(path);
    });
}

/// Reads a checkpoint. Training that resumes from it gives the same bits as uninterrupted training
/// with the same data, model and trainer.
/// @param fresh made by training_state::fresh for the same model and rule: sizes must agree
/// @param options limits, and the application's check of a signature
/// @return `io_error` or `format_error` with file and reason; `out_of_memory` where an allocation
///         failed
template <class Scalar>
result<training_state<Scalar>> load_checkpoint(const std::filesystem::path& path,
                                               training_state<Scalar> fresh,
                                               const load_options& options = {}) {
    return detail::memory_as_status(detail::name_without_memory(path),
                                    [&]() -> result<training_state<Scalar>> {
                                        auto archive = archive_reader::open(path, options);
                                        if (!archive) {
                                            return archive.error();
                                        }
                                        archive->expect("content", "checkpoint");
                                        archive->object("training", fresh);
                                        if (!archive->outcome().ok()) {
                                            return archive->outcome();
                                        }
                                        return std::move(fresh);
                                    });
}

/// Callback that saves a checkpoint every few epochs. A failure to write does not end training;
/// outcome() returns the last one.
class checkpoint_writer {
  public:
    /// @param every epochs between checkpoints, at least 1
    explicit checkpoint_writer(std::filesystem::path path, int every = 1)
        : path_{std::move(path)}, every_{every < 1 ? 1 : every} {}

    /// Writes the file if it is its turn; a callback of training.
    template <class Event>
    void operator()(const Event& event) {
        if ((event.record.epoch + 1) % every_ == 0) {
            outcome_ = save_checkpoint(event.state, path_);
        }
    }
    const status& outcome() const noexcept { return outcome_; }

  private:
    std::filesystem::path path_;
    int every_;
    status outcome_;
};

} // namespace tocsin
