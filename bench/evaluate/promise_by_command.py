#!/usr/bin/env python3
"""What the command line's charts and nearest values keep of their promise: the second table of docs/choosing.md.

Fits `--model charts` and `--model nearest_value` with `--alarms 10` to 300, 600 and 1500 rows of generated streams
that stay as they are, judges 20 000 later rows, and prints realised / promised false alarms, as `detect --json` counts
them: the median and the most of the seeds.
Usage: promise_by_command.py TOCSIN_CLI [SEEDS]
"""

import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

LATER = 20_000
ROWS = (300, 600, 1500)
MODELS = {"charts": ["--force"], "nearest_value": []}  # nothing forecasts noise better than its mean


def gaussian(source):
    while True:
        yield source.gauss(0, 1)


def student(source):
    """Student's t with 3 degrees of freedom."""
    while True:
        yield source.gauss(0, 1) / math.sqrt(sum(source.gauss(0, 1) ** 2 for _ in range(3)) / 3)


def counts(source):
    """Of Poisson's distribution with mean 4."""
    while True:
        number, product = 0, source.random()
        while product > math.exp(-4):
            number, product = number + 1, product * source.random()
        yield number


def levels(source):
    """Two levels that switch, after 200 rows on average."""
    level = 0
    while True:
        level = 10 - level if source.random() < 1 / 200 else level
        yield level + source.gauss(0, 1)


STREAMS = {"Gaussian": gaussian, "Student's t": student, "counts": counts, "two levels": levels}


def ratio(program, folder, model, values, rows):
    for name, part in (("fit.csv", values[:rows]), ("later.csv", values[rows:])):
        (folder / name).write_text("value\n" + "".join(f"{value:.6g}\n" for value in part), encoding="utf-8")
    subprocess.run([program, "fit", folder / "model", folder / "fit.csv", "--quiet", "--no-shifts", "--alarms", "10",
                    "--model", model, *MODELS[model]], stderr=subprocess.DEVNULL, check=True)
    told = json.loads(subprocess.run([program, "detect", folder / "model", folder / "later.csv", "--quiet", "--json"],
                                     stdout=subprocess.PIPE, check=True).stdout)["counts"]
    return told["realised_rate"] / told["promised_rate"]


def main():
    program, seeds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 12
    print("| | " + " | ".join(f"{rows} rows" for rows in ROWS) + " |")
    print("|---" * (1 + len(ROWS)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            for name, stream in STREAMS.items():
                cells = []
                for rows in ROWS:
                    found = []
                    for seed in range(seeds):
                        values = stream(random.Random(seed))
                        found.append(ratio(program, pathlib.Path(folder), model,
                                           [next(values) for _ in range(rows + LATER)], rows))
                    cells.append(f"{statistics.median(found):.1f}, {max(found):.1f}")
                print(f"| {model}: {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
