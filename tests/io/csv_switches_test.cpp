#include "tocsin/io/csv.hpp"
#include "tocsin/io/csv_row_reader.hpp"
#include "tocsin/io/csv_switches.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include <fstream>
#include <string>
#include <vector>

TEST_SUITE("io") {
    TEST_CASE("csv_switches: words among numbers are counted, with the place of the first") {
        std::string text = "\"pump, main\",a,b,c\n";
        for (int t = 0; t < 300; ++t) {          // more lines than detection looks at
            text += t % 2 == 0 ? "ON," : "off,"; // a switch
            text += t == 250 ? "No," : t > 280 ? "off," : "20.5,";        // a sensor
            text += t < 150 ? "off," : std::to_string(t) + ',';           // one that came late
            text += t % 3 == 0 ? "true\n" : std::to_string(t % 2) + '\n'; // a switch, written so
        }
        const auto read = tocsin::parse_csv_recording<double>(text, "f.csv");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        REQUIRE(read->switches.size() == 2);
        const auto& sensor = read->switches[0];
        CHECK(sensor.feature == 1);
        CHECK(sensor.count == 20);
        CHECK(sensor.line == 252);
        CHECK(sensor.column == 4); // behind `ON,`
        CHECK(sensor.words == std::vector<std::string>{"No", "off"});
        CHECK(read->switches[1].feature == 2);
        CHECK(read->switches[1].count == 150);
        CHECK(read->switches[1].line == 2);
        // With the words named as missing values there are none.
        const auto missing =
            tocsin::parse_csv_recording<double>(text, "f.csv", {.missing = {"off", "No"}});
        REQUIRE(missing.has_value());
        CHECK(missing->switches.empty());
    }

    TEST_CASE("csv_switches: rows of a file as they are read") {
        const tocsin_test::temporary_directory folder;
        std::ofstream{folder / "f.csv", std::ios::binary} << "a,b\n1,off\n2,off\n3,7.5\n4,off\n";
        auto rows = tocsin::csv_row_reader::open(folder / "f.csv");
        REQUIRE(rows.has_value());
        tocsin::csv_switch_watch watch{2};
        std::vector<double> values(2);
        tocsin::csv_notes notes;
        std::vector<tocsin::index_t> met;
        for (auto more = rows->next<double>(values, notes); more && *more;
             more = rows->next<double>(values, notes)) {
            if (watch.take(rows->layout(), rows->line(), std::span<const double>{values}, notes,
                           rows->line_number())) {
                met.push_back(rows->line_number());
            }
        }
        CHECK(met == std::vector<tocsin::index_t>{4});
        CHECK(watch.newly_found().size() == 1);
        CHECK(watch.newly_found().empty());
        REQUIRE(watch.found().size() == 1);
        CHECK(watch.found().front().count == 3);
    }
}
