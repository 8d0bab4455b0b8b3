// Bytes of a stream that ask for more memory than they bear out.
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/forecaster.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

using namespace tocsin;

namespace {

using forecast_detector =
    detector<forecaster<float>, standard_scaler<float>, diagonal_gaussian<>, quantile_threshold>;

std::array<std::byte, 4> bytes_of(std::uint32_t value) {
    std::array<std::byte, 4> bytes{};
    for (std::size_t k = 0; k < 4; ++k) {
        bytes[k] = static_cast<std::byte>(value >> (8 * k));
    }
    return bytes;
}
/// Replaces one number of a stream and mends the checksum.
void replace(std::vector<std::byte>& bytes, std::uint32_t from, std::uint32_t to) {
    const auto old = bytes_of(from);
    const auto at = std::search(bytes.begin(), bytes.end(), old.begin(), old.end());
    REQUIRE(at != bytes.end());
    const auto made = bytes_of(to);
    std::copy(made.begin(), made.end(), at);
    const auto content = std::span<const std::byte>(bytes).first(bytes.size() - 4);
    const auto checksum = bytes_of(crc32(content));
    std::copy(checksum.begin(), checksum.end(), bytes.end() - 4);
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("hostile streams: updates take no more memory than the bytes bear out") {
        // 0.8 MB that took 0.2 GB, and 2 GB with more units.
        constexpr int usual = 1003; // a number that is found in the bytes
        forecast_detector made(tocsin_test::small_forecaster<float>(2, {128}));
        tocsin_test::learn_slow_waves(made, 1);
        auto stream = made.make_stream();
        const online_training_settings updates{.steps = usual};
        REQUIRE(made.enable_learning(stream, {.model = updates}).ok());
        const auto bytes = save_stream(made, stream);
        REQUIRE(bytes.has_value());
        CHECK(load_stream(made, *bytes).has_value());
        const auto refusal = [&](std::uint32_t steps) {
            auto changed = *bytes;
            replace(changed, usual, steps);
            tocsin_test::set_allocation_faults({});
            const auto loaded = load_stream(made, changed);
            if (tocsin_test::allocations_can_fail()) {
                CHECK(tocsin_test::peak_bytes() < 40'000'000);
            }
            return std::string(loaded ? "" : loaded.error().message());
        };
        const auto check = [&](std::uint32_t steps, const char* part) {
            const std::string said = refusal(steps);
            CHECK_MESSAGE(said.find(part) != std::string::npos, said);
        };
        check(60000, "'learning' needs ");
        check(1 << 20, "updates of 1048576 samples are larger than the bytes");
        check((1 << 20) + 1, "'steps' is 1048577, out of range");
        CHECK_FALSE(
            made.enable_learning(stream, {.model = online_training_settings{.steps = 1 << 21}})
                .ok());
    }
}
