/// @file bounds.hpp
/// @brief What the machine can do at best, as jobs that run between the others.
#pragma once

#include "competitor.hpp"

namespace tocsin_bench {

/// Loads a buffer of `bytes` bytes `passes` times a repetition, with the widest vectors.
job_pointer load_bound(std::size_t bytes, int passes = 1);
/// Does `flops` floating-point operations of float a repetition: multiply-adds in registers alone.
job_pointer fma_bound(double flops);
/// Reads four arrays of `count` floats and writes three of them, as an update by Adam does, with
/// next to no arithmetic.
job_pointer update_bound(int count);
/// Copies `bytes` bytes a repetition, so that twice as many move.
job_pointer copy_bound(std::size_t bytes);

} // namespace tocsin_bench
