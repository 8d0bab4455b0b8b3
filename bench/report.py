#!/usr/bin/env python3
"""Runs bench/compare and the Python peers, measures compile times, writes docs/performance.md.

Needs only the standard library. The text of the page is in bench/performance.md.in.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import compile_times

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Columns in this order; other builds of a peer are left out.
COLUMNS = ["eigen", "rtneural", "onednn", "libtorch", "one_thread", "copy", "numpy", "scipy",
           "scikit-learn", "pandas", "PyTorch", "ONNX Runtime"]


def run(*command, **options):
    """Returns the standard output of a command; exits if the command fails."""
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, text=True, check=False, **options
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def cached(build, name):
    text = (build / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:[A-Z]+=(.*)$", text, re.M)
    return found.group(1) if found else ""


# ---- the machine --------------------------------------------------------------------------------


def caches():
    sizes = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            level = (index / "level").read_text().strip()
            sizes[f"L{level}"] = (index / "size").read_text().strip().replace("K", " KiB")
    return ", ".join(f"{level} {size}" for level, size in sizes.items())


def compiler_of(build):
    compiler = cached(build, "CMAKE_CXX_COMPILER")
    version = run(compiler, "--version").splitlines()[0]
    flags = f"{cached(build, 'CMAKE_CXX_FLAGS')} {cached(build, 'CMAKE_CXX_FLAGS_RELEASE')}".strip()
    return compiler, version, flags


def machine(build, settings):
    info = pathlib.Path("/proc/cpuinfo").read_text()

    def field(name):
        found = re.search(rf"^{name}\s*:\s*(.*)$", info, re.M)
        return found.group(1) if found else "?"

    flags = field("flags").split()
    vectors = next((n for f, n in [("avx512f", "AVX-512"), ("avx2", "AVX2")] if f in flags), "SSE2")
    _, version, compiler_flags = compiler_of(build)
    revision = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"],
        stdout=subprocess.PIPE, text=True, check=False,
    ).stdout.strip()
    load = os.getloadavg()[0]
    lines = [
        ("processor", f"{field('model name')}, family {field('cpu family')}, model "
                      f"{field('model')}, {os.cpu_count()} cores, {vectors}; {caches()}"),
        ("compiler", f"{version}, `{compiler_flags}`"),
        ("tocsin", revision),
        ("core", f"pinned to core {settings.cpu}; load average {load:.1f} at the start"
                 + (": other programs were running" if load > 0.5 else "")),
    ]
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {text} |\n" for name, text in lines)


# ---- measurements -------------------------------------------------------------------------------


def pinned(settings):
    return ["taskset", "-c", settings.cpu] if shutil.which("taskset") else []


def compare(program, settings, folder):
    """Returns all rows by name, with work and unit from the program's list."""
    path = folder / "rows.json"
    common = [program, "--repetitions", settings.repetitions, "--min-time", settings.min_time]
    common += ["--filter", settings.filter]
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    subprocess.run(
        [str(w) for w in pinned(settings) + common + ["--json", path]], check=True, env=environment
    )
    rows = {row["case"]: row for row in json.loads(path.read_text())}
    # Work on several threads needs several cores.
    threads = [name for name in rows if "threads:" in name]
    if threads:
        pattern = "|".join(f"^{re.escape(name)}$" for name in threads)
        subprocess.run(
            [str(w) for w in common[:5] + ["--filter", pattern, "--json", path]],
            check=True, env=environment,
        )
        rows.update({row["case"]: row for row in json.loads(path.read_text())})
    for line in run(program, "--list").splitlines():
        name, work, unit = line.split("\t")
        if name in rows:
            rows[name].update(work=float(work), unit=unit)
    return rows


def python_peers(program, settings, folder, rows):
    """Adds the ratios of Python libraries to the rows; returns a sentence about them."""
    run(program, "--export", folder)
    one = {name: "1" for name in
           ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")}
    answer = json.loads(run(*pinned(settings), settings.python, ROOT / "bench/python_peers.py",
                            folder, env=dict(os.environ, **one)))
    for case, peers in answer["times_ns"].items():
        for peer, nanoseconds in peers.items():
            if case in rows:
                rows[case]["ratio"][peer] = nanoseconds / rows[case]["time_ns"]
    found = ", ".join(f"{name} {version}" for name, version in answer["versions"].items())
    absent = ", ".join(answer["missing"])
    return (found or "none") + (f"; not installed: {absent}" if absent else "") + "."


def compile_section(build, folder):
    """Returns a table of compile times, with the size of a program with one detector."""
    compiler, _, _ = compiler_of(build)
    eigen = cached(build, "Eigen3_DIR")
    eigen_include = "/usr/include/eigen3" if eigen.startswith("/usr/") else None
    includes = [f"-I{ROOT / 'include'}"] + ([f"-I{eigen_include}"] if eigen_include else [])
    times = compile_times.user_programs(compile_times.Stopwatch(compiler, includes, folder), 5)
    program = folder / "one_detector"
    run(compiler, *compile_times.FLAGS, *includes, ROOT / "bench/compile/one_detector.cpp", "-o",
        program)
    text_size = int(run("size", program).splitlines()[1].split()[0])
    run("strip", program)
    return times + (
        f"\nThe program with one detector has {program.stat().st_size / 1024:.0f} KiB without "
        f"symbols, of which {text_size / 1024:.0f} KiB are code and constants. It links only "
        "the standard library.\n")


# ---- tables -------------------------------------------------------------------------------------


def time_text(nanoseconds):
    for limit, factor, unit in [(1e4, 1, "ns"), (1e6, 1e3, "µs"), (1e99, 1e6, "ms")]:
        if nanoseconds < limit:
            value = nanoseconds / factor
            return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"
    return "?"


def table_of(rows):
    if not rows:
        return "Not measured.\n"
    columns = [name for name in COLUMNS if any(name in row["ratio"] for row in rows)]
    lines = ["| case | tocsin | spread | rate | of bound | " + " | ".join(columns)]
    lines.append("|---" + "|--:" * (4 + len(columns)))
    for row in rows:
        bound = row["bound_fraction"]
        cells = [
            f"`{row['case']}`",
            time_text(row["time_ns"]),
            f"{100 * row['spread']:.1f} %",
            f"{row['work'] / row['time_ns']:.3g} {row['unit']}",
            "" if bound is None else f"{bound:.2f}",
        ]
        cells += [f"{row['ratio'][n]:.2f}" if n in row["ratio"] else "" for n in columns]
        lines.append("| " + " | ".join(cells))
    return "".join(line + " |\n" if not line.startswith("|---") else line + "|\n" for line in lines)


def select(rows, *prefixes):
    return table_of([row for name, row in rows.items() if name.startswith(prefixes)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path,
                        help="build folder; by default, the preset bench is configured and built")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/performance.md")
    parser.add_argument("--cpu", default=str((os.cpu_count() or 1) - 1), help="core to pin to")
    parser.add_argument("--repetitions", type=int, default=31)
    parser.add_argument("--min-time", type=float, default=2e-3)
    parser.add_argument("--filter", default=".*", help="only these cases")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the Python peers")
    settings = parser.parse_args()

    build = settings.build
    if build is None:
        build = ROOT / "build/bench"
        run("cmake", "--preset", "bench", cwd=ROOT)
        run("cmake", "--build", "--preset", "bench", "--target", "compare", "precision_effect",
            cwd=ROOT)
    program = build / "bench/compare"
    if not program.exists():
        sys.exit(f"{program} does not exist: bench/compare needs CLI11 and nlohmann-json")

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        facts = machine(build, settings)
        peers = [line.split(": ", 1) for line in run(program, "--peers").splitlines()]
        found = list(dict.fromkeys(text for _, text in peers if "not found" not in text))
        absent = [peer for peer, text in peers if "not found" in text]
        rows = compare(program, settings, folder)
        python = python_peers(program, settings, folder, rows)
        values = {
            "MACHINE": facts,
            "REPETITIONS": str(settings.repetitions),
            "MIN_TIME_MS": f"{1e3 * settings.min_time:g}",
            "PEERS": ", ".join(found) + (f"; not found: {', '.join(absent)}" if absent else "")
                     + ".",
            "STEPS": select(rows, "step/", "step_runtime/"),
            "PRECISION": run(build / "bench/precision_effect"),
            "PARTS": select(rows, "stack_step/", "dense_head/", "detector_push/"),
            "WINDOWS": select(rows, "window/"),
            "TRAINING": select(rows, "train"),
            "ELEMENTWISE": select(rows, "activation/", "adam/"),
            "PYTHON": python,
            "STATISTICS": select(rows, "moments/", "mahalanobis/", "f_beta", "csv/"),
            "COMPILER_LINE": compiler_of(build)[1],
            "COMPILE": compile_section(build, folder),
        }
    page = (ROOT / "bench/performance.md.in").read_text()
    page = re.sub(r"@([A-Z_]+)@", lambda found: values[found.group(1)].rstrip("\n"), page)
    settings.output.write_text(page)
    print(f"written: {settings.output}")


if __name__ == "__main__":
    main()
