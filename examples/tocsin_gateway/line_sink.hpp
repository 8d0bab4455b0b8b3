/// @file line_sink.hpp
/// @brief Verdicts, alarms and dead letters as lines of files or of standard output.
#pragma once

#include "ports.hpp"
#include <array>
#include <memory>
#include <string>

namespace tocsin_gateway {

/// Appends to files. The first line begins on a line of its own, also after a process that was killed
/// within one. A signal ends no write: while the reader of a pipe waits, so does the writer.
class line_sink final : public sink {
  public:
    /// @param paths verdicts, alarms, dead letters: "-" is standard output, "" leaves them out
    static tocsin::result<std::unique_ptr<line_sink>> open(const std::array<std::string, 3>& paths);

    tocsin::status write(output kind, std::string_view device, std::string_view line) override;
    tocsin::status pass_on() override;
    /// Returns after fdatasync() of the regular files: the states that follow are on the disk, too.
    tocsin::status flush() override;

    line_sink() = default;
    ~line_sink() override;

  private:
    struct file {
        std::string name;
        int handle = -1;
        bool regular = false; ///< not a pipe
        std::string waiting;  ///< lines that have not been passed on
    };
    static tocsin::status pass_on(file& one);

    std::array<file, 3> files_;
};

} // namespace tocsin_gateway
