#!/usr/bin/env python3
"""Measures the time to compile tocsin, as a multiple of `#include <Eigen/Dense>`.

    bench/compile_times.py                    # a table of every public header, on standard output
    bench/compile_times.py --write            # the same into docs/compile_times.md
    bench/compile_times.py --compiler clang++-19 tocsin/tocsin.hpp tocsin/edge.hpp

Every measurement is user time of the compiler, which counts no waiting, and has one of Eigen beside it,
so that a busy machine slows down both. Needs only the standard library; bench/report.py uses it.
"""

import argparse
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
EIGEN = "#include <Eigen/Dense>\n"
FLAGS = ["-std=c++20", "-O2", "-DNDEBUG"]


def user_time(command):
    """Seconds of user time; exits with the compiler's output if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([str(word) for word in command], stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


class Stopwatch:
    """Compiles sources with one compiler and keeps only the times."""

    def __init__(self, compiler, includes, folder):
        self.command = [compiler, *FLAGS, *includes]
        self.folder = folder

    def once(self, text, defines=()):
        source = self.folder / "unit.cpp"
        source.write_text(text)
        return user_time([*self.command, *defines, "-c", source, "-o", self.folder / "unit.o"])

    def medians(self, units, rounds):
        """(seconds, ratio to Eigen) of each of `units`, a dict of (text, defines); the median of
        the ratios, each with the Eigen of its own round. The first entry is Eigen itself."""
        taken = {name: [] for name in units}
        eigen = []
        for _ in range(rounds):
            eigen.append(self.once(EIGEN))
            for name, (text, defines) in units.items():
                taken[name].append(self.once(text, defines))
        rows = {"`#include <Eigen/Dense>` alone": (statistics.median(eigen), 1.0)}
        for name, times in taken.items():
            ratios = [time / base for time, base in zip(times, eigen)]
            rows[name] = (statistics.median(times), statistics.median(ratios))
        return rows


def table(first_column, rows):
    lines = [f"| {first_column} | seconds | / Eigen |", "|---|--:|--:|"]
    lines += [f"| {name} | {seconds:.2f} | {ratio:.2f} |" for name, (seconds, ratio) in rows.items()]
    return "\n".join(lines) + "\n"


def user_programs(stopwatch, rounds):
    """The table of what users compile: umbrella headers, and a whole detector."""
    detector = (ROOT / "bench/compile/one_detector.cpp").read_text()
    named = "trained and run on a stream (bench/compile/one_detector.cpp)"
    return table("translation unit, `-O2`", stopwatch.medians({
        "`#include <tocsin/edge.hpp>` alone": ("#include <tocsin/edge.hpp>\n", ()),
        "`#include <tocsin/tocsin.hpp>` alone": ("#include <tocsin/tocsin.hpp>\n", ()),
        f"one detector, {named}": (detector, ()),
        "the same with `tocsin::compiled`": (detector, ["-DTOCSIN_COMPILED"]),
    }, rounds))


def public_headers():
    """As a user writes them, without those that need MPI."""
    folder = ROOT / "include"
    every = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.hpp"))
    return [name for name in every if "<mpi.h>" not in (folder / name).read_text()]


def every_header(stopwatch, headers, rounds):
    """Headers in order, in groups with Eigen in each, so that the load may change."""
    rows = {}
    for first in range(0, len(headers), 8):
        names = headers[first:first + 8]
        units = {f"`{name}`": (f"#include <{name}>\n", ()) for name in names}
        measured = stopwatch.medians(units, rounds)
        rows.update({name: measured[name] for name in units})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("headers", nargs="*", help="such as tocsin/tocsin.hpp; none: all")
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--include", action="append", default=[],
                        help="folder of Eigen; by default /usr/include/eigen3")
    parser.add_argument("--rounds", type=int, default=5, help="number of measurements for the median")
    parser.add_argument("--header-rounds", type=int, default=3, help="the same for the long table")
    parser.add_argument("--write", action="store_true", help="into docs/compile_times.md")
    settings = parser.parse_args()
    includes = [f"-I{ROOT / 'include'}"]
    includes += [f"-I{folder}" for folder in settings.include or ["/usr/include/eigen3"]]
    load = f"{os.getloadavg()[0]:.1f}"
    with tempfile.TemporaryDirectory() as name:
        stopwatch = Stopwatch(settings.compiler, includes, pathlib.Path(name))
        if settings.headers:
            print(table("header", every_header(stopwatch, settings.headers, settings.rounds)))
            return
        programs = user_programs(stopwatch, settings.rounds)
        headers = table("header", every_header(stopwatch, public_headers(),
                                               settings.header_rounds))
    if not settings.write:
        print(programs, headers, sep="\n")
        return
    values = {"PROGRAMS": programs, "HEADERS": headers, "ROUNDS": str(settings.rounds),
              "HEADROUNDS": str(settings.header_rounds), "LOAD": load}
    version = subprocess.run([settings.compiler, "--version"], stdout=subprocess.PIPE, text=True,
                             check=True)
    values["COMPILER"] = version.stdout.splitlines()[0]
    page = (ROOT / "bench/compile_times.md.in").read_text()
    page = re.sub(r"@([A-Z]+)@", lambda found: values[found.group(1)].rstrip("\n"), page)
    (ROOT / "docs/compile_times.md").write_text(page)
    print("written: docs/compile_times.md")


if __name__ == "__main__":
    main()
