/// @file hash_archive.hpp
/// @brief A number that tells detectors apart: a hash of what they tell an archive.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>

namespace tocsin::detail {

/// An archive that keeps nothing but a hash of its input: FNV-1a with 64 bits over the values,
/// each as a word, and their names. Not a protection against forgery. Never allocates.
///
/// What it is told ends in few functions that are not inlined: detectors have many values, and every
/// user's program contains this.
class hash_archive {
  public:
    static constexpr bool loading = false;

    std::uint64_t value() const noexcept { return hash_; }

    static constexpr int version() noexcept { return 1 << 30; }
    template <class T>
    void integer(std::string_view name, const T& value, T /*low*/ = {}, T /*high*/ = {}) noexcept {
        named_word(name, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
    }
    template <class T, class... Options>
    void number(std::string_view name, const T& value, Options... /*options*/) noexcept {
        named_word(name, std::bit_cast<std::uint64_t>(static_cast<double>(value)));
    }
    template <class T, std::size_t Extent, class... Options>
    void tensor(std::string_view name, std::span<T, Extent> values,
                const Options&... /*options*/) noexcept {
        numbers(name, values.data(), values.size());
    }
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values,
                std::initializer_list<index_t> /*shape*/) noexcept {
        numbers(name, values.data(), values.size());
    }
    template <class Vector, class... Options>
    void values(std::string_view name, const Vector& vector, Options... /*options*/) noexcept {
        numbers(name, vector.data(), vector.size());
    }
    template <class Matrix, class... Options>
    void matrix(std::string_view name, const Matrix& values, Options... /*options*/) noexcept {
        numbers(name, values.data(), static_cast<std::size_t>(values.size()));
    }
    template <class T>
    void expect(std::string_view name, const T& expected) noexcept {
        text(name);
        if constexpr (std::is_convertible_v<const T&, std::string_view>) {
            text(expected);
        } else {
            word(static_cast<std::uint64_t>(expected));
        }
    }
    template <class T>
    void object(std::string_view name, const T& value) {
        text(name);
        if constexpr (requires { std::string_view{T::kind}; }) {
            text(T::kind);
        }
        // exchange() serves both directions, so it cannot be const; here it only reads.
        T& object = const_cast<T&>(value);
        if constexpr (requires { object.exchange_kind(*this, "kind"); }) {
            object.exchange_kind(*this, "kind");
        }
        if constexpr (requires { object.exchange(*this); }) {
            object.exchange(*this);
        }
    }
    struct no_scope {
        ~no_scope() {} // NOLINT(modernize-use-equals-default): not trivial, or it would be unused
    };
    no_scope scope(std::string_view name) noexcept {
        text(name);
        return {};
    }
    static constexpr bool contains(std::string_view /*name*/) noexcept { return true; }
    /// A policy that cannot be saved has an identity all the same.
    static void fail(const status& /*failure*/) noexcept {}
    static status outcome() noexcept { return {}; }

    /// Texts of objects; in an archive that loads they would change.
    void text(std::string_view name, std::string_view value) noexcept {
        text(name);
        text(value);
    }
    [[gnu::noinline]] void text(std::string_view characters) noexcept {
        for (const char character : characters) {
            word(static_cast<unsigned char>(character));
        }
    }

  private:
    void word(std::uint64_t value) noexcept {
        hash_ = (hash_ ^ value) * 0x100000001B3U;
        hash_ ^= hash_ >> 32U;
    }
    [[gnu::noinline]] void named_word(std::string_view name, std::uint64_t value) noexcept {
        text(name);
        word(value);
    }
    template <class T>
    [[gnu::noinline]] void numbers(std::string_view name, const T* values,
                                   std::size_t count) noexcept {
        text(name);
        for (std::size_t k = 0; k < count; ++k) {
            if constexpr (std::is_floating_point_v<T>) {
                word(std::bit_cast<std::uint64_t>(static_cast<double>(values[k])));
            } else {
                word(static_cast<std::uint64_t>(values[k]));
            }
        }
    }

    std::uint64_t hash_ = 0xCBF29CE484222325U;
};

} // namespace tocsin::detail
