#include "charted_model.hpp"

#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/training/least_squares.hpp"

#include "any_scaler.hpp"
#include <utility>

namespace tocsin_cli {
namespace {

using linear_detector = tocsin::detector<tocsin::linear_forecaster<float>, any_scaler>;
using charted_detector = tocsin::charted_detector<linear_detector>;

// A part of the detector, so that a program without charts refuses the file.
constexpr const char* name_in_file = "detector.charted";

class stream_of : public charted_model::stream {
  public:
    explicit stream_of(const charted_detector& detector)
        : detector_{detector}, stream_{detector.make_stream()} {}
    tocsin::verdict push(std::span<const float> sample, double time) noexcept override {
        return detector_.push(stream_, sample, time);
    }
    void shares(std::span<double> out) const noexcept override { detector_.shares(stream_, out); }

  private:
    const charted_detector& detector_;
    charted_detector::stream_type stream_;
};

} // namespace

/// The detector itself.
struct charted_model::learned {
    charted_detector detector;
};

tocsin::result<charted_model> charted_model::fit(const charted_model_settings& settings,
                                                 const tocsin::held_out_data<float>& data,
                                                 const tocsin::cross_fit& plan) {
    tocsin::detector_settings of_detector;
    of_detector.longest_pause = settings.longest_pause;
    charted_detector detector(
        linear_detector{
            tocsin::linear_forecaster<float>{settings.features, settings.features, settings.order},
            of_detector, any_scaler{scaler_kind::standard}},
        {.promised = settings.promised});
    const tocsin::status fitted =
        detector.fit(data, tocsin::least_squares{.ridge = settings.ridge}, plan);
    if (!fitted.ok()) {
        return fitted;
    }
    return charted_model{std::make_shared<learned>(learned{std::move(detector)})};
}

bool charted_model::is_in(const tocsin::archive_reader& archive) {
    return archive.contains("detector.charted.settings.promised");
}

charted_model charted_model::load(tocsin::archive_reader& archive) {
    auto made = std::make_shared<learned>();
    archive.object(name_in_file, made->detector);
    if (archive.outcome().ok() && !made->detector.fitted()) {
        archive.fail(tocsin::status::error(tocsin::error_code::format_error,
                                           "its charts have not been fitted"));
    }
    return charted_model{std::move(made)};
}

void charted_model::save(tocsin::archive_writer& archive) const {
    archive.object(name_in_file, inside_->detector);
}

int charted_model::features() const noexcept {
    return inside_->detector.features();
}
std::int64_t charted_model::gap() const noexcept {
    return inside_->detector.gap();
}
double charted_model::promised() const noexcept {
    return inside_->detector.settings().promised;
}
double charted_model::threshold() const noexcept {
    auto fresh = inside_->detector.make_stream(); // every verdict has it
    return inside_->detector.push(fresh, std::span<const float>{}).threshold;
}
std::unique_ptr<charted_model::stream> charted_model::make_stream() const {
    return std::make_unique<stream_of>(inside_->detector);
}

} // namespace tocsin_cli
