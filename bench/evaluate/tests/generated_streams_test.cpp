#include "tocsin/metrics/nab_score.hpp"

#include <doctest/doctest.h>

#include "generated_streams.hpp"
#include <cmath>
#include <cstddef>
#include <set>

TEST_SUITE("evaluate") {
    TEST_CASE("generated streams: finite values, windows as NAB makes them, the same by seed") {
        const auto streams = evaluate::generate_streams(40, 3);
        REQUIRE(streams.size() == 40);
        std::set<std::size_t> counts;
        for (const auto& stream : streams) {
            const auto rows = static_cast<tocsin::index_t>(stream.values.size());
            CHECK(rows == 14 * evaluate::generated_stream::day);
            bool finite = true;
            double sum = 0;
            double squares = 0;
            for (const double value : stream.values) {
                finite = finite && std::isfinite(value);
                sum += value;
                squares += value * value;
            }
            CHECK(finite);
            CHECK(squares - sum * sum / static_cast<double>(rows) > 1);
            counts.insert(stream.windows.size());
            tocsin::index_t last = tocsin::nab_probation(rows);
            tocsin::index_t covered = 0;
            for (const auto& window : stream.windows) {
                CHECK(window.begin >= last);
                CHECK(window.end <= rows);
                last = window.end;
                covered += window.size();
            }
            if (!stream.windows.empty()) {
                CHECK(std::abs(static_cast<double>(covered) / static_cast<double>(rows) - 0.1) <
                      0.002);
            }
        }
        CHECK(counts == std::set<std::size_t>{0, 1, 2, 3});
        const auto again = evaluate::generate_streams(40, 3);
        const auto other = evaluate::generate_streams(40, 4);
        for (std::size_t k = 0; k < streams.size(); ++k) {
            CHECK(streams[k].values == again[k].values);
            CHECK(streams[k].values != other[k].values);
        }
    }
}
