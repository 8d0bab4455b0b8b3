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

/// Whether a file that is not empty ends within a line, which a killed process has left unfinished.
tocsin::result<bool> ends_within_a_line(const std::string& path, off_t size) {
    const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    char last = '\n';
    const bool read = handle >= 0 && ::pread(handle, &last, 1, size - 1) == 1;
    const tocsin::status failure = read ? tocsin::status{} : refuse(path, "read");
    if (handle >= 0) {
        ::close(handle);
    }
    return read ? tocsin::result<bool>{last != '\n'} : tocsin::result<bool>{failure};
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
        const bool standard = paths[k] == "-";
        into.name = standard ? "standard output" : paths[k];
        constexpr int append = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
        into.handle = standard ? STDOUT_FILENO : ::open(paths[k].c_str(), append, 0666);
        if (into.handle < 0) {
            return refuse(into.name, "open");
        }
        struct stat facts{};
        into.regular = ::fstat(into.handle, &facts) == 0 && S_ISREG(facts.st_mode);
        if (into.regular && facts.st_size > 0 && !standard) {
            const auto unfinished = ends_within_a_line(paths[k], facts.st_size);
            if (!unfinished) {
                return unfinished.error();
            }
            into.waiting.assign(*unfinished ? 1 : 0, '\n');
        }
    }
    return opened;
}

line_sink::~line_sink() {
    for (const file& one : files_) {
        if (one.handle > STDOUT_FILENO) {
            ::close(one.handle);
        }
    }
}

tocsin::status line_sink::write(output kind, std::string_view /*device*/, std::string_view line) {
    file& into = files_[static_cast<std::size_t>(kind)];
    if (into.handle < 0) {
        return {};
    }
    into.waiting += line;
    into.waiting += '\n';
    constexpr std::size_t block = std::size_t{1} << 16U;
    return into.waiting.size() < block ? tocsin::status{} : pass_on(into);
}

tocsin::status line_sink::pass_on(file& one) {
    std::string_view rest = one.waiting;
    while (!rest.empty()) {
        const ssize_t count = ::write(one.handle, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return refuse(one.name, "write"); // the gateway ends
        }
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    one.waiting.clear();
    return {};
}

tocsin::status line_sink::pass_on() {
    for (file& one : files_) {
        if (tocsin::status passed = pass_on(one); !passed.ok()) {
            return passed;
        }
    }
    return {};
}

tocsin::status line_sink::flush() {
    tocsin::status passed = pass_on();
    for (const file& one : files_) {
        // Some file systems have nothing to synchronise, and say so by EINVAL.
        while (passed.ok() && one.regular && ::fdatasync(one.handle) != 0 && errno != EINVAL) {
            passed = errno == EINTR ? tocsin::status{} : refuse(one.name, "write");
        }
    }
    return passed;
}

} // namespace tocsin_gateway
