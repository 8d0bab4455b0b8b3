#include "file_checks.hpp"

#include <filesystem>
#include <system_error>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::status;

namespace {

bool is_same_file(const std::filesystem::path& one, const std::filesystem::path& other) {
    std::error_code unknown;
    if (std::filesystem::exists(one, unknown) && std::filesystem::exists(other, unknown)) {
        return std::filesystem::is_regular_file(one, unknown) &&
               std::filesystem::equivalent(one, other, unknown);
    }
    const auto plain = [&](const std::filesystem::path& path) {
        const auto whole = std::filesystem::absolute(path, unknown);
        const auto found = std::filesystem::weakly_canonical(whole, unknown);
        return found.empty() ? whole.lexically_normal() : found;
    };
    return plain(one) == plain(other);
}

} // namespace

status check_outputs(std::span<const named_file> outputs, std::span<const named_file> read) {
    const auto place_of = [](const named_file& file, const char* standard) {
        return std::filesystem::path{file.path == "-" ? standard : file.path};
    };
    for (const named_file& output : outputs) {
        for (const named_file& input : read) {
            if (!output.path.empty() && !input.path.empty() &&
                is_same_file(place_of(output, "/dev/stdout"), place_of(input, "/dev/stdin"))) {
                return status::error(error_code::invalid_argument, output.option, ' ', output.path,
                                     " and ", input.option, ' ', input.path, " are the same file");
            }
        }
    }
    return {};
}

} // namespace tocsin_gateway
