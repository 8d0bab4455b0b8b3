#include "tocsin/core/random.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/io/archive.hpp"
#include "tocsin/series/scaler.hpp"

#include <doctest/doctest.h>

#include "temporary_directory.hpp"
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using tocsin::archive_reader;
using tocsin::archive_writer;
using tocsin::finiteness;
using tocsin::index_t;
using tocsin::matrix;
using tocsin_test::temporary_directory;

namespace {

enum class direction : std::uint8_t { forward, backward };

struct inner_part {
    tocsin::column<float> weights;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.matrix("weights", weights);
    }
    bool operator==(const inner_part&) const = default;
};

/// An object with one member for each kind of value.
template <class Scalar>
struct everything {
    std::string name;
    std::vector<std::string> names;
    int count = 0;
    std::uint64_t state = 0;
    bool enabled = false;
    direction way = direction::forward;
    Scalar threshold = 0;
    std::vector<double> history;
    tocsin::aligned_vector<Scalar> parameters;
    std::array<std::int64_t, 2> counts{};
    matrix<Scalar> grid;
    matrix<Scalar, 2, 3> fixed = matrix<Scalar, 2, 3>::Zero();
    matrix<Scalar, 1, tocsin::dynamic> row;
    inner_part inner;

    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("features", 3);
        archive.expect("kind", "everything");
        archive.text("name", name);
        archive.texts("names", names);
        archive.integer("count", count, 0, 1000);
        archive.integer("state", state);
        archive.integer("enabled", enabled);
        archive.integer("way", way, direction::forward, direction::backward);
        archive.number("threshold", threshold);
        archive.values("history", history, finiteness::optional);
        archive.values("parameters", parameters);
        archive.values("counts", counts);
        archive.matrix("grid", grid);
        archive.matrix("fixed", fixed);
        archive.matrix("row", row);
        archive.object("inner", inner);
    }
};

template <class Scalar>
everything<Scalar> sample() {
    everything<Scalar> object;
    object.name = "a \"name\"\n";
    object.names = {"x", "", "z"};
    object.count = 7;
    object.state = std::numeric_limits<std::uint64_t>::max();
    object.enabled = true;
    object.way = direction::backward;
    object.threshold = Scalar(0.1);
    object.history = {1, std::nan(""), -0.0};
    object.parameters = {Scalar(1) / 3, -2, std::numeric_limits<Scalar>::denorm_min()};
    object.counts = {-5, std::numeric_limits<std::int64_t>::max()};
    object.grid = matrix<Scalar>::Random(3, 4);
    object.fixed.setRandom();
    object.row.setRandom(5);
    object.inner.weights.setRandom(2);
    return object;
}

std::string encode(const archive_writer& writer) {
    auto file = writer.encode();
    REQUIRE_MESSAGE(file.has_value(), file.error().message());
    return *file;
}

template <class Object>
std::string saved(const Object& object) {
    archive_writer writer;
    writer.object("object", object);
    return encode(writer);
}

tocsin::result<archive_reader> read(std::string_view file) {
    return archive_reader::from_bytes(std::as_bytes(std::span{file}));
}

archive_reader reader_of(std::string_view file) {
    auto reader = read(file);
    REQUIRE_MESSAGE(reader.has_value(), reader.error().message());
    return *std::move(reader);
}

/// Saves with one function, loads with another, returns why that failed.
template <class Save, class Load>
std::string refusal(Save save, Load load) {
    archive_writer writer;
    save(writer);
    archive_reader reader = reader_of(encode(writer));
    load(reader);
    return reader.outcome().message();
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("archive: an object described once is saved and loaded bit for bit", Scalar,
                       float, double) {
        const temporary_directory directory;
        const auto original = sample<Scalar>();
        archive_writer writer;
        writer.object("object", original);
        REQUIRE_MESSAGE(writer.write(directory / "file").ok(), writer.outcome().message());
        auto reader = archive_reader::open(directory / "file");
        REQUIRE_MESSAGE(reader.has_value(), reader.error().message());
        everything<Scalar> loaded;
        reader->object("object", loaded);
        REQUIRE_MESSAGE(reader->outcome().ok(), reader->outcome().message());
        CHECK(loaded.name == original.name);
        CHECK(loaded.names == original.names);
        CHECK(loaded.count == 7);
        CHECK(loaded.state == original.state);
        CHECK(loaded.enabled);
        CHECK(loaded.way == direction::backward);
        CHECK(loaded.threshold == original.threshold);
        CHECK(std::isnan(loaded.history[1]));
        CHECK(std::signbit(loaded.history[2]));
        CHECK(loaded.parameters == original.parameters);
        CHECK(loaded.counts == original.counts);
        CHECK(loaded.grid == original.grid);
        CHECK(loaded.fixed == original.fixed);
        CHECK(loaded.row == original.row);
        CHECK(loaded.inner == original.inner);
        CHECK(saved(loaded) == saved(original));
    }

    TEST_CASE("archive: a matrix is stored as its transpose in row-major order") {
        archive_writer writer;
        const matrix<float> grid = matrix<float>::Random(2, 3);
        writer.matrix("grid", grid);
        const archive_reader reader = reader_of(encode(writer));
        CHECK(reader.tensors()[0].shape == std::vector<index_t>{3, 2});
    }

    TEST_CASE("archive: what does not fit is refused, naming both sides") {
        const auto no_save = [](auto&) {};
        struct counted {
            int value = 4;
        } target;
        CHECK(refusal(no_save, [](auto& a) {
                  int x = 0;
                  a.integer("x", x);
              }) == "'x' is missing");
        CHECK(refusal(no_save, [](auto& a) {
                  double x = 0;
                  a.number("x", x);
              }) == "'x' is missing");
        const auto save_int = [](auto& a) { a.integer("x", 300); };
        CHECK(refusal(save_int, [](auto& a) {
                  std::uint8_t x = 0;
                  a.integer("x", x);
              }) == "'x' is '300', expected an integer from 0 to 255");
        CHECK(refusal(save_int, [&](auto& a) { a.integer("x", target.value, 1, 299); }) ==
              "'x' is '300', expected an integer from 1 to 299");
        CHECK(target.value == 4);
        CHECK(refusal(save_int, [](auto& a) {
                  bool x = false;
                  a.integer("x", x);
              }) == "'x' is '300', expected an integer from 0 to 1");
        CHECK(refusal([](auto& a) { a.integer("x", -1); },
                      [](auto& a) {
                          unsigned x = 0;
                          a.integer("x", x);
                      })
                  .starts_with("'x' is '-1', expected"));
        CHECK(refusal([](auto& a) { a.integer("x", 2); },
                      [](auto& a) {
                          auto x = direction::forward;
                          a.integer("x", x, direction::forward, direction::backward);
                      }) == "'x' is '2', expected an integer from 0 to 1");
        for (const char* text : {"", " 1", "1 ", "+1", "0x1", "1.0", "99999999999999999999"}) {
            CHECK_FALSE(refusal([&](auto& a) { a.text("x", text); },
                                [](auto& a) {
                                    int x = 0;
                                    a.integer("x", x);
                                })
                            .empty());
        }
        CHECK(refusal([](auto& a) { a.expect("n", 3); }, [](auto& a) { a.expect("n", 4); }) ==
              "'n' is '3', expected '4'");
        CHECK(refusal([](auto& a) { a.number("x", 1e300); },
                      [](auto& a) {
                          float x = 0;
                          a.number("x", x);
                      })
                  .find("too large") != std::string::npos);
        const auto save_vector = [](auto& a) { a.values("v", std::vector<float>{1, 2, 3}); };
        CHECK(refusal(save_vector, [](auto& a) {
                  std::vector<double> v;
                  a.values("v", v);
              }) == "'v' has type F32, expected F64");
        CHECK(refusal(save_vector, [](auto& a) {
                  std::array<float, 2> v{};
                  a.values("v", v);
              }) == "'v' has shape [3], expected [2]");
        CHECK(refusal(save_vector, [](auto& a) {
                  std::vector<float> v(4);
                  a.values("v", v);
              }) == "'v' has shape [3], expected [4]");
        CHECK(refusal(save_vector, [](auto& a) {
                  matrix<float> m;
                  a.matrix("v", m);
              }) == "'v' has shape [3], expected [0, 0]");
        const auto save_matrix = [](auto& a) {
            a.matrix("m", matrix<double>{matrix<double>::Ones(2, 3)});
        };
        CHECK(refusal(save_matrix, [](auto& a) {
                  matrix<double, 3, 2> m;
                  a.matrix("m", m);
              }) == "'m' has shape [3, 2], expected [2, 3]");
        CHECK(refusal(save_matrix, [](auto& a) {
                  matrix<double> m = matrix<double>::Zero(2, 4);
                  a.matrix("m", m);
              }) == "'m' has shape [3, 2], expected [4, 2]");
        CHECK(refusal(save_matrix, [](auto& a) {
                  matrix<double, 2, tocsin::dynamic> m;
                  a.matrix("m", m);
                  CHECK(m.cols() == 3);
              }).empty());
    }

    TEST_CASE("archive: values that are not finite are refused in both directions") {
        const double infinity = std::numeric_limits<double>::infinity();
        archive_writer writer;
        writer.values("v", std::vector<double>{1, infinity});
        CHECK(std::string{writer.outcome().message()} == "archive: 'v' holds inf, which is not "
                                                         "finite");
        CHECK_FALSE(writer.encode().has_value());
        std::vector<double> target = {5, 6};
        CHECK(refusal(
                  [&](auto& a) {
                      a.values("v", std::vector<double>{1, infinity}, finiteness::optional);
                  },
                  [&](auto& a) { a.values("v", target); }) ==
              "'v' holds inf at position 1, which is not finite");
        CHECK(target == std::vector<double>{5, 6});
        CHECK(refusal([&](auto& a) { a.number("x", infinity, finiteness::optional); },
                      [&](auto& a) {
                          float x = 0;
                          a.number("x", x, finiteness::optional);
                          CHECK(std::isinf(x));
                      })
                  .empty());
    }

    TEST_CASE("archive: the first failure sticks, later values stay untouched") {
        archive_writer writer;
        writer.integer("a", 1);
        writer.integer("b", 2);
        archive_reader reader = reader_of(encode(writer));
        int a = 10;
        int b = 20;
        reader.integer("missing", a);
        reader.integer("b", b);
        reader.fail(tocsin::status::error(tocsin::error_code::invalid_data, "later"));
        CHECK(b == 20);
        CHECK(std::string{reader.outcome().message()} == "'missing' is missing");

        writer.fail(tocsin::status{});
        CHECK(writer.outcome().ok());
        writer.integer("a", 3); // twice
        CHECK_FALSE(writer.outcome().ok());
        const temporary_directory directory;
        CHECK_FALSE(writer.write(directory / "file").ok());
        CHECK(directory.count() == 0);
        archive_writer out_of_range;
        out_of_range.integer("x", 5, 0, 4);
        CHECK_FALSE(out_of_range.outcome().ok());
    }

    TEST_CASE("archive: scopes prefix names and end, contains() finds parts") {
        archive_writer writer;
        {
            const auto outer = writer.scope("outer");
            const auto inner = writer.scope("inner.");
            writer.integer("x", 1);
        }
        writer.number("y", 2.5);
        CHECK(writer.contains("anything"));
        archive_reader reader = reader_of(encode(writer));
        CHECK(reader.metadata().contains("outer.inner.x"));
        CHECK(reader.contains("outer"));
        CHECK(reader.contains("y"));
        CHECK_FALSE(reader.contains("out"));
        CHECK_FALSE(reader.contains("x"));
        const auto outer = reader.scope("outer");
        CHECK(reader.contains("inner"));
        CHECK_FALSE(reader.contains("y"));
    }

    TEST_CASE("archive: what nobody asks for is listed and does no harm") {
        archive_writer writer;
        writer.integer("used", 1);
        writer.values("extra", std::vector<float>{1, 2});
        writer.text("remark", "none");
        archive_reader reader = reader_of(encode(writer));
        int used = 0;
        reader.integer("used", used);
        CHECK(reader.outcome().ok());
        REQUIRE(reader.tensors().size() == 1);
        CHECK(reader.tensors()[0].name == "extra");
        CHECK(name_of(reader.tensors()[0].type) == "F32");
        CHECK(reader.metadata().at("remark") == "none");
        CHECK(reader.metadata().at("format_version") == "2");
    }

    TEST_CASE("archive: files without or with another format version are refused") {
        tocsin::safetensors_writer plain;
        const auto none = read(*plain.encode());
        REQUIRE_FALSE(none.has_value());
        CHECK(std::string{none.error().message()} == "'format_version' is missing");
        const auto refusal_of = [](const char* version) {
            tocsin::safetensors_writer file;
            REQUIRE(file.add_metadata("format_version", version).ok());
            const auto other = read(*file.encode());
            REQUIRE_FALSE(other.has_value());
            return std::string{other.error().message()};
        };
        CHECK(refusal_of("1") == "'format_version' is 1, this tocsin reads 2; train the detector "
                                 "anew");
        CHECK(refusal_of("3") == "'format_version' is 3, this tocsin reads 2; a newer tocsin wrote "
                                 "the file");
        CHECK(refusal_of("0").starts_with("'format_version' is '0', expected an integer from 1"));
        CHECK(refusal_of("two").starts_with("'format_version' is 'two', expected an integer"));
    }

    TEST_CASE("archive: a count of texts beyond the file is refused before it is allocated") {
        CHECK(refusal([](auto& a) { a.text("t.count", "1000000000000"); },
                      [](auto& a) {
                          std::vector<std::string> texts;
                          a.texts("t", texts);
                      })
                  .starts_with("'t.count' is '1000000000000', expected an integer from 0 to"));
    }

    TEST_CASE("archive: a damaged file never loads as another object") {
        const std::string file = saved(sample<float>());
        tocsin::random_generator random{1};
        for (int k = 0; k < 3000; ++k) {
            std::string damaged = file;
            const auto position = random.below(file.size());
            damaged[position] = static_cast<char>(random.below(256));
            auto reader = read(damaged);
            if (reader) {
                everything<float> loaded;
                reader->object("object", loaded);
                CHECK(reader->outcome().ok());
                CHECK(saved(loaded) == file);
            }
        }
    }

    TEST_CASE("archive: a changed file with right checksums loads or is refused, never crashes") {
        const std::string file = saved(sample<double>());
        std::uint64_t header = 0;
        std::memcpy(&header, file.data(), sizeof header);
        for (std::size_t position = 0; position < file.size(); ++position) {
            for (const unsigned mask : {0x01U, 0x04U, 0x10U, 0x80U}) {
                std::string damaged = file;
                damaged[position] =
                    static_cast<char>(static_cast<unsigned char>(damaged[position]) ^ mask);
                tocsin::detail::seal(damaged, header + 8);
                auto reader = read(damaged);
                if (reader) {
                    everything<double> loaded;
                    reader->object("object", loaded);
                    CHECK(reader->outcome().ok() == (reader->outcome().message()[0] == '\0'));
                }
            }
        }
    }

    TEST_CASE_TEMPLATE("archive: a loaded scaler gives the same bits", Scaler,
                       tocsin::standard_scaler<float>, tocsin::robust_scaler<double, 3>,
                       tocsin::min_max_scaler<float, 3>, tocsin::identity_scaler<double>,
                       tocsin::identity_scaler<float, 3>) {
        using Scalar = typename Scaler::scalar_type;
        const matrix<Scalar> samples = 7 * matrix<Scalar>::Random(3, 50);
        Scaler fitted;
        REQUIRE(fitted.fit(samples).ok());
        Scaler loaded;
        archive_reader reader = reader_of(saved(fitted));
        reader.object("object", loaded);
        REQUIRE_MESSAGE(reader.outcome().ok(), reader.outcome().message());
        CHECK(loaded.fitted());
        CHECK(loaded.features() == 3);
        matrix<Scalar> a = samples;
        matrix<Scalar> b = samples;
        fitted.transform(a);
        loaded.transform(b);
        CHECK(a == b);
        fitted.inverse(a);
        loaded.inverse(b);
        CHECK(a == b);
    }

    TEST_CASE("archive: scalers of other rules, types, sizes or with bad numbers are refused") {
        tocsin::standard_scaler<float> fitted;
        REQUIRE(fitted.fit(matrix<float>{matrix<float>::Random(3, 9)}).ok());
        const std::string file = saved(fitted);
        const auto load = [&](auto target) {
            archive_reader reader = reader_of(file);
            reader.object("object", target);
            CHECK_FALSE(target.fitted());
            return std::string{reader.outcome().message()};
        };
        CHECK(load(tocsin::min_max_scaler<float>{}) ==
              "'object.kind' is 'standard', expected 'min_max'");
        CHECK(load(tocsin::standard_scaler<double>{}) ==
              "'object.offset' has type F32, expected F64");
        CHECK(load(tocsin::standard_scaler<float, 2>{}) ==
              "'object.offset' has shape [3], expected [2]");

        archive_writer unfitted;
        unfitted.object("object", tocsin::standard_scaler<float>{});
        CHECK(unfitted.outcome().code() == tocsin::error_code::not_ready);

        for (const auto& [offset, scale] : {std::pair{2, 3}, std::pair{0, 0}, std::pair{3, 2}}) {
            archive_writer writer;
            writer.expect("object.kind", "standard");
            writer.expect("object.version", 1);
            writer.values("object.offset", std::vector<float>(std::size_t(offset), 1.0F));
            writer.values("object.scale", std::vector<float>(std::size_t(scale), 1.0F));
            archive_reader reader = reader_of(encode(writer));
            tocsin::standard_scaler<float> target;
            reader.object("object", target);
            CHECK_FALSE(reader.outcome().ok());
            CHECK_FALSE(target.fitted());
        }
        archive_writer writer;
        writer.expect("object.kind", "standard");
        writer.expect("object.version", 1);
        writer.values("object.offset", std::vector<float>{1, 1});
        writer.values("object.scale", std::vector<float>{1, 0});
        archive_reader reader = reader_of(encode(writer));
        tocsin::standard_scaler<float> target;
        reader.object("object", target);
        CHECK(std::string{reader.outcome().message()}.find("feature 1 has offset 1, scale 0") !=
              std::string::npos);
    }
}
