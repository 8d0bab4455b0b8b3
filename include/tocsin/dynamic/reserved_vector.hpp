/// @file reserved_vector.hpp
/// @brief A vector whose copies have its capacity.
#pragma once

#include <vector>

namespace tocsin::detail {

/// Scratch that is reserved once: copies keep the capacity, which those of std::vector lose, so that
/// what did not allocate before a copy does not allocate after it.
template <class T>
class reserved_vector : public std::vector<T> {
  public:
    reserved_vector() = default;
    reserved_vector(const reserved_vector& other) : std::vector<T>() { *this = other; }
    reserved_vector(reserved_vector&&) noexcept = default;
    reserved_vector& operator=(const reserved_vector& other) {
        if (this != &other) {
            this->reserve(other.capacity());
            this->assign(other.begin(), other.end());
        }
        return *this;
    }
    reserved_vector& operator=(reserved_vector&&) noexcept = default;
    ~reserved_vector() = default;
};

} // namespace tocsin::detail
