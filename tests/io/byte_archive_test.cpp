#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/byte_archive.hpp"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using tocsin::byte_reader;
using tocsin::byte_writer;
using tocsin::column;
using tocsin::finiteness;
using tocsin::matrix;

namespace {

const double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

constexpr std::array one_and_a_half{1.5F};
constexpr std::array three{1.0, 2.0, 3.0};

enum class colour : std::uint8_t { red, green, blue };

struct inner_part {
    static constexpr int version = 3;
    std::int16_t number = 0;
    template <class Archive>
    void exchange(Archive& archive) {
        CHECK(archive.version() >= version); // what is saved with a stream is always of today
        archive.integer("number", number);
    }
};

/// An object with a member for every function of the archives.
struct everything {
    bool enabled = false;
    colour paint = colour::red;
    std::int8_t small = 0;
    std::int64_t large = 0;
    std::uint64_t state = 0;
    float threshold = 0;
    double level = 0;
    double limit = 0;
    double time = 0;
    std::string name;
    std::vector<std::string> names;
    std::array<std::int32_t, 3> runs{};
    tocsin::aligned_vector<float> parameters = tocsin::aligned_vector<float>(6);
    std::array<double, 2> pair{};
    std::vector<double> history;
    matrix<float> grid = matrix<float>::Zero(2, 3);
    matrix<double> free;
    matrix<double, 2, tocsin::dynamic> half_free;
    column<double, 3> fixed = column<double, 3>::Zero();
    inner_part inner;
    inner_part scoped;

    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("features", 3);
        archive.expect("kind", "everything");
        archive.integer("enabled", enabled);
        archive.integer("paint", paint, colour::red, colour::blue);
        archive.integer("small", small);
        archive.integer("large", large, std::int64_t{-10},
                        std::numeric_limits<std::int64_t>::max());
        archive.integer("state", state);
        archive.number("threshold", threshold);
        archive.number("level", level);
        archive.number("limit", limit, finiteness::optional);
        archive.real("time", time);
        archive.text("name", name);
        archive.texts("names", names);
        archive.array("runs", std::span(runs));
        archive.tensor("parameters", std::span(parameters), {3, 2});
        archive.tensor("parameters", std::span(parameters), {3, 2}, finiteness::optional);
        const std::vector<tocsin::index_t> shape{2};
        archive.tensor("pair", std::span(pair), std::span(shape));
        archive.values("pair", pair);
        archive.values("history", history, finiteness::optional);
        archive.matrix("grid", grid);
        archive.matrix("free", free, finiteness::optional);
        archive.matrix("half_free", half_free);
        archive.matrix("fixed", fixed);
        archive.object("inner", inner);
        {
            const auto scope = archive.scope("scoped");
            scoped.exchange(archive);
        }
        CHECK(archive.contains("anything"));
    }
};

everything sample() {
    everything object;
    object.enabled = true;
    object.paint = colour::blue;
    object.small = -128;
    object.large = std::numeric_limits<std::int64_t>::max();
    object.state = std::numeric_limits<std::uint64_t>::max();
    object.threshold = 0.1F;
    object.level = -1e308;
    object.limit = -infinity;
    object.time = not_a_number;
    object.name = std::string("a\0b", 3);
    object.names = {"x", "", "z"};
    object.runs = {-1, 0, std::numeric_limits<std::int32_t>::max()};
    object.parameters = {1, -0.0F, std::numeric_limits<float>::denorm_min(), 4, 5, 6};
    object.pair = {0.25, -3};
    object.history = {1, not_a_number, -infinity};
    object.grid << 1, 2, 3, 4, 5, 6;
    object.free.setConstant(2, 4, 0.5);
    object.half_free.setConstant(2, 3, -7);
    object.fixed << 1, 2, 3;
    object.inner.number = -2;
    object.scoped.number = 9;
    return object;
}

template <class Object>
std::vector<std::byte> saved(const Object& object) {
    byte_writer archive;
    archive.object("object", object);
    REQUIRE_MESSAGE(archive.outcome().ok(), archive.outcome().message());
    return archive.bytes();
}

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
    std::vector<std::byte> bytes;
    for (const int value : values) {
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

/// What one call writes.
template <class Save>
std::vector<std::byte> written(Save save) {
    byte_writer archive;
    save(archive);
    REQUIRE_MESSAGE(archive.outcome().ok(), archive.outcome().message());
    return archive.bytes();
}

/// Saves with one function, loads with another, returns why that failed.
template <class Save, class Load>
std::string refusal(Save save, Load load) {
    const auto bytes = written(save);
    byte_reader archive(bytes);
    load(archive);
    return archive.outcome().message();
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("byte archive: an object described once is saved and loaded bit for bit") {
        const everything original = sample();
        const auto bytes = saved(original);
        byte_reader archive(bytes);
        everything loaded;
        archive.object("object", loaded);
        REQUIRE_MESSAGE(archive.outcome().ok(), archive.outcome().message());
        CHECK(archive.remaining() == 0);
        CHECK(loaded.enabled);
        CHECK(loaded.paint == colour::blue);
        CHECK(loaded.small == -128);
        CHECK(loaded.large == original.large);
        CHECK(loaded.state == original.state);
        CHECK(loaded.threshold == 0.1F);
        CHECK(loaded.level == -1e308);
        CHECK(loaded.limit == -infinity);
        CHECK(std::isnan(loaded.time));
        CHECK(loaded.name == original.name);
        CHECK(loaded.names == original.names);
        CHECK(loaded.runs == original.runs);
        CHECK(loaded.parameters == original.parameters);
        CHECK(std::signbit(loaded.parameters[1]));
        CHECK(loaded.pair == original.pair);
        REQUIRE(loaded.history.size() == 3);
        CHECK(std::isnan(loaded.history[1]));
        CHECK(loaded.grid == original.grid);
        CHECK(loaded.free == original.free);
        CHECK(loaded.half_free == original.half_free);
        CHECK(loaded.fixed == original.fixed);
        CHECK(loaded.inner.number == -2);
        CHECK(loaded.scoped.number == 9);
        CHECK(saved(loaded) == bytes);
    }

    TEST_CASE("byte archive: values lie in little endian, spelled out") {
        CHECK(written([](auto& a) { a.scalar(std::uint32_t{0x04030201}); }) ==
              bytes_of({1, 2, 3, 4}));
        CHECK(written([](auto& a) { a.scalar(std::uint16_t{0x0201}); }) == bytes_of({1, 2}));
        CHECK(written([](auto& a) { a.scalar(std::int8_t{-1}); }) == bytes_of({0xFF}));
        CHECK(written([](auto& a) { a.integer("x", 258); }) == bytes_of({2, 1, 0, 0, 0, 0, 0, 0}));
        CHECK(written([](auto& a) { a.integer("x", std::int8_t{-2}); }) ==
              bytes_of({0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}));
        CHECK(written([](auto& a) { a.integer("x", colour::blue); }) ==
              bytes_of({2, 0, 0, 0, 0, 0, 0, 0}));
        CHECK(written([](auto& a) { a.expect("x", 3); }) == bytes_of({3, 0, 0, 0, 0, 0, 0, 0}));
        // 1.5 = 0x3FF8000000000000, also from float; 1.5f = 0x3FC00000.
        CHECK(written([](auto& a) { a.number("x", 1.5F); }) ==
              bytes_of({0, 0, 0, 0, 0, 0, 0xF8, 0x3F}));
        CHECK(written([](auto& a) { a.real("x", -1.5); }) ==
              bytes_of({0, 0, 0, 0, 0, 0, 0xF8, 0xBF}));
        CHECK(written([](auto& a) { a.array("x", std::span<const float>(one_and_a_half)); }) ==
              bytes_of({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0x3F}));
        CHECK(written([](auto& a) { a.text("x", "AB"); }) ==
              bytes_of({2, 0, 0, 0, 0, 0, 0, 0, 0x41, 0x42}));
        CHECK(written([](auto& a) { a.expect("x", "AB"); }) ==
              bytes_of({2, 0, 0, 0, 0, 0, 0, 0, 0x41, 0x42}));
        // Rows, count, then the columns.
        const Eigen::Matrix<std::uint8_t, 2, 2> grid{{1, 2}, {3, 4}};
        CHECK(written([&](auto& a) { a.matrix("x", grid); }) ==
              bytes_of({2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 3, 2, 4}));
    }

    TEST_CASE("byte archive: bytes that end early are refused wherever they end") {
        const auto bytes = saved(sample());
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CAPTURE(size);
            byte_reader archive(std::span<const std::byte>(bytes).first(size));
            everything loaded;
            archive.object("object", loaded);
            CHECK(archive.outcome().code() == tocsin::error_code::format_error);
            CHECK_FALSE(std::string_view(archive.outcome().message()).empty());
        }
    }

    TEST_CASE("byte archive: damaged bytes load or are refused, and take no memory beyond them") {
        const auto bytes = saved(sample());
        for (std::size_t position = 0; position < bytes.size(); ++position) {
            for (const int mask : {0x01, 0x40, 0x80, 0xFF}) {
                auto damaged = bytes;
                damaged[position] ^= static_cast<std::byte>(mask);
                byte_reader archive(damaged);
                everything loaded;
                archive.object("object", loaded);
                CHECK(archive.outcome().ok() ==
                      std::string_view(archive.outcome().message()).empty());
                if (archive.outcome().ok() && archive.remaining() == 0) {
                    const auto again = saved(loaded);
                    CHECK(again.size() == bytes.size());
                }
            }
        }
    }

    TEST_CASE("byte archive: NaN and infinity pass by real() and on request, not by number()") {
        for (const double value : {not_a_number, infinity, -infinity, -0.0}) {
            const auto bytes = written([&](auto& a) { a.real("x", value); });
            byte_reader archive(bytes);
            double loaded = 1;
            archive.real("x", loaded);
            CHECK(archive.outcome().ok());
            CHECK(std::bit_cast<std::uint64_t>(loaded) == std::bit_cast<std::uint64_t>(value));
        }
        for (const double value : {not_a_number, infinity, -infinity}) {
            byte_writer writer;
            writer.number("x", value);
            CHECK(writer.outcome().code() == tocsin::error_code::invalid_data);
            CHECK(std::string_view(writer.outcome().message()).find("'x' is") !=
                  std::string_view::npos);
            double loaded = 1;
            CHECK(refusal([&](auto& a) { a.real("x", value); },
                          [&](auto& a) { a.number("x", loaded); })
                      .find("not finite") != std::string::npos);
            CHECK(loaded == 1);
            CHECK(refusal([&](auto& a) { a.number("x", value, finiteness::optional); },
                          [&](auto& a) { a.number("x", loaded, finiteness::optional); })
                      .empty());
            CHECK_FALSE(std::isfinite(loaded));
        }
        float narrow = 1;
        CHECK(
            refusal([](auto& a) { a.number("x", 1e300); }, [&](auto& a) { a.number("x", narrow); })
                .find("too large") != std::string::npos);
        CHECK(narrow == 1);
    }

    TEST_CASE("byte archive: integers beyond their range are refused") {
        const auto load = [](auto stored, auto target, auto... range) {
            const auto before = target;
            const auto why = refusal([&](auto& a) { a.integer("n", stored); },
                                     [&](auto& a) { a.integer("n", target, range...); });
            CHECK((why.empty() || target == before));
            return why;
        };
        CHECK(load(300, std::uint8_t{1}) == "stream: 'n' is 300, out of range");
        CHECK(load(-1, std::uint8_t{1}) == "stream: 'n' is -1, out of range");
        CHECK(load(2, true) == "stream: 'n' is 2, out of range");
        CHECK(load(1, false).empty());
        CHECK(load(3, colour::red, colour::red, colour::blue) == "stream: 'n' is 3, out of range");
        CHECK(load(2, colour::red, colour::red, colour::blue).empty());
        CHECK(load(-1, colour::red) == "stream: 'n' is -1, out of range");
        CHECK(load(-4, 0, -3, 3) == "stream: 'n' is -4, out of range");
        CHECK(load(4, 0, -3, 3) == "stream: 'n' is 4, out of range");
        CHECK(load(-3, 0, -3, 3).empty());
        CHECK(load(3, 0, -3, 3).empty());
        CHECK(load(std::int64_t{1} << 40, 0) == "stream: 'n' is 1099511627776, out of range");
        CHECK(load(std::numeric_limits<std::int64_t>::min(), std::int64_t{0}).empty());
        CHECK(load(std::numeric_limits<std::uint64_t>::max(), std::uint64_t{0}).empty());
    }

    TEST_CASE("byte archive: what does not fit is refused, naming both sides") {
        const auto save_three = [](auto& a) { a.array("v", std::span<const double>(three)); };
        std::array<double, 2> two{7, 8};
        CHECK(refusal(save_three, [&](auto& a) { a.array("v", std::span(two)); }) ==
              "stream: 'v' has 3 values, expected 2");
        CHECK(refusal(save_three, [&](auto& a) { a.values("v", two); }) ==
              "stream: 'v' has 3 values, expected 2");
        std::vector<double> four(4, 9);
        CHECK(refusal(save_three, [&](auto& a) { a.values("v", four); }) ==
              "stream: 'v' has 3 values, expected 4");
        CHECK(two == std::array<double, 2>{7, 8});
        CHECK(four == std::vector<double>(4, 9));
        CHECK(refusal([](auto& a) { a.expect("n", 3); }, [](auto& a) { a.expect("n", 4); }) ==
              "stream: 'n' is 3, expected 4");
        CHECK(refusal([](auto& a) { a.expect("n", "abc"); },
                      [](auto& a) { a.expect("n", "abd"); }) == "stream: 'n' is not 'abd'");
        CHECK(
            refusal([](auto& a) { a.expect("n", "abc"); }, [](auto& a) { a.expect("n", "ab"); }) ==
            "stream: 'n' has 3 values, expected 2");
        const auto save_grid = [](auto& a) { a.matrix("m", matrix<double>::Ones(2, 3).eval()); };
        matrix<double> other = matrix<double>::Zero(3, 2);
        CHECK(refusal(save_grid, [&](auto& a) { a.matrix("m", other); }) ==
              "stream: 'm' is 2 x 3, expected 3 x 2");
        CHECK(other == matrix<double>::Zero(3, 2));
        matrix<double, tocsin::dynamic, 2> narrow;
        CHECK(refusal(save_grid, [&](auto& a) { a.matrix("m", narrow); }) ==
              "stream: 'm' is 2 x 3, expected 0 x 2");
    }

    TEST_CASE("byte archive: an empty column and an empty matrix are read as they were written") {
        byte_writer writer;
        const column<double> nothing;
        const matrix<double> no_rows(0, 0);
        writer.matrix("column", nothing);
        writer.matrix("matrix", no_rows);
        writer.number("after", 2.5);
        byte_reader reader(writer.bytes());
        column<double> loaded;
        matrix<double> grid;
        double after = 0;
        reader.matrix("column", loaded);
        reader.matrix("matrix", grid);
        reader.number("after", after);
        CHECK_MESSAGE(reader.outcome().ok(), reader.outcome().message());
        CHECK(loaded.size() == 0);
        CHECK(after == 2.5);
    }

    TEST_CASE("byte archive: counts beyond the bytes are refused before memory is taken") {
        const auto huge = [](auto& a) { a.integer("count", std::int64_t{1} << 60); };
        std::vector<double> vector;
        CHECK_FALSE(refusal(huge, [&](auto& a) { a.values("v", vector); }).empty());
        CHECK(vector.empty());
        std::string text = "old";
        CHECK_FALSE(refusal(huge, [&](auto& a) { a.text("v", text); }).empty());
        CHECK(text == "old");
        std::vector<std::string> texts{"old"};
        CHECK(refusal(huge, [&](auto& a) { a.texts("v", texts); }).find("more than the bytes") !=
              std::string::npos);
        CHECK(texts == std::vector<std::string>{"old"});
        matrix<double> grid;
        const auto huge_grid = [](auto& a) {
            a.integer("rows", std::int64_t{1} << 30);
            a.integer("count", std::int64_t{1} << 60);
        };
        CHECK(refusal(huge_grid, [&](auto& a) { a.matrix("m", grid); }) ==
              "stream: 'm' is larger than the bytes");
        for (const auto& [row_count, value_count] :
             {std::pair{-1, 0}, std::pair{0, 1}, std::pair{2, 1}, std::pair{1, 2}}) {
            const auto why = refusal(
                [&, rows = row_count, count = value_count](auto& a) {
                    a.integer("rows", rows);
                    a.integer("count", count);
                    a.real("value", 1);
                },
                [&](auto& a) { a.matrix("m", grid); });
            CHECK_FALSE(why.empty());
            CHECK(grid.size() == 0);
        }
    }

    TEST_CASE("byte archive: the first failure sticks, later values stay untouched") {
        const auto bytes = written([](auto& a) {
            a.integer("a", 1);
            a.integer("b", 2);
        });
        byte_reader archive(bytes);
        int a = 10;
        int b = 20;
        std::string text = "old";
        matrix<double> grid = matrix<double>::Ones(1, 1);
        inner_part inner{.number = 5};
        archive.integer("a", a, 5, 9);
        const std::string why = archive.outcome().message();
        CHECK(why == "stream: 'a' is 1, out of range");
        archive.integer("b", b);
        archive.text("text", text);
        archive.matrix("grid", grid);
        archive.object("inner", inner);
        archive.expect("n", 2);
        archive.fail(tocsin::status::error(tocsin::error_code::invalid_data, "later"));
        archive.fail({});
        CHECK(a == 10);
        CHECK(b == 20);
        CHECK(text == "old");
        CHECK(grid == matrix<double>::Ones(1, 1));
        CHECK(inner.number == 5);
        CHECK(archive.outcome().message() == why);

        byte_writer writer;
        writer.fail({});
        CHECK(writer.outcome().ok());
        writer.fail(tocsin::status::error(tocsin::error_code::invalid_data, "first"));
        writer.fail(tocsin::status::error(tocsin::error_code::invalid_data, "second"));
        CHECK(std::string_view(writer.outcome().message()) == "first");
    }
}
