#include "command_files.hpp"

#include "failure.hpp"
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace tocsin_cli {
namespace {

using tocsin::error_code;

bool is_same_file(const std::string& one, const std::string& other) {
    std::error_code failure;
    if (std::filesystem::equivalent(one, other, failure)) { // false unless both exist
        return true;
    }
    const auto plain = [](const std::string& path) {
        std::error_code unknown;
        const auto whole = std::filesystem::absolute(path, unknown);
        const auto found = std::filesystem::weakly_canonical(whole, unknown);
        return unknown ? whole.lexically_normal() : found;
    };
    return one == other || plain(one) == plain(other);
}

void refuse_same(const command_file& one, const command_file& other) {
    if (!one.path.empty() && !other.path.empty() && is_same_file(one.path, other.path)) {
        fail(error_code::invalid_argument, one.option, ' ', one.path, " and ", other.option, ' ',
             other.path, " are the same file, which would be overwritten");
    }
}

/// Whether a file begins as safetensors do: a length of eight bytes, then a JSON object.
bool looks_like_safetensors(const std::array<char, 9>& beginning) noexcept {
    const bool short_header =
        beginning[4] == 0 && beginning[5] == 0 && beginning[6] == 0 && beginning[7] == 0;
    return short_header && beginning[8] == '{';
}

} // namespace

std::vector<command_file> command_files(const char* option, const std::vector<std::string>& paths) {
    std::vector<command_file> files;
    for (const std::string& path : paths) {
        files.push_back({option, path});
    }
    return files;
}

void refuse_overwriting(const std::vector<command_file>& inputs,
                        const std::vector<command_file>& outputs) {
    for (std::size_t k = 0; k < outputs.size(); ++k) {
        for (const command_file& input : inputs) {
            refuse_same(outputs[k], input);
        }
        for (std::size_t other = k + 1; other < outputs.size(); ++other) {
            refuse_same(outputs[k], outputs[other]);
        }
    }
}

void refuse_replacing_other_file(const command_file& output) {
    std::error_code failure;
    if (output.path.empty() || !std::filesystem::is_regular_file(output.path, failure)) {
        return; // what cannot be written is refused when it is
    }
    std::array<char, 9> beginning{};
    std::ifstream file{output.path, std::ios::binary};
    file.read(beginning.data(), beginning.size());
    if (!file.is_open() || file.gcount() == 0 || looks_like_safetensors(beginning)) {
        return; // an empty file, such as that of mktemp, holds nothing to lose
    }
    const std::string option = output.option;
    fail(error_code::invalid_argument, option, ' ', output.path, " exists and is no model",
         option == "MODEL" ? "; is MODEL missing before the data?"
                           : " or checkpoint; give the name of a new file");
}

} // namespace tocsin_cli
