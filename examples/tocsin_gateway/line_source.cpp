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
constexpr std::string_view judged_origin = "judged "; // all lines up to the end of the last one
constexpr std::uint64_t most_first_bytes = std::uint64_t{1} << 16U; // of an origin of before

std::string text_of(const read_part& part) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%llu %08x",
                  static_cast<unsigned long long>(part.bytes),
                  static_cast<unsigned>(part.checksum));
    return text.data();
}
/// The inverse; of another text one that has another text.
read_part part_of(std::string_view text) {
    read_part part;
    const char* const end = text.data() + text.size();
    const auto number = std::from_chars(text.data(), end, part.bytes);
    if (number.ec == std::errc{} && number.ptr != end) {
        constexpr int hexadecimal = 16;
        std::from_chars(number.ptr + 1, end, part.checksum, hexadecimal);
    }
    return part;
}

void add_to(read_part& part, std::string_view bytes) {
    part.bytes += bytes.size();
    part.checksum =
        tocsin::crc32(std::as_bytes(std::span{bytes.data(), bytes.size()}), part.checksum);
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
    if (!messages.empty()) {
        returned_ = messages.back().whole;
    }
    if (const int failure = failure_; failure != 0 && messages.empty()) {
        return status::error(error_code::io_error,
                             "cannot read the input: ", tocsin::detail::system_message(failure));
    }
    return {};
}

status line_source::resume(std::int32_t /*partition*/, std::int64_t next_offset,
                           std::string_view origin) {
    if (!is_file_) {
        next_offset_ = next_offset;
        return {};
    }
    if (next_offset == 0 || origin.empty()) {
        return {};
    }
    if (origin.starts_with(judged_origin)) {
        origin.remove_prefix(judged_origin.size());
        const read_part judged = part_of(origin);
        return text_of(judged) == origin ? continue_at(judged, next_offset)
                                         : other_file(next_offset);
    }
    // States of before know the first bytes. Every line is read, and skipped by its offset.
    const read_part wanted = part_of(origin);
    char last = 0;
    const auto first = beginning(std::min(wanted.bytes, most_first_bytes), last);
    if (!first) {
        return first.error();
    }
    return text_of(*first) == origin ? status{} : other_file(next_offset);
}

/// Reads on behind the lines that were judged.
status line_source::continue_at(const read_part& judged, std::int64_t next_offset) {
    char last = 0;
    const auto here = beginning(judged.bytes, last);
    if (!here) {
        return here.error();
    }
    if (here->bytes != judged.bytes || here->checksum != judged.checksum) {
        return other_file(next_offset);
    }
    if (::lseek(handle_, static_cast<off_t>(judged.bytes), SEEK_SET) < 0) {
        return status::error(error_code::io_error, tocsin::detail::shown_name(path_),
                             ": cannot read: ", tocsin::detail::system_message(errno));
    }
    next_offset_ = next_offset;
    read_ = returned_ = judged;
    within_judged_ = judged.bytes > 0 && last != '\n';
    return {};
}

status line_source::other_file(std::int64_t next_offset) const {
    return status::error(
        error_code::invalid_data, tocsin::detail::shown_name(path_),
        ": is not the file of which the states judged ", next_offset,
        " lines, or one of them has changed, or it was cut, and as many of it would "
        "be skipped; pass it as standard input to judge it whole with these streams, "
        "or use other states");
}

std::string line_source::origin() {
    return is_file_ ? std::string{judged_origin} + text_of(returned_) : stream_origin;
}

/// The first bytes; fewer where the file ends before.
/// @param last receives the last one of them
tocsin::result<read_part> line_source::beginning(std::uint64_t most, char& last) const {
    read_part part;
    std::vector<char> block(std::size_t{1} << 16U);
    while (part.bytes < most) {
        const auto size =
            static_cast<std::size_t>(std::min<std::uint64_t>(most - part.bytes, block.size()));
        const ssize_t count = ::pread(handle_, block.data(), size, static_cast<off_t>(part.bytes));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return status::error(error_code::io_error, tocsin::detail::shown_name(path_),
                                 ": cannot read: ", tocsin::detail::system_message(errno));
        }
        if (count == 0) {
            break;
        }
        add_to(part, {block.data(), static_cast<std::size_t>(count)});
        last = block[static_cast<std::size_t>(count) - 1];
    }
    return part;
}

status line_source::acknowledge(std::span<const progress> /*next_offsets*/) {
    return {}; // not needed: the offset is in the state store
}

void line_source::read_lines() {
    std::vector<char> block(std::size_t{1} << 16U);
    std::vector<message> batch;
    std::string line;
    const auto end_line = [&] {
        if (std::exchange(within_judged_, false)) {
            line.clear();
            return; // it has been counted
        }
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        if (!line.empty()) {
            message& last = batch.emplace_back();
            last.payload = line;
            last.offset = next_offset_;
            last.created = std::chrono::system_clock::now();
            last.whole = read_;
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
            if (is_file_) {
                add_to(read_, rest.substr(0, end + 1));
            }
            end_line();
            rest.remove_prefix(end + 1);
        }
        add(rest);
        if (is_file_) {
            add_to(read_, rest);
        }
        queue_.put(batch);
    }
    if (!line.empty() && at_end) { // else it lacks its end
        end_line();
        queue_.put(batch);
    }
    queue_.close();
}

} // namespace tocsin_gateway
