/// @file isolation_forest.hpp
/// @brief Isolation forest: samples that few random cuts separate from the others are anomalous.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scorer_archive.hpp"
#include "tocsin/core/random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Settings of isolation_forest; the defaults follow the paper and scikit-learn.
struct isolation_forest_settings {
    int trees = 100;        ///< at least 1
    int samples = 256;      ///< drawn for each tree without replacement, at least 2; fewer if there
                            ///< are fewer
    std::uint64_t seed = 0; ///< of samples and cuts
};

/// Mean path length of an unsuccessful search in a binary tree of n samples, c(n) of the paper:
/// 2 (ln(n - 1) + gamma) - 2 (n - 1) / n; 1 for n = 2, 0 below.
inline double isolation_path_length(double n) noexcept {
    return n < 2 ? 0 : n == 2 ? 1 : 2 * (std::log(n - 1) + std::numbers::egamma) - 2 * (n - 1) / n;
}

/// Isolation forest (Liu, Ting and Zhou, ICDM 2008). The score of a sample is
/// 2^(-mean path length / c(samples)) in (0, 1]: about 0.5 where the forest sees nothing unusual,
/// close to 1 for a sample that is cut off at once. Each sample is judged alone.
class isolation_forest {
  public:
    static constexpr const char* kind = "isolation_forest";
    static constexpr int version = 1;

    explicit isolation_forest(isolation_forest_settings settings = {}) noexcept
        : settings_{settings} {}

    int features() const noexcept { return features_; }

    /// Grows the trees. Allocates.
    /// @param training finite, at least 2 samples
    status fit(const samples_view& training) {
        nodes_.clear();
        roots_.clear();
        features_ = 0;
        if (settings_.trees < 1 || settings_.samples < 2) {
            return status::error(error_code::invalid_argument,
                                 "isolation_forest: ", settings_.trees, " trees of ",
                                 settings_.samples, " samples; must be at least 1 and 2");
        }
        if (status usable = detail::check_training("isolation_forest", training, 2); !usable) {
            return usable;
        }
        const auto drawn = std::min<index_t>(settings_.samples, training.cols());
        const int deepest = most_levels(drawn);
        random_generator random(settings_.seed);
        std::vector<index_t> order(static_cast<std::size_t>(training.cols()));
        std::iota(order.begin(), order.end(), index_t{0});
        for (int tree = 0; tree < settings_.trees; ++tree) {
            // The first `drawn` of a shuffle: a sample without replacement.
            for (index_t k = 0; k < drawn; ++k) {
                const auto left = static_cast<std::uint64_t>(training.cols() - k);
                std::swap(order[static_cast<std::size_t>(k)],
                          order[static_cast<std::size_t>(k) +
                                static_cast<std::size_t>(random.below(left))]);
            }
            roots_.push_back(grow(training, std::span(order).first(static_cast<std::size_t>(drawn)),
                                  deepest, random));
        }
        normal_length_ = isolation_path_length(static_cast<double>(drawn));
        features_ = static_cast<int>(training.rows());
        return {};
    }

    /// Mean path length of a sample over the trees; NaN where push() is. Never allocates.
    double path_length(std::span<const double> sample) const noexcept {
        if (features_ == 0 || static_cast<int>(sample.size()) != features_ ||
            !std::all_of(sample.begin(), sample.end(), [](double x) { return std::isfinite(x); })) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        double sum = 0;
        for (const std::int32_t root : roots_) {
            const node* at = &nodes_[static_cast<std::size_t>(root)];
            double depth = 0;
            while (at->feature >= 0) {
                const bool right = sample[static_cast<std::size_t>(at->feature)] > at->cut;
                at = &nodes_[static_cast<std::size_t>(right ? at->right : at->left)];
                ++depth;
            }
            sum += depth + at->cut;
        }
        return sum / static_cast<double>(roots_.size());
    }

    double push(std::span<const double> sample) const noexcept {
        return std::exp2(-path_length(sample) / normal_length_);
    }
    /// Does nothing: each sample is judged alone.
    void reset() noexcept {}

    /// See savable_scorer. Allocates, also when saving.
    template <class Archive>
    void exchange(Archive& archive) {
        int count = features_;
        int nodes = static_cast<int>(nodes_.size());
        if constexpr (Archive::loading) {
            *this = isolation_forest{};
        }
        detail::exchange_size(archive, kind, "trees", settings_.trees, 1);
        detail::exchange_size(archive, kind, "samples", settings_.samples, 2);
        archive.integer("seed", settings_.seed);
        if (!detail::exchange_features(archive, kind, count)) {
            return;
        }
        detail::exchange_size(archive, kind, "nodes", nodes, 1);
        archive.number("normal_length", normal_length_);
        matrix<double> parts;
        column<double> starts;
        if constexpr (!Archive::loading) {
            parts.resize(4, nodes);
            for (index_t k = 0; k < nodes; ++k) {
                const node& each = nodes_[static_cast<std::size_t>(k)];
                parts.col(k) << each.feature, each.left, each.right, each.cut;
            }
            starts.resize(static_cast<index_t>(roots_.size()));
            std::copy(roots_.begin(), roots_.end(), starts.data());
        }
        detail::exchange_numbers(archive, kind, "forest", parts, 4, nodes);
        detail::exchange_numbers(archive, kind, "roots", starts, settings_.trees, 1, 0);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(take(parts, starts, count));
            }
            if (!archive.outcome().ok()) {
                *this = isolation_forest{};
            }
        }
    }
    /// Nothing: each sample is judged alone.
    template <class Archive>
    void exchange_history(Archive& /*archive*/) const noexcept {}

  private:
    struct node {
        std::int32_t feature = -1; // -1: a leaf
        std::int32_t left = -1;
        std::int32_t right = -1;
        double cut = 0; // of a leaf: c(samples in it), the path that was not grown
    };

    /// The smallest and the largest value of a feature among some samples.
    static std::pair<double, double> range_of(const samples_view& training, int feature,
                                              std::span<const index_t> members) noexcept {
        double low = training(feature, members[0]);
        double high = low;
        for (const index_t member : members) {
            const double value = training(feature, member);
            low = std::min(low, value);
            high = std::max(high, value);
        }
        return {low, high};
    }
    static std::vector<std::int32_t> varying_features(const samples_view& training,
                                                      std::span<const index_t> members) {
        std::vector<std::int32_t> varying;
        for (std::int32_t feature = 0; feature < training.rows(); ++feature) {
            const auto [low, high] = range_of(training, feature, members);
            if (low < high) {
                varying.push_back(feature);
            }
        }
        return varying;
    }
    /// A number below `count`.
    static std::int32_t drawn(random_generator& random, std::size_t count) noexcept {
        return static_cast<std::int32_t>(random.below(count));
    }

    /// Adds the tree over some samples and returns its root.
    std::int32_t grow(const samples_view& training, std::span<index_t> members, int levels,
                      random_generator& random) {
        const auto at = static_cast<std::int32_t>(nodes_.size());
        nodes_.emplace_back();
        std::int32_t feature = -1;
        std::pair<double, double> range;
        if (levels > 0 && members.size() > 1) {
            feature = drawn(random, static_cast<std::size_t>(training.rows()));
            range = range_of(training, feature, members);
            if (!(range.first < range.second)) { // draw among those that vary
                const std::vector<std::int32_t> varying = varying_features(training, members);
                feature = varying.empty()
                              ? -1
                              : varying[static_cast<std::size_t>(drawn(random, varying.size()))];
                range = feature < 0 ? range : range_of(training, feature, members);
            }
        }
        const auto fill = [&]() -> node& { return nodes_[static_cast<std::size_t>(at)]; };
        if (feature < 0) {
            fill().cut = isolation_path_length(static_cast<double>(members.size()));
            return at;
        }
        const double cut =
            random.uniform(range.first, range.second); // in [low, high): both sides have members
        const auto middle = std::partition(members.begin(), members.end(), [&](index_t member) {
            return training(feature, member) <= cut;
        });
        const auto on_left = static_cast<std::size_t>(middle - members.begin());
        const std::int32_t left = grow(training, members.first(on_left), levels - 1, random);
        const std::int32_t right = grow(training, members.subspan(on_left), levels - 1, random);
        fill() = {feature, left, right, cut};
        return at;
    }

    /// Levels of a tree of so many samples, as the paper cuts it off.
    static int most_levels(index_t samples) noexcept {
        return static_cast<int>(
            std::ceil(std::log2(static_cast<double>(std::max<index_t>(samples, 2)))));
    }

    /// Trees from loaded numbers: children come after their parent, each node belongs to one tree,
    /// and no tree is deeper or a leaf larger than the samples allow. So a sample takes no longer
    /// than in a forest that was grown.
    status take(const matrix<double>& parts, const column<double>& starts, int count) {
        const auto refuse = [](index_t at, double value) {
            return status::error(error_code::format_error, kind, ": node ", at, " holds ", value,
                                 ", which no tree has");
        };
        const auto is_node = [&](double value, index_t after) {
            return value > static_cast<double>(after) &&
                   value < static_cast<double>(parts.cols()) && value == std::floor(value);
        };
        // Logarithms of another machine may differ in the last digit.
        const double longest = (1 + 1e-9) * isolation_path_length(settings_.samples);
        if (!(normal_length_ > 0 && normal_length_ <= longest)) {
            return refuse(0, normal_length_);
        }
        std::vector<std::int32_t> level(static_cast<std::size_t>(parts.cols()), -1);
        for (const double start : starts) {
            if (!is_node(start, -1) || level[static_cast<std::size_t>(start)] >= 0) {
                return refuse(0, start);
            }
            level[static_cast<std::size_t>(start)] = 0;
            roots_.push_back(static_cast<std::int32_t>(start));
        }
        for (index_t k = 0; k < parts.cols(); ++k) {
            const double feature = parts(0, k);
            const bool is_leaf = feature == -1;
            if (!is_leaf && !(feature >= 0 && feature < count && feature == std::floor(feature))) {
                return refuse(k, feature);
            }
            const std::int32_t own_level = level[static_cast<std::size_t>(k)];
            if (own_level < 0 || (!is_leaf && own_level >= most_levels(settings_.samples))) {
                return refuse(k, feature);
            }
            for (index_t side = 1; side <= 2; ++side) {
                const double child = parts(side, k);
                if (is_leaf ? child != -1
                            : !is_node(child, k) || level[static_cast<std::size_t>(child)] >= 0) {
                    return refuse(k, child);
                }
                if (!is_leaf) {
                    level[static_cast<std::size_t>(child)] = own_level + 1;
                }
            }
            if (is_leaf && !(parts(3, k) >= 0 && parts(3, k) <= longest)) {
                return refuse(k, parts(3, k));
            }
            nodes_.push_back({static_cast<std::int32_t>(feature),
                              static_cast<std::int32_t>(parts(1, k)),
                              static_cast<std::int32_t>(parts(2, k)), parts(3, k)});
        }
        features_ = count;
        return {};
    }

    isolation_forest_settings settings_;
    std::vector<node> nodes_;
    std::vector<std::int32_t> roots_;
    double normal_length_ = 1;
    int features_ = 0;
};

} // namespace tocsin
