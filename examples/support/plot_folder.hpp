/// @file plot_folder.hpp
/// @brief Folder of pictures: each a data file with the gnuplot script that draws it.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/atomic_file.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace support {

/// Writes `<name>.dat` (columns of numbers, comments start with #) and `<name>.gnuplot`, then runs
/// gnuplot, if it is installed, to draw `<name>.svg`. Data and script are useful without it.
class plot_folder {
  public:
    /// Makes the folder. `io_error` when that is not possible.
    static tocsin::result<plot_folder> create(const std::filesystem::path& path) {
        std::error_code reason;
        std::filesystem::create_directories(path, reason);
        if (reason) {
            return tocsin::status::error(tocsin::error_code::io_error, path.string(),
                                         ": cannot create the folder: ", reason.message());
        }
        return plot_folder{path};
    }

    const std::filesystem::path& path() const noexcept { return path_; }
    /// Whether pictures are drawn, or only their data and scripts written.
    bool draws() const noexcept { return draws_; }

    /// @param data   the data file
    /// @param script plots "<name>.dat"; terminal, fonts and colours are set before it
    /// @param height of the picture in pixels; the width is 900
    tocsin::status draw(const std::string& name, const std::string& data, const std::string& script,
                        int height = 420) const {
        if (auto written = tocsin::write_file(path_ / (name + ".dat"), data); !written) {
            return written;
        }
        const std::string whole = preamble(name, height) + script;
        if (auto written = tocsin::write_file(path_ / (name + ".gnuplot"), whole); !written) {
            return written;
        }
        if (!draws_) {
            return {};
        }
        const std::string command =
            "cd " + quoted(path_.string()) + " && gnuplot " + quoted(name + ".gnuplot");
        if (std::system(command.c_str()) != 0) {
            return tocsin::status::error(tocsin::error_code::io_error, "failed: ", command);
        }
        return {};
    }

    /// Prints where the pictures are, or how to draw them if gnuplot is not installed.
    void report() const {
        if (draws_) {
            std::printf("pictures: %s/*.svg\n", path_.string().c_str());
        } else {
            std::printf("gnuplot is not installed: no pictures, only their data and scripts in %s\n"
                        "  draw them: cd %s && gnuplot *.gnuplot\n",
                        path_.string().c_str(), path_.string().c_str());
        }
    }

  private:
    explicit plot_folder(std::filesystem::path path)
        : path_{std::move(path)},
          draws_{std::system("gnuplot --version >/dev/null 2>/dev/null") == 0} {}

    /// The style that all pictures share; the colours are those of Okabe and Ito (2008), which
    /// people with any colour vision can tell apart.
    static std::string preamble(const std::string& name, int height) {
        return "reset\nset terminal svg size 900," + std::to_string(height) +
               " enhanced font 'Arial,14' background '#ffffff' linewidth 1.2\n"
               "set output '" +
               name +
               ".svg'\n"
               "blue = '#0072b2'; orange = '#d55e00'; green = '#009e73'; pink = '#cc79a7'\n"
               "grey = '#555555'; shade = '#f9dcc4'; light_shade = '#fdf2e9'\n"
               "set linetype 1 lc rgb blue lw 1.5\n"
               "set linetype 2 lc rgb green lw 1.5\n"
               "set linetype 3 lc rgb pink lw 1.5\n"
               "set linetype 4 lc rgb '#e69f00' lw 1.5\n"
               "set linetype 5 lc rgb '#56b4e9' lw 1.5\n"
               "set linetype 6 lc rgb '#000000' lw 1.5\n"
               "set border 3 lc rgb grey\n"
               "set tics nomirror out scale 0.6 textcolor rgb '#222222'\n"
               "set grid ytics lc rgb '#e4e4e4' lt 1 lw 0.6\n"
               "set key top right noautotitle samplen 2\n"
               "set xtics offset 0,0.2\nset xlabel offset 0,0.3\n"
               "set title font ',16' \n";
    }
    /// For the shell.
    static std::string quoted(const std::string& text) {
        std::string result = "'";
        for (const char character : text) {
            result += character == '\'' ? std::string("'\\''") : std::string(1, character);
        }
        return result + "'";
    }

    std::filesystem::path path_;
    bool draws_;
};

} // namespace support
