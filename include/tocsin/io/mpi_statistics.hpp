/// @file mpi_statistics.hpp
/// @brief Statistics of data that several processes share, by MPI. Not part of tocsin.hpp.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/byte_archive.hpp"
#include "tocsin/training/mpi_execution.hpp"

#include <concepts>
#include <cstddef>
#include <mpi.h>
#include <vector>

namespace tocsin {

/// What mpi_statistics() needs: `merge(other)` takes in all samples of another one, and
/// `exchange(archive)` hands it over as bytes. `moments` and `quantile_sketch` are two.
template <class Statistic>
concept mergeable_statistic =
    std::copyable<Statistic> &&
    requires(Statistic statistic, byte_writer& writer, byte_reader& reader) {
        { statistic.merge(statistic) } -> std::same_as<status>;
        statistic.exchange(writer);
        statistic.exchange(reader);
    };

/// A statistic of data that are split into shards: `fill(shard, statistic)` takes in the samples of
/// a shard, in process shard modulo their number; every process gets the statistic of all shards,
/// merged in their order. So any number of processes gives the same bits, and moments those of one
/// pass over all samples, up to rounding. Their fit, such as mahalanobis::fit(moments), is then the
/// same in every process.
///
/// Every process calls it with the same arguments. Sends each statistic once, not its samples.
/// @param shards at least 1, the same for all runs that are to have the same bits
/// @param empty  what a shard begins with: no samples
/// @param fill   not noexcept; the statistic may reject samples, but must remain one that loads
/// @return `invalid_argument` for fewer than one shard, without MPI and for MPI_COMM_NULL; what loading
///         or merging failed with, such as `format_error` for moments that are not finite. Allocates.
template <mergeable_statistic Statistic, class Fill>
result<Statistic> mpi_statistics(int shards, const Statistic& empty, Fill&& fill,
                                 MPI_Comm processes = MPI_COMM_WORLD) {
    if (shards < 1) {
        return status::error(error_code::invalid_argument, "mpi_statistics: ", shards,
                             " shards; must be at least 1");
    }
    if (const status running = detail::check_mpi("mpi_statistics", processes); !running.ok()) {
        return running;
    }
    int rank = 0;
    int size = 1;
    MPI_Comm_rank(processes, &rank);
    MPI_Comm_size(processes, &size);
    std::vector<std::vector<std::byte>> own(static_cast<std::size_t>(shards));
    for (int shard = rank; shard < shards; shard += size) {
        Statistic part = empty;
        fill(shard, part);
        byte_writer writer;
        part.exchange(writer);
        own[static_cast<std::size_t>(shard)] = writer.bytes();
    }
    Statistic all = empty;
    status outcome;
    for (int shard = 0; shard < shards; ++shard) {
        // Also the owner reads its bytes, so that all processes merge the same.
        auto& bytes = own[static_cast<std::size_t>(shard)];
        detail::mpi_share_content(bytes, shard % size, processes);
        Statistic part = empty;
        byte_reader reader{bytes};
        part.exchange(reader);
        for (const status& step :
             {reader.outcome(), reader.outcome().ok() ? all.merge(part) : status{}}) {
            if (outcome.ok() && !step.ok()) {
                outcome = status::error(step.code(), "mpi_statistics: shard ", shard, ": ",
                                        step.message());
            }
        }
        bytes.clear();
    }
    if (!outcome.ok()) {
        return outcome;
    }
    return all;
}

} // namespace tocsin
