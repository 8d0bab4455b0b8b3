#!/usr/bin/env python3
"""Charts and nearest values of the command line beside its linear model: the table of docs/choosing.md.

Fits to the column `value` of NASA's training parts and judges the test parts; fits to the normal rows among the
first 35 % of NAB's streams and judges the rest. A false cluster is a run of anomalous rows that touches no labelled
row. Streams whose linear model is no better than the mean are left out for all.
Usage: charts_by_command.py TOCSIN_CLI DATA, where DATA has the folders nasa and nab.
"""

import csv
import itertools
import pathlib
import subprocess
import sys
import tempfile

METHODS = {
    "linear": ["--model", "linear"],
    "charts": ["--model", "charts"],
    "nearest_value": ["--model", "nearest_value"],
    "ensemble": ["--model", "ensemble"],
    "ensemble, `second-smallest`": ["--model", "ensemble", "--combine", "second-smallest"],
}
METHODS |= {f"{name}, `--alarms 10`": [*options, "--alarms", "10"]
            for name, options in METHODS.items() if name != "linear"}


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def verdicts(program, folder, fitted, judged, options):
    """Whether each judged row is an anomaly; nothing where no model can be made."""
    for name, head, rows in (("fit.csv", "value,label", fitted), ("judge.csv", "value", judged)):
        with open(folder / name, "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in [head, *rows]))
    made = subprocess.run([program, "fit", folder / "model", folder / "fit.csv", "--quiet", *options],
                          stderr=subprocess.PIPE, check=False)
    if made.returncode == 3:
        return None
    made.check_returncode()
    table = subprocess.run([program, "detect", folder / "model", folder / "judge.csv", "--quiet",
                            "--table", "csv"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [line["verdict"] == "anomaly" for line in csv.DictReader(table.splitlines())]


class counts:
    """Of one method in one group of recordings."""

    def __init__(self):
        self.found = self.false = self.flagged = self.normal = 0

    def add(self, anomalous, events):
        labelled = [False] * len(anomalous)
        for first, last in events:
            labelled[first:last + 1] = [True] * (min(last + 1, len(anomalous)) - first)
            self.found += any(anomalous[first:last + 1])
        for is_run, run in itertools.groupby(zip(anomalous, labelled), key=lambda row: row[0]):
            self.false += is_run and not any(row[1] for row in run)
        self.flagged += sum(a and not l for a, l in zip(anomalous, labelled))
        self.normal += labelled.count(False)


def nasa(data):
    labels = rows_of(data / "nasa" / "labels.csv")
    for channel in sorted({label["channel"] for label in labels}):
        own = [label for label in labels if label["channel"] == channel]
        fitted, judged = ([row["value"] for row in rows_of(data / "nasa" / part / f"{channel}.csv")]
                          for part in ("train", "test"))
        yield (own[0]["spacecraft"], [f"{value},0" for value in fitted], judged,
               [(int(label["start"]), int(label["end_incl"])) for label in own])


def nab(data):
    windows = rows_of(data / "nab" / "windows.csv")
    for path in sorted((data / "nab" / "data").glob("*/*.csv")):
        values = [row["value"] for row in rows_of(path)]
        first = int(0.35 * len(values))
        events = [(int(w["start_idx"]), int(w["end_idx_incl"])) for w in windows
                  if w["file"] == f"{path.parent.name}/{path.name}"]
        fitted = [f"{value},{int(any(a <= k <= b for a, b in events))}"
                  for k, value in enumerate(values[:first])]
        yield ("NAB", fitted, values[first:],
               [(max(begin - first, 0), end - first) for begin, end in events if end >= first])


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    groups, left_out = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        for group, fitted, judged, events in itertools.chain(nasa(data), nab(data)):
            found = [verdicts(program, pathlib.Path(folder), fitted, judged, options)
                     for options in METHODS.values()]
            if None in found:
                left_out += 1
                continue
            columns, number = groups.setdefault(group, ([counts() for _ in METHODS], []))
            number.append(len(events))
            for method, anomalous in zip(columns, found):
                method.add(anomalous, events)
    print("| | " + " | ".join(f"{group}, {sum(number)} events | false clusters | normal rows"
                               for group, (_, number) in groups.items()) + " |")
    print("|---" * (1 + 3 * len(groups)) + "|")
    for k, name in enumerate(METHODS):
        cells = [f"{each.found} | {each.false} | {100 * each.flagged / each.normal:.1f} %"
                 for each in (columns[k] for columns, _ in groups.values())]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"{left_out} recordings are left out", file=sys.stderr)


if __name__ == "__main__":
    main()
