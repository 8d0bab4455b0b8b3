/// @file sizes.hpp
/// @brief The sizes of a chain of layers, known at compile time or at run time.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/layers/memory_bounds.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <span>
#include <utility>

namespace tocsin {

/// Longest chain with run-time sizes: an input size and 15 layers.
inline constexpr int maximum_chain_sizes = 16;

/// Largest layer size that a file may ask for: a broken file must not allocate without limit.
inline constexpr int maximum_layer_size = 65536;

namespace detail {
inline std::array<char, 24> size_name(int position) noexcept {
    std::array<char, 24> name{};
    std::snprintf(name.data(), name.size(), "size.%d", position);
    return name;
}
} // namespace detail

/// Input size followed by one output size per layer. `chain_sizes<8, 64, 32>` is two layers, 8 to
/// 64 and 64 to 32, and stores nothing; `chain_sizes<>` stores up to `maximum_chain_sizes` run-time
/// sizes in place.
template <int... Sizes>
class chain_sizes {
  public:
    static constexpr bool is_static = true;
    static constexpr int layers() noexcept { return static_cast<int>(sizeof...(Sizes)) - 1; }
    /// Size at a position, the input at 0.
    static constexpr int size(int position) noexcept {
        constexpr std::array<int, sizeof...(Sizes)> values{Sizes...};
        return values[static_cast<std::size_t>(position)];
    }
    status check(const char* /*what*/) const noexcept {
        static_assert(sizeof...(Sizes) >= 2 && ((Sizes > 0) && ...),
                      "a chain needs an input size and at least one layer, all positive");
        return {};
    }

    /// Describes the sizes to an archive; a loaded file must match the compiled ones.
    template <class Archive>
    static void exchange(Archive& archive) {
        archive.expect("layers", layers());
        for (int position = 0; position <= layers(); ++position) {
            archive.expect(detail::size_name(position).data(), size(position));
        }
    }

    /// Calls `visit.template operator()<In, Out>(k, in, out)` for each layer, front to back.
    template <class Visit>
    TOCSIN_ALWAYS_INLINE static constexpr void for_each_layer(Visit&& visit) {
        [&]<std::size_t... K>(std::index_sequence<K...>) TOCSIN_ALWAYS_INLINE {
            (visit.template operator()<size(K), size(K + 1)>(static_cast<int>(K), size(K),
                                                             size(K + 1)),
             ...);
        }(std::make_index_sequence<static_cast<std::size_t>(layers())>{});
    }
    /// The same, back to front.
    template <class Visit>
    static constexpr void for_each_layer_reversed(Visit&& visit) {
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            (visit.template operator()<size(layers() - 1 - static_cast<int>(K)),
                                       size(layers() - static_cast<int>(K))>(
                 layers() - 1 - static_cast<int>(K), size(layers() - 1 - static_cast<int>(K)),
                 size(layers() - static_cast<int>(K))),
             ...);
        }(std::make_index_sequence<static_cast<std::size_t>(layers())>{});
    }
};

/// Sizes that are known at run time.
template <>
class chain_sizes<> {
  public:
    static constexpr bool is_static = false;

    constexpr chain_sizes() noexcept = default;
    /// check() reports a list longer than `maximum_chain_sizes`.
    constexpr chain_sizes(std::span<const int> sizes) noexcept
        : given_{static_cast<int>(sizes.size())}, count_{std::min(given_, maximum_chain_sizes)} {
        std::copy_n(sizes.begin(), static_cast<std::size_t>(count_), values_.begin());
    }
    /// Sizes in order, the input first.
    constexpr chain_sizes(std::initializer_list<int> sizes) noexcept
        : chain_sizes(std::span<const int>{sizes.begin(), sizes.size()}) {}

    constexpr int layers() const noexcept { return count_ > 0 ? count_ - 1 : 0; }
    /// Size at a position, the input at 0.
    constexpr int size(int position) const noexcept {
        return values_[static_cast<std::size_t>(position)];
    }
    status check(const char* what) const noexcept {
        if (count_ < 2) {
            return status::error(error_code::invalid_argument, what,
                                 ": needs an input size and at least one layer, has ", count_,
                                 " sizes");
        }
        if (given_ > maximum_chain_sizes) {
            return status::error(error_code::invalid_argument, what, ": ", given_ - 1,
                                 " layers, at most ", maximum_chain_sizes - 1, " are supported");
        }
        for (int position = 0; position < count_; ++position) {
            if (size(position) < 1) {
                return status::error(error_code::invalid_argument, what, ": size ", size(position),
                                     " at position ", position, " must be at least 1");
            }
        }
        return check_memory(what);
    }

    /// Describes the sizes to an archive; a loaded file sets them.
    template <class Archive>
    void exchange(Archive& archive) {
        int layer_count = layers();
        archive.integer("layers", layer_count, 1, maximum_chain_sizes - 1);
        if (!archive.outcome().ok()) {
            return;
        }
        if constexpr (Archive::loading) {
            given_ = count_ = layer_count + 1;
        }
        for (int position = 0; position < count_; ++position) {
            archive.integer(detail::size_name(position).data(),
                            values_[static_cast<std::size_t>(position)], 1, maximum_layer_size);
        }
    }

    /// Calls `visit(k, inputs, outputs)` for each layer, first to last.
    template <class Visit>
    TOCSIN_ALWAYS_INLINE constexpr void for_each_layer(Visit&& visit) const {
        for (int k = 0; k < layers(); ++k) {
            visit.template operator()<dynamic, dynamic>(k, size(k), size(k + 1));
        }
    }
    /// Calls `visit(k, inputs, outputs)` for each layer, last to first.
    template <class Visit>
    constexpr void for_each_layer_reversed(Visit&& visit) const {
        for (int k = layers() - 1; k >= 0; --k) {
            visit.template operator()<dynamic, dynamic>(k, size(k), size(k + 1));
        }
    }

  private:
    /// No sum or product of sizes wraps where the weights of the largest kind of layer, an LSTM, can
    /// be addressed several times over: parameters, packed weights, gradients.
    status check_memory(const char* what) const noexcept {
        checked_size bytes = 0;
        for (int position = 1; position < count_; ++position) {
            bytes = bytes + detail::memory_of_weights(checked_size{4} * size(position),
                                                      checked_size{size(position - 1)} +
                                                          size(position) + 1);
        }
        if (!bytes.valid()) {
            return status::error(error_code::invalid_argument, what, ": layers of up to ",
                                 *std::max_element(values_.begin(), values_.begin() + count_),
                                 " values are too large for the memory that can be addressed");
        }
        return {};
    }

    std::array<int, maximum_chain_sizes> values_{};
    int given_ = 0; // sizes passed by the caller, so that check() can report a list that was cut
    int count_ = 0;
};

} // namespace tocsin
