/// @file moments.hpp
/// @brief Streaming mean and sample covariance that merge exactly.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/covariance_checks.hpp"
#include "tocsin/math/scatter_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tocsin {

/// Count, mean and sample covariance of vectors that arrive one by one, in batches, or in another
/// accumulator; everything is accumulated in double.
///
/// A vector with an element that is NaN or beyond largest_input is left out as a whole and counted in
/// rejected(), so that all sums stay finite.
///
/// All three ways in rest on one formula (Chan, Golub and LeVeque, "Updating formulae and a
/// pairwise algorithm for computing sample variances", Stanford STAN-CS-79-773, 1979; Pebay,
/// "Formulas for robust, one-pass parallel computation of covariances", SAND2008-6212, 2008). Let a
/// set A have n_A samples, mean m_A and scatter S_A = sum over A of (x - m_A)(x - m_A)^T, likewise
/// B, n = n_A + n_B and d = m_B - m_A. The mean of the union is
///     m = (n_A m_A + n_B m_B) / n = m_A + d n_B / n.
/// Around another point than its own mean the scatter of A is
///     sum over A of (x - m)(x - m)^T = S_A + n_A (m_A - m)(m_A - m)^T,
/// because the mixed terms hold sum over A of (x - m_A) = 0. With m_A - m = -d n_B / n and
/// m_B - m = d n_A / n, the scatter of the union is
///     S = S_A + S_B + (n_A n_B^2 + n_B n_A^2) / n^2 d d^T = S_A + S_B + (n_A n_B / n) d d^T.
/// A single sample is a set with n_B = 1, m_B = x and S_B = 0, which gives Welford's update.
///
/// @tparam Dimension elements of a vector, or `dynamic`
template <int Dimension = dynamic>
class moments {
  public:
    using vector_type = column<double, Dimension>;
    using matrix_type = matrix<double, Dimension, Dimension>;

    /// Nothing seen yet; allocates when the dimension is dynamic.
    explicit moments(int dimension = Dimension == dynamic ? 0 : Dimension)
        : dimension_{dimension}, mean_{vector_type::Zero(dimension)},
          scatter_{matrix_type::Zero(dimension, dimension)},
          difference_{vector_type::Zero(dimension)} {}

    int dimension() const noexcept { return dimension_.value(); }
    /// Samples taken in.
    std::int64_t count() const noexcept { return count_; }
    /// Samples left out because of an element that is NaN or beyond largest_input.
    std::int64_t rejected() const noexcept { return rejected_; }

    /// Forgets all samples.
    void reset() noexcept {
        count_ = 0;
        rejected_ = 0;
        mean_.setZero();
        scatter_.setZero();
    }

    /// Takes in one sample, O(dimension^2).
    /// @param sample `[dimension]`, float or double
    /// @return false when the sample was rejected. Never allocates.
    template <class Derived>
    bool add(const Eigen::MatrixBase<Derived>& sample) noexcept {
        TOCSIN_ASSERT(sample.rows() == dimension() && sample.cols() == 1,
                      "moments: the sample has another dimension");
        difference_ = sample.template cast<double>();
        if (!all_bounded(difference_)) {
            ++rejected_;
            return false;
        }
        join_means(1);
        return true;
    }

    /// Takes in the columns of a matrix: the mean and the scatter of each block of columns, merged
    /// into the total. Faster than single samples and closer to the two-pass result.
    /// Allocates one block of about `[dimension x min(n, 128)]`.
    /// @param samples `[dimension x n]`, float or double; n may be 0
    template <class Derived>
    void add_batch(const Eigen::MatrixBase<Derived>& samples) {
        TOCSIN_ASSERT(samples.rows() == dimension(), "moments: the batch has another dimension");
        const auto round_up = [](index_t size, index_t multiple) {
            return (size + multiple - 1) / multiple * multiple;
        };
        const index_t block_size = std::min<index_t>(samples.cols(), 128);
        // Beyond the block itself, so that rows do not fall on the same lines of a cache.
        const index_t stride = round_up(block_size, scatter_sample_multiple) + 8;
        const index_t rows = round_up(dimension(), scatter_row_multiple);
        aligned_vector<double> block(static_cast<std::size_t>(rows * stride), 0.0);
        for (index_t first = 0; first < samples.cols(); first += block_size) {
            const index_t end = std::min(first + block_size, samples.cols());
            index_t kept = 0;
            for (index_t c = first; c < end; ++c) {
                double* to = block.data() + kept;
                bool usable = true;
                for (index_t j = 0; j < dimension(); ++j, to += stride) {
                    const auto element = static_cast<double>(samples(j, c));
                    usable &= is_bounded(element);
                    *to = element;
                }
                if (usable) {
                    ++kept;
                } else {
                    ++rejected_;
                }
            }
            if (kept == 0) {
                continue;
            }
            const index_t padded = round_up(kept, scatter_sample_multiple);
            for (index_t j = 0; j < dimension(); ++j) {
                difference_[j] = center_row(block.data() + j * stride, kept, padded);
            }
            add_scatter(block.data(), stride, padded, dimension(), scatter_.data());
            join_means(kept);
        }
    }

    /// Takes in all samples of another accumulator; the result equals one pass over both, up to
    /// rounding. Never allocates.
    /// @return `invalid_argument` when the dimensions differ; this one is then unchanged
    status merge(const moments& other) noexcept {
        if (other.dimension() != dimension()) {
            return status::error(error_code::invalid_argument, "moments: dimension ", dimension(),
                                 " cannot be merged with dimension ", other.dimension());
        }
        rejected_ += other.rejected_;
        scatter_ += other.scatter_;
        difference_ = other.mean_;
        join_means(other.count_);
        return {};
    }

    /// Mean, `[dimension]`; zeros before the first sample.
    const vector_type& mean() const noexcept { return mean_; }

    /// Unbiased sample covariance (divided by count - 1), `[dimension x dimension]`, symmetric bit
    /// for bit; all NaN for fewer than two samples. Allocates when the dimension is dynamic.
    matrix_type covariance() const {
        if (count_ < 2) {
            return matrix_type::Constant(dimension(), dimension(),
                                         std::numeric_limits<double>::quiet_NaN());
        }
        matrix_type full = scatter_.template selfadjointView<Eigen::Lower>();
        full /= static_cast<double>(count_ - 1);
        return full;
    }

    /// Whether both are of the same samples, whatever their order: as many, and no mean or variance
    /// differs by more than rounding.
    bool agrees(const moments& other) const noexcept {
        if (dimension() != other.dimension() || count_ != other.count_) {
            return false;
        }
        constexpr double rounding = 1e-9;
        for (index_t k = 0; k < dimension(); ++k) {
            const double spread = std::max(scatter_(k, k), other.scatter_(k, k));
            const double step = mean_[k] - other.mean_[k];
            if (!(std::abs(scatter_(k, k) - other.scatter_(k, k)) <= rounding * spread) ||
                !(step * step * static_cast<double>(count_) <= rounding * rounding * spread)) {
                return false;
            }
        }
        return true;
    }

    /// Saves or loads everything, so that more samples can be taken in after loading; see
    /// error_statistic for what an archive is.
    template <class Archive>
    void exchange(Archive& archive) {
        if (mean_.size() != dimension()) { // it was moved from
            if constexpr (Archive::loading) {
                *this = moments(dimension());
            } else {
                archive.fail(
                    status::error(error_code::invalid_argument, "moments: it was moved from"));
                return;
            }
        }
        archive.expect("dimension", dimension());
        archive.integer("count", count_);
        archive.integer("rejected", rejected_);
        archive.matrix("mean", mean_);
        if constexpr (!Archive::loading) {
            // Only the lower triangle is kept up to date; a reader of the file sees both.
            const matrix_type full = scatter_.template selfadjointView<Eigen::Lower>();
            archive.matrix("scatter", full);
        } else {
            archive.matrix("scatter", scatter_);
            if (archive.outcome().ok()) {
                archive.fail(check_loaded());
            }
        }
    }

  private:
    /// Whether any samples have these sums.
    status check_loaded() const noexcept {
        if (!is_count(count_) || !is_count(rejected_)) {
            return status::error(error_code::format_error, "moments: count ", count_,
                                 " and rejected ", rejected_, " must lie in [0, ", largest_count,
                                 "]");
        }
        for (index_t k = 0; k < dimension(); ++k) {
            if (!std::isfinite(mean_[k]) || (count_ == 0 && mean_[k] != 0) ||
                (count_ < 2 && scatter_(k, k) != 0)) {
                return status::error(error_code::format_error, "moments: element ", k, " has mean ",
                                     mean_[k], " and scatter ", scatter_(k, k), " from ", count_,
                                     " samples");
            }
        }
        return detail::check_covariance("moments", scatter_);
    }

    /// The part of the merge that comes from the distance between the two means, given the other
    /// set's mean in difference_; the caller adds the other set's own scatter.
    void join_means(std::int64_t other_count) noexcept {
        if (other_count == 0) {
            return;
        }
        const auto own = static_cast<double>(count_);
        const auto other = static_cast<double>(other_count);
        const double share = other / (own + other);
        difference_ -= mean_;
        for (index_t c = 0; c < dimension(); ++c) {
            const index_t below = dimension() - c;
            scatter_.col(c).tail(below) += (own * share * difference_(c)) * difference_.tail(below);
        }
        mean_ += share * difference_;
        count_ += other_count;
    }

    [[no_unique_address]] extent<Dimension> dimension_;
    std::int64_t count_ = 0;
    std::int64_t rejected_ = 0;
    vector_type mean_;
    matrix_type scatter_;    // lower triangle
    vector_type difference_; // scratch
};

} // namespace tocsin
