#include "tocsin/io/converted_detector_model.hpp"
#include "tocsin/io/converted_network.hpp"
#include "tocsin/io/safetensors.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "support/fixture_directory.hpp"
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <variant>
#include <vector>

using nlohmann::json;

namespace {

std::string network(const std::string& name) {
    return (tocsin_test::fixture_directory() / "converted" / (name + ".safetensors")).string();
}

/// Waves, `[features x rows]`.
tocsin::matrix<float> waves(int features, int rows) {
    tocsin::matrix<float> values(features, rows);
    for (int t = 0; t < rows; ++t) {
        for (int f = 0; f < features; ++f) {
            values(f, t) = std::sin(0.4F * static_cast<float>(t) + static_cast<float>(f));
        }
    }
    return values;
}

/// Columns a, b, ... of `value * unit + level`.
std::string csv(const tocsin::matrix<float>& values, double unit = 1, double level = 0) {
    std::string text;
    for (tocsin::index_t f = 0; f < values.rows(); ++f) {
        text += std::string(f > 0 ? "," : "") + static_cast<char>('a' + f);
    }
    for (tocsin::index_t t = 0; t < values.cols(); ++t) {
        for (tocsin::index_t f = 0; f < values.rows(); ++f) {
            char cell[40];
            std::snprintf(cell, sizeof cell, "%.17g",
                          static_cast<double>(values(f, t)) * unit + level);
            text += (f > 0 ? "," : "\n") + std::string(cell);
        }
    }
    return text + '\n';
}

/// RMSE of what the layers of the file forecast from the samples of a window before each; its first
/// one counts as forecast without error.
double rmse_by_layers(const std::string& path, const tocsin::matrix<float>& values, int window) {
    const auto file = tocsin::load_converted_network<float>(path);
    REQUIRE(file.has_value());
    const auto features = static_cast<int>(values.rows());
    std::vector<float> work(static_cast<std::size_t>(file->network.infer_work_size(1, window)));
    double squares = 0;
    double count = 0;
    for (int first = 0; first + window <= values.cols(); ++first) {
        count += window * features;
        for (int t = 1; t < window; ++t) {
            tocsin::matrix<float> past = values.middleCols(first, t);
            const auto forecast =
                file->network.infer(file->parameters, {past.data(), features, 1, t}, work);
            const auto* const newest = forecast.data() + forecast.size() - features;
            for (int f = 0; f < features; ++f) {
                squares += std::pow(static_cast<double>(newest[f] - values(f, first + t)), 2);
            }
        }
    }
    return std::sqrt(squares / count);
}

/// A model file has the weights that the library loads from a converted one.
void check_weights(const program& cli, const std::string& model, const std::string& converted) {
    const auto stored = tocsin::safetensors_reader::open(cli.path(model));
    const auto original = tocsin::load_converted_detector_model<float>(converted);
    REQUIRE(stored.has_value());
    REQUIRE(original.has_value());
    const auto check = [&](const std::string& name, tocsin::index_t offset, tocsin::index_t rows,
                           tocsin::index_t cols) {
        const auto* const tensor = stored->find("detector.parameters." + name);
        CAPTURE(name);
        REQUIRE(tensor != nullptr);
        std::vector<float> values(static_cast<std::size_t>(tensor->count()));
        stored->copy_converted(*tensor, std::span<float>(values));
        const auto* const first = original->parameters.data() + offset;
        CHECK(values == std::vector<float>(first, first + rows * cols));
    };
    std::visit([&](const auto& each) { each.for_each_parameter_block(check); }, original->model);
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("import: a forecaster of Keras becomes a model like any other") {
        const program cli;
        const auto values = waves(2, 300);
        cli.write("rows.csv", csv(values));
        auto broken = values;
        broken(1, 200) += 4;
        cli.write("broken.csv", csv(broken));
        const std::string keras = network("keras_last_step");

        const json made = run_json(cli, "import m '" + keras +
                                            "' rows.csv --scaler identity "
                                            "--window 13");
        CHECK(made["kind"] == "forecaster");
        CHECK(made["features"] == json{"a", "b"});
        CHECK(made["window"] == 13);
        CHECK(made["layers"] == json{"lstm (hidden 6, inputs 2)", "last_step",
                                     "dense (inputs 6, outputs 4)", "relu",
                                     "dense (inputs 4, outputs 2)"});
        CHECK(made["rmse"].get<double>() ==
              doctest::Approx(rmse_by_layers(keras, values, 13)).epsilon(1e-5));
        CHECK(run_json(cli, "inspect m")["phase"] == "trained");
        check_weights(cli, "m", keras);

        run_json(cli, "fit-errors m rows.csv");
        run_json(cli, "tune m rows.csv --rule quantile --quantile 1 --factor 1.5");
        const json found = run_json(cli, "detect m broken.csv");
        REQUIRE(found["verdicts"].size() == 300);
        for (std::size_t row = 0; row < 200; ++row) {
            CHECK(found["verdicts"][row]["verdict"] == (row < 12 ? "warming_up" : "normal"));
        }
        CHECK(found["verdicts"][200]["verdict"] == "anomaly");
        CHECK(found["verdicts"][200]["shares"]["b"] > 0.5);
        const outcome streamed = cli("stream m", cli.read("broken.csv"));
        CHECK(lines_of(streamed.out)[200]["score"] == found["verdicts"][200]["score"]);
    }

    TEST_CASE("import: an autoencoder has the window that it repeats its code for") {
        const program cli;
        cli.write("rows.csv", csv(waves(3, 120)));
        const std::string onnx = network("onnx_repeated_state");
        const json made = run_json(cli, "import m '" + onnx + "' rows.csv --scaler standard");
        CHECK(made["kind"] == "autoencoder");
        CHECK(made["window"] == 14);
        CHECK(made["scaler"] == "standard");
        CHECK(run_json(cli, "inspect m")["encoder"] == json{5, 5});
        check_weights(cli, "m", onnx);
        run_json(cli, "fit-errors m rows.csv");
        run_json(cli, "tune m rows.csv");
        CHECK(run_json(cli, "detect m rows.csv")["verdicts"].size() == 120);
        const outcome other = cli("import m '" + onnx + "' rows.csv --scaler standard --window 20");
        CHECK(other.code != 0);
        CHECK(other.err.find("--window 20: ") != std::string::npos);
        CHECK(other.err.find("is for windows of 14") != std::string::npos);
    }

    TEST_CASE("import: the network reads what it would have read in its training") {
        const program cli;
        const auto values = waves(2, 100);
        const std::string keras = " '" + network("keras_last_step") + "' ";
        const auto rmse = [&](const std::string& text, const std::string& scaling) {
            cli.write("rows.csv", text);
            return run_json(cli, "import m" + keras + "rows.csv " + scaling)["rmse"].get<double>();
        };
        const double expected = rmse(csv(values), "--scaler identity");
        CHECK(rmse(csv(values, 4, -20), "--mean -20,-20 --deviation 4,4") ==
              doctest::Approx(expected).epsilon(1e-4));
        const json inspected = run_json(cli, "inspect m");
        CHECK(inspected["scaler"] == "standard");
        CHECK(inspected["scaler_scale"] == json{4, 4});
        // Such a level is subtracted before values become floats.
        CHECK(rmse(csv(values, 1, 3e7), "--mean 3e7,3e7 --deviation 1,1") ==
              doctest::Approx(expected).epsilon(1e-4));
        CHECK(run_json(cli, "inspect m").contains("value_offsets"));
        // A network in other units than its training is no better than the mean.
        const outcome wrong = cli("import m" + keras + "rows.csv --scaler identity");
        CHECK(wrong.code == 0);
        CHECK(wrong.err.find("worse than the mean of the data") != std::string::npos);
        // As with its units: the same large values.
        CHECK(rmse(csv(values, 1, 3e7), "--scaler identity") ==
              doctest::Approx(rmse(csv(values, 1, 3e7), "--mean 0,0 --deviation 1,1")));
    }

    TEST_CASE("import: what does not fit is refused by name, and nothing is written") {
        const program cli;
        cli.write("rows.csv", csv(waves(2, 100)));
        cli.write("wide.csv", csv(waves(3, 100)));
        const auto refused = [&](const std::string& name, const std::string& rest,
                                 const std::string& reason) {
            const outcome run = cli("import m '" + network(name) + "' " + rest);
            CAPTURE(run.err);
            CHECK(run.code != 0);
            CHECK(run.err.find(reason) != std::string::npos);
            CHECK(cli.read("m").empty());
        };
        refused("keras_last_step", "wide.csv --scaler identity", "wide.csv: has 3 features");
        refused("keras_last_step", "wide.csv --scaler identity", "reads 2; --columns");
        refused("keras_last_step", "rows.csv", "--scaler identity, or --mean and --deviation");
        refused("keras_last_step", "rows.csv --mean 1", "--deviation");
        refused("keras_last_step", "rows.csv --mean 1 --deviation 1,2",
                "--mean: 1 number, the network reads 2 features");
        refused("keras_last_step", "rows.csv --mean 1,2 --deviation 1,0", "feature 1 has offset 2");
        refused("keras_last_step", "rows.csv --mean 1,x --deviation 1,1",
                "'x' is not a finite number");
        refused("keras_last_step", "rows.csv --scaler identity --tolerance 0",
                "the networks differ");
        refused("keras_last_step", "rows.csv --scaler identity --targets 3", "3 targets must be");
        refused("keras_causal_convolutions", "wide.csv --scaler identity", "layer 0 is conv1d");
        refused("keras_hard_sigmoid", "wide.csv --scaler identity", "layer 0 is lstm (divisor 6");
        refused("absent", "rows.csv --scaler identity", "absent.safetensors");
        const outcome own = cli("import m rows.csv rows.csv --scaler identity");
        CHECK(own.code != 0);
        cli.write("n", "");
        CHECK(cli("import n n rows.csv --scaler identity").err.find("NETWORK") !=
              std::string::npos);
    }
}
