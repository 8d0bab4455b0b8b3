/// @file file_mutator.hpp
/// @brief Mutants of model files that are still files: other sizes, counts, numbers, names.
#pragma once

#include "tocsin/core/random.hpp"

#include <nlohmann/json.hpp>

#include "model_input.hpp"
#include "robustness/hostile_numbers.hpp"
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin_fuzz {

/// A safetensors file in parts that can be changed.
class file_parts {
  public:
    explicit file_parts(std::string_view file) {
        std::uint64_t length = 0;
        if (file.size() >= 16) {
            std::memcpy(&length, file.data(), sizeof length);
        }
        if (length < 2 || length > file.size() - 8) {
            return;
        }
        const auto size = static_cast<std::size_t>(length);
        header_ = nlohmann::ordered_json::parse(file.substr(8, size), nullptr, false);
        data_ = file.substr(8 + size);
    }
    bool usable() const { return header_.is_object() && header_.size() > 1; }

    /// Changes one thing: a size, a count, a number, a name that is missing.
    void change(tocsin::random_generator& random) {
        auto& metadata = header_["__metadata__"];
        if (!metadata.is_object() || metadata.empty()) {
            return;
        }
        auto& tensor = any_of(header_, random).value();
        const bool is_tensor = is_tensor_of(tensor);
        switch (random() % 8) {
        case 0:
        case 1:
            any_of(metadata, random).value() = texts[random() % texts.size()];
            break;
        case 2: { // a number next to the one that is there
            auto& text = any_of(metadata, random).value();
            long long number = 0;
            if (text.is_string() &&
                std::sscanf(text.get_ref<std::string&>().c_str(), "%lld", &number) == 1 &&
                number < 1'000'000'000'000) {
                text = std::to_string(number + (random() % 2 == 0 ? 1 : -1));
            }
            break;
        }
        case 3: { // a value from elsewhere
            const auto other = any_of(metadata, random).value();
            any_of(metadata, random).value() = other;
            break;
        }
        case 4:
            if (random() % 2 == 0) {
                metadata.erase(any_of(metadata, random).key());
            } else if (is_tensor) {
                header_.erase(any_of(header_, random).key());
            }
            break;
        case 5:
            if (is_tensor && !tensor["shape"].empty()) {
                auto& shape = tensor["shape"];
                shape[random() % shape.size()] = random() % 9;
            }
            break;
        default:
            if (is_tensor) {
                change_element(tensor, random);
            }
        }
    }

    /// The file, with the right offsets, length and checksums.
    std::string bytes() {
        std::size_t offset = 0;
        std::string data;
        for (auto& [name, tensor] : header_.items()) {
            if (!is_tensor_of(tensor)) {
                continue;
            }
            std::size_t size = element_size(tensor["dtype"]);
            for (const auto& extent : tensor["shape"]) {
                const std::size_t factor =
                    extent.is_number_unsigned() ? extent.template get<std::size_t>() : 1;
                size = factor > 4096 || size > 65536 ? 0 : size * factor;
            }
            const auto from = position(tensor, 0);
            std::string own = from < data_.size() ? data_.substr(from, size) : std::string{};
            own.resize(size, '\0');
            data += own;
            tensor["data_offsets"] = {offset, offset + size};
            offset += size;
        }
        auto& metadata = header_["__metadata__"];
        if (metadata.is_object()) {
            metadata["crc32"] = std::string(8, '0');
            metadata["sha256"] = std::string(64, '0');
            metadata["format_version"] = "2";
        }
        std::string text = header_.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        text.resize((text.size() + 7) / 8 * 8, ' ');
        const std::uint64_t length = text.size();
        std::string file(8, '\0');
        std::memcpy(file.data(), &length, sizeof length);
        file += text + data;
        tocsin::detail::seal(file, 8 + text.size());
        return file;
    }

  private:
    static constexpr std::array texts = {"0",
                                         "1",
                                         "-1",
                                         "2",
                                         "3",
                                         "5",
                                         "16",
                                         "255",
                                         "256",
                                         "4096",
                                         "65535",
                                         "65536",
                                         "1048576",
                                         "2147483647",
                                         "2147483648",
                                         "-2147483648",
                                         "9007199254740992",
                                         "9007199254740993",
                                         "9223372036854775807",
                                         "18446744073709551615",
                                         "18446744073709551616",
                                         "",
                                         "a",
                                         "1e9",
                                         " 1",
                                         "01",
                                         "float",
                                         "double"};

    static nlohmann::ordered_json::iterator any_of(nlohmann::ordered_json& object,
                                                   tocsin::random_generator& random) {
        auto found = object.begin();
        std::advance(found, static_cast<std::ptrdiff_t>(random() % object.size()));
        return found;
    }
    static bool is_tensor_of(const nlohmann::ordered_json& value) {
        return value.is_object() && value.contains("shape") && value["shape"].is_array() &&
               value.contains("dtype");
    }
    static std::size_t position(const nlohmann::ordered_json& tensor, std::size_t end) {
        const bool known = tensor.contains("data_offsets") && tensor["data_offsets"].is_array() &&
                           tensor["data_offsets"].size() == 2 &&
                           tensor["data_offsets"][end].is_number_unsigned();
        return known ? tensor["data_offsets"][end].get<std::size_t>() : std::size_t{0};
    }
    void change_element(const nlohmann::ordered_json& tensor, tocsin::random_generator& random) {
        const double number = tocsin_test::hostile_number(random);
        const auto narrow = static_cast<float>(random() % 2 == 0 ? number : 3e38);
        const bool is_float = tensor["dtype"] == "F32";
        const std::size_t width = is_float ? sizeof narrow : sizeof number;
        const std::size_t begin = position(tensor, 0);
        const std::size_t end = position(tensor, 1);
        if (end > begin && end <= data_.size() && end - begin >= width) {
            const std::size_t at = begin + random() % ((end - begin) / width) * width;
            std::memcpy(data_.data() + at, is_float ? static_cast<const void*>(&narrow) : &number,
                        width);
        }
    }

    nlohmann::ordered_json header_;
    std::string data_;
};

/// A file changed in a few places of its structure, with the right length, offsets and checksums.
inline std::string restructured(std::string_view file, tocsin::random_generator& random,
                                int changes = 1) {
    file_parts parts(file);
    if (!parts.usable()) {
        parts = file_parts(repaired(file));
    }
    if (!parts.usable()) {
        return std::string{file};
    }
    for (; changes > 0; --changes) {
        parts.change(random);
    }
    return parts.bytes();
}

/// Mutants of the structure of files, several changes deep.
template <class Harness>
void restructure(const std::vector<std::string>& seeds, int mutants, Harness&& harness) {
    tocsin::random_generator random{5};
    for (const std::string& seed : seeds) {
        std::string mutant = seed;
        for (int k = 0; k < mutants; ++k) {
            mutant = restructured(k % 4 == 0 ? seed : mutant, random);
            harness(input{reinterpret_cast<const std::uint8_t*>(mutant.data()), mutant.size()});
        }
    }
}

/// For LLVMFuzzerCustomMutator: bytes or structure, mostly with everything put right.
/// @param seed  a file to start from
/// @param bytes changes bytes in place and returns the new size
template <class Mutate>
std::size_t mutate_file(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned number,
                        const std::string& seed, Mutate&& bytes) {
    tocsin::random_generator random{number};
    if (size < 16) {
        size = std::min(seed.size(), limit);
        std::memcpy(data, seed.data(), size);
    }
    std::string mutant;
    if (number % 4 == 0) {
        size = bytes(data, size, limit);
        if (number % 8 == 0) {
            return size;
        }
        mutant = repaired(text_of({data, size}));
    } else {
        mutant = restructured(text_of({data, size}), random, 1 + static_cast<int>(number / 4 % 3));
    }
    if (mutant.size() <= limit) {
        std::memcpy(data, mutant.data(), mutant.size());
        size = mutant.size();
    }
    return size;
}

/// Several files to start from, `seed(0)` to `seed(count - 1)`.
template <class Seed>
std::vector<std::string> files_from(unsigned count, Seed&& seed) {
    std::vector<std::string> all;
    for (unsigned k = 0; k < count; ++k) {
        all.push_back(seed(k));
    }
    return all;
}

/// mutate_file() from one of several files, with one of which it begins anew from time to time.
template <class Mutate>
std::size_t mutate_one_of(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned number,
                          const std::vector<std::string>& starts, Mutate&& bytes) {
    if (number % 64 == 0) {
        size = 0; // begins anew
    }
    return mutate_file(data, size, limit, number, starts[number / 64 % starts.size()], bytes);
}

} // namespace tocsin_fuzz
