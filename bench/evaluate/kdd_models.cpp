#include "kdd_models.hpp"

#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/one_class_svm.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/math/piecewise_activations.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/sequence_to_sequence.hpp"
#include "tocsin/models/variational_autoencoder.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/fit_adversarial.hpp"

#include "network.hpp"
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;

/// How a network is trained.
struct hyper_parameters {
    int epochs;
    int batch_size;
    double learning_rate;
};
constexpr hyper_parameters for_rows{100, 128, 3e-3};
constexpr hyper_parameters for_variational{50, 128, 3e-3};
constexpr hyper_parameters for_sequences{50, 128, 3e-3};
constexpr hyper_parameters for_players{60, 128, 1e-3};
/// Of both players, lower than Adam's own (Radford et al., ICLR 2016).
constexpr double momentum_of_players = 0.5;
/// Times the mean absolute error of reconstructions.
constexpr double reconstruction_weight = 5;
constexpr tocsin::row_model_sizes sizes_of_players{128, 64, 2};
/// Of the discriminator's features in the score (Zenati et al. 2018).
constexpr double share_of_features = 0.1;
/// Weight of the divergence relative to the squared error of a row; set once, not tuned.
constexpr double divergence_weight = 0.02;
/// Networks of one kind with different initial weights; the score of a row is their mean.
constexpr int networks = 15;
constexpr int pairs_of_players = 9; ///< the same for BiGAN, whose training takes longer
constexpr int draws = 32;

template <class Scorer>
tocsin::result<row_scorer> fit_comparator(Scorer scorer, const kdd_data& data) {
    if (const tocsin::status fitted = scorer.fit(data.training.values); !fitted) {
        return fitted;
    }
    return row_scorer([scorer](const tocsin::matrix<double>& values) {
        Scorer fresh = scorer;
        std::vector<double> scores(static_cast<std::size_t>(values.cols()));
        (void)tocsin::score_samples(fresh, values, scores); // sizes agree
        return scores;
    });
}

int features_of(const kdd_data& data) {
    return static_cast<int>(data.training.values.rows());
}

/// Trained parameters of a model of rows.
template <class Model>
tocsin::result<tocsin::aligned_vector<float>>
train(const Model& model, const kdd_data& data, const hyper_parameters& chosen, std::uint64_t seed,
      const run_options& options) {
    const tocsin::matrix<float> values = data.training.values.cast<float>();
    const auto trainer = make_trainer(chosen, seed, options.epochs.value_or(chosen.epochs));
    auto state = tocsin::training_state<float>::fresh(model, trainer.optimiser, trainer.seed);
    const auto rows = tocsin::make_windows(values, 1);
    if (const tocsin::status done = trainer.fit(model, *rows, {}, state, options.shown); !done) {
        return done;
    }
    return state.best_parameters;
}

/// Mean squared error of each row.
template <class Model>
std::vector<double> row_errors(const Model& model, std::span<const float> parameters,
                               const tocsin::matrix<double>& given) {
    const tocsin::matrix<float> values = given.cast<float>();
    std::vector<double> scores;
    tocsin::predict_windows(model, parameters, *tocsin::make_windows(values, 1), 256,
                            [&](index_t, const auto& row, const auto& made) {
                                scores.push_back(static_cast<double>((row - made).squaredNorm()) /
                                                 static_cast<double>(row.rows()));
                            });
    return scores;
}

/// A scorer from a seed.
using seeded_fit =
    std::function<tocsin::result<row_scorer>(const kdd_data&, std::uint64_t, const run_options&)>;

/// One that scores by the errors of a reconstruction.
template <class MakeModel>
seeded_fit reconstructing(const hyper_parameters& chosen, MakeModel make) {
    return [chosen, make](const kdd_data& data, std::uint64_t seed,
                          const run_options& options) -> tocsin::result<row_scorer> {
        const auto model = make(features_of(data));
        auto trained = train(model, data, chosen, seed, options);
        if (!trained) {
            return trained.error();
        }
        return row_scorer([model, parameters = std::move(*trained)](const auto& values) {
            return row_errors(model, parameters, values);
        });
    };
}
/// The mean score of several networks.
auto mean_of(int count, seeded_fit fit) {
    return [count, fit = std::move(fit)](const kdd_data& data,
                                         const run_options& options) -> tocsin::result<row_scorer> {
        std::vector<row_scorer> members;
        tocsin::random_generator seeds(options.seed);
        for (int k = 0; k < count; ++k) {
            auto member = fit(data, count == 1 ? options.seed : seeds(), options);
            if (!member) {
                return member.error();
            }
            members.push_back(std::move(*member));
        }
        return row_scorer([members = std::move(members)](const tocsin::matrix<double>& values) {
            std::vector<double> sum(static_cast<std::size_t>(values.cols()), 0.0);
            for (const row_scorer& member : members) {
                const auto scores = member(values);
                for (std::size_t k = 0; k < sum.size(); ++k) {
                    sum[k] += scores[k] / static_cast<double>(members.size());
                }
            }
            return sum;
        });
    };
}

auto variational_model(int features) {
    return tocsin::make_variational_autoencoder<float, tocsin::leaky_relu_activation>(
        features, {}, divergence_weight);
}
/// Scores by reconstructions of drawn latent variables.
tocsin::result<row_scorer> variational_drawn(const kdd_data& data, std::uint64_t seed,
                                             const run_options& options) {
    const auto model = variational_model(features_of(data));
    auto trained = train(model, data, for_variational, seed, options);
    if (!trained) {
        return trained.error();
    }
    return row_scorer(
        [model, parameters = std::move(*trained), seed](const tocsin::matrix<double>& given) {
            const tocsin::matrix<float> values = given.cast<float>();
            const auto rows = static_cast<int>(values.rows());
            const auto count = static_cast<int>(values.cols());
            tocsin::aligned_vector<float> work(
                static_cast<std::size_t>(model.predict_work_size(count, 1)));
            tocsin::matrix<float> made(rows, count);
            std::vector<double> scores(static_cast<std::size_t>(count), 0.0);
            tocsin::random_generator random(seed);
            for (int k = 0; k < draws; ++k) {
                model.predict_drawn(parameters, {values.data(), rows, count, 1},
                                    {made.data(), rows, count, 1}, random, work);
                for (index_t t = 0; t < count; ++t) {
                    scores[static_cast<std::size_t>(t)] +=
                        static_cast<double>((values.col(t) - made.col(t)).squaredNorm()) /
                        (draws * rows);
                }
            }
            return scores;
        });
}

tocsin::result<row_scorer> adversarial(const kdd_data& data, std::uint64_t seed,
                                       const run_options& options) {
    const auto model = tocsin::make_bigan<float>(features_of(data), sizes_of_players);
    tocsin::adversarial_trainer<tocsin::mean_absolute_error, tocsin::adam, tocsin::cosine_decay>
        trainer;
    trainer.epochs = options.epochs.value_or(for_players.epochs);
    trainer.schedule.epochs = trainer.epochs;
    trainer.batch_size = for_players.batch_size;
    trainer.optimiser.learning_rate = for_players.learning_rate;
    trainer.optimiser.beta1 = momentum_of_players;
    trainer.discriminator_optimiser = trainer.optimiser;
    trainer.reconstruction_weight = reconstruction_weight;
    trainer.seed = seed;
    auto state = tocsin::adversarial_state<float>::fresh(
        model, trainer.optimiser, trainer.discriminator_optimiser, trainer.seed);
    const tocsin::matrix<float> training = data.training.values.cast<float>();
    const auto rows = tocsin::make_windows(training, 1);
    if (const tocsin::status done = trainer.fit(model, *rows, {}, state, options.shown); !done) {
        if (state.best_epoch < 0) {
            return done;
        }
        // The best weights before the failure are kept.
        progress::note(std::string("kdd, BiGAN: ") + done.message());
    }
    return row_scorer([model, parameters = std::move(state.best_parameters)](
                          const tocsin::matrix<double>& given) {
        const tocsin::matrix<float> values = given.cast<float>();
        const auto count = static_cast<int>(values.cols());
        std::vector<double> scores(static_cast<std::size_t>(count));
        tocsin::aligned_vector<float> work(
            static_cast<std::size_t>(model.score_work_size(count, 1)));
        model.score(std::span<const float>(parameters),
                    {values.data(), static_cast<int>(values.rows()), count, 1}, scores,
                    share_of_features, work);
        return scores;
    });
}

tocsin::result<row_scorer> pca(const kdd_data& data, const run_options& /*options*/) {
    // 4 of 18 components; the squared length of the rest is the score.
    tocsin::pca_reconstruction components({.explained_variance = 0.75, .scale = false});
    if (const tocsin::status fitted = components.fit(data.training.values); !fitted) {
        return fitted;
    }
    return row_scorer([components](const tocsin::matrix<double>& values) {
        std::vector<double> scores;
        for (index_t t = 0; t < values.cols(); ++t) {
            scores.push_back(
                components
                    .statistics({values.col(t).data(), static_cast<std::size_t>(values.rows())})
                    .q);
        }
        return scores;
    });
}
tocsin::result<row_scorer> forest(const kdd_data& data, const run_options& options) {
    return fit_comparator(tocsin::isolation_forest({.seed = options.seed}), data);
}
tocsin::result<row_scorer> clusters(const kdd_data& data, const run_options& options) {
    return fit_comparator(tocsin::k_means({.seed = options.seed}), data);
}
tocsin::result<row_scorer> support_vectors(const kdd_data& data, const run_options& /*options*/) {
    return fit_comparator(tocsin::one_class_svm({.nu = 1e-4}), data);
}

nlohmann::ordered_json settings_of(const char* model, int count, const hyper_parameters& chosen,
                                   const run_options& options,
                                   const nlohmann::ordered_json& further = {}) {
    nlohmann::ordered_json all = {{"model", model},
                                  {"networks", count},
                                  {"optimiser", "adam"},
                                  {"learning_rate", chosen.learning_rate},
                                  {"schedule", "cosine"},
                                  {"epochs", options.epochs.value_or(chosen.epochs)},
                                  {"batch_size", chosen.batch_size},
                                  {"scaler", "min_max"}};
    if (!further.is_null()) {
        all.update(further);
    }
    return all;
}

} // namespace

std::vector<kdd_method> kdd_methods(const run_options& options) {
    // With leaky ReLU and a linear code no unit dies, which matters for a code of two: with ReLU,
    // some initial weights end with twice the training error of the others.
    const auto autoencoder = reconstructing(for_rows, [](int features) {
        return tocsin::make_row_autoencoder<float, tocsin::leaky_relu_activation>(features);
    });
    const char* const plain = "18-15-7-2-7-15-18, leaky ReLU, linear code, sigmoid";
    const char* const drawn = "18-15-7-2-7-15-18, leaky ReLU, sigmoid";
    const nlohmann::ordered_json divergence = {{"divergence_weight", divergence_weight}};
    std::vector<kdd_method> all = {
        {"autoencoder", mean_of(networks, autoencoder), true,
         settings_of(plain, networks, for_rows, options)},
        {"autoencoder, one network", mean_of(1, autoencoder), true,
         settings_of(plain, 1, for_rows, options)},
        {"variational autoencoder",
         mean_of(networks, reconstructing(for_variational, variational_model)), true,
         settings_of(drawn, networks, for_variational, options, divergence)},
        {"variational autoencoder, 32 draws", mean_of(networks, variational_drawn), true,
         settings_of(drawn, networks, for_variational, options, divergence)},
        {"BiGAN", mean_of(pairs_of_players, adversarial), true,
         settings_of("18-128-64-2 and back, discriminator 20-128-64-1, leaky ReLU, sigmoid",
                     pairs_of_players, for_players, options,
                     {{"beta1", momentum_of_players},
                      {"reconstruction_weight", reconstruction_weight},
                      {"share_of_features", share_of_features}})},
        {"sequence to sequence",
         mean_of(1, reconstructing(for_sequences,
                                   [](int features) {
                                       return tocsin::make_sequence_to_sequence<float>(features);
                                   })),
         true,
         settings_of("bidirectional LSTM 10, LSTM 20, windows of one row", 1, for_sequences,
                     options)},
        {"PCA", pca, false, {{"explained_variance", 0.75}, {"scaler", "min_max"}}},
        {"isolation forest", forest, true, {{"trees", 100}, {"samples", 256}}},
        {"k-means", clusters, true, {{"clusters", 20}, {"scaler", "min_max"}}}};
    if (tocsin::one_class_svm::available()) {
        all.push_back({"one-class SVM",
                       support_vectors,
                       false,
                       {{"nu", 1e-4}, {"gamma", "scale"}, {"scaler", "min_max"}}});
    } else {
        progress::note("kdd: the one-class SVM is left out (compiled without libsvm)");
    }
    return all;
}

} // namespace evaluate
