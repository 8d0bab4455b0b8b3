// A detector over a file that is mapped read-only: a write to what it borrows would end the program.
#if __has_include(<sys/mman.h>)

#include "tocsin/core/storage.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using tocsin::index_t;

constexpr int length = 12;

/// The pages of a file, for reading alone.
class mapped_file {
  public:
    explicit mapped_file(const std::filesystem::path& path)
        : bytes_{static_cast<std::size_t>(std::filesystem::file_size(path))} {
        const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        REQUIRE(file >= 0);
        address_ = ::mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
        ::close(file);
        REQUIRE(address_ != MAP_FAILED);
    }
    mapped_file(const mapped_file&) = delete;
    mapped_file& operator=(const mapped_file&) = delete;
    ~mapped_file() { ::munmap(address_, bytes_); }

    std::span<const float> values() const {
        return {static_cast<const float*>(address_), bytes_ / sizeof(float)};
    }

  private:
    std::size_t bytes_;
    void* address_ = nullptr;
};

/// A detector that learned from its own memory says the same as one over a file of its weights.
template <class Detector>
void check_mapped(Detector original) {
    const auto values = tocsin_test::slow_waves(240);
    const auto windows = tocsin_test::windows_over(values, length);
    const auto& model = original.model();
    tocsin_test::run_all_phases(original, windows);

    // Parameters, then the packed weights from the next whole line on.
    const auto count = static_cast<std::size_t>(model.parameter_count());
    const auto packed_at =
        static_cast<std::size_t>(tocsin::whole_lines<float>(model.parameter_count()));
    const auto packed_count = static_cast<std::size_t>(model.packed_size());
    tocsin::aligned_vector<float> content(packed_at + packed_count);
    std::copy(original.parameters().begin(), original.parameters().end(), content.begin());
    model.pack(original.parameters(), std::span(content).subspan(packed_at));
    const tocsin_test::temporary_directory directory;
    std::ofstream(directory / "weights", std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size() * sizeof(float)));

    const mapped_file file(directory / "weights");
    REQUIRE(file.values().size() == content.size());
    const tocsin::column<float> mean = values.rowwise().mean();
    Detector borrowing(model, original.settings());
    const auto outcome =
        borrowing.borrow({.parameters = file.values().first(count),
                          .packed = file.values().subspan(packed_at, packed_count)},
                         original.data_scaler(), mean);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    CHECK(borrowing.parameters().data() == file.values().data());
    REQUIRE(borrowing.fit_errors(windows).ok());
    REQUIRE(borrowing.tune(windows).ok());
    CHECK(borrowing.threshold() == original.threshold());
    CHECK(tocsin_test::same_bits(tocsin_test::all_scores(borrowing, windows),
                                 tocsin_test::all_scores(original, windows)));

    // A detector that has been fitted needs no phase again.
    Detector fitted = original;
    REQUIRE(fitted
                .borrow({.parameters = file.values().first(count),
                         .packed = file.values().subspan(packed_at, packed_count)})
                .ok());
    CHECK(fitted.parameters().data() == file.values().data());
    CHECK(fitted.phase() == original.phase());
    CHECK(fitted.identity() == original.identity());
    CHECK(tocsin_test::same_bits(tocsin_test::all_scores(fitted, windows),
                                 tocsin_test::all_scores(original, windows)));
    // Other weights are refused by name, and change nothing.
    content[3] += 1;
    const auto other = fitted.borrow({.parameters = std::span<const float>(content).first(count)});
    CHECK(other.code() == tocsin::error_code::invalid_argument);
    CHECK(std::string_view(other.message()).find("parameters 3 is") != std::string_view::npos);
    content[3] = original.parameters()[3];
    content[packed_at] += 1;
    CHECK_FALSE(fitted
                    .borrow({.parameters = std::span<const float>(content).first(count),
                             .packed = std::span<const float>(content).subspan(packed_at)})
                    .ok());
    CHECK_FALSE(
        fitted.borrow({.parameters = std::span<const float>(content).first(count - 1)}).ok());
    CHECK_FALSE(original.borrow({.parameters = original.parameters()}).ok()); // no copy
    CHECK(Detector(model, original.settings())
              .borrow({.parameters = file.values().first(count)})
              .code() == tocsin::error_code::not_ready);
    CHECK(fitted.parameters().data() == file.values().data());

    // Also where the model learns, since a stream has weights of its own then.
    const auto live = tocsin_test::slow_waves(300, 8);
    for (const bool learns : {false, true}) {
        auto stream = borrowing.make_stream();
        auto expected_stream = original.make_stream();
        if (learns) {
            const tocsin::learning_settings settings{
                .half_life = 100,
                .model = tocsin::online_training_settings{
                    .every = 20, .steps = length, .learning_rate = 1e-3}};
            REQUIRE(borrowing.enable_learning(stream, settings).ok());
            REQUIRE(original.enable_learning(expected_stream, settings).ok());
        }
        int different = 0;
        int scored = 0;
        for (index_t t = 0; t < live.cols(); ++t) {
            const auto expected = original.push(expected_stream, live.col(t));
            const auto got = borrowing.push(stream, live.col(t));
            original.learn(expected_stream);
            borrowing.learn(stream);
            different += tocsin_test::same_verdict(got, expected) ? 0 : 1;
            scored += got.scored() ? 1 : 0;
        }
        CHECK(different == 0);
        CHECK(scored > 200);
    }
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("detector: borrows parameters and packed weights from a file mapped read-only") {
        check_mapped(tocsin::detector<tocsin::forecaster<float>>(tocsin_test::small_forecaster(1)));
        check_mapped(tocsin::detector<tocsin::encoder_decoder<float>>(
            tocsin_test::small_lstm<float>(3),
            {.window = length, .scored = tocsin::scored_steps::newest}));
    }
}

#endif
