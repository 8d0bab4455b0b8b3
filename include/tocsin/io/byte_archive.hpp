/// @file byte_archive.hpp
/// @brief Archives of bytes: what streams are saved to, without names and without JSON.
///
/// Both have the functions of io/archive.hpp, and two more: `real`, a number that may be NaN or
/// infinite, and `array`, any number of scalars. Values lie in little endian in the order of the
/// calls. Integers and counts take 8 bytes, numbers are doubles; arrays, matrices and texts begin
/// with their count. Arrays and matrices may hold NaN or infinity.
#pragma once

#include "tocsin/core/bits.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/archive_state.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin {

/// Of byte_writer. Since 2, streams that learn have a report; since 3, those of classifiers a clock.
inline constexpr int byte_format = 3;

namespace detail {

/// What an integer is stored as: 8 bytes, signed unless its values need all of them.
template <class T>
using stored_integer =
    std::conditional_t<std::is_unsigned_v<T> && sizeof(T) == sizeof(std::uint64_t), std::uint64_t,
                       std::int64_t>;

/// What one call of an archive with named scopes needs of a scope: nothing.
struct byte_scope {
    ~byte_scope() {} // NOLINT(modernize-use-equals-default): not trivial, or it would be unused
};

} // namespace detail

/// Appends objects to a vector of bytes.
class byte_writer {
  public:
    static constexpr bool loading = false;
    const std::vector<std::byte>& bytes() const noexcept { return bytes_; }
    static constexpr int version() noexcept { return std::numeric_limits<int>::max(); }

    template <class T>
    void scalar(T value) {
        const auto bits = std::bit_cast<detail::bits_of<T>>(value);
        for (std::size_t k = 0; k < sizeof bits; ++k) {
            bytes_.push_back(static_cast<std::byte>(bits >> (8 * k)));
        }
    }
    template <class T>
    void integer(std::string_view /*name*/, const T& value, T /*low*/ = {}, T /*high*/ = {}) {
        scalar(static_cast<detail::stored_integer<T>>(value));
    }
    /// A number that is not finite fails unless told otherwise, as it could not be loaded.
    template <std::floating_point T>
    void number(std::string_view name, const T& value, finiteness finite = finiteness::required) {
        if (finite == finiteness::required && !std::isfinite(value)) {
            fail(status::error(error_code::invalid_data, "stream: '", name, "' is ",
                               static_cast<double>(value), ", not finite"));
        }
        scalar(static_cast<double>(value));
    }
    void text(std::string_view name, const std::string& value) {
        array(name, std::span{value.data(), value.size()});
    }
    void texts(std::string_view name, const std::vector<std::string>& values) {
        scalar(static_cast<std::uint64_t>(values.size()));
        for (const std::string& value : values) {
            text(name, value);
        }
    }
    void real(std::string_view /*name*/, double value) { scalar(value); }
    template <class T, std::size_t Extent>
    void array(std::string_view /*name*/, std::span<T, Extent> values) {
        scalar(static_cast<std::uint64_t>(values.size()));
        for (const auto value : values) {
            scalar(value);
        }
    }
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values,
                std::initializer_list<index_t> /*shape*/, finiteness /*finite*/ = {}) {
        array(name, values);
    }
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values,
                std::span<const index_t> /*shape*/, finiteness /*finite*/ = {}) {
        array(name, values);
    }
    template <class Vector>
    void values(std::string_view name, const Vector& vector, finiteness /*finite*/ = {}) {
        array(name, std::span{vector.data(), vector.size()});
    }
    template <class T, int Rows, int Cols, int Options>
    void matrix(std::string_view name, const Eigen::Matrix<T, Rows, Cols, Options>& values,
                finiteness /*finite*/ = {}) {
        scalar(static_cast<std::int64_t>(values.rows()));
        array(name, std::span{values.data(), static_cast<std::size_t>(values.size())});
    }
    template <class T>
    void expect(std::string_view /*name*/, const T& expected) {
        if constexpr (std::is_convertible_v<const T&, std::string_view>) {
            const std::string_view text = expected;
            array({}, std::span{text.data(), text.size()});
        } else {
            scalar(static_cast<std::int64_t>(expected));
        }
    }
    template <class T>
    void object(std::string_view /*name*/, const T& value) {
        // exchange() serves both directions, so it cannot be const; with a writer it only reads.
        const_cast<T&>(value).exchange(*this);
    }
    detail::byte_scope scope(std::string_view /*name*/) const noexcept { return {}; }
    static constexpr bool contains(std::string_view /*name*/) noexcept { return true; }
    void fail(const status& failure) noexcept { outcome_ = outcome_.ok() ? failure : outcome_; }
    const status& outcome() const noexcept { return outcome_; }

  private:
    std::vector<std::byte> bytes_;
    status outcome_;
};

/// Reads objects from bytes, which must outlive it. The first failure sticks: later calls do nothing
/// and leave values as they are.
class byte_reader {
  public:
    static constexpr bool loading = true;

    /// @param bytes of a byte_writer, not owned
    /// @param format version of the bytes
    explicit byte_reader(std::span<const std::byte> bytes, int format = byte_format,
                         int memory_factor = 16) noexcept
        : rest_{bytes}, format_{format}, memory_factor_{memory_factor} {}
    /// Version of the bytes, as their envelope says: objects leave out what older ones do not have.
    int format() const noexcept { return format_; }
    /// Bytes of memory that objects may take for each of the bytes.
    int memory_factor() const noexcept { return memory_factor_; }

    /// Bytes that have not been read.
    std::size_t remaining() const noexcept { return rest_.size(); }
    static constexpr int version() noexcept { return std::numeric_limits<int>::max(); }

    template <class T>
    void scalar(T& value) noexcept {
        using bits_type = detail::bits_of<T>;
        if (!outcome_.ok()) {
            return;
        }
        if (rest_.size() < sizeof(T)) {
            fail(status::error(error_code::format_error, "stream: the bytes end too early"));
            return;
        }
        bits_type bits = 0;
        for (std::size_t k = 0; k < sizeof(T); ++k) {
            bits = static_cast<bits_type>(
                bits | static_cast<bits_type>(static_cast<bits_type>(rest_[k]) << (8 * k)));
        }
        value = std::bit_cast<T>(bits);
        rest_ = rest_.subspan(sizeof(T));
    }
    template <class T>
    void integer(std::string_view name, T& value, T low = smallest<T>(), T high = largest<T>()) {
        using stored_type = detail::stored_integer<T>;
        stored_type stored = 0;
        scalar(stored);
        if (outcome_.ok() &&
            (stored < static_cast<stored_type>(low) || stored > static_cast<stored_type>(high))) {
            fail(status::error(error_code::format_error, "stream: '", name, "' is ", stored,
                               ", out of range"));
        }
        if (outcome_.ok()) {
            value = static_cast<T>(stored);
        }
    }
    /// Refuses a number that is beyond T or, unless told otherwise, not finite.
    template <std::floating_point T>
    void number(std::string_view name, T& value, finiteness finite = finiteness::required) {
        double stored = 0;
        scalar(stored);
        const T narrow = static_cast<T>(stored);
        if (outcome_.ok() && !std::isfinite(narrow) &&
            (finite == finiteness::required || std::isfinite(stored))) {
            fail(status::error(error_code::format_error, "stream: '", name, "' is ", stored,
                               std::isfinite(stored) ? ", too large for the type that reads it"
                                                     : ", not finite"));
        }
        if (outcome_.ok()) {
            value = narrow;
        }
    }
    void text(std::string_view name, std::string& value) {
        std::string stored;
        values(name, stored);
        if (outcome_.ok()) {
            value = std::move(stored);
        }
    }
    void texts(std::string_view name, std::vector<std::string>& values) {
        std::uint64_t count = 0;
        scalar(count);
        if (outcome_.ok() && count > rest_.size() / sizeof count) {
            fail(status::error(error_code::format_error, "stream: '", name, "' has ", count,
                               " texts, more than the bytes"));
        }
        std::vector<std::string> stored(outcome_.ok() ? static_cast<std::size_t>(count) : 0);
        for (std::string& one : stored) {
            text(name, one);
        }
        if (outcome_.ok()) {
            values = std::move(stored);
        }
    }
    void real(std::string_view /*name*/, double& value) noexcept { scalar(value); }
    template <class T, std::size_t Extent>
    void array(std::string_view name, std::span<T, Extent> values) {
        if (take_size(name, values.size(), sizeof(T))) {
            for (T& value : values) {
                scalar(value);
            }
        }
    }
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values,
                std::initializer_list<index_t> /*shape*/, finiteness /*finite*/ = {}) {
        array(name, values);
    }
    template <class T, std::size_t Extent>
    void tensor(std::string_view name, std::span<T, Extent> values,
                std::span<const index_t> /*shape*/, finiteness /*finite*/ = {}) {
        array(name, values);
    }
    /// A vector that is not empty must have the size that was written; an empty one takes it.
    template <class Vector>
    void values(std::string_view name, Vector& vector, finiteness /*finite*/ = {}) {
        if constexpr (requires { vector.resize(vector.size()); }) {
            byte_reader ahead = *this;
            std::uint64_t count = 0;
            ahead.scalar(count);
            if (vector.empty() && ahead.outcome_.ok() &&
                count <= ahead.remaining() / sizeof(typename Vector::value_type)) {
                vector.resize(static_cast<std::size_t>(count));
            }
        }
        array(name, std::span{vector.data(), vector.size()});
    }
    /// A matrix that is not empty must have the shape that was written; an empty one takes it.
    template <class T, int Rows, int Cols, int Options>
    void matrix(std::string_view name, Eigen::Matrix<T, Rows, Cols, Options>& values,
                finiteness /*finite*/ = {}) {
        std::int64_t rows = 0;
        scalar(rows);
        byte_reader ahead = *this;
        std::uint64_t count = 0;
        ahead.scalar(count);
        if (!ahead.outcome_.ok() || count > ahead.remaining() / sizeof(T) || rows < 0 ||
            (rows == 0 ? count != 0 : count % static_cast<std::uint64_t>(rows) != 0)) {
            fail(status::error(error_code::format_error, "stream: '", name,
                               "' is larger than the bytes"));
            return;
        }
        const auto cols = rows == 0
                              ? index_t{Cols == dynamic ? 0 : Cols}
                              : static_cast<index_t>(count / static_cast<std::uint64_t>(rows));
        if (values.size() == 0 && (Rows == dynamic || Rows == rows) &&
            (Cols == dynamic || Cols == cols)) {
            values.resize(static_cast<index_t>(rows), cols);
        }
        if (values.rows() != rows || values.cols() != cols) {
            fail(status::error(error_code::format_error, "stream: '", name, "' is ", rows, " x ",
                               cols, ", expected ", values.rows(), " x ", values.cols()));
            return;
        }
        array(name, std::span{values.data(), static_cast<std::size_t>(values.size())});
    }
    template <class T>
    void expect(std::string_view name, const T& expected) {
        if constexpr (std::is_convertible_v<const T&, std::string_view>) {
            const std::string_view text = expected;
            std::vector<char> stored(text.size());
            array(name, std::span<char>(stored));
            if (outcome_.ok() && std::string_view(stored.data(), stored.size()) != text) {
                fail(status::error(error_code::format_error, "stream: '", name, "' is not '", text,
                                   '\''));
            }
        } else {
            std::int64_t stored = 0;
            scalar(stored);
            if (outcome_.ok() && stored != static_cast<std::int64_t>(expected)) {
                fail(status::error(error_code::format_error, "stream: '", name, "' is ", stored,
                                   ", expected ", static_cast<std::int64_t>(expected)));
            }
        }
    }
    template <class T>
    void object(std::string_view /*name*/, T& value) {
        if (outcome_.ok()) {
            value.exchange(*this);
        }
    }
    detail::byte_scope scope(std::string_view /*name*/) const noexcept { return {}; }
    static constexpr bool contains(std::string_view /*name*/) noexcept { return true; }
    void fail(const status& failure) noexcept { outcome_ = outcome_.ok() ? failure : outcome_; }
    const status& outcome() const noexcept { return outcome_; }

  private:
    template <class T>
    static constexpr T smallest() noexcept {
        return std::numeric_limits<T>::min(); // 0 for an enumeration
    }
    template <class T>
    static constexpr T largest() noexcept {
        if constexpr (std::is_enum_v<T>) {
            return static_cast<T>(std::numeric_limits<std::underlying_type_t<T>>::max());
        } else {
            return std::numeric_limits<T>::max();
        }
    }
    bool take_size(std::string_view name, std::size_t expected, std::size_t element) {
        std::uint64_t count = 0;
        scalar(count);
        if (outcome_.ok() && (count != expected || rest_.size() / element < expected)) {
            fail(status::error(error_code::format_error, "stream: '", name, "' has ", count,
                               " values, expected ", expected));
        }
        return outcome_.ok();
    }

    std::span<const std::byte> rest_;
    int format_;
    int memory_factor_;
    status outcome_;
};

} // namespace tocsin
