/// @file search_journal.hpp
/// @brief A file of a search's trials, from which it resumes after it was killed.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/io/text_lines.hpp"
#include "tocsin/search/journal_text.hpp"
#include "tocsin/search/search_settings.hpp"
#include "tocsin/search/search_space.hpp"
#include "tocsin/search/search_trial.hpp"
#include "tocsin/training/run_fingerprint.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// A trial_keeper with a file of JSON lines: the first line says what is searched and how, each other
/// one is a trial, in the order in which they ended. A line is handed to the operating system before
/// the search continues, so that a process that is killed loses the trials that were running and no
/// other. One process at a time may use a journal.
class search_journal {
  public:
    /// Opens a journal, or starts one where there is none. A last line that was not written to its end
    /// is dropped. Allocates.
    /// @param about what the objective depends on, such as the data: must be the same to resume
    /// @return `invalid_argument` where the journal belongs to another space, seed, method or objective,
    ///         with what differs; `format_error` for a damaged line that is not the last one, or a trial
    ///         that is there twice; `io_error` where the file cannot be read or written
    static result<search_journal> open(const std::filesystem::path& path, const search_space& space,
                                       const search_settings& settings,
                                       const run_fingerprint& about = {}) {
        for (const status& usable : {space.check(), settings.check()}) {
            if (!usable.ok()) {
                return usable;
            }
        }
        run_fingerprint facts;
        facts.add("format", "1");
        space.describe(facts);
        settings.describe(facts);
        facts.add(about);
        search_journal journal(path, space);
        detail::file_facts found;
        if (const int failure = detail::system_files::look(journal.name_.c_str(), found);
            failure != 0) {
            return status::error(error_code::io_error, detail::shown_name(path),
                                 ": cannot open: ", detail::system_message(failure));
        }
        std::string content;
        if (found.kind != detail::file_kind::missing) {
            auto read = read_file(path);
            if (!read) {
                return read.error();
            }
            content = *std::move(read);
        }
        std::size_t good = 0; // bytes that are kept
        if (const status usable = journal.take(content, facts, good); !usable.ok()) {
            return usable;
        }
        if (good == 0) {
            content = header_of(facts);
            good = content.size();
        }
        if (good != content.size() || found.size != good) {
            content.resize(good);
            if (const status written = write_file(path, content); !written.ok()) {
                return written;
            }
        }
        journal.file_.reset(std::fopen(journal.name_.c_str(), "ab"));
        if (!journal.file_) {
            return status::error(error_code::io_error, detail::shown_name(path),
                                 ": cannot open: ", detail::system_message(errno));
        }
        return journal;
    }

    /// The trials in the file, in the order in which they ended.
    std::span<const search_trial> trials() const noexcept { return trials_; }

    /// Writes a trial. `io_error` with the reason when that fails. Allocates.
    status keep(const search_trial& trial) {
        const std::string line = detail::line_of(trial, space_) + '\n';
        errno = 0;
        if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size() ||
            std::fflush(file_.get()) != 0) {
            return status::error(error_code::io_error, name_, ": cannot write: ",
                                 detail::system_message(errno != 0 ? errno : EIO));
        }
        return {};
    }

  private:
    search_journal(const std::filesystem::path& path, search_space space)
        : name_{path.string()}, space_{std::move(space)} {}

    static std::string header_of(const run_fingerprint& facts) {
        std::string line = "{\"tocsin search\":{";
        facts.for_each([&](const std::string& name, const std::string& value) {
            line += (line.back() == '{' ? "" : ",") + detail::json_string(name) + ':' +
                    detail::json_string(value);
        });
        return line + "}}\n";
    }
    static std::optional<run_fingerprint> facts_of(std::string_view line) {
        detail::journal_cursor cursor(line);
        run_fingerprint facts;
        cursor.skip("{\"tocsin search\":{");
        std::string name;
        std::string value;
        while (cursor.sees(facts.empty() ? "\"" : ",")) {
            if (!(facts.empty() || cursor.skip(",")) || !cursor.text(name) || !cursor.skip(":") ||
                !cursor.text(value)) {
                return std::nullopt;
            }
            facts.add(name, value);
        }
        cursor.skip("}}");
        return cursor.at_end() ? std::optional(std::move(facts)) : std::nullopt;
    }

    /// The first fact that is another one now, or is not there any more.
    static std::string difference_of(const run_fingerprint& before, const run_fingerprint& now) {
        std::string difference = before.difference(now);
        if (difference.empty() && !now.difference(before).empty()) {
            before.for_each([&](const std::string& name, const std::string& value) {
                bool is_there = false;
                now.for_each([&](const std::string& other, const std::string&) {
                    is_there = is_there || other == name;
                });
                if (!is_there && difference.empty()) {
                    difference = name + " was '" + value + "', is not given";
                }
            });
        }
        return difference;
    }

    /// Reads the lines.
    /// @param good bytes of all whole lines
    status take(std::string_view content, const run_fingerprint& now, std::size_t& good) {
        std::vector<bool> seen;
        while (good < content.size()) {
            const std::size_t end = content.find('\n', good);
            const bool last = end == std::string_view::npos || end + 1 == content.size();
            const std::string_view line = content.substr(good, end - good);
            const bool whole = end != std::string_view::npos;
            const index_t number = 1 + static_cast<index_t>(trials_.size() + (good > 0 ? 1 : 0));
            const auto refuse = [&](const auto&... parts) {
                return status::error(error_code::format_error, name_, ':', number, ": ", parts...);
            };
            if (good == 0) {
                const auto facts = facts_of(line);
                if (!facts || !whole) {
                    // A first line that was cut short means a search without any trial.
                    const std::string wanted = header_of(now);
                    return wanted.starts_with(line) ? status{}
                                                    : refuse("this is not the journal of a search");
                }
                if (const std::string difference = difference_of(*facts, now);
                    !difference.empty()) {
                    return status::error(error_code::invalid_argument, name_,
                                         " is the journal of another search: ", difference);
                }
            } else {
                auto trial = whole ? detail::trial_of(line, space_) : std::nullopt;
                if (!trial) {
                    return last ? status{} : refuse("damaged: ", detail::shown_text(line));
                }
                const auto at = static_cast<std::size_t>(trial->number);
                constexpr std::size_t most = 1'000'000;
                if (at >= most) {
                    return refuse("trial ", at, "; there are at most ", most);
                }
                seen.resize(std::max(seen.size(), at + 1));
                if (seen[at]) {
                    return refuse("trial ", at, " is there twice");
                }
                seen[at] = true;
                trials_.push_back(*std::move(trial));
            }
            good = end + 1;
        }
        return {};
    }

    std::string name_;
    search_space space_;
    std::vector<search_trial> trials_;
    detail::file_handle file_;
};

} // namespace tocsin
