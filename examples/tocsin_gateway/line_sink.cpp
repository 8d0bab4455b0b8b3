#include "line_sink.hpp"

#include "tocsin/io/system_files.hpp"

#include <cerrno>

namespace tocsin_gateway {
namespace {

tocsin::status refuse(const std::string& name, const char* what) {
    return tocsin::status::error(tocsin::error_code::io_error, name, ": cannot ", what, ": ",
                                 tocsin::detail::system_message(errno));
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

tocsin::status line_sink::flush() {
    for (const file& one : files_) {
        if (one.handle && std::fflush(one.handle.get()) != 0) {
            return refuse(one.name, "write");
        }
    }
    return {};
}

} // namespace tocsin_gateway
