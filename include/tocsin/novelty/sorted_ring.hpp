/// @file sorted_ring.hpp
/// @brief The last values of a stream, in order of size.
#pragma once

#include "tocsin/core/emptied_by_move.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace tocsin::detail {

/// The last `capacity` values as a search tree over the slots of a ring: a treap (Seidel and Aragon
/// 1996), whose priorities are a hash of the slot and of where the ring lies in memory, so that nobody
/// can choose values for which its shape is a list. Distances do not depend on the shape. push() and
/// nearest_distance() take O(log capacity) on average. Only the constructor allocates. Moved from, it
/// has no capacity and no values.
class sorted_ring {
  public:
    explicit sorted_ring(int capacity = 1)
        : nodes_(static_cast<std::size_t>(std::max(capacity, 1))),
          salt_{mixed(
              static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(nodes_.data()) >> 4U))} {}

    int capacity() const noexcept { return static_cast<int>(nodes_.size()); }
    int count() const noexcept { return state_.count; }
    /// Value k of the ring, 0 the oldest.
    double value(int k) const noexcept {
        return at(state_.count < capacity() ? k : (state_.next + k) % capacity()).value;
    }

    /// Adds a finite value; the oldest leaves a full ring. Nothing without a capacity.
    void push(double value) noexcept {
        if (capacity() == 0) {
            return;
        }
        if (state_.count == capacity()) {
            erase(state_.next);
        } else {
            ++state_.count;
        }
        at(state_.next) = {value, none, none};
        insert(state_.next);
        state_.next = state_.next + 1 == capacity() ? 0 : state_.next + 1;
    }
    /// Distance to the nearest value; infinity for none.
    double nearest_distance(double value) const noexcept {
        double nearest = std::numeric_limits<double>::infinity();
        for (int node = state_.root; node != none;) {
            nearest = std::min(nearest, std::abs(at(node).value - value));
            node = value < at(node).value ? at(node).left : at(node).right;
        }
        return nearest;
    }
    double smallest() const noexcept { return end(&node_type::left); }
    double largest() const noexcept { return end(&node_type::right); }
    void clear() noexcept { state_ = state_type{}; }

  private:
    static constexpr std::int32_t none = -1;
    struct node_type {
        double value = 0;
        std::int32_t left = none;
        std::int32_t right = none;
    };

    struct state_type {
        std::int32_t root = none;
        int count = 0;
        int next = 0; ///< where the next value goes
    };

    node_type& at(int node) noexcept { return nodes_[static_cast<std::size_t>(node)]; }
    const node_type& at(int node) const noexcept { return nodes_[static_cast<std::size_t>(node)]; }
    /// A permutation of 32 bits, so that no two slots are alike.
    static std::uint32_t mixed(std::uint32_t x) noexcept {
        x = (x ^ (x >> 16U)) * 0x7FEB352DU;
        x = (x ^ (x >> 15U)) * 0x846CA68BU;
        return x ^ (x >> 16U);
    }
    std::uint32_t priority(int node) const noexcept {
        return mixed(static_cast<std::uint32_t>(node) ^ salt_);
    }
    /// Order by value, then by slot.
    bool before(int a, int b) const noexcept {
        return at(a).value < at(b).value || (at(a).value == at(b).value && a < b);
    }
    double end(std::int32_t node_type::* side) const noexcept {
        int node = state_.root;
        while (node != none && at(node).*side != none) {
            node = at(node).*side;
        }
        return node == none ? std::numeric_limits<double>::quiet_NaN() : at(node).value;
    }

    void insert(int node) noexcept {
        std::int32_t* place = &state_.root;
        while (*place != none && priority(*place) > priority(node)) {
            place = before(node, *place) ? &at(*place).left : &at(*place).right;
        }
        // Split what hangs there into what is before and after the new node.
        std::int32_t rest = *place;
        *place = node;
        std::int32_t* left = &at(node).left;
        std::int32_t* right = &at(node).right;
        while (rest != none) {
            if (before(rest, node)) {
                *left = rest;
                left = &at(rest).right;
                rest = *left;
            } else {
                *right = rest;
                right = &at(rest).left;
                rest = *right;
            }
        }
        *left = none;
        *right = none;
    }
    void erase(int node) noexcept {
        std::int32_t* place = &state_.root;
        while (*place != node) {
            place = before(node, *place) ? &at(*place).left : &at(*place).right;
        }
        // Merge its two subtrees in its place.
        std::int32_t left = at(node).left;
        std::int32_t right = at(node).right;
        while (left != none && right != none) {
            if (priority(left) > priority(right)) {
                *place = left;
                place = &at(left).right;
                left = *place;
            } else {
                *place = right;
                place = &at(right).left;
                right = *place;
            }
        }
        *place = left != none ? left : right;
    }

    std::vector<node_type> nodes_;
    std::uint32_t salt_;
    emptied_by_move<state_type> state_;
};

} // namespace tocsin::detail
