#include "tocsin/detect/parameter_archive.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/models/sequential.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// Gives 1 for every value but the last one of a block.
struct file_of_ones {
    static constexpr bool loading = true;

    std::string_view block;
    float last;
    tocsin::status failure = {};
    int found = 0;

    struct scope_guard {
        ~scope_guard() {} // NOLINT(modernize-use-equals-default): a scope is used by its end
    };
    static scope_guard scope(const char* /*name*/) { return {}; }
    void tensor(std::string_view name, std::span<float> values,
                std::initializer_list<tocsin::index_t> /*shape*/) {
        std::fill(values.begin(), values.end(), 1.0F);
        if (name.ends_with(block)) {
            values.back() = last;
            ++found;
        }
    }
    const tocsin::status& outcome() const { return failure; }
    void fail(const tocsin::status& why) { failure = failure.ok() ? why : failure; }
};

std::string loaded(std::string_view block, float last) {
    const tocsin::sequential model(tocsin::dense<float>(2, 3), tocsin::batch_norm<float>(3));
    std::vector<float> parameters(static_cast<std::size_t>(model.parameter_count()));
    file_of_ones file{block, last};
    tocsin::detail::exchange_parameters(file, model, std::span<float>(parameters));
    CHECK(file.found == 1);
    return file.failure.message();
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("parameter archive: a negative running variance is refused with the value") {
        CHECK(loaded("variance", -0.25F).find("variance' has a variance of -0.25") !=
              std::string::npos);
        CHECK(loaded("variance", std::nanf("")).find("nan") != std::string::npos);
        CHECK(loaded("variance", 0).empty());
        CHECK(loaded("mean", -0.25F).empty());
    }
}
