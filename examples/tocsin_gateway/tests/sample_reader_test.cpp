#include <doctest/doctest.h>

#include "tocsin_gateway/message.hpp"
#include "tocsin_gateway/sample_reader.hpp"
#include <cmath>
#include <string>

using tocsin_gateway::read_sample;
using tocsin_gateway::sample;

TEST_CASE("gateway: JSON with an array, JSON with names and CSV are equivalent") {
    sample array;
    sample names;
    sample row;
    REQUIRE(read_sample(
                R"({"device":"p","time":1.5,"values":[1,-2.5e1,null],"unit":"bar","x":[1]})", array)
                .ok());
    REQUIRE(read_sample(R"( {"values":{"a":1,"b":-25,"c":null},"device":"p","time":1.5} )", names)
                .ok());
    REQUIRE(read_sample("p, 1.5 ,1,-25,", row).ok());
    for (const sample* one : {&array, &names, &row}) {
        CHECK(one->device == "p");
        CHECK(one->time == 1.5);
        REQUIRE(one->values.size() == 3);
        CHECK(one->values[0] == 1);
        CHECK(one->values[1] == -25);
        CHECK(std::isnan(one->values[2]));
    }
    CHECK(array.names.empty());
    CHECK(names.names == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("gateway: a sample may have no device and no time") {
    sample read;
    REQUIRE(read_sample(R"({"values":[1]})", read).ok());
    CHECK(read.device.empty());
    CHECK(std::isnan(read.time));
    REQUIRE(read_sample(R"({"values":[1],"time":null})", read).ok());
    CHECK(std::isnan(read.time));
    REQUIRE(read_sample(",,1", read).ok());
    CHECK(read.device.empty());
    CHECK(std::isnan(read.time));
}

TEST_CASE("gateway: a byte order mark does not belong to the sample") {
    for (const char* payload :
         {"\xEF\xBB\xBFpump-1,2,3", "\xEF\xBB\xBF{\"device\":\"pump-1\",\"values\":[3]}"}) {
        sample read;
        REQUIRE(read_sample(payload, read).ok());
        CHECK(read.device == "pump-1");
        CHECK(read.values == std::vector<double>{3});
    }
}

TEST_CASE("gateway: the ends of lines around a message do not belong to the sample") {
    for (const char* payload : {"pump-1,2,3,4\n", "pump-1,2,3,4\r\n", "\r\npump-1,2,3,4\n\n",
                                "\n{\"device\":\"pump-1\",\"time\":2,\n\"values\":[3,4]}\r\n"}) {
        CAPTURE(payload);
        sample read;
        const auto outcome = read_sample(payload, read);
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
        CHECK(read.device == "pump-1");
        CHECK(read.time == 2);
        CHECK(read.values == std::vector<double>{3, 4});
    }
    sample read;
    CHECK(std::string{read_sample("pump-1,2,3,4\npump-1,3,3,4\n", read).message()} ==
          "has several lines; a message is one sample");
}

TEST_CASE("gateway: other members may be nested once") {
    sample read;
    CHECK(read_sample(R"({"x":{"y":1,"z":"a"},"values":[1],"w":[1,null,"b"]})", read).ok());
    CHECK(read.values == std::vector<double>{1});
    CHECK(!read_sample(R"({"x":{"y":[1]},"values":[1]})", read).ok());
    CHECK(!read_sample(R"({"x":[[1]],"values":[1]})", read).ok());
}

TEST_CASE("gateway: invalid samples are refused with the reason") {
    const struct {
        std::string payload;
        const char* reason;
    } wrong[] = {
        {"", "neither"},
        {"hello", "neither"},
        {"p,12", "neither"},
        {"p,noon,1", "time 'noon'"},
        {"p,inf,1", "time 'inf'"},
        {"p,1,two", "value 'two'"},
        {"p,1,\"2", "double quote"},
        {"{", "not JSON"},
        {R"({"values":[1]} x)", "not JSON"},
        {R"({"values":[1e999]})", "not JSON"},
        {"{\"device\":\"\xFF\",\"values\":[1]}", "not JSON"},
        {R"({"device":"p"})", "has no 'values'"},
        {R"({"device":"p","values":3})", "'values' has a number"},
        {R"({"device":7,"values":[3]})", "'device' has a number"},
        {R"({"device":null,"values":[3]})", "'device' has null"},
        {R"({"time":"noon","values":[3]})", "'time' has a string"},
        {R"({"time":[1],"values":[3]})", "'time' is an array"},
        {R"({"values":["3"]})", "'values' has a string"},
        {R"({"values":[true]})", "'values' has a boolean"},
        {R"({"values":[[1]]})", "nested"},
        {R"({"values":{"a":{}}})", "nested"},
        {R"({"values":{"a":1,"a":2}})", "'values' has 'a' twice"},
        {R"({"values":[1],"values":[2]})", "'values' occurs twice"},
        {"p,1," + std::string(tocsin_gateway::longest_payload, '1'), "longer than"},
        {R"({"values":[)" + std::string(5000, '[') + "]}", "nested"},
    };
    for (const auto& one : wrong) {
        CAPTURE(one.payload.substr(0, 60));
        sample read;
        const tocsin::status outcome = read_sample(one.payload, read);
        REQUIRE(!outcome.ok());
        CAPTURE(outcome.message());
        CHECK(std::string{outcome.message()}.find(one.reason) != std::string::npos);
    }
    std::string many = "p,1";
    for (int k = 0; k < 5000; ++k) {
        many += ",1";
    }
    sample read;
    CHECK(std::string{read_sample(many, read).message()} == "more than 4096 values");
}
