// State_dicts with a probe, which the classifiers must replay.
#include "tocsin/io/pytorch_replay.hpp"
#include "tocsin/models/classifiers.hpp"

#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace {

using names = std::vector<std::string>;

std::filesystem::path fixture(const std::string& name) {
    return tocsin_test::fixture_directory() / "pytorch" / (name + ".safetensors");
}

template <class Scalar>
auto one_lstm() {
    return tocsin::lstm_classifier<Scalar>(3, 2, 5);
}
const names of_lstm{"lstm", "logits"};
template <class Scalar>
auto both_directions() {
    return tocsin::bidirectional_lstm_classifier<Scalar>(3, 1, {.hidden = 4, .dense = 5});
}
const names of_both{"lstm", "hidden", "logits"};
template <class Scalar>
auto convolutions(
    const tocsin::batch_norm_settings& norm = tocsin::batch_norm_settings::pytorch()) {
    return tocsin::fully_convolutional_classifier<Scalar>(
        2, 1, {.filters = {4, 6, 4}, .normalisation = norm});
}
const names of_convolutions{"layers.0", "layers.1", "layers.3", "layers.4",
                            "layers.6", "layers.7", "logits"};

/// The refusal of a file; empty: it is loaded.
template <class Network>
std::string refusal(const std::filesystem::path& path, const Network& network, const names& modules,
                    const tocsin::converted_options& options = {}) {
    using scalar = typename Network::scalar_type;
    tocsin::aligned_vector<scalar> parameters(static_cast<std::size_t>(network.parameter_count()),
                                              scalar(7));
    const auto outcome = tocsin::load_pytorch_and_replay(
        path, network, std::span<scalar>(parameters), modules, options);
    const bool untouched =
        std::all_of(parameters.begin(), parameters.end(), [](scalar p) { return p == 7; });
    CHECK(untouched != outcome.ok());
    return outcome.ok() ? "" : outcome.message();
}

bool contains(const std::string& text, const char* part) {
    CAPTURE(text);
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("pytorch: classifiers replay the probe of their file", Scalar, float,
                       double) {
        const tocsin::converted_options close{.tolerance = 2e-6};
        CHECK(refusal(fixture("lstm_classifier_probe"), one_lstm<Scalar>(), of_lstm, close) == "");
        CHECK(refusal(fixture("bidirectional_classifier_probe"), both_directions<Scalar>(), of_both,
                      close) == "");
        CHECK(refusal(fixture("fully_convolutional_probe"), convolutions<Scalar>(), of_convolutions,
                      close) == "");
        const tocsin::dense<Scalar> logits(5, 2);
        const tocsin::dynamic_sequential<Scalar> composed(
            {tocsin::lstm<Scalar>(3, 5), tocsin::pooling<Scalar, tocsin::last_step>(5), logits});
        CHECK(refusal(fixture("lstm_classifier_probe"), composed, of_lstm, close) == "");
    }

    TEST_CASE("pytorch: a network that computes something else is refused by the probe") {
        // The weights fit; epsilon and what is pooled are not among them.
        CHECK(contains(refusal(fixture("fully_convolutional_probe"),
                               convolutions<float>(tocsin::batch_norm_settings::keras()),
                               of_convolutions),
                       "of the probe is"));
        const tocsin::sequential other(tocsin::lstm<float>(3, 5),
                                       tocsin::global_average_pooling<float>(5),
                                       tocsin::dense<float>(5, 2));
        CHECK(contains(refusal(fixture("lstm_classifier_probe"), other, of_lstm),
                       "the networks differ"));
        const tocsin::sequential every_step(tocsin::lstm<float>(3, 5), tocsin::dense<float>(5, 2));
        CHECK(contains(refusal(fixture("lstm_classifier_probe"), every_step, of_lstm),
                       "the probe has 12 steps of input and 1 of output"));
    }

    TEST_CASE("pytorch: a file without a usable probe, or with other weights, is refused") {
        CHECK(contains(
            refusal(fixture("bidirectional_classifier"), both_directions<float>(), of_both),
            "'probe.input' is missing: save an input"));
        CHECK(contains(refusal(fixture("lstm_classifier_probe"), one_lstm<float>(), {"lstm"}),
                       "1 modules are given for 2 layers"));
        CHECK(contains(
            refusal(fixture("lstm_classifier_probe"), one_lstm<float>(), {"lstm", "other"}),
            "'logits.weight' is left over"));
        CHECK(contains(refusal(fixture("lstm_classifier_probe"),
                               tocsin::lstm_classifier<float>(4, 2, 5), of_lstm),
                       "'probe.input' has shape [12, 3], expected [steps, 4]"));
        for (const double tolerance : {-1e-4, std::numeric_limits<double>::quiet_NaN()}) {
            CHECK(contains(refusal(fixture("lstm_classifier_probe"), one_lstm<float>(), of_lstm,
                                   {.tolerance = tolerance}),
                           "must be at least 0"));
        }
        const tocsin_test::temporary_directory directory;
        CHECK(contains(refusal(directory / "none", one_lstm<float>(), of_lstm), "cannot open"));
    }
}
