/// @file mpi_execution.hpp
/// @brief Training on several machines, by MPI. Not part of tocsin.hpp.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/training/execution.hpp"

#if !__has_include(<mpi.h>)
#error "tocsin/training/mpi_execution needs MPI (Debian: apt install libopenmpi-dev)"
#endif
// The C++ bindings, which MPI 3 removed, would have to be linked.
#ifndef OMPI_SKIP_MPICXX
/// Keeps Open MPI from including its C++ bindings.
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
/// Keeps MPICH from including its C++ bindings.
#define MPICH_SKIP_MPICXX 1
#endif
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mpi.h>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace tocsin {

namespace detail {

template <class Scalar>
MPI_Datatype mpi_type_of() noexcept {
    return std::is_same_v<Scalar, float> ? MPI_FLOAT : MPI_DOUBLE;
}

/// Every process gets values from one of them, which all have as many of.
template <class Value>
void mpi_share_values(std::span<Value> values, int owner, MPI_Comm processes) {
    static_assert(std::is_trivially_copyable_v<Value>);
    // The count of a message is an int: many values go in pieces.
    constexpr std::size_t piece = (std::size_t{1} << 28) / sizeof(Value);
    for (std::size_t first = 0; first < values.size(); first += piece) {
        const auto part = values.subspan(first).first(std::min(piece, values.size() - first));
        MPI_Bcast(part.data(), static_cast<int>(part.size_bytes()), MPI_BYTE, owner, processes);
    }
}
/// Every process gets the content of a text, a vector of numbers or of bytes from one of them. The
/// others' is replaced. Allocates.
template <class Container>
void mpi_share_content(Container& content, int owner, MPI_Comm processes) {
    std::uint64_t count = content.size();
    MPI_Bcast(&count, 1, MPI_UINT64_T, owner, processes);
    content.resize(static_cast<std::size_t>(count));
    mpi_share_values(std::span(content.data(), content.size()), owner, processes);
}
/// Every process gets the outcome of one of them. Allocates.
inline status mpi_share_status(const status& outcome, int owner, MPI_Comm processes) {
    int code = static_cast<int>(outcome.code());
    int good = outcome.ok() ? 1 : 0;
    std::string message = outcome.ok() ? "" : outcome.message();
    MPI_Bcast(&code, 1, MPI_INT, owner, processes);
    MPI_Bcast(&good, 1, MPI_INT, owner, processes);
    mpi_share_content(message, owner, processes);
    return good != 0 ? status{} : status::error(static_cast<error_code>(code), message);
}

/// Whether MPI is running and there is a communicator: what every call of MPI needs, which would end
/// the whole job otherwise.
/// @param who begins the message
inline status check_mpi(const char* who, MPI_Comm processes) noexcept {
    int started = 0;
    int ended = 0;
    MPI_Initialized(&started);
    MPI_Finalized(&ended);
    if (started == 0 || ended != 0) {
        return status::error(error_code::invalid_argument, who,
                             ": MPI is not running; call MPI_Init first");
    }
    if (processes == MPI_COMM_NULL) {
        return status::error(error_code::invalid_argument, who,
                             ": the communicator is MPI_COMM_NULL");
    }
    return {};
}

/// Runs the shards of this process and gets the others.
class mpi_team {
  public:
    mpi_team(MPI_Comm processes, int shards) noexcept : processes_{processes}, shards_{shards} {
        MPI_Comm_rank(processes, &rank_);
        MPI_Comm_size(processes, &size_);
    }

    /// Calls `work(shard)` for the shards of this process, in their order.
    template <class Work>
    void run(const Work& work) const noexcept {
        for (int shard = rank_; shard < shards_; shard += size_) {
            work(shard);
        }
    }
    /// Every process gets the gradients and the sums of a shard from the one that computed it. An
    /// error ends the whole job, as is MPI's default.
    template <class Scalar>
    void share(int shard, std::span<Scalar> gradients, std::span<double> sums) const noexcept {
        const int owner = shard % size_;
        // The count of a message is an int: large models go in pieces.
        constexpr std::size_t piece = std::size_t{1} << 28;
        for (std::size_t first = 0; first < gradients.size(); first += piece) {
            const auto part =
                gradients.subspan(first).first(std::min(piece, gradients.size() - first));
            MPI_Bcast(part.data(), static_cast<int>(part.size()), mpi_type_of<Scalar>(), owner,
                      processes_);
        }
        MPI_Bcast(sums.data(), static_cast<int>(sums.size()), MPI_DOUBLE, owner, processes_);
    }
    /// Whether it is true in every process.
    bool all(bool here) const noexcept {
        int common = here ? 1 : 0;
        MPI_Allreduce(MPI_IN_PLACE, &common, 1, MPI_INT, MPI_LAND, processes_);
        return common != 0;
    }

  private:
    MPI_Comm processes_;
    int shards_;
    int rank_ = 0;
    int size_ = 1;
};

} // namespace detail

/// Splits each batch into shards and these among the processes of an MPI communicator. Every
/// process calls the same training with the same data and ends with the same weights. Gradients are
/// gathered and added in the order of shards, so any number of processes gives the same bits, which
/// equal data_parallel's with as many threads as there are shards.
///
/// MPI_Init comes before, MPI_Finalize after. When a process dies, MPI ends the others; a checkpoint
/// that one of them writes after each epoch remains, and training may resume from it with another
/// number of processes, but not of shards. A callback that ends training in one process ends it in
/// all, after the same batch or epoch; each process may have callbacks of its own, or none. Each
/// computes the validation error of each epoch. All processors must compute the same bits: use one
/// kind.
struct mpi_execution {
    static constexpr const char* kind = "mpi";
    int number_of_shards = 4; ///< 2 to 256, the same for all runs that are to have the same bits
    MPI_Comm processes = MPI_COMM_WORLD; ///< those that train together

    /// Names a setting that is out of range, and MPI that has not been started.
    status check() const noexcept {
        if (number_of_shards < 2 || number_of_shards > 256) {
            return status::error(error_code::invalid_argument, "mpi_execution: ", number_of_shards,
                                 " shards; must be from 2 to 256");
        }
        return detail::check_mpi("mpi_execution", processes);
    }
    int shards() const noexcept { return number_of_shards; }
    /// Nothing has to be started.
    detail::mpi_team start() const noexcept { return {processes, number_of_shards}; }
};

/// Work that needs no communication, such as seeds, folds of cross-fitting or settings that are
/// compared: `work(k)` for k = 0, 1, ..., `count` - 1 is called in process k modulo their number,
/// and every process gets all results. For a search see search/mpi_search.hpp.
/// @param work returns a `double`, for example a validation error, or a `std::vector<double>`, for
///             example the errors of a fold
/// @param processes not MPI_COMM_NULL; MPI must be running. Otherwise MPI ends the process, as there
///                  is no status to return
/// @return the results by k, the same in every process. Allocates.
template <class Work>
auto mpi_for_each(int count, Work&& work, MPI_Comm processes = MPI_COMM_WORLD) {
    using value = std::remove_cvref_t<decltype(work(0))>;
    static_assert(std::is_same_v<value, double> || std::is_same_v<value, std::vector<double>>,
                  "mpi_for_each: the work must return a double or a std::vector<double>");
    int rank = 0;
    int size = 1;
    MPI_Comm_rank(processes, &rank);
    MPI_Comm_size(processes, &size);
    std::vector<value> results(static_cast<std::size_t>(count > 0 ? count : 0));
    for (int k = rank; k < count; k += size) {
        results[static_cast<std::size_t>(k)] = work(k);
    }
    for (int k = 0; k < count; ++k) {
        value& one = results[static_cast<std::size_t>(k)];
        if constexpr (std::is_same_v<value, double>) {
            MPI_Bcast(&one, 1, MPI_DOUBLE, k % size, processes);
        } else {
            detail::mpi_share_content(one, k % size, processes);
        }
    }
    return results;
}

} // namespace tocsin
