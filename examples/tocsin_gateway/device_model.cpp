#include "device_model.hpp"

#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"

#include "tocsin_cli/failure.hpp"
#include <array>
#include <cinttypes>
#include <cstdio>
#include <type_traits>
#include <utility>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::result;
using tocsin::status;

namespace {

std::string hexadecimal(std::uint64_t identity) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016" PRIx64, identity);
    return text.data();
}

template <class Detector>
using stream_of = typename std::decay_t<Detector>::stream_type;

} // namespace

result<std::shared_ptr<const device_model>> device_model::load(const std::filesystem::path& path) {
    auto made = std::make_shared<device_model>();
    auto archive = tocsin::archive_reader::open(path);
    if (!archive) {
        return archive.error();
    }
    // The command line judges windows with every model, and also fits a statistic per feature.
    using tocsin_cli::promised_kind;
    using tocsin_cli::promised_model;
    if (archive->contains("detector.errors.per_feature.kind") ||
        promised_model::is_in(*archive, promised_kind::nearest_value)) {
        try {
            auto file = tocsin_cli::load_model(path.string());
            tocsin_cli::refuse_judge(file, path.string(), "the gateway has none of these yet");
            made->names_ = file.shown_names();
            made->offsets_.assign(file.offsets.begin(), file.offsets.end());
            made->detector_.emplace<window_detector>(std::move(file.detector));
        } catch (const tocsin_cli::command_failure& failure) {
            return failure.reason;
        }
    } else {
        auto detector = tocsin::load_detector<forecast_detector>(path);
        if (!detector) {
            return detector.error();
        }
        for (int k = 0; k < detector->features(); ++k) {
            made->names_.push_back("feature" + std::to_string(k));
        }
        made->detector_.emplace<forecast_detector>(*std::move(detector));
    }
    const status usable = std::visit(
        [&](const auto& detector) {
            if (detector.phase() < tocsin::detector_phase::tuned) {
                return status::error(error_code::not_ready, path.string(), ": is in phase '",
                                     tocsin_cli::phase_name(detector.phase()),
                                     "'; the gateway needs a tuned model");
            }
            if (detector.rule().smoothing() > 1) {
                return status::error(error_code::invalid_argument, path.string(),
                                     ": its scores are smoothed over ", detector.rule().smoothing(),
                                     " rows; the gateway needs a model without smoothing");
            }
            made->identity_ = hexadecimal(detector.identity());
            return status{};
        },
        made->detector_);
    if (!usable.ok()) {
        return usable;
    }
    return std::shared_ptr<const device_model>{std::move(made)};
}

device_stream device_model::make_stream() const {
    return std::visit([](const auto& detector) { return device_stream{detector.make_stream()}; },
                      detector_);
}

std::optional<tocsin_cli::promise_count> device_model::make_promise_count() const {
    return std::visit(
        [](const auto& detector) {
            const tocsin::alarm_rate* const rule = detector.rule().promise();
            return rule == nullptr ? std::optional<tocsin_cli::promise_count>{}
                                   : tocsin_cli::promise_count{*rule};
        },
        detector_);
}

tocsin::verdict device_model::push(device_stream& stream, std::span<const float> values,
                                   double time) const noexcept {
    return std::visit(
        [&](const auto& detector) {
            auto* const own = std::get_if<stream_of<decltype(detector)>>(&stream);
            return own == nullptr ? tocsin::verdict{} : detector.push(*own, values, time);
        },
        detector_);
}

void device_model::shares(const device_stream& stream, std::span<double> shares) const noexcept {
    std::visit(
        [&](const auto& detector) {
            if (const auto* const own = std::get_if<stream_of<decltype(detector)>>(&stream)) {
                detector.shares(*own, shares);
            }
        },
        detector_);
}

result<std::vector<std::byte>> device_model::save(const device_stream& stream) const {
    return std::visit(
        [&](const auto& detector) -> result<std::vector<std::byte>> {
            const auto* const own = std::get_if<stream_of<decltype(detector)>>(&stream);
            if (own == nullptr) {
                return status::error(error_code::invalid_argument, "stream of another model");
            }
            return tocsin::save_stream(detector, *own);
        },
        detector_);
}

result<device_stream> device_model::load_stream(std::span<const std::byte> bytes) const {
    return std::visit(
        [&](const auto& detector) -> result<device_stream> {
            auto loaded = tocsin::load_stream(detector, bytes);
            if (!loaded) {
                return loaded.error();
            }
            return device_stream{*std::move(loaded)};
        },
        detector_);
}

} // namespace tocsin_gateway
