/// @file safetensors.hpp
/// @brief Reader and writer for safetensors files.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/file_seal.hpp"
#include "tocsin/io/half_precision.hpp"
#include "tocsin/io/load_options.hpp"
#include "tocsin/io/out_of_memory.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/io/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tocsin {

static_assert(std::endian::native == std::endian::little,
              "safetensors files are little-endian; this machine is not");

namespace detail {

/// Whether a file is no safetensors file, such as a CSV, rather than a damaged one: byte 8 of every
/// safetensors file is a brace. What was read from a pipe cannot be read again.
inline bool is_another_format(const std::filesystem::path& path) {
    std::error_code ignored;
    std::array<char, 9> start{};
    return std::filesystem::is_regular_file(path, ignored) &&
           std::ifstream(path, std::ios::binary).read(start.data(), start.size()) &&
           start[8] != '{';
}

} // namespace detail

/// The content of a safetensors file, in memory. Everything is checked before this object exists:
/// length of the header, its JSON, offsets, shapes, the checksums, which files of archive_writer
/// must have. Files of other programs need none. The values of the tensors are not looked at.
class safetensors_reader {
  public:
    /// Reads a file. `io_error`, `format_error` or `out_of_memory` with the file's name and the
    /// reason; the failure of `options.verify` likewise. Allocates.
    static result<safetensors_reader> open(const std::filesystem::path& path,
                                           const load_options& options = {}) {
        return detail::memory_as_status(
            detail::name_without_memory(path), [&]() -> result<safetensors_reader> {
                auto content = read_file(path, options.largest_file);
                if (!content) {
                    return content.error();
                }
                auto reader = parse(*std::move(content), options);
                if (!reader) {
                    return status::error(reader.error().code(), detail::shown_name(path), ": ",
                                         reader.error().message());
                }
                return reader;
            });
    }
    /// The same from bytes.
    static result<safetensors_reader> from_bytes(std::span<const std::byte> bytes,
                                                 const load_options& options = {}) {
        return detail::memory_as_status("safetensors", [&] {
            const auto* const first = reinterpret_cast<const char*>(bytes.data());
            return parse(std::string(first, first + bytes.size()), options);
        });
    }

    /// Without the checksums.
    const std::map<std::string, std::string>& metadata() const noexcept { return header_.metadata; }
    /// In the order of their data.
    std::span<const tensor_entry> tensors() const noexcept { return header_.tensors; }
    /// A tensor by name, or null.
    const tensor_entry* find(std::string_view name) const noexcept {
        const auto found = std::find_if(header_.tensors.begin(), header_.tensors.end(),
                                        [&](const auto& tensor) { return tensor.name == name; });
        return found == header_.tensors.end() ? nullptr : &*found;
    }
    /// The elements of a tensor of this reader, copied into `values`. Both must have the same type
    /// and count (checked in debug builds). The file's bytes need not be aligned, hence the copy.
    template <class T>
    void copy(const tensor_entry& tensor, std::span<T> values) const noexcept {
        TOCSIN_ASSERT(tensor.type == tensor_type_of<T>() &&
                          tensor.count() == static_cast<index_t>(values.size()),
                      "safetensors_reader: copied to values of another type or count");
        if (!values.empty()) {
            std::memcpy(values.data(), content_.data() + data_begin_ + tensor.begin,
                        values.size_bytes());
        }
    }

    /// The elements of a tensor of real numbers of any width, converted. Both must have the same
    /// count, and the type must be one that is_real() (checked in debug builds). A number beyond the
    /// range of `Scalar` becomes infinite.
    template <class Scalar>
    void copy_converted(const tensor_entry& tensor, std::span<Scalar> values) const noexcept {
        TOCSIN_ASSERT(is_real(tensor.type) && tensor.count() == static_cast<index_t>(values.size()),
                      "safetensors_reader: converted to another count, or from another type");
        const char* from = content_.data() + data_begin_ + tensor.begin;
        for (Scalar& value : values) {
            value = static_cast<Scalar>(detail::real_at(from, tensor.type));
            from += element_size(tensor.type);
        }
    }

    /// Memory that what is loaded from this file may take: see load_budget.
    load_budget& budget() noexcept { return budget_; }
    const load_budget& budget() const noexcept { return budget_; } ///< to look at

  private:
    safetensors_reader() = default;

    static result<safetensors_reader> parse(std::string content, const load_options& options) {
        if (options.verify) {
            if (status outcome = options.verify(std::as_bytes(std::span{content})); !outcome) {
                return outcome;
            }
        }
        constexpr index_t prefix = 8;
        const auto size = static_cast<index_t>(content.size());
        if (size < prefix) {
            return status::error(error_code::format_error, "has ", size,
                                 " bytes, too few for a safetensors file");
        }
        std::uint64_t header_size = 0;
        std::memcpy(&header_size, content.data(), sizeof header_size);
        // Compared without a sum, which could overflow.
        if (header_size > static_cast<std::uint64_t>(safetensors_limits::header_bytes) ||
            header_size > static_cast<std::uint64_t>(size - prefix)) {
            return status::error(error_code::format_error, "header length ", header_size,
                                 " exceeds the file of ", size, " bytes or the limit of ",
                                 safetensors_limits::header_bytes);
        }
        const auto text =
            std::string_view{content}.substr(prefix, static_cast<std::size_t>(header_size));
        const auto data_begin = prefix + static_cast<index_t>(text.size());
        auto header = parse_safetensors_header(text, size - data_begin);
        if (!header) {
            return header.error();
        }
        if (auto outcome =
                detail::check_seal(content, static_cast<std::size_t>(data_begin), header->metadata);
            !outcome) {
            return outcome;
        }
        safetensors_reader reader;
        reader.header_ = *std::move(header);
        reader.budget_ = load_budget(content.size(), options.memory_factor);
        reader.content_ = std::move(content);
        reader.data_begin_ = data_begin;
        return reader;
    }

    std::string content_; // the digits of the checksums are zeros
    safetensors_header header_;
    index_t data_begin_ = 0;
    load_budget budget_;
};

/// Collects metadata and tensors, then writes them as one safetensors file.
class safetensors_writer {
  public:
    /// Adds metadata, in UTF-8. `invalid_argument` when the key is empty, too long, reserved or
    /// already used.
    status add_metadata(std::string_view key, std::string_view value) {
        if (auto outcome = check_name(key); !outcome) {
            return outcome;
        }
        if (key == detail::crc_key || key == detail::sha_key ||
            !metadata_.emplace(key, value).second) {
            return status::error(error_code::invalid_argument, "safetensors: metadata '",
                                 detail::shown_text(key), "' is reserved or there already");
        }
        return {};
    }

    /// Adds a copy of a tensor; the last dimension of `shape` varies fastest. `invalid_argument`
    /// when the name is unusable or already used, or the shape does not match `values`. Allocates.
    template <class T>
    status add_tensor(std::string_view name, std::span<const T> values,
                      std::span<const index_t> shape) {
        if (auto outcome = check_name(name); !outcome) {
            return outcome;
        }
        if (std::any_of(tensors_.begin(), tensors_.end(),
                        [&](const auto& other) { return other.entry.name == name; })) {
            return status::error(error_code::invalid_argument, "safetensors: tensor '",
                                 detail::shown_text(name), "' is there already");
        }
        const std::vector<index_t> sizes(shape.begin(), shape.end());
        const auto count = static_cast<index_t>(values.size());
        checked_size product = 1;
        for (const index_t size : sizes) {
            product = product * size;
        }
        if (!product.valid() || product.value() != count ||
            sizes.size() > safetensors_limits::rank) {
            return status::error(error_code::invalid_argument, "safetensors: tensor '",
                                 detail::shown_text(name), "' of ", count,
                                 " values cannot have shape ", shape_text(sizes));
        }
        const auto bytes = std::as_bytes(values);
        // Step by step: where an allocation fails inside of nested braces, g++ 12 frees twice.
        owned_tensor added;
        added.entry.name = name;
        added.entry.type = tensor_type_of<T>();
        added.entry.shape = sizes;
        added.bytes.assign(bytes.begin(), bytes.end());
        tensors_.push_back(std::move(added));
        return {};
    }

    /// The file as bytes. `invalid_argument` when the header is beyond the limits of a reader or
    /// some text in it is not UTF-8. Allocates.
    result<std::string> encode() const {
        // Larger elements first, so that each tensor's data is aligned in the file.
        std::vector<const owned_tensor*> order;
        for (const index_t size : {8, 4, 1}) {
            for (const auto& tensor : tensors_) {
                if (element_size(tensor.entry.type) == size) {
                    order.push_back(&tensor);
                }
            }
        }
        nlohmann::ordered_json header;
        auto& metadata = header["__metadata__"];
        metadata[std::string{detail::crc_key}] = std::string(detail::crc_digits, '0');
        metadata[std::string{detail::sha_key}] = std::string(detail::sha_digits, '0');
        for (const auto& [key, value] : metadata_) {
            metadata[key] = value;
        }
        std::string data;
        for (const owned_tensor* tensor : order) {
            const std::size_t begin = data.size();
            data.append(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
            header[tensor->entry.name] = {{"dtype", name_of(tensor->entry.type)},
                                          {"shape", tensor->entry.shape},
                                          {"data_offsets", {begin, data.size()}}};
        }
        constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;
        std::string text = header.dump(-1, ' ', false, replace);
        // The data starts at a multiple of 8 bytes; JSON may end with spaces.
        text.resize((text.size() + 7) / 8 * 8, ' ');
        if (auto parsed = parse_safetensors_header(text, static_cast<index_t>(data.size()));
            !parsed || text.size() > static_cast<std::size_t>(safetensors_limits::header_bytes)) {
            return status::error(
                error_code::invalid_argument, "safetensors: header of ", text.size(),
                " bytes cannot be read back: ", parsed ? "too long" : parsed.error().message());
        }
        const auto header_size = static_cast<std::uint64_t>(text.size());
        std::string file(sizeof header_size, '\0');
        std::memcpy(file.data(), &header_size, sizeof header_size);
        file += text;
        file += data;
        detail::seal(file, sizeof header_size + text.size());
        return file;
    }

    /// Replaces a file by encode(), completely or not at all.
    status write(const std::filesystem::path& path) const {
        const auto content = encode();
        return content ? write_file(path, *content) : content.error();
    }

  private:
    struct owned_tensor {
        tensor_entry entry;
        std::vector<std::byte> bytes;
    };

    static status check_name(std::string_view name) {
        if (name.empty() || name == "__metadata__" ||
            name.size() > safetensors_limits::name_bytes) {
            return status::error(error_code::invalid_argument, "safetensors: name '",
                                 detail::shown_text(name), "' of ", name.size(),
                                 " characters is reserved, empty or too long");
        }
        return {};
    }

    std::map<std::string, std::string, std::less<>> metadata_;
    std::vector<owned_tensor> tensors_;
};

} // namespace tocsin
