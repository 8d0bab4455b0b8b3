#include "tocsin/layers/sizes.hpp"

#include <doctest/doctest.h>

#include <string_view>
#include <type_traits>
#include <vector>

namespace {

template <class Chain>
std::vector<int> front_to_back(const Chain& chain) {
    std::vector<int> visited;
    chain.for_each_layer([&]<int In, int Out>(int k, int in, int out) {
        visited.insert(visited.end(), {k, in, out});
    });
    return visited;
}
template <class Chain>
std::vector<int> back_to_front(const Chain& chain) {
    std::vector<int> visited;
    chain.for_each_layer_reversed([&]<int In, int Out>(int k, int in, int out) {
        visited.insert(visited.end(), {k, in, out});
    });
    return visited;
}

} // namespace

TEST_SUITE("layers") {

    TEST_CASE("sizes: static and dynamic chains visit the same layers, in both directions") {
        using fixed = tocsin::chain_sizes<8, 64, 32, 3>;
        const tocsin::chain_sizes<> flexible{8, 64, 32, 3};
        CHECK(std::is_empty_v<fixed>);
        CHECK(fixed::layers() == 3);
        CHECK(flexible.layers() == 3);
        CHECK(front_to_back(fixed{}) == std::vector<int>{0, 8, 64, 1, 64, 32, 2, 32, 3});
        CHECK(front_to_back(flexible) == front_to_back(fixed{}));
        CHECK(back_to_front(fixed{}) == std::vector<int>{2, 32, 3, 1, 64, 32, 0, 8, 64});
        CHECK(back_to_front(flexible) == back_to_front(fixed{}));
        CHECK(fixed{}.check("x").ok());
        CHECK(flexible.check("x").ok());
    }

    TEST_CASE("sizes: static layers know their sizes at compile time") {
        int sum = 0;
        tocsin::chain_sizes<2, 3, 4>::for_each_layer(
            [&]<int In, int Out>(int, int, int) { sum += 10 * In + Out; });
        CHECK(sum == 23 + 34);
    }

    TEST_CASE("sizes: what is wrong with a chain is named") {
        using chain = tocsin::chain_sizes<>;
        CHECK(std::string_view(chain{}.check("head").message()) ==
              "head: needs an input size and at least one layer, has 0 sizes");
        CHECK(std::string_view(chain{5}.check("head").message()) ==
              "head: needs an input size and at least one layer, has 1 sizes");
        CHECK(std::string_view(chain{5, 3, 0}.check("head").message()) ==
              "head: size 0 at position 2 must be at least 1");
        std::vector<int> many(16, 4);
        CHECK(chain{std::span<const int>(many)}.check("head").ok());
        many.push_back(4);
        CHECK(std::string_view(chain{std::span<const int>(many)}.check("head").message()) ==
              "head: 16 layers, at most 15 are supported");
    }

    TEST_CASE("sizes: a chain without layers visits nothing") {
        CHECK(front_to_back(tocsin::chain_sizes<>{}).empty());
        CHECK(back_to_front(tocsin::chain_sizes<>{4}).empty());
    }
}
