#!/usr/bin/env python3
"""Runs the tests of the converter; exit code 77 (skipped) if its packages are not installed."""
import importlib.util
import pathlib
import subprocess
import sys

NEEDED = ("numpy", "h5py", "safetensors", "pytest")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    print(f"skipped: no Python package {', '.join(missing)}")
    sys.exit(77)
tests = pathlib.Path(__file__).parent
sys.exit(subprocess.call([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]))
