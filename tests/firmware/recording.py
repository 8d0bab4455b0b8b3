#!/usr/bin/env python3
"""Trains on real recordings with the command line, exports, and runs the firmware over them in QEMU.

    recording.py --cli TOCSIN_CLI [--include INCLUDE] [--work FOLDER]

The recordings are NAB's machine temperature and one of SKAB, in the folder of TOCSIN_DATA_DIR. On a
Cortex-M4F the firmware must call the same rows anomalies as `tocsin_cli detect`, and raise the same
alarms, in each format. Exit code 77: no data, toolchain or emulator.
"""

import argparse
import csv
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import targets

# A row whose score is this close to the threshold, as a share of it, may be judged either way: the host
# adds in another order, integers round.
TOLERANCES = {"float": 1e-4, "int16": 0.002, "int8": 0.05}
ALARMS = ["--hysteresis", "0.6", "--m-of-n", "3,5", "--minimum-duration", "2", "--suppress", "30"]

TARGET = next(one for one in targets.CORTEX_M if one["name"] == "Cortex-M4F")

RECORDINGS = [
    {
        "name": "machine_temperature",
        "file": "nab/data/realKnownCause/machine_temperature_system_failure.csv",
        "delimiter": ",",
        "ignore": ["timestamp"],
        "train": (5300, 10100),
        "normal": (10200, 15200),
        "model": "forecaster",
        "hidden": "16",
    },
    {
        "name": "skab_valve",
        "file": "skab/valve1/0.csv",
        "delimiter": ";",
        "ignore": ["datetime", "anomaly", "changepoint"],
        "train": (0, 400),
        "normal": (200, 560),
        "model": "encoder-decoder",
        "hidden": "8",
    },
]


def write_rows(path, header, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def as_float(text):
    """A float of 32 bits as an exact literal."""
    value = struct.unpack("f", struct.pack("f", float(text)))[0]
    return f"{value.hex()}F"


def write_samples(path, rows):
    lines = ["{" + ", ".join(as_float(cell) for cell in row) + "}," for row in rows]
    text = "\n".join(lines)
    path.write_text(f"inline constexpr float samples[][{len(rows[0])}] = {{\n{text}\n}};\n")


def detected(cli, work, name):
    """Rows of anomalies, from 0, those of alarms, and how close to the threshold the score of each is."""
    verdicts = work / "verdicts.json"
    targets.command([cli, "detect", work / f"{name}.model", work / "all.csv", "--json", "--output",
                     verdicts, *ALARMS])
    result = json.loads(verdicts.read_text())
    anomalies, alarms, distance = set(), set(), {}
    for verdict in result["verdicts"]:
        row = verdict["row"] - 1
        if verdict["verdict"] == "anomaly":
            anomalies.add(row)
        if verdict["alarm"]:
            alarms.add(row)
        if "score" in verdict:
            distance[row] = abs(verdict["score"] - verdict["threshold"]) / verdict["threshold"]
    return anomalies, alarms, distance


def run_format(arguments, work, name, number_format):
    """Rows that are anomalies on the target, and those of alarms."""
    header = f"{name}_{number_format}"
    targets.command([arguments.cli, "export", work / f"{name}.model", "--firmware",
                     work / f"{header}.hpp", "--format", number_format, "--calibration",
                     work / "normal.csv", *ALARMS])
    arguments.headers = str(work)
    program = targets.compile_program(TARGET, arguments, work, header, "recording",
                                      ["-DTOCSIN_TARGET_SEMIHOSTING"])
    run = [word for word in TARGET["run"] if word not in ("-icount", "shift=0")]
    found = {"anomaly": set(), "alarm": set()}
    for line in targets.command([*run, program]).splitlines():
        what, row = line.split()
        found[what].add(int(row))
    return found["anomaly"], found["alarm"]


def run_recording(recording, data, arguments):
    """Whether firmware and command line agree."""
    name = recording["name"]
    work = pathlib.Path(arguments.work) / name
    work.mkdir(parents=True, exist_ok=True)
    with open(data / recording["file"], newline="") as file:
        table = list(csv.reader(file, delimiter=recording["delimiter"]))
    kept = [k for k, column in enumerate(table[0]) if column not in recording["ignore"]]
    header, *rows = [[line[k] for k in kept] for line in table]
    write_rows(work / "all.csv", header, rows)
    write_rows(work / "train.csv", header, rows[slice(*recording["train"])])
    write_rows(work / "normal.csv", header, rows[slice(*recording["normal"])])
    write_samples(work / "recorded_samples.hpp", rows)
    model = work / f"{name}.model"
    for command in [
            ["train", model, work / "train.csv", "--model", recording["model"], "--encoder",
             recording["hidden"], "--window", "16", "--stride", "4", "--epochs", "5", "--seed", "1",
             "--force"],
            ["fit-errors", model, work / "normal.csv"],
            ["tune", model, work / "normal.csv", "--rule", "quantile", "--quantile", "0.999"]]:
        targets.command([arguments.cli, *command])
    expected, alarms, distance = detected(arguments.cli, work, name)
    agrees = bool(expected)
    for number_format, tolerance in TOLERANCES.items():
        anomalies, found = run_format(arguments, work, name, number_format)
        close = {row for row, far in distance.items() if far <= tolerance}
        wrong = (expected ^ anomalies) - close
        # An alarm depends on the rows before it: from the first close one on, it may differ.
        judged = min(close, default=len(rows))
        judged_alarms = {row for row in alarms if row < judged}
        wrong_alarms = judged_alarms ^ {row for row in found if row < judged}
        print(f"{name}, {number_format}: {len(rows)} rows, {len(expected)} anomalies on the host, "
              f"{len(anomalies)} on the {TARGET['name']}; {len(wrong)} rows differ, {len(close)} "
              f"are too close to call; {len(alarms)} and {len(found)} rows of alarms, "
              f"{len(wrong_alarms)} differ in the first {judged} rows, "
              f"which have {len(judged_alarms)}, and {len(alarms ^ found)} in all")
        agrees = agrees and not wrong and not wrong_alarms
        agrees = agrees and len(alarms ^ found) * 100 <= len(alarms)
        if number_format != "int8" and not judged_alarms:
            print(f"{name}, {number_format}: no alarm before the first row that is too close")
            agrees = False
    return agrees


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cli", required=True)
    parser.add_argument("--include", default=str(targets.HERE.parents[1] / "include"))
    parser.add_argument("--work", default="firmware_recordings")
    arguments = parser.parse_args()
    if not os.environ.get("TOCSIN_DATA_DIR"):
        print("skipped: TOCSIN_DATA_DIR is not set")
        return 77
    for tool in ("arm-none-eabi-g++", "qemu-system-arm"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed")
            return 77
    data = pathlib.Path(os.environ["TOCSIN_DATA_DIR"])
    outcomes = []
    for recording in RECORDINGS:
        if not (data / recording["file"]).exists():
            print(f"skipped: no {recording['file']} in TOCSIN_DATA_DIR")
            continue
        try:
            outcomes.append(run_recording(recording, data, arguments))
        except (RuntimeError, subprocess.TimeoutExpired) as failure:
            print(f"FAILED: {recording['name']}: {failure}")
            outcomes.append(False)
    if not outcomes:
        return 77
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
