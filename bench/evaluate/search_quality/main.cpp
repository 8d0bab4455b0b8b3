// The quality of the settings that a search finds, on two functions with known minima and for the
// settings of a forecaster for series of the suite discords: Bayesian optimisation compared with
// random points. Prints the tables of docs/search.md.
//     search_quality [--seeds 10] [--trials 40] [--data DIR]
#include "tocsin/models/forecaster.hpp"
#include "tocsin/search/search.hpp"
#include "tocsin/search/validation_error.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"
#include "tocsin/training/fit.hpp"

#include <CLI/CLI.hpp>

#include "discords_data.hpp"
#include "scoring_task.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace {

using tocsin::index_t;
using tocsin::matrix;
using tocsin::running_trial;
using tocsin::search_method;
using tocsin::search_settings;
using tocsin::search_space;

/// Three minima of 0.397887.
double branin(const running_trial& trial) {
    constexpr double pi = std::numbers::pi;
    const double x = trial.real("x");
    const double valley = trial.real("y") - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
    return valley * valley + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
}

/// Its minimum is -3.32237.
double hartmann(const running_trial& trial) {
    constexpr std::array<double, 4> weights = {1, 1.2, 3, 3.2};
    constexpr std::array<std::array<double, 6>, 4> slopes = {{{10, 3, 17, 3.5, 1.7, 8},
                                                              {0.05, 10, 17, 0.1, 8, 14},
                                                              {3, 3.5, 1.7, 10, 17, 8},
                                                              {17, 8, 0.05, 10, 0.1, 14}}};
    constexpr std::array<std::array<double, 6>, 4> centres = {
        {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
         {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
         {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
         {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}}};
    double sum = 0;
    for (std::size_t k = 0; k < weights.size(); ++k) {
        double distance = 0;
        for (std::size_t d = 0; d < 6; ++d) {
            const double apart = trial.values()[d] - centres[k][d];
            distance += slopes[k][d] * apart * apart;
        }
        sum -= weights[k] * std::exp(-distance);
    }
    return sum;
}

/// A way to search, by its name in the table.
struct contender {
    const char* name;
    search_method method;
    int parallel;
    int first_rung; ///< 0: no halving
};
constexpr std::array contenders = {contender{"random points", search_method::random, 1, 0},
                                   contender{"Bayesian", search_method::bayesian, 1, 0},
                                   contender{"Bayesian, 4 at once", search_method::bayesian, 4, 0}};
constexpr contender with_halving = {"Bayesian, halving", search_method::bayesian, 1, 2};

struct spread {
    double mean = 0;
    double deviation = 0;
    double worst = 0;
};

spread spread_of(const std::vector<double>& values) {
    spread found{0, 0, *std::max_element(values.begin(), values.end())};
    for (const double value : values) {
        found.mean += value / static_cast<double>(values.size());
    }
    for (const double value : values) {
        found.deviation += (value - found.mean) * (value - found.mean);
    }
    found.deviation =
        std::sqrt(found.deviation / std::max(static_cast<double>(values.size()) - 1, 1.0));
    return found;
}

/// Searches once per seed, and prints a line of the table; the last column is the number of reports
/// of a search, which is that of trained epochs.
/// @param make_objective `objective(seed)`
template <class MakeObjective>
bool compare(const std::string& problem, const search_space& space, const contender& which,
             int trials, int seeds, const MakeObjective& make_objective) {
    std::size_t reports = 0;
    std::vector<double> best;
    for (int seed = 0; seed < seeds; ++seed) {
        const search_settings settings{.trials = trials,
                                       .parallel = which.parallel,
                                       .seed = static_cast<std::uint64_t>(seed),
                                       .method = which.method,
                                       .halving = {.first = which.first_rung, .factor = 3}};
        const auto found = tocsin::search(space, settings, make_objective(seed));
        if (!found) {
            std::fprintf(stderr, "search_quality: %s\n", found.error().message());
            return false;
        }
        best.push_back(found->best_trial().value);
        for (const tocsin::search_trial& trial : found->trials) {
            reports += trial.reports.size();
        }
    }
    const spread of_best = spread_of(best);
    std::printf("| %s | %s | %.4f | %.4f | %.4f | %zu |\n", problem.c_str(), which.name,
                of_best.mean, of_best.deviation, of_best.worst,
                reports / static_cast<std::size_t>(seeds));
    std::fflush(stdout);
    return true;
}

/// The rows of a series that a forecaster learns from, scaled; the last fifth of them judges it.
struct forecast_series {
    static constexpr int window = 64;
    std::string name;
    matrix<float> values;
    tocsin::windows<float> training;
    tocsin::windows<float> validation;

    explicit forecast_series(const evaluate::discord_series& series) : name(series.name) {
        const auto normal = series.rows_for("train");
        index_t rows = 0;
        for (const auto& range : normal) {
            rows += range.size();
        }
        index_t left = rows * 4 / 5;
        std::vector<tocsin::row_range> parts[2];
        for (const auto& range : normal) {
            const index_t cut = range.begin + std::min(left, range.size());
            left -= cut - range.begin;
            if (cut > range.begin) {
                parts[0].push_back({range.begin, cut});
            }
            if (range.end > cut) {
                parts[1].push_back({cut, range.end});
            }
        }
        const auto within = [&](const std::vector<tocsin::row_range>& ranges) {
            return tocsin::windows<float>({values.data(), values.rows(), values.cols()},
                                          evaluate::starts_within(ranges, window, window / 4),
                                          window);
        };
        values = series.values.cast<float>();
        tocsin::standard_scaler<float> scaler;
        if (scaler.fit(within(parts[0])).ok()) {
            scaler.transform(values);
        }
        training = within(parts[0]);
        validation = within(parts[1]);
    }
    forecast_series(const forecast_series&) = delete; // the windows refer to the values
    forecast_series& operator=(const forecast_series&) = delete;
};

search_space forecaster_space() {
    search_space space;
    space.add_log_real("learning rate", 1e-4, 1e-1)
        .add_log_integer("hidden", 2, 32)
        .add_log_integer("batch size", 4, 64)
        .add_log_real("clip norm", 0.05, 10)
        .add_real("dropout", 0, 0.5)
        .add_choice("layers", {"one", "two"});
    return space;
}

/// The validation error of a forecaster of at most 12 epochs.
auto forecaster_objective(const forecast_series& series, int seed) {
    return tocsin::validation_error{
        series.training, series.validation, [&series, seed](const running_trial& trial) {
            tocsin::trainer<tocsin::mean_squared_error, tocsin::adam, tocsin::constant_rate,
                            tocsin::never_stop>
                trainer;
            trainer.epochs = 12;
            trainer.seed = static_cast<std::uint64_t>(seed);
            trainer.batch_size = trial.integer("batch size");
            trainer.clip_norm = trial.real("clip norm");
            trainer.optimiser.learning_rate = trial.real("learning rate");
            const int features = static_cast<int>(series.values.rows());
            std::vector<int> hidden(trial.choice("layers") == "one" ? 1 : 2,
                                    trial.integer("hidden"));
            hidden.insert(hidden.begin(), features);
            return tocsin::trial_model{
                tocsin::forecaster<float>{
                    tocsin::lstm_stack<float>{tocsin::chain_sizes<>{std::span<const int>{hidden}},
                                              trial.real("dropout")},
                    tocsin::dense_head<float>{{hidden.back(), features}}, features},
                trainer};
        }};
}

bool compare_forecasters(const std::string& data, const std::vector<std::string>& names, int trials,
                         int seeds) {
    const auto protocols = evaluate::read_discords(std::filesystem::path(data) / "discords");
    if (!protocols) {
        std::fprintf(stderr, "search_quality: %s\n", protocols.error().message());
        return false;
    }
    for (const std::string& name : names) {
        bool found = false;
        for (const auto& protocol : *protocols) {
            for (const auto& each : protocol.series) {
                if (each.name != name) {
                    continue;
                }
                found = true;
                const forecast_series series(each);
                for (const contender& which :
                     {contenders[0], contenders[1], contenders[2], with_halving}) {
                    if (!compare(name, forecaster_space(), which, trials, seeds,
                                 [&](int seed) { return forecaster_objective(series, seed); })) {
                        return false;
                    }
                }
            }
        }
        if (!found) {
            std::fprintf(stderr, "search_quality: there is no series '%s' in %s\n", name.c_str(),
                         data.c_str());
            return false;
        }
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    int seeds = 10;
    int trials = 40;
    std::string data;
    std::vector<std::string> names = {"chickenbestlover/chfdb_chf01_275"};
    CLI::App app{"Compares ways to search settings on problems with known answers."};
    app.add_option("--seeds", seeds, "Searches per line")->check(CLI::Range(1, 1000));
    app.add_option("--trials", trials, "Of each search")->check(CLI::Range(1, 10'000));
    app.add_option("--data", data,
                   "Directory that holds 'discords': search the settings of a forecaster, too");
    app.add_option("--series", names, "Which series of it, as protocol/series")->delimiter(',');
    CLI11_PARSE(app, argc, argv);

    search_space plane;
    plane.add_real("x", -5, 10).add_real("y", 0, 15);
    search_space cube;
    for (int k = 0; k < 6; ++k) {
        cube.add_real("x" + std::to_string(k), 0, 1);
    }
    std::puts("| problem | search | mean best value | deviation | worst | epochs |\n"
              "|---|---|---|---|---|---|");
    for (const contender& which : contenders) {
        if (!compare("Branin", plane, which, trials, seeds, [](int) { return branin; })) {
            return 1;
        }
    }
    for (const contender& which : contenders) {
        if (!compare("Hartmann-6", cube, which, trials, seeds, [](int) { return hartmann; })) {
            return 1;
        }
    }
    return data.empty() || compare_forecasters(data, names, trials, seeds) ? 0 : 1;
}
