/// @file checkpoint.hpp
/// @brief Training checkpoints: saved by a callback, loaded to resume.
#pragma once

#include "tocsin/io/archive.hpp"
#include "tocsin/training/run_fingerprint.hpp"

#include <concepts>
#include <filesystem>
#include <string>
#include <utility>

namespace tocsin {

/// What a checkpoint holds: a training_state, a classifier_state, an adversarial_state.
template <class State>
concept checkpoint_state = requires {
    { State::content } -> std::convertible_to<const char*>;
};

/// Writes the state of a training run; the file is replaced completely or not at all.
/// @param made_with kept with it, see load_checkpoint()
template <checkpoint_state State>
status save_checkpoint(const State& state, const std::filesystem::path& path,
                       const run_fingerprint& made_with = {}) {
    return detail::memory_as_status(detail::name_without_memory(path), [&] {
        archive_writer archive;
        archive.expect("content", State::content);
        if (!made_with.empty()) {
            archive.object("made_with", made_with);
        }
        archive.object("training", state);
        return archive.write(path);
    });
}

namespace detail {

/// See load_checkpoint().
/// @param made_with null: whatever it was made with
template <class State>
result<State> read_checkpoint(const std::filesystem::path& path, State& fresh,
                              const run_fingerprint* made_with, const load_options& options) {
    return memory_as_status(name_without_memory(path), [&]() -> result<State> {
        auto archive = archive_reader::open(path, options);
        if (!archive) {
            return archive.error();
        }
        archive->expect("content", State::content);
        if (made_with != nullptr && archive->outcome().ok() &&
            archive->contains("made_with.names")) {
            run_fingerprint before;
            archive->object("made_with", before);
            if (const std::string difference = before.difference(*made_with);
                archive->outcome().ok() && !difference.empty()) {
                return status::error(error_code::invalid_data, shown_name(path),
                                     ": was made with other settings: ", difference);
            }
        }
        archive->object("training", fresh);
        if (!archive->outcome().ok()) {
            return archive->outcome();
        }
        return std::move(fresh);
    });
}

} // namespace detail

/// Reads a checkpoint. Training that resumes from it gives the same bits as uninterrupted training
/// with the same data, model and trainer.
/// @param fresh made by its fresh() for the same model and rules: sizes must agree
/// @param options limits, and the application's check of a signature
/// @return `io_error` or `format_error` with file and reason; `out_of_memory` where an allocation
///         failed
template <checkpoint_state State>
result<State> load_checkpoint(const std::filesystem::path& path, State fresh,
                              const load_options& options = {}) {
    return detail::read_checkpoint(path, fresh, nullptr, options);
}

/// The same, but refuses a checkpoint that was made with something else: `invalid_data` whose message
/// names the first difference. One that does not say what it was made with is taken.
template <checkpoint_state State>
result<State> load_checkpoint(const std::filesystem::path& path, State fresh,
                              const run_fingerprint& made_with, const load_options& options = {}) {
    return detail::read_checkpoint(path, fresh, &made_with, options);
}

/// Callback that saves a checkpoint every few epochs. A failure to write does not end training;
/// outcome() returns the last one.
class checkpoint_writer {
  public:
    /// @param every     epochs between checkpoints, at least 1
    /// @param made_with kept with the state, see load_checkpoint()
    explicit checkpoint_writer(std::filesystem::path path, int every = 1,
                               run_fingerprint made_with = {})
        : path_{std::move(path)}, every_{every < 1 ? 1 : every}, made_with_{std::move(made_with)} {}

    /// Writes the file if it is its turn; a callback of training.
    template <class Event>
    void operator()(const Event& event) {
        if ((event.record.epoch + 1) % every_ == 0) {
            outcome_ = save_checkpoint(event.state, path_, made_with_);
        }
    }
    const status& outcome() const noexcept { return outcome_; }

  private:
    std::filesystem::path path_;
    int every_;
    run_fingerprint made_with_;
    status outcome_;
};

} // namespace tocsin
