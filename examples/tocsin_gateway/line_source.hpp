/// @file line_source.hpp
/// @brief Lines of a file or of standard input as messages, with a thread that reads ahead.
#pragma once

#include "bounded_queue.hpp"
#include "ports.hpp"
#include <atomic>
#include <string>
#include <thread>

namespace tocsin_gateway {

/// One partition, 0. Offsets are the numbers of lines, from 0; a file begins at its first line, so
/// lines that were judged before are skipped, while standard input continues counting.
class line_source final : public source {
  public:
    /// @param path  a file, or "-" for standard input
    /// @param queue largest number of waiting lines
    static tocsin::result<std::unique_ptr<line_source>> open(const std::string& path,
                                                             std::size_t queue);
    ~line_source() override;

    tocsin::status poll(std::vector<message>& messages, std::chrono::milliseconds wait,
                        partition_listener& listener) override;
    void resume(std::int32_t partition, std::int64_t next_offset) override;
    tocsin::status acknowledge(std::span<const progress> next_offsets) override;
    /// Not after a failure: poll() reports it, once all lines before it have been returned.
    bool ended() const override { return started_ && queue_.drained() && failure_ == 0; }
    /// Reads to the end of the line that has begun. Lines of standard input that were read wait then.
    bool stop() override {
        stop_ = true;
        return started_ && !is_file_;
    }
    std::int64_t lag() override { return queue_.size(); }

  private:
    line_source(int handle, bool is_file, std::size_t queue)
        : handle_{handle}, is_file_{is_file}, queue_{queue} {}
    void read_lines();

    int handle_;
    bool is_file_;
    bounded_queue queue_;
    bool started_ = false;
    std::int64_t next_offset_ = 0;
    std::atomic<bool> stop_{false};
    std::atomic<int> failure_{0}; ///< errno of the thread
    std::thread reader_;
};

} // namespace tocsin_gateway
