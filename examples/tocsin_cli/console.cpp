#include "console.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace tocsin_cli {

void console::add_options(CLI::App& command) {
    command.add_flag("--json", json_, "Result as JSON on standard output");
    command.add_flag("--quiet", quiet_, "No messages, no summary, no progress bar");
}

bool console::shows_progress() const noexcept {
#if defined(__unix__) || defined(__APPLE__)
    return !quiet_ && ::isatty(STDERR_FILENO) == 1;
#else
    return false;
#endif
}

void console::note(const std::string& text) const {
    if (!quiet_) {
        std::fprintf(stderr, "%s\n", printable(text).c_str());
    }
}

void console::say(const std::string& text) const {
    if (!quiet_ && !json_) {
        std::printf("%s\n", printable(text).c_str());
    }
}

void console::report(const nlohmann::ordered_json& result) const {
    if (json_) {
        std::printf("%s\n", json_text(result, 2).c_str());
    }
}

std::string printable(std::string_view text) {
    std::string shown{text};
    for (char& character : shown) {
        const auto code = static_cast<unsigned char>(character);
        if ((code < 0x20 && character != '\n') || code == 0x7f) {
            character = '?';
        }
    }
    return shown;
}

std::string shown(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

std::string json_text(const nlohmann::ordered_json& value, int indent) {
    return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace tocsin_cli
