/// @file promised_model.hpp
/// @brief Models that judge rows by a promised number of false alarms.
#pragma once

#include "tocsin/charts/residual_chart.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/combination.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/io/archive.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <span>

namespace tocsin_cli {

enum class promised_kind : std::uint8_t {
    charts,        ///< a tocsin::charted_detector of a linear forecaster
    nearest_value, ///< a tocsin::scored_comparator of a nearest_value_novelty, without forecasts
    ensemble       ///< a tocsin::ensemble of both
};

/// What the linear forecasts of charts are made of.
struct charts_settings {
    int features = 1;
    int order = 10; ///< rows that a forecast is made from
    /// Seconds between neighbours, at most; NaN: by the usual interval.
    double longest_pause = std::numeric_limits<double>::quiet_NaN();
    double ridge = 0;
};

/// Normal rows for a nearest_value_novelty, `[features x rows]` in order of time.
struct novelty_rows {
    tocsin::matrix<double> rows; ///< without missing values
    int memory = 4000;           ///< rows that are remembered at most
};

/// What judges rows by the false alarms that are expected. Copies share what was learned.
///
/// In a file, a nearest value is the detector itself, which a program loads as a
/// scored_comparator<nearest_value_novelty>. Charts and ensembles stand beside the detector of their
/// forecasts, under names that make a program which loads that detector alone refuse the file.
class promised_model {
  public:
    class learned;

    /// What is remembered of one stream, for the model that made it, which must outlive this.
    class stream {
      public:
        stream() = default;
        stream(const stream&) = delete;
        stream& operator=(const stream&) = delete;
        virtual ~stream() = default;
        /// @param time in seconds; NaN: not known
        virtual tocsin::verdict push(std::span<const float> sample, double time) noexcept = 0;
        /// 1 for the sensor that makes the last sample least normal; 0 for all if none does.
        virtual void shares(std::span<double> out) const noexcept = 0;
    };

    /// Trains by cross-fitting: no residual comes from a model that has learned from its row.
    /// @param promised false alarms in 10 000 rows
    static tocsin::result<promised_model> fit_charts(const charts_settings& settings,
                                                     const tocsin::held_out_data<float>& data,
                                                     const tocsin::cross_fit& plan,
                                                     double promised);
    /// The rule is fitted to the scores of the later 60 % of the rows, each compared with those before
    /// it; then all of them are remembered.
    static tocsin::result<promised_model> fit_nearest_value(const novelty_rows& data,
                                                            double promised);
    /// Both, and how their expected false alarms become one.
    static tocsin::result<promised_model>
    fit_ensemble(const charts_settings& settings, const tocsin::held_out_data<float>& data,
                 const tocsin::cross_fit& plan, const novelty_rows& novelty,
                 tocsin::combination combine, double promised);

    /// Whether a file holds a model of this kind.
    static bool is_in(const tocsin::archive_reader& archive, promised_kind kind);
    /// Fails in the archive.
    static promised_model load(tocsin::archive_reader& archive, promised_kind kind);
    void save(tocsin::archive_writer& archive) const;

    promised_kind kind() const noexcept;
    const char* name() const noexcept;  ///< the argument of 'fit --model'
    const char* judge() const noexcept; ///< in words, such as "charts of residuals"
    /// Whether a detector stands beside it in the file.
    bool forecasts() const noexcept { return kind() != promised_kind::nearest_value; }
    int features() const noexcept;
    double promised() const noexcept;  ///< false alarms in 10 000 rows
    double largest() const noexcept;   ///< the most that its rule can bring; NaN: not known
    double threshold() const noexcept; ///< for the scores of verdicts
    std::int64_t gap() const noexcept; ///< rows that end a cluster of false alarms
    double level() const noexcept;     ///< score above which a cluster goes on
    int memory() const noexcept;       ///< rows that nearest values are looked for in; 0: none
    tocsin::combination combine() const noexcept; ///< of an ensemble
    std::unique_ptr<stream> make_stream() const;

    /// Rows of the longest chart.
    static constexpr int longest_chart = tocsin::residual_chart::longest;
    /// Rows of a fit that no chart is left out of.
    static constexpr int rows_for_all_charts = tocsin::residual_charts::rows_of_fit * longest_chart;

  private:
    explicit promised_model(std::shared_ptr<const learned> inside) : inside_{std::move(inside)} {}

    std::shared_ptr<const learned> inside_;
};

} // namespace tocsin_cli
