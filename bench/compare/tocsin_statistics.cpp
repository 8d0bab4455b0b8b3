// tocsin: error statistics, thresholds, the whole detector on a stream.
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/threshold/f_beta_grid.hpp"
#include "tocsin/threshold/f_beta_sweep.hpp"

#include "tocsin_jobs.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tocsin_bench {
namespace {

using namespace tocsin;

matrix_view<const double> errors_of(const statistics_problem& problem) {
    return {problem.errors, problem.dimension, problem.count};
}

void require(const status& outcome) {
    if (!outcome.ok()) {
        std::fprintf(stderr, "%s\n", outcome.message());
        std::exit(1);
    }
}

class moments_job final : public job {
  public:
    explicit moments_job(const statistics_problem& problem)
        : problem_{problem}, seen_(problem.dimension) {}

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            seen_.reset();
            seen_.add_batch(errors_of(problem_));
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        run(1);
        const auto mean = seen_.mean();
        const matrix<double> covariance = seen_.covariance();
        std::vector<double> values(mean.data(), mean.data() + mean.size());
        values.insert(values.end(), covariance.data(), covariance.data() + covariance.size());
        return values;
    }

  private:
    statistics_problem problem_;
    moments<> seen_;
};

class mahalanobis_job final : public job {
  public:
    explicit mahalanobis_job(const statistics_problem& problem)
        : problem_{problem}, statistic_(problem.dimension, 0),
          scores_(static_cast<std::size_t>(problem.count)) {
        statistic_.accumulate(errors_of(problem));
        require(statistic_.fit());
    }

    void run(std::int64_t repetitions) override {
        for (std::int64_t k = 0; k < repetitions; ++k) {
            statistic_.scores(errors_of(problem_), scores_);
            results_are_read();
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return scores_;
    }

  private:
    statistics_problem problem_;
    mahalanobis<> statistic_;
    std::vector<double> scores_;
};

class sweep_job final : public job {
  public:
    explicit sweep_job(const scores_problem& problem) : problem_{problem} {}

    void run(std::int64_t repetitions) override {
        const auto count = static_cast<std::size_t>(problem_.count);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            const auto points = f_beta_sweep({problem_.scores, count}, {problem_.labels, count});
            best_ = best_by_f_beta(*points, 1);
        }
    }
    std::vector<double> outputs() override {
        run(1);
        return {best_.threshold, best_.counts.f_beta(1)};
    }

  private:
    scores_problem problem_;
    threshold_point best_;
};

class grid_job final : public job {
  public:
    grid_job(const scores_problem& problem, int thresholds)
        : problem_{problem},
          grid_(f_beta_grid::make(0,
                                  *std::max_element(problem.scores, problem.scores + problem.count),
                                  thresholds)
                    .value()) {}

    void run(std::int64_t repetitions) override {
        const auto count = static_cast<std::size_t>(problem_.count);
        for (std::int64_t k = 0; k < repetitions; ++k) {
            require(grid_.add({problem_.scores, count}, {problem_.labels, count}));
        }
    }
    std::vector<double> outputs() override {
        run(1);
        const auto best = grid_.best(1);
        return {best.threshold, best.counts.f_beta(1)};
    }

  private:
    scores_problem problem_;
    f_beta_grid grid_;
};

class push_job final : public job {
  public:
    explicit push_job(const detector_problem& problem)
        : features_{problem.features}, values_(static_cast<std::size_t>(problem.features * length)),
          monitor_{{lstm_stack<float>{{problem.features, problem.hidden}},
                    lstm_stack<float>{{problem.features, problem.hidden}},
                    dense_head<float>{{problem.hidden, problem.features}}},
                   {.window = problem.window}} {
        random_generator random{1};
        for (float& value : values_) {
            value = static_cast<float>(random.uniform(-1, 1));
        }
        const auto all =
            make_windows<float>({values_.data(), problem.features, length}, problem.window).value();
        require(monitor_.train(all, {}, trainer<>{.epochs = 1}));
        require(monitor_.fit_errors(all));
        require(monitor_.tune(all));
        stream_ = monitor_.make_stream();
        run(problem.window); // past the warm-up
    }

    void run(std::int64_t repetitions) override {
        double sum = 0;
        for (std::int64_t k = 0; k < repetitions; ++k) {
            const auto first = static_cast<std::size_t>(next_++ % length * features_);
            sum += monitor_
                       .push(stream_, std::span<const float>(values_).subspan(
                                          first, static_cast<std::size_t>(features_)))
                       .score;
        }
        sum_ = sum;
    }
    std::vector<double> outputs() override {
        run(1);
        return {sum_};
    }

  private:
    static constexpr int length = 512;
    int features_;
    aligned_vector<float> values_;
    detector<encoder_decoder<float>> monitor_;
    decltype(monitor_)::stream_type stream_;
    std::int64_t next_ = 0;
    double sum_ = 0;
};

} // namespace

job_pointer tocsin_moments(const statistics_problem& problem) {
    return std::make_unique<moments_job>(problem);
}
job_pointer tocsin_mahalanobis(const statistics_problem& problem) {
    return std::make_unique<mahalanobis_job>(problem);
}
job_pointer tocsin_f_beta_sweep(const scores_problem& problem) {
    return std::make_unique<sweep_job>(problem);
}
job_pointer tocsin_f_beta_grid(const scores_problem& problem, int thresholds) {
    return std::make_unique<grid_job>(problem, thresholds);
}
job_pointer tocsin_detector_push(const detector_problem& problem) {
    return std::make_unique<push_job>(problem);
}

} // namespace tocsin_bench
