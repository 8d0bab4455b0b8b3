/// @file archive_reader.hpp
/// @brief Archive that loads objects from a safetensors file.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/io/archive_state.hpp"
#include "tocsin/io/out_of_memory.hpp"
#include "tocsin/io/safetensors.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin {

/// Loads objects from a safetensors file that an archive_writer wrote.
class archive_reader {
  public:
    static constexpr bool loading = true;

    /// Reads and checks a whole file. `io_error`, `format_error` or `out_of_memory` with the reason.
    /// Allocates.
    static result<archive_reader> open(const std::filesystem::path& path,
                                       const load_options& options = {}) {
        return detail::memory_as_status(
            detail::name_without_memory(path), [&]() -> result<archive_reader> {
                auto file = safetensors_reader::open(path, options);
                if (!file && file.error().code() == error_code::format_error &&
                    detail::is_another_format(path)) {
                    return status::error(error_code::format_error, detail::shown_name(path),
                                         ": not a safetensors file");
                }
                return make(std::move(file), detail::shown_name(path) + ": ");
            });
    }
    /// The same from bytes.
    static result<archive_reader> from_bytes(std::span<const std::byte> bytes,
                                             const load_options& options = {}) {
        return detail::memory_as_status(
            "archive", [&] { return make(safetensors_reader::from_bytes(bytes, options), ""); });
    }

    void text(std::string_view name, std::string& value) {
        if (const std::string* stored = metadata(name)) {
            value = *stored;
        }
    }
    void texts(std::string_view name, std::vector<std::string>& values) {
        const auto inner = scope(name);
        std::size_t count = 0;
        integer("count", count, std::size_t{0}, file_.metadata().size());
        std::vector<std::string> loaded(state_.ok() ? count : 0);
        for (std::size_t k = 0; k < loaded.size(); ++k) {
            text(std::to_string(k), loaded[k]);
        }
        if (state_.ok()) {
            values = std::move(loaded);
        }
    }
    /// Refuses what is not a decimal integer in [low, high]. For an enumeration pass its last
    /// enumerator as `high`.
    template <archive_integer T>
    void integer(std::string_view name, T& value, T low = detail::smallest_of<T>(),
                 T high = detail::largest_of<T>()) {
        const std::string* stored = metadata(name);
        if (stored == nullptr) {
            return;
        }
        if (!detail::integer_from_text(*stored, value, low, high)) {
            refuse(name, "is '", detail::shown_text(*stored), "', expected an integer from ",
                   detail::integer_text(low), " to ", detail::integer_text(high));
        }
    }
    /// Refuses a number that is beyond T or, unless told otherwise, not finite.
    template <std::floating_point T>
    void number(std::string_view name, T& value, finiteness finite = finiteness::required) {
        double wide = 0;
        tensor(name, std::span<double>{&wide, 1}, {1}, finite);
        if (!state_.ok()) {
            return;
        }
        const T narrow = static_cast<T>(wide);
        if (std::isfinite(wide) && !std::isfinite(narrow)) {
            refuse(name, "is ", wide, ", too large for the type that reads it");
            return;
        }
        value = narrow;
    }
    /// Refuses a tensor of another type or shape, naming both, or with values that are not finite.
    /// On failure `values` is untouched.
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values, std::span<const index_t> shape,
                finiteness finite = finiteness::required) {
        const tensor_entry* stored = find<T>(name);
        if (stored == nullptr) {
            return;
        }
        const std::vector<index_t> expected(shape.begin(), shape.end());
        if (stored->shape != expected || stored->count() != static_cast<index_t>(values.size())) {
            refuse(name, "has shape ", shape_text(stored->shape), ", expected ",
                   shape_text(expected));
            return;
        }
        std::vector<T> loaded(values.size()); // as many as there are in the file
        file_.copy(*stored, std::span<T>{loaded});
        if constexpr (std::is_floating_point_v<T>) {
            for (std::size_t k = 0; k < loaded.size(); ++k) {
                if (finite == finiteness::required && !std::isfinite(loaded[k])) {
                    refuse(name, "holds ", static_cast<double>(loaded[k]), " at position ", k,
                           ", which is not finite");
                    return;
                }
            }
        }
        std::copy(loaded.begin(), loaded.end(), values.begin());
    }
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values,
                std::initializer_list<index_t> shape, finiteness finite = finiteness::required) {
        tensor(name, values, std::span<const index_t>(shape.begin(), shape.size()), finite);
    }
    /// An empty vector takes the size in the file, which is no larger than the file; another must
    /// have that size.
    template <class Vector>
    void values(std::string_view name, Vector& vector, finiteness finite = finiteness::required) {
        using value_type = typename Vector::value_type;
        if constexpr (requires { vector.resize(vector.size()); }) {
            const tensor_entry* stored = find<value_type>(name);
            if (stored == nullptr) {
                return;
            }
            if (!vector.empty() && stored->count() != static_cast<index_t>(vector.size())) {
                refuse(name, "has shape ", shape_text(stored->shape), ", expected [", vector.size(),
                       ']');
                return;
            }
            Vector loaded;
            loaded.resize(static_cast<std::size_t>(stored->count()));
            tensor(name, std::span<value_type>{loaded.data(), loaded.size()}, {stored->count()},
                   finite);
            if (state_.ok()) {
                vector = std::move(loaded);
            }
        } else {
            tensor(name, std::span<value_type>{vector.data(), vector.size()},
                   {static_cast<index_t>(vector.size())}, finite);
        }
    }
    /// An empty matrix takes its dynamic extents from the file, which bounds them; another must
    /// have the shape in the file.
    template <class T, int Rows, int Cols, int Options>
    void matrix(std::string_view name, Eigen::Matrix<T, Rows, Cols, Options>& values,
                finiteness finite = finiteness::required) {
        const tensor_entry* stored = find<T>(name);
        if (stored == nullptr) {
            return;
        }
        constexpr std::size_t rank = Cols == 1 ? 1 : 2;
        index_t rows = values.rows();
        index_t cols = values.cols();
        if (values.size() == 0 && stored->shape.size() == rank) {
            rows = Rows == dynamic ? stored->shape[rank - 1] : Rows;
            cols = Cols == dynamic ? stored->shape[0] : Cols;
        }
        std::vector<index_t> expected{rows};
        if (rank == 2) {
            expected.insert(expected.begin(), cols);
        }
        if (stored->shape != expected) {
            refuse(name, "has shape ", shape_text(stored->shape), ", expected ",
                   shape_text(expected));
            return;
        }
        using owner = Eigen::Matrix<T, Rows, Cols, Options>;
        owner loaded = owner::Zero(rows, cols);
        tensor(name, std::span<T>{loaded.data(), static_cast<std::size_t>(loaded.size())}, expected,
               finite);
        if (state_.ok()) {
            values = loaded;
        }
    }
    /// Refuses a file that says something else, naming both.
    template <archive_integer T>
    void expect(std::string_view name, T expected) {
        expect(name, std::string_view{detail::integer_text(expected)});
    }
    void expect(std::string_view name, std::string_view expected) {
        const std::string* stored = metadata(name);
        if (stored != nullptr && *stored != expected) {
            refuse(name, "is '", detail::shown_text(*stored), "', expected '", expected, '\'');
        }
    }
    void expect(std::string_view name, const char* expected) {
        expect(name, std::string_view{expected});
    }

    /// Version of the object that is being loaded: at most the one that it writes.
    int version() const noexcept { return state_.version(); }
    /// Refuses an object of another kind, or of a newer version, naming both. One that is stored
    /// without a version is of version 1.
    template <class T>
    void object(std::string_view name, T& value) {
        if (!state_.ok()) {
            return;
        }
        const auto inner = scope(name);
        const int outer_version = state_.version();
        if constexpr (has_dynamic_kind<T, archive_reader>) {
            value.exchange_kind(*this, "kind");
        } else if constexpr (has_kind<T>) {
            expect("kind", T::kind);
        }
        if constexpr (has_version<T>) {
            load_version(T::version);
        }
        if (state_.ok()) {
            constexpr bool exchanges = requires { value.exchange(*this); };
            static_assert(exchanges, "to be loaded, an object needs exchange(archive)");
            if constexpr (exchanges) { // one error, not two
                value.exchange(*this);
            }
        }
        state_.set_version(outer_version);
    }
    archive_scope scope(std::string_view name) { return archive_scope{state_, name}; }
    /// Whether the file has a tensor or metadata of this name, or anything that starts with
    /// `name.`.
    bool contains(std::string_view name) const { return names_.contains(state_.full(name)); }
    /// To be called last: refuses a file with anything of this name, or under `name.`, that nobody
    /// asked for. What a program does not know may change the meaning of what it does.
    void refuse_unread(std::string_view name) {
        if (const std::string* unread = names_.unread(state_.full(name)); unread != nullptr) {
            fail(status::error(error_code::format_error, '\'', detail::shown_text(*unread, 160),
                               "' is unknown to what loads it"));
        }
    }

    /// Notes a failure found by the object itself; success changes nothing. The message gets the
    /// file's name.
    void fail(const status& failure) noexcept {
        if (!failure.ok()) {
            state_.fail(status::error(failure.code(), origin_, failure.message()));
        }
    }
    const status& outcome() const noexcept { return state_.outcome(); }

    /// Takes memory for something out of the budget of this file (load_options::memory_factor)
    /// before it is allocated; fails where less is left. See claim_memory().
    void claim(const char* what, checked_size bytes) {
        if (state_.ok()) {
            fail(file_.budget().take(state_.full(what), bytes));
        }
    }

    /// Everything in the file, also what nobody asked for: names, types, shapes.
    std::span<const tensor_entry> tensors() const noexcept { return file_.tensors(); }
    /// Everything in the file that is not a tensor.
    const std::map<std::string, std::string>& metadata() const noexcept { return file_.metadata(); }

  private:
    archive_reader(safetensors_reader file, std::string origin)
        : file_{std::move(file)}, origin_{std::move(origin)} {
        names_.add(file_.metadata(), [](const auto& entry) { return entry.first; });
        names_.add(file_.tensors(), [](const auto& tensor) { return tensor.name; });
    }

    static result<archive_reader> make(result<safetensors_reader> file, std::string origin) {
        if (!file) {
            return file.error();
        }
        archive_reader reader{*std::move(file), std::move(origin)};
        int version = 0;
        reader.integer("format_version", version, 1);
        if (reader.state_.ok() && version != archive_format_version) {
            reader.refuse("format_version", "is ", version, ", this tocsin reads ",
                          archive_format_version,
                          version < archive_format_version ? "; train the detector anew"
                                                           : "; a newer tocsin wrote the file");
        }
        if (!reader.state_.ok()) {
            return reader.state_.outcome();
        }
        return reader;
    }

    void load_version(int newest) {
        int version = 1; // of an object that had none when it was saved
        if (file_.metadata().contains(state_.full("version"))) {
            integer("version", version, 1);
        }
        if (state_.ok() && version > newest) {
            refuse("version", "is ", version, ", written by a newer tocsin; this one reads up to ",
                   newest);
        }
        state_.set_version(version);
    }
    template <class... Parts>
    void refuse(std::string_view name, const Parts&... parts) {
        fail(status::error(error_code::format_error, '\'', state_.full(name), "' ", parts...));
    }
    /// Stored metadata, or null with a failure noted.
    const std::string* metadata(std::string_view name) {
        if (!state_.ok()) {
            return nullptr;
        }
        const auto found = file_.metadata().find(state_.full(name));
        if (found == file_.metadata().end()) {
            refuse(name, "is missing");
            return nullptr;
        }
        names_.read(found->first);
        return &found->second;
    }
    /// A stored tensor of this type, or null with a failure noted.
    template <class T>
    const tensor_entry* find(std::string_view name) {
        if (!state_.ok()) {
            return nullptr;
        }
        const tensor_entry* stored = file_.find(state_.full(name));
        if (stored == nullptr) {
            refuse(name, "is missing");
        } else if (stored->type != tensor_type_of<T>()) {
            refuse(name, "has type ", name_of(stored->type), ", expected ",
                   name_of(tensor_type_of<T>()));
            stored = nullptr;
        } else {
            names_.read(stored->name);
        }
        return stored;
    }

    safetensors_reader file_;
    std::string origin_; // starts messages
    detail::archive_state state_;
    detail::names_read names_;
};

} // namespace tocsin
