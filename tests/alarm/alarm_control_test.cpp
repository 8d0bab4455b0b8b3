#include "tocsin/alarm/alarm_control.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <limits>
#include <string>
#include <string_view>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

/// The output of a piece for flags: '1' is a flag.
template <class Piece>
std::string pass(Piece& piece, std::string_view flags) {
    std::string passed;
    for (const char flag : flags) {
        passed.push_back(piece.push(flag == '1') ? '1' : '0');
    }
    return passed;
}

static_assert(tocsin::alarm_piece<tocsin::m_of_n>);
static_assert(tocsin::alarm_piece<tocsin::minimum_duration>);
static_assert(tocsin::alarm_piece<tocsin::suppression>);
static_assert(tocsin::alarm_piece<tocsin::alarm_chain<tocsin::m_of_n>>);
static_assert(!tocsin::alarm_piece<tocsin::minimum_deviation>); // needs the deviation

/// Saves a piece in the middle of flags and continues with a copy loaded into another.
template <class Piece>
void check_saving(Piece original, Piece other, std::string_view before, std::string_view after) {
    pass(original, before);
    REQUIRE(tocsin_test::load(other, tocsin_test::save(original)).ok());
    CHECK(pass(other, after) == pass(original, after));
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("hysteresis: on above one threshold, off below another") {
        tocsin::hysteresis control(5, 3);
        REQUIRE(control.check().ok());
        CHECK_FALSE(control.push(5));
        CHECK(control.push(5.1));
        CHECK(control.push(3));
        CHECK(control.push(not_a_number)); // NaN says nothing: the alarm stays
        CHECK_FALSE(control.push(2.9));
        CHECK_FALSE(control.push(4));
        CHECK_FALSE(control.push(not_a_number));
        CHECK(control.push(infinity));
        CHECK(control.active());
        control.reset();
        CHECK_FALSE(control.active());
        CHECK_FALSE(tocsin::hysteresis(3, 5).check().ok());
        CHECK_FALSE(tocsin::hysteresis(3, 5).push(10));
        CHECK_FALSE(tocsin::hysteresis(not_a_number, 5).check().ok());
        CHECK_FALSE(tocsin::hysteresis(not_a_number, 5).push(10));
    }

    TEST_CASE("minimum deviation: far enough, on the right side") {
        using tocsin::direction;
        const tocsin::minimum_deviation both(2);
        CHECK(both.push(true, 2));
        CHECK(both.push(true, -2));
        CHECK_FALSE(both.push(true, 1.9));
        CHECK_FALSE(both.push(false, 10));
        CHECK_FALSE(both.push(true, not_a_number));
        const tocsin::minimum_deviation above(2, direction::above);
        CHECK(above.push(true, 3));
        CHECK_FALSE(above.push(true, -3));
        const tocsin::minimum_deviation below(0, direction::below);
        CHECK(below.push(true, -0.1));
        CHECK_FALSE(below.push(true, 0.1));
        CHECK_FALSE(below.push(true, not_a_number));
        CHECK_FALSE(tocsin::minimum_deviation(-1).check().ok());
        CHECK_FALSE(tocsin::minimum_deviation(-1).push(true, 5));
        CHECK_FALSE(tocsin::minimum_deviation(not_a_number).push(true, 5));
    }

    TEST_CASE("m of n: by hand") {
        tocsin::m_of_n control(3, 5);
        REQUIRE(control.check().ok());
        CHECK(pass(control, "1100100011101000") == "0000100000111100");
        tocsin::m_of_n each(1, 1);
        CHECK(pass(each, "0110") == "0110");
        tocsin::m_of_n all(64, 64);
        const std::string ones(63, '1');
        CHECK(pass(all, ones) == std::string(63, '0'));
        CHECK(pass(all, "110") == "110");
        for (tocsin::m_of_n wrong : {tocsin::m_of_n(0, 5), tocsin::m_of_n(6, 5),
                                     tocsin::m_of_n(1, 0), tocsin::m_of_n(1, 65)}) {
            CHECK_FALSE(wrong.check().ok());
            CHECK(pass(wrong, "111111") == "000000");
        }
    }

    TEST_CASE("minimum duration: the start of each run is held back") {
        tocsin::minimum_duration control(3);
        CHECK(pass(control, "0110111110111") == "0000001110001");
        control.reset();
        CHECK(pass(control, "11") == "00");
        tocsin::minimum_duration none(1);
        CHECK(pass(none, "0101") == "0101");
        CHECK_FALSE(tocsin::minimum_duration(0).check().ok());
    }

    TEST_CASE("suppression: silence after each alarm") {
        tocsin::suppression control(3);
        //                   alarm  silence
        CHECK(pass(control, "11"
                            "010"
                            "1"
                            "000"
                            "0"
                            "1"
                            "011"
                            "1") == "11"
                                    "000"
                                    "1"
                                    "000"
                                    "0"
                                    "1"
                                    "000"
                                    "1");
        control.reset();
        CHECK(pass(control, "1") == "1");
        tocsin::suppression none(0);
        CHECK(pass(none, "10101") == "10101");
        CHECK_FALSE(tocsin::suppression(-1).check().ok());
    }

    TEST_CASE("alarm chain: each piece sees what the one before has passed on") {
        tocsin::alarm_chain chain{tocsin::m_of_n(2, 3), tocsin::minimum_duration(2),
                                  tocsin::suppression(4)};
        REQUIRE(chain.check().ok());
        const std::string_view flags = "1101000110111111";
        tocsin::m_of_n first(2, 3);
        tocsin::minimum_duration second(2);
        tocsin::suppression third(4);
        const std::string expected = pass(third, pass(second, pass(first, flags)));
        CHECK(pass(chain, flags) == expected);
        CHECK(expected == "0011000001111111");
        chain.reset();
        CHECK(pass(chain, flags) == expected);
        CHECK(std::string_view{tocsin::alarm_chain{tocsin::m_of_n(2, 3), tocsin::suppression(-2)}
                                   .check()
                                   .message()} ==
              "suppression: rows -2 must lie in [0, 9007199254740992]");
        tocsin::alarm_chain<> nothing;
        CHECK(pass(nothing, "0110") == "0110");
    }

    TEST_CASE("alarm control: by default every piece passes all flags on, until it is loaded") {
        tocsin::alarm_chain<tocsin::m_of_n, tocsin::minimum_duration, tocsin::suppression> chain;
        CHECK(chain.check().ok());
        CHECK(pass(chain, "0110100111") == "0110100111");
        tocsin::alarm_chain saved{tocsin::m_of_n(2, 2), tocsin::minimum_duration(2),
                                  tocsin::suppression(3)};
        REQUIRE(tocsin_test::load(chain, tocsin_test::save(saved)).ok());
        saved.reset();
        chain.reset();
        CHECK(pass(chain, "0111101111110") == pass(saved, "0111101111110"));
    }

    TEST_CASE("alarm control: a chain of more pieces is not loaded as one of fewer") {
        tocsin::alarm_chain two{tocsin::m_of_n(2, 3), tocsin::suppression(2)};
        tocsin::alarm_chain one{tocsin::m_of_n(1, 1)};
        CHECK_FALSE(tocsin_test::load(one, tocsin_test::save(two)).ok());
        CHECK_FALSE(tocsin_test::load(two, tocsin_test::save(one)).ok());
    }

    TEST_CASE("alarm control: after loading each piece continues as before") {
        check_saving(tocsin::m_of_n(2, 40), tocsin::m_of_n(1, 1),
                     "1000000000000000000000000000000000000", "00010001");
        check_saving(tocsin::minimum_duration(4), tocsin::minimum_duration(1), "011", "1110");
        check_saving(tocsin::suppression(4), tocsin::suppression(0), "10", "1111");
        check_saving(tocsin::alarm_chain{tocsin::m_of_n(2, 3), tocsin::suppression(2)},
                     tocsin::alarm_chain{tocsin::m_of_n(1, 1), tocsin::suppression(9)}, "110",
                     "00110011");
        tocsin::hysteresis original(5, 3);
        original.push(6);
        tocsin::hysteresis loaded(1, 1);
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK(loaded.push(4));
        tocsin::minimum_deviation side(2, tocsin::direction::below);
        tocsin::minimum_deviation other(0);
        REQUIRE(tocsin_test::load(other, tocsin_test::save(side)).ok());
        CHECK(other.push(true, -2));
        CHECK_FALSE(other.push(true, 3));

        auto broken = tocsin_test::save(original);
        broken["off"] = {7};
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        tocsin::suppression silence(4);
        auto wrong = tocsin_test::save(silence);
        wrong["silence"] = {5};
        CHECK_FALSE(tocsin_test::load(silence, wrong).ok());
    }
}
