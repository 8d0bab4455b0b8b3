/// @file memory_archive.hpp
/// @brief Archive over a map, with the part of the contract that statistics and rules use.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace tocsin_test {

/// The saved data: names with their prefixes, and the numbers in storage order.
using archive_content = std::map<std::string, std::vector<double>>;

template <bool Loading>
class memory_archive {
  public:
    static constexpr bool loading = Loading;

    explicit memory_archive(archive_content& content) : content_{&content} {}

    /// Refuses what T cannot hold.
    template <class T>
    void integer(const char* name, T& value) {
        auto number = static_cast<double>(value);
        transfer(name, &number, 1);
        if constexpr (Loading && std::is_integral_v<T> && !std::is_same_v<T, bool>) {
            // Where T has 64 bits its largest number rounds up to a power of two.
            if (!(number >= static_cast<double>(std::numeric_limits<T>::min()) &&
                  number < std::ldexp(1.0, std::numeric_limits<T>::digits))) {
                fail(tocsin::status::error(tocsin::error_code::format_error, prefix_, name, " is ",
                                           number));
                return;
            }
        } else if constexpr (Loading) {
            if (!(number >= 0 && number <= 255)) { // bool and enumerations
                fail(tocsin::status::error(tocsin::error_code::format_error, prefix_, name, " is ",
                                           number));
                return;
            }
        }
        value = static_cast<T>(number);
    }
    template <class T>
    void number(const char* name, T& value) {
        auto number = static_cast<double>(value);
        transfer(name, &number, 1);
        value = static_cast<T>(number);
    }
    /// An empty one takes the size of what is stored.
    template <class Matrix>
    void matrix(const char* name, Matrix& values) {
        if constexpr (Loading && Matrix::ColsAtCompileTime == 1) {
            if (values.size() == 0) {
                values.setZero(static_cast<tocsin::index_t>((*content_)[prefix_ + name].size()));
            }
        }
        // Saving only reads.
        transfer(name, const_cast<double*>(values.data()), values.size());
    }
    void expect(const char* name, long long value) {
        auto number = static_cast<double>(value);
        transfer(name, &number, 1);
        if (number != static_cast<double>(value)) {
            fail(tocsin::status::error(tocsin::error_code::format_error, prefix_, name, " is ",
                                       number, ", expected ", value));
        }
    }

    static constexpr int version() noexcept { return std::numeric_limits<int>::max(); }
    template <class Object>
    void object(const char* name, Object& value) {
        const auto inner = scope(name);
        value.exchange(*this);
    }

    class scope_guard {
      public:
        scope_guard(memory_archive& archive, const char* prefix)
            : archive_{&archive}, outer_{archive.prefix_} {
            archive.prefix_ += prefix;
            archive.prefix_ += '.';
        }
        ~scope_guard() { archive_->prefix_ = outer_; }
        scope_guard(const scope_guard&) = delete;
        scope_guard& operator=(const scope_guard&) = delete;

      private:
        memory_archive* archive_;
        std::string outer_;
    };
    scope_guard scope(const char* prefix) { return {*this, prefix}; }

    bool contains(const char* name) const {
        return !Loading || content_->find(prefix_ + name) != content_->end();
    }

    void fail(const tocsin::status& failure) {
        if (outcome_.ok()) {
            outcome_ = failure;
        }
    }
    const tocsin::status& outcome() const { return outcome_; }

  private:
    void transfer(const char* name, double* values, tocsin::index_t size) {
        auto& stored = (*content_)[prefix_ + name];
        if constexpr (Loading) {
            if (static_cast<tocsin::index_t>(stored.size()) != size) {
                fail(tocsin::status::error(tocsin::error_code::format_error, prefix_, name, " has ",
                                           stored.size(), " values, expected ", size));
            }
            if (outcome_.ok()) {
                std::copy(stored.begin(), stored.end(), values);
            }
        } else {
            stored.assign(values, values + size);
        }
    }

    archive_content* content_;
    std::string prefix_;
    tocsin::status outcome_;
};

/// Everything the object saves.
template <class Object>
archive_content save(Object& object) {
    archive_content content;
    memory_archive<false> archive(content);
    object.exchange(archive);
    return content;
}

/// Loads into the object and says whether that worked.
template <class Object>
tocsin::status load(Object& object, archive_content content) {
    memory_archive<true> archive(content);
    object.exchange(archive);
    return archive.outcome();
}

} // namespace tocsin_test
