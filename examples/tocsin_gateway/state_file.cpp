#include "state_file.hpp"

#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/byte_archive.hpp"
#include "tocsin/io/checksum.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/io/system_files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tocsin_gateway {
namespace {

using tocsin::error_code;
using tocsin::status;

constexpr std::string_view magic = "TOCSTAT1";
constexpr std::size_t head = 12;                                // partition, two lengths
constexpr std::size_t tail = 4;                                 // checksum
constexpr std::uint64_t most_checked = std::uint64_t{1} << 28U; // bytes of what may be records

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}
std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string record_of(std::int32_t partition, std::string_view key,
                      std::span<const std::byte> bytes) {
    tocsin::byte_writer archive;
    archive.scalar(partition);
    archive.scalar(static_cast<std::uint32_t>(key.size()));
    archive.scalar(static_cast<std::uint32_t>(bytes.size()));
    std::string record{text_of(archive.bytes())};
    record += key;
    record += text_of(bytes);
    tocsin::byte_writer end;
    end.scalar(tocsin::crc32(bytes_of(record)));
    return record += text_of(end.bytes());
}

/// A record at the start of `rest`; its whole size, or 0 if there is none.
struct record_view {
    std::int32_t partition = 0;
    std::string_view key;
    std::string_view content;
    std::size_t size = 0;
};

/// What the head of a record says of its content, whether or not it follows.
struct record_head {
    std::int32_t partition = 0;
    std::uint32_t key = 0;
    std::uint32_t content = 0;

    /// @param rest at least `head` bytes
    explicit record_head(std::string_view rest) {
        tocsin::byte_reader archive{bytes_of(rest)};
        archive.scalar(partition);
        archive.scalar(key);
        archive.scalar(content);
    }
    std::uint64_t size() const { return std::uint64_t{head} + key + content + tail; }
};

record_view first_record(std::string_view rest) {
    if (rest.size() < head + tail) {
        return {};
    }
    const record_head declared(rest);
    if (declared.size() > rest.size()) {
        return {};
    }
    record_view found;
    found.partition = declared.partition;
    found.size = static_cast<std::size_t>(declared.size());
    found.key = rest.substr(head, declared.key);
    found.content = rest.substr(head + declared.key, declared.content);
    std::uint32_t checksum = 0;
    tocsin::byte_reader(bytes_of(rest.substr(found.size - tail, tail))).scalar(checksum);
    return checksum == tocsin::crc32(bytes_of(rest.substr(0, found.size - tail))) ? found
                                                                                  : record_view{};
}

/// Whether a write that a crash has ended may leave this behind complete records: the start of one,
/// or blocks of zeros that a loss of power has left in place of data.
bool is_unfinished(std::string_view rest) {
    return rest.size() < head + tail || record_head(rest).size() > rest.size() ||
           rest.ends_with(std::string_view{"\0\0\0\0\0\0\0\0", 8});
}

} // namespace

tocsin::result<std::unique_ptr<state_file>> state_file::open(const std::filesystem::path& path) {
    auto opened = std::make_unique<state_file>();
    opened->path_ = path;
    if (path.empty()) {
        return opened;
    }
    if (status locked = opened->open_and_lock(); !locked.ok()) {
        return locked;
    }
    if (status loaded = opened->load(); !loaded.ok()) {
        return loaded;
    }
    return opened;
}

state_file::~state_file() {
    if (handle_ >= 0) {
        ::close(handle_);
    }
}

status state_file::refuse(const char* what) const {
    return status::error(error_code::io_error, tocsin::detail::shown_name(path_), ": cannot ", what,
                         ": ", tocsin::detail::system_message(errno));
}

status state_file::open_and_lock() {
    // The gateway that had the lock may have replaced the file since it was opened here.
    for (bool current = false; !current;) {
        if (handle_ >= 0) {
            ::close(handle_);
        }
        handle_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (handle_ < 0) {
            return refuse("open");
        }
        // File systems without locks have no protection.
        if (::flock(handle_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            ::close(std::exchange(handle_, -1));
            return status::error(error_code::io_error, tocsin::detail::shown_name(path_),
                                 ": another gateway uses these states");
        }
        struct stat opened{};
        struct stat named{};
        current = ::fstat(handle_, &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
                  opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
    }
    return {};
}

status state_file::load() {
    const auto content = tocsin::read_file(path_, std::uint64_t{1} << 36U);
    if (!content) {
        return content.error();
    }
    std::string_view rest = *content;
    if (magic.starts_with(rest)) { // new, or not even the magic was finished
        return ::ftruncate(handle_, 0) == 0 ? append(magic) : refuse("cut");
    }
    if (!rest.starts_with(magic)) {
        return status::error(error_code::format_error, tocsin::detail::shown_name(path_),
                             ": is not a file of states; it stays as it is");
    }
    rest.remove_prefix(magic.size());
    for (record_view next = first_record(rest); next.size > 0; next = first_record(rest)) {
        std::string& newest = newest_[{next.partition, std::string{next.key}}];
        live_ += next.size;
        live_ -= newest.size();
        newest = rest.substr(0, next.size);
        rest.remove_prefix(next.size);
    }
    size_ = content->size() - rest.size();
    return rest.empty() ? status{} : cut_tail(rest);
}

/// The next record must not follow an unfinished one.
status state_file::cut_tail(std::string_view rest) {
    bool unfinished = is_unfinished(rest);
    // Few bytes happen to look like the head of a record. A file in which many do was made to keep
    // the search busy.
    std::uint64_t checked = 0;
    for (std::size_t at = 1; unfinished && at + head + tail <= rest.size(); ++at) {
        const std::string_view from_here = rest.substr(at);
        const std::uint64_t declared = record_head(from_here).size();
        checked += declared <= from_here.size() ? declared - (head + tail) : 0;
        unfinished = first_record(from_here).size == 0 && checked <= most_checked;
    }
    if (!unfinished) {
        return status::error(error_code::format_error, tocsin::detail::shown_name(path_),
                             ": damaged at byte ", static_cast<std::int64_t>(size_), " of ",
                             static_cast<std::int64_t>(size_ + rest.size()),
                             ", which no unfinished write explains; it stays as it is");
    }
    cut_ = rest.size();
    return ::ftruncate(handle_, static_cast<off_t>(size_)) == 0 ? status{} : refuse("cut");
}

status state_file::put(std::int32_t partition, std::string_view key,
                       std::span<const std::byte> bytes) {
    if (path_.empty()) {
        return {};
    }
    std::string record = record_of(partition, key, bytes);
    pending_ += record;
    std::string& newest = newest_[{partition, std::string{key}}];
    live_ += record.size();
    live_ -= newest.size();
    newest = std::move(record);
    return {};
}

status state_file::append(std::string_view bytes) {
    std::string_view rest = bytes;
    while (!rest.empty()) {
        const ssize_t written = ::write(handle_, rest.data(), rest.size());
        if (written < 0 && errno != EINTR) {
            return cut_append();
        }
        rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    if (::fdatasync(handle_) != 0 && errno != EINVAL) {
        return cut_append();
    }
    size_ += bytes.size();
    return {};
}

/// No later record may follow a part of one.
status state_file::cut_append() {
    status failed = refuse("write");
    is_whole_ = ::ftruncate(handle_, static_cast<off_t>(size_)) == 0;
    return failed;
}

status state_file::flush() {
    if (path_.empty()) {
        return {};
    }
    if (handle_ < 0) { // a rewritten file could not be opened
        if (status opened = open_and_lock(); !opened.ok()) {
            return opened;
        }
    }
    constexpr std::uint64_t small = std::uint64_t{1} << 22U;
    if (!is_whole_ || size_ + pending_.size() > small + 3 * live_) {
        return rewrite();
    }
    status written = append(pending_);
    if (written.ok()) {
        pending_.clear();
    }
    return written;
}

status state_file::rewrite() {
    std::string content{magic};
    for (const auto& [key, record] : newest_) {
        content += record;
    }
    if (status written = tocsin::write_file(path_, content); !written.ok()) {
        return written;
    }
    size_ = content.size();
    is_whole_ = true;
    pending_.clear();
    return open_and_lock();
}

status state_file::read(std::span<const std::int32_t> partitions, const visitor& visit) {
    for (const auto& [key, record] : newest_) {
        if (std::find(partitions.begin(), partitions.end(), key.first) == partitions.end()) {
            continue;
        }
        const record_view whole = first_record(record);
        if (status done = visit(key.first, key.second, bytes_of(whole.content)); !done.ok()) {
            return done;
        }
    }
    return {};
}

} // namespace tocsin_gateway
