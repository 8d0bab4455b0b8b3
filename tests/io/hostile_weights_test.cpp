// Weights of other programs that ask for more memory than the file bears out, or name sizes whose
// products wrap.
#include "tocsin/io/converted_network.hpp"
#include "tocsin/io/converted_sequential.hpp"
#include "tocsin/io/pytorch.hpp"
#include "tocsin/io/pytorch_sequential.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/sequential.hpp"

#include <doctest/doctest.h>

#include "failing_allocations.hpp"
#include "support/allocation_counter.hpp"
#include "temporary_directory.hpp"
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

using namespace tocsin;
using tocsin_test::temporary_directory;

namespace {

auto last_of_lstm(int hidden) {
    return sequential(lstm<float>(1, hidden), pooling<float, last_step>(hidden));
}
template <class Network>
aligned_vector<float> weights_of(const Network& network) {
    aligned_vector<float> weights(static_cast<std::size_t>(network.parameter_count()));
    random_generator random{1};
    network.initialise(weights, random);
    return weights;
}
/// A file of save_converted() whose probe is replaced by zeros of another length.
void lengthen_probe(const std::filesystem::path& path, index_t steps) {
    const auto original = safetensors_reader::open(path);
    REQUIRE(original.has_value());
    safetensors_writer copy;
    for (const auto& tensor : original->tensors()) {
        const bool probe = tensor.name == "probe.input";
        std::vector<float> values(static_cast<std::size_t>(probe ? steps : tensor.count()));
        if (!probe) {
            original->copy_converted(tensor, std::span<float>(values));
        }
        const auto shape = probe ? std::vector<index_t>{steps, 1} : tensor.shape;
        REQUIRE(copy.add_tensor(tensor.name, std::span<const float>(values), shape).ok());
    }
    for (const auto& [key, value] : original->metadata()) {
        REQUIRE(copy.add_metadata(key, value).ok());
    }
    REQUIRE(copy.write(path).ok());
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("hostile weights: a long probe takes no more memory than the file bears out") {
        // 1.4 MB that took 0.4 GB, and 6.4 GB with the longest probe.
        const temporary_directory directory;
        const auto path = directory / "long";
        const auto network = last_of_lstm(256);
        auto weights = weights_of(network);
        REQUIRE(save_converted(path, network, std::span<const float>(weights)).ok());
        lengthen_probe(path, 1 << 16);
        const auto refusals = [&](const converted_options& options) {
            const auto known = load_converted(path, network, std::span<float>(weights), options);
            const auto unknown = load_converted_network<float>(path, options);
            REQUIRE_FALSE(known.ok());
            REQUIRE_FALSE(unknown.has_value());
            CHECK(std::string(known.message()) == std::string(unknown.error().message()));
            return std::string(known.message());
        };
        tocsin_test::set_allocation_faults({});
        const std::string said = refusals({});
        CHECK_MESSAGE(said.find("'replay' needs ") != std::string::npos, said);
        if (tocsin_test::allocations_can_fail()) {
            CHECK(tocsin_test::peak_bytes() < 20'000'000);
        }
        const std::string least = refusals({.file = {.memory_factor = 1}});
        CHECK_MESSAGE(least.find("are left of 1 times the file") != std::string::npos, least);
    }

    TEST_CASE("hostile weights: a refused allocation is a status") {
        const temporary_directory directory;
        const auto path = directory / "small";
        const auto network = last_of_lstm(64);
        auto weights = weights_of(network);
        REQUIRE(save_converted(path, network, std::span<const float>(weights)).ok());
        tocsin_test::check_every_failure(
            [&] { return load_converted(path, network, std::span<float>(weights)).code(); });
        tocsin_test::check_every_failure([&] {
            const auto loaded = load_converted_network<float>(path);
            return loaded ? error_code::ok : loaded.error().code();
        });
        const lstm<float> layer(1, 64);
        tocsin_test::check_every_failure([&] {
            return load_pytorch_lstm(path, "0", layer,
                                     std::span<float>(weights).first(
                                         static_cast<std::size_t>(layer.parameter_count())),
                                     {.allow_left_over = true})
                .code();
        });
        const auto file = safetensors_reader::open(path);
        REQUIRE(file.has_value());
        const std::vector<std::string> modules{"0"};
        tocsin_test::check_every_failure([&] {
            return load_pytorch(*file, network, std::span<float>(weights), modules,
                                {.ignored_prefix = "probe."})
                .code();
        });
    }

    TEST_CASE(
        "hostile weights: the shape of a tensor without elements is compared, not computed with") {
        // Four times its rows are more than an index_t holds, which UndefinedBehaviorSanitizer finds.
        const std::string rows = std::to_string(std::numeric_limits<index_t>::max() / 2);
        std::string header =
            R"({"weight_ih_l0":{"dtype":"F16","shape":[)" + rows + R"(,0],"data_offsets":[0,0]}})";
        const std::uint64_t length = header.size();
        std::string bytes(sizeof length, '\0');
        std::memcpy(bytes.data(), &length, sizeof length);
        const auto file = safetensors_reader::from_bytes(std::as_bytes(std::span(bytes += header)));
        REQUIRE_MESSAGE(file.has_value(), file.error().message());
        const lstm<float> layer(1, 3);
        auto weights = weights_of(layer);
        const auto refused =
            load_pytorch(*file, layer, std::span<float>(weights), {{{"", ""}}}, {});
        CHECK_MESSAGE(
            std::string(refused.message()).find("has shape [" + rows + ", 0], expected") !=
                std::string::npos,
            refused.message());
    }
}
