/// @file archive_state.hpp
/// @brief What the two archives share.
#pragma once

#include "tocsin/core/status.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace tocsin {

/// Version of the files that archives write: of their layout. Objects have versions of their own.
inline constexpr int archive_format_version = 2;

/// Whether loading refuses NaN and infinite values.
enum class finiteness : std::uint8_t { required, optional };

/// Integers, bool and enumerations: what archives store as decimal metadata.
template <class T>
concept archive_integer = std::integral<T> || std::is_enum_v<T>;

/// An object with a name that files store, such as "quantile_threshold", so that it is not loaded
/// into another kind of object.
template <class T>
concept has_kind = requires {
    { T::kind } -> std::convertible_to<std::string_view>;
};
/// An object whose files have a version: `T::version` is the one it writes. It reads older ones,
/// which its exchange() tells apart by `archive.version()`.
template <class T>
concept has_version = requires {
    { T::version } -> std::convertible_to<int>;
};
/// An object whose kind is chosen at run time, and which describes it itself.
template <class T, class Archive>
concept has_dynamic_kind =
    requires(T object, Archive& archive) { object.exchange_kind(archive, "kind"); };

namespace detail {

template <class T>
struct integer_of {
    using type = T;
};
template <class T>
    requires std::is_enum_v<T>
struct integer_of<T> {
    using type = std::underlying_type_t<T>;
};

template <archive_integer T>
constexpr T smallest_of() noexcept {
    return static_cast<T>(std::numeric_limits<typename integer_of<T>::type>::min());
}
template <archive_integer T>
constexpr T largest_of() noexcept {
    return static_cast<T>(std::numeric_limits<typename integer_of<T>::type>::max());
}

/// Decimal text of an integer, bool or enumeration.
template <archive_integer T>
std::string integer_text(T value) {
    return std::to_string(static_cast<typename integer_of<T>::type>(value));
}

/// Reads what integer_text() has written.
/// @return false, and leaves `value` as it is, for anything else and for what is not in [low, high]
template <archive_integer T>
bool integer_from_text(const std::string& text, T& value, T low, T high) noexcept {
    using integer = typename integer_of<T>::type;
    using number_type = std::conditional_t<std::is_same_v<integer, bool>, std::uint8_t, integer>;
    number_type number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, number);
    if (failure != std::errc{} || stop != end || number < static_cast<number_type>(low) ||
        number > static_cast<number_type>(high)) {
        return false;
    }
    value = static_cast<T>(number);
    return true;
}

/// The names in a file, and which of them were read.
class names_read {
  public:
    /// Adds entries, none of them read yet. Allocates.
    template <class Entries, class NameOf>
    void add(const Entries& entries, const NameOf& name_of) {
        for (const auto& entry : entries) {
            read_.emplace(name_of(entry), false);
        }
    }
    void read(const std::string& name) { read_[name] = true; }
    /// Whether there is `name` or a part of it, `name.part`.
    bool contains(std::string_view name) const noexcept {
        return std::any_of(read_.begin(), read_.end(),
                           [name](const auto& entry) { return is_part(entry.first, name); });
    }
    /// The first of these that was not read, or null.
    const std::string* unread(std::string_view name) const noexcept {
        const auto found = std::find_if(read_.begin(), read_.end(), [name](const auto& entry) {
            return !entry.second && is_part(entry.first, name);
        });
        return found == read_.end() ? nullptr : &found->first;
    }

  private:
    static bool is_part(std::string_view part, std::string_view whole) noexcept {
        return part.starts_with(whole) &&
               (part.size() == whole.size() || part[whole.size()] == '.');
    }
    std::map<std::string, bool> read_;
};

/// Prefix of names with the first failure: what both archives share.
class archive_state {
  public:
    std::string full(std::string_view name) const { return prefix_ + std::string{name}; }
    bool ok() const noexcept { return outcome_.ok(); }
    const status& outcome() const noexcept { return outcome_; }
    void fail(const status& failure) noexcept {
        if (outcome_.ok()) {
            outcome_ = failure;
        }
    }

    /// Version of the object that is being exchanged.
    int version() const noexcept { return version_; }
    void set_version(int version) noexcept { version_ = version; }

    std::size_t prefix_size() const noexcept { return prefix_.size(); }
    void push_prefix(std::string_view name) {
        prefix_ += name;
        if (!name.empty() && name.back() != '.') {
            prefix_ += '.';
        }
    }
    void pop_prefix(std::size_t size) { prefix_.resize(size); }

  private:
    std::string prefix_;
    int version_ = 0;
    status outcome_;
};

} // namespace detail

/// Adds a prefix to the names of an archive until it is destroyed.
class [[nodiscard]] archive_scope {
  public:
    /// Adds `name.` to the prefix.
    archive_scope(detail::archive_state& state, std::string_view name)
        : state_{&state}, size_{state.prefix_size()} {
        state.push_prefix(name);
    }
    archive_scope(const archive_scope&) = delete;
    archive_scope& operator=(const archive_scope&) = delete;
    ~archive_scope() { state_->pop_prefix(size_); }

  private:
    detail::archive_state* state_;
    std::size_t size_;
};

} // namespace tocsin
