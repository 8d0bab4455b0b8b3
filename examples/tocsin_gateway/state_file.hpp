/// @file state_file.hpp
/// @brief States in a file that grows at its end, and is rewritten when most of it is outdated.
#pragma once

#include "ports.hpp"
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tocsin_gateway {

/// A journal: magic `TOCSTAT1`, then records of partition, length of the key, length of the bytes (4
/// bytes each), key, bytes, CRC-32. Everything before the last flush() is complete. What a crash has
/// left of a later record is cut off.
class state_file final : public state_store {
  public:
    /// Opens or creates it; an empty path keeps states only in memory, until the process ends.
    /// `format_error` for another file, and for damage that no unfinished write explains; the file
    /// then stays as it is. `io_error` while another gateway has it open.
    static tocsin::result<std::unique_ptr<state_file>> open(const std::filesystem::path& path);
    ~state_file() override;

    tocsin::status put(std::int32_t partition, std::string_view key,
                       std::span<const std::byte> bytes) override;
    /// Returns after fsync(). After a failure the file holds what it held, and the next flush() writes
    /// what this one could not.
    tocsin::status flush() override;
    /// Bytes of an unfinished record that open() has cut off.
    std::uint64_t cut() const noexcept { return cut_; }
    tocsin::status read(std::span<const std::int32_t> partitions, const visitor& visit) override;

  private:
    using key_type = std::pair<std::int32_t, std::string>;

    tocsin::status open_and_lock();
    tocsin::status load();
    tocsin::status cut_tail(std::string_view rest);
    tocsin::status append(std::string_view bytes);
    tocsin::status cut_append();
    tocsin::status rewrite();
    tocsin::status refuse(const char* what) const;

    std::filesystem::path path_;
    int handle_ = -1;
    std::string pending_;                    ///< records since the last flush()
    std::map<key_type, std::string> newest_; ///< records, only if there is a file
    std::uint64_t size_ = 0;                 ///< of the file
    std::uint64_t live_ = 0;                 ///< bytes of the newest records
    std::uint64_t cut_ = 0;
    bool is_whole_ = true; ///< ends with a whole record
};

} // namespace tocsin_gateway
