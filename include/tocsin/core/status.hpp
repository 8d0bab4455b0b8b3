/// @file status.hpp
/// @brief Outcome of set-up and input/output: success, or a code with a message naming the value.
#pragma once

#include "tocsin/core/config.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tocsin {

/// Kind of failure, for programs; people read status::message().
enum class error_code : std::uint8_t {
    ok,               ///< no failure
    invalid_argument, ///< a setting or a shape is out of range
    invalid_data,     ///< the given numbers cannot be used (NaN, too few, wrong label)
    not_ready,        ///< an earlier phase (train, fit_errors, tune) has not been run
    io_error,         ///< the operating system refused to open, read, write or rename
    format_error,     ///< a file is malformed or does not have the declared shape
    out_of_memory     ///< an allocation was refused while a file or a stream was loaded or saved
};

namespace detail {

/// A part of a message. Parts have one type, so that what joins them is compiled once, not for every
/// message.
class message_part {
  public:
    // NOLINTBEGIN(google-explicit-constructor,hicpp-explicit-conversions): given as they are
    constexpr message_part(std::string_view text) noexcept
        // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size is kept, too
        : size_{text.size()}, value_{.text = text.data()} {}
    constexpr message_part(const char* text) noexcept : message_part{std::string_view{text}} {}
    constexpr message_part(char character) noexcept
        : kind_{kind::character}, value_{.character = character} {}
    template <std::signed_integral Integer>
    constexpr message_part(Integer number) noexcept
        : kind_{kind::integer}, value_{.integer = number} {}
    template <std::unsigned_integral Integer>
    constexpr message_part(Integer number) noexcept
        : kind_{kind::natural}, value_{.natural = number} {}
    constexpr message_part(double number) noexcept : kind_{kind::real}, value_{.real = number} {}
    // NOLINTEND(google-explicit-constructor,hicpp-explicit-conversions)

    /// Writes the part to [at, end), cut where it does not fit.
    /// @return behind what was written
    char* write(char* at, char* end) const noexcept {
        char digits[32] = {};
        std::string_view text{digits};
        switch (kind_) {
        case kind::text:
            text = {value_.text, size_};
            break;
        case kind::character:
            text = {&value_.character, 1};
            break;
        case kind::integer:
            text = printed(digits, "%lld", value_.integer);
            break;
        case kind::natural:
            text = printed(digits, "%llu", value_.natural);
            break;
        case kind::real:
            text = printed(digits, "%g", value_.real);
            break;
        }
        for (const char character : text) {
            if (at == end) {
                break;
            }
            *at++ = character;
        }
        return at;
    }

  private:
    enum class kind : std::uint8_t { text, character, integer, natural, real };
    template <class Number>
    static std::string_view printed(char (&digits)[32], const char* format,
                                    Number number) noexcept {
        std::snprintf(digits, sizeof digits, format, number);
        return digits;
    }

    union payload {
        const char* text;
        char character;
        long long integer;
        unsigned long long natural;
        double real;
    };

    kind kind_ = kind::text;
    std::size_t size_ = 0; // of a text
    payload value_;
};

} // namespace detail

/// Success, or an error code with a message of at most 383 characters (longer ones are cut). The
/// message is stored in place; nothing is allocated, so this also works on targets without a heap.
class [[nodiscard]] status {
  public:
    constexpr status() noexcept = default;

    /// Builds a failure; the parts (text, characters, integers, floating-point numbers) are
    /// concatenated.
    template <class... Parts>
    static status error(error_code code, const Parts&... parts) noexcept {
        const detail::message_part list[] = {detail::message_part(parts)...};
        return joined(code, list, sizeof...(Parts));
    }

    /// Whether it is a success.
    bool ok() const noexcept { return code_ == error_code::ok; }
    /// Whether it is a success.
    explicit operator bool() const noexcept { return ok(); }
    /// The kind of failure, or error_code::ok.
    error_code code() const noexcept { return code_; }
    /// What went wrong and with which value; empty on success. Valid as long as this status exists.
    const char* message() const noexcept { return message_; }

  private:
    [[gnu::cold, gnu::noinline]] static status
    joined(error_code code, const detail::message_part* parts, std::size_t count) noexcept {
        status failure;
        failure.code_ = code;
        char* at = failure.message_;
        for (std::size_t k = 0; k < count; ++k) {
            at = parts[k].write(at, failure.message_ + sizeof failure.message_ - 1);
        }
        return failure;
    }

    error_code code_ = error_code::ok;
    char message_[384] = {};
};

/// A value, or the status that says why there is no value.
template <class T>
class [[nodiscard]] result {
  public:
    using value_type = T;

    // NOLINTBEGIN(google-explicit-constructor,hicpp-explicit-conversions): like std::expected
    /// A success.
    result(T value) : value_{std::move(value)} {}
    /// @param failure must not be ok(): a result without a value needs a reason.
    result(const status& failure) noexcept : status_{failure} {
        if (failure.ok()) {
            TOCSIN_FAIL("result: made from a successful status without a value");
        }
    }
    // NOLINTEND(google-explicit-constructor,hicpp-explicit-conversions)

    /// Whether there is a value.
    bool has_value() const noexcept { return value_.has_value(); }
    /// The same as has_value(), spelt as in status.
    bool ok() const noexcept { return has_value(); }
    /// Whether there is a value.
    explicit operator bool() const noexcept { return has_value(); }

    /// The value; calls TOCSIN_FAIL with the message when there is none.
    T& value() & {
        require();
        return *value_;
    }
    /// The value; without one calls TOCSIN_FAIL with the message of the failure.
    const T& value() const& {
        require();
        return *value_;
    }
    /// The same for a temporary.
    T&& value() && {
        require();
        return std::move(*value_);
    }

    /// The value without a check in release builds.
    T& operator*() & noexcept { return *checked(); }
    /// The value; there must be one, which debug builds check.
    const T& operator*() const& noexcept { return *checked(); }
    /// The same for a temporary.
    T&& operator*() && noexcept { return std::move(*checked()); }
    /// A member of the value; there must be one, which debug builds check.
    T* operator->() noexcept { return checked(); }
    /// The same of a constant.
    const T* operator->() const noexcept { return checked(); }

    /// Why there is no value; ok() when there is one.
    const status& error() const noexcept { return status_; }

  private:
    void require() const {
        if (!value_.has_value()) {
            TOCSIN_FAIL(status_.message());
        }
    }
    T* checked() noexcept {
        TOCSIN_ASSERT(value_.has_value(), "result: dereferenced without a value");
        return value_.operator->();
    }
    const T* checked() const noexcept {
        TOCSIN_ASSERT(value_.has_value(), "result: dereferenced without a value");
        return value_.operator->();
    }

    std::optional<T> value_;
    status status_;
};

} // namespace tocsin
