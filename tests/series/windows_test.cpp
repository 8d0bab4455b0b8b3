#include "tocsin/series/windows.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using tocsin::index_t;

namespace {

using runs = std::vector<std::pair<index_t, index_t>>;

runs covered(const tocsin::windows<double>& all) {
    runs found;
    all.for_each_covered_run(
        [&](index_t first, index_t count) { found.emplace_back(first, count); });
    return found;
}

runs linked(const tocsin::windows<double>& all) {
    runs found;
    all.for_each_linked_run(
        [&](index_t first, index_t count) { found.emplace_back(first, count); });
    return found;
}

/// Whether make_windows takes such an argument; an rvalue unless `Values` is a reference.
template <class Values>
concept can_be_cut =
    requires(Values&& values) { tocsin::make_windows(std::forward<Values>(values), 2); };

} // namespace

TEST_SUITE("series") {
    TEST_CASE_TEMPLATE("windows: sliding windows view consecutive samples", Scalar, float, double) {
        tocsin::matrix<Scalar> values(2, 7);
        for (int k = 0; k < 14; ++k) {
            values(k % 2, k / 2) = static_cast<Scalar>(k);
        }
        const auto all = tocsin::make_windows(values, 3, 2);
        REQUIRE(all.has_value());
        CHECK(all->count() == 3);
        CHECK(all->length() == 3);
        CHECK(all->features() == 2);
        CHECK(all->first_column(2) == 4);
        CHECK(all->window(1) == values.middleCols(2, 3));
        CHECK(all->window(1).data() == values.data() + 4);
    }

    TEST_CASE("windows: the last partial window is left out") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 10);
        CHECK(tocsin::make_windows(values, 4, 4)->count() == 2);
        CHECK(tocsin::make_windows(values, 10, 4)->count() == 1);
        CHECK(tocsin::make_windows(values, 1)->count() == 10);
    }

    TEST_CASE("windows: a window longer than the series is refused, naming both") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 5);
        const auto outcome = tocsin::make_windows(values, 6).error();
        CHECK(outcome.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string{outcome.message()}.find("length 6") != std::string::npos);
        CHECK(std::string{outcome.message()}.find("5 samples") != std::string::npos);
        CHECK_FALSE(tocsin::make_windows(values, 0).has_value());
        CHECK_FALSE(tocsin::make_windows(values, 2, 0).has_value());
        const tocsin::matrix<double> empty(3, 0);
        CHECK_FALSE(tocsin::make_windows(empty, 1).has_value());
    }

    TEST_CASE("windows: covered runs visit each covered column once, in order") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 20);
        const tocsin::windows<double>::values_view view(values.data(), 1, 20);
        CHECK(covered({view, {}, 3}).empty());
        CHECK(covered({view, {5}, 3}) == runs{{5, 3}});
        CHECK(covered({view, {0, 1, 2}, 3}) == runs{{0, 5}});
        CHECK(covered({view, {0, 3}, 3}) == runs{{0, 6}});
        CHECK(covered({view, {0, 4}, 3}) == runs{{0, 3}, {4, 3}});
        CHECK(covered({view, {12, 0, 10, 0}, 3}) == runs{{0, 3}, {10, 5}});
    }

    TEST_CASE("windows: a slice keeps order, another matrix keeps positions") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Random(2, 9);
        const tocsin::matrix<double> doubled = 2 * values;
        const auto all = tocsin::make_windows(values, 2);
        const auto some = all->slice(3, 2);
        CHECK(some.count() == 2);
        CHECK(some.window(0) == values.middleCols(3, 2));
        const auto moved = some.over({doubled.data(), doubled.rows(), doubled.cols()});
        CHECK(moved.window(1) == doubled.middleCols(4, 2));
        CHECK(all->slice(0, 0).empty());
        CHECK(tocsin::windows<double>{}.empty());
    }

    TEST_CASE("windows: whole columns, maps, views and rows are viewed without a copy") {
        tocsin::matrix<float> values = tocsin::matrix<float>::Random(3, 60);
        const auto check = [&](const auto& made, tocsin::index_t first, tocsin::index_t count) {
            REQUIRE(made.ok());
            CHECK(made->count() == count);
            CHECK(made->window(0).data() == values.col(first).data());
            CHECK(made->window(1) == values.middleCols(first + 1, 8));
        };
        check(tocsin::make_windows(values.leftCols(50), 8), 0, 43);
        check(tocsin::make_windows(values.rightCols(50), 8), 10, 43);
        check(tocsin::make_windows(std::as_const(values).middleCols(5, 9), 8), 5, 2);
        check(tocsin::make_windows(values.middleCols(5, 20).leftCols(10), 8), 5, 3);
        check(tocsin::make_windows(tocsin::matrix_view<float>(values.data(), 3, 60), 8), 0, 53);
        const Eigen::Map<const tocsin::matrix<float, 3>> fixed(values.data(), 3, 60);
        check(tocsin::make_windows(fixed.leftCols(20), 8), 0, 13);
        const Eigen::Ref<const tocsin::matrix<float>> reference(values.rightCols(30));
        check(tocsin::make_windows(reference, 8), 30, 23);
        check(tocsin::make_windows(reference.leftCols(9), 8), 30, 2);

        tocsin::matrix<float, 1> row = tocsin::matrix<float, 1>::Random(1, 20);
        CHECK(tocsin::make_windows(row, 4)->window(3) == row.middleCols(3, 4));
        CHECK(tocsin::make_windows(row.head(10), 4)->count() == 7);
        CHECK(tocsin::make_windows(row.leftCols(10), 4)->window(6).data() == row.data() + 6);
        const tocsin::column<float> along = values.row(0);
        CHECK(tocsin::make_windows(along.transpose(), 4)->count() == 57);
        CHECK(tocsin::make_windows(values.col(7), 1)->window(0) == values.col(7));
    }

    TEST_CASE("windows: a stride that is known at run time only is refused at run time") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Random(5, 12);
        const Eigen::Ref<const tocsin::matrix<double>> rows(values.topRows(3));
        const auto refused = tocsin::make_windows(rows, 4);
        CHECK(refused.error().code() == tocsin::error_code::invalid_argument);
        CHECK(std::string{refused.error().message()} ==
              "windows: columns of 3 rows lie 5 apart; windows view contiguous columns");
        using strided = Eigen::Map<const tocsin::matrix<double>, 0, Eigen::OuterStride<>>;
        const std::vector<tocsin::index_t> one_recording{6};
        CHECK_FALSE(tocsin::make_windows(strided(values.data(), 5, 6, Eigen::OuterStride<>(10)),
                                         one_recording, 2)
                        .ok());
        CHECK(tocsin::make_windows(strided(values.data(), 5, 6, Eigen::OuterStride<>(5)), 2).ok());
        CHECK(tocsin::make_windows(strided(values.data(), 3, 1, Eigen::OuterStride<>(5)), 1).ok());
    }

    TEST_CASE("windows: none straddles two recordings, and short recordings have none") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Random(2, 14);
        const std::vector<tocsin::index_t> recordings{5, 2, 0, 7};
        const auto made = tocsin::make_windows(values, recordings, 3, 2);
        REQUIRE(made.ok());
        const std::vector<tocsin::index_t> expected{0, 2, 7, 9, 11};
        CHECK(std::vector<tocsin::index_t>(made->first_columns().begin(),
                                           made->first_columns().end()) == expected);
        CHECK(made->window(2) == values.middleCols(7, 3));

        const auto why = [&](std::vector<tocsin::index_t> lengths, int length, int stride = 1) {
            const auto refused = tocsin::make_windows(values, lengths, length, stride);
            CHECK(refused.error().code() == tocsin::error_code::invalid_argument);
            return std::string{refused.error().message()};
        };
        CHECK(why({5, 8}, 3) == "windows: the recordings have 13 samples, the matrix has 14");
        CHECK(why({5, 10}, 3) == "windows: a recording of 10 samples starts at 5 of 14");
        CHECK(why({-1, 15}, 3) == "windows: a recording of -1 samples starts at 0 of 14");
        CHECK(why({7, 7}, 8) == "windows: length 8 is longer than each of the 2 recordings");
        CHECK(why({14}, 3, 0) == "windows: length 3 and stride 0 must both be at least 1");
    }

    TEST_CASE("windows: temporaries that own their samples are refused, views are not") {
        using owning = tocsin::matrix<float>;
        using whole_columns = decltype(std::declval<owning&>().leftCols(2));
        CHECK(can_be_cut<owning&>);
        CHECK(can_be_cut<const owning&>);
        CHECK(can_be_cut<tocsin::matrix_view<const float>>);
        CHECK(can_be_cut<tocsin::matrix_view<float>>);
        CHECK(can_be_cut<whole_columns>);
        CHECK(can_be_cut<const Eigen::Ref<const owning>&>);
        CHECK_FALSE(can_be_cut<owning>);
        CHECK_FALSE(can_be_cut<const owning>);
        CHECK_FALSE(can_be_cut<tocsin::matrix<float, 1>>);
        CHECK_FALSE(can_be_cut<Eigen::Ref<const owning>>);
    }

    TEST_CASE("windows: recordings that touch are linked only where nothing tells them apart") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 30);
        const auto over = [&](std::vector<index_t> first, int length) {
            return tocsin::windows<double>({values.data(), 1, 30}, std::move(first), length);
        };
        // Recordings of 10, 8 and 12 rows.
        const std::vector<index_t> recordings{10, 8, 12};
        const auto overlapping = tocsin::make_windows(values, recordings, 4, 2);
        CHECK(covered(*overlapping) == runs{{0, 30}});
        CHECK(linked(*overlapping) == runs{{0, 10}, {10, 8}, {18, 12}});
        // In any order.
        CHECK(linked(over({12, 4, 2, 10, 0}, 4)) == runs{{0, 8}, {10, 6}});
        CHECK(covered(over({12, 4, 2, 10, 0}, 4)) == runs{{0, 8}, {10, 6}});
        // One after the other: they may be of one recording.
        CHECK(linked(over({0, 4, 8, 16}, 4)) == runs{{0, 12}, {16, 4}});
        CHECK(linked(over({3, 3}, 4)) == runs{{3, 4}});
        CHECK(linked(over({}, 4)).empty());
    }
}
