/// @file saved_layouts.hpp
/// @brief What files hold of each saved class, as text that is kept and compared.
#pragma once

#include "tocsin/core/function_ref.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/parameter_archive.hpp"
#include "tocsin/io/archive_writer.hpp"
#include "tocsin/io/safetensors.hpp"

#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin_test {

/// What a file holds of one class, a line each, sorted: kind, version, names of metadata, tensors with
/// their type and number of dimensions, and objects with a version of their own, whose names are theirs.
using layout = std::vector<std::string>;
/// By the header and the name of the class, then perhaps which form of it.
using layouts = std::map<std::string, layout>;

/// Whether a layout has the sizes of tensors, or only how many dimensions these have.
enum class sizes : std::uint8_t { left_out, listed };

inline bool is_inside(const std::string& name, const std::string& object) {
    return name.size() > object.size() && name.starts_with(object) && name[object.size()] == '.';
}

/// @param content of a file that holds one object as "object"
inline layout layout_of(const std::string& content, sizes of_tensors) {
    const auto file =
        tocsin::safetensors_reader::from_bytes(std::as_bytes(std::span(content))).value();
    constexpr std::string_view prefix = "object.";
    std::map<std::string, std::string> metadata;
    std::vector<std::string> objects;
    for (const auto& [name, value] : file.metadata()) {
        if (name.starts_with(prefix)) {
            metadata.emplace(name.substr(prefix.size()), value);
            if (name.ends_with(".version") && name != "object.version") {
                const std::size_t outer = prefix.size() + std::string_view(".version").size();
                objects.push_back(name.substr(prefix.size(), name.size() - outer));
            }
        }
    }
    const auto is_own = [&](const std::string& name) {
        return std::ranges::none_of(objects,
                                    [&](const auto& each) { return is_inside(name, each); });
    };
    layout found;
    for (const auto& [name, value] : metadata) {
        if (name == "kind" || name == "version") {
            found.push_back(name + ' ' + value);
        } else if (is_own(name)) {
            found.push_back("metadata " + name);
        }
    }
    for (const std::string& name : objects) {
        if (is_own(name)) {
            const auto kind = metadata.find(name + ".kind");
            found.push_back("object " + name + (kind == metadata.end() ? "" : ' ' + kind->second));
        }
    }
    for (const auto& tensor : file.tensors()) {
        const std::string name = tensor.name.substr(prefix.size());
        if (is_own(name)) {
            found.push_back("tensor " + name + ' ' + std::string(tocsin::name_of(tensor.type)) +
                            ' ' +
                            (of_tensors == sizes::listed
                                 ? tocsin::shape_text(tensor.shape)
                                 : std::to_string(tensor.shape.size()) + "-dimensional"));
        }
    }
    std::ranges::sort(found);
    return found;
}

/// Adds what `save` writes as "object".
inline void add_saved(layouts& all, const char* name, sizes of_tensors,
                      tocsin::detail::function_ref<void(tocsin::archive_writer&)> save) {
    tocsin::archive_writer writer;
    save(writer);
    const auto content = writer.encode();
    REQUIRE_MESSAGE(content.has_value(), name, ": ", content.error().message());
    all[name] = layout_of(*content, of_tensors);
}

/// Adds an object and, where it is a layer or a model, the parameters of a detector with it.
template <class T>
void add(layouts& all, const char* name, const T& object, sizes of_tensors = sizes::left_out) {
    add_saved(all, name, of_tensors, [&](tocsin::archive_writer& writer) {
        writer.object("object", object);
        constexpr auto no_visit = [](const char*, tocsin::index_t, tocsin::index_t,
                                     tocsin::index_t) {};
        if constexpr (requires { object.for_each_parameter_block(no_visit); }) {
            const auto scope = writer.scope("object");
            const std::vector<float> weights(static_cast<std::size_t>(object.parameter_count()));
            tocsin::detail::exchange_parameters(writer, object, std::span(weights));
        }
    });
}

/// Ends the test on a failure.
inline void require_ok(const tocsin::status& outcome) {
    REQUIRE_MESSAGE(outcome.ok(), std::string(outcome.message()));
}
/// The object after fit(data...).
template <class T>
T fitted(T object, const auto&... data) {
    require_ok(object.fit(data...));
    return object;
}

inline constexpr std::string_view indent = "    ";

/// Names in lines of their own, the lines of each indented.
inline void write_layouts(const std::filesystem::path& path, const layouts& all) {
    std::ofstream file(path);
    for (const auto& [name, lines] : all) {
        file << name << '\n';
        for (const std::string& line : lines) {
            file << indent << line << '\n';
        }
    }
}

inline layouts read_layouts(const std::filesystem::path& path) {
    std::ifstream file(path);
    layouts all;
    std::string name;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(indent)) {
            all[name].push_back(line.substr(indent.size()));
        } else {
            name = line;
            all[name];
        }
    }
    return all;
}

inline std::string version_in(const layout& lines) {
    const auto found = std::ranges::find_if(
        lines, [](const std::string& line) { return line.starts_with("version "); });
    return found == lines.end() ? "none" : found->substr(std::string_view("version ").size());
}

/// The lines that others lack, in quotes after `what`; empty where there is none.
inline std::string missing_in(const layout& others, const layout& lines, const std::string& what) {
    std::string text;
    for (const std::string& line : lines) {
        if (!std::ranges::binary_search(others, line)) {
            text += (text.empty() ? what : ", ") + '\'' + line + '\'';
        }
    }
    return text;
}

/// What to do about a class whose layout is another one than that kept; empty where it is the same.
inline std::string complaint(const std::string& name, const layout& kept, const layout& today) {
    if (kept == today) {
        return {};
    }
    const std::string before = version_in(kept);
    const std::string now = version_in(today);
    return name + missing_in(kept, today, ": new is ") + missing_in(today, kept, "; gone is ") +
           (before == now ? "; files have changed, so it needs a version above " + now : "") +
           ". Keep a file of version " + before +
           " in tests/fixtures/files with a test that reads it, and write the text anew";
}

/// Compares today's layouts with those kept in a text of tests/fixtures/files.
inline void compare_with_kept(const char* file, const layouts& today) {
    const layouts kept = read_layouts(fixture_directory() / "files" / file);
    for (const auto& entry : today) { // clang 14 captures no structured bindings
        const std::string& name = entry.first;
        const auto before = kept.find(name);
        CHECK_MESSAGE(version_in(entry.second) != "none", name, " has no version");
        CHECK_MESSAGE(before != kept.end(), name, " is not in ", file, ": write it anew");
        if (before != kept.end()) {
            const std::string wrong = complaint(name, before->second, entry.second);
            CHECK_MESSAGE(wrong.empty(), wrong);
        }
    }
    for (const auto& entry : kept) {
        CHECK_MESSAGE(today.contains(entry.first), entry.first, " is in ", file,
                      ", but no longer in the test");
    }
}

/// Writes today's layouts to the folder TOCSIN_WRITE_FILES of the environment, or nowhere that stays.
inline void write_for_keeping(const char* file, const layouts& today) {
    const temporary_directory directory;
    const char* const folder = std::getenv("TOCSIN_WRITE_FILES");
    const std::filesystem::path target = folder == nullptr ? directory / "" : folder;
    write_layouts(target / file, today);
    CHECK(read_layouts(target / file) == today);
}

} // namespace tocsin_test
