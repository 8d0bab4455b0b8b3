#include "line_source.hpp"

#include "tocsin/io/checksum.hpp"
#include "tocsin/io/system_files.hpp"

#include "no_signals.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::status;

namespace {

constexpr const char* stream_origin = "stream";
constexpr std::size_t most_origin_bytes = std::size_t{1} << 16U;

std::string origin_of(std::string_view first_bytes) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%zu %08x", first_bytes.size(),
                  static_cast<unsigned>(tocsin::crc32(
                      std::as_bytes(std::span{first_bytes.data(), first_bytes.size()}))));
    return text.data();
}

} // namespace

tocsin::result<std::unique_ptr<line_source>> line_source::open(const std::string& path,
                                                               std::size_t queue) {
    const bool is_standard = path == "-";
    const int handle = is_standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (handle < 0) {
        return status::error(error_code::io_error, path,
                             ": cannot open: ", tocsin::detail::system_message(errno));
    }
    struct stat about{};
    const bool is_file = !is_standard && ::fstat(handle, &about) == 0 && S_ISREG(about.st_mode);
    return std::unique_ptr<line_source>{new line_source{path, handle, is_file, queue}};
}

line_source::~line_source() {
    stop_ = true;
    queue_.close();
    if (reader_.joinable()) {
        reader_.join();
    }
    if (handle_ != STDIN_FILENO) {
        ::close(handle_);
    }
}

status line_source::poll(std::vector<message>& messages, std::chrono::milliseconds wait,
                         partition_listener& listener) {
    if (!started_) {
        constexpr std::int32_t only = 0;
        if (status ready = listener.assigned({&only, 1}); !ready.ok()) {
            return ready;
        }
        started_ = true;
        const no_signals here; // in the thread: they belong to the one that judges
        reader_ = std::thread{[this] { read_lines(); }};
    }
    queue_.take(messages, wait);
    if (const int failure = failure_; failure != 0 && messages.empty()) {
        return status::error(error_code::io_error,
                             "cannot read the input: ", tocsin::detail::system_message(failure));
    }
    return {};
}

status line_source::resume(std::int32_t /*partition*/, std::int64_t next_offset,
                           std::string_view origin) {
    // Every line of a file is read, and skipped by its offset.
    next_offset_ = is_file_ ? 0 : next_offset;
    if (!is_file_ || next_offset == 0 || origin.empty()) {
        return {};
    }
    std::size_t bytes = 0; // remains 0 for a stream
    std::from_chars(origin.data(), origin.data() + origin.size(), bytes);
    if (bytes <= most_origin_bytes && origin == origin_of(first_bytes(bytes))) {
        return {};
    }
    return status::error(
        error_code::invalid_data, tocsin::detail::shown_name(path_),
        ": it begins otherwise than when the states judged ", next_offset,
        " lines, or was cut, and as many of it would be skipped; pass it as "
        "standard input to judge it whole with these streams, or use other states");
}

std::string line_source::origin() {
    if (!is_file_) {
        return stream_origin;
    }
    if (origin_.empty() || origin_bytes_ < most_origin_bytes) { // it may have grown
        const std::string bytes = first_bytes(most_origin_bytes);
        origin_bytes_ = bytes.size();
        origin_ = origin_of(bytes);
    }
    return origin_;
}

/// Fewer where the file ends before.
std::string line_source::first_bytes(std::size_t most) const {
    std::string bytes(most, '\0');
    std::size_t size = 0;
    for (ssize_t count = 1; size < most && count != 0;) {
        count = ::pread(handle_, bytes.data() + size, most - size, static_cast<off_t>(size));
        if (count < 0 && errno != EINTR) {
            break; // the thread that reads the lines reports it
        }
        size += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    }
    bytes.resize(size);
    return bytes;
}

status line_source::acknowledge(std::span<const progress> /*next_offsets*/) {
    return {}; // not needed: the offset is in the state store
}

void line_source::read_lines() {
    std::vector<char> block(std::size_t{1} << 16U);
    std::vector<message> batch;
    std::string line;
    const auto end_line = [&] {
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        if (!line.empty()) {
            message& last = batch.emplace_back();
            last.payload = line;
            last.offset = next_offset_;
            last.created = std::chrono::system_clock::now();
        }
        ++next_offset_; // empty lines count, as in an editor
        line.clear();
    };
    const auto add = [&](std::string_view text) {
        // Longer lines are refused anyway: one byte more is enough for that.
        line.append(
            text.substr(0, longest_payload + 1 - std::min(longest_payload + 1, line.size())));
    };
    bool at_end = false;
    std::size_t after_stop = 0; // bytes
    for (bool stopping = stop_; !stopping || !line.empty(); stopping = stop_) {
        pollfd waiting{handle_, POLLIN, 0};
        constexpr int milliseconds = 100;
        const int ready = ::poll(&waiting, 1, milliseconds);
        // The rest of a line that has begun would be no sample for the next process: it is read, but
        // nobody waits for it, and it is limited.
        if (stopping && (ready <= 0 || ++after_stop > longest_payload)) {
            break;
        }
        if (ready == 0 || (ready < 0 && errno == EINTR)) {
            continue;
        }
        const ssize_t count = ::read(handle_, block.data(), stopping ? 1 : block.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            failure_ = count < 0 ? errno : 0;
            at_end = count == 0;
            break;
        }
        std::string_view rest{block.data(), static_cast<std::size_t>(count)};
        for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
            add(rest.substr(0, end));
            end_line();
            rest.remove_prefix(end + 1);
        }
        add(rest);
        queue_.put(batch);
    }
    if (!line.empty() && at_end) { // else it lacks its end
        end_line();
        queue_.put(batch);
    }
    queue_.close();
}

} // namespace tocsin_gateway
