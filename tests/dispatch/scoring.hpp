// What the module of each instruction set offers to the program: nothing of tocsin's is in the interface,
// whose sizes and layouts depend on the instruction set.
#pragma once

extern "C" {
/// Bytes of the vector registers that the kernels of this module use.
[[gnu::visibility("default")]] int scoring_register_bytes();
/// Pushes samples of three sensors to a fresh stream of a forecaster.
/// @param samples `[3 x count]`
/// @return the last score
[[gnu::visibility("default")]] double scoring_last_score(const float* samples, int count);
}
