#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "tocsin_cli/model_file.hpp"
#include "tocsin_cli/promised_model.hpp"
#include "tocsin_gateway/device_model.hpp"
#include <string>
#include <utility>

TEST_CASE("gateway: a model of nearest values is refused as that") {
    const tocsin_test::temporary_directory folder;
    tocsin::random_generator random{1};
    tocsin_cli::novelty_rows normal{tocsin::matrix<double>(1, 2000)};
    for (double& value : normal.rows.reshaped()) {
        value = random.normal();
    }
    auto judge = tocsin_cli::promised_model::fit_nearest_value(normal, 10);
    REQUIRE(judge.ok());
    tocsin_cli::model_file model;
    model.feature_names = {"flow"};
    model.judge = *std::move(judge);
    const auto path = folder / "values.safetensors";
    tocsin_cli::save_model(model, path.string());

    const auto loaded = tocsin_gateway::device_model::load(path);
    REQUIRE_FALSE(loaded.ok());
    const std::string message = loaded.error().message();
    CAPTURE(message);
    CHECK(message.find("nearest values") != std::string::npos);
    CHECK(message.find("the gateway has none of these yet") != std::string::npos);
}
