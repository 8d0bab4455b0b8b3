#!/usr/bin/env python3
"""Builds exported models for targets at hand, runs them in QEMU and compares.

    targets.py HEADERS --include INCLUDE --models MODELS [--compiler g++-12] [--report FILE]

HEADERS is the folder of generated headers; a model timed_NAME is NAME in a timed_watcher. Checked
are: the self-test on every target; that all targets print the same hash of 10 000 scores and
verdicts as the host; that no program contains a heap, formatted output, exceptions or arithmetic in
double; and the limits on size, stack and instructions of limits.json. Targets without toolchain or emulator are skipped with a message, unless
--require names them: then this fails. --report writes all numbers as JSON, --table as the tables of
docs/firmware.md. Exit code 0 says that everything that ran agrees, 77 that nothing could run.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE / "target"
BASE = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
        "-Wsign-conversion", "-Werror"]
BARE = ["-O2", "-fno-exceptions", "-fno-rtti", "-ffunction-sections", "-fdata-sections",
        "-ffreestanding", "-nostartfiles", "-Wl,--gc-sections"]
QEMU = ["-nographic", "-semihosting-config", "enable=on,target=native"]
FORBIDDEN = re.compile(r"\b(_?malloc\w*|_?calloc\w*|_?realloc\w*|_?free(_r)?|_?sbrk\w*|"
                       r"\w*printf\w*|__cxa_\w+|_Unwind_\w+|__gxx_personality\w*|"
                       r"_Z(n[wa]|d[la])\w+|abort|exit|"
                       # arithmetic in double: __aeabi_dmul, __aeabi_f2d, __adddf3, __fixdfsi
                       r"__aeabi_c?d(?!iv)\w+|__aeabi_\w+2d|__\w*df\w*)$")


def cortex(name, cpu, board, code, ram, flags, options=()):
    return {
        "name": name,
        "compiler": "arm-none-eabi-g++",
        "flags": BARE + [f"-mcpu={cpu}", "-mthumb", *flags, "-nostdlib", "-T",
                         str(TARGET / "cortex_m.ld"), f"-Wl,--defsym=CODE={code}",
                         f"-Wl,--defsym=RAM={ram}"],
        "sources": [str(TARGET / "cortex_m_start.cpp")],
        "libraries": ["-lc", "-lgcc"],  # no C++ library, which is large to install
        "run": ["qemu-system-arm", "-M", board, *QEMU, "-icount", "shift=0", *options, "-kernel"],
        "size": "arm-none-eabi-size",
        "nm": "arm-none-eabi-nm",
        "counts": True,
        "stack": True,
    }


HARD = ["-mfloat-abi=hard"]
CORTEX_M = [
    cortex("Cortex-M0", "cortex-m0", "microbit", 0, 0x20000000, ["-mfloat-abi=soft"]),
    cortex("Cortex-M3", "cortex-m3", "mps2-an385", 0, 0x20000000, ["-mfloat-abi=soft"]),
    cortex("Cortex-M4F", "cortex-m4", "mps2-an386", 0, 0x20000000, HARD + ["-mfpu=fpv4-sp-d16"]),
    cortex("Cortex-M7", "cortex-m7", "mps2-an500", 0, 0x20000000, HARD + ["-mfpu=fpv5-sp-d16"]),
    cortex("Cortex-M33", "cortex-m33", "mps2-an505", 0x10000000, 0x38000000,
           HARD + ["-mfpu=fpv5-sp-d16"]),
    cortex("Cortex-M55", "cortex-m55", "mps3-an547", 0, 0x20000000, HARD),
]


def hosts(compiler):
    """This machine, compiler by compiler and instruction set by instruction set."""
    found = []
    cpu = pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    for name in [compiler, "clang++-14", "clang++-19"]:
        if shutil.which(name) is None:
            print(f"skipped: {name} (not installed)")
            continue
        reordering = ["-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math"]
        reordering += ["-freciprocal-math"] if name == "clang++-19" else []
        for label, flags, needs in [
                *([("reordering", ["-O2", *reordering], "")] if "clang" in name else []),
                ("-O0", ["-O0"], ""),
                ("-O2", ["-O2"], ""),
                ("no vectors", ["-O2", "-fno-tree-vectorize", "-fno-tree-slp-vectorize",
                                "-DTOCSIN_FIRMWARE_VECTORS=0"], ""),
                ("x86-64-v3", ["-O3", "-march=x86-64-v3", "-ffp-contract=fast"], "fma"),
                ("x86-64-v4", ["-O3", "-march=x86-64-v4", "-ffp-contract=fast"], "avx512bw")]:
            if needs and needs not in cpu.split():
                print(f"skipped: {name} {label} (this processor has no {needs})")
                continue
            found.append({"name": f"{name} {label}", "compiler": name, "flags": flags,
                          "sources": [], "run": []})
    return found


LINUX = [
    {"name": "aarch64", "compiler": "aarch64-linux-gnu-g++", "flags": ["-O2", "-static"],
     "sources": [], "run": ["qemu-aarch64"]},
    {"name": "armhf NEON", "compiler": "arm-linux-gnueabihf-g++",
     "flags": ["-O2", "-static", "-mfpu=neon-vfpv4"], "sources": [], "run": ["qemu-arm"]},
    {"name": "armhf VFPv3", "compiler": "arm-linux-gnueabihf-g++",
     "flags": ["-O2", "-static", "-mfpu=vfpv3-d16"], "sources": [], "run": ["qemu-arm"]},
    {"name": "riscv64", "compiler": "riscv64-linux-gnu-g++", "flags": ["-O2", "-static"],
     "sources": [], "run": ["qemu-riscv64"]},
]


def riscv(name, architecture, abi):
    return {
        "name": name,
        "compiler": "riscv64-unknown-elf-g++",
        "flags": BARE + [f"-march={architecture}", f"-mabi={abi}", "-nostdlib", "-T",
                         str(TARGET / "riscv.ld"), "-Wl,--defsym=CODE=0x80000000"],
        "sources": [str(TARGET / "riscv_start.cpp")],
        "libraries": ["-lgcc"],
        "run": ["qemu-system-riscv32", "-M", "virt", "-bios", "none", *QEMU, "-icount", "shift=0",
                "-kernel"],
        "size": "riscv64-unknown-elf-size",
        "nm": "riscv64-unknown-elf-nm",
        "counts": True,
    }


RISCV = [riscv("riscv32 rv32imac", "rv32imac", "ilp32")]


def command(words):
    outcome = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=600, stdin=subprocess.DEVNULL)
    if outcome.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}\nexit {outcome.returncode}\n"
                           f"{outcome.stdout[-4000:]}")
    return outcome.stdout


def compile_program(target, arguments, work, model, source, definitions=()):
    program = work / f"{re.sub(r'[^A-Za-z0-9]+', '_', target['name'])}_{model or 'empty'}_{source}"
    words = [target["compiler"], *BASE, *target["flags"], "-I", arguments.include, "-I",
             arguments.headers, "-I", str(TARGET)]
    if model:
        header = model.removeprefix("timed_")
        words += [f"-DMODEL={header}", f'-DMODEL_HEADER="{header}.hpp"']
        words += ["-DTOCSIN_TARGET_TIMED"] if header != model else []
    command([*words, *definitions, str(TARGET / f"{source}.cpp"), *target["sources"],
             *target.get("libraries", []), "-o", program])
    return program


def sizes(target, program):
    """Bytes of flash, and of the variables in RAM without what alignment leaves between them."""
    text, data = command([target["size"], program]).splitlines()[1].split()[:2]
    symbols = [line.split() for line in command([target["nm"], "-S", program]).splitlines()]
    ram = sum(int(size, 16) for _, size, kind, _ in
              (symbol for symbol in symbols if len(symbol) == 4) if kind in "bBdD")
    return int(text) + int(data), ram


def measure(target, arguments, work, model):
    """Runs a model on a target: a dictionary of what it printed, with its sizes."""
    definitions = ["-DTOCSIN_TARGET_SEMIHOSTING"]
    definitions += ["-DTOCSIN_TARGET_COUNTS"] if target.get("counts") else []
    definitions += ["-DTOCSIN_TARGET_STACK"] if target.get("stack") else []
    program = compile_program(target, arguments, work, model, "run", definitions)
    found = {}
    for line in command([*target["run"], program]).splitlines():
        name, value = line.split()
        found[name] = value if name == "hash" else int(value)
    if "size" in target:
        small = compile_program(target, arguments, work, model, "size")
        empty = compile_program(target, arguments, work, None, "size")
        flash, ram = sizes(target, small)
        empty_flash, empty_ram = sizes(target, empty)
        found["flash"] = flash - empty_flash
        found["ram"] = ram - empty_ram
        for one in (program, small):
            for symbol in command([target["nm"], one]).split("\n"):
                if FORBIDDEN.search(symbol):
                    raise RuntimeError(f"{target['name']}, {model}: contains {symbol}")
    return found


def table(report, models):
    """Markdown: a row for each model and format, a column for each Cortex-M."""
    names = [target["name"] for target in CORTEX_M]
    lines = ["| model, format | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for model in models:
        cells = [model.replace("plain_", "H ").replace("_", ", ")]
        cells[0] += "" if "int" in model else ", float"
        for name in names:
            found = report.get(model, {}).get(name)
            cells.append("not measured" if found is None else "{:.1f} KB, {} B, {} B, {}".format(
                found["flash"] / 1000, found["ram"], found["stack"], "{:.1f} k".format(
                    found["instructions"] / 1000)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


ADDITIONS = {
    "timed_plain_8": "times (`timed_watcher`)",
    "adds_missing": "missing values",
    "adds_alarm": "alarm control: hysteresis, m of n, minimum duration, suppression",
    "adds_shares": "shares",
    "adds_learning": "a statistic that learns",
    "adds_peaks": "a threshold that learns, with 64 peaks",
    "adds_layer": "a second layer of 8 units",
    "adds_ahead": "look-ahead of 2",
    "adds_whole": "the whole covariance",
    "adds_whole_missing": "the whole covariance and missing values",
    "adds_window": "both, in windows of 16: `train --model forecaster`",
    "adds_decoder": "the same of an encoder-decoder: `train --model encoder-decoder`",
}


def additions(report, target="Cortex-M4F"):
    """Markdown: what each addition takes more than the plain model."""
    names = ["flash", "ram", "stack", "instructions"]
    plain = report["plain_8"][target]
    lines = ["| more than H 8, float | flash | RAM | stack | instructions |", "|---|--:|--:|--:|--:|"]
    for model, label in ADDITIONS.items():
        found = report[model][target]
        cells = [f"{found[name] - plain[name]:+}" for name in names]
        lines.append("| " + " | ".join([label, *cells]) + " |")
    return "\n".join(lines) + "\n"


def replace_table(path, name, text):
    """Puts a table between the two markers of a page."""
    begin, end = f"<!-- targets.py: {name} -->\n", "<!-- end of the table -->"
    page = pathlib.Path(path).read_text()
    first = page.index(begin) + len(begin)
    pathlib.Path(path).write_text(page[:first] + text + page[page.index(end, first):])


def one_hash_each(report):
    """A line for each hash of each model: in how many builds it came out."""
    lines = [f"{'model':20} {'hash':10} builds"]
    for model, by_target in report.items():
        counts = collections.Counter(found["hash"] for found in by_target.values())
        lines += [f"{model:20} {found:10} {count}" for found, count in counts.items()]
    return "\n".join(lines)


def check_limits(limits, target, model, found):
    exceeded = []
    for name, limit in limits.get(target, {}).get(model, {}).items():
        if found[name] > limit:
            exceeded.append(f"{target}, {model}: {name} {found[name]} exceeds {limit}")
    return exceeded


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("headers")
    parser.add_argument("--include", default=str(HERE.parents[1] / "include"))
    parser.add_argument("--models", required=True, help="names with commas")
    parser.add_argument("--hash-models", help="those of them that run on every target; default all")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--work", default="firmware_targets")
    parser.add_argument("--report")
    parser.add_argument("--table", help="page whose table of targets is written anew")
    parser.add_argument("--cortex-only", action="store_true")
    parser.add_argument("--require", default="", help="targets that must run; names with commas")
    arguments = parser.parse_args()
    models = arguments.models.split(",")
    everywhere = arguments.hash_models.split(",") if arguments.hash_models else models
    work = pathlib.Path(arguments.work)
    work.mkdir(parents=True, exist_ok=True)
    limits = json.loads((HERE / "limits.json").read_text())

    targets = hosts(arguments.compiler)
    targets = targets[:2] if arguments.cortex_only else targets
    for target in CORTEX_M + ([] if arguments.cortex_only else LINUX + RISCV):
        missing = [tool for tool in (target["compiler"], target["run"][0])
                   if shutil.which(tool) is None]
        if missing:
            print(f"skipped: {target['name']} ({', '.join(missing)} not installed)")
        else:
            targets.append(target)
    failures = [f"{name}: is required" for name in arguments.require.split(",")
                if name and name not in [target["name"] for target in targets]]
    unable = len(failures)
    report = {}
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for model in models:
            for target in targets:
                if model in everywhere or model in limits.get(target["name"], {}) or (
                        target["run"] == [] and target["name"].endswith("-O2")):
                    jobs.append((model, target["name"],
                                 pool.submit(measure, target, arguments, work, model)))
    hashes = {}
    for model, name, job in jobs:
        try:
            found = job.result()
        except (RuntimeError, subprocess.TimeoutExpired) as failure:
            failures.append(f"{name}, {model}: {failure}")
            continue
        report.setdefault(model, {})[name] = found
        shown = "  ".join(f"{key} {found[key]}" for key in
                          ("hash", "flash", "ram", "stack", "instructions", "learning") if key in found)
        print(f"{model:12} {name:24} {shown}")
        if found["self_test"] != 0:
            failures.append(f"{name}, {model}: self-test {found['self_test']}")
        expected = hashes.setdefault(model, (name, found["hash"]))
        if expected[1] != found["hash"]:
            failures.append(f"{name}, {model}: hash {found['hash']}, of {expected[0]} {expected[1]}")
        failures += check_limits(limits, name, model, found)
    if arguments.report:
        pathlib.Path(arguments.report).write_text(json.dumps(report, indent=1) + "\n")
    if arguments.table:
        replace_table(arguments.table, "table",
                      table(report, [model for model in models if model.startswith("plain_")]))
        if all(model in report for model in ADDITIONS):
            replace_table(arguments.table, "additions", additions(report))
    print(one_hash_each(report))
    for failure in failures:
        print(f"FAILED: {failure}")
    print(f"{len(jobs) - len(failures) + unable} of {len(jobs)} programs agree")
    if not jobs and not failures:
        return 77
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
