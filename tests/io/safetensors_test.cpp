#include "tocsin/io/safetensors.hpp"

#include <doctest/doctest.h>

#include "temporary_directory.hpp"
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using tocsin::index_t;
using tocsin::safetensors_reader;
using tocsin::safetensors_writer;
using tocsin_test::temporary_directory;

namespace {

tocsin::result<safetensors_reader> parse(std::string_view file) {
    return safetensors_reader::from_bytes(std::as_bytes(std::span{file}));
}

/// A file with any given header, followed by zero bytes.
std::string file_of(std::string_view header, std::size_t data_bytes = 0) {
    const std::uint64_t size = header.size();
    std::string file(sizeof size, '\0');
    std::memcpy(file.data(), &size, sizeof size);
    return file + std::string{header} + std::string(data_bytes, '\0');
}

std::string message_for(std::string_view file) {
    const auto read = parse(file);
    if (read) {
        return {};
    }
    CHECK(read.error().code() == tocsin::error_code::format_error);
    return read.error().message();
}

template <class T>
void add(safetensors_writer& writer, std::string_view name, const std::vector<T>& values,
         const std::vector<index_t>& shape) {
    const auto outcome = writer.add_tensor(name, std::span<const T>{values}, shape);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
}

template <class T>
std::vector<T> values_of(const safetensors_reader& reader, std::string_view name) {
    const auto* tensor = reader.find(name);
    REQUIRE(tensor != nullptr);
    REQUIRE(tensor->type == tocsin::tensor_type_of<T>());
    std::vector<T> values(static_cast<std::size_t>(tensor->count()));
    reader.copy(*tensor, std::span<T>{values});
    return values;
}

std::string sample_file() {
    safetensors_writer writer;
    REQUIRE(writer.add_metadata("model", "lstm \"small\" \xC3\xA9").ok());
    add<float>(writer, "weights", {1.5F, -2, 3, 4, 5, 6}, {2, 3});
    add<double>(writer, "threshold", {0.1}, {});
    add<std::int64_t>(writer, "counts", {-1, std::numeric_limits<std::int64_t>::max()}, {2});
    add<std::uint8_t>(writer, "labels", {0, 1, 255}, {3, 1});
    add<float>(writer, "nothing", {}, {0, 4});
    const auto file = writer.encode();
    REQUIRE_MESSAGE(file.has_value(), file.error().message());
    return *file;
}

void check_sample(const safetensors_reader& reader) {
    REQUIRE(reader.find("weights") != nullptr);
    CHECK(reader.metadata().at("model") == "lstm \"small\" \xC3\xA9");
    CHECK(reader.tensors().size() == 5);
    CHECK(values_of<float>(reader, "weights") == std::vector<float>{1.5F, -2, 3, 4, 5, 6});
    CHECK(reader.find("weights")->shape == std::vector<index_t>{2, 3});
    CHECK(values_of<double>(reader, "threshold") == std::vector<double>{0.1});
    CHECK(values_of<std::int64_t>(reader, "counts")[1] == std::numeric_limits<std::int64_t>::max());
    CHECK(values_of<std::uint8_t>(reader, "labels") == std::vector<std::uint8_t>{0, 1, 255});
    CHECK(values_of<float>(reader, "nothing").empty());
    CHECK(reader.find("other") == nullptr);
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("safetensors: every type, an empty tensor and metadata survive") {
        const auto reader = parse(sample_file());
        REQUIRE_MESSAGE(reader.has_value(), reader.error().message());
        check_sample(*reader);
        CHECK(reader->metadata().size() == 1); // without the checksum
    }

    TEST_CASE("safetensors: the data of each tensor is aligned to its elements") {
        const std::string file = sample_file();
        std::uint64_t header_size = 0;
        std::memcpy(&header_size, file.data(), sizeof header_size);
        CHECK(header_size % 8 == 0);
        const auto reader = parse(file);
        for (const auto& tensor : reader->tensors()) {
            CHECK(tensor.begin % tocsin::element_size(tensor.type) == 0);
        }
    }

    TEST_CASE("safetensors: the bits of NaN and of every other value are kept") {
        std::vector<float> narrow;
        std::vector<double> wide;
        for (const std::uint32_t bits : {0x7FC12345U, 0x80000000U, 0x00000001U, 0xFF800000U}) {
            narrow.push_back(std::bit_cast<float>(bits));
            wide.push_back(std::bit_cast<double>(std::uint64_t{bits} << 32U | bits));
        }
        safetensors_writer writer;
        add<float>(writer, "narrow", narrow, {4});
        add<double>(writer, "wide", wide, {2, 2});
        const auto reader = parse(*writer.encode());
        const auto narrow_read = values_of<float>(*reader, "narrow");
        const auto wide_read = values_of<double>(*reader, "wide");
        CHECK(std::memcmp(narrow.data(), narrow_read.data(), 4 * sizeof(float)) == 0);
        CHECK(std::memcmp(wide.data(), wide_read.data(), 4 * sizeof(double)) == 0);
    }

    TEST_CASE("safetensors: files go to disk and back, errors name the file") {
        const temporary_directory directory;
        safetensors_writer writer;
        add<float>(writer, "x", {1, 2}, {2});
        REQUIRE(writer.write(directory / "x.safetensors").ok());
        const auto reader = safetensors_reader::open(directory / "x.safetensors");
        REQUIRE(reader.has_value());
        CHECK(values_of<float>(*reader, "x") == std::vector<float>{1, 2});
        CHECK(directory.count() == 1);
        REQUIRE(tocsin::write_file(directory / "bad", "short").ok());
        const auto bad = safetensors_reader::open(directory / "bad");
        REQUIRE_FALSE(bad.has_value());
        CHECK(std::string{bad.error().message()}.find("bad: has 5 bytes") != std::string::npos);
        CHECK_FALSE(safetensors_reader::open(directory / "missing").has_value());
    }

    TEST_CASE("safetensors: a file of another program, in other order and spacing, is read") {
        const auto reader = parse(file_of(
            R"({ "b" : {"shape":[2], "data_offsets":[4,12],"dtype":"F32"},
                 "a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]} }   )",
            12));
        REQUIRE_MESSAGE(reader.has_value(), reader.error().message());
        CHECK(reader->tensors()[0].name == "a");
        CHECK(reader->metadata().empty());
        CHECK(parse(file_of("{}")).has_value());
        CHECK(parse(file_of(R"({"__metadata__":{}})")).has_value());
    }

    TEST_CASE("safetensors: tensors of types that are not read may be there") {
        const std::vector<std::pair<std::string, index_t>> types{
            {"BOOL", 1}, {"I8", 1},          {"I16", 2},        {"I32", 4},     {"U16", 2},
            {"U32", 4},  {"U64", 8},         {"F8_E4M3", 1},    {"F8_E5M2", 1}, {"F8_E8M0", 1},
            {"C64", 8},  {"F8_E4M3FNUZ", 1}, {"F8_E5M2FNUZ", 1}};
        for (const auto& type : types) {
            const std::string& name = type.first;
            const index_t size = type.second;
            CAPTURE(name);
            const auto header = [&](index_t bytes) {
                return R"({"other":{"dtype":")" + name + R"(","shape":[3],"data_offsets":[0,)" +
                       std::to_string(bytes) + "]}}";
            };
            const auto bytes = static_cast<std::size_t>(3 * size);
            const auto reader = parse(file_of(header(3 * size), bytes));
            REQUIRE_MESSAGE(reader.has_value(), reader.error().message());
            const auto& tensor = reader->tensors()[0];
            CHECK(name_of(tensor.type) == name);
            CHECK(tensor.count() == 3);
            CHECK_FALSE(is_real(tensor.type));
            const auto longer = parse(file_of(header(3 * size + 1), bytes + 1));
            REQUIRE_FALSE(longer.has_value());
            CHECK(std::string{longer.error().message()}.find(
                      "of type " + name + ", shape [3] needs") != std::string::npos);
        }
    }

    TEST_CASE("safetensors: tensors whose elements are parts of bytes may be there") {
        struct packed {
            const char* type;
            index_t columns;
            index_t bytes;
        };
        const auto read = [](const packed& one) {
            return parse(file_of(R"({"other":{"dtype":")" + std::string{one.type} +
                                     R"(","shape":[2,)" + std::to_string(one.columns) +
                                     R"(],"data_offsets":[0,)" + std::to_string(one.bytes) + "]}}",
                                 static_cast<std::size_t>(one.bytes)));
        };
        for (const packed& one : {packed{"F4", 6, 6}, packed{"F4", 7, 7}, packed{"F6_E2M3", 4, 6},
                                  packed{"F6_E3M2", 8, 12}, packed{"F4", 0, 0}}) {
            CAPTURE(one.type);
            const auto reader = read(one);
            REQUIRE_MESSAGE(reader.has_value(), reader.error().message());
            CHECK(name_of(reader->tensors()[0].type) == one.type);
            CHECK(reader->tensors()[0].count() == 2 * one.columns);
        }
        for (const packed& one : {packed{"F4", 6, 5}, packed{"F6_E2M3", 1, 1},
                                  packed{"F6_E2M3", 1, 2}, packed{"F6_E3M2", 4, 8}}) {
            const auto reader = read(one);
            REQUIRE_FALSE(reader.has_value());
            CHECK(std::string{reader.error().message()}.find(" bits, its data_offsets hold ") !=
                  std::string::npos);
        }
    }

    TEST_CASE("safetensors: every header out of order is refused with its reason") {
        struct malformed {
            const char* header;
            std::size_t data_bytes;
            const char* reason;
        };
        const auto tensor = [](const char* fields) {
            return std::string{"{\"t\":{"} + fields + "}}";
        };
        const std::string not_json = tensor("");
        for (
            const auto& [header, data_bytes, reason] : {
                malformed{"", 0, "does not start with '{'"},
                malformed{" {}", 0, "does not start with '{'"},
                malformed{"[]", 0, "does not start with '{'"},
                malformed{"{", 0, "not JSON"},
                malformed{"{}x", 0, "not JSON"},
                malformed{"{}{}", 0, "not JSON"},
                malformed{"{\"t\":1}", 0, "unexpected a number at key 't'"},
                malformed{"{\"t\":null}", 0, "unexpected null"},
                malformed{"{\"t\":true}", 0, "unexpected a boolean"},
                malformed{"{\"t\":\"x\"}", 0, "unexpected text"},
                malformed{"{\"t\":[]}", 0, "unexpected an array"},
                malformed{"{\"\":{}}", 0, "a key of 0 characters"},
                malformed{"{\"t\":{}}", 0, "needs a dtype, a shape, two data_offsets"},
                malformed{"{\"__metadata__\":{\"a\":1}}", 0, "unexpected a number"},
                malformed{"{\"__metadata__\":{\"a\":{}}}", 0, "unexpected an object"},
                malformed{"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0,
                          "'a' stands there twice"},
                malformed{"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "stands there twice"},
                malformed{"{\"__metadata__\":{\"\xFF\":\"\"}}", 0, "not JSON"},
                malformed{
                    R"({"t":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"t":{"dtype":"F32","shape":[],"data_offsets":[4,8]}})",
                    8, "key 't' stands there twice"},
                malformed{R"({"t":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}})", 1,
                          "unknown dtype 'F8'"},
                malformed{R"({"t":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                          4, "has 'dtype' twice"},
                malformed{R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}})", 4,
                          "unknown field 'more'"},
                malformed{R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4,
                          "more than 2 data_offsets"},
                malformed{R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4,
                          "two data_offsets"},
                malformed{
                    R"({"t":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4,
                    "more than 8 dimensions"},
                malformed{R"({"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
                          "unexpected a negative number"},
                malformed{R"({"t":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
                          "unexpected a fraction"},
                malformed{R"({"t":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4,
                          "unexpected an array"},
                malformed{R"({"t":{"dtype":"F32","shape":[{}],"data_offsets":[0,4]}})", 4,
                          "unexpected an object"},
                malformed{R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
                          "data_offsets 4 to 0"},
                malformed{R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4,
                          "data_offsets 0 to 8 in a data area of 4 bytes"},
                malformed{R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
                          "leaving a gap after byte 0"},
                malformed{R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 8,
                          "its tensors end at byte 4"},
                malformed{"{}", 1, "its tensors end at byte 0"},
                malformed{R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
                          "shape [2] needs 8 bytes, its data_offsets hold 4"},
                malformed{R"({"t":{"dtype":"F64","shape":[1],"data_offsets":[0,4]}})", 4,
                          "needs 8 bytes"},
                malformed{
                    R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                    12, "overlapping the one that ends at 8"},
                malformed{
                    R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
                    12, "leaving a gap after byte 4"},
                malformed{
                    R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                    4, "overlapping"},
                malformed{
                    R"({"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
                    0, "too large"},
                malformed{
                    R"({"t":{"dtype":"U8","shape":[9223372036854775807,3],"data_offsets":[0,4]}})",
                    4, "too large"},
                malformed{
                    R"({"t":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4]}})", 4,
                    "is too large"},
                malformed{
                    R"({"t":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]}})",
                    4, "unexpected a fraction"},
                malformed{
                    R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]}})",
                    4, "is too large"},
            }) {
            const std::string message = message_for(file_of(header, data_bytes));
            CHECK_MESSAGE(message.find(reason) != std::string::npos, message);
        }
        CHECK(message_for(file_of(not_json)).find("needs a dtype") != std::string::npos);
    }

    TEST_CASE("safetensors: hostile sizes and depths are refused without effort") {
        const std::string deep = "{\"t\":" + std::string(500000, '[');
        CHECK(message_for(file_of(deep)).find("unexpected an array") != std::string::npos);
        std::string objects = "{";
        for (int k = 0; k < 100000; ++k) {
            objects += "\"a\":{";
        }
        CHECK_FALSE(message_for(file_of(objects)).empty());
        CHECK(message_for(file_of("{\"" + std::string(300, 'x') + "\":{}}"))
                  .find("a key of 300 characters") != std::string::npos);
        CHECK(message_for(file_of("{" + std::string(1U << 20U, ' ') + "}"))
                  .find("exceeds the file") != std::string::npos);
        std::string many = "{";
        for (int k = 0; k < 17000; ++k) {
            many += '"' + std::to_string(k) +
                    "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},";
        }
        many.back() = '}';
        CHECK_FALSE(message_for(file_of(many)).empty());
    }

    TEST_CASE("safetensors: a header length beyond the file or 64 bits is refused") {
        std::string file = sample_file();
        for (const std::uint64_t length :
             {std::uint64_t{file.size()}, std::uint64_t{file.size()} - 7, std::uint64_t{1} << 32U,
              std::numeric_limits<std::uint64_t>::max(),
              std::numeric_limits<std::uint64_t>::max() - 7}) {
            std::memcpy(file.data(), &length, sizeof length);
            CHECK(message_for(file).find("header length") != std::string::npos);
        }
        const std::uint64_t zero = 0;
        std::memcpy(file.data(), &zero, sizeof zero);
        CHECK_FALSE(message_for(file).empty());
    }

    TEST_CASE("safetensors: a file cut anywhere is refused, so is one with more bytes") {
        const std::string file = sample_file();
        for (std::size_t size = 0; size < file.size(); ++size) {
            CHECK_FALSE(message_for(std::string_view{file}.substr(0, size)).empty());
        }
        CHECK_FALSE(message_for(file + '\0').empty());
    }

    TEST_CASE("safetensors: any flipped bit anywhere in a file of ours is refused") {
        safetensors_writer archive;
        REQUIRE(archive.add_metadata("format_version", "1").ok());
        add<float>(archive, "weights", {1.5F, -2, 3, 4, 5, 6}, {2, 3});
        for (const std::string& file : {sample_file(), *archive.encode()}) {
            REQUIRE(parse(file).has_value());
            for (std::size_t position = 0; position < file.size(); ++position) {
                for (unsigned bit = 0; bit < 8; ++bit) {
                    std::string damaged = file;
                    damaged[position] = static_cast<char>(
                        static_cast<unsigned char>(damaged[position]) ^ (1U << bit));
                    CHECK_FALSE(message_for(damaged).empty());
                }
            }
        }
    }

    TEST_CASE("safetensors: each checksum is verified by itself") {
        const std::string file = sample_file();
        const auto with = [&](std::string_view key, std::string_view other) {
            std::string changed = file;
            return changed.replace(changed.find(key), key.size(), other);
        };
        // Without CRC-32 the other key gives the file away; without SHA-256 a file is an old one.
        CHECK(message_for(with("crc32", "crc33")).find("has no checksum 'crc32'") !=
              std::string::npos);
        CHECK(message_for(with("sha256", "sha257")).find("is damaged: its checksum") !=
              std::string::npos);
        std::string forged = file;
        forged.back() = static_cast<char>(forged.back() ^ 1);
        std::uint64_t header = 0;
        std::memcpy(&header, file.data(), sizeof header);
        const auto data_begin = static_cast<std::size_t>(header + 8);
        tocsin::detail::sealed_bytes digits{forged, data_begin};
        const auto crc = digits.find("crc32", 8);
        REQUIRE(crc != std::string::npos);
        digits.exchange(crc, "00000000");
        digits.exchange(crc, digits.crc()); // the CRC-32 is right, as after a forgery
        CHECK(message_for(forged).find("is damaged: its SHA-256 is") != std::string::npos);
        REQUIRE(tocsin::detail::seal(forged, data_begin));
        CHECK(message_for(forged).empty()); // checksums are no signature
    }

    TEST_CASE("safetensors: a file of ours without a checksum is refused, a foreign one is read") {
        CHECK(message_for(file_of(R"({"__metadata__":{"format_version":"1"}})"))
                  .find("has no checksum 'crc32'") != std::string::npos);
        CHECK(parse(file_of(R"({"__metadata__":{"format":"pt"}})")).has_value());
        CHECK(parse(file_of("{}")).has_value());
    }

    TEST_CASE("safetensors: a file that another program rewrote says what to do") {
        CHECK(message_for(file_of(R"({"__metadata__":{"crc32": "12345678"}})"))
                  .find("should drop metadata 'crc32'") != std::string::npos);
        CHECK(
            message_for(file_of(R"({"__metadata__":{"crc32":"1"}})")).find("cannot be verified") !=
            std::string::npos);
        CHECK(message_for(file_of(R"({"__metadata__":{"crc32":"00000000","sha256":"1"}})"))
                  .find("cannot be verified") != std::string::npos);
        CHECK(message_for(file_of(R"({"__metadata__":{"crc32":"00000000"}})")).find("is damaged") !=
              std::string::npos);
    }

    TEST_CASE("safetensors: the application's check sees all bytes first, and its word counts") {
        const temporary_directory directory;
        const std::string file = sample_file();
        REQUIRE(tocsin::write_file(directory / "x", file).ok());
        std::string seen;
        tocsin::load_options options;
        options.verify = [&](std::span<const std::byte> bytes) {
            seen.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return tocsin::status{};
        };
        CHECK(safetensors_reader::open(directory / "x", options).has_value());
        CHECK(seen == file);
        options.verify = [](std::span<const std::byte> bytes) {
            return tocsin::status::error(tocsin::error_code::invalid_data, "no signature for ",
                                         bytes.size(), " bytes");
        };
        const auto refused = safetensors_reader::open(directory / "x", options);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code() == tocsin::error_code::invalid_data);
        CHECK(std::string{refused.error().message()}.find("x: no signature for") !=
              std::string::npos);
        const std::string_view garbage = "garbage"; // not parsed before
        const auto first =
            safetensors_reader::from_bytes(std::as_bytes(std::span{garbage}), options);
        CHECK(first.error().code() == tocsin::error_code::invalid_data);
    }

    TEST_CASE("safetensors: a file beyond the limit is refused, the budget follows its size") {
        const temporary_directory directory;
        const std::string file = sample_file();
        REQUIRE(tocsin::write_file(directory / "x", file).ok());
        tocsin::load_options options;
        options.largest_file = file.size() - 1;
        CHECK_FALSE(safetensors_reader::open(directory / "x", options).has_value());
        safetensors_writer writer;
        add<double>(writer, "x", std::vector<double>(1U << 20U), {1 << 20});
        const auto large = *writer.encode();
        options.memory_factor = 2;
        auto reader = safetensors_reader::from_bytes(std::as_bytes(std::span{large}), options);
        REQUIRE(reader.has_value());
        CHECK(reader->budget().left() == 2 * static_cast<index_t>(large.size()));
        CHECK_FALSE(reader->budget().take("state", 3 * large.size()).ok());
    }

    TEST_CASE("safetensors: what could not be read back is not written") {
        safetensors_writer writer;
        const std::vector<float> values = {1, 2};
        const auto try_add = [&](std::string_view name, const std::vector<index_t>& shape) {
            return writer.add_tensor(name, std::span<const float>{values}, shape).ok();
        };
        CHECK_FALSE(try_add("", {2}));
        CHECK_FALSE(try_add("__metadata__", {2}));
        CHECK_FALSE(try_add(std::string(257, 'x'), {2}));
        CHECK_FALSE(try_add("x", {3}));
        CHECK_FALSE(try_add("x", {}));
        CHECK_FALSE(try_add("x", {2, 1, 1, 1, 1, 1, 1, 1, 1}));
        CHECK(try_add("x", {2}));
        CHECK_FALSE(try_add("x", {2}));
        CHECK(writer.add_metadata("key", "value").ok());
        CHECK_FALSE(writer.add_metadata("key", "value").ok());
        CHECK_FALSE(writer.add_metadata("crc32", "value").ok());
        CHECK_FALSE(writer.add_metadata("sha256", "value").ok());
        CHECK_FALSE(try_add("negative", {-1, -2}));
        constexpr index_t huge = std::numeric_limits<index_t>::max() / 2 + 1;
        CHECK_FALSE(try_add("wraps", {huge, 4, 2})); // 2^65 and what remains of it
        CHECK(writer.encode().has_value());
        safetensors_writer large;
        CHECK(large.add_metadata("key", std::string(1U << 20U, 'x')).ok());
        CHECK_FALSE(large.encode().has_value());
    }
}
