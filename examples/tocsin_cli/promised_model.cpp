#include "promised_model.hpp"

#include "tocsin/alarm/no_alarm_control.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/ensemble.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/training/least_squares.hpp"

#include "any_scaler.hpp"
#include <algorithm>
#include <utility>

namespace tocsin_cli {
namespace {

using tocsin::index_t;
using linear_detector = tocsin::detector<tocsin::linear_forecaster<float>, any_scaler>;
using charted_detector = tocsin::charted_detector<linear_detector>;
using novelty_comparator = tocsin::scored_comparator<tocsin::nearest_value_novelty>;
using both = tocsin::basic_ensemble<tocsin::no_alarm_control, charted_detector, novelty_comparator>;

constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

/// What stands in a file, and a number that it has.
struct place_in_file {
    const char* object;
    const char* number;
};
/// Charts and ensembles are a part of the detector, so that a program without them refuses the file.
place_in_file place_of(promised_kind kind) noexcept {
    switch (kind) {
    case promised_kind::charts:
        return {"detector.charted", "detector.charted.settings.promised"};
    case promised_kind::ensemble:
        return {"detector.ensemble", "detector.ensemble.settings.promised"};
    case promised_kind::nearest_value:
        break;
    }
    return {"detector", "detector.scorer.memory"};
}

const tocsin::verdict& verdict_of(const tocsin::verdict& verdict) noexcept {
    return verdict;
}
const tocsin::verdict& verdict_of(const tocsin::ensemble_verdict& verdict) noexcept {
    return verdict.combined;
}

template <class Judge>
class stream_of : public promised_model::stream {
  public:
    explicit stream_of(const Judge& judge) : judge_{judge}, stream_{judge.make_stream()} {}
    tocsin::verdict push(std::span<const float> sample, double time) noexcept override {
        return verdict_of(judge_.push(stream_, sample, time));
    }
    void shares(std::span<double> out) const noexcept override { judge_.shares(stream_, out); }

  private:
    const Judge& judge_;
    typename Judge::stream_type stream_;
};

} // namespace

/// One of the library's types.
class promised_model::learned {
  public:
    learned() = default;
    learned(const learned&) = delete;
    learned& operator=(const learned&) = delete;
    virtual ~learned() = default;

    virtual void load(tocsin::archive_reader& archive) = 0;
    virtual void save(tocsin::archive_writer& archive) const = 0;
    virtual promised_kind kind() const noexcept = 0;
    virtual int features() const noexcept = 0;
    virtual double promised() const noexcept = 0;
    virtual double largest() const noexcept { return not_known; }
    virtual double threshold() const noexcept = 0;
    virtual std::int64_t gap() const noexcept = 0;
    virtual double level() const noexcept { return std::numeric_limits<double>::max(); }
    virtual int memory() const noexcept { return 0; }
    virtual tocsin::combination combine() const noexcept { return tocsin::combination::bonferroni; }
    virtual std::unique_ptr<stream> make_stream() const = 0;
};

namespace {

/// What the three have in common.
template <class Judge, promised_kind Kind>
class learned_judge : public promised_model::learned {
  public:
    learned_judge() = default;
    explicit learned_judge(Judge judge) : judge_{std::move(judge)} {}

    void load(tocsin::archive_reader& archive) override {
        archive.object(place_of(Kind).object, judge_);
        if (archive.outcome().ok() && !is_fitted()) {
            archive.fail(
                tocsin::status::error(tocsin::error_code::format_error, "it has not been fitted"));
        }
    }
    void save(tocsin::archive_writer& archive) const override {
        archive.object(place_of(Kind).object, judge_);
    }
    promised_kind kind() const noexcept override { return Kind; }
    int features() const noexcept override { return judge_.features(); }
    double threshold() const noexcept override {
        auto fresh = judge_.make_stream(); // every verdict has it
        return verdict_of(judge_.push(fresh, std::span<const float>{})).threshold;
    }
    std::unique_ptr<promised_model::stream> make_stream() const override {
        return std::make_unique<stream_of<Judge>>(judge_);
    }

  protected:
    virtual bool is_fitted() const noexcept = 0;
    Judge judge_;
};

class learned_charts : public learned_judge<charted_detector, promised_kind::charts> {
  public:
    using learned_judge::learned_judge;
    double promised() const noexcept override { return judge_.settings().promised; }
    std::int64_t gap() const noexcept override { return judge_.gap(); }

  private:
    bool is_fitted() const noexcept override { return judge_.fitted(); }
};

class learned_values : public learned_judge<novelty_comparator, promised_kind::nearest_value> {
  public:
    using learned_judge::learned_judge;
    double promised() const noexcept override { return judge_.rule().promised(); }
    double largest() const noexcept override { return judge_.rule().largest_promise(); }
    double threshold() const noexcept override { return judge_.rule().threshold(); }
    std::int64_t gap() const noexcept override { return judge_.rule().gap(); }
    double level() const noexcept override { return judge_.rule().level(); }
    int memory() const noexcept override { return judge_.scorer().memory(); }

  private:
    bool is_fitted() const noexcept override { return judge_.rule().fitted(); }
};

class learned_ensemble : public learned_judge<both, promised_kind::ensemble> {
  public:
    using learned_judge::learned_judge;
    double promised() const noexcept override { return judge_.settings().promised; }
    std::int64_t gap() const noexcept override {
        return std::max(judge_.member<0>().gap(), judge_.member<1>().rule().gap());
    }
    int memory() const noexcept override { return judge_.member<1>().scorer().memory(); }
    tocsin::combination combine() const noexcept override { return judge_.settings().combine; }

  private:
    bool is_fitted() const noexcept override { return judge_.check().ok(); }
};

tocsin::result<charted_detector> fitted_charts(const charts_settings& settings,
                                               const tocsin::held_out_data<float>& data,
                                               const tocsin::cross_fit& plan, double promised) {
    tocsin::detector_settings of_detector;
    of_detector.longest_pause = settings.longest_pause;
    charted_detector detector(
        linear_detector{
            tocsin::linear_forecaster<float>{settings.features, settings.features, settings.order},
            of_detector, any_scaler{scaler_kind::standard}},
        {.promised = promised});
    const tocsin::status fitted =
        detector.fit(data, tocsin::least_squares{.ridge = settings.ridge}, plan);
    if (!fitted.ok()) {
        return fitted;
    }
    return detector;
}

tocsin::result<novelty_comparator> fitted_values(const novelty_rows& data, double promised) {
    const tocsin::nearest_value_novelty untrained(data.memory);
    novelty_comparator judge(untrained, tocsin::alarm_rate({.alarms = promised}));
    const index_t first = std::max<index_t>(2 * data.rows.cols() / 5, 2);
    const index_t later = std::max<index_t>(data.rows.cols() - first, 0);
    tocsin::status fitted = judge.fit(data.rows.leftCols(std::min(first, data.rows.cols())),
                                      data.rows.rightCols(later));
    // The rows of the rule are values to remember, too.
    tocsin::nearest_value_novelty all = untrained;
    fitted = fitted.ok() ? all.fit(data.rows) : fitted;
    if (!fitted.ok()) {
        return fitted;
    }
    return novelty_comparator{std::move(all), judge.rule()};
}

} // namespace

tocsin::result<promised_model> promised_model::fit_charts(const charts_settings& settings,
                                                          const tocsin::held_out_data<float>& data,
                                                          const tocsin::cross_fit& plan,
                                                          double promised) {
    auto charts = fitted_charts(settings, data, plan, promised);
    if (!charts) {
        return charts.error();
    }
    return promised_model{std::make_shared<learned_charts>(*std::move(charts))};
}

tocsin::result<promised_model> promised_model::fit_nearest_value(const novelty_rows& data,
                                                                 double promised) {
    auto values = fitted_values(data, promised);
    if (!values) {
        return values.error();
    }
    return promised_model{std::make_shared<learned_values>(*std::move(values))};
}

tocsin::result<promised_model>
promised_model::fit_ensemble(const charts_settings& settings,
                             const tocsin::held_out_data<float>& data,
                             const tocsin::cross_fit& plan, const novelty_rows& novelty,
                             tocsin::combination combine, double promised) {
    auto charts = fitted_charts(settings, data, plan, promised);
    if (!charts) {
        return charts.error();
    }
    auto values = fitted_values(novelty, promised);
    if (!values) {
        return values.error();
    }
    both ensemble({.combine = combine, .promised = promised}, tocsin::no_alarm_control{},
                  *std::move(charts), *std::move(values));
    if (const tocsin::status usable = ensemble.check(); !usable.ok()) {
        return usable;
    }
    return promised_model{std::make_shared<learned_ensemble>(std::move(ensemble))};
}

bool promised_model::is_in(const tocsin::archive_reader& archive, promised_kind kind) {
    return archive.contains(place_of(kind).number);
}

promised_model promised_model::load(tocsin::archive_reader& archive, promised_kind kind) {
    const auto loaded = [&](auto made) {
        made->load(archive);
        return promised_model{std::move(made)};
    };
    switch (kind) {
    case promised_kind::nearest_value:
        return loaded(std::make_shared<learned_values>());
    case promised_kind::ensemble:
        return loaded(std::make_shared<learned_ensemble>());
    case promised_kind::charts:
        break;
    }
    return loaded(std::make_shared<learned_charts>());
}

void promised_model::save(tocsin::archive_writer& archive) const {
    inside_->save(archive);
}

promised_kind promised_model::kind() const noexcept {
    return inside_->kind();
}
const char* promised_model::name() const noexcept {
    constexpr const char* names[] = {"charts", "nearest_value", "ensemble"};
    return names[static_cast<int>(kind())];
}
const char* promised_model::judge() const noexcept {
    constexpr const char* words[] = {"charts of residuals", "nearest values",
                                     "charts of residuals and nearest values"};
    return words[static_cast<int>(kind())];
}
int promised_model::features() const noexcept {
    return inside_->features();
}
double promised_model::promised() const noexcept {
    return inside_->promised();
}
double promised_model::largest() const noexcept {
    return inside_->largest();
}
double promised_model::threshold() const noexcept {
    return inside_->threshold();
}
std::int64_t promised_model::gap() const noexcept {
    return inside_->gap();
}
double promised_model::level() const noexcept {
    return inside_->level();
}
int promised_model::memory() const noexcept {
    return inside_->memory();
}
tocsin::combination promised_model::combine() const noexcept {
    return inside_->combine();
}
std::unique_ptr<promised_model::stream> promised_model::make_stream() const {
    return inside_->make_stream();
}

} // namespace tocsin_cli
