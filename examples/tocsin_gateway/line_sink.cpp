#include "line_sink.hpp"

#include "tocsin/io/system_files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin_gateway {
namespace {

tocsin::status refuse(const std::string& name, const char* what) {
    return tocsin::status::error(tocsin::error_code::io_error, name, ": cannot ", what, ": ",
                                 tocsin::detail::system_message(errno));
}

/// Ends the last line of a file that is not empty, which a killed process has left unfinished.
tocsin::status end_last_line(const std::string& path, off_t size, std::FILE* file) {
    const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    char last = '\n';
    const bool read = handle >= 0 && ::pread(handle, &last, 1, size - 1) == 1;
    tocsin::status done = read ? tocsin::status{} : refuse(path, "read");
    if (handle >= 0) {
        ::close(handle);
    }
    if (done.ok() && last != '\n' && std::fputc('\n', file) == EOF) {
        done = refuse(path, "write");
    }
    return done;
}

} // namespace

tocsin::result<std::unique_ptr<line_sink>>
line_sink::open(const std::array<std::string, 3>& paths) {
    auto opened = std::make_unique<line_sink>();
    for (std::size_t k = 0; k < paths.size(); ++k) {
        if (paths[k].empty()) {
            continue;
        }
        file& into = opened->files_[k];
        into.name = paths[k] == "-" ? "standard output" : paths[k];
        into.handle.reset(paths[k] == "-" ? stdout : std::fopen(paths[k].c_str(), "abe"));
        if (!into.handle) {
            return refuse(into.name, "open");
        }
        struct stat facts{};
        into.regular = ::fstat(::fileno(into.handle.get()), &facts) == 0 && S_ISREG(facts.st_mode);
        if (into.regular && facts.st_size > 0 && paths[k] != "-") {
            tocsin::status ended = end_last_line(paths[k], facts.st_size, into.handle.get());
            if (!ended.ok()) {
                return ended;
            }
        }
    }
    return opened;
}

tocsin::status line_sink::write(output kind, std::string_view /*device*/, std::string_view line) {
    const file& into = files_[static_cast<std::size_t>(kind)];
    if (!into.handle) {
        return {};
    }
    std::FILE* const handle = into.handle.get();
    const bool written = std::fwrite(line.data(), 1, line.size(), handle) == line.size() &&
                         std::fputc('\n', handle) != EOF;
    return written ? tocsin::status{} : refuse(into.name, "write");
}

tocsin::status line_sink::pass_on() {
    for (const file& one : files_) {
        if (one.handle && std::fflush(one.handle.get()) != 0) {
            return refuse(one.name, "write");
        }
    }
    return {};
}

tocsin::status line_sink::flush() {
    tocsin::status passed = pass_on();
    for (const file& one : files_) {
        // Some file systems have nothing to synchronise, and say so by EINVAL.
        if (passed.ok() && one.regular && ::fdatasync(::fileno(one.handle.get())) != 0 &&
            errno != EINVAL) {
            passed = refuse(one.name, "write");
        }
    }
    return passed;
}

} // namespace tocsin_gateway
