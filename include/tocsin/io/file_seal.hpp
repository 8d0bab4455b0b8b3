/// @file file_seal.hpp
/// @brief The checksums of a safetensors file, in its metadata.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/checksum.hpp"
#include "tocsin/io/sha256.hpp"
#include "tocsin/io/text_lines.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::detail {

/// Metadata keys of the two checksums. SHA-256 covers the whole file with the digits of both
/// read as zeros; CRC-32, which other programs compute easily, covers it with its own
/// digits read as zeros. Either covers all metadata, the other key among them: no single flipped
/// bit can hide both.
inline constexpr std::string_view crc_key = "crc32";
inline constexpr std::string_view sha_key = "sha256";
inline constexpr std::size_t crc_digits = 8;
inline constexpr std::size_t sha_digits = 64;
/// Metadata that says that archive_writer has written the file: checksums are mandatory then.
inline constexpr std::string_view version_key = "format_version";

inline std::string hexadecimal(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 0xFU];
    }
    return text;
}

/// The bytes of a file in which the digits of checksums can be found and replaced.
class sealed_bytes {
  public:
    /// @param header where the metadata are: the first bytes of the file
    explicit sealed_bytes(std::string& file, std::size_t header) : file_{file}, header_{header} {}

    /// Where the digits of a checksum start; npos when `"key":"<digits>"` is not in the header,
    /// exactly so.
    std::size_t find(std::string_view key, std::size_t digits) const {
        const std::string start = '"' + std::string{key} + "\":\"";
        const auto header = std::string_view{file_}.substr(0, header_);
        const auto found = header.find(start);
        if (found == std::string_view::npos) {
            return found;
        }
        const std::size_t first = found + start.size();
        return first + digits < header.size() && header[first + digits] == '"'
                   ? first
                   : std::string_view::npos;
    }
    /// Replaces digits, and returns those that were there.
    std::string exchange(std::size_t position, std::string_view digits) {
        std::string before = file_.substr(position, digits.size());
        file_.replace(position, digits.size(), digits);
        return before;
    }
    std::string crc() const {
        const std::uint32_t value = crc32(std::as_bytes(std::span{file_}));
        std::uint8_t bytes[4] = {};
        for (unsigned k = 0; k < 4; ++k) {
            bytes[k] = static_cast<std::uint8_t>(value >> (24U - 8U * k));
        }
        return hexadecimal(bytes);
    }
    std::string sha() const { return hexadecimal(sha256::of(std::as_bytes(std::span{file_}))); }

  private:
    std::string& file_;
    std::size_t header_;
};

/// Puts the right digits into a file whose header has both keys.
/// @return false when it does not have them
inline bool seal(std::string& file, std::size_t header) {
    sealed_bytes bytes{file, header};
    const auto crc = bytes.find(crc_key, crc_digits);
    const auto sha = bytes.find(sha_key, sha_digits);
    if (crc == std::string::npos || sha == std::string::npos) {
        return false;
    }
    bytes.exchange(crc, std::string(crc_digits, '0'));
    bytes.exchange(sha, std::string(sha_digits, '0'));
    bytes.exchange(sha, bytes.sha());
    bytes.exchange(crc, bytes.crc());
    return true;
}

/// Checks the checksums of a file and takes them out of its metadata; their digits in the file are
/// zeros afterwards. A file of our own (see version_key) needs CRC-32; one with SHA-256 does, too.
/// `format_error` with the reason.
inline status check_seal(std::string& file, std::size_t header,
                         std::map<std::string, std::string>& metadata) {
    const auto take = [&](std::string_view key) {
        auto node = metadata.extract(std::string{key});
        return node.empty() ? std::string{} : std::move(node.mapped());
    };
    const bool has_crc = metadata.contains(std::string{crc_key});
    const bool has_sha = metadata.contains(std::string{sha_key});
    const std::string crc = take(crc_key);
    const std::string sha = take(sha_key);
    if (!has_crc) {
        if (has_sha || metadata.contains(std::string{version_key})) {
            return status::error(error_code::format_error, "has no checksum '", crc_key,
                                 "': it is damaged, or another program has rewritten it");
        }
        return {}; // written by another program
    }
    sealed_bytes bytes{file, header};
    const auto crc_at = bytes.find(crc_key, crc_digits);
    const auto sha_at = bytes.find(sha_key, sha_digits);
    if (crc.size() != crc_digits || crc_at == std::string::npos ||
        (has_sha && (sha.size() != sha_digits || sha_at == std::string::npos))) {
        return status::error(error_code::format_error, "checksum '", shown_text(crc), "' or '",
                             shown_text(sha),
                             "' cannot be verified: it is malformed, or another program has "
                             "rewritten the file (which should drop metadata 'crc32', 'sha256')");
    }
    bytes.exchange(crc_at, std::string(crc_digits, '0'));
    if (const std::string computed = bytes.crc(); computed != crc) {
        return status::error(error_code::format_error, "is damaged: its checksum is ", computed,
                             ", stored is ", shown_text(crc));
    }
    if (has_sha) {
        bytes.exchange(sha_at, std::string(sha_digits, '0'));
        if (const std::string computed = bytes.sha(); computed != sha) {
            return status::error(error_code::format_error, "is damaged: its SHA-256 is ", computed,
                                 ", stored is ", sha);
        }
    }
    return {};
}

} // namespace tocsin::detail
