/// @file memory_archive.hpp
/// @brief Archive over a map, with as much of the contract as statistics and rules use.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace tocsin_test {

/// What was saved: names with their prefixes, and the numbers in order of storage.
using archive_content = std::map<std::string, std::vector<double>>;

template <bool Loading>
class memory_archive {
  public:
    static constexpr bool loading = Loading;

    explicit memory_archive(archive_content& content) : content_{&content} {}

    template <class T>
    void integer(const char* name, T& value) {
        auto number = static_cast<double>(value);
        transfer(name, &number, 1);
        value = static_cast<T>(number);
    }
    template <class T>
    void number(const char* name, T& value) {
        auto number = static_cast<double>(value);
        transfer(name, &number, 1);
        value = static_cast<T>(number);
    }
    template <class Matrix>
    void matrix(const char* name, Matrix& values) {
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
