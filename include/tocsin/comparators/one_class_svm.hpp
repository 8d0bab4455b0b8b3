/// @file one_class_svm.hpp
/// @brief One-class support vector machine of libsvm; says so where libsvm is missing.
///
/// Define TOCSIN_LIBSVM before the first include and link with -lsvm (Debian: libsvm-dev) to have it.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#if defined(TOCSIN_LIBSVM)
#include <libsvm/svm.h>
#include <memory>
#endif

namespace tocsin {

/// Settings of one_class_svm.
struct one_class_svm_settings {
    double nu = 0.05; ///< upper bound of the share of training samples outside, in (0, 1]
    double gamma = 0; ///< of the kernel exp(-gamma |x - y|^2); 0: 1 / (features * variance of all
                      ///< values), as scikit-learn's "scale"
    double tolerance = 1e-3;   ///< of the optimiser, positive
    int cache_megabytes = 200; ///< for kernel values, at least 1
};

/// One-class support vector machine (Schölkopf et al., Neural Computation 13, 2001) with a Gaussian
/// kernel. The score is minus the decision function: above 0 outside of the learned region. Each
/// sample is judged alone; scale the features before. Without TOCSIN_LIBSVM, fit() fails with
/// `not_ready` and every score is NaN.
class one_class_svm {
  public:
    explicit one_class_svm(one_class_svm_settings settings = {}) noexcept : settings_{settings} {}

    /// Whether this program was compiled with libsvm.
    static constexpr bool available() noexcept {
#if defined(TOCSIN_LIBSVM)
        return true;
#else
        return false;
#endif
    }
    int features() const noexcept { return features_; }

    /// O(samples^2 * features). Allocates.
    /// @param training finite, at least 2 samples
    status fit(const samples_view& training) {
        features_ = 0;
        if (!available()) {
            return status::error(error_code::not_ready,
                                 "one_class_svm: compiled without libsvm (TOCSIN_LIBSVM)");
        }
        if (!(settings_.nu > 0 && settings_.nu <= 1) ||
            !(settings_.gamma >= 0 && std::isfinite(settings_.gamma)) ||
            !(settings_.tolerance > 0) || settings_.cache_megabytes < 1) {
            return status::error(error_code::invalid_argument, "one_class_svm: nu ", settings_.nu,
                                 ", gamma ", settings_.gamma, ", tolerance ", settings_.tolerance,
                                 " and cache ", settings_.cache_megabytes,
                                 " must be in (0, 1], not negative, positive and at least 1");
        }
        if (status usable = detail::check_training("one_class_svm", training, 2); !usable) {
            return usable;
        }
#if defined(TOCSIN_LIBSVM)
        return fit_with_libsvm(training);
#else
        return {};
#endif
    }

    /// Allocates nothing once a sample has been scored.
    double push(std::span<const double> sample) noexcept {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        if (features_ == 0 || static_cast<int>(sample.size()) != features_) {
            return none;
        }
        for (const double value : sample) {
            if (!std::isfinite(value)) {
                return none;
            }
        }
#if defined(TOCSIN_LIBSVM)
        for (std::size_t k = 0; k < sample.size(); ++k) {
            one_[k] = {static_cast<int>(k) + 1, sample[k]};
        }
        double decision = 0;
        svm_predict_values(model_.get(), one_.data(), &decision);
        return -decision;
#else
        return none;
#endif
    }
    /// Does nothing: each sample is judged alone.
    void reset() noexcept {}

  private:
    one_class_svm_settings settings_;
    int features_ = 0;

#if defined(TOCSIN_LIBSVM)
    status fit_with_libsvm(const samples_view& training) {
        const auto rows = static_cast<std::size_t>(training.rows());
        const auto count = static_cast<std::size_t>(training.cols());
        // libsvm reads a sample up to an index of -1.
        const auto nodes =
            std::make_shared<std::vector<svm_node>>((rows + 1) * count, svm_node{-1, 0});
        std::vector<svm_node*> samples(count);
        for (std::size_t t = 0; t < count; ++t) {
            samples[t] = nodes->data() + t * (rows + 1);
            for (std::size_t k = 0; k < rows; ++k) {
                samples[t][k] = {static_cast<int>(k) + 1,
                                 training(static_cast<index_t>(k), static_cast<index_t>(t))};
            }
        }
        std::vector<double> unused(count, 1.0);
        const svm_problem problem{static_cast<int>(count), unused.data(), samples.data()};
        svm_parameter parameters{};
        parameters.svm_type = ONE_CLASS;
        parameters.kernel_type = RBF;
        const double mean = training.mean();
        const double variance = (training.array() - mean).square().mean();
        const bool constant =
            (training.array() == training(0, 0)).all(); // up to rounding of the mean
        parameters.gamma = settings_.gamma > 0         ? settings_.gamma
                           : !constant && variance > 0 ? 1 / (static_cast<double>(rows) * variance)
                                                       : 1;
        parameters.nu = settings_.nu;
        parameters.eps = settings_.tolerance;
        parameters.cache_size = settings_.cache_megabytes;
        parameters.shrinking = 1;
        if (const char* const wrong = svm_check_parameter(&problem, &parameters);
            wrong != nullptr) {
            return status::error(error_code::invalid_argument, "one_class_svm: ", wrong);
        }
        svm_set_print_string_function([](const char*) {});
        // The support vectors of the model point into the samples, which live as long.
        model_.reset(svm_train(&problem, &parameters),
                     [nodes](svm_model* model) { svm_free_and_destroy_model(&model); });
        one_.assign(rows + 1, {-1, 0});
        features_ = static_cast<int>(rows);
        return {};
    }

    std::vector<svm_node> one_;
    std::shared_ptr<svm_model> model_; // const once it is trained, so copies share it
#endif
};

} // namespace tocsin
