/// @file argument_words.hpp
/// @brief What the fuzzer of the command line puts together.
#pragma once

#include <array>

namespace tocsin_fuzz {

/// Words of the command line: commands, options, values, files. New ones come last: inputs that were
/// found are positions in this list.
// clang-format off
inline constexpr std::array argument_words = {
    "generate", "train", "fit-errors", "tune", "detect", "stream", "inspect", "--help",
    "--version", "rows.csv", "sequences.txt", "model", "other", "broken", "missing", "folder",
    "-", "", "--as", "csv", "--features", "--length", "--normal", "--anomalous",
    "--anomalous-steps", "--seed", "--sequence-seed", "--random-phase", "--noise", "--from",
    "--with-normal", "--output", "-o", "--json", "--quiet", "--timestamp", "--labels", "--label",
    "--delimiter", "--columns", "--skip-missing", "--window", "--stride", "--model", "--encoder",
    "--decoder", "--hidden", "--layers", "--epochs", "--batch", "--batch-size", "--learning-rate",
    "--validation", "--checkpoint", "--resume", "--log", "--amsgrad", "--threads", "--patience",
    "--loss", "--scaler", "--rule", "--threshold", "--quantile", "--view", "--scored", "--adapt",
    "--strict", "--minimum-duration", "--suppress", "--tensors", "--precision", "forecaster",
    "autoencoder", "encoder-decoder", "feed-forward", "spot", "sigma", "mse", "huber", "standard",
    "robust", "time", "value", "1", "2", "3", "5", "8", "0", "-1", "0.5", "0.01", "1e9", "1e999",
    "nan", "inf", "-inf", "2147483648", "99999999999999999999", "-99999999999999999999", "1,2",
    ",", "a,b", "=", "--", "--epochs=1", "--quantile=0.9", "\xff\xfe", "%s%n", "'", "\"", "\\",
    " ", "\n", "fit", "search", "export", "--report", "--journal", "--firmware", "--resample",
    "--resample-by", "--longest-gap", "--trials", "--parallel", "--random", "--objective",
    "detection", "--alarms", "--first-rung", "--force", "--false-alarm-rate", "--period",
    "--folds", "--no-shifts", "--self-test", "--calibration", "--name", "--units", "--no-missing",
    "--table", "--format", "--network", "bidirectional", "--fill", "--calendar", "--schedule",
    "--balanced", "--smooth", "--per", "alarm-rate", "report.html", "journal", "tuned",
    "model.hpp", "1m", "60", "mean", "--trials=2", "--decimal-comma", "--no-header",
    "--skip-rows", "--missing", "--ignore", "--encoding", "--hysteresis", "--m-of-n",
    "import", "--mean", "--deviation", "--targets", "--tolerance", "identity",
    "--fused"};
// clang-format on

} // namespace tocsin_fuzz
