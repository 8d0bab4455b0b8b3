/// @file charted_model.hpp
/// @brief Linear forecasts whose residuals are judged by monitoring charts.
#pragma once

#include "tocsin/charts/residual_chart.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/io/archive.hpp"

#include <limits>
#include <memory>
#include <span>

namespace tocsin_cli {

/// What the charts are made of.
struct charted_model_settings {
    int features = 1;
    int order = 10; ///< rows that a forecast is made from
    /// Seconds between neighbours, at most; NaN: by the usual interval.
    double longest_pause = std::numeric_limits<double>::quiet_NaN();
    double promised = 1; ///< false alarms in 10 000 rows
    double ridge = 0;    ///< of the linear forecasts
};

/// A tocsin::charted_detector of a linear forecaster. In a file it has the name "detector.charted", so
/// that a program which loads the detector alone refuses the file. Copies share what was learned.
class charted_model {
  public:
    struct learned;

    /// What is remembered of one stream, for the model that made it, which must outlive this.
    class stream {
      public:
        virtual ~stream() = default;
        /// @param time in seconds; NaN: not known
        virtual tocsin::verdict push(std::span<const float> sample, double time) noexcept = 0;
        /// 1 for the sensor whose chart finds the last sample least normal.
        virtual void shares(std::span<double> out) const noexcept = 0;
    };

    /// Trains by cross-fitting: no residual comes from a model that has learned from its row.
    static tocsin::result<charted_model> fit(const charted_model_settings& settings,
                                             const tocsin::held_out_data<float>& data,
                                             const tocsin::cross_fit& plan);

    /// Whether a file holds charts.
    static bool is_in(const tocsin::archive_reader& archive);
    /// Fails in the archive.
    static charted_model load(tocsin::archive_reader& archive);
    void save(tocsin::archive_writer& archive) const;

    int features() const noexcept;
    double promised() const noexcept;  ///< false alarms in 10 000 rows
    double threshold() const noexcept; ///< for the scores of verdicts
    std::int64_t gap() const noexcept; ///< rows that end a cluster of false alarms
    std::unique_ptr<stream> make_stream() const;

    /// Rows of the longest chart.
    static constexpr int longest_chart = tocsin::residual_chart::longest;
    /// Rows of a fit that no chart is left out of.
    static constexpr int rows_for_all_charts = tocsin::residual_charts::rows_of_fit * longest_chart;

  private:
    explicit charted_model(std::shared_ptr<learned> inside) : inside_{std::move(inside)} {}

    std::shared_ptr<learned> inside_;
};

} // namespace tocsin_cli
