#include "tocsin/io/archive.hpp"
#include "tocsin/series/scaler.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string>

namespace {

/// A rule of a user's own.
struct largest_magnitude {
    static constexpr const char* kind = "largest_magnitude";
    template <class Scalar>
    static tocsin::offset_and_scale estimate(std::span<Scalar> values) {
        tocsin::offset_and_scale found{0, 0};
        for (const Scalar value : values) {
            const double size =
                value < 0 ? -static_cast<double>(value) : static_cast<double>(value);
            found.scale = size > found.scale ? size : found.scale;
        }
        return found;
    }
};

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("scaler: is saved under its kind", Scaler, tocsin::standard_scaler<float>,
                       tocsin::robust_scaler<double>, tocsin::min_max_scaler<float, 3>,
                       tocsin::identity_scaler<double>,
                       tocsin::affine_scaler<float, 3, largest_magnitude>) {
        using scalar = typename Scaler::scalar_type;
        tocsin::matrix<scalar> samples(3, 4);
        samples << 1, 2, 3, 5, -1, 0, 4, 2, 7, 8, 6, 9;
        Scaler scaler;
        REQUIRE(scaler.fit(samples).ok());
        tocsin::archive_writer writer;
        writer.object("scaler", scaler);
        const auto bytes = writer.encode();
        REQUIRE(bytes.ok());
        const auto reader = tocsin::archive_reader::from_bytes(std::as_bytes(std::span(*bytes)));
        REQUIRE(reader.ok());
        const auto stored = reader->metadata().find("scaler.kind");
        REQUIRE(stored != reader->metadata().end());
        CHECK(stored->second == std::string(Scaler::kind));
    }
}
