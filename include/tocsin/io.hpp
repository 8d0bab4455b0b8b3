/// @file io.hpp
/// @brief Files: CSV, delimited sequences, detectors, streams, checkpoints.
///
/// Apart from tocsin.hpp because it costs as much to compile again: the file system and
/// nlohmann/json, which reads the header of safetensors. Where the latter is missing, detector
/// files and checkpoints are left out.
#pragma once

#include "tocsin/io/csv.hpp"
#include "tocsin/io/delimited_sequences.hpp"
#include "tocsin/io/stream_file.hpp"
#if __has_include(<nlohmann/json.hpp>)
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/io/detector_file.hpp"
#endif
