/// @file archive_writer.hpp
/// @brief Archive that saves objects to a safetensors file.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/io/archive_state.hpp"
#include "tocsin/io/safetensors.hpp"

#include <cmath>
#include <concepts>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tocsin {

/// Saves objects: collects what they describe, then writes one safetensors file.
class archive_writer {
  public:
    static constexpr bool loading = false;

    /// An archive with the versions of format and library.
    archive_writer() {
        keep(file_.add_metadata("format_version", std::to_string(archive_format_version)));
        keep(file_.add_metadata("written_by", "tocsin " TOCSIN_VERSION_STRING));
    }

    /// Text as metadata, in UTF-8.
    void text(std::string_view name, const std::string& value) { metadata(name, value); }
    /// A list of texts, each as metadata `name.0`, `name.1`, ...
    void texts(std::string_view name, const std::vector<std::string>& values) {
        const auto inner = scope(name);
        metadata("count", std::to_string(values.size()));
        for (std::size_t k = 0; k < values.size(); ++k) {
            metadata(std::to_string(k), values[k]);
        }
    }
    /// An integer, bool or enumeration as decimal metadata. A value outside [low, high] fails, as
    /// it could not be loaded.
    template <archive_integer T>
    void integer(std::string_view name, const T& value, T low = detail::smallest_of<T>(),
                 T high = detail::largest_of<T>()) {
        if (value < low || value > high) {
            fail(status::error(error_code::invalid_argument, "archive: '", state_.full(name),
                               "' is ", detail::integer_text(value), ", expected ",
                               detail::integer_text(low), " to ", detail::integer_text(high)));
        }
        metadata(name, detail::integer_text(value));
    }
    /// A floating-point number, its exact bits, as a tensor of one F64.
    template <std::floating_point T>
    void number(std::string_view name, const T& value, finiteness finite = finiteness::required) {
        const double wide = static_cast<double>(value);
        tensor(name, std::span<const double>{&wide, 1}, {1}, finite);
    }
    /// Values in the order of their memory; the last dimension of `shape` varies fastest. NaN and
    /// infinite ones fail unless told otherwise.
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values, std::span<const index_t> shape,
                finiteness finite = finiteness::required) {
        if (!state_.ok()) {
            return;
        }
        if constexpr (std::is_floating_point_v<std::remove_const_t<T>>) {
            for (const auto value : values) {
                if (finite == finiteness::required && !std::isfinite(value)) {
                    fail(status::error(error_code::invalid_data, "archive: '", state_.full(name),
                                       "' holds ", static_cast<double>(value),
                                       ", which is not finite"));
                    return;
                }
            }
        }
        keep(file_.add_tensor(state_.full(name), std::span<const std::remove_const_t<T>>{values},
                              shape));
    }
    /// The same with the shape as a list.
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values,
                std::initializer_list<index_t> shape, finiteness finite = finiteness::required) {
        tensor(name, values, std::span<const index_t>(shape.begin(), shape.size()), finite);
    }
    /// A vector (std::vector, aligned_vector, std::array) as a tensor of one dimension.
    template <class Vector>
    void values(std::string_view name, const Vector& vector,
                finiteness finite = finiteness::required) {
        tensor(name, std::span{vector.data(), vector.size()}, {static_cast<index_t>(vector.size())},
               finite);
    }
    /// A matrix `[rows x cols]`. The memory here is column-major, the format row-major: the
    /// tensor has shape [cols, rows], so Python reads the transpose; a column vector has [rows].
    template <class T, int Rows, int Cols, int Options>
    void matrix(std::string_view name, const Eigen::Matrix<T, Rows, Cols, Options>& values,
                finiteness finite = finiteness::required) {
        const std::span<const T> span{values.data(), static_cast<std::size_t>(values.size())};
        if constexpr (Cols == 1) {
            tensor(name, span, {values.rows()}, finite);
        } else {
            tensor(name, span, {values.cols(), values.rows()}, finite);
        }
    }
    /// A fact that the file must agree with when it is loaded, such as a compile-time size.
    template <archive_integer T>
    void expect(std::string_view name, T expected) {
        metadata(name, detail::integer_text(expected));
    }
    /// The same for text.
    void expect(std::string_view name, std::string_view expected) { metadata(name, expected); }
    /// The same for text.
    void expect(std::string_view name, const char* expected) { metadata(name, expected); }

    /// Version of the object that is being saved.
    int version() const noexcept { return state_.version(); }
    /// An object with exchange(); its names get the prefix `name.`, and the file its kind and
    /// version where it has them.
    template <class T>
    void object(std::string_view name, const T& value) {
        if (state_.ok()) {
            const auto inner = scope(name);
            const int outer_version = state_.version();
            // exchange() serves both directions, so it cannot be const; with a writer it only
            // reads.
            T& object = const_cast<T&>(value);
            if constexpr (has_dynamic_kind<T, archive_writer>) {
                object.exchange_kind(*this, "kind");
            } else if constexpr (has_kind<T>) {
                expect("kind", T::kind);
            }
            if constexpr (has_version<T>) {
                state_.set_version(T::version);
                expect("version", T::version);
            }
            constexpr bool exchanges = requires { object.exchange(*this); };
            static_assert(exchanges, "to be saved, an object needs exchange(archive)");
            if constexpr (exchanges) { // one error, not two
                object.exchange(*this);
            }
            state_.set_version(outer_version);
        }
    }
    /// Prefixes names by `name.` as long as the result lives.
    archive_scope scope(std::string_view name) { return archive_scope{state_, name}; }
    /// Whether an optional part is there: always so when saving.
    bool contains(std::string_view /*name*/) const noexcept { return true; }

    /// Notes a failure found by the object itself; success changes nothing.
    void fail(const status& failure) noexcept { state_.fail(failure); }
    /// The first failure, or success.
    const status& outcome() const noexcept { return state_.outcome(); }

    /// The file as bytes, or the first failure.
    result<std::string> encode() const {
        if (!state_.ok()) {
            return state_.outcome();
        }
        return file_.encode();
    }
    /// Replaces a file, completely or not at all. A failure before this call is returned here too.
    status write(const std::filesystem::path& path) const {
        return state_.ok() ? file_.write(path) : state_.outcome();
    }

  private:
    void metadata(std::string_view name, std::string_view value) {
        if (state_.ok()) {
            keep(file_.add_metadata(state_.full(name), value));
        }
    }
    void keep(const status& outcome) noexcept { state_.fail(outcome); }

    safetensors_writer file_;
    detail::archive_state state_;
};

} // namespace tocsin
