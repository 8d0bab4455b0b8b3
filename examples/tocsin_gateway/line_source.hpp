/// @file line_source.hpp
/// @brief Lines of a file or of standard input as messages, with a thread that reads ahead.
#pragma once

#include "bounded_queue.hpp"
#include "ports.hpp"
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace tocsin_gateway {

/// One partition, 0. Offsets are the numbers of lines, from 0. A regular file continues behind the lines
/// that were judged before, if it still begins with them. Standard input, a pipe or a terminal
/// continues counting.
class line_source final : public source {
  public:
    /// @param path  a file, or "-" for standard input, which continues counting whatever it is
    /// @param queue largest number of waiting lines
    static tocsin::result<std::unique_ptr<line_source>> open(const std::string& path,
                                                             std::size_t queue);
    ~line_source() override;

    tocsin::status poll(std::vector<message>& messages, std::chrono::milliseconds wait,
                        partition_listener& listener) override;
    /// @return `invalid_data` where the lines before `next_offset` were not those of this file: those
    ///         that it has in their place would be skipped. Without an origin, nobody knows.
    tocsin::status resume(std::int32_t partition, std::int64_t next_offset,
                          std::string_view origin) override;
    /// "stream", or all bytes of a regular file up to the end of the last message that poll() has
    /// returned: their number and CRC-32, which a copy shares and which stay when the file grows.
    std::string origin() override;
    tocsin::status acknowledge(std::span<const progress> next_offsets) override;
    /// Not after a failure: poll() reports it, once all lines before it have been returned.
    bool ended() const override { return started_ && queue_.drained() && failure_ == 0; }
    /// Reads to the end of the line that has begun. Lines of a stream that were read wait then; those
    /// of a file can be read again.
    bool stop() override {
        stop_ = true;
        return started_ && !is_file_;
    }
    std::int64_t lag() override { return queue_.size(); }

  private:
    line_source(std::string path, int handle, bool is_file, std::size_t queue)
        : path_{std::move(path)}, handle_{handle}, is_file_{is_file}, queue_{queue} {}
    tocsin::status continue_at(const read_part& judged, std::int64_t next_offset);
    tocsin::status other_file(std::int64_t next_offset) const;
    tocsin::result<read_part> beginning(std::uint64_t most, char& last) const;
    void read_lines();

    std::string path_;
    int handle_;
    bool is_file_; ///< a regular one, of which a part may have been judged
    bounded_queue queue_;
    bool started_ = false;
    read_part returned_; ///< by poll()
    // Of the thread, once it runs:
    std::int64_t next_offset_ = 0;
    read_part read_;
    bool within_judged_ = false; ///< in a line that was judged before its end was there
    std::atomic<bool> stop_{false};
    std::atomic<int> failure_{0}; ///< errno of the thread
    std::thread reader_;
};

} // namespace tocsin_gateway
