/// @file line_sink.hpp
/// @brief Verdicts, alarms and dead letters as lines of files or of standard output.
#pragma once

#include "ports.hpp"
#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace tocsin_gateway {

/// Appends to files. The first line begins on a line of its own, also after a process that was killed
/// within one.
class line_sink final : public sink {
  public:
    /// @param paths verdicts, alarms, dead letters: "-" is standard output, "" leaves them out
    static tocsin::result<std::unique_ptr<line_sink>> open(const std::array<std::string, 3>& paths);

    tocsin::status write(output kind, std::string_view device, std::string_view line) override;
    tocsin::status pass_on() override;
    /// Returns after fdatasync() of the regular files: the states that follow are on the disk, too.
    tocsin::status flush() override;

  private:
    struct closer {
        void operator()(std::FILE* file) const noexcept {
            if (file != stdout) {
                std::fclose(file);
            }
        }
    };
    struct file {
        std::string name;
        std::unique_ptr<std::FILE, closer> handle;
        bool regular = false; ///< not a pipe
    };
    std::array<file, 3> files_;
};

} // namespace tocsin_gateway
