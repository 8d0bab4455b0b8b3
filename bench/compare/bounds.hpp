/// @file bounds.hpp
/// @brief The limits of the machine, as jobs that run between the others.
#pragma once

#include "competitor.hpp"

namespace tocsin_bench {

/// Loads a buffer of `bytes` bytes `passes` times per repetition, with the widest vectors.
job_pointer load_bound(std::size_t bytes, int passes = 1);
/// Does `flops` float operations per repetition: multiply-adds in registers only.
job_pointer fma_bound(double flops);
/// Reads four arrays of `count` floats and writes three of them, like an Adam update, with almost
/// no arithmetic.
job_pointer update_bound(int count);
/// Copies `bytes` bytes per repetition, so twice as many move.
job_pointer copy_bound(std::size_t bytes);

} // namespace tocsin_bench
