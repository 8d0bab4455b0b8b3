// Files whose sizes have products that would wrap to small numbers with addresses of 32 bits.
#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/models/mean_of_models.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/sequential.hpp"

#include <doctest/doctest.h>

#include "support/edited_file.hpp"
#include "temporary_directory.hpp"
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace tocsin;
using tocsin_test::edited_file;
using tocsin_test::temporary_directory;

namespace {

/// What refuses a size: the memory that can be addressed or, with addresses of 64 bits, the budget.
std::string reason(const char* budget) {
    return sizeof(void*) > 4 ? budget : "addressed";
}

template <class Detector>
edited_file file_of(const Detector& detector) {
    const temporary_directory directory;
    REQUIRE(save_detector(detector, directory / "detector").ok());
    std::ifstream file(directory / "detector", std::ios::binary);
    return edited_file({std::istreambuf_iterator<char>(file), {}});
}

/// Loads a file and says why it was refused.
template <class Detector>
std::string refusal(const edited_file& file, Detector fresh) {
    const temporary_directory directory;
    std::ofstream(directory / "hostile", std::ios::binary) << file.bytes();
    const auto loaded = load_detector<Detector>(directory / "hostile", std::move(fresh));
    return loaded ? "" : loaded.error().message();
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("size arithmetic: weights of a classifier's layer") {
        // 4 * 32768 * 32770 scalars are 2^18 modulo 2^32.
        const classifier_detector detector(
            sequential(lstm<float>(1, 2), pooling<float, last_step>(2), dense<float>(2, 1)),
            {.window = 4});
        auto file = file_of(detector);
        file.set("detector.network.0.hidden", "32768")
            .set("detector.network.1.size", "32768")
            .set("detector.network.2.inputs", "32768");
        const std::string said = refusal(file, detector);
        CHECK_MESSAGE(said.find(reason("'detector.network' needs")) != std::string::npos, said);
    }

    TEST_CASE("size arithmetic: activations of a long window of rows") {
        // 65536 outputs at 65536 steps are 0 modulo 2^32.
        using rows = decltype(make_row_autoencoder<float>(1));
        const detector<rows, standard_scaler<float>, diagonal_gaussian<>> made(
            make_row_autoencoder<float>(1), {.window = 4});
        auto file = file_of(made);
        file.set("detector.settings.window", "65536");
        for (const char* size : {"0.outputs", "1.inputs", "4.outputs", "5.inputs"}) {
            file.set("detector.model.network." + std::string(size), "65536");
        }
        const std::string said = refusal(file, made);
        CHECK_MESSAGE(said.find(reason("'detector.stream' needs")) != std::string::npos, said);
    }

    TEST_CASE("size arithmetic: the weights of many members") {
        // Those of one can be addressed with 32 bits.
        using model = mean_of_models<linear_forecaster<float>>;
        const auto checked = [](int members) {
            return model{linear_forecaster<float>(2048, 2048, 1), members}.check().ok();
        };
        CHECK(checked(2));
        CHECK(checked(1000) == (sizeof(void*) > 4));
        const detector<model> made(model{linear_forecaster<float>(1, 1, 1), 2});
        auto file = file_of(made);
        file.set("detector.model.members", "1000");
        for (const char* name : {"features", "targets"}) {
            file.set("detector.model.member." + std::string(name), "2048");
        }
        const std::string said = refusal(file, made);
        CHECK_MESSAGE(said.find(reason("'detector.model' needs")) != std::string::npos, said);
    }
}
