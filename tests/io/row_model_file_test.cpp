#include "tocsin/detect/detector.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/variational_autoencoder.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <type_traits>

namespace {

/// A detector of rows is saved and loaded with the same bits, also into one without sizes.
template <class Model>
void check_file(const Model& model) {
    using detector_type = tocsin::detector<Model, tocsin::min_max_scaler<float>>;
    const tocsin_test::temporary_directory directory;
    const auto path = directory / "rows.tocsin";
    const auto values = tocsin_test::waves<float>(4, 200, 1);
    const auto rows = tocsin_test::windows_over(values, 1);
    detector_type detector(model, {.window = 1});
    tocsin_test::run_all_phases(detector, rows);
    REQUIRE(tocsin::save_detector(detector, path).ok());
    const auto loaded = tocsin::load_detector<detector_type>(path);
    REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
    CHECK(loaded->model().features() == 4);
    CHECK(loaded->identity() == detector.identity());
    CHECK(tocsin_test::same_bits(tocsin_test::all_scores(*loaded, rows),
                                 tocsin_test::all_scores(detector, rows)));
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("models of rows: detectors are saved and loaded with the same bits") {
        const tocsin::row_model_sizes sizes{.outer = 6, .inner = 5, .latent = 2};
        check_file(tocsin::make_row_autoencoder<float>(4, sizes));
        check_file(tocsin::make_variational_autoencoder<float>(4, sizes));
        check_file(tocsin::make_bigan<float>(4, sizes));
    }

    TEST_CASE("models of rows: one is not loaded as another") {
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "rows.tocsin";
        const auto model = tocsin::make_bigan<float>(4);
        const tocsin::detector<std::remove_const_t<decltype(model)>> detector(model, {.window = 1});
        REQUIRE(tocsin::save_detector(detector, path).ok());
        using other = tocsin::detector<decltype(tocsin::make_row_autoencoder<float>(4))>;
        const auto loaded = tocsin::load_detector<other>(path);
        REQUIRE_FALSE(loaded.has_value());
        CHECK(tocsin_test::says(loaded.error(), "'bigan', expected 'row_autoencoder'"));
    }
}
