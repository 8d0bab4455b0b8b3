/// @file device_model.hpp
/// @brief A tuned detector from its file, of either kind, and its streams.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/verdict.hpp"

#include "tocsin_cli/model_file.hpp"
#include "tocsin_cli/promise_count.hpp"
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace tocsin_gateway {

/// A detector of the command line, which judges windows.
using window_detector = tocsin_cli::any_detector;
/// A forecaster saved by a program: one LSTM step per sample, and small states.
using forecast_detector = tocsin::detector<tocsin::forecaster<float>, tocsin_cli::any_scaler,
                                           tocsin::mahalanobis<>, tocsin_cli::any_threshold>;

/// The stream of a device_model.
using device_stream = std::variant<window_detector::stream_type, forecast_detector::stream_type>;

/// The part that devices share. Const after loading.
class device_model {
  public:
    /// @return the reason with the name of the file: unreadable, of another kind, not tuned, or
    /// with smoothed scores, whose memory is not part of the stream
    static tocsin::result<std::shared_ptr<const device_model>>
    load(const std::filesystem::path& path);

    /// detector::identity() in 16 hexadecimal digits.
    const std::string& identity() const noexcept { return identity_; }
    std::size_t features() const noexcept { return names_.size(); }
    /// One per feature; feature0, feature1, ... if the file has none.
    const std::vector<std::string>& names() const noexcept { return names_; }
    /// What is subtracted from a value before it becomes a float.
    double offset(std::size_t feature) const noexcept {
        return offsets_.empty() ? 0 : offsets_[feature];
    }

    device_stream make_stream() const;
    /// Counts the anomalies of a stream; none unless the rule promises a rate of false ones.
    std::optional<tocsin_cli::promise_count> make_promise_count() const;
    /// A stream made by make_stream() of this model, or of one with the same identity.
    tocsin::verdict push(device_stream& stream, std::span<const float> values,
                         double time) const noexcept;
    void shares(const device_stream& stream, std::span<double> shares) const noexcept;
    tocsin::result<std::vector<std::byte>> save(const device_stream& stream) const;
    tocsin::result<device_stream> load_stream(std::span<const std::byte> bytes) const;

  private:
    std::variant<window_detector, forecast_detector> detector_;
    std::string identity_;
    std::vector<std::string> names_;
    std::vector<double> offsets_;
};

} // namespace tocsin_gateway
