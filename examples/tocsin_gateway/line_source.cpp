#include "line_source.hpp"

#include "tocsin/io/system_files.hpp"

#include "no_signals.hpp"
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::status;

tocsin::result<std::unique_ptr<line_source>> line_source::open(const std::string& path,
                                                               std::size_t queue) {
    const bool is_file = path != "-";
    const int handle = is_file ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (handle < 0) {
        return status::error(error_code::io_error, path,
                             ": cannot open: ", tocsin::detail::system_message(errno));
    }
    return std::unique_ptr<line_source>{new line_source{handle, is_file, queue}};
}

line_source::~line_source() {
    stop_ = true;
    queue_.close();
    if (reader_.joinable()) {
        reader_.join();
    }
    if (is_file_) {
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

void line_source::resume(std::int32_t /*partition*/, std::int64_t next_offset) {
    // Every line of a file is read, and skipped by its offset.
    next_offset_ = is_file_ ? 0 : next_offset;
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
