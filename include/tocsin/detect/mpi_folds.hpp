/// @file mpi_folds.hpp
/// @brief Models of held-out data that are trained in several processes, by MPI. Not part of
/// tocsin.hpp.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/training/mpi_execution.hpp"

#include <cstddef>
#include <exception>
#include <mpi.h>
#include <new>
#include <span>
#include <utility>

namespace tocsin {

namespace detail {

/// Processes that train one model each at a time, without communication until all have ended.
class mpi_folds_team {
  public:
    explicit mpi_folds_team(MPI_Comm processes) noexcept : processes_{processes} {
        MPI_Comm_rank(processes, &rank_);
        MPI_Comm_size(processes, &size_);
    }

    /// Refuses a trainer whose processes would wait for each other: they train different models.
    template <class Trainer>
    status check([[maybe_unused]] const Trainer& trainer) const noexcept {
        if constexpr (requires { trainer.execution.processes; }) {
            int together = 1;
            MPI_Comm_size(trainer.execution.processes, &together);
            if (together > 1) {
                return status::error(error_code::invalid_argument,
                                     "mpi_folds: each model is trained in one process, the trainer "
                                     "distributes it over ",
                                     together, "; give it another execution");
            }
        }
        return {};
    }
    bool trains(std::size_t job) const noexcept { return owner_of(job) == rank_; }
    /// Runs work without communication, and waits for that of the others.
    /// @return the same in every process: a failure where one of them left the work by an exception,
    ///         which goes on in that one. Allocates.
    template <class Work>
    status run(Work&& work) const {
#if defined(__cpp_exceptions)
        std::exception_ptr thrown;
        status failed;
        const auto is_failed = [&](error_code code, const char* what) {
            thrown = std::current_exception();
            failed = status::error(code, "mpi_folds: process ", rank_, " has thrown: ", what);
        };
        try {
            std::forward<Work>(work)();
        } catch (const std::bad_alloc&) {
            is_failed(error_code::out_of_memory, "not enough memory");
        } catch (const std::exception& exception) {
            is_failed(error_code::invalid_argument, exception.what());
        } catch (...) {
            is_failed(error_code::invalid_argument, "no std::exception");
        }
        int first = thrown ? rank_ : size_;
        MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, processes_);
        if (first < size_) {
            failed = mpi_share_status(failed, first, processes_);
        }
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        return failed;
#else
        std::forward<Work>(work)();
        return {};
#endif
    }
    /// Every process gets the outcome of a job. Allocates.
    status share(std::size_t job, const status& outcome) const {
        return mpi_share_status(outcome, owner_of(job), processes_);
    }
    /// Every process gets the values that a job has made.
    template <class Value>
    void share(std::size_t job, std::span<Value> values) const noexcept {
        mpi_share_values(values, owner_of(job), processes_);
    }

  private:
    int owner_of(std::size_t job) const noexcept {
        return static_cast<int>(job % static_cast<std::size_t>(size_));
    }

    MPI_Comm processes_;
    int rank_ = 0;
    int size_ = 1;
};

} // namespace detail

/// A plan whose models are trained in the processes of an MPI communicator:
///
///     detector.fit(windows, trainer, mpi_folds{cross_fit{.folds = 5}});
///
/// Every process calls fit() with the same data and gets the same detector, that of one process with
/// the plan alone, bit for bit, for any number of processes. The final model is trained in process 0,
/// that of block k in process k + 1 modulo their number; with a mean_of_models, which has no other
/// final model, and for the residuals of a charted_detector, whose own model each process trains,
/// that of block k in process k. There is no communication while models are trained. Callbacks see
/// the models of their process.
///
/// A model that fails in one process fails in all. Where a training or a callback throws in one, its
/// fit() ends by that exception once the others have trained their models, and theirs by a failure that
/// tells it. When a process dies, MPI ends the others. MPI_Init comes before, MPI_Finalize after. All
/// processors must compute the same bits: use one kind.
template <held_out_plan Plan = cross_fit>
struct mpi_folds : Plan {
    MPI_Comm processes = MPI_COMM_WORLD; ///< those that share the work

    /// Names a setting of the plan that is out of range, and MPI that has not been started.
    status check() const noexcept {
        const status usable = Plan::check();
        return usable.ok() ? detail::check_mpi("mpi_folds", processes) : usable;
    }
    /// Who trains which model.
    detail::mpi_folds_team team() const noexcept { return detail::mpi_folds_team(processes); }
};

template <class Plan>
mpi_folds(Plan) -> mpi_folds<Plan>;
template <class Plan>
mpi_folds(Plan, MPI_Comm) -> mpi_folds<Plan>;

} // namespace tocsin
