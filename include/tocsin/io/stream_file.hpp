/// @file stream_file.hpp
/// @brief Saves and loads streams of a detector as small blocks of bytes.
///
/// Little endian: magic `TOCSTRM3` (8 bytes; `TOCSTRM1` and `TOCSTRM2` are read as well), identity of
/// the detector (8), position of the next sample (8), the stream, CRC-32 of everything before (4).
/// Needs no JSON and no file system.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/byte_archive.hpp"
#include "tocsin/io/checksum.hpp"
#include "tocsin/io/out_of_memory.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {
namespace detail {

/// "TOCSTRM3": the last character is the version of the layout.
inline constexpr std::uint64_t stream_magic = 0x334D525453434F54U;
static_assert(byte_format == 3);

/// The version that a magic number means, 1 to 9, also one that is not known; 0 for bytes that are no
/// stream.
constexpr int stream_format(std::uint64_t magic) noexcept {
    constexpr unsigned last = 56;
    const auto version = static_cast<int>(magic >> last) - '0';
    const bool is_stream = (magic ^ stream_magic) << 8U == 0;
    return is_stream && version >= 1 && version <= 9 ? version : 0;
}
inline constexpr std::size_t smallest_stream = 8 + 8 + 8 + 4;

} // namespace detail

/// The bytes of a stream: another process that loads them into the same detector continues with the
/// same bits. A policy of the detector without exchange() counts in its identity by its kind alone: two
/// that differ in such a policy only are not told apart. Allocates.
/// @return `invalid_argument` where a policy of the detector cannot be saved; `out_of_memory`
template <class Detector>
result<std::vector<std::byte>> save_stream(const Detector& detector,
                                           const typename Detector::stream_type& stream) {
    return detail::memory_as_status("stream", [&]() -> result<std::vector<std::byte>> {
        byte_writer archive;
        archive.scalar(detail::stream_magic);
        archive.scalar(detector.identity());
        archive.scalar(stream.position());
        // With a writer it only reads.
        detector.exchange_stream(archive, const_cast<typename Detector::stream_type&>(stream));
        if (!archive.outcome().ok()) {
            return archive.outcome();
        }
        archive.scalar(crc32(archive.bytes()));
        return archive.bytes();
    });
}

/// The position that a saved stream had, without loading it; `format_error` for other bytes and for a
/// stream of a newer version, which the message names.
inline result<std::int64_t> saved_position(std::span<const std::byte> bytes) {
    if (bytes.size() < detail::smallest_stream) {
        return status::error(error_code::format_error, "stream: ", bytes.size(),
                             " bytes are too few");
    }
    const auto content = bytes.first(bytes.size() - sizeof(std::uint32_t));
    byte_reader end(bytes.last(sizeof(std::uint32_t)));
    std::uint32_t checksum = 0;
    end.scalar(checksum);
    byte_reader archive(content);
    std::uint64_t magic = 0;
    std::uint64_t identity = 0;
    std::int64_t position = 0;
    archive.scalar(magic);
    archive.scalar(identity);
    archive.scalar(position);
    const int version = detail::stream_format(magic);
    if (version == 0) {
        return status::error(error_code::format_error, "stream: these bytes are no stream");
    }
    // Before the checksum, which another version may have elsewhere.
    if (version > byte_format) {
        return status::error(error_code::format_error, "stream: version ", version,
                             ", this program reads versions 1 to ", byte_format);
    }
    if (checksum != crc32(content)) {
        return status::error(error_code::format_error, "stream: the checksum is wrong");
    }
    return position;
}

/// A stream from its bytes. Allocates.
/// @param memory_factor bytes of memory that updates of the model may take for each of the bytes, at
///                      least 1, as load_options has it for files: a stream that learns with many
///                      samples may need more than 16
/// @return `format_error` for bytes that are cut off, changed, or of a newer version, which the message
///         names, and for a stream of another detector; `out_of_memory` where an allocation failed
template <class Detector>
result<typename Detector::stream_type>
load_stream(const Detector& detector, std::span<const std::byte> bytes, int memory_factor = 16) {
    const auto position = saved_position(bytes);
    if (!position) {
        return position.error();
    }
    std::uint64_t magic = 0;
    byte_reader(bytes).scalar(magic);
    byte_reader archive(bytes.first(bytes.size() - sizeof(std::uint32_t)),
                        detail::stream_format(magic), memory_factor);
    std::uint64_t identity = 0;
    std::int64_t stored_position = 0;
    archive.scalar(magic);
    archive.scalar(identity);
    archive.scalar(stored_position);
    if (identity != detector.identity()) {
        return status::error(error_code::format_error,
                             "stream: it belongs to another detector, or to this one before it was "
                             "trained, fitted or tuned anew");
    }
    return detail::memory_as_status("stream", [&]() -> result<typename Detector::stream_type> {
        auto stream = detector.make_stream();
        detector.exchange_stream(archive, stream);
        if (archive.outcome().ok() &&
            (archive.remaining() != 0 || stream.position() != *position)) {
            archive.fail(status::error(error_code::format_error, "stream: ", archive.remaining(),
                                       " bytes are left over"));
        }
        if (!archive.outcome().ok()) {
            return archive.outcome();
        }
        return stream;
    });
}

} // namespace tocsin
